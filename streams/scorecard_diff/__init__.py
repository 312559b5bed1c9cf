"""Two scorecards compared: what they say, and what they would have done over the same events."""
