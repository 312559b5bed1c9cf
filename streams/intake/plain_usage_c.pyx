# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The short way of reading usage events, compiled: see streams.intake.plain_usage.

It reads what that one reads or less, and says of it the same; whatever it does not read goes to
the ordinary way, record by record. The tests of that way run over this one too.

Most records are one flat JSON object of ASCII without escapes. Those are read here byte by byte,
without an event in between; any other goes through the decoder.
"""

from libc.math cimport rint
from libc.string cimport memcmp, memcpy, strlen

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    Py_ssize_t PyBytes_GET_SIZE(object data)
    char* PyBytes_AS_STRING(object data)
    str PyUnicode_New(Py_ssize_t size, unsigned int largest)
    double PyOS_string_to_double(const char* data, char** end, void* overflow) except? -1.0

__all__ = ["fill", "read", "time_ms"]

# Taken from the Python modules at the first use.
cdef Py_ssize_t RECORD_BYTES_MAX = 0
cdef object FEATURE = None
cdef object USER_KINDS = None
cdef object FAILED = "failed"
cdef double DURATION_S_MAX = 0
cdef long long NOT_PLAIN = -1

cdef int[12] DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
cdef int[12] DAYS_IN = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


cdef int _learn() except -1:
    global DURATION_S_MAX, RECORD_BYTES_MAX, FEATURE, USER_KINDS
    from schemas.inbound import RECORD_BYTES_MAX as record_bytes_max
    from schemas.signals import Kind
    from scoring.signals import USER_KINDS as user_kinds
    from streams.intake.plain_usage import DURATION_S_MAX as duration_s_max

    if (user_kinds["human"], user_kinds["automated"], user_kinds["staff"]) != (0, 1, 2):
        raise ValueError("the kinds of users have other numbers than here")
    DURATION_S_MAX = duration_s_max
    RECORD_BYTES_MAX, FEATURE, USER_KINDS = record_bytes_max, int(Kind.FEATURE), user_kinds
    return 0


cdef inline int _two(const unsigned char* at) noexcept nogil:
    """The number that two digits are, or one beyond all limits."""
    if at[0] < 48 or at[0] > 57 or at[1] < 48 or at[1] > 57:
        return 1000
    return (at[0] - 48) * 10 + at[1] - 48


cdef long long _time_ms(object text):
    """Unix milliseconds of a text, see :func:`_ms_of`."""
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return NOT_PLAIN
    return _ms_of(PyUnicode_1BYTE_DATA(text), PyUnicode_GET_LENGTH(text))


def time_ms(str text):
    """Unix milliseconds, as :meth:`streams.intake.plain_usage.PlainTimes.ms`; None: ask that."""
    cdef long long found = _time_ms(text)
    return None if found == NOT_PLAIN else found


cdef long long _ms_of(const unsigned char* at, Py_ssize_t length) noexcept nogil:
    """Unix milliseconds, rounded down, of ``2026-03-01T09:30:00.123456Z``, also with ``+00:00``.

    From 1970 to 2199; NOT_PLAIN for what is written otherwise, or is no time.
    """
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


cdef inline bint _is_printed(const unsigned char* at, Py_ssize_t size) noexcept nogil:
    """Whether all is ASCII that can be printed, without a blank."""
    cdef Py_ssize_t n
    for n in range(size):
        if at[n] < 0x21 or at[n] > 0x7E:
            return False
    return True


cdef inline bint _is_plain(object text):
    """Whether an id is ASCII that can be printed, without a blank."""
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return False
    return _is_printed(PyUnicode_1BYTE_DATA(text), PyUnicode_GET_LENGTH(text))


# The fields of a usage event, as bits: each may stand there once.
cdef enum:
    EVENT_ID = 1
    CUSTOMER_ID = 2
    OCCURRED_AT = 4
    SOURCE = 8
    TYPE = 16
    FEATURE_NAME = 32
    SCHEMA_VERSION = 64
    USER = 128
    USER_KIND = 256
    QUANTITY = 512
    DURATION_S = 1024
    OUTCOME = 2048
    NEEDED = 63


cdef struct Text:
    const unsigned char* at
    Py_ssize_t size


cdef struct Usage:
    Text event_id
    Text customer_id
    Text occurred_at
    Text source
    Text feature
    Text user
    Text duration_s
    long long quantity
    int has_user
    int user_kind
    int failed


cdef inline bint _says(Text text, const char* word) noexcept nogil:
    cdef Py_ssize_t size = strlen(word)
    return text.size == size and memcmp(text.at, word, size) == 0


cdef inline int _field(Text key) noexcept nogil:
    """Which field a key is; 0: none."""
    if _says(key, b"type"):
        return TYPE
    if _says(key, b"user"):
        return USER
    if _says(key, b"source"):
        return SOURCE
    if _says(key, b"feature"):
        return FEATURE_NAME
    if _says(key, b"outcome"):
        return OUTCOME
    if _says(key, b"event_id"):
        return EVENT_ID
    if _says(key, b"quantity"):
        return QUANTITY
    if _says(key, b"user_kind"):
        return USER_KIND
    if _says(key, b"duration_s"):
        return DURATION_S
    if _says(key, b"customer_id"):
        return CUSTOMER_ID
    if _says(key, b"occurred_at"):
        return OCCURRED_AT
    if _says(key, b"schema_version"):
        return SCHEMA_VERSION
    return 0


cdef inline const unsigned char* _past_blanks(
    const unsigned char* at, const unsigned char* end
) noexcept nogil:
    while at < end and (at[0] == 32 or at[0] == 10 or at[0] == 13 or at[0] == 9):
        at += 1
    return at


cdef inline const unsigned char* _text(
    const unsigned char* at, const unsigned char* end, Text* found
) noexcept nogil:
    """A text in quotes, of ASCII without escapes; NULL: it is none. Behind it."""
    if at >= end or at[0] != 34:
        return NULL
    at += 1
    found.at = at
    while at < end and at[0] != 34:
        if at[0] < 0x20 or at[0] > 0x7E or at[0] == 92:
            return NULL
        at += 1
    if at >= end:
        return NULL
    found.size = at - found.at
    return at + 1


cdef inline const unsigned char* _past_digits(
    const unsigned char* at, const unsigned char* end
) noexcept nogil:
    while at < end and 48 <= at[0] <= 57:
        at += 1
    return at


cdef inline const unsigned char* _digits(
    const unsigned char* at, const unsigned char* end, Text* found
) noexcept nogil:
    """Up to nine digits, none of them a leading 0; NULL: it is no such number. Behind it."""
    found.at = at
    at = _past_digits(at, end)
    found.size = at - found.at
    if found.size == 0 or found.size > 9 or (found.size > 1 and found.at[0] == 48):
        return NULL
    return at


cdef const unsigned char* _value(
    int field, const unsigned char* at, const unsigned char* end, Usage* usage
) noexcept nogil:
    """The value of a field; NULL: not plain. Behind it."""
    cdef const unsigned char* point
    cdef Text text
    cdef Py_ssize_t n
    if field == QUANTITY:
        at = _digits(at, end, &text)
        if at != NULL:
            usage.quantity = 0
            for n in range(text.size):
                usage.quantity = usage.quantity * 10 + text.at[n] - 48
        return at
    if field == DURATION_S:
        at = _digits(at, end, &usage.duration_s)
        if at != NULL and at < end and at[0] == 46:
            point = at
            at = _past_digits(point + 1, end)
            n = at - point - 1
            if n == 0 or n > 9:
                return NULL
            usage.duration_s.size = at - usage.duration_s.at
        return at
    if field == USER and end - at > 4 and memcmp(at, b"null", 4) == 0:
        return at + 4
    at = _text(at, end, &text)
    if at == NULL:
        return NULL
    if field == TYPE:
        return at if _says(text, b"usage.feature") else NULL
    if field == SCHEMA_VERSION:
        return at if _says(text, b"1.0") else NULL
    if field == OUTCOME:
        usage.failed = _says(text, b"failed")
        return at if usage.failed or _says(text, b"ok") else NULL
    if field == USER_KIND:
        if _says(text, b"human"):
            usage.user_kind = 0
        elif _says(text, b"automated"):
            usage.user_kind = 1
        elif _says(text, b"staff"):
            usage.user_kind = 2
        else:
            return NULL
        return at
    if field == OCCURRED_AT:
        usage.occurred_at = text
        return at
    if field == FEATURE_NAME:
        usage.feature = text
        return at if 0 < text.size <= 500 else NULL
    # What is left are ids.
    if text.size == 0 or text.size > 200 or not _is_printed(text.at, text.size):
        return NULL
    if field == EVENT_ID:
        usage.event_id = text
    elif field == CUSTOMER_ID:
        usage.customer_id = text
    elif field == SOURCE:
        usage.source = text
    else:
        usage.user = text
        usage.has_user = True
    return at


cdef bint _scan(const unsigned char* at, Py_ssize_t size, Usage* usage) noexcept nogil:
    """Whether the bytes are a plain usage event, all of them; then its fields are in ``usage``."""
    cdef const unsigned char* end = at + size
    cdef Text key
    cdef int field, known = 0
    usage.duration_s.size = 0
    usage.quantity = 1
    usage.has_user = usage.user_kind = usage.failed = 0
    at = _past_blanks(at, end)
    if at >= end or at[0] != 123:
        return False
    while True:
        at = _text(_past_blanks(at + 1, end), end, &key)
        if at == NULL:
            return False
        field = _field(key)
        if field == 0 or known & field:
            return False
        known |= field
        at = _past_blanks(at, end)
        if at >= end or at[0] != 58:
            return False
        at = _value(field, _past_blanks(at + 1, end), end, usage)
        if at == NULL:
            return False
        at = _past_blanks(at, end)
        if at >= end:
            return False
        if at[0] == 125:
            break
        if at[0] != 44:
            return False
    return known & NEEDED == NEEDED and _past_blanks(at + 1, end) == end


cdef inline str _str(Text text):
    cdef str made = PyUnicode_New(text.size, 127)
    memcpy(<void*>PyUnicode_1BYTE_DATA(made), text.at, text.size)
    return made


cdef list _scanned(bytes raw, object offset):
    """The signal of a record, its source in place of ``source_ix``; None: ask the decoder."""
    cdef Usage usage
    cdef char* end
    cdef double duration_s = 0
    if not _scan(<const unsigned char*>PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), &usage):
        return None
    cdef long long at_ms = _ms_of(usage.occurred_at.at, usage.occurred_at.size)
    if at_ms == NOT_PLAIN:
        return None
    if usage.duration_s.size:
        duration_s = PyOS_string_to_double(<const char*>usage.duration_s.at, &end, NULL)
        if <const unsigned char*>end != usage.duration_s.at + usage.duration_s.size:
            return None
        if duration_s > DURATION_S_MAX:
            return None
    return [
        offset, at_ms, _str(usage.customer_id), _str(usage.source), _str(usage.event_id), FEATURE,
        _str(usage.feature), _str(usage.user) if usage.has_user else None, usage.user_kind,
        usage.quantity, <long long>rint(duration_s * 1000), usage.failed,
    ]


cdef list _signal(object event, object offset):
    """As :func:`_scanned`, of a decoded event; None if something is not plain."""
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
        offset, at_ms, customer_id, source, event_id, FEATURE, event.feature, user,
        USER_KINDS[event.user_kind], event.quantity, <long long>rint(duration_s * 1000),
        1 if event.outcome == FAILED else 0,
    ]


cdef list _read(object decode, bytes raw, object offset):
    """The signal of a record, its source in place of ``source_ix``; None: ask the reference."""
    cdef list signal = _scanned(raw, offset)
    if signal is not None:
        return signal
    try:
        event = decode(raw)
    except ValueError:  # msgspec's errors are ValueErrors, and so is that of a broken text
        return None
    return _signal(event, offset)


def read(decode, bytes raw, offset):
    """See :meth:`streams.intake.plain_usage.PlainUsage.read`; ``decode`` is its decoder's."""
    if FEATURE is None:
        _learn()
    if raw is None or not 0 < len(raw) <= RECORD_BYTES_MAX:
        return None
    cdef list signal = _read(decode, raw, offset)
    if signal is None:
        return None
    source, signal[3] = signal[3], 0
    return source, signal


