"""omnishot's batches in Python: tensors over the loader's own buffers, without a copy.

    import omnishot
    for batch in omnishot.Pairs("drawings.omni", seed=7, workers=2, stop=1000):
        train(batch.images, batch.same)   # [2, pairs, 1, side, side] and [pairs]

Build the library once:

    cargo build --release --locked --manifest-path tools/python/Cargo.toml --target-dir target/python

It is looked for in the environment's OMNISHOT_LIBRARY, beside this file, and in target/python.

Threads of the library make batches ahead, the same for any number of them, and hand them out in
order. An array may be written to, and is good for as long as anything refers to it: its
buffer goes back to the workers when the last array over it is gone. Whoever keeps `depth` - 1 batches or
more gets copies from then on (`counts()` says how many), so nothing waits for itself. `for`
holds one batch while it asks for the next: a depth of workers + 2 keeps all workers busy.

A loader belongs to the process that made it, since threads do not live through a fork: in a
forked child it raises an error, the child's own loaders work, and arrays can still be read.
With several processes give each its `rank` of `world`. Calls wait without the interpreter's lock.
"""
import ctypes
import json
import math
import os
import sys
from pathlib import Path

ABI = 1
KINDS = {"f": ctypes.c_float, "q": ctypes.c_int64, "B": ctypes.c_uint8}


class Error(RuntimeError):
    """What the library said."""


class _Batch(ctypes.Structure):
    _fields_ = [("batch", ctypes.c_uint64), ("index", ctypes.c_uint64)]


class _Array(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("kind", ctypes.c_uint32),
                ("dimensions", ctypes.c_uint32), ("shape", ctypes.c_uint64 * 6)]


class _Counts(ctypes.Structure):
    _fields_ = [("batches", ctypes.c_uint64), ("copies", ctypes.c_uint64),
                ("ready", ctypes.c_uint64), ("waited", ctypes.c_double)]


def _load():
    name = {"darwin": "libomnishot_python.dylib", "win32": "omnishot_python.dll"}.get(
        sys.platform, "libomnishot_python.so")
    here = Path(__file__).resolve().parent
    places = [here / name, here.parents[1] / "target" / "python" / "release" / name]
    if own := os.environ.get("OMNISHOT_LIBRARY"):
        places = [Path(own)]
    place = next((place for place in places if place.exists()), None)
    if place is None:
        raise ImportError(
            f"no {name} in {', '.join(str(place.parent) for place in places)}: build it with cargo "
            "build --release --locked --manifest-path tools/python/Cargo.toml --target-dir "
            "target/python, or set OMNISHOT_LIBRARY")
    library = ctypes.CDLL(str(place))
    library.omnishot_abi.restype = ctypes.c_uint32
    if library.omnishot_abi() != ABI:
        raise ImportError(f"{place}: has ABI {library.omnishot_abi()}, not {ABI}: build it again")
    for name, result, arguments in [
            ("error", ctypes.c_size_t, [ctypes.c_char_p, ctypes.c_size_t]),
            ("open", ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]),
            ("next", ctypes.c_int32, [ctypes.c_uint64, ctypes.POINTER(_Batch)]),
            ("array", ctypes.c_int32, [ctypes.c_uint64, ctypes.c_uint32, ctypes.POINTER(_Array)]),
            ("counts", ctypes.c_int32, [ctypes.c_uint64, ctypes.POINTER(_Counts)]),
            ("release", None, [ctypes.c_uint64]),
            ("close", None, [ctypes.c_uint64])]:
        function = getattr(library, "omnishot_" + name)
        function.restype, function.argtypes = result, arguments
    return library


_library = _load()


def _raise():
    text = ctypes.create_string_buffer(_library.omnishot_error(None, 0))
    _library.omnishot_error(text, len(text))
    raise Error(text.raw.decode())


class _Lease:
    """Held by every array of a batch; gives the buffer back when the last one is gone."""

    def __init__(self, batch):
        self._batch = batch

    def __del__(self, release=_library.omnishot_release):
        release(self._batch)


def _memoryview(buffer, kind, shape):
    return memoryview(buffer).cast("B").cast(kind, shape)


def _numpy(buffer, kind, shape):
    import numpy
    return numpy.frombuffer(buffer, kind).reshape(shape)


def _torch(buffer, kind, shape):
    import torch
    kinds = {"f": torch.float32, "q": torch.int64, "B": torch.uint8}
    return torch.frombuffer(buffer, dtype=kinds[kind]).view(shape)


