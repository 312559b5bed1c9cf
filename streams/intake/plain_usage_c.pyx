# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The short way of reading usage events, compiled: see streams.intake.plain_usage.

It reads what that one reads or less, and says of it the same; whatever it does not read goes to
the ordinary way, record by record. The tests of that way run over this one too.
"""

from libc.math cimport rint

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    Py_ssize_t PyBytes_GET_SIZE(object data)

__all__ = ["fill", "read"]

# Taken from the Python modules at the first use.
cdef Py_ssize_t RECORD_BYTES_MAX = 0
cdef object FEATURE = None
cdef object USER_KINDS = None
cdef object FAILED = "failed"
cdef long long NOT_PLAIN = -1

cdef int[12] DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
cdef int[12] DAYS_IN = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


cdef int _learn() except -1:
    global RECORD_BYTES_MAX, FEATURE, USER_KINDS
    from schemas.inbound import RECORD_BYTES_MAX as record_bytes_max
    from schemas.signals import Kind
    from scoring.signals import USER_KINDS as user_kinds

    RECORD_BYTES_MAX, FEATURE, USER_KINDS = record_bytes_max, int(Kind.FEATURE), user_kinds
    return 0


cdef inline int _two(const unsigned char* at) noexcept nogil:
    """The number that two digits are, or one beyond all limits."""
    if at[0] < 48 or at[0] > 57 or at[1] < 48 or at[1] > 57:
        return 1000
    return (at[0] - 48) * 10 + at[1] - 48


cdef long long _time_ms(object text):
    """Unix milliseconds, rounded down, of ``2026-03-01T09:30:00.123456Z``, also with ``+00:00``.

    From 1970 to 2199; NOT_PLAIN for what is written otherwise, or is no time.
    """
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return NOT_PLAIN
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    cdef const unsigned char* at = PyUnicode_1BYTE_DATA(text)
    if length < 20:
        return NOT_PLAIN
    if at[length - 1] == b"Z":
        length -= 1
    elif (
        length >= 25 and at[length - 6] == b"+" and at[length - 3] == b":"
        and _two(at + length - 5) == 0 and _two(at + length - 2) == 0
    ):
        length -= 6
    else:
        return NOT_PLAIN
    if length < 19 or at[4] != b"-" or at[7] != b"-" or at[10] != b"T":
        return NOT_PLAIN
    if at[13] != b":" or at[16] != b":":
        return NOT_PLAIN
    cdef int year = _two(at) * 100 + _two(at + 2)
    cdef int month = _two(at + 5), day = _two(at + 8)
    cdef int hour = _two(at + 11), minute = _two(at + 14), second = _two(at + 17)
    if year < 1970 or year > 2199 or month < 1 or month > 12:
        return NOT_PLAIN
    if hour > 23 or minute > 59 or second > 59:
        return NOT_PLAIN
    cdef bint leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    cdef int most = DAYS_IN[month - 1] + (1 if leap and month == 2 else 0)
    if day < 1 or day > most:
        return NOT_PLAIN
    cdef int ms = 0, scale = 100
    cdef Py_ssize_t n
    if length > 19:
        if at[19] != b"." or length == 20 or length > 29:
            return NOT_PLAIN
        for n in range(20, length):
            if at[n] < 48 or at[n] > 57:
                return NOT_PLAIN
            ms += (at[n] - 48) * scale
            scale //= 10
    cdef int before = year - 1
    cdef long long days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    days += DAYS_BEFORE[month - 1] + (1 if leap and month > 2 else 0) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms


cdef inline bint _is_plain(object text):
    """Whether an id is ASCII that can be printed, without a blank."""
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return False
    cdef const unsigned char* at = PyUnicode_1BYTE_DATA(text)
    cdef Py_ssize_t n
    for n in range(PyUnicode_GET_LENGTH(text)):
        if at[n] < 0x21 or at[n] > 0x7E:
            return False
    return True


cdef list _signal(object event, object offset):
    """The signal of a decoded event, its ``source_ix`` 0; None if something is not plain."""
    cdef object source = event.source, user = event.user
    cdef object event_id = event.event_id, customer_id = event.customer_id
    if not (_is_plain(event_id) and _is_plain(customer_id) and _is_plain(source)):
        return None
    if user is not None and not _is_plain(user):
        return None
    cdef long long at_ms = _time_ms(event.occurred_at)
    if at_ms == NOT_PLAIN:
        return None
    cdef double duration_s = event.duration_s
    return [
        offset, at_ms, customer_id, 0, event_id, FEATURE, event.feature, user,
        USER_KINDS[event.user_kind], event.quantity, <long long>rint(duration_s * 1000),
        1 if event.outcome == FAILED else 0,
    ]


def read(decode, raw, offset):
    """See :meth:`streams.intake.plain_usage.PlainUsage.read`; ``decode`` is its decoder's."""
    if FEATURE is None:
        _learn()
    if raw is None or not 0 < len(raw) <= RECORD_BYTES_MAX:
        return None
    try:
        event = decode(raw)
    except ValueError:  # msgspec's errors are ValueErrors, and so is that of a broken text
        return None
    cdef list signal = _signal(event, offset)
    return None if signal is None else (event.source, signal)


def fill(records, decode, take, dict partitions, dict open_blocks, long long earliest_ms,
         long long latest_ms, Py_ssize_t overhead_bytes):
    """See :meth:`streams.intake.plain_usage.PlainUsage.fill`; ``decode`` is its decoder's."""
    if FEATURE is None:
        _learn()
    cdef long long youngest_ms = -1, at_ms
    cdef Py_ssize_t size
    cdef object record, raw, partition, block, index
    cdef list signal
    for record in records:
        raw = record.value
        if raw is not None:
            size = PyBytes_GET_SIZE(raw)
            if 0 < size <= RECORD_BYTES_MAX:
                try:
                    event = decode(raw)
                except ValueError:
                    take(record)
                    continue
                signal = _signal(event, record.offset)
                if signal is not None:
                    at_ms = signal[1]
                    partition = partitions.get(signal[2])
                    if partition is not None and earliest_ms <= at_ms <= latest_ms:
                        block = open_blocks.get(partition)
                        size += overhead_bytes
                        if block is not None and block.room >= size:
                            index = (<dict>block.source_ix).get(event.source)
                            if index is not None:
                                signal[3] = index
                                block.room -= size
                                (<list>block.signals).append(signal)
                                if at_ms > youngest_ms:
                                    youngest_ms = at_ms
                                continue
        take(record)
    return youngest_ms
