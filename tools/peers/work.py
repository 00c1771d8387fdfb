"""The work that every peer does: which pairs, and how they are distorted.

A batch is 64 pairs of 105 x 105 drawings of the background set, 32 of one character and 32
of two, as float32 in 0..1 with ink 1, shape [2, 64, 1, 105, 105], and 64 labels. Every drawing
is distorted by Koch's law (Koch 2015, section 3.3): rotation within 10 degrees, shears within
0.3, scales within 0.8 to 1.2 and shifts within 2 pixels, each with probability 0.5; bilinear.
"""
from pathlib import Path

import numpy as np

SIDE, PAIRS, CENTRE = 105, 64, 52.0
RANGES = np.array([np.deg2rad(10), 0.3, 0.3, 0.2, 0.2, 2, 2])


class Drawings:
    """The background set, decoded: pages [n, 105, 105] of bytes 0 and 1."""

    def __init__(self, path):
        self.path = Path(path)
        file = np.load(path)
        background = file["split"] == 0
        self.pages = file["pages"][background]
        character = file["character"][background]
        self.first = np.flatnonzero(np.r_[True, character[1:] != character[:-1]])
        self.count = np.diff(np.r_[self.first, len(character)])

    def pairs(self, rng):
        """Drawings [2, 64] and labels [64]: the first 32 pairs show one character each."""
        characters = rng.choice(len(self.first), (2, PAIRS), replace=True)
        same = np.arange(PAIRS) < PAIRS // 2
        characters[1, same] = characters[0, same]
        clash = ~same & (characters[0] == characters[1])
        characters[1, clash] = (characters[1, clash] + 1) % len(self.first)
        place = (rng.random((2, PAIRS)) * self.count[characters]).astype(np.int64)
        clash = same & (place[0] == place[1])
        place[1, clash] = (place[1, clash] + 1) % self.count[characters[1, clash]]
        return self.first[characters] + place, same

    def one_pair(self, rng, same):
        """Two drawings of one character, or of two, drawn without numpy's batches."""
        a = rng.randrange(len(self.first))
        b = a if same else (a + 1 + rng.randrange(len(self.first) - 1)) % len(self.first)
        i = rng.randrange(self.count[a])
        j = (i + 1 + rng.randrange(self.count[a] - 1)) % self.count[a] if same \
            else rng.randrange(self.count[b])
        return self.first[a] + i, self.first[b] + j


def matrices(rng, n):
    """n maps from output to source pixels, [n, 2, 3], of Koch's law: the inverse of
    p' = R(theta) H(shear) D(scale) p + shift about the centre."""
    values = rng.uniform(-1, 1, (n, 7)) * RANGES * (rng.random((n, 7)) < 0.5)
    turn, x, y = values[:, 0], values[:, 1], values[:, 2]
    cos, sin = np.cos(turn), np.sin(turn)
    scale = 1 + values[:, 3:5]
    a, b = (cos - sin * y) * scale[:, 0], (cos * x - sin) * scale[:, 1]
    c, d = (sin + cos * y) * scale[:, 0], (sin * x + cos) * scale[:, 1]
    det = a * d - b * c
    inverse = np.empty((n, 2, 3))
    inverse[:, 0, 0], inverse[:, 0, 1] = d / det, -b / det
    inverse[:, 1, 0], inverse[:, 1, 1] = -c / det, a / det
    to = CENTRE + values[:, 5:7]
    inverse[:, :, 2] = CENTRE - np.einsum("nij,nj->ni", inverse[:, :, :2], to)
    return inverse


def check(images, labels):
    """A peer that does less work than the others is refused. Returns the mean ink."""
    images, labels = np.asarray(images), np.asarray(labels)
    assert images.shape == (2, PAIRS, 1, SIDE, SIDE), images.shape
    assert images.dtype == np.float32, images.dtype
    assert labels.astype(bool).sum() * 2 == len(labels) == PAIRS, labels
    assert images.min() >= 0 and 0.9 < images.max() <= 1.0001, (images.min(), images.max())
    ink = float(images.mean())
    assert 0.055 < ink < 0.095, ink
    return ink