ARRAYS = {"torch": _torch, "numpy": _numpy, "memoryview": _memoryview}


class Batch:
    """A batch: `index`, its number in the stream, and its arrays by name."""

    def __init__(self, batch, index, make):
        lease = _Lease(batch)  # first, so that no error leaks the buffer
        self.index = index
        array, number = _Array(), 0
        while (found := _library.omnishot_array(batch, number, array)) == 1:
            kind, shape = chr(array.kind), list(array.shape[:array.dimensions])
            buffer = (KINDS[kind] * math.prod(shape)).from_address(array.data)
            buffer.lease = lease
            setattr(self, array.name.decode(), make(buffer, kind, shape) if shape else buffer[0])
            number += 1
        if found < 0:
            _raise()


class _Loader:
    """Batches `start` to `stop` of a stream, those of `rank`; an iterator.

    store    a file that omni-pack built; its background set is used
    seed     of every random decision
    side     width and height of the pictures, 2 to 105
    law      of distortion, "koch" or "compact"
    pixel    "f32" (ink is 1) or "u8" (ink is 255)
    workers  threads that make batches
    depth    buffers
    arrays   "torch", "numpy" or "memoryview"
    """

    _loader = 0  # until it is open

    def __init__(self, stream, store, *, seed=0, side=105, law="koch", pixel="f32", workers=2,
                 depth=4, start=0, stop=1 << 32, rank=0, world=1, arrays="torch"):
        if arrays not in ARRAYS:
            raise Error(f"arrays is {arrays!r}; say one of {', '.join(ARRAYS)}")
        self._make = ARRAYS[arrays]
        settings = json.dumps({
            "stream": stream, "store": os.fspath(store), "seed": seed, "side": side, "law": law,
            "pixel": pixel, "workers": workers, "depth": depth, "start": start, "stop": stop,
            "rank": rank, "world": world}).encode()
        self._loader = _library.omnishot_open(settings, len(settings))
        if not self._loader:
            _raise()

    def __iter__(self):
        return self

    def __next__(self):
        batch = _Batch()
        found = _library.omnishot_next(self._loader, batch)
        if found < 0:
            _raise()
        if found == 0:
            raise StopIteration
        return Batch(batch.batch, batch.index, self._make)

    def counts(self):
        """Batches handed out, those that were `copies`, those that lay `ready` when the last one
        was asked for, and the seconds `waited`."""
        counts = _Counts()
        if _library.omnishot_counts(self._loader, counts) < 0:
            _raise()
        return {name: getattr(counts, name) for name, _ in _Counts._fields_}

    def close(self):
        """Ends the threads. Batches stay good."""
        _library.omnishot_close(self._loader)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self, close=_library.omnishot_close):
        close(self._loader)

    def __reduce__(self):
        raise TypeError("a loader has threads: make it in the process that uses it")


class Pairs(_Loader):
    """Pairs, half of them of one character. A batch has `images` [2, pairs, 1, side, side],
    `same` [pairs] of 1.0 and 0.0, and `drawings` [2, pairs], their numbers in the store.

    within_alphabet  share of the different pairs that is drawn within one alphabet, in 1/256
    """

    def __init__(self, store, *, pairs=64, within_alphabet=128, **others):
        super().__init__({"pairs": {"pairs": pairs, "within_alphabet": within_alphabet}},
                         store, **others)


class Classes(_Loader):
    """Drawings by class. A batch has `images` [drawings, 1, side, side], `classes`, `drawings` and
    `poses` [drawings], and `alphabet_part`: how many, at the front, are of one alphabet.

    alphabet_characters  the most characters that this alphabet gives, two drawings each
    poses                of a character, each a class: 1, 4 (turned) or 8 (mirrored as well)
    """

    def __init__(self, store, *, drawings=128, alphabet_characters=32, poses=4, **others):
        super().__init__({"classes": {
            "drawings": drawings, "alphabet_characters": alphabet_characters, "poses": poses}},
            store, **others)


class Tasks(_Loader):
    """One-shot tasks. A batch has `support` [tasks, ways, shots, 1, side, side], `queries`
    [tasks, 1, side, side], `answers` [tasks], and `support_drawings` and `query_drawings`.

    scope  where a task's characters come from: "within" one alphabet, or "between" all
    plain  leave the drawings undistorted
    """

    def __init__(self, store, *, tasks=8, ways=20, shots=1, scope="within", plain=False, **others):
        super().__init__({"tasks": {
            "tasks": tasks, "ways": ways, "shots": shots, "scope": scope, "plain": plain}},
            store, **others)
