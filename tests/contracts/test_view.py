"""One suite for every view: the fake, the embedded Redis and the real one."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import fakeredis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio import NOW, band_of, customer, marked, moved, portfolio, segment_of
from properties import examples
from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.clock import to_ms
from streams.settings import Settings
from streams.views.base import HISTORY_MAX, Applied, CursorRefused, Sort, View
from streams.views.memory_view import MemoryView
from streams.views.redis_view import RedisView, open_view


@pytest.fixture(
    params=["memory", "fakeredis", pytest.param("redis", marks=pytest.mark.integration)]
)
async def view(request: pytest.FixtureRequest) -> AsyncIterator[View]:
    """An empty view of each kind."""
    made: View
    if request.param == "memory":
        made = MemoryView()
    elif request.param == "fakeredis":
        client = fakeredis.FakeAsyncRedis(decode_responses=True, protocol=2)
        made = RedisView(client, "t.", "fakeredis")
    else:
        made = open_view(Settings(redis=request.getfixturevalue("redis_url"), prefix="t."))
    yield made
    await made.close()


async def listed(view: View, limit: int = 7, **query: object) -> list[CustomerHealth]:
    """All pages of a query, one after the other."""
    rows: list[CustomerHealth] = []
    cursor: str | None = None
    while True:
        page = await view.customers(limit=limit, cursor=cursor, **query)  # type: ignore[arg-type]
        assert len(page.items) <= limit
        rows += page.items
        cursor = page.next
        if cursor is None:
            return rows


def last(rows: list[CustomerHealth]) -> dict[str, CustomerHealth]:
    """What a view must hold after these rows."""
    held: dict[str, CustomerHealth] = {}
    for row in rows:
        other = held.get(row.customer_id)
        if other is None or (row.epoch, row.sequence) > (other.epoch, other.sequence):
            held[row.customer_id] = row
    return held


async def test_an_empty_view_answers_everything(view: View) -> None:
    """Nothing is held, and nothing fails."""
    assert await view.customer("nobody") is None
    assert await view.history("nobody") == []
    assert (await view.customers()).items == ()
    assert (await view.customers()).next is None
    assert await view.counts() == dict.fromkeys(Band, 0)
    assert await view.dump() == {}
    assert await view.apply([]) == []
    assert await view.remove("nobody") is False
    await view.ping()


async def test_a_row_comes_back_equal(view: View) -> None:
    """All of it, unicode and slashes in the id included."""
    row = customer(random.Random(1), "größe/ä b%2F{x}*[y]", name="Größe & Söhne <b>")
    assert await view.apply([row]) == [Applied.APPLIED]
    assert await view.customer(row.customer_id) == row
    assert await view.dump() == {row.customer_id: row}
    assert (await view.customers()).items == (row,)


async def test_a_lower_or_equal_position_changes_nothing(view: View) -> None:
    """Stale and duplicate rows leave row, rankings, counts, history and log as they were."""
    rng = random.Random(2)
    first = customer(rng, "acme", strength=0.3)
    second = moved(first, rng, strength=0.95, at=NOW)
    await view.apply([first, second])
    place = await view.position()
    history = await view.history("acme")
    other = second.model_copy(update={"because": "another body"})
    assert await view.apply([first, second, other]) == [
        Applied.STALE,
        Applied.DUPLICATE,
        Applied.DUPLICATE,
    ]
    assert await view.customer("acme") == second
    assert await view.history("acme") == history
    assert await view.position() == place
    assert (await view.counts())[second.health.band] == 1
    assert sum((await view.counts()).values()) == 1
    assert await view.problems() == []


async def test_a_new_epoch_wins_over_any_sequence(view: View) -> None:
    """A customer whose state began anew is not silenced by its old sequence numbers."""
    rng = random.Random(3)
    old = customer(rng, "acme", epoch=10, sequence=900)
    new = customer(rng, "acme", epoch=11, sequence=1)
    assert await view.apply([old, new, old]) == [Applied.APPLIED, Applied.APPLIED, Applied.STALE]
    assert await view.customer("acme") == new


async def test_history_is_newest_first_and_bounded(view: View) -> None:
    """The current score is its first point; the oldest fall off."""
    rng = random.Random(4)
    rows = [customer(rng, "acme", sequence=n) for n in range(1, HISTORY_MAX + 3)]
    await view.apply(rows)
    history = await view.history("acme", HISTORY_MAX * 2)
    assert [point.sequence for point in history] == list(range(HISTORY_MAX + 2, 2, -1))
    assert [point.sequence for point in await view.history("acme", 2)] == [502, 501]
    assert await view.history("acme", 0) == []


def weight(row: CustomerHealth, at: datetime) -> int:
    """Risk x value x closeness as docs/view.md states them, in another way than the view does."""
    health, facts = row.health, row.attributes
    if not health.contributions:
        risk = 100
    elif health.score is None:
        risk = 4_000
    else:
        risk = 100 if health.score > 9_900 else 10_000 - health.score
    if health.contributions and health.band is Band.RED and health.overrides and risk < 7_500:
        risk = 7_500
    paid = Fraction(int(facts.get("mrr_reporting_minor", 10_000)), 100)
    x, doublings = Fraction(1 + max(0, int(paid))), 0
    while x >= 2:
        x, doublings = x / 2, doublings + 1
    value = int(1024 * (doublings + x))
    closeness = Fraction(1, 4)
    if "renewal_at" in facts:
        left = datetime.fromisoformat(str(facts["renewal_at"])) - at
        days = math.ceil(left / timedelta(days=1))
        if days >= -30:
            closeness = max(closeness, 1 - Fraction(3, 4) * max(days, 0) / 300)
    found = risk * value * closeness * 10_000
    assert found.denominator == 1
    return int(found)


def by_attention(rows: Iterable[CustomerHealth], at: datetime = NOW) -> list[CustomerHealth]:
    """Open, handled, not pursued; in each the greatest weight first; then the id."""
    return sorted(
        rows,
        key=lambda row: (
            2 if row.health.not_pursued else 1 if row.health.handled else 0,
            -weight(row, at),
            row.customer_id,
        ),
    )


async def refreshed(view: View, at: datetime = NOW) -> None:
    """Refresh until nothing is due, in small steps."""
    for _ in range(10_000):
        if await view.refresh(to_ms(at), 50) < 50:
            return
    raise AssertionError("a refresh never ended")


async def test_a21_attention_is_risk_times_value_times_closeness(view: View) -> None:
    """The greatest first; those handled come after all others, those not pursued after them."""
    rows = portfolio()
    worst = by_attention(last(rows).values())
    rows += [marked(worst[0], handled="Called"), marked(worst[1], not_pursued="Merged")]
    await view.apply(rows)
    await refreshed(view)
    expected = by_attention(last(rows).values())
    for limit in (1, 7, 500):
        assert await listed(view, limit) == expected, f"in pages of {limit}"
    assert [row.customer_id for row in expected[-2:]] == [row.customer_id for row in worst[:2]]
    assert {row.health.band for row in expected} == set(Band), "the data must show every band"
    assert await view.problems() == []


async def test_a21_not_pursued_leaves_the_list_and_can_be_asked_for(view: View) -> None:
    """In every order, and in the counts; and comes back when the mark ends."""
    rng = random.Random(15)
    rows = [customer(rng, f"c{n}", strength=0.5) for n in range(6)]
    left = marked(rows[2], not_pursued="Beyond saving")
    await view.apply([*rows, left])
    for sort in Sort:
        assert [row.customer_id for row in await listed(view, sort=sort, pursued=False)] == ["c2"]
        some = {row.customer_id for row in await listed(view, sort=sort, pursued=True)}
        assert some == {"c0", "c1", "c3", "c4", "c5"}
        assert len(await listed(view, sort=sort)) == 6
    assert sum((await view.counts()).values()) == 6
    assert sum((await view.counts(pursued=True)).values()) == 5
    assert (await view.counts(pursued=False))[left.health.band] == 1
    await view.apply([marked(left)])
    assert len(await listed(view, pursued=True)) == 6
    assert await view.problems() == []


async def test_a21_days_pass_and_the_order_follows_without_an_event(view: View) -> None:
    """Only those whose step changed are ranked anew; at a step's very instant, not before."""
    rng = random.Random(16)
    far = customer(rng, "far", strength=0.5, renewal_days=299)
    near = customer(rng, "near", strength=0.5, renewal_days=40)
    far = far.model_copy(update={"health": near.health})
    none = near.model_copy(update={"customer_id": "none", "attributes": {"mrr_reporting_minor": 1}})
    await view.apply([far, near, none])
    assert await view.refresh(to_ms(NOW)) == 0, "a row is ranked as of its change"
    day = timedelta(days=1)
    assert await view.refresh(to_ms(NOW + day) - 1) == 0
    assert await view.refresh(to_ms(NOW + day), 1) == 1
    assert await view.refresh(to_ms(NOW + day), 1) == 1
    assert await view.refresh(to_ms(NOW + day), 1) == 0
    assert [row.customer_id for row in await listed(view)] == ["near", "far", "none"]
    # The renewal of `near` is long past, nobody said how it went: as good as unknown.
    for days in (40, 70, 71, 299):
        at = NOW + timedelta(days=days)
        await refreshed(view, at)
        assert await listed(view) == by_attention([far, near, none], at)
        assert await view.problems() == []
    assert [row.customer_id for row in await listed(view)] == ["far", "near", "none"]
    await refreshed(view, NOW + timedelta(days=330))
    assert await view.refresh(to_ms(NOW + timedelta(days=9_000))) == 0, "nothing is due any more"


