"""From a scenario's document to a scenario that can be played, or to all that is wrong with it."""

from collections.abc import Callable, Sequence
from typing import Any

from schemas.scenario import AccountFacts, ScenarioFile
from scoring.card import Card
from streams.scenarios.arrivals import Arrival, Arrivals
from streams.scenarios.document import Document, Problem, Where, validated
from streams.scenarios.expectations import Expected, read_expectation
from streams.scenarios.judges import Wanted
from streams.scenarios.run import Scenario
from streams.scenarios.stops import Stop
from streams.scenarios.story import Silence, account_of, read_do
from streams.scenarios.times import ZoneTimes, zone_of

__all__ = ["FindCard", "load_scenario"]

#: The scorecard of a scenario, and its text; raises ``ValueError`` if there is none.
FindCard = Callable[[str | None], tuple[Card, str]]
#: Whoever reads a file from the top must not have to come back to what was expected before.
_TOO_EARLY = "happens before what is expected above it, at {}: steps stand in order of time"


def load_scenario(document: Document, find_card: FindCard) -> Scenario | list[Problem]:
    """The scenario in a document; ``find_card`` gets the name that the file gives."""
    file, found = validated(document)
    problems: list[tuple[Where, str]] = []
    try:
        times = ZoneTimes(zone_of(file.zone))
    except ValueError as error:
        problems.append((("zone",), str(error)))
        times = ZoneTimes(zone_of("UTC"))
    arrivals = _arrivals(file, times, problems)
    happened = arrivals.build()
    problems += arrivals.problems
    for silence, where, other in arrivals.broken:
        line = document.line(other)
        problems.append((where, f"{silence.words} is not silent: line {line} puts events there"))
    try:
        card, text = find_card(file.scorecard)
    except ValueError as error:
        problems.append((("scorecard",), str(error)))
        return found + _told(document, problems)
    expected = _expected(document, file, (card, times), happened, problems)
    if not (expected or found or problems):
        problems.append((("steps",), "nothing is expected: add a step with `at` and `expect`"))
    if found or problems:
        return found + _told(document, problems)
    return Scenario(
        name=file.scenario,
        path=document.path,
        line=document.line(("scenario",)),
        customer_id=file.account.id,
        card=card,
        card_text=text,
        times=times,
        arrivals=happened,
        stops=tuple(arrivals.stops),
        expected=expected,
    )


def _told(document: Document, problems: list[tuple[Where, str]]) -> list[Problem]:
    return [document.problem(where, what) for where, what in dict.fromkeys(problems)]


def _arrivals(file: ScenarioFile, times: ZoneTimes, problems: list[tuple[Where, str]]) -> Arrivals:
    """What happens: the account's first events, then each step's."""
    arrivals = Arrivals()
    account: AccountFacts | None = file.account
    customer = "unknown" if account is None else account.id
    if account is not None:
        try:
            arrivals.add(account_of(account, times), ("account",))
        except ValueError as error:
            name, _, what = str(error).partition(": ")
            problems.append((("account", name), what))
    checked_ms: int | None = None
    for index, step in enumerate(file.steps):
        if step.at is not None:
            checked_ms = _instant(step.at, times)
        if step.do is None:
            continue
        where: Where = ("steps", index, "do")
        try:
            said = read_do(step.do, customer, index + 1, times)
        except ValueError as error:
            problems.append((where, str(error)))
            continue
        if isinstance(said, Silence):
            arrivals.keep_silent(said, where)
            continue
        if isinstance(said, Stop):
            arrivals.stop(said, where)
            begins_ms = said.first_ms
        else:
            arrivals.add(said, where)
            begins_ms = said[0].heard_ms
        if checked_ms is not None and begins_ms <= checked_ms:
            problems.append((where, _TOO_EARLY.format(times.words(checked_ms))))
    return arrivals


def _instant(text: str, times: ZoneTimes) -> int | None:
    """The instant of a time; what is wrong with it is told where it is expected at."""
    try:
        return times.read_ms(text)
    except ValueError:
        return None


def _expected(
    document: Document,
    file: ScenarioFile,
    frame: tuple[Card, ZoneTimes],
    happened: Sequence[Arrival],
    problems: list[tuple[Where, str]],
) -> list[Expected]:
    """What is expected, in order of time; a file that goes back in time misleads its readers."""
    card, times = frame
    expected: list[Expected] = []
    before_ms, since = happened[0].at_ms if happened else 0, "the account is known"
    for index, step in enumerate(file.steps):
        if step.at is None or step.expect is None:
            continue
        where: Where = ("steps", index, "at")
        try:
            at_ms = times.read_ms(step.at)
        except ValueError as error:
            problems.append((where, str(error)))
            continue
        if at_ms < before_ms:
            problems.append((where, f"lies before {since}, {times.words(before_ms)}"))
        before_ms, since = max(before_ms, at_ms), "the expectation before"
        for key in step.expect:
            here: Where = ("steps", index, "expect", key)
            written = document.texts(here)
            try:
                judge = read_expectation(key, Wanted(written, card, times))
            except ValueError as error:
                problems.append((here, str(error)))
            else:
                line = document.line(here)
                expected.append(Expected(at_ms, line, key, _as_written(written), judge))
    return expected


def _as_written(written: Any) -> str:
    if isinstance(written, list):
        return ", ".join(_as_written(one) for one in written) or "none"
    if isinstance(written, dict):
        return ", ".join(f"{name}: {_as_written(one)}" for name, one in written.items())
    return str(written)
