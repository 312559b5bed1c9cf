"""The peers in Python, each a script beside this file, and where their state is read."""

import json
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.contenders import Stand, last_values
from bench.peers.children import HERE, Peer, Rows
from servers.process import MissingPart

__all__ = ["bytewax", "faust", "quix"]

#: Quix Streams asks for an older confluent-kafka than ours: an environment of their own.
PYTHON = Path(__file__).resolve().parents[3] / ".venv-bench" / "bin" / "python"


def faust() -> Peer:
    """Faust as it is, in our own environment: agents, a table, an event at a time."""

    def rows(stand: Stand, run: str, folder: Path) -> Rows:
        return _of_json(last_values(stand.bootstrap, f"{run}-customers-changelog"))

    return Peer("faust", 1_000, [sys.executable, str(HERE / "stock_faust.py")], rows)


def quix() -> Peer:
    """Quix Streams: a stateful application, RocksDB with a changelog topic."""

    def rows(stand: Stand, run: str, folder: Path) -> Rows:
        topic = f"changelog__{run}--{run}.signals--default"
        return _of_json(
            (key.partition(b"|")[0], value) for key, value in last_values(stand.bootstrap, topic)
        )

    return Peer(
        "quix", 8_000, [str(PYTHON), str(HERE / "quix_streams.py")], rows,
        lambda _: _require("quixstreams"),
    )  # fmt: skip


def bytewax() -> Peer:
    """Bytewax: a dataflow with snapshots in SQLite, since it knows no changelog topic."""
    return Peer(
        "bytewax", 6_000, [str(PYTHON), str(HERE / "bytewax_flow.py")],
        lambda stand, run, folder: _of_snapshots(folder / "snapshots"),
        lambda _: _require("bytewax"),
    )  # fmt: skip


def _require(module: str) -> None:
    how = "`make bench` installs it into .venv-bench (dependency group `bench`)."
    if not PYTHON.is_file():
        raise MissingPart(module, how)
    done = subprocess.run(
        [str(PYTHON), "-c", f"import {module}"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise MissingPart(module, f"{how} {done.stderr.strip().splitlines()[-1]}")


def _of_json(values: Iterator[tuple[bytes, bytes]]) -> Rows:
    for key, value in values:
        state = json.loads(value)
        yield key.decode(), state["score"], state["band"]


def _of_snapshots(folder: Path) -> Rows:
    last = """
        SELECT state_key, ser_change, MAX(snap_epoch) FROM snaps
        WHERE step_id LIKE '%score%' GROUP BY state_key
    """
    for path in folder.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as snapshots:
            for key, change, _ in snapshots.execute(last):
                state = pickle.loads(change)
                yield key, state["score"], state["band"]
