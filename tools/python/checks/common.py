"""What the checks have in common."""
import contextlib
import os
import time
from pathlib import Path

import omnishot


def flat(array):
    """The values of an array of numbers."""
    if hasattr(array, "flatten"):
        return array.flatten().tolist()
    return memoryview(array.cast("B")).cast(array.format).tolist()


def raw(array):
    """Its bytes."""
    return bytes(array.numpy().tobytes() if hasattr(array, "numpy") else array.tobytes())


def address(array):
    """Where it lies."""
    if hasattr(array, "data_ptr"):
        return array.data_ptr()
    if hasattr(array, "ctypes"):
        return array.ctypes.data
    import ctypes
    return ctypes.addressof(ctypes.c_char.from_buffer(array.cast("B")))


def raises(text, work, kind=omnishot.Error):
    """`work` raises an error of this kind, and it has this text."""
    try:
        work()
    except kind as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"no error with {text!r}")


def threads():
    """The loader's threads. Their names are what they give themselves as they begin."""
    names = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it has ended
            names.append(Path(f"/proc/self/task/{task}/comm").read_text())
    return sum(name.startswith("loader-") for name in names)


def threads_become(number):
    """A thread has its name a moment after it began, and is seen a moment after it was joined."""
    end = time.monotonic() + 60
    while threads() != number:
        assert time.monotonic() < end, f"{threads()} threads of loaders, not {number}"
        time.sleep(0.001)