async def test_a23_a_percentile_needs_twenty_and_counts_within_the_segment(view: View) -> None:
    """19 have none, 20 have; a customer without a score counts for nothing."""
    rng = random.Random(17)
    rows = [
        with_score(customer(rng, f"c{n:02d}", mrr_minor=900_000 if n % 2 else 100_000), 100 * n)
        for n in range(19)
    ]
    unknown = customer(rng, "unknown", missing=9)
    await view.apply([*rows, unknown])
    found = await view.percentiles([rows[0], unknown])
    assert [(one.portfolio, one.n) for one in found] == [(None, 19), (None, 19)]
    rows.append(with_score(customer(rng, "c19", mrr_minor=900_000), 1900))
    await view.apply([rows[-1]])
    found = await view.percentiles([*rows, unknown])
    assert [found[0].portfolio, found[19].portfolio, found[20].portfolio] == [1, 100, None]
    assert {one.n for one in found} == {20}
    assert [one.segment for one in found] == [None] * 21
    assert [one.segment_n for one in found[:2]] == [10, 10]
    assert await view.percentiles([]) == []


async def test_a23_segments_are_counted_and_filter_every_order(view: View) -> None:
    """With their labels, the largest first; a segment that nobody is in is gone."""
    rows = portfolio()
    await view.apply(rows)
    held = last(rows)
    sizes = Counter(row.health.segment.name for row in held.values() if row.health.segment)
    expected = sorted(sizes.items(), key=lambda each: (-each[1], each[0]))
    assert [(one.name, one.customers) for one in await view.segments()] == expected
    assert {one.label for one in await view.segments()} == {"Small", "Growth", "Enterprise"}
    for sort in Sort:
        some = await listed(view, sort=sort, segment="growth")
        every = await listed(view, sort=sort)
        assert some == [row for row in every if row.health.segment == segment_of(260_000)]
    green = (await view.counts(segment="growth"))[Band.GREEN]
    assert len(await listed(view, segment="growth", band=Band.GREEN)) == green > 0
    assert await listed(view, segment="nobody") == []
    for row in held.values():
        if row.health.segment == segment_of(260_000):
            there = row.health.model_copy(update={"segment": segment_of(900_000)})
            change = {"sequence": row.sequence + 1, "health": there}
            await view.apply([row.model_copy(update=change)])
    assert [one.name for one in await view.segments()] == ["enterprise", "small"]
    assert await listed(view, segment="growth") == []
    assert await view.problems() == []


