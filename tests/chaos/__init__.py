"""Kill anything, at any time, and look at what is left: the harness behind ``make chaos``."""
