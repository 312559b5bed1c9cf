"""What crosses a process boundary or outlives a process."""