def with_score(row: CustomerHealth, score: int) -> CustomerHealth:
    """The same customer with this score."""
    health = row.health.model_copy(update={"score": score, "band": band_of(score)})
    return row.model_copy(update={"health": health})


def standing(score: int, scores: list[int]) -> int | None:
    """A percentile from the definition: the mean place among those with the same score."""
    if len(scores) < 20:
        return None
    places = [place for place, other in enumerate(sorted(scores)) if other == score]
    return 1 + math.floor(Fraction(99 * sum(places), len(places) * (len(scores) - 1)))


IDS = [f"c{n:02d}" for n in range(30)]
STEPS = st.one_of(
    st.tuples(
        st.just("apply"),
        st.sampled_from(IDS),
        st.one_of(st.none(), st.integers(0, 8), st.integers(0, 10_000)),
        st.sampled_from([0, 120_000, 260_000, 900_000, None]),
        st.integers(-40, 330),
        st.sampled_from(["", "handled", "not_pursued", "both"]),
        st.booleans(),
    ),
    st.tuples(st.just("remove"), st.sampled_from(IDS)),
    st.tuples(st.just("refresh"), st.integers(0, 30)),
)


def stepped(held: CustomerHealth | None, step: tuple[Any, ...], at: datetime) -> CustomerHealth:
    """The next row of a customer, as a step draws it."""
    _, customer_id, score, mrr_minor, days, marks, dateless = step
    rng = random.Random(0)
    row = customer(rng, customer_id, mrr_minor=mrr_minor or 0, renewal_days=days, at=at)
    row = row.model_copy(update={"sequence": held.sequence if held else 0})
    health = row.health.model_copy(update={"score": score, "band": band_of(score)})
    if mrr_minor is None:
        row.attributes.pop("mrr_reporting_minor")
        health = health.model_copy(update={"segment": None})
    if dateless:
        row.attributes.pop("renewal_at")
    row = row.model_copy(update={"health": health})
    words = {"": (), "both": ("handled", "not_pursued")}.get(marks, (marks,))
    return marked(row, **dict.fromkeys(words, "r"))


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(everybody=st.booleans(), steps=st.lists(STEPS, min_size=1, max_size=60))
async def test_a21_a23_kept_incrementally_equals_computed_anew(
    view: View, everybody: bool, steps: list[tuple[Any, ...]]
) -> None:
    """Percentiles, attention, segments, counts: after any changes, removals, refreshes."""
    await view.clear()
    held: dict[str, CustomerHealth] = {}
    at = NOW
    if everybody:  # else few groups would reach 20
        for n, customer_id in enumerate(IDS):
            step = ("apply", customer_id, 400 * (n % 9), 900_000, n, "", False)
            held[customer_id] = stepped(None, step, at)
        await view.apply(list(held.values()))
    for step in steps:
        if step[0] == "apply":
            row = stepped(held.get(step[1]), step, at)
            held[step[1]] = row
            assert await view.apply([row]) == [Applied.APPLIED]
        elif step[0] == "remove":
            assert await view.remove(step[1]) is (held.pop(step[1], None) is not None)
        else:
            at += timedelta(days=step[1], hours=5)
            await refreshed(view, at)
    await refreshed(view, at)
    rows = list(held.values())
    assert await listed(view) == by_attention(rows, at)
    for segment in ("small", "growth", "enterprise"):
        group = [row for row in rows if row.health.segment and row.health.segment.name == segment]
        assert await listed(view, segment=segment) == by_attention(group, at)
    scores = [row.health.score for row in rows if row.health.score is not None]
    for row, found in zip(rows, await view.percentiles(rows), strict=True):
        within = [
            other.health.score
            for other in rows
            if other.health.score is not None
            and row.health.segment is not None
            and other.health.segment == row.health.segment
        ]
        assert (found.n, found.segment_n) == (len(scores), len(within))
        score = row.health.score
        expected = (None, None) if score is None else (standing(score, scores), None)
        if score is not None and within:
            expected = (expected[0], standing(score, within))
        assert (found.portfolio, found.segment) == expected
    assert await view.problems() == []


