"""The HTTP API and the pages. They read the view, and nothing else."""
