"""The shared library: where it is, what its functions are, and what it says when one fails.

It is looked for in the environment's OMNISHOT_LIBRARY, beside this file, where an installed package
has it, and in target/python of the project's folder, where cargo builds it.
"""
from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import NoReturn

ABI = 2
NAME = {"darwin": "libomnishot_python.dylib", "win32": "omnishot_python.dll"}.get(
    sys.platform, "libomnishot_python.so")


class Error(RuntimeError):
    """What the library said."""


class Batch(ctypes.Structure):
    """OmnishotBatch of src/lib.rs."""

    _fields_ = [("batch", ctypes.c_uint64), ("index", ctypes.c_uint64)]


class Array(ctypes.Structure):
    """OmnishotArray of src/lib.rs."""

    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("kind", ctypes.c_uint32),
                ("dimensions", ctypes.c_uint32), ("shape", ctypes.c_uint64 * 6)]


class Counts(ctypes.Structure):
    """OmnishotCounts of src/lib.rs."""

    _fields_ = [("batches", ctypes.c_uint64), ("copies", ctypes.c_uint64),
                ("ready", ctypes.c_uint64), ("waited", ctypes.c_double)]


class Picture(ctypes.Structure):
    """OmnishotPicture of src/pictures.rs."""

    _fields_ = [("pixels", ctypes.c_void_p), ("height", ctypes.c_uint64), ("width", ctypes.c_uint64)]


REQUEST = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(Picture), ctypes.c_size_t]
FUNCTIONS = {
    "error": (ctypes.c_size_t, [ctypes.c_char_p, ctypes.c_size_t]),
    "open": (ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]),
    "next": (ctypes.c_int32, [ctypes.c_uint64, ctypes.POINTER(Batch)]),
    "array": (ctypes.c_int32, [ctypes.c_uint64, ctypes.c_uint32, ctypes.POINTER(Array)]),
    "counts": (ctypes.c_int32, [ctypes.c_uint64, ctypes.POINTER(Counts)]),
    "release": (None, [ctypes.c_uint64]),
    "close": (None, [ctypes.c_uint64]),
    "embed": (ctypes.c_uint64, REQUEST),
    "classify": (ctypes.c_uint64, REQUEST),
}


def places() -> list[Path]:
    """Where the library may be."""
    if own := os.environ.get("OMNISHOT_LIBRARY"):
        return [Path(own)]
    here = Path(__file__).resolve().parent
    return [here / NAME, *(root / "target" / "python" / "release" / NAME
                           for root in list(here.parents)[2:3])]


def load() -> ctypes.CDLL:
    """The library, with the types of its functions.

    Raises ImportError if there is none, or it is of another version than this module.
    """
    place = next((place for place in places() if place.exists()), None)
    if place is None:
        raise ImportError(
            f"no {NAME} in {', '.join(str(place.parent) for place in places())}: install the package "
            "with pip, or build the library with cargo build --release --locked --manifest-path "
            "tools/python/Cargo.toml --target-dir target/python, or set OMNISHOT_LIBRARY")
    try:
        library = ctypes.CDLL(str(place))
        version = library.omnishot_abi
    except (OSError, AttributeError) as error:
        raise ImportError(f"{place}: is no library of omnishot: {error}") from error
    version.restype = ctypes.c_uint32
    if version() != ABI:
        raise ImportError(f"{place}: has ABI {version()}, not {ABI}: build it again")
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, "omnishot_" + name)
        function.restype, function.argtypes = result, arguments
    return library


library = load()


def fail() -> NoReturn:
    """Raises the last error of this thread."""
    text = ctypes.create_string_buffer(library.omnishot_error(None, 0))
    library.omnishot_error(text, len(text))
    raise Error(text.raw.decode())
