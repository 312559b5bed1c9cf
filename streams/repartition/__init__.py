"""The state of all customers, moved to another number of partitions while nobody works."""
