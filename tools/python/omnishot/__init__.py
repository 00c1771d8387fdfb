"""omnishot from Python.

Batches as tensors over the loader's own buffers, without a copy:

    import omnishot
    for batch in omnishot.Pairs("drawings.omni", seed=7, workers=2, stop=1000):
        train(batch.images, batch.same)   # [2, pairs, 1, side, side] and [pairs]

The same as a dataset of PyTorch is in omnishot.dataset, which alone needs PyTorch.
"""
from ._library import Error
from .loader import ARRAYS, ClassBatch, Classes, PairBatch, Pairs, Settings, TaskBatch, Tasks

__all__ = ["ARRAYS", "ClassBatch", "Classes", "Error", "PairBatch", "Pairs", "Settings", "TaskBatch",
           "Tasks"]
