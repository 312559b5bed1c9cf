"""From a crossed line to a message: decide, deliver, and the process around both."""
