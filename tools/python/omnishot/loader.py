"""Batches in Python: tensors over the loader's own buffers, without a copy.

Threads of the library make batches ahead, the same for any number of them, and hand them out in
order. An array may be written to, and is good for as long as anything refers to it: its
buffer goes back to the workers when the last array over it is gone. Whoever keeps `depth` - 1 batches or
more gets copies from then on (`counts()` says how many), so nothing waits for itself. `for`
holds one batch while it asks for the next: a depth of workers + 2 keeps all workers busy.

A loader belongs to the process that made it, since threads do not live through a fork: in a
forked child it raises an error, the child's own loaders work, and arrays can still be read.
With several processes give each its `rank` of `world`. Calls wait without the interpreter's lock.
"""
from __future__ import annotations

import ctypes
import json
import math
import os
from typing import (TYPE_CHECKING, Any, Callable, Dict, Generic, Iterator, List, NamedTuple, Tuple,
                    Type, TypedDict, TypeVar, Union, cast)

from . import _library
from ._library import Error, library

if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Unpack

Store = Union[str, "os.PathLike[str]"]
KINDS: Dict[str, Any] = {"f": ctypes.c_float, "q": ctypes.c_int64, "B": ctypes.c_uint8}


class PairBatch(NamedTuple):
    """Pairs of drawings, half of them of one character. Arrays are of the kind that was asked for."""

    images: Any
    """[2, pairs, 1, side, side], left before right; of the pixels that were asked for"""
    same: Any
    """[pairs] of float32, 1 where both are of one character"""
    drawings: Any
    """[2, pairs] of int64, their numbers in the store"""
    index: int  # type: ignore[assignment]  # in place of the method of a tuple
    """its number in the stream"""


class ClassBatch(NamedTuple):
    """Drawings with their classes."""

    images: Any
    """[drawings, 1, side, side]"""
    classes: Any
    """[drawings] of int64"""
    drawings: Any
    """[drawings] of int64, their numbers in the store"""
    poses: Any
    """[drawings] of uint8, how each was turned and mirrored"""
    alphabet_part: int
    """how many, at the front, are of one alphabet"""
    index: int  # type: ignore[assignment]  # in place of the method of a tuple
    """its number in the stream"""


class TaskBatch(NamedTuple):
    """One-shot tasks."""

    support: Any
    """[tasks, ways, shots, 1, side, side]"""
    queries: Any
    """[tasks, 1, side, side]"""
    answers: Any
    """[tasks] of int64, the way that the query is of"""
    support_drawings: Any
    """[tasks, ways, shots] of int64, their numbers in the store"""
    query_drawings: Any
    """[tasks] of int64"""
    index: int  # type: ignore[assignment]  # in place of the method of a tuple
    """its number in the stream"""


class Settings(TypedDict, total=False):
    """What all streams have in common."""

    seed: int
    """of every random decision (0)"""
    side: int
    """width and height of the pictures, 2 to 105 (105)"""
    law: Literal["koch", "compact"]
    """of distortion ("koch")"""
    pixel: Literal["f32", "u8"]
    """what a pixel is: in "f32" ink is 1, in "u8" it is 255 ("f32")"""
    workers: int
    """threads that make batches (2)"""
    depth: int
    """buffers (4)"""
    start: int
    """first batch of the stream (0)"""
    stop: int
    """the batch before which it ends (2^32)"""
    rank: int
    """this process's number: it gets the batches whose number leaves this rest by `world` (0)"""
    world: int
    """how many processes share the stream (1)"""
    arrays: Literal["torch", "numpy", "memoryview"]
    """what the arrays of a batch are ("torch")"""


DEFAULTS: Settings = {
    "seed": 0, "side": 105, "law": "koch", "pixel": "f32", "workers": 2, "depth": 4, "start": 0,
    "stop": 1 << 32, "rank": 0, "world": 1, "arrays": "torch"}


class Lease:
    """Held by every array of a batch; gives the buffer back when the last one is gone."""

    def __init__(self, batch: int) -> None:
        self._batch = batch

    def __del__(self, release: Any = library.omnishot_release) -> None:
        release(self._batch)


def _memoryview(buffer: Any, kind: str, shape: List[int]) -> Any:
    return memoryview(buffer).cast("B").cast(kind, shape)  # type: ignore[call-overload]


def _numpy(buffer: Any, kind: str, shape: List[int]) -> Any:
    import numpy
    return numpy.frombuffer(buffer, kind).reshape(shape)


def _torch(buffer: Any, kind: str, shape: List[int]) -> Any:
    import torch
    kinds = {"f": torch.float32, "q": torch.int64, "B": torch.uint8}
    return torch.frombuffer(buffer, dtype=kinds[kind]).view(shape)


ARRAYS: Dict[str, Callable[[Any, str, List[int]], Any]] = {
    "torch": _torch, "numpy": _numpy, "memoryview": _memoryview}


