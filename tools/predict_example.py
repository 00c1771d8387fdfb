#!/usr/bin/env python3
"""Answers exported tasks by the cosine of pixels: tools/predict_example.py FOLDER

FOLDER is what `siamese-eval export-tasks STORE --out FOLDER --format npz` wrote. Writes
FOLDER/predictions.csv, for `siamese-eval score`: put a model of your own in place of `embed`.
Of several shots the nearest counts. Needs numpy.
"""
import json
import pathlib
import sys

import numpy as np


def embed(images):
    """Rows of length 1 from images [n, 105, 105], 1 for ink; a blank image gives zeros."""
    rows = images.reshape(len(images), -1).astype(np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)


folder = pathlib.Path(sys.argv[1])
rows = embed(np.load(folder / "drawings.npz")["images"])
tasks = json.loads((folder / "tasks.json").read_text("utf-8"))
with open(folder / "predictions.csv", "w", encoding="utf-8") as file:
    ways = range(tasks["ways"])
    print("task", *(f"way{way}" for way in ways), sep=",", file=file)
    for number, task in enumerate(tasks["tasks"]):
        # Only support and query: the answer is there too, and is not for models.
        support, query = task["support"], rows[task["query"]]
        alike = [float(np.max(rows[drawings] @ query)) for drawings in support]
        # Equal drawings must tie: products are summed in another order for another row.
        cells = [f"{similarity:.12f}" for similarity in alike] + [""] * (len(ways) - len(alike))
        print(number, *cells, sep=",", file=file)
