"""Fixtures every test may use: the real servers, names nobody else has, one seed for all.

A real part that is not on this machine skips its tests with a sentence that says how to
get it; with ``CI=true`` in the environment it fails them. The end of the run lists both
the seed and what was skipped.
"""

import functools
import gc
import os
import random
import re
import secrets
import shutil
import zlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import pytest_asyncio

import pure

# Before anything of ours is imported.
if os.environ.get("VITALS_TESTS_PURE"):
    pure.import_python_only()

import properties
from servers.kafka_server import KafkaServer
from servers.process import MissingPart
from servers.redis_server import RedisServer

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
SEED = pytest.StashKey[int]()
MISSING = pytest.StashKey[dict[str, str]]()
#: Markers and in which turn their tests run: what is quick tells first.
SLOW_MARKERS = {"integration": 1, "browser": 1, "soak": 2}
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@dataclass(frozen=True)
class ExternalKafka:
    """A broker somebody else runs (``KAFKA_BOOTSTRAP``): it has an address and no lifecycle."""

    bootstrap: str


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--seed``: the run's seed, for Hypothesis and for the ``seed`` fixture."""
    parser.addoption("--seed", type=int, help="seed of the run, as printed at the end of another")
    properties.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the run's seed and the Hypothesis profile, before Hypothesis reads its options.

    Raises:
        pytest.UsageError: something compiled is older than its source, and would be tested.
    """
    late = [] if os.environ.get("VITALS_TESTS_PURE") else pure.outdated()
    if late:
        raise pytest.UsageError(f"newer than what is compiled of it: {', '.join(late)}: make venv")
    given = config.getoption("--hypothesis-seed")
    seed = config.getoption("--seed")
    if given is not None and str(given).isdigit():
        seed = int(given)
    if seed is None:
        seed = secrets.randbelow(2**32)
    config.stash[SEED] = seed
    config.option.seed = seed  # the workers of a parallel run take it from here
    config.stash[MISSING] = {}
    if given is None:
        config.option.__dict__["hypothesis_seed"] = str(seed)
    if config.getoption("--hypothesis-profile") is None:
        properties.load_profile(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """Nothing that is collected is let go before the end: the collector need not look for it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """Note how many examples a property was checked on."""
    report = yield
    properties.note_examples(item, report)
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests first, then what needs servers or a browser, then what needs an hour.

    ``make test`` reads only the files that name these markers for the tests with servers: one that
    came by its marker in another way would be run nowhere, and is refused.
    """
    slowness: dict[pytest.Item, int] = {}
    for item in items:
        marked = [name for name in SLOW_MARKERS if item.get_closest_marker(name)]
        slowness[item] = max((SLOW_MARKERS[name] for name in marked), default=0)
        for name in marked:
            if f"mark.{name}" not in _text_of(item.path):
                raise pytest.UsageError(f"{item.nodeid}: write pytest.mark.{name} in this file")
    items.sort(key=slowness.__getitem__)


@functools.cache
def _text_of(path: Path) -> str:
    return path.read_text()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The seed and the number of examples; what could not be tested here, and how to get it."""
    missing = config.stash[MISSING]
    if missing:
        terminalreporter.section("not tested here, for want of a part", yellow=True)
        for part, how in missing.items():
            terminalreporter.line(f"{part}: {how}")
    reports = [one for of in terminalreporter.stats.values() for one in of]
    terminalreporter.line(properties.count_of(reports))
    seed = config.stash[SEED]
    terminalreporter.line(f"seed of this run: {seed} (again with --seed={seed})")


@pytest.fixture(scope="session")
def missing_part(request: pytest.FixtureRequest) -> Callable[[str, str], NoReturn]:
    """``missing_part(part, how)``: skip for want of a part; with ``CI=true`` fail."""
    missing = request.config.stash[MISSING]

    def skip_or_fail(part: str, how: str) -> NoReturn:
        missing[part] = how
        if IN_CI:
            pytest.fail(f"{part} is missing, and CI=true allows no skip. {how}", pytrace=False)
        pytest.skip(f"{part} is missing. {how}")

    return skip_or_fail


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The run's seed, as printed at the end."""
    return request.config.stash[SEED]


@pytest.fixture
def rng(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """A generator of this test's own: the run's seed and the test's name decide it."""
    return random.Random(seed ^ zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture(scope="session")
def kafka(
    tmp_path_factory: pytest.TempPathFactory, missing_part: Callable[[str, str], NoReturn]
) -> Iterator[KafkaServer | ExternalKafka]:
    """A real broker, shared by all tests: use ``topic_prefix``, and do not stop it."""
    address = os.environ.get("KAFKA_BOOTSTRAP")
    if address:
        yield ExternalKafka(address)
        return
    try:
        server = KafkaServer.start(tmp_path_factory.mktemp("kafka"))
    except MissingPart as error:
        missing_part(error.part, error.how)
    with server:
        yield server


@pytest.fixture
def own_kafka(
    tmp_path: Path, missing_part: Callable[[str, str], NoReturn]
) -> Iterator[KafkaServer]:
    """A real broker of this test's own, to kill, freeze and restart (it costs 5 to 8 s)."""
    try:
        server = KafkaServer.start(tmp_path / "kafka")
    except MissingPart as error:
        missing_part(error.part, error.how)
    with server:
        yield server


@pytest.fixture(scope="session")
def redis_server(
    tmp_path_factory: pytest.TempPathFactory, missing_part: Callable[[str, str], NoReturn]
) -> Iterator[RedisServer]:
    """A real Redis, shared by all tests: take ``redis_url``, and do not stop it."""
    try:
        server = RedisServer.start(tmp_path_factory.mktemp("redis"))
    except MissingPart as error:
        missing_part(error.part, error.how)
    with server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of the shared Redis, emptied for this test."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture(scope="session")
def chromium(missing_part: Callable[[str, str], NoReturn]) -> str:
    """The path of a real Chromium, for Playwright's ``executable_path``."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path is not None:
            return path
    return missing_part("Chromium", "Install it (Debian, Ubuntu: apt-get install chromium).")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Any]:
    """A Chromium for the tests of a module, each in a context of its own.

    They share its loop: a module that asks says ``pytest.mark.asyncio(loop_scope="module")``.
    """
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM])
        yield launched
        await launched.close()


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """A prefix for topics and groups that no other test has; ends with a dot."""
    name = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.name)[:40].strip("-").lower()
    return f"t{secrets.token_hex(4)}.{name}."
