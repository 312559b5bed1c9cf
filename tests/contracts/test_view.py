"""One suite for every view: the fake, the embedded Redis and the real one."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import fakeredis
import pytest

from portfolio import NOW, customer, moved, portfolio
from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.settings import Settings
from streams.views.base import HISTORY_MAX, Applied, CursorRefused, Sort, View
from streams.views.memory_view import MemoryView
from streams.views.redis_view import RedisView, open_view

ATTENTION = (Band.RED, Band.YELLOW, Band.UNKNOWN, Band.GREEN)


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


@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_attention_lists_the_worst_first(view: View, limit: int) -> None:
    """Red, yellow, unknown, green; within a band the lowest score; then the id."""
    rows = portfolio()
    await view.apply(rows)
    expected = sorted(
        last(rows).values(),
        key=lambda row: (
            ATTENTION.index(row.health.band),
            99_999 if row.health.score is None else row.health.score,
            row.customer_id,
        ),
    )
    assert await listed(view, limit) == expected
    assert {row.health.band for row in expected} == set(Band), "the data must show every band"


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        (Sort.SCORE, lambda row: (row.health.score is None, row.health.score or 0)),
        (Sort.SCORE_DESC, lambda row: (row.health.score is None, -(row.health.score or 0))),
        (Sort.NAME, lambda row: (row.customer_name or row.customer_id).casefold()),
        (Sort.CHANGED, lambda row: -row.changed_at.timestamp()),
    ],
)
@pytest.mark.parametrize("band", [None, Band.YELLOW])
async def test_orders_across_and_within_bands(
    view: View, sort: Sort, key: Callable[[CustomerHealth], object], band: Band | None
) -> None:
    """Each order, in pages, with ties by id."""
    rows = portfolio()
    await view.apply(rows)
    expected = sorted(
        (row for row in last(rows).values() if band in (None, row.health.band)),
        key=lambda row: (key(row), row.customer_id),
    )
    assert await listed(view, sort=sort, band=band) == expected
    assert len(expected) > 7, "the data must fill more than one page"


async def test_a_page_after_a_change_repeats_and_skips_nobody_else(view: View) -> None:
    """The cursor is a place, not an offset: who moves up does not push others over the edge."""
    rng = random.Random(5)
    rows = [customer(rng, f"c{n:02d}", strength=0.9) for n in range(20)]
    await view.apply(rows)
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
