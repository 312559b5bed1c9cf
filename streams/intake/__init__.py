"""Intake: from source topics to the signals log."""
