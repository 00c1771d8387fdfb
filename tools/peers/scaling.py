"""Two processes of siamese-train beside one, and beside PyTorch's DistributedDataParallel; then a
model of many GPUs. Prints Markdown: scaling.py --train siamese-train --store STORE [flags]

In each round all contestants run one after the other on the same two cores; ratios are taken within
a round, and the tables have their medians. omnishot's figures include making the drawings,
PyTorch's are on one batch of random images. The first step is not counted.

The model needs no run: scaling.py --model SECONDS takes a step's seconds and prints its table alone.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

# Koch's network (Koch 2015, section 3.1), from the loss backward: multiplications of a drawing,
# parameters of the layer.
LAYERS = [
    ("score", 4096, 4097),
    ("fc", 9216 * 4096, 9216 * 4096 + 4096),
    ("conv4", 6 * 6 * 256 * 128 * 4 * 4, 256 * 128 * 4 * 4 + 256),
    ("conv3", 18 * 18 * 128 * 128 * 4 * 4, 128 * 128 * 4 * 4 + 128),
    ("conv2", 42 * 42 * 128 * 64 * 7 * 7, 128 * 64 * 7 * 7 + 128),
    ("conv1", 96 * 96 * 64 * 10 * 10, 64 * 10 * 10 + 64),
]
BUCKET = 25 << 20  # bytes, as in src/ranks/c10d.cpp


def ours(options, preset, world, threads):
    """Images a second of siamese-train."""
    changes = [f"steps={options.steps + 1}", "validation_alphabets=0"]
    if preset == "koch":
        changes += [f"batch.pairs={options.pairs}", "batch.table_pairs=30000", "batch.copies=0"]
    else:
        changes += ["batch.shards=2"]
    with tempfile.TemporaryDirectory() as folder:
        launch = ["launch", "--nproc", str(world)] if world > 1 else []
        command = [options.train, *launch, options.store, "--out", f"{folder}/run", "--preset", preset,
                   "--seed", "1", "--json", "--threads", str(threads)]
        for change in changes:
            command += ["--set", change]
        lines = run(command).splitlines()
    steps = [json.loads(line) for line in lines if line.startswith('{"step"')]
    drawings = 2 * options.pairs  # any number: it cancels
    ended = [drawings * step["step"] / step["images_per_second"] for step in (steps[0], steps[-1])]
    return drawings * (len(steps) - 1) / (ended[1] - ended[0])


def torch(options, world, threads):
    """Images a second of koch.py."""
    start = [sys.executable]
    if world > 1:
        start = [str(Path(sys.executable).with_name("torchrun")), "--standalone", f"--nproc-per-node={world}"]
    command = [*start, str(HERE / "koch.py"), "--pairs", str(options.pairs), "--steps", str(options.steps),
               "--threads", str(threads), "--optimizer", "sgd"]
    return json.loads(run(command).splitlines()[-1])["images_per_second"]


def run(command):
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def measure(options):
    def compact(world, threads):
        return ours(options, "compact", world, threads)

    def koch(world, threads):
        return ours(options, "koch", world, threads)

    contestants = {
        "omnishot, koch, 1 process x 2 threads": lambda: koch(1, 2),
        "omnishot, koch, 2 processes x 1 thread": lambda: koch(2, 1),
        "PyTorch, koch, 1 process x 2 threads": lambda: torch(options, 1, 2),
        "PyTorch DDP, koch, 2 processes x 1 thread": lambda: torch(options, 2, 1),
        "omnishot, compact, 1 process x 2 shards": lambda: compact(1, 2),
        "omnishot, compact, 2 processes x 1 shard": lambda: compact(2, 1),
    }
    results = {name: [] for name in contestants}
    for number in range(options.rounds):
        # Each second round runs backwards, so that none is always the first of its kind.
        for name, act in list(contestants.items())[:: 1 if number % 2 == 0 else -1]:
            results[name].append(act())
            print(f"round {number + 1}: {name}: {results[name][-1]:.2f} images/s", file=sys.stderr)
    if options.raw:
        Path(options.raw).write_text(json.dumps(results, indent=1))
    print("| measured | images/s | range |\n|---|---|---|")
    for name, values in results.items():
        print(f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} to {max(values):.1f} |")
    names = list(results)
    print("\n| ratio, within a round | median | range |\n|---|---|---|")
    for a, b in [(1, 0), (1, 3), (0, 2), (5, 4)]:
        ratios = [x / y for x, y in zip(results[names[a]], results[names[b]])]
        print(f"| {names[a]} / {names[b]} | {statistics.median(ratios):.2f} "
              f"| {min(ratios):.2f} to {max(ratios):.2f} |")
    print()
    return 2 * options.pairs / statistics.median(results[names[0]])


def step_seconds(compute, world, bandwidth, latency):
    """A model: the seconds of a step on `world` ranks, of which each computes for `compute` s.

    A third of the computing is the forward pass, and a layer's share of the backward pass is that of
    its multiplications. Gradients go in buckets, one after the other, by a ring: each rank sends
    2 (world - 1) / world of the bytes in 2 (world - 1) messages. Two small exchanges follow
    (the loss, and whether to stop), each as two messages over a tree.
    """
    whole = sum(work for _, work, _ in LAYERS)
    now, link_free, held = compute / 3, 0.0, 0

    def ring(bytes_):
        return 2 * (world - 1) / world * bytes_ / bandwidth + 2 * (world - 1) * latency

    for layer, (_, work, parameters) in enumerate(LAYERS):
        now += 2 / 3 * compute * work / whole
        held += 4 * parameters
        if held >= BUCKET or layer == len(LAYERS) - 1:
            link_free = max(link_free, now) + ring(held)
            held = 0
    return max(now, link_free) + 2 * math.ceil(math.log2(world)) * latency


def model(measured):
    gradient = 4 * sum(parameters for _, _, parameters in LAYERS)
    print(f"MODEL, not measured. A step sends {gradient / 1e6:.1f} MB of gradients; efficiency is a rank's computing over "
          "the modelled step, each rank with as many pairs as it has alone (weak scaling).\n")
    links = [("10 Gb/s, 50 us", 10e9 / 8, 50e-6), ("100 Gb/s, 5 us", 100e9 / 8, 5e-6),
             ("400 Gb/s, 5 us", 400e9 / 8, 5e-6)]
    print("| a rank's step alone | link of each rank | 8 | 64 | 512 |\n|---|---|---|---|---|")
    for name, compute in [(f"{measured:.2f} s (measured here, two cores)", measured),
                          ("200 ms (supposed)", 0.2), ("50 ms (supposed)", 0.05)]:
        for link, bandwidth, latency in links:
            parts = [f"{compute / step_seconds(compute, world, bandwidth, latency):.0%}"
                     for world in (8, 64, 512)]
            print(f"| {name} | {link} | {' | '.join(parts)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", help="the program siamese-train, built with the feature distributed")
    parser.add_argument("--store")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="one more goes before them uncounted")
    parser.add_argument("--pairs", type=int, default=32, help="of a batch of Koch's network")
    parser.add_argument("--raw", help="a file for all figures")
    parser.add_argument("--model", type=float, metavar="SECONDS")
    options = parser.parse_args()
    model(options.model or measure(options))


if __name__ == "__main__":
    main()
