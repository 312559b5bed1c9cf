# Types for windows.py where it is compiled: a bucket and how many it has are far below 2**62.
cimport cython


@cython.locals(
    end="long long", found="long long", first="long long", bucket="long long", n="long long"
)
cpdef tuple count_in(kept, long long oldest, youngest)


@cython.locals(found="long long", first="long long", bucket="long long", n="long long")
cpdef tuple active_in(kept, long long oldest)
