"""The demonstration: a simulated company on an embedded broker, scored by the real processes."""
