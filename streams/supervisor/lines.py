"""Output of several processes on one stream: each line says whose it is."""

import json

__all__ = ["Marked"]


class Marked:
    """Marks lines as Docker Compose does, or within the JSON object that a line is."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def line(self, name: str, line: bytes) -> bytes:
        """A line of the process ``name``; neither has its end of line."""
        if not self._as_json:
            return name.encode() + b" | " + line
        mark = b'{"process": ' + json.dumps(name).encode()
        if line.startswith(b'{"'):
            return mark + b", " + line[1:]
        # What is no log line (a traceback of the interpreter) stays readable for a machine.
        text = line.decode(errors="replace")
        return mark + b', "message": ' + json.dumps(text, ensure_ascii=False).encode() + b"}"
