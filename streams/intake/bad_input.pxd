# Types for bad_input.py where it is compiled: a stamp is far below 2**62.
cimport cython


@cython.locals(youngest="long long", stamped_ms="long long")
cpdef long long youngest_ms(records)
