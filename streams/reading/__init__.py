"""Reading topics from the outside: bounded, without a group, leaving no trace on the broker."""
