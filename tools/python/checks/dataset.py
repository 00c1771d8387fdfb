"""Checks omnishot.dataset: dataset.py STORE. Needs PyTorch, and tries torchdata where it is there.

A DataLoader gets the batches that the loader makes, on any number of its workers; whoever stops and
goes on by a state gets those that one who never stopped would have got.
"""
import importlib.util
import itertools
import json
import os
import pickle
import sys

if importlib.util.find_spec("torch") is None:
    sys.exit(0)

import omnishot
import torch
from omnishot.dataset import ClassDataset, PairDataset, TaskDataset
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from common import raises, threads_become

STORE = sys.argv[1]
SMALL = {"seed": 5, "side": 28, "workers": 1, "depth": 3}
KINDS = {
    PairDataset: (omnishot.Pairs, {"pairs": 4}),
    ClassDataset: (omnishot.Classes, {"drawings": 8, "alphabet_characters": 2}),
    TaskDataset: (omnishot.Tasks, {"tasks": 2, "ways": 3, "pixel": "u8"}),
}


def pairs(**more):
    return PairDataset(STORE, **{"pairs": 4, "stop": 7, **SMALL, **more})


def values(batch):
    return [part.tolist() if torch.is_tensor(part) else part for part in batch]


def all_of(batches):
    return [values(batch) for batch in batches]


def indices(batches):
    return [batch.index for batch in batches]


def load(dataset, workers, **more):
    return DataLoader(dataset, batch_size=None, num_workers=workers, **more)


def any_number_of_workers_gets_the_same_batches_in_order():
    for dataset, (loader, shape) in KINDS.items():
        expected = all_of(loader(STORE, start=3, stop=8, **shape, **SMALL))
        assert len(expected) == 5
        for workers in range(3):
            made = dataset(STORE, start=3, stop=8, **shape, **SMALL)
            assert len(load(made, workers)) == 5
            for batch, other in itertools.zip_longest(load(made, workers), expected):
                assert values(batch) == other and batch._fields[-1] == "index"


def ranks_share_a_stream_whatever_their_workers():
    for world, start in ((2, 0), (3, 4)):
        for rank, workers in itertools.product(range(world), (0, 2)):
            dataset = pairs(start=start, stop=start + 8, rank=rank, world=world)
            expected = [index for index in range(start, start + 8) if index % world == rank]
            assert indices(load(dataset, workers)) == expected, (world, start, rank, workers)
            assert len(dataset) == len(expected)


def epochs_follow_upon_each_other():
    for workers in (0, 2):
        dataset = pairs(start=2, stop=5)
        batches = load(dataset, workers, persistent_workers=workers > 0)
        seen = [indices(batches), indices(batches)]
        dataset.set_epoch(2)
        assert seen + [indices(batches)] == [[2, 3, 4], [2, 3, 4], [8, 9, 10]]
        del batches


def an_endless_dataset_has_no_length():
    dataset = PairDataset(STORE, pairs=4, world=3, **SMALL)
    raises("has no length", lambda: len(dataset), TypeError)
    raises("epoch 1", lambda: dataset.set_epoch(1), ValueError)
    for workers in (0, 2):
        assert indices(itertools.islice(load(dataset, workers), 3)) == [0, 3, 6]


def a_state_goes_on_where_it_was_taken():
    whole = all_of(pairs())
    for given in range(8):
        dataset = pairs()
        batches = iter(load(dataset, 0))
        assert all_of(itertools.islice(batches, given)) == whole[:given]
        state = json.loads(json.dumps(dataset.state_dict()))
        other = pairs(workers=2, depth=5)
        other.load_state_dict(state)
        assert other.state_dict() == state
        assert all_of(load(other, 0)) == whole[given:]
        assert all_of(load(other, 0)) == whole
    dataset.set_epoch(3)
    state = dataset.state_dict() if next(iter(dataset)) else None
    other = pairs()
    other.load_state_dict(dataset.state_dict())
    other.set_epoch(3)
    assert indices(other) == list(range(22, 28)) and indices(other) == list(range(21, 28))
    other.load_state_dict(dataset.state_dict())
    other.set_epoch(1)
    assert state and indices(other) == list(range(7, 14))


class WithState(IterableDataset):
    """Each batch with the state that a worker's copy of the dataset has after it."""

    def __init__(self, dataset, states=None):
        self.dataset, self.states = dataset, states

    def __iter__(self):
        if self.states:
            self.dataset.load_state_dict(self.states[get_worker_info().id])
        for batch in self.dataset:
            yield values(batch), self.dataset.state_dict()


def workers_have_states_of_their_own():
    whole = all_of(pairs())
    first = list(itertools.islice(load(WithState(pairs()), 2), 4))
    assert [batch for batch, _ in first] == whole[:4]
    states = [state for _, state in first[2:]]
    rest = load(WithState(pairs(), states), 2)
    assert [batch for batch, _ in rest] == whole[4:]
    raises("holds for as many workers", lambda: list(load(WithState(pairs(), states), 1)), ValueError)


def torchdata_goes_on_by_its_own_states():
    from torchdata.stateful_dataloader import StatefulDataLoader
    whole = all_of(pairs())
    for workers, given in itertools.product((0, 2), (0, 3, 6)):
        loader = StatefulDataLoader(pairs(), batch_size=None, num_workers=workers)
        assert all_of(itertools.islice(loader, given)) == whole[:given]
        state = pickle.loads(pickle.dumps(loader.state_dict()))
        other = StatefulDataLoader(pairs(), batch_size=None, num_workers=workers)
        other.load_state_dict(state)
        assert all_of(other) == whole[given:], (workers, given)
        assert all_of(other) == whole, (workers, given)


def what_is_wrong_is_told_at_once():
    raises("missing.omni", lambda: PairDataset("missing.omni"))
    raises("an even number", lambda: PairDataset(STORE, pairs=7))
    raises("rank 2 of world 2", lambda: pairs(rank=2, world=2))
    raises("no setting sed", lambda: pairs(sed=1), TypeError)
    raises("leave `arrays` out", lambda: pairs(arrays="numpy"), TypeError)
    raises("no state of PairDataset", lambda: pairs().load_state_dict({}), ValueError)
    state = pairs().state_dict()
    raises("with seed 5; this one has 6", lambda: pairs(seed=6).load_state_dict(state), ValueError)
    raises("with pairs 4", lambda: pairs(pairs=8).load_state_dict(state), ValueError)
    negative = {**state, "given": -1}
    raises("no state of", lambda: pairs().load_state_dict(negative), ValueError)


def processes_do_not_disturb_each_other():
    dataset = pairs()
    batches = iter(dataset)
    first = next(batches)
    whole = all_of(load(dataset, 2))  # forks beside the open iteration
    assert values(first) == whole[0]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            raises("make a loader after the fork", lambda: next(batches))
            assert all_of(dataset) == whole
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert [values(first)] + all_of(batches) == whole
    assert all_of(pickle.loads(pickle.dumps(dataset))) == whole


def main():
    any_number_of_workers_gets_the_same_batches_in_order()
    ranks_share_a_stream_whatever_their_workers()
    epochs_follow_upon_each_other()
    an_endless_dataset_has_no_length()
    a_state_goes_on_where_it_was_taken()
    workers_have_states_of_their_own()
    what_is_wrong_is_told_at_once()
    processes_do_not_disturb_each_other()
    if has_torchdata := importlib.util.find_spec("torchdata") is not None:
        torchdata_goes_on_by_its_own_states()
    threads_become(0)
    print("torch torchdata" if has_torchdata else "torch")


if __name__ == "__main__":
    main()
