"""omnishot from Python.

Batches as tensors over the loader's own buffers, without a copy:

    import omnishot
    for batch in omnishot.Pairs("drawings.omni", seed=7, workers=2, stop=1000):
        train(batch.images, batch.same)   # [2, pairs, 1, side, side] and [pairs]

The same as a dataset of PyTorch is in omnishot.dataset, which alone needs PyTorch. Pictures by a trained
network, with numpy alone:

    omnishot.embed(["a.png", "b.png"])           # [2, dimensions]
    omnishot.classify("known", ["scan.png"])[0].answer
"""
from ._library import Error
from .loader import ARRAYS, ClassBatch, Classes, PairBatch, Pairs, Settings, TaskBatch, Tasks
from .pictures import Answer, Ranked, classify, embed

__all__ = ["ARRAYS", "Answer", "ClassBatch", "Classes", "Error", "PairBatch", "Pairs", "Ranked",
           "Settings", "TaskBatch", "Tasks", "classify", "embed"]
