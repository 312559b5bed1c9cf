# cython: language_level=3, wraparound=False, initializedcheck=False
"""The fold of a block of signals, compiled: see scoring.partition, scoring.fold and scoring.plan.

What most signals are, uses of a feature and counts of them, is done here; for the rest the Python
functions beside it are called. The same tests run over both, and a property holds them equal.
"""

from libc.string cimport memcpy

from array import array

from xxhash import xxh3_64_intdigest

__all__ = ["Count", "apply_signals", "newest_first", "release"]

# Positions in a signal; see schemas.signals.
cdef enum:
    OFFSET = 0
    AT = 1
    CUSTOMER = 2
    SOURCE = 3
    EVENT_ID = 4
    KIND = 5
    USER_KIND = 8
    QUANTITY = 9
    FEATURE = 2
    ACTIVITY = 3
    STAFF = 2

cdef long long HOUR_MS = 3_600_000


cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const char* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bytes PyBytes_FromStringAndSize(const char* data, Py_ssize_t size)
    char* PyBytes_AS_STRING(object data)


cdef bytes _joined(bytes prefix, object text):
    """The prefix and a text behind it, in UTF-8: what the fingerprint of an event id is made of."""
    if not isinstance(text, str) or not PyUnicode_IS_COMPACT_ASCII(text):
        return prefix + f"{text}".encode("utf-8", "surrogatepass")
    cdef Py_ssize_t begin = len(prefix), size = PyUnicode_GET_LENGTH(text)
    cdef bytes joined = PyBytes_FromStringAndSize(NULL, begin + size)
    memcpy(PyBytes_AS_STRING(joined), PyBytes_AS_STRING(prefix), begin)
    memcpy(PyBytes_AS_STRING(joined) + begin, PyUnicode_1BYTE_DATA(text), size)
    return joined


cdef class Count:
    """Counts events, or what they say how often, by bucket: an update of scoring.plan."""

    cdef object key, test
    cdef long long size_ms
    cdef bint times, of_uses

    def __init__(self, key, size_ms, test, *, times):
        from scoring.series import is_use

        self.key = key
        self.size_ms = size_ms
        self.times = times
        self.test = test
        self.of_uses = test is is_use

    def __call__(self, state, signal):
        self.take(state.series, signal, signal[AT])

    cdef int take(self, dict series, list signal, long long at_ms) except -1:
        if self.of_uses:
            if not signal[QUANTITY] > 0:
                return 0
        elif self.test is not None and not self.test(signal):
            return 0
        cdef object kept = series.get(self.key)
        if kept is None:
            kept = {}
            series[self.key] = kept
        cdef object bucket = at_ms // self.size_ms
        cdef object known = (<dict>kept).get(bucket)
        cdef object more = signal[QUANTITY] if self.times else 1
        (<dict>kept)[bucket] = more if known is None else known + more
        return 0


# Taken from the Python modules at the first use: they import this one.
cdef object FOLD = None
cdef object IS_USE = None
cdef Py_ssize_t RECENT_MAX = 0
cdef Py_ssize_t FRESH_MAX = 0
cdef long long WINDOW_MS = 0
cdef long long WINDOW_USAGE_MS = 0
cdef int USES = 0
cdef int EVERYTHING = 0
cdef dict TOUCHES = {}


cdef inline int _touched_by(int kind) except -1:
    """The families that a signal of a kind touches, as scoring.things.TOUCHES says."""
    return USES if kind == FEATURE else TOUCHES.get(kind, EVERYTHING)


cdef int _learn() except -1:
    global EVERYTHING, FOLD, FRESH_MAX, IS_USE, RECENT_MAX, TOUCHES, USES
    global WINDOW_MS, WINDOW_USAGE_MS
    from scoring.duplicates import WINDOW_MS as window_ms, WINDOW_USAGE_MS as window_usage_ms
    from scoring.fold import fold
    from scoring.recent import FRESH_MAX as fresh_max, RECENT_MAX as recent_max
    from scoring.series import is_use
    from scoring.things import EVERYTHING as everything, FAMILY_OF, TOUCHES as touches

    FRESH_MAX, WINDOW_MS, WINDOW_USAGE_MS = fresh_max, window_ms, window_usage_ms
    IS_USE, RECENT_MAX = is_use, recent_max
    USES = FAMILY_OF[FEATURE]
    EVERYTHING, TOUCHES = everything, touches
    FOLD = fold
    return 0


cdef tuple _fed(feeds, bint used):
    """The feeds of uses, or of what says that it was none; None if that takes a closer look."""
    cdef list keys = []
    for key, test in feeds.get(FEATURE, ()):
        if test is not None and test is not IS_USE:
            return None
        if test is None or used:
            keys.append(key)
    return tuple(keys)


cdef bint _keep(dict recent, tuple keys, list signal) except -1:
    """Keep an event among the latest that fed these, as scoring.recent.settle does.

    False where they have none yet: there may be too many sets of feeds.
    """
    cdef object known = recent.get(keys)
    if known is None:
        return False
    cdef list events = known
    cdef Py_ssize_t count = len(events)
    cdef tuple event = (signal[AT], signal[SOURCE], signal[EVENT_ID])
    if <long long>signal[AT] > <long long>(<tuple>events[count - 1])[0]:
        events.append(event)
    else:
        if event in events or (count == RECENT_MAX and event < events[0]):
            return True
        events.append(event)
        events.sort()
    if count == RECENT_MAX:
        del events[0]
    return True


