"""How far each peer's first batch lies from plain float64: affine.py DRAWINGS.npz

That they all do the work that work.py describes; prints one line of JSON for each. Ours is
held to the same reference by the crate's own tests, to 1/127 of full ink at any pixel.
"""
import json
import sys

import numpy as np

from loaders import PEERS
from work import PAIRS, SIDE, Drawings, matrices


def plain(page, inverse):
    """Bilinear interpolation, a pixel at a time, nothing outside the page."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    u, v = (inverse[k, 0] * x + inverse[k, 1] * y + inverse[k, 2] for k in (0, 1))
    padded = np.pad(page.astype(np.float64), 1)
    left, top = np.floor(u), np.floor(v)
    a, b = u - left, v - top
    clip = lambda k: np.clip(k + 1, 0, SIDE + 1).astype(int)  # noqa: E731
    x0, x1, y0, y1 = clip(left), clip(left + 1), clip(top), clip(top + 1)
    return ((1 - b) * ((1 - a) * padded[y0, x0] + a * padded[y0, x1])
            + b * ((1 - a) * padded[y1, x0] + a * padded[y1, x1]))


def main(path):
    drawings = Drawings(path)
    for name in ("opencv", "skimage", "scipy", "grid-sample", "dali"):
        try:
            images, _ = next(PEERS[name](drawings))
        except ModuleNotFoundError:
            continue
        rng = np.random.default_rng(0)  # every peer draws its first batch from it
        ids, _ = drawings.pairs(rng)
        jobs = zip(np.reshape(images, (-1, SIDE, SIDE)), drawings.pages[ids.ravel()],
                   matrices(rng, 2 * PAIRS))
        errors = np.array([np.abs(image - plain(page, m)) for image, page, m in jobs])
        print(json.dumps({"warp": name, "greatest_error": float(errors.max()),
                          "mean_error": float(errors.mean())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
