"""Several worker processes as one: started, told apart, asked for their health, ended together."""
