"""Examines an installation: each finding says what was found, and what to do about it."""
