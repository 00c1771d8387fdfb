"""Checks omnishot.loader: loader.py STORE FOLDER.

Writes the bytes of some batches, as Python sees them and in the form that `omni-bench digest` hashes,
into the folder, for tests/cli/python.rs to compare; then tries what a user may do to a loader.
Everything is done with plain memoryviews and, where they are installed, with numpy and PyTorch.
"""
import gc
import importlib.util
import itertools
import os
import struct
import sys
import threading
from pathlib import Path

import omnishot

from common import address, flat, raises, raw, threads_become

STORE, SMALL = sys.argv[1], {"pairs": 8, "side": 28}
ALL = [name for name in omnishot.ARRAYS
       if name == "memoryview" or importlib.util.find_spec(name)]


def pairs_bytes(batch):
    left_right, same = flat(batch.drawings), flat(batch.same)
    n = len(same)
    labels = (struct.pack("<IIB", left_right[k], left_right[n + k], int(same[k])) for k in range(n))
    return b"".join(labels) + raw(batch.images)


def classes_bytes(batch):
    items = zip(flat(batch.drawings), flat(batch.poses), flat(batch.classes))
    labels = b"".join(struct.pack("<IBq", *item) for item in items)
    return labels + struct.pack("<Q", batch.alphabet_part) + raw(batch.images)


def tasks_bytes(batch):
    support, queries = flat(batch.support_drawings), flat(batch.query_drawings)
    each = len(support) // len(queries)
    labels = b""
    for task, (query, answer) in enumerate(zip(queries, flat(batch.answers))):
        ids = support[task * each:][:each] + [query]
        labels += struct.pack(f"<{each + 1}Iq", *ids, answer)
    return labels + raw(batch.support) + raw(batch.queries)


STREAMS = {
    "pairs": (omnishot.Pairs, SMALL, pairs_bytes),
    "pairs-u8": (omnishot.Pairs, {**SMALL, "pixel": "u8", "law": "compact"}, pairs_bytes),
    "classes": (omnishot.Classes, {"drawings": 16, "alphabet_characters": 4, "side": 28},
                classes_bytes),
    "tasks": (omnishot.Tasks, {"tasks": 3, "ways": 5, "shots": 2, "scope": "between", "side": 28},
              tasks_bytes),
}


def bytes_of(name, arrays, **more):
    make, settings, form = STREAMS[name]
    loader = make(STORE, seed=3, stop=6, arrays=arrays, **{**settings, **more})
    return [struct.pack("<Q", batch.index) + form(batch) for batch in loader]


def batches_are_the_same_bytes(arrays, folder):
    for name in STREAMS:
        whole = bytes_of(name, arrays)
        (folder / f"{name}.{arrays}").write_bytes(b"".join(whole))
        assert bytes_of(name, arrays, workers=3, depth=1) == whole  # all of them copies
        ranks = [bytes_of(name, arrays, rank=rank, world=2, workers=1) for rank in (0, 1)]
        assert [batch for two in zip(*ranks) for batch in two] == whole
        assert bytes_of(name, arrays, start=4) == whole[4:]


def nothing_is_copied_until_all_buffers_are_kept(arrays):
    loader = omnishot.Pairs(STORE, depth=3, arrays=arrays, **SMALL)
    places = {address(next(loader).images) for _ in range(40)}
    assert len(places) <= 3 and loader.counts()["copies"] == 0, (places, loader.counts())
    kept = list(itertools.islice(loader, 10))
    assert len({address(batch.images) for batch in kept}) == 10
    assert loader.counts()["copies"] == 8
    again = omnishot.Pairs(STORE, start=40, stop=50, arrays=arrays, **SMALL)
    for batch, other in zip(kept, again):
        assert batch.index == other.index and pairs_bytes(batch) == pairs_bytes(other)
    del batch, other, kept
    gc.collect()
    next(loader), next(loader)
    assert loader.counts()["copies"] == 8, loader.counts()


def arrays_outlive_their_loader_and_may_be_written_to(arrays):
    with omnishot.Pairs(STORE, arrays=arrays, **SMALL) as loader:
        images, same = (batch := next(loader)).images, batch.same
        index = (0,) * 5
        before = raw(images)
        images[index] = 0.25
        del batch
        threads_become(2)
    threads_become(0)
    del loader
    assert images[index] == 0.25 and raw(images)[4:] == before[4:]
    assert sum(flat(same)) == 4
    loader = omnishot.Pairs(STORE, arrays=arrays, **SMALL)
    first = raw(next(loader).images)
    for batch in itertools.islice(loader, 20):
        images = batch.images
        images[index] = 7.0
        del batch, images
    assert first == before and max(flat(next(loader).images)) <= 1.0
    loader.close()
    raises("the loader is closed", lambda: next(loader))
    loader.close()


def errors_are_exceptions():
    raises("missing.omni", lambda: omnishot.Pairs("missing.omni"))
    raises("workers is 0", lambda: omnishot.Pairs(STORE, workers=0))
    raises("an even number", lambda: omnishot.Pairs(STORE, pairs=7))
    raises("unknown variant `none`", lambda: omnishot.Pairs(STORE, law="none"))
    raises("rank 2 of world 2", lambda: omnishot.Pairs(STORE, rank=2, world=2))
    raises("side is 106", lambda: omnishot.Tasks(STORE, side=106))
    raises("depth times", lambda: omnishot.Classes(STORE, drawings=32768, depth=1024))
    raises("invalid value", lambda: omnishot.Pairs(STORE, seed=-1))
    raises("arrays is", lambda: omnishot.Pairs(STORE, arrays="list"))
    raises("no 900-way", lambda: omnishot.Tasks(STORE, tasks=1, ways=900, scope="between"))
    raises("no setting sed; there are seed", lambda: omnishot.Pairs(STORE, sed=1), TypeError)
    damaged, damaged_store = bytearray(Path(STORE).read_bytes()), Path(sys.argv[2]) / "damaged.omni"
    for place in range(2 * len(damaged) // 5, 3 * len(damaged) // 5):
        damaged[place] ^= 1  # in the midst of the drawings, which are read when they are drawn
    damaged_store.write_bytes(damaged)
    loader = omnishot.Pairs(damaged_store, arrays="memoryview", **SMALL)
    raises("could not be made: ", lambda: list(itertools.islice(loader, 100)))
    assert list(loader) == []  # an error ends it


def several_threads_share_a_loader(arrays):
    loader, seen = omnishot.Pairs(STORE, stop=60, arrays=arrays, **SMALL), []
    workers = [threading.Thread(target=lambda: seen.extend(batch.index for batch in loader))
               for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(seen) == list(range(60))


def a_forked_child_has_loaders_of_its_own(arrays):
    loader = omnishot.Pairs(STORE, arrays=arrays, **SMALL)
    kept = next(loader)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            raises("make a loader after the fork", lambda: next(loader))
            first = next(omnishot.Pairs(STORE, arrays=arrays, **SMALL))
            assert pairs_bytes(first) == pairs_bytes(kept)
            loader.close()
            del loader, kept, first
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert next(loader).index == 1


def main(folder):
    errors_are_exceptions()
    for arrays in ALL:
        batches_are_the_same_bytes(arrays, folder)
        nothing_is_copied_until_all_buffers_are_kept(arrays)
        arrays_outlive_their_loader_and_may_be_written_to(arrays)
        several_threads_share_a_loader(arrays)
        a_forked_child_has_loaders_of_its_own(arrays)
    threads_become(0)
    print(" ".join(ALL))


if __name__ == "__main__":
    main(Path(sys.argv[2]))
