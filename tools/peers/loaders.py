"""One peer for some seconds: loaders.py NAME DRAWINGS.npz SECONDS; prints one line of JSON.

Each peer makes the batches that work.py describes, endlessly. Its libraries run on one thread;
which cores it gets is up to taskset.
"""
import json
import random
import sys
import time
from pathlib import Path

import numpy as np

from work import PAIRS, SIDE, Drawings, check, matrices


def opencv_bare(drawings):
    """OpenCV's warpAffine alone: the maps, the drawings and the labels are drawn beforehand."""
    import cv2
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    pages = drawings.pages.astype(np.float32)
    (ids, labels), maps = drawings.pairs(rng), matrices(rng, 2 * PAIRS)
    images = np.empty((2, PAIRS, 1, SIDE, SIDE), np.float32)
    jobs = list(zip(pages[ids.ravel()], maps, images.reshape(-1, SIDE, SIDE)))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    while True:
        for page, inverse, image in jobs:
            cv2.warpAffine(page, inverse, (SIDE, SIDE), dst=image, flags=flags)
        yield images, labels


def opencv(drawings):
    """OpenCV with everything else: drawing pairs and maps in numpy, looking up, converting."""
    import cv2
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    pages = drawings.pages.astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    while True:
        ids, labels = drawings.pairs(rng)
        images = np.empty((2, PAIRS, 1, SIDE, SIDE), np.float32)
        flat = images.reshape(-1, SIDE, SIDE)
        for place, (id, inverse) in enumerate(zip(ids.ravel(), matrices(rng, 2 * PAIRS))):
            cv2.warpAffine(pages[id], inverse, (SIDE, SIDE), dst=flat[place], flags=flags)
        yield images, labels


def skimage(drawings):
    """A numpy generator in the style of the Keras walk-through, with scikit-image's warp."""
    from skimage.transform import warp
    rng = np.random.default_rng(0)
    pages = drawings.pages.astype(np.float32)
    bottom = np.array([[0.0, 0.0, 1.0]])
    while True:
        ids, labels = drawings.pairs(rng)
        images = np.empty((2, PAIRS, 1, SIDE, SIDE), np.float32)
        flat = images.reshape(-1, SIDE, SIDE)
        for place, (id, inverse) in enumerate(zip(ids.ravel(), matrices(rng, 2 * PAIRS))):
            flat[place] = warp(pages[id], np.vstack([inverse, bottom]), order=1)
        yield images, labels


def scipy(drawings):
    """The same generator with scipy.ndimage."""
    from scipy.ndimage import affine_transform
    rng = np.random.default_rng(0)
    pages = drawings.pages.astype(np.float32)
    while True:
        ids, labels = drawings.pairs(rng)
        images = np.empty((2, PAIRS, 1, SIDE, SIDE), np.float32)
        flat = images.reshape(-1, SIDE, SIDE)
        for place, (id, inverse) in enumerate(zip(ids.ravel(), matrices(rng, 2 * PAIRS))):
            # scipy counts rows first
            affine_transform(pages[id], inverse[::-1, 1::-1], inverse[::-1, 2], order=1,
                             output=flat[place])
        yield images, labels


def grid_sample(drawings):
    """PyTorch's affine_grid and grid_sample, a whole batch at once."""
    import torch
    from torch.nn import functional
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    pages = torch.from_numpy(drawings.pages)
    while True:
        ids, labels = drawings.pairs(rng)
        inverse = matrices(rng, 2 * PAIRS)
        # from pixels about the corner to the half-widths about the centre that torch counts in
        inverse[:, :, 2] = (inverse[:, :, :2].sum(2) * 52 + inverse[:, :, 2] - 52) / 52.5
        theta = torch.from_numpy(inverse.astype(np.float32))
        batch = pages[torch.from_numpy(ids.ravel())].unsqueeze(1).float()
        grid = functional.affine_grid(theta, list(batch.shape), align_corners=False)
        images = functional.grid_sample(batch, grid, align_corners=False)
        yield images.view(2, PAIRS, 1, SIDE, SIDE).numpy(), labels


