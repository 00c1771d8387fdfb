"""The loader's batches as datasets of PyTorch.

    from torch.utils.data import DataLoader
    from omnishot.dataset import PairDataset

    dataset = PairDataset("drawings.omni", seed=7, stop=1000)
    for images, same, *_ in DataLoader(dataset, batch_size=None):
        train(images, same)

An item is a whole batch, so say `batch_size=None`. The batches and their order are those of
omnishot.Pairs, for any `num_workers`: the dataset's copy in worker w of n makes every n-th batch,
from the w-th on. Threads make the batches already, `workers` of them in each process, without the
interpreter's lock, so `num_workers=0` is fastest: between processes PyTorch copies each batch.

`state_dict()` says where the newest iteration stands, and an iteration after `load_state_dict()` goes
on from there. With `num_workers` above 0 the iterations are in the workers: torchdata's
StatefulDataLoader asks them. Without it keep the `index` of the last batch and begin with
`start=index + 1`.
"""
from __future__ import annotations

import json
from typing import (TYPE_CHECKING, Any, Dict, Generator, Iterator, Optional, Type, TypeVar, cast)

import torch
from torch.utils.data import IterableDataset, get_worker_info

from .loader import (DEFAULTS, ClassBatch, Classes, Loader, PairBatch, Pairs, Settings, Store,
                     TaskBatch, Tasks)

if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Unpack

__all__ = ["ClassDataset", "PairDataset", "TaskDataset"]

B = TypeVar("B", PairBatch, ClassBatch, TaskBatch)
State = Dict[str, Any]
# What changes how fast batches are made and not which: a state of other ones may be loaded.
FREE = {"workers", "depth"}


class _Dataset(IterableDataset[B]):
    """Batches `start` to `stop` of a stream, those of `rank`, as tensors. `Settings` says what may
    be set; `arrays` is "torch" here.

    Nothing is open between iterations: a dataset may be pickled, and forked with its process.

    Raises Error and TypeError as the loader does.
    """

    def __init__(self, loader: Type[Loader[B]], store: Store, shape: Dict[str, Any],
                 settings: Settings) -> None:
        super().__init__()
        if settings.get("arrays", "torch") != "torch":
            raise TypeError("the arrays of a dataset are tensors: leave `arrays` out")
        self._loader: Any = loader
        self._store, self._shape = store, shape
        self._settings = cast(Settings, {**DEFAULTS, **settings})
        self._is_endless = "stop" not in settings
        # In memory that workers share: those that live through epochs hear of the next one.
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]
        self._position: Optional[State] = None
        self._resume: Optional[State] = None
        self._open(self._settings).close()  # says now what is wrong, not in a worker

    def _open(self, settings: Settings) -> Loader[B]:
        return cast("Loader[B]", self._loader(self._store, **self._shape, **settings))

    def _range(self, epoch: int) -> range:
        """The numbers of this rank's batches in an epoch."""
        settings = self._settings
        length, world = settings["stop"] - settings["start"], settings["world"]
        shift = epoch * length
        start, stop = settings["start"] + shift, settings["stop"] + shift
        first = start + (settings["rank"] - start) % world
        return range(first, stop, world)

    def __len__(self) -> int:
        """How many batches an epoch has. Raises TypeError if no `stop` was set."""
        if self._is_endless:
            raise TypeError("a dataset without `stop` has no length")
        return len(self._range(0))

    def set_epoch(self, epoch: int) -> None:
        """Makes the iterations from now on those of an epoch: of the batches that follow upon those of
        the epoch before it. Until it is called they are of epoch 0.

        Raises ValueError if `epoch` is negative, or not 0 where no `stop` was set.
        """
        if epoch < 0 or epoch and self._is_endless:
            raise ValueError(f"epoch {epoch}: epochs begin with 0, and without `stop` there is one")
        self._epoch.fill_(epoch)
        if self._resume and self._resume["epoch"] != epoch:
            self._resume = None

    def __iter__(self) -> Iterator[B]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        resume, self._resume = self._resume, None
        position = resume or {"epoch": int(self._epoch), "given": 0}
        if resume and (resume["worker"], resume["workers"]) != (worker, workers):
            raise ValueError(
                f"the state is of worker {resume['worker']} of {resume['workers']}, this is "
                f"{worker} of {workers}: a state holds for as many workers as it was saved with")
        self._position = {**position, "worker": worker, "workers": workers}
        return self._batches(self._position)

    def _batches(self, position: State) -> Generator[B, None, None]:
        every = self._range(position["epoch"])
        left = every[position["worker"]::position["workers"]][position["given"]:]
        if not left:
            return
        # A slice of a range may end beyond it.
        with self._open({**self._settings, "start": left.start, "stop": min(left.stop, every.stop),
                         "rank": left.start % left.step, "world": left.step}) as loader:
            for batch in loader:
                position["given"] += 1
                yield batch

    def _stream(self) -> State:
        """What decides which batches there are, but for the store."""
        settings = {name: value for name, value in self._settings.items()
                    if name not in FREE | {"arrays"}}
        return json.loads(json.dumps({**self._shape, **settings}))  # type: ignore[no-any-return]

    def state_dict(self) -> State:
        """Where the newest iteration in this process stands: plain values, to be pickled or written
        as JSON."""
        position = self._resume or self._position or {
            "epoch": int(self._epoch), "given": 0, "worker": 0, "workers": 1}
        return {**position, "stream": self._stream()}

    def load_state_dict(self, state: State) -> None:
        """The next iteration goes on where the one stood that the state is of.

        Raises ValueError if the state is none, or of a dataset with other settings.
        """
        position: State = {name: state.get(name) for name in ("epoch", "given", "worker", "workers")}
        if not all(isinstance(value, int) and value >= 0 for value in position.values()):
            raise ValueError(f"this is no state of {type(self).__name__}: {state!r}")
        theirs, ours = state.get("stream") or {}, self._stream()
        for name in sorted(theirs.keys() | ours.keys()):
            if theirs.get(name) != ours.get(name):
                raise ValueError(f"the state is of a dataset with {name} {theirs.get(name)!r}; this "
                                 f"one has {ours.get(name)!r}")
        self._epoch.fill_(position["epoch"])
        self._resume = position


class PairDataset(_Dataset[PairBatch]):
    """The batches of omnishot.Pairs, which has the same arguments."""

    def __init__(self, store: Store, *, pairs: int = 64, within_alphabet: int = 128,
                 **settings: Unpack[Settings]) -> None:
        super().__init__(Pairs, store, {"pairs": pairs, "within_alphabet": within_alphabet}, settings)


class ClassDataset(_Dataset[ClassBatch]):
    """The batches of omnishot.Classes, which has the same arguments."""

    def __init__(self, store: Store, *, drawings: int = 128, alphabet_characters: int = 32,
                 poses: int = 4, **settings: Unpack[Settings]) -> None:
        super().__init__(Classes, store, {
            "drawings": drawings, "alphabet_characters": alphabet_characters, "poses": poses},
            settings)


class TaskDataset(_Dataset[TaskBatch]):
    """The batches of omnishot.Tasks, which has the same arguments."""

    def __init__(self, store: Store, *, tasks: int = 8, ways: int = 20, shots: int = 1,
                 scope: Literal["within", "between"] = "within", plain: bool = False,
                 **settings: Unpack[Settings]) -> None:
        super().__init__(Tasks, store, {"tasks": tasks, "ways": ways, "shots": shots, "scope": scope,
                                        "plain": plain}, settings)