def fill(records, decode, take, dict partitions, dict open_blocks, long long earliest_ms,
         long long latest_ms, Py_ssize_t overhead_bytes):
    """See :meth:`streams.intake.plain_usage.PlainUsage.fill`; ``decode`` is its decoder's."""
    if FEATURE is None:
        _learn()
    cdef long long youngest_ms = -1, at_ms
    cdef Py_ssize_t size
    cdef object record, partition, block, index
    cdef bytes raw
    cdef list signal
    for record in records:
        raw = record.value
        if raw is not None:
            size = PyBytes_GET_SIZE(raw)
            if 0 < size <= RECORD_BYTES_MAX:
                signal = _read(decode, raw, record.offset)
                if signal is not None:
                    at_ms = signal[1]
                    partition = partitions.get(signal[2])
                    if partition is not None and earliest_ms <= at_ms <= latest_ms:
                        block = open_blocks.get(partition)
                        size += overhead_bytes
                        if block is not None and block.room >= size:
                            index = (<dict>block.source_ix).get(signal[3])
                            if index is not None:
                                signal[3] = index
                                block.room -= size
                                (<list>block.signals).append(signal)
                                if at_ms > youngest_ms:
                                    youngest_ms = at_ms
                                continue
        take(record)
    return youngest_ms
