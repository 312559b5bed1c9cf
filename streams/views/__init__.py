"""The read model: a port, its Redis form, and a fake with the same behaviour."""
