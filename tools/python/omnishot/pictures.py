"""Pictures as a network sees them: embeddings, and which class each shows.

Needs numpy, `classify` of files not even that. A picture is a path, or an array of grey: uint8 [height, width], or bool. An
array means what a file of these pixels means to siamese-embed and siamese-classify, and the answers are
theirs: ink may be darker or lighter than what it lies on, and a picture of any size is made into a page.
The work is done on all cores, without the interpreter's lock; a forked child has threads of its own.
"""
from __future__ import annotations

import json
import math
import os
import warnings
from typing import (TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple,
                    Union)

from . import _library
from ._library import library
from .loader import ARRAYS, arrays_of

if TYPE_CHECKING:
    import numpy
    from numpy.typing import ArrayLike, NDArray

Path = Union[str, "os.PathLike[str]"]
Picture = Union[Path, "ArrayLike"]
Pictures = Union[Picture, Sequence[Picture]]


class Ranked(NamedTuple):
    """How like a picture is to a class."""

    name: str
    """the class"""
    score: float
    """the greater, the more alike: a cosine, -1 to 1, of a compact network; a logit of p(same) of
    Koch's and of a siamese one"""


class Answer(NamedTuple):
    """Which class a picture shows."""

    query: str
    """the picture's path, or "queries[3]" for an array"""
    answer: Optional[str]
    """the class; None if `why` is not "above all others\""""
    why: str
    """"above all others", "none of these" (no score is above the threshold), or "tied" (classes share
    the first place)"""
    ranked: List[Ranked]
    """all classes, the nearest first"""
    threshold: Optional[float]
    """the score that a class must be above, if there is one"""


class _Request:
    """Pictures on their way to the library; keeps their arrays alive."""

    def __init__(self) -> None:
        self.arrays: List[NDArray[numpy.uint8]] = []

    def add(self, pictures: Pictures, name: str) -> List[Dict[str, Any]]:
        """What the library is told of them."""
        if isinstance(pictures, (str, os.PathLike)):
            return [{"path": os.fspath(pictures)}]
        if isinstance(pictures, (list, tuple)):
            each = (self._one(picture, f"{name}[{place}]") for place, picture in enumerate(pictures))
            return [one for few in each for one in few]
        return self._one(pictures, name)

    def _one(self, picture: Any, name: str) -> List[Dict[str, Any]]:
        if isinstance(picture, (str, os.PathLike)):
            return [{"path": os.fspath(picture)}]
        array = _grey(picture, name)
        if array.ndim == 2:
            return [self._array(array, name)]
        return [self._array(one, f"{name}[{place}]") for place, one in enumerate(array)]

    def _array(self, array: NDArray[numpy.uint8], name: str) -> Dict[str, Any]:
        self.arrays.append(array)
        return {"array": [len(self.arrays) - 1, name]}

    def ask(self, function: Any, request: Dict[str, Any],
            kind: str) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        """The arrays of the library's answer, of this kind, and its report."""
        text = json.dumps(request).encode()
        pictures = (_library.Picture * len(self.arrays))()
        for picture, array in zip(pictures, self.arrays):
            picture.pixels, (picture.height, picture.width) = array.ctypes.data, array.shape
        answer = function(text, len(text), pictures, len(self.arrays))
        if not answer:
            _library.fail()
        arrays = arrays_of(answer, ARRAYS[kind])
        report = json.loads(arrays.pop("report").tobytes())
        if report["warning"]:
            warnings.warn(report["warning"], stacklevel=3)
        return arrays, report


