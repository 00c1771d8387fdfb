"""The network that ships, on libtorch, on omnishot's own runtime and on onnxruntime: the same
embeddings and the same 400 answers, and how many drawings each embeds in a second of one core's time.
Prints Markdown: onnx.py --eval siamese-eval --embed siamese-embed --store STORE [--rounds N]

omnishot's two engines read and draw their drawings too; onnxruntime gets them ready from memory. In
each round all of them run one after the other on the same core; the table has the medians.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

MOST_APART = 1e-5
BATCH = 256
PEER_TURNS = 10  # of 800 drawings: processor time is told in hundredths of a second


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def apart(name, a, b):
    most = float(np.abs(a - b).max())
    assert most <= MOST_APART, f"{name}: {most} apart"
    return most


def answers(tasks, rows, embeddings):
    """The way of each task whose drawing is nearest by the cosine; -1 where two share the place."""
    chosen = []
    for task in tasks:
        support = np.stack([embeddings[rows[drawing]] for way in task["support"] for drawing in way])
        cosines = support.astype(np.float64) @ embeddings[rows[task["query"]]].astype(np.float64)
        first = np.flatnonzero(cosines == cosines.max())
        chosen.append(int(first[0]) if len(first) == 1 else -1)
    return chosen


def check(options, folder):
    """Compares embeddings and answers, and leaves network.onnx and the images."""
    onnx, made = folder / "network.onnx", folder / "embeddings.safetensors"
    run(options.eval, options.store, "--pretrained", "--protocol", "lake-runs", "--onnx", onnx,
        "--embeddings", made, "--json")
    tensors = load_file(made)
    images, libtorch = tensors["images"], tensors["embeddings"]
    (peer,) = session(onnx).run(["embeddings"], {"images": images})
    run(options.eval, "export-tasks", options.store, "--protocol", "lake-runs", "--out", folder / "tasks")
    tasks = json.loads((folder / "tasks" / "tasks.json").read_text())["tasks"]
    run(options.embed, folder / "tasks" / "drawings", "--pretrained", "--engine", "rust", "--out", folder / "ours.npz")
    ours = np.load(folder / "ours.npz")
    # The exported drawings have numbers of their own: each is the one that it is nearest to.
    nearest = (ours["embeddings"] @ libtorch.T).argmax(axis=1)
    rows = {int(Path(str(path)).stem): int(row) for path, row in zip(ours["paths"], nearest)}
    assert sorted(rows.values()) == list(range(len(libtorch))), "drawings that no one told apart"
    own = np.empty_like(libtorch)
    own[nearest] = ours["embeddings"]
    texts = [f"{len(libtorch)} embeddings of libtorch beside those of omnishot's runtime: at most "
             f"{apart('omnishot', own, libtorch):.1e} apart; of onnxruntime: {apart('onnxruntime', peer, libtorch):.1e}"]
    all_answers = [answers(tasks, rows, of) for of in (libtorch, own, peer)]
    assert all_answers[0] == all_answers[1] == all_answers[2], "other answers"
    right = sum(task["answer"] == way for task, way in zip(tasks, all_answers[0]))
    texts.append(f"the same {len(tasks)} answers, {right} of them right")
    return onnx, images, texts


def busy():
    """Seconds of a processor that this process and its ended children have had."""
    return sum(os.times()[:4])


def timed(work):
    began = busy()
    drawings = work()
    return drawings / (busy() - began)


def measure(options, folder, onnx, images):
    info = json.loads(run(options.pack, "info", options.store, "--json"))
    drawings = sum(alphabet["drawings"] for alphabet in info["alphabets"])

    def engine(name):
        run(options.embed, options.store, "--pretrained", "--engine", name, "--out", folder / "all.npz", "--force")
        return drawings

    peer = session(onnx)

    def peers():
        for _ in range(PEER_TURNS):
            for start in range(0, len(images), BATCH):
                peer.run(["embeddings"], {"images": images[start:start + BATCH]})
        return PEER_TURNS * len(images)

    contestants = [("omnishot, its own runtime", lambda: engine("rust")),
                   ("omnishot, libtorch", lambda: engine("libtorch")),
                   (f"onnxruntime {onnxruntime.__version__}, the exported graph", peers)]
    rates = {name: [] for name, _ in contestants}
    peers()
    for round_ in range(options.rounds):
        for name, work in contestants[::-1] if round_ % 2 else contestants:
            rates[name].append(timed(work))
    print("\n| drawings of 48 x 48 embedded on one core | drawings/s of its time | range |\n|---|---|---|")
    for name, of in rates.items():
        print(f"| {name} | {statistics.median(of):,.0f} | {min(of):,.0f} to {max(of):,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["eval", "embed", "pack", "store"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        onnx, images, texts = check(options, folder)
        print("\n".join(f"- {text}" for text in texts))
        measure(options, folder, onnx, images)


main()
