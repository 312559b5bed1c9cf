"""What only the real Redis can show: the script, its keys, its failures."""

import random
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.crc import key_slot

from portfolio import NOW, customer, moved
from properties import examples
from schemas.views import CustomerHealth
from servers.redis_server import RedisServer
from streams.clock import to_ms
from streams.exits import Exit, NamedExit
from streams.settings import Settings
from streams.views.attention import attention_of
from streams.views.base import Applied, Sort, View, ViewUnavailable
from streams.views.memory_view import MemoryView
from streams.views.redis_client import connect, safe_url
from streams.views.redis_view import RedisView, _rerank, open_view

real = pytest.mark.integration


@pytest.fixture
async def view(redis_url: str) -> AsyncIterator[RedisView]:
    """An empty view in the real Redis."""
    made = open_view(Settings(redis=redis_url, prefix="t."))
    yield made
    await made.close()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A plain client beside the view."""
    made = Redis.from_url(redis_url, decode_responses=True, protocol=2)
    yield made
    await made.aclose()


async def state(view: View) -> dict[str, object]:
    """Everything a reader can see."""
    rows = await view.dump()
    return {
        "rows": rows,
        "counts": await view.counts(),
        "histories": {each: await view.history(each) for each in rows},
        "listings": {sort: (await view.customers(limit=500, sort=sort)).items for sort in Sort},
        "segments": list(await view.segments()),
        "percentiles": list(await view.percentiles(list(rows.values()))),
        "problems": list(await view.problems()),
    }


def versions(seed: int) -> list[CustomerHealth]:
    """Four customers, two epochs, three changes in each, in order."""
    rng = random.Random(seed)
    rows = []
    for customer_id in ("a", "b/ö", "c", "d"):
        for epoch in (10, 11):
            row = customer(rng, customer_id, epoch=epoch, strength=rng.random())
            rows.append(row)
            for _ in range(2):
                row = moved(row, rng, strength=rng.random(), at=NOW)
                rows.append(row)
    return rows


ROWS = versions(21)


@real
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.sampled_from(ROWS), max_size=8), max_size=6))
async def test_any_order_and_repetition_ends_like_the_fake(
    redis_url: str, batches: list[list[CustomerHealth]]
) -> None:
    """The script against the fake, step by step; then the greatest position of each wins."""
    real_view, fake = open_view(Settings(redis=redis_url, prefix="p.")), MemoryView()
    try:
        await real_view.clear()
        for batch in batches:
            assert list(await real_view.apply(batch)) == list(await fake.apply(batch))
        assert await state(real_view) == await state(fake)
        given_rows = [row for batch in batches for row in batch]
        for customer_id, held in (await real_view.dump()).items():
            newest = max(
                (row for row in given_rows if row.customer_id == customer_id),
                key=lambda row: (row.epoch, row.sequence),
            )
            assert held == newest
        # All of it once more, in order: nothing moves.
        before = await state(real_view)
        answers = await real_view.apply(given_rows)
        assert Applied.APPLIED not in answers
        assert await state(real_view) == before
    finally:
        await real_view.close()


@real
async def test_all_keys_share_a_slot_and_the_prefix(view: RedisView, client: Redis) -> None:
    """So that one script may touch them in Redis Cluster, and an ACL can name them."""
    await view.apply([customer(random.Random(1), each) for each in ("a", "{b}", "c}{")])
    keys = [str(key) async for key in client.scan_iter()]
    # Two a customer; findable, changes, segments, due; 5 rankings and the scores, for all and
    # for the one segment.
    assert len(keys) == 3 * 2 + 4 + 2 * 6
    assert all(key.startswith("t.vitals:") for key in keys)
    assert len({key_slot(key.encode()) for key in keys}) == 1
    other = RedisView(client, "other.", "")
    assert key_slot(other.keys.base.encode()) != key_slot(view.keys.base.encode())


@real
async def test_a_forgotten_script_is_loaded_again(view: RedisView, client: Redis) -> None:
    """As after a restart of Redis."""
    rng = random.Random(2)
    assert await view.apply([customer(rng, "a")]) == [Applied.APPLIED]
    await client.script_flush()
    assert await view.apply([customer(rng, "b"), customer(rng, "c")]) == [Applied.APPLIED] * 2
    assert await view.problems() == []


@real
async def test_clear_leaves_other_keys_alone_and_none_of_its_own(
    view: RedisView, client: Redis
) -> None:
    """One Redis may serve several environments and other applications."""
    rng = random.Random(3)
    neighbour = RedisView(client, "u.", "")
    await neighbour.apply([customer(rng, "n")])
    await client.set("unrelated", "1")
    await view.apply([customer(rng, f"c{n}") for n in range(30)])
    await client.zadd(f"{view.keys.base}rank:worst", {"0000000ghost": 0})
    assert await view.problems() == ["ghost: ranking worst has '0000000ghost'"]
    await view.clear()
    assert [key async for key in client.scan_iter(f"{view.keys.base}*")] == [
        f"{view.keys.base}changes"
    ]
    assert await client.get("unrelated") == "1"
    assert set(await neighbour.dump()) == {"n"}


@real
async def test_problems_names_what_contradicts_itself(view: RedisView, client: Redis) -> None:
    """A ranking that lost a customer, and one that kept an old place."""
    row = customer(random.Random(4), "acme")
    await view.apply([row])
    (member,) = await client.zrange(f"{view.keys.base}rank:changed", 0, -1)
    await client.zrem(f"{view.keys.base}rank:changed", member)
    await client.zadd(f"{view.keys.base}scored:small", {"acme": 17})
    await client.zrem(f"{view.keys.base}due", "acme")
    await client.hset(f"{view.keys.base}segments", "ghosts", "Ghosts")
    due = attention_of(row, to_ms(row.changed_at)).next_ms
    assert await view.problems() == [
        "ghosts: segments has 'ghosts'",
        f"acme: ranking changed lacks {member!r}",
        f"acme: scores of segment small lacks ('acme', {row.health.score})",
        "acme: scores of segment small has ('acme', 17)",
        f"acme: due order lacks ('acme', {due})",
    ]


@real
async def test_what_an_older_release_wrote_is_named_and_written_anew(
    view: RedisView, client: Redis
) -> None:
    """Verify says so; a change heals its customer; clear leaves none of it."""
    rng = random.Random(41)
    rows = [customer(rng, "acme", strength=0.2), customer(rng, "beta", strength=0.9)]
    keys = view.keys
    for row in rows:
        band = ("red", "yellow", "unknown", "green").index(row.health.band)
        member = f"{band}{row.health.score:05d}{row.customer_id}"
        old = {"epoch": row.epoch, "sequence": row.sequence, "row": row.model_dump_json()}
        await client.hset(keys.customer(row.customer_id), mapping={**old, "member1": member})
        await client.zadd(f"{keys.base}rank:worst", {member: 0})
        await client.hset(keys.findable, row.customer_id, row.customer_id)
    problems = await view.problems()
    assert any(line.startswith("acme: ranking attention lacks ") for line in problems)
    assert any(line.startswith("beta: scores lacks ") for line in problems)
    await view.apply([moved(rows[0], rng, strength=0.3, at=NOW)])
    assert [line for line in await view.problems() if "acme" in line] == []
    assert [row.customer_id for row in (await view.customers()).items] == ["acme"]
    await view.clear()
    assert [key async for key in client.scan_iter(f"{keys.base}*")] == [keys.changes]
    await view.apply(rows)
    assert await view.problems() == []


@real
async def test_a_due_customer_that_is_gone_does_not_hold_up_a_refresh(
    view: RedisView, client: Redis
) -> None:
    """Its entry outlived its row, as after an eviction: it is dropped."""
    await client.zadd(view.keys.due, {"ghost": 1})
    assert await view.refresh(10) == 1
    assert await view.refresh(10) == 0


@real
async def test_a_rerank_of_an_outdated_row_changes_nothing(view: RedisView) -> None:
    """A change came between the reading and the writing: its own place stays."""
    row = customer(random.Random(42), "acme", renewal_days=40)
    await view.apply([moved(row, random.Random(43), strength=0.9, at=NOW)])
    late = to_ms(NOW + timedelta(days=9))
    outdated = [(row.customer_id, _rerank(row, late))]
    assert await view._run("rerank", outdated) == [0]
    assert await view.problems() == []


@real
async def test_flushall_is_followed_by_a_fresh_start(view: RedisView, client: Redis) -> None:
    """Rows are applied anew, and a viewer from before is told to read again."""
    row = customer(random.Random(5), "acme")
    await view.apply([row])
    place = await view.position()
    await client.flushall()
    assert await view.customer("acme") is None
    assert [c.customer for c in await anext(view.changes(place, wait_s=0.05))] == [None]
    assert await view.apply([row]) == [Applied.APPLIED]


@real
async def test_an_outage_is_a_sentence_and_ends_by_itself(tmp_path: Path) -> None:
    """Stopped, the view says where and what to do; started again, it answers."""
    row = customer(random.Random(6), "acme")
    with RedisServer.start(tmp_path / "redis") as server:
        view = open_view(Settings(redis=server.url))
        await view.apply([row])
        server.kill()
        with pytest.raises(ViewUnavailable) as raised:
            await view.customer("acme")
        assert "127.0.0.1" in raised.value.message
        assert "does not answer" in raised.value.message
        assert "--redis" in raised.value.remedy
        server.restart()
        await view.ping()
        assert await view.apply([row]) == [Applied.APPLIED]
        await view.close()


@real
async def test_a_wrong_login_is_a_sentence_without_the_password(redis_url: str) -> None:
    """The server refuses it; nobody reads it."""
    url = redis_url.replace("redis://", "redis://nobody:s3cret@")
    view = open_view(Settings(redis=url))
    with pytest.raises(ViewUnavailable) as raised:
        await view.ping()
    assert "refused the login" in raised.value.message
    assert "s3cret" not in str(raised.value)
    await view.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@127.0.0.1:1/0",
        "127.0.0.1:6379",
        "redis://user:s3cret#@host:6379",
        "redis://:s3cret@host:notaport/0",
        "redis://:s3cret@host:1?db=x",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    """Exit code 2, and what was expected."""
    with pytest.raises(NamedExit) as raised:
        connect(Settings(redis=url))
    assert raised.value.code is Exit.USAGE
    assert "expected" in raised.value.message
    assert "s3cret" not in raised.value.message


def test_a_ca_file_needs_tls_and_must_exist(tmp_path: Path) -> None:
    """A setting that would be ignored is an error."""
    with pytest.raises(NamedExit, match="rediss"):
        connect(Settings(redis="redis://h:1", redis_ca_file=tmp_path / "ca.pem"))
    with pytest.raises(NamedExit, match="not a file"):
        connect(Settings(redis="rediss://h:1", redis_ca_file=tmp_path / "ca.pem"))
    (tmp_path / "ca.pem").write_text("")
    client = connect(Settings(redis="rediss://h:1", redis_ca_file=tmp_path / "ca.pem"))
    assert client.connection_pool.connection_kwargs["ssl_ca_certs"] == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:s3cret@host:6380/2?ssl_cert_reqs=none", "redis://host:6380/2"),
        ("rediss://[::1]:6379", "rediss://[::1]:6379"),
        ("unix://user:s3cret@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("redis://:s3cret@host:port/0", "(a Redis URL that cannot be read)"),
    ],
)
def test_a_url_is_shown_without_its_login(url: str, shown: str) -> None:
    """For messages and logs."""
    assert safe_url(url) == shown


@real
async def test_the_documented_rights_suffice_and_the_api_may_not_write(
    redis_url: str, client: Redis
) -> None:
    """As docs/view.md lists them, word for word."""
    text = (Path(__file__).parents[3] / "docs" / "view.md").read_text()
    writer = re.search(r"^ACL SETUSER vitals (.*)$", text, re.MULTILINE)
    reader = re.search(r"The API alone needs `(.*?)`", text)
    assert writer is not None
    assert reader is not None
    rights = writer[1].replace("PASSWORD", "pw").replace("<prefix>", "t.").split()
    await client.execute_command("ACL", "SETUSER", "vitals", *rights)
    rights = ["on", ">pw", "~t.vitals:*", "resetchannels", "-@all", *reader[1].split()]
    await client.execute_command("ACL", "SETUSER", "api", *rights)
    writes, reads = (
        open_view(Settings(redis=redis_url.replace("//", f"//{user}:pw@"), prefix="t."))
        for user in ("vitals", "api")
    )
    row = customer(random.Random(7), "acme", owner="Dana")
    place = await writes.position()
    assert await writes.apply([row]) == [Applied.APPLIED]
    assert await writes.problems() == []
    await reads.ping()
    assert (await reads.customers(search="dana")).items == (row,)
    assert (await reads.counts())[row.health.band] == 1
    assert [segment.name for segment in await reads.segments()] == ["small"]
    assert (await reads.percentiles([row]))[0].n == 1
    assert await writes.refresh(to_ms(NOW + timedelta(days=400))) == 1
    assert len(await reads.history("acme")) == 1
    assert await reads.customer("acme") == row
    assert [c.customer for c in await anext(reads.changes(place, wait_s=0.05))] == [row]
    with pytest.raises(ViewUnavailable, match="forbids"):
        await reads.apply([moved(row, random.Random(8), strength=0.5, at=NOW)])
    assert await writes.remove("acme") is True
    await writes.clear()
    await writes.close()
    await reads.close()
    await client.execute_command("ACL", "DELUSER", "vitals", "api")