def arrays_of(batch: int, make: Callable[[Any, str, List[int]], Any]) -> Dict[str, Any]:
    """The arrays of a lease by name, which is given back when they are gone."""
    lease = Lease(batch)  # first, so that no error leaks the buffer
    arrays: Dict[str, Any] = {}
    array = _library.Array()
    while (found := library.omnishot_array(batch, len(arrays), array)) == 1:
        kind, shape = chr(array.kind), list(array.shape[:array.dimensions])
        buffer = (KINDS[kind] * math.prod(shape)).from_address(array.data)
        buffer.lease = lease
        arrays[array.name.decode()] = make(buffer, kind, shape) if shape else buffer[0]
    if found < 0:
        _library.fail()
    return arrays


B = TypeVar("B", PairBatch, ClassBatch, TaskBatch)


class Loader(Generic[B]):
    """Batches `start` to `stop` of a stream, those of `rank`; an iterator. `Settings` says what may
    be set.

    Raises Error if a setting is out of its range or the store cannot serve, and while it iterates
    in place of the first batch that cannot be made. TypeError if there is no such setting.
    """

    _loader = 0  # until it is open

    def __init__(self, batch: Type[B], stream: Dict[str, Any], store: Store,
                 settings: Settings) -> None:
        if unknown := settings.keys() - DEFAULTS.keys():
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}; "
                            f"there are {', '.join(DEFAULTS)}")
        everything: Dict[str, Any] = {
            "stream": stream, "store": os.fspath(store), **DEFAULTS, **settings}
        if (arrays := everything.pop("arrays")) not in ARRAYS:
            raise Error(f"arrays is {arrays!r}; say one of {', '.join(ARRAYS)}")
        self._batch: Any = batch
        self._make = ARRAYS[arrays]
        text = json.dumps(everything).encode()
        self._loader = library.omnishot_open(text, len(text))
        if not self._loader:
            _library.fail()

    def __iter__(self) -> Iterator[B]:
        return self

    def __next__(self) -> B:
        batch = _library.Batch()
        found = library.omnishot_next(self._loader, batch)
        if found < 0:
            _library.fail()
        if found == 0:
            raise StopIteration
        return cast(B, self._batch(index=batch.index, **arrays_of(batch.batch, self._make)))

    def counts(self) -> Dict[str, float]:
        """Batches handed out, those that were `copies`, those that lay `ready` when the last one
        was asked for, and the seconds `waited`."""
        counts = _library.Counts()
        if library.omnishot_counts(self._loader, counts) < 0:
            _library.fail()
        return {name: getattr(counts, name) for name in ("batches", "copies", "ready", "waited")}

    def close(self) -> None:
        """Ends the threads. Batches stay good."""
        library.omnishot_close(self._loader)

    def __enter__(self) -> Loader[B]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, close: Any = library.omnishot_close) -> None:
        close(self._loader)

    def __reduce__(self) -> Tuple[Any, ...]:
        raise TypeError("a loader has threads: make it in the process that uses it")


class Pairs(Loader[PairBatch]):
    """Pairs, half of them of one character: see PairBatch, and Settings for the other settings.

    within_alphabet  share of the different pairs that is drawn within one alphabet, in 1/256
    """

    def __init__(self, store: Store, *, pairs: int = 64, within_alphabet: int = 128,
                 **settings: Unpack[Settings]) -> None:
        super().__init__(PairBatch, {"pairs": {
            "pairs": pairs, "within_alphabet": within_alphabet}}, store, settings)


class Classes(Loader[ClassBatch]):
    """Drawings by class: see ClassBatch, and Settings for the other settings.

    alphabet_characters  the most characters that this alphabet gives, two drawings each
    poses                of a character, each a class: 1, 4 (turned) or 8 (mirrored as well)
    """

    def __init__(self, store: Store, *, drawings: int = 128, alphabet_characters: int = 32,
                 poses: int = 4, **settings: Unpack[Settings]) -> None:
        super().__init__(ClassBatch, {"classes": {
            "drawings": drawings, "alphabet_characters": alphabet_characters, "poses": poses}},
            store, settings)


class Tasks(Loader[TaskBatch]):
    """One-shot tasks: see TaskBatch, and Settings for the other settings.

    scope  where a task's characters come from: "within" one alphabet, or "between" all
    plain  leave the drawings undistorted
    """

    def __init__(self, store: Store, *, tasks: int = 8, ways: int = 20, shots: int = 1,
                 scope: Literal["within", "between"] = "within", plain: bool = False,
                 **settings: Unpack[Settings]) -> None:
        super().__init__(TaskBatch, {"tasks": {
            "tasks": tasks, "ways": ways, "shots": shots, "scope": scope, "plain": plain}},
            store, settings)
