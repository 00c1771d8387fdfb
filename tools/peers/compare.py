"""Our loader and the peers in turns, and the stores, as Markdown: see tools/peers/run."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from statistics import median

HERE = os.path.dirname(os.path.abspath(__file__))
# Name, what the table says, cores.
PEERS = [
    ("omnishot-1", "omnishot from Python, as PyTorch tensors, 1 worker", "0"),
    ("omnishot-2", "the same, 2 workers", "0,1"),
    ("opencv-bare", "OpenCV `warpAffine` alone, in a loop", "0"),
    ("opencv", "OpenCV, with drawing, lookup and hand-over in numpy", "0"),
    ("skimage", "numpy generator, scikit-image `warp`", "0"),
    ("grid-sample", "PyTorch `grid_sample`, a whole batch", "0"),
    ("scipy", "numpy generator, `scipy.ndimage`", "0"),
    ("dali", "NVIDIA DALI on the CPU", "0"),
    ("torchvision-pil-0", "DataLoader, torchvision `RandomAffine`, PIL images, no workers", "0"),
    ("torchvision-pil-1", "the same, 1 worker", "0"),
    ("torchvision-pil-2", "the same, 2 workers", "0,1"),
    ("torchvision-tensor-0", "DataLoader, `RandomAffine`, tensors, no workers", "0"),
    ("torchvision-tensor-1", "the same, 1 worker", "0"),
    ("torchvision-tensor-2", "the same, 2 workers", "0,1"),
]


def call(command, cores):
    """The last line that a command prints, of JSON, run on some cores."""
    command = (["taskset", "-c", cores] if cores else []) + command
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def has_dali():
    try:
        return find_spec("nvidia.dali") is not None
    except ModuleNotFoundError:
        return False


def ours(options, workers, cores):
    command = [options.bench, "loader", options.store, "--workers", str(workers), "--windows", "1",
               "--seconds", str(options.seconds), "--json"]
    rows = json.loads(call(command, cores))["rows"]
    return {row["what"]: row["pairs_per_second"] for row in rows}


def loaders(options, rows):
    both = "0,1" if os.cpu_count() > 1 else None
    rates = {}
    for round_ in range(options.rounds):
        one = ours(options, 1, "0")
        round_rates = {"ours": one["loader"], "alone": one["no loader"], "write": one["writing only"]}
        if both:
            round_rates["ours-2"] = ours(options, 2, both)["loader"]
        for name, _, cores in PEERS:
            if (cores == "0,1" and not both) or (name == "dali" and not has_dali()):
                continue
            command = [sys.executable, f"{HERE}/loaders.py", name, options.drawings,
                       str(options.seconds)]
            line = call(command, cores).splitlines()[-1]
            round_rates[name] = json.loads(line)["pairs_per_second"]
        rows.append({"round": round_, **round_rates})
        for name, rate in round_rates.items():
            rates.setdefault(name, []).append(rate)
        print(f"round {round_ + 1} of {options.rounds} done", file=sys.stderr)
    print("| 64 pairs of 105 x 105, Koch's law, f32 | cores | pairs/s | least to most | ours is faster |")
    print("|---|---|---|---|---|")
    texts = [("ours", "**omnishot**, 1 worker", "0"), ("ours-2", "**omnishot**, 2 workers", "0,1"),
             ("write", "the limit: writing the batches alone", "0")]
    for name, text, cores in texts + PEERS:
        if name not in rates:
            continue
        base = "ours-2" if cores == "0,1" else "ours"
        ratio = median(o / r for o, r in zip(rates[base], rates[name]))
        print(f"| {text} | {cores.count(',') + 1} | {median(rates[name]):,.0f} "
              f"| {min(rates[name]):,.0f} to {max(rates[name]):,.0f} | {ratio:.3g}x |")
    overhead = median(1 - o / a for o, a in zip(rates["ours"], rates["alone"]))
    print(f"\nThe loader takes {100 * overhead:.1f}% of what the same work takes without it.", end="")
    if both:
        scaling = median(b / a for a, b in zip(rates["ours"], rates["ours-2"]))
        print(f" Two cores make {scaling:.2f} times what one makes.")


def stores(options, rows):
    command = [options.bench, "store", options.store, "--json"]
    mine = json.loads(call(command, "0"))
    lines = [
        {"store": "**omnishot**", "bytes": mine["bytes"], "read_all_ms": mine["read_all_bytes_ms"],
         "random_us": mine["random_decoded_us"], "sums": "SHA-256 of all at opening"},
        {"store": "**omnishot**, its page cache warm (bits)", "bytes": mine["bytes"],
         "read_all_ms": mine["read_all_bits_ms"], "random_us": mine["random_cached_us"],
         "sums": "the same"}]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, f"{HERE}/stores.py", options.zips, options.drawings, folder]
        lines += [json.loads(line) for line in call(command, "0").splitlines()]
    rows += lines
    print("| 32,460 drawings | MB | open and read all, ms | one at random, µs | sums that reading checks |")
    print("|---|---|---|---|---|")
    for line in lines:
        print(f"| {line['store']} | {line['bytes'] / 1e6:.2f} | {line['read_all_ms']:,.0f} "
              f"| {line['random_us']:,.1f} | {line['sums']} |")


def affine(options, rows):
    lines = call([sys.executable, f"{HERE}/affine.py", options.drawings], None).splitlines()
    rows += [json.loads(line) for line in lines]
    print("| bilinear warp against float64 | greatest error | mean error |\n|---|---|---|")
    for line in map(json.loads, lines):
        print(f"| {line['warp']} | {line['greatest_error']:.1e} | {line['mean_error']:.1e} |")
    print("| **omnishot** (bound, held by its tests) | 7.9e-03 | |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=["loaders", "stores", "affine", "all"])
    parser.add_argument("--bench", required=True, help="the omni-bench program")
    parser.add_argument("--store", required=True)
    parser.add_argument("--drawings", required=True, help="the store's drawings as .npz")
    parser.add_argument("--zips", default="", help="the folder of the official zips")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each peer in each round")
    parser.add_argument("--raw", help="a file for every figure, as JSON")
    options = parser.parse_args()
    raw = {}
    for name, work in (("loaders", loaders), ("stores", stores), ("affine", affine)):
        if options.what in (name, "all"):
            work(options, raw.setdefault(name, []))
            print()
    if options.raw:
        with open(options.raw, "w") as file:
            json.dump(raw, file, indent=1)


if __name__ == "__main__":
    main()
