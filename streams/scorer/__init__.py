"""The score agent: the fold over the signals log, its checkpoints, its ticks."""
