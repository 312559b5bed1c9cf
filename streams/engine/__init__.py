"""The stream engine: Faust with chunked delivery, awaited durable writes, and ownership checks."""
