"""Scenarios: what happens to one customer in plain sentences, and what a scorecard says of it."""
