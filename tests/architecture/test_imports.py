"""Importing does nothing: no process, no connection, no file, no output."""

import subprocess
import sys
import textwrap
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

EFFECTS = textwrap.dedent(
    """
    import importlib, os, pkgutil, sys, threading

    NOTED = {"os.mkdir", "os.system", "socket.bind", "socket.connect", "subprocess.Popen"}

    def watch(event, arguments):
        if not watching:
            return
        if event in NOTED:
            print(name, event, *arguments[:1])
        elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            print(name, "writes", arguments[0])

    roots = ("schemas", "scoring", "streams")
    names = [m.name for r in roots for m in pkgutil.walk_packages([r], r + ".")]
    sys.dont_write_bytecode = True
    sys.addaudithook(watch)
    # Twice: what the libraries do when they are imported, they have done by the second time.
    for watching in (False, True):
        for name in [n for n in sys.modules if n.partition(".")[0] in roots]:
            del sys.modules[name]
        before = set(threading.enumerate())
        for name in names:
            importlib.import_module(name)
    for thread in set(threading.enumerate()) - before:
        print("left a thread:", thread.name)
    sys.exit(0 if len(names) > 20 else "found only " + str(names))
    """
)


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_every_module_has_no_effect() -> None:
    """A test, a worker and ``--help`` can import anything without waking anything."""
    assert _python(EFFECTS) == ""


def test_the_command_line_loads_no_engine_for_its_help() -> None:
    """``vitals --help`` must not wait for Faust, pydantic or the network clients."""
    heavy = ("faust", "aiokafka", "confluent_kafka", "fastapi", "pydantic", "redis")
    code = f"import sys, streams.__main__; print([n for n in {heavy} if n in sys.modules])"
    assert _python(code).strip() == "[]"
