"""The schedule of attempts."""

import pytest

from streams.outreach.backoff import STANDARD

#: Standard Webhooks: the offsets of the attempts after the first.
OFFSETS_S = [5, 305, 2105, 9305, 27_305, 63_305, 113_705, 185_705, 272_105]


def _schedule(seed, after_s=None):
    """The times of all attempts of a message that always fails at once, in seconds."""
    now_ms, attempts, times = 0, 1, []
    while (next_ms := STANDARD.next_ms(attempts, now_ms, after_s, seed)) is not None:
        times.append(next_ms / 1000)
        now_ms, attempts = next_ms, attempts + 1
    return times


def test_d4_ten_attempts_within_a_fifth_of_the_published_schedule():
    for n in range(500):
        times = _schedule(f"acme/1-{n}/webhook")
        assert len(times) + 1 == STANDARD.attempts_max == 10
        for at_s, offset_s in zip(times, OFFSETS_S, strict=True):
            assert abs(at_s - offset_s) <= 0.2 * offset_s


def test_jitter_spreads_messages_and_repeats_exactly():
    first = [_schedule(f"c{n}/1-1/slack")[0] for n in range(200)]
    assert first == [_schedule(f"c{n}/1-1/slack")[0] for n in range(200)]
    assert len(set(first)) > 150
    assert min(first) < 4.5
    assert max(first) > 5.5


@pytest.mark.parametrize(("after_s", "at_least_s"), [(None, 4), (0, 4), (30, 30), (10**9, 3600)])
def test_d7_a_receivers_wish_is_honoured_up_to_an_hour(after_s, at_least_s):
    at_s = _schedule("x", after_s)[0]
    assert at_s >= at_least_s
    assert at_s <= max(at_least_s, 6)