def _grey(picture: Picture, name: str) -> NDArray[numpy.uint8]:
    """A picture or several as uint8 without gaps."""
    import numpy
    array = numpy.asarray(picture)
    if array.dtype == numpy.bool_:
        array = numpy.where(array, 0, 255).astype(numpy.uint8)
    if array.dtype != numpy.uint8:
        raise TypeError(f"{name}: its values are {array.dtype}; a picture is of uint8, 0 to 255, or of "
                        "bool, where ink is True")
    if array.ndim not in (2, 3) or array.ndim == 3 and array.shape[2] in (3, 4):
        raise ValueError(f"{name}: its shape is {list(array.shape)}; a picture is grey, [height, width], "
                         "and several are [n, height, width]: convert colours to grey")
    return numpy.ascontiguousarray(array)


def _network(weights: Optional[Path], cut: Optional[bool], grey: Optional[bool]) -> Dict[str, Any]:
    path = None if weights is None else os.fspath(weights)
    return {"weights": path, "cut": cut, "grey": grey}


def embed(pictures: Pictures, weights: Optional[Path] = None, *, cut: Optional[bool] = None,
          grey: Optional[bool] = None) -> NDArray[numpy.float32]:
    """Vectors [n, dimensions] of float32, in the order of the pictures; near each other for
    pictures of one class. Compare them by their cosine; those of a network with Koch's head by his
    weighted distance, which `classify` knows.

    pictures  a picture, a folder or zip of pictures, an array [n, height, width], or a list of
              such; those of a folder or zip ascending by name
    weights   a file that siamese-train wrote; without it the network that comes with the package
    cut       cut out what each picture shows; None does as the network's training did
    grey      keep shades of grey; None does as the network's training did

    Raises Error if a picture or the weights cannot be read, or a picture shows no drawing; TypeError
    and ValueError for an array that is no picture. Warns of pictures made otherwise than in training.
    """
    request = _Request()
    inputs = request.add(pictures, "pictures")
    arrays, _ = request.ask(library.omnishot_embed, {
        "network": _network(weights, cut, grey), "pictures": inputs}, "numpy")
    return arrays["embeddings"]  # type: ignore[no-any-return]


def classify(support: Union[Path, Mapping[str, Pictures]], queries: Pictures,
             weights: Optional[Path] = None, *, threshold: Optional[float] = None,
             calibrate: Optional[Path] = None, strangers: float = 5.0, cut: Optional[bool] = None,
             grey: Optional[bool] = None) -> List[Answer]:
    """Which of a few classes, each known by an example or two, each query shows.

    support    a folder or zip, in which each folder is a class with its pictures and each picture
               at the top a class by itself; or the pictures of each class by its name
    queries    as the `pictures` of `embed`, like `weights`, `cut` and `grey`
    threshold  answer "none of these" where no class has a score above this
    calibrate  a store that omni-pack built: find the threshold on its background alphabets that the
               network was not trained on
    strangers  of queries that show none of the classes, the share that a calibrated threshold may take
               for one of them, in percent

    Raises as `embed` does; also Error if a class has no pictures, the network compares no single
    pictures, or no threshold can be found.
    """
    if threshold is not None and calibrate is not None:
        raise ValueError("threshold and calibrate are both given; give one of them")
    request = _Request()
    known: Dict[str, Any]
    if isinstance(support, Mapping):
        known = {"classes": [[str(name), request.add(pictures, f"support[{name!r}]")]
                             for name, pictures in support.items()]}
    else:
        known = {"path": os.fspath(support)}
    inputs = request.add(queries, "queries")
    _, report = request.ask(library.omnishot_classify, {
        "network": _network(weights, cut, grey), "support": known, "queries": inputs,
        "threshold": _number("threshold", threshold), "strangers": _number("strangers", strangers),
        "calibrate": None if calibrate is None else os.fspath(calibrate)}, "memoryview")
    return [Answer(one["query"], one["answer"], one["why"],
                   [Ranked(name, math.nan if score is None else score)
                    for name, score in one["ranked"]], report["threshold"])
            for one in report["answers"]]


def _number(name: str, value: Optional[float]) -> Optional[float]:
    """JSON has no NaN and no infinity."""
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}; say a finite number")
    return float(value)