ORDERS: dict[Sort, Callable[[CustomerHealth], object]] = {
    Sort.SCORE: lambda row: (row.health.score is None, row.health.score or 0),
    Sort.SCORE_DESC: lambda row: (row.health.score is None, -(row.health.score or 0)),
    Sort.NAME: lambda row: (row.customer_name or row.customer_id).casefold(),
    Sort.CHANGED: lambda row: -row.changed_at.timestamp(),
}


async def test_orders_across_and_within_bands(view: View) -> None:
    """Each order, in pages, with ties by id. One view for all: to fill a fake Redis takes long."""
    rows = portfolio()
    await view.apply(rows)
    for sort, key in ORDERS.items():
        for band in (None, Band.YELLOW):
            expected = sorted(
                (row for row in last(rows).values() if band in (None, row.health.band)),
                key=lambda row: (key(row), row.customer_id),
            )
            assert await listed(view, sort=sort, band=band) == expected, (sort, band)
            assert len(expected) > 7, "the data must fill more than one page"


async def test_a_page_after_a_change_repeats_and_skips_nobody_else(view: View) -> None:
    """The cursor is a place, not an offset: who moves up does not push others over the edge."""
    rng = random.Random(5)
    rows = [customer(rng, f"c{n:02d}", strength=0.9) for n in range(20)]
    await view.apply(rows)
    await refreshed(view)
    page = await view.customers(limit=10)
    rest = {row.customer_id for row in rows} - {row.customer_id for row in page.items}
    mover = next(row for row in rows if row.customer_id in rest)
    await view.apply([moved(mover, rng, strength=0.05, at=NOW)])
    second = await view.customers(limit=50, cursor=page.next)
    assert {row.customer_id for row in second.items} == rest - {mover.customer_id}


