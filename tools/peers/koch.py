"""Koch's network training in PyTorch, to be timed beside siamese-train: koch.py [flags]

The same layers, sizes and optimizers, on random images; prints one line of JSON. Under torchrun,
DistributedDataParallel on Gloo: each process learns from its part of the pairs.
"""
import argparse
import json
import os
import resource
import time

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


class Siamese(nn.Module):
    """Logits [n] of n pairs, whose left drawings come first: [2n, 1, 105, 105]."""

    def __init__(self):
        super().__init__()
        def conv(inputs, outputs, kernel, pool):
            layers = [nn.Conv2d(inputs, outputs, kernel), nn.ReLU(inplace=True)]
            return layers + [nn.MaxPool2d(2)] * pool
        self.twin = nn.Sequential(
            *conv(1, 64, 10, True), *conv(64, 128, 7, True), *conv(128, 128, 4, True),
            *conv(128, 256, 4, False), nn.Flatten(), nn.Linear(9216, 4096), nn.Sigmoid())
        self.score = nn.Linear(4096, 1)

    def forward(self, images):
        left, right = self.twin(images).chunk(2)
        return self.score((left - right).abs()).squeeze(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=32, help="of a batch, of all processes")
    parser.add_argument("--steps", type=int, default=5, help="one more goes before them uncounted")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network = Siamese()
    assert sum(p.numel() for p in network.parameters()) == 38_951_745
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        distributed.init_process_group("gloo")
        network = DistributedDataParallel(network)
    weights = network.parameters()
    if options.optimizer == "adam":
        # what Keras calls L2; torch's decay is added to the gradient as it is
        optimizer = torch.optim.Adam(weights, 6e-5, weight_decay=4e-4)
    else:
        optimizer = torch.optim.SGD(weights, 1e-3, momentum=0.5, weight_decay=4e-4)
    own = options.pairs // world
    images = torch.rand(2 * own, 1, 105, 105)
    same = (torch.arange(own) % 2).float()
    times = []
    for step in range(options.steps + 1):
        began = time.perf_counter()
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(network(images), same)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(time.perf_counter() - began)
    whole = sum(times[1:])
    if rank == 0:
        print(json.dumps({
            "images_per_second": 2 * options.pairs * options.steps / whole,
            "seconds_a_step": whole / options.steps,
            "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }))
    if world > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
