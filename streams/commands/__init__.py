"""The commands of the `vitals` command line, one module each."""