async def test_search_looks_into_name_id_and_owner_without_case(view: View) -> None:
    """Part of a word is enough; a place in another field is not confused."""
    rng = random.Random(6)
    await view.apply(
        [
            customer(rng, "a-1", name="Große Werke", owner="Dana"),
            customer(rng, "b-2", name="Copper Foods", owner="Aiko"),
            customer(rng, "GROSS-3", name=None, owner="Aiko"),
        ]
    )

    async def ids(search: str) -> set[str]:
        return {row.customer_id for row in await listed(view, 1, search=search)}

    assert await ids("gross") == {"a-1", "GROSS-3"}
    assert await ids("  AIKO ") == {"b-2", "GROSS-3"}
    assert await ids("copper") == {"b-2"}
    assert await ids("nothing like it") == set()
    assert await ids("") == {"a-1", "b-2", "GROSS-3"}


@pytest.mark.parametrize("cursor", ["x", "!!", "bm90aGluZw", "é"])
async def test_a_damaged_cursor_is_refused(view: View, cursor: str) -> None:
    """With words, not with a wrong page."""
    with pytest.raises(CursorRefused):
        await view.customers(cursor=cursor)


async def test_a_cursor_of_another_order_is_refused(view: View) -> None:
    """Its place means nothing there."""
    await view.apply(portfolio(count=5))
    page = await view.customers(limit=2, sort=Sort.NAME)
    with pytest.raises(CursorRefused):
        await view.customers(cursor=page.next, sort=Sort.CHANGED)


async def test_counts_follow_every_move_between_bands(view: View) -> None:
    """A customer is counted once, in the band it is in."""
    rows = portfolio()
    for row in rows:
        await view.apply([row])
    expected = dict.fromkeys(Band, 0)
    for row in last(rows).values():
        expected[row.health.band] += 1
    assert await view.counts() == expected
    assert await view.problems() == []


