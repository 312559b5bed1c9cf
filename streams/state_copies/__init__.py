"""Copies of the state in a file: the rows of all partitions, checked on both ways."""
