# SPDX-License-Identifier: Apache-2.0
"""What of a file is in memory: none of it, or all of it."""

import ctypes
import os
from contextlib import contextmanager

PROT_READ, MAP_SHARED = 1, 1
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mlock.argtypes = libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def drop(path):
    """Its pages leave the cache, nobody else's."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def held(path):
    """All of its pages stay in the cache: a kernel may take back those that nobody maps (DAMON does, in time)."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        address = libc.mmap(None, size, PROT_READ, MAP_SHARED, file.fileno(), 0)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap " + path)
    try:
        if libc.mlock(address, size):
            raise OSError(ctypes.get_errno(), "mlock " + path)
        yield
    finally:
        libc.munmap(address, size)
