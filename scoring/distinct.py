"""How many different ones were seen in a window: exact up to a cap, then a sketch.

Exact: each member with the bucket (day or hour) in which it was seen last, and
how many have each bucket, so that a count costs one look-up for each bucket.
Beyond :data:`MEMBERS_MAX` members: a sliding HyperLogLog of 512 registers, in
which each register keeps, for each rank, the last bucket that reached it; its
standard error is 1.04 / sqrt(512), 4.6 %. Both are the same whatever the order
in which members come. Only windows that end now can be asked for: of a member
only the last bucket is known.

The state is a plain list ``[last, per_bucket, sketch]``: ``last`` maps a member
to its bucket, ``per_bucket`` a bucket to a number of members, ``sketch`` a
register to its {rank: bucket}; once ``sketch`` is not empty the others are.
"""

from math import log
from typing import Any

from xxhash import xxh3_64_hexdigest, xxh3_64_intdigest

__all__ = ["MEMBERS_MAX", "add", "empty", "forget_before", "seen"]

MEMBERS_MAX = 1_000
REGISTERS = 512
_REGISTER_BITS = 9
#: Says that this is a sketch, also once all of it is forgotten.
_MARKER = -1
#: Longer members are kept as a fingerprint.
_MEMBER_CHARS_MAX = 24
_ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)
MICRO = 1_000_000


def empty() -> list[Any]:
    """Nobody was seen."""
    return [{}, {}, {}]


def add(state: list[Any], member: str, bucket: int) -> None:
    """A member was seen in a bucket."""
    if len(member) > _MEMBER_CHARS_MAX:
        member = xxh3_64_hexdigest(member.encode())
    last, per_bucket, sketch = state
    if sketch:
        _mark(sketch, member, bucket)
        return
    known = last.get(member)
    if known is None:
        if len(last) >= MEMBERS_MAX:
            sketch[_MARKER] = {}
            for each, at in last.items():
                _mark(sketch, each, at)
            _mark(sketch, member, bucket)
            last.clear()
            per_bucket.clear()
            return
    elif known >= bucket:
        return
    else:
        left = per_bucket[known] - 1
        if left:
            per_bucket[known] = left
        else:
            del per_bucket[known]
    last[member] = bucket
    per_bucket[bucket] = per_bucket.get(bucket, 0) + 1


def _mark(sketch: dict[int, dict[int, int]], member: str, bucket: int) -> None:
    """Note a member in its register; what a newer and higher rank outdoes is dropped."""
    mark = xxh3_64_intdigest(member.encode())
    rank = 64 - _REGISTER_BITS - (mark >> _REGISTER_BITS).bit_length() + 1
    ranks = sketch.setdefault(mark & (REGISTERS - 1), {})
    if any(each >= rank and at >= bucket for each, at in ranks.items()):
        return
    for each in [each for each, at in ranks.items() if each <= rank and at <= bucket]:
        del ranks[each]
    ranks[rank] = bucket


def seen(state: list[Any], oldest: int) -> tuple[int, int | None]:
    """How many were seen after the bucket ``oldest``, and the first bucket with any of them."""
    _, per_bucket, sketch = state
    if sketch:
        return _estimate(sketch, oldest)
    total, first = 0, None
    for bucket, count in per_bucket.items():
        if bucket > oldest:
            total += count
            if first is None or bucket < first:
                first = bucket
    return total, first


def _estimate(sketch: dict[int, dict[int, int]], oldest: int) -> tuple[int, int | None]:
    first: int | None = None
    zeros, weighed = REGISTERS, 0
    for ranks in sketch.values():
        best = 0
        for rank, bucket in ranks.items():
            if bucket > oldest:
                if rank > best:
                    best = rank
                if first is None or bucket < first:
                    first = bucket
        if best:
            zeros -= 1
            # Sums of powers of two are exact in integers; floats enter only at the end.
            weighed += 1 << (64 - best)
    if zeros == REGISTERS:
        return 0, None
    harmonic = (weighed + (zeros << 64)) / (1 << 64)
    estimate = _ALPHA * REGISTERS * REGISTERS / harmonic
    if zeros and estimate <= 2.5 * REGISTERS:
        estimate = REGISTERS * log(REGISTERS / zeros)
    return round(estimate), first


def forget_before(state: list[Any], bucket: int) -> None:
    """Drop what was last seen before a bucket."""
    last, per_bucket, sketch = state
    if any(known < bucket for known in per_bucket):
        state[0] = {member: at for member, at in last.items() if at >= bucket}
        state[1] = {known: n for known, n in per_bucket.items() if known >= bucket}
    for register in list(sketch):
        ranks = {rank: at for rank, at in sketch[register].items() if at >= bucket}
        if ranks:
            sketch[register] = ranks
        elif register != _MARKER:
            del sketch[register]
