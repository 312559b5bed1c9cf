"""``vitals api`` as a process: its address, its end, its refusals."""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "streams", "api", *options]


@pytest.fixture
def api(redis_url: str) -> Iterator[subprocess.Popen[str]]:
    """The process, over an empty Redis."""
    process = subprocess.Popen(
        command("--api-port", "0", "--redis", redis_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_and_ends_cleanly_with_an_open_stream(
    api: subprocess.Popen[str], number: signal.Signals
) -> None:
    """Exit code 0 within 5 s, and nothing on standard error."""
    assert api.stdout is not None
    address = api.stdout.readline().strip()
    assert ADDRESS.fullmatch(address)
    with urllib.request.urlopen(f"{address}/readyz", timeout=10) as ready:
        assert ready.status == 200
    with urllib.request.urlopen(f"{address}/v1/events", timeout=10) as stream:
        assert stream.readline().startswith(b"retry:")
        api.send_signal(number)
        assert api.wait(timeout=5) == 0
    rest, errors = api.communicate()
    assert (rest, errors) == ("", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--api-host", "0.0.0.0"), "no login"),
        (("--redis", "http://u:s3cret@h"), "expected redis://"),
        (("--redis-ca-file", "none.pem"), "rediss://"),
    ],
)
def test_a_wrong_setting_is_exit_code_2_and_a_sentence(options: tuple[str, ...], said: str) -> None:
    """No traceback, no password."""
    done = subprocess.run(
        command("--api-port", "0", *options),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


def test_it_starts_without_redis_and_says_so() -> None:
    """Pages recover by themselves; a supervisor sees 503 on /readyz."""
    process = subprocess.Popen(
        command("--api-port", "0", "--redis", "redis://127.0.0.1:1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(f"{address}/readyz", timeout=10)
        assert raised.value.code == 503
        assert b"does not answer" in raised.value.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
