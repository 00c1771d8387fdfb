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
    return torch.sigmoid(F.linear(x.flatten(1), w["fc.weight"], w["fc.bias"]))


def projected(w, x):
    def norm(x, name):
        part = (w[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *part, eps=1e-5)
    x = F.relu(norm(F.conv2d(x, w["stem.weight"], stride=2, padding=2), "stem_norm"))
    for b in ("blocks.0", "blocks.1", "blocks.2"):
        y = F.relu(norm(F.conv2d(x, w[f"{b}.conv1.weight"], stride=2, padding=1), f"{b}.norm1"))
        y = norm(F.conv2d(y, w[f"{b}.conv2.weight"], padding=1), f"{b}.norm2")
        x = F.relu(y + norm(F.conv2d(x, w[f"{b}.shortcut.weight"], stride=2), f"{b}.shortcut_norm"))
    return norm(F.linear(x.flatten(1), w["project.weight"]), "project_norm")


def compact(w, x):
    return F.normalize(projected(w, x))


def embedder(w):
    """The weights of the compact network inside another."""
    part = "embedder."
    return {name[len(part):]: t for name, t in w.items() if name.startswith(part)}


def matching(w, x):
    """A drawing's embedding without its context, which is how drawings are compared in pairs."""
    return compact(embedder(w), x)


def siamese(w, x):
    """The features that its distance compares, each from 0 to 1."""
    return torch.sigmoid(projected(embedder(w), x))


def load(path):
    with safe_open(path, "pt") as file:
        card = json.loads(file.metadata()["omnishot"])
        weights = {name: file.get_tensor(name) for name in file.keys()}
    network = {"koch": koch, "compact": compact, "matching": matching, "siamese": siamese}[card["network"]["kind"]]
    return torch.no_grad()(lambda images: network(weights, images))


if __name__ == "__main__":
    embed = load(sys.argv[1])
    for path in sys.argv[2:]:
        with safe_open(path, "pt") as file:
            images, expected = file.get_tensor("images"), file.get_tensor("embeddings")
        print(f"greatest difference {float((embed(images) - expected).abs().max()):.1e}")