cdef int _use(
    object customer, object state, list signal, long long at_ms,
    tuple uses, tuple of_uses, tuple of_others, object feeds,
) except -1:
    """Fold the use of a feature, as scoring.fold and the plan's updates ``uses`` do."""
    if signal[USER_KIND] == STAFF:
        return 0
    cdef object update
    cdef dict series = state.series
    if at_ms > <long long>state.last_ms:
        state.last_ms = at_ms
    if not <int>state.heard & USES:
        state.heard = <int>state.heard | USES
    for update in uses:
        if type(update) is Count:
            (<Count>update).take(series, signal, at_ms)
        else:
            update(state, signal)
    cdef tuple fed = of_uses if signal[QUANTITY] > 0 else of_others
    cdef list fresh
    if fed is None or (fed and not _keep(customer.recent, fed, signal)):
        fresh = customer.fresh
        fresh.append(signal)
        if fed is not None or len(fresh) >= FRESH_MAX:
            customer.settle(feeds)
    return 0


def release(customer, long long now_ms, plan, feeds):
    """See :func:`scoring.held.release_in_python`."""
    if FOLD is None:
        _learn()
    cdef object state = customer.state
    cdef list rest = [], signal
    cdef long long at_ms
    cdef int kind
    cdef int touched = customer.touched
    cdef tuple uses = tuple(plan.by_kind[FEATURE])
    cdef tuple of_uses = _fed(feeds, True), of_others = _fed(feeds, False)
    for signal in <list>state.held:
        at_ms = signal[AT]
        if at_ms > now_ms:
            rest.append(signal)
            continue
        kind = <int>signal[KIND]
        touched |= _touched_by(kind)
        if kind == FEATURE:
            _use(customer, state, signal, at_ms, uses, of_uses, of_others, feeds)
        elif FOLD(state, signal, plan):
            customer.note(signal, feeds)
    customer.touched = touched
    state.held = rest
    customer.held_bytes = None


def apply_signals(block, into, dict touched):
    """See :func:`scoring.block.apply_in_python`."""
    if FOLD is None:
        _learn()
    cdef list signals = block.signals, sources = block.sources
    cdef long long applied_to = into.applied_to, offset = into.offset
    cdef long long frontier_ms = into.frontier_ms, late_ms = into.late_ms
    cdef bint has_card = into.has_card
    cdef object plan = into.plan, feeds = into.feeds, holds = into.holds
    cdef object book = into.book, duplicates = into.book.duplicates
    cdef dict live = book.live
    cdef set ready = into.ready
    cdef long long applied = 0, repeats = 0, unchecked = 0, held = 0
    cdef long long at_ms, hour, last_hour = -1, now_ms = duplicates._now_ms
    cdef int kind, bits, known_bits
    cdef bint is_unchecked
    cdef object customer_id, customer, state, mark, source, seen = None, new = None
    cdef list signal
    cdef dict hours = duplicates._hours, news = duplicates._new
    cdef Py_ssize_t known
    cdef list prefixes = [f"{each}\0".encode("utf-8", "surrogatepass") for each in sources]
    cdef tuple of_uses = _fed(feeds, True), of_others = _fed(feeds, False)
    cdef tuple uses = tuple(plan.by_kind[FEATURE])
    for signal in signals:
        if <long long>signal[OFFSET] <= applied_to:
            repeats += 1
            continue
        at_ms = signal[AT]
        kind = signal[KIND]
        source = sources[<Py_ssize_t>signal[SOURCE]]
        is_unchecked = at_ms < now_ms - (
            WINDOW_USAGE_MS if kind == FEATURE or kind == ACTIVITY else WINDOW_MS
        )
        if not is_unchecked:
            hour = at_ms // HOUR_MS
            mark = xxh3_64_intdigest(
                _joined(<bytes>prefixes[<Py_ssize_t>signal[SOURCE]], signal[EVENT_ID])
            )
            if seen is None or hour != last_hour:
                last_hour = hour
                seen = hours.get(hour)
                if seen is None:
                    seen = set()
                    hours[hour] = seen
                new = news.get(hour)
            known = len(<set>seen)
            (<set>seen).add(mark)
            if len(<set>seen) == known:
                repeats += 1
                continue
            if new is None:
                new = array("Q")
                news[hour] = new
            new.append(mark)
        customer_id = signal[CUSTOMER]
        customer = live.get(customer_id)
        if customer is None:
            customer = book.open(customer_id, into.append_ms)
        if <long long>customer.position >= offset:
            continue  # the row is ahead of the header: already applied before a crash
        if is_unchecked:
            unchecked += 1
        applied += 1
        signal[SOURCE] = source
        if (at_ms > frontier_ms or not has_card) and holds(customer_id, customer, signal):
            held += 1
            touched[customer_id] = customer
            continue
        state = customer.state
        if kind != FEATURE:
            if FOLD(state, signal, plan):
                customer.note(signal, feeds)
        else:
            _use(customer, state, signal, at_ms, uses, of_uses, of_others, feeds)
        if at_ms < late_ms:
            customer.late = True
        bits = _touched_by(kind)
        known_bits = customer.touched
        if known_bits & bits != bits:
            customer.touched = known_bits | bits
        ready.add(customer_id)
        touched[customer_id] = customer
    return applied, repeats, unchecked, held


cdef inline bint _is_newer(list one, list other) except -1:
    """Whether an event comes after another: by its time, then its source, then its id."""
    cdef long long left = one[AT], right = other[AT]
    if left != right:
        return left > right
    return (one[SOURCE], one[EVENT_ID]) > (other[SOURCE], other[EVENT_ID])


def newest_first(list signals):
    """Sort some dozens of signals in place, the newest first: most come in order."""
    cdef Py_ssize_t n, at
    cdef list signal
    signals.reverse()
    for n in range(1, len(signals)):
        signal = signals[n]
        at = n
        while at > 0 and _is_newer(signal, <list>signals[at - 1]):
            signals[at] = signals[at - 1]
            at -= 1
        if at != n:
            signals[at] = signal
