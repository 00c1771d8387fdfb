#!/usr/bin/env python3
"""omnishot's weights in plain PyTorch: tools/load_weights.py WEIGHTS [IMAGES.safetensors]

load(path) gives a function from images [n, 1, side, side], ink 1 and ground 0, to embeddings.
Given images, prints how far they lie from the embeddings that are kept beside them.
Needs torch and safetensors.
"""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors import safe_open


def koch(w, x):
    for layer in ("conv1", "conv2", "conv3", "conv4"):
        x = F.relu(F.conv2d(x, w[f"{layer}.weight"], w[f"{layer}.bias"]))
        x = F.max_pool2d(x, 2) if layer != "conv4" else x
    return F.linear(x.flatten(1), w["fc.weight"], w["fc.bias"])


def compact(w, x):
    def norm(x, name):
        part = (w[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *part, eps=1e-5)
    x = F.relu(norm(F.conv2d(x, w["stem.weight"], stride=2, padding=2), "stem_norm"))
    for b in ("blocks.0", "blocks.1", "blocks.2"):
        y = F.relu(norm(F.conv2d(x, w[f"{b}.conv1.weight"], stride=2, padding=1), f"{b}.norm1"))
        y = norm(F.conv2d(y, w[f"{b}.conv2.weight"], padding=1), f"{b}.norm2")
        x = F.relu(y + norm(F.conv2d(x, w[f"{b}.shortcut.weight"], stride=2), f"{b}.shortcut_norm"))
    return norm(F.linear(x.flatten(1), w["project.weight"]), "project_norm")


def inner(w, x):
    """A compact tower beside a head that has weights too."""
    part = "embedder."
    return compact({name[len(part):]: t for name, t in w.items() if name.startswith(part)}, x)


# By the kind that a card names. Unit vectors for a cosine, features from 0 to 1 for a distance;
# those of a matching network are without their context, which is how drawings are compared in pairs.
TOWERS = {"compact": compact, "koch": koch, "matching": inner, "siamese": inner}
HEADS = {
    "compact": F.normalize, "koch": torch.sigmoid, "matching": F.normalize, "siamese": torch.sigmoid,
}


def load(path):
    with safe_open(path, "pt") as file:
        card = json.loads(file.metadata()["omnishot"])
        weights = {name: file.get_tensor(name) for name in file.keys()}
    kind = card["network"]["kind"]
    tower, head = TOWERS[kind], HEADS[kind]
    return torch.no_grad()(lambda images: head(tower(weights, images)))


if __name__ == "__main__":
    embed = load(sys.argv[1])
    for path in sys.argv[2:]:
        with safe_open(path, "pt") as file:
            images, expected = file.get_tensor("images"), file.get_tensor("embeddings")
        print(f"greatest difference {float((embed(images) - expected).abs().max()):.1e}")
