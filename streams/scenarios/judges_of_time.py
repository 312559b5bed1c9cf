"""Judges of what happened since the expectation before, of what stands still, what comes next."""

from streams.scenarios.figures import MICRO, number, read_range
from streams.scenarios.judges import BANDS, NONE, Judge, Wanted, known_only, one_of, whole_second
from streams.scenarios.moment import Moment

__all__ = ["of_frozen", "of_messages", "of_next_change", "of_operator_notes", "of_transitions"]


def of_transitions(wanted: Wanted) -> Judge:
    """The colours crossed since the expectation before, just these."""
    crossings = [_crossing(one) for one in wanted.items]

    def judge(moment: Moment) -> str | None:
        found = [f"{crossing.before} -> {crossing.after}" for crossing in moment.crossings]
        return None if found == crossings else ", ".join(found) or "none"

    return judge


def _crossing(text: str) -> str:
    before, arrow, after = text.replace("→", "->").partition("->")
    if not arrow:
        raise ValueError(f"expected a crossing such as green -> yellow, got {text!r}")
    return f"{one_of(before.strip(), BANDS)} -> {one_of(after.strip(), BANDS)}"


def of_messages(wanted: Wanted) -> Judge:
    """How many of the crossings somebody would be told about."""
    bounds = read_range(wanted.text, number, down=True)

    def judge(moment: Moment) -> str | None:
        found = sum(crossing.told for crossing in moment.crossings)
        return None if bounds.holds(found * MICRO) else str(found)

    return judge


def of_frozen(wanted: Wanted) -> Judge:
    """The groups with measures that keep their value while a source is silent, just these."""
    names = wanted.items
    known_only(names, wanted.card.groups, "group")

    def judge(moment: Moment) -> str | None:
        return None if set(names) == set(moment.frozen) else ", ".join(moment.frozen) or "none"

    return judge


def of_operator_notes(wanted: Wanted) -> Judge:
    """How many sources were declared stopped."""
    bounds = read_range(wanted.text, number, down=True)

    def judge(moment: Moment) -> str | None:
        return None if bounds.holds(moment.stopped * MICRO) else str(moment.stopped)

    return judge


def of_next_change(wanted: Wanted) -> Judge:
    """When the score can change next if nothing happens."""
    wanted_ms = None if wanted.text in NONE else wanted.times.read_ms(wanted.text)

    def judge(moment: Moment) -> str | None:
        found = moment.next_ms
        if wanted_ms == (None if found is None else whole_second(found)):
            return None
        return "none" if found is None else wanted.times.words(found)

    return judge