async def test_remove_forgets_one_customer_whole(view: View) -> None:
    """History too; and the customer may come again."""
    rng = random.Random(7)
    rows = [customer(rng, "a", strength=0.2), customer(rng, "b", strength=0.2)]
    await view.apply(rows)
    assert await view.remove("a") is True
    assert await view.customer("a") is None
    assert await view.history("a") == []
    assert await listed(view) == [rows[1]]
    assert sum((await view.counts()).values()) == 1
    assert await view.problems() == []
    assert await view.apply([rows[0]]) == [Applied.APPLIED]


async def test_clear_forgets_all_and_a_rebuild_restores_the_same(view: View) -> None:
    """After it, the same rows are applied, not taken for duplicates."""
    rows = portfolio(count=30)
    await view.apply(rows)
    before = await view.dump()
    listing = await listed(view)
    await view.clear()
    assert await view.dump() == {}
    assert await listed(view) == []
    assert sum((await view.counts()).values()) == 0
    assert set(await view.apply(list(before.values()))) == {Applied.APPLIED}
    assert await view.dump() == before
    assert await listed(view) == listing
    assert await view.problems() == []


async def test_changes_tell_each_customer_once_a_batch_at_its_newest(view: View) -> None:
    """From a known place on, nothing is missed."""
    rng = random.Random(8)
    place = await view.position()
    first = customer(rng, "a")
    second = moved(first, rng, strength=0.4, at=NOW)
    other = customer(rng, "b")
    await view.apply([first, other, second])
    stream = view.changes(place, wait_s=0.05)
    batch = await anext(stream)
    assert [change.customer for change in batch] == [other, second]
    assert batch[-1].id == await view.position()
    assert await anext(stream) == []
    # Again from the place of the first one: only what came after it.
    assert [c.customer for c in await anext(view.changes(batch[0].id, wait_s=0.05))] == [second]


async def test_changes_wake_a_reader_that_waits(view: View) -> None:
    """Without a place, it begins now."""
    rng = random.Random(9)
    await view.apply([customer(rng, "before")])
    stream = view.changes(wait_s=3.0)
    waiting = asyncio.ensure_future(anext(stream))
    row = customer(rng, "after")
    while not waiting.done():
        row = row.model_copy(update={"sequence": row.sequence + 1})
        await view.apply([row])
        await asyncio.wait([waiting], timeout=0.02)
    assert [change.customer and change.customer.customer_id for change in waiting.result()] == [
        "after"
    ]


@pytest.mark.parametrize("place", ["99999999999999-0", "not a place", "5-5-5"])
async def test_changes_from_a_place_that_is_not_held_say_read_again(view: View, place: str) -> None:
    """A viewer from before a flush, or with a broken id."""
    await view.apply([customer(random.Random(10), "a")])
    batch = await anext(view.changes(place, wait_s=0.05))
    assert [change.customer for change in batch] == [None]


async def test_clear_tells_viewers_to_read_again(view: View) -> None:
    """What they show is gone."""
    rng = random.Random(11)
    await view.apply([customer(rng, "a")])
    place = await view.position()
    await view.apply([customer(rng, "b")])
    await view.clear()
    await view.apply([row := customer(rng, "c")])
    changes = await anext(view.changes(place, wait_s=0.05))
    assert [change.customer for change in changes] == [None, row]


async def test_many_rows_at_once(view: View) -> None:
    """More than one round trip's worth, some of them twice."""
    rng = random.Random(12)
    model = customer(rng, "x")
    rows = [
        model.model_copy(
            update={"customer_id": f"c{n:04d}", "changed_at": NOW + timedelta(seconds=n)}
        )
        for n in range(1203)
    ]
    answers = await view.apply([*rows, *rows[:5]])
    assert list(answers) == [Applied.APPLIED] * 1203 + [Applied.DUPLICATE] * 5
    assert len(await listed(view, 500, sort=Sort.CHANGED)) == 1203
    assert [row.customer_id for row in await listed(view, 50, search="C120")] == [
        "c1200",
        "c1201",
        "c1202",
    ]
