"""Runs the parts of tools/gpu, each within its time, and writes what they find."""

import argparse
import sys
import time
import traceback
from pathlib import Path

import checks
import koch
import machine
import measures
import report
from peer import Peer
from training import Failed, Trainer, call, end_in, records

# Seconds of each part, of 480 in all; what one leaves over is the next one's.
PARTS = [
    ("correctness", checks.correctness, 75),
    ("determinism", checks.determinism, 75),
    ("refusals", checks.refusals, 30),
    ("ranks", checks.ranks, 25),
    ("speed", measures.speed, 175),
    ("loader", measures.loader, 30),
    ("accuracy", measures.accuracy, 70),
]
# Parts that only run where they are named, of nine minutes each.
NAMED = [
    ("koch-keras", koch.keras, 540),
    ("koch-search", koch.search, 540),
    ("koch-tables", koch.tables, 540),
    ("koch-beyond", koch.beyond, 540),
]
WHOLE, QUICK = 480.0, 90.0


class Context:
    """What the parts are called with."""

    def __init__(self, arguments, programs, store, out):
        self.programs, self.store, self.device = programs, store, arguments.device
        self.quick, self.dry = arguments.quick, arguments.device == "cpu"
        self.cores = machine.cores()
        self.out, self.runs = out, out / "runs"
        self.trainer = Trainer(programs, store, self.runs, arguments.device)
        self.cards, self.peer, self.until = 0, None, 0.0

    def left(self, most):
        """Seconds that a step may take: at most `most`, and no more than the part has left. A part
        that has none left fails, so that the others have theirs."""
        left = self.until - time.monotonic()
        if left < 1.0 and most < 1000:
            raise Failed("the part's time was used up")
        return min(most, left)

    def records(self, name):
        return records(self.runs / name)

    def call(self, command, limit):
        """Calls any program to its end."""
        return call(command, self.runs, limit)

    def end_in(self, command, seconds):
        """Calls a program that is stopped when its time is up, as Ctrl-C stops it."""
        return end_in(command, self.runs, seconds)


def run_part(name, act, context, seconds):
    """Runs one part. Whatever goes wrong in it is among its findings, and the next part goes on."""
    part = report.Part(name)
    began = time.monotonic()
    context.until = began + seconds
    if seconds < 5:
        part.skipped = "no time was left"
        return part
    context.trainer.clear()
    try:
        act(part, context)
    except Failed as error:
        part.check(False, str(error))
    except Exception as error:  # a part of the script that is wrong must not take the others with it
        traceback.print_exc()
        part.check(False, f"the script failed: {error!r}")
    part.seconds = time.monotonic() - began
    return part


def parse():
    parser = argparse.ArgumentParser(usage="see tools/gpu --help")
    parser.add_argument("--bin", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--limit", type=float)
    arguments = parser.parse_args()
    names = [name for name, _, _ in PARTS + NAMED]
    only = [name for named in arguments.only for name in named.split(",")]
    unknown = [name for name in only if name not in names]
    if unknown:
        parser.exit(2, f"gpu: there is no part {unknown[0]!r}: {', '.join(names)}\n")
    if arguments.limit is not None and not 5 <= arguments.limit <= 36_000:
        parser.exit(2, "gpu: --limit is from 5 to 36,000 seconds\n")
    return arguments, only or [name for name, _, _ in PARTS]


def main():
    began = time.monotonic()
    arguments, names = parse()
    programs, out = Path(arguments.bin), Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    chosen = [part for part in PARTS + NAMED if part[0] in names]
    named = sum(seconds for name, _, seconds in chosen if name.startswith("koch-"))
    limit = arguments.limit or (QUICK if arguments.quick else named or WHOLE)
    context = Context(arguments, programs, arguments.store, out)
    if "speed" in names:
        compiled = context.device == "cuda" and not arguments.quick
        context.peer = Peer(sys.executable, context.device, compiled, out)
    found = machine.describe(context.device, programs, sys.executable)
    context.cards = found.get("cards", 0)
    settings = {"quick": arguments.quick, "device": context.device, "limit": limit, "store": str(arguments.store)}
    print(f"# omnishot on {found.get('card', 'a CPU')}\n\n" + ", ".join(f"{k} {v}" for k, v in found.items()) + ".\n",
          flush=True)
    parts = []
    try:
        for at, (name, act, _) in enumerate(chosen):
            # What is left is shared out by what each part would have of all the time.
            shares = [part[2] for part in chosen[at:]]
            left = limit - (time.monotonic() - began)
            print(f"gpu: {name}, {left:.0f} s are left", file=sys.stderr, flush=True)
            part = run_part(name, act, context, left * shares[0] / sum(shares))
            parts.append(part)
            print(part.markdown(), flush=True)
            report.write(out, found, settings, parts)
    finally:
        if context.peer is not None:
            context.peer.end()
        context.trainer.clear()
        context.runs.rmdir()
    wrong = sum(len(part.wrong) for part in parts)
    taken = time.monotonic() - began
    print(f"{'All that was run is sound' if not wrong else f'{wrong} findings are not sound'}; {taken:.0f} s. "
          f"Written: {out / 'gpu.md'} and gpu.json.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
