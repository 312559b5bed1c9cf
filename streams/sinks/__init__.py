"""Where messages go: one module per sink, behind one protocol."""
