"""The shell: Kafka, Redis, sinks, HTTP, the command line, the clock."""