def dali(drawings):
    """NVIDIA DALI on the CPU, if it is installed; a whole batch at once."""
    from nvidia.dali import fn, pipeline_def, types
    rng = np.random.default_rng(0)
    pages = drawings.pages[..., None].astype(np.float32)
    labels = []

    def draw():
        ids, same = drawings.pairs(rng)
        labels.append(same)
        inverse = matrices(rng, 2 * PAIRS)
        inverse[:, :, 2] += 0.5 - inverse[:, :, :2].sum(2) / 2  # DALI counts from pixels' corners
        return pages[ids.ravel()], inverse.astype(np.float32)

    @pipeline_def(batch_size=2 * PAIRS, num_threads=1, device_id=None)
    def pipeline():
        images, maps = fn.external_source(draw, num_outputs=2)
        return fn.warp_affine(images, matrix=maps, inverse_map=True, fill_value=0,
                              size=(SIDE, SIDE), interp_type=types.INTERP_LINEAR)

    pipe = pipeline()
    pipe.build()
    while True:
        images, = pipe.run()
        yield images.as_array().reshape(2, PAIRS, 1, SIDE, SIDE), labels.pop(0)


def torchvision(drawings, workers, tensors):
    """PyTorch's DataLoader over a dataset of pairs with torchvision's RandomAffine, which has
    a law of its own: every component, uniform in Koch's ranges (shear in degrees). From PIL
    images, as its tutorials do, or from float tensors."""
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms
    torch.set_num_threads(1)
    shear = float(np.rad2deg(np.arctan(0.3)))
    affine = transforms.RandomAffine(
        10, (2 / SIDE, 2 / SIDE), (0.8, 1.2), (-shear, shear, -shear, shear),
        interpolation=transforms.InterpolationMode.BILINEAR)
    if tensors:
        pages = torch.from_numpy(drawings.pages).unsqueeze(1).float()
        transform = affine
    else:
        pages = [Image.fromarray(page * 255) for page in drawings.pages]
        transform = transforms.Compose([affine, transforms.ToTensor()])

    class Pairs(Dataset):
        """Pair i: of one character if i is even."""

        def __len__(self):
            return 1 << 30

        def __getitem__(self, i):
            left, right = drawings.one_pair(random, i % 2 == 0)
            return transform(pages[left]), transform(pages[right]), i % 2 == 0

    loader = DataLoader(Pairs(), PAIRS, num_workers=workers, sampler=iter(range(1 << 30)))
    for left, right, labels in loader:
        yield torch.stack([left, right]).numpy(), labels.numpy()


def omnishot(drawings, workers):
    """omnishot itself, from Python: tensors over its own buffers."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
    import omnishot
    for batch in omnishot.Pairs(drawings.path.with_suffix(".omni"), workers=workers, pairs=PAIRS):
        yield batch.images, batch.same


PEERS = {
    "omnishot-1": lambda drawings: omnishot(drawings, 1),
    "omnishot-2": lambda drawings: omnishot(drawings, 2),
    "opencv-bare": opencv_bare, "opencv": opencv, "skimage": skimage, "scipy": scipy,
    "grid-sample": grid_sample, "dali": dali,
    **{f"torchvision-{kind}-{workers}": (
        lambda drawings, workers=workers, kind=kind: torchvision(drawings, workers, kind == "tensor"))
       for kind in ("pil", "tensor") for workers in (0, 1, 2)},
}


def main(name, path, seconds):
    batches = PEERS[name](Drawings(path))
    ink = np.mean([check(*next(batches)) for _ in range(3)])  # and warm up
    began, made = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        images, _ = next(batches)
        float(images[0, 0, 0, 0, 0])  # as much of a training as every peer bears
        made += PAIRS
    print(json.dumps({"peer": name, "pairs_per_second": made / passed, "mean_ink": float(ink)}),
          flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
