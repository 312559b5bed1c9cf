"""Quix Streams: two dataframes in one application, state in RocksDB with a changelog topic."""

from pathlib import Path

from given import Milestones, given, score_change
from quixstreams import Application

from bench.job import fold, new_state

#: As often as the others commit.
COMMIT_S = 1.0
#: Without it a send that is tried again lands behind later ones: solved before opened.
IN_ORDER = {"enable.idempotence": True}


def main() -> None:
    """Work the sources off, commit, end."""
    run = given()
    app = Application(
        broker_address=run.bootstrap, consumer_group=run.run, auto_offset_reset="earliest",
        commit_interval=COMMIT_S, state_dir=Path.cwd() / "state", loglevel="WARNING",
        producer_extra_config=IN_ORDER,
    )  # fmt: skip
    raw = {"key_deserializer": "bytes", "value_deserializer": "bytes", "value_serializer": "bytes"}
    signals = app.topic(run.signals, key_serializer="str", key_deserializer="bytes")
    scores = app.topic(run.scores, key_serializer="bytes", value_serializer="bytes")
    dead = app.topic(run.dead, key_serializer="str", value_serializer="bytes")
    milestones = Milestones(run.good)

    for name in run.sources.values():

        def route(value: bytes, topic: str = name) -> tuple | bytes:
            milestones.read()
            return run.signal_of(topic, value) or value

        app.dataframe(app.topic(name, **raw)).apply(route).to_topic(
            lambda value, *_: signals if isinstance(value, tuple) else dead,
            key=lambda value: value[0] if isinstance(value, tuple) else None,
        )

    def score(signal: list, store: object) -> bytes | None:
        state = store.get("state") or new_state()
        changed = fold(state, tuple(signal), run.today)
        store.set("state", state)
        if milestones.folded():
            app.stop()
        return score_change(signal[0], state) if changed else None

    told = app.dataframe(signals).apply(score, stateful=True)
    told.filter(lambda change: change is not None).to_topic(scores)
    app.run()


if __name__ == "__main__":
    main()
