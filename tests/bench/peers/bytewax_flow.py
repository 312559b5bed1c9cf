"""Bytewax: a dataflow of two hops; its state is kept in snapshots, ten seconds apart by default."""

from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage, KafkaSource
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main
from given import Milestones, given, packed, score_change, unpacked

from bench.job import fold, new_state

#: As often as the others commit.
EPOCH = timedelta(seconds=1)
#: Without it a send that is tried again lands behind later ones: solved before opened.
IN_ORDER = {"enable.idempotence": "true"}


def main() -> None:
    """Work the sources off, take the last snapshots, end."""
    run = given()
    milestones = Milestones(run.good)

    class Ending(KafkaSource):
        """A source that ends once everything is folded; a dataflow ends with its sources."""

        def build_part(self, *arguments: object) -> object:
            part = super().build_part(*arguments)
            read = part.next_batch

            def next_batch() -> object:
                if milestones.left <= 0:
                    raise StopIteration
                return read()

            part.next_batch = next_batch
            return part

    def source(topics: list[str]) -> Ending:
        return Ending([run.bootstrap], topics)

    def route(record: object) -> tuple[bool, KafkaSinkMessage]:
        milestones.read()
        signal = run.signal_of(record.topic, record.value)
        if signal is None:
            return False, KafkaSinkMessage(None, record.value)
        return True, KafkaSinkMessage(signal[0].encode(), packed(signal))

    def score(state: dict | None, signal: tuple) -> tuple[dict, KafkaSinkMessage | None]:
        state = state or new_state()
        told = None
        if fold(state, signal, run.today):
            told = KafkaSinkMessage(signal[0].encode(), score_change(signal[0], state))
        milestones.folded()
        return state, told

    flow = Dataflow("bench")
    records = op.input("sources", flow, source([*run.sources.values()]))
    routed = op.branch("routed", op.map("route", records, route), lambda pair: pair[0])
    brokers = [run.bootstrap]
    kop.output(
        "signals",
        op.map("good", routed.trues, lambda p: p[1]),
        brokers=brokers,
        topic=run.signals,
        add_config=IN_ORDER,
    )
    kop.output(
        "dead",
        op.map("bad", routed.falses, lambda p: p[1]),
        brokers=brokers,
        topic=run.dead,
        add_config=IN_ORDER,
    )
    arrived = op.map(
        "unpacked", op.input("signals_in", flow, source([run.signals])),
        lambda record: ((signal := unpacked(record.value))[0], signal),
    )  # fmt: skip
    changes = op.filter_map("told", op.stateful_map("score", arrived, score), lambda pair: pair[1])
    kop.output("scores", changes, brokers=brokers, topic=run.scores, add_config=IN_ORDER)

    folder = Path("snapshots")
    folder.mkdir()
    init_db_dir(folder, 1)
    cli_main(flow, epoch_interval=EPOCH, recovery_config=RecoveryConfig(folder))


if __name__ == "__main__":
    main()
