"""``vitals health-check``: files that need nothing else."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from portfolio import portfolio
from streams.__main__ import cli
from streams.api.health_checks import file_name
from streams.settings import Settings
from streams.views.redis_view import open_view


def test_without_a_customer_it_says_what_is_missing() -> None:
    """A usage error, before anything is opened."""
    done = CliRunner().invoke(cli, ["health-check"])
    assert done.exit_code == 2
    assert "name at least one customer, or say --all" in done.output


@pytest.mark.integration
def test_a14_health_checks_as_files(redis_url: str, tmp_path: Path) -> None:
    """All, or those that are named; who is not known is said and makes it fail."""
    rows = portfolio()[:30]

    async def fill() -> None:
        view = open_view(Settings(redis=redis_url, prefix="hc."))
        await view.apply(rows)
        await view.close()

    asyncio.run(fill())
    options = ["--redis", redis_url, "--prefix", "hc.", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli, ["health-check", "--all", *options])
    assert done.exit_code == 0, done.output
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert len(files) == len({row.customer_id for row in rows}) > 1
    first = rows[0]
    page = next(text for name, text in files.items() if name.startswith(first.customer_id))
    assert "How the score adds up" in page or "What is known so far" in page
    assert "<style>" in page
    assert "/static/" not in page
    done = CliRunner().invoke(cli, ["health-check", first.customer_id, "nobody", *options])
    assert done.exit_code == 1
    assert "no customer nobody has been scored" in done.output


def test_any_id_has_a_file_name() -> None:
    """Slashes and dots lead nowhere else."""
    assert file_name("../etc/passwd", "2026-03-04") == "..%2Fetc%2Fpasswd-2026-03-04.html"
