"""Runs of siamese-train: how they are called, and what their records say."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

# The presets, and a network of each that a CPU trains in a blink, for a way through without a GPU.
SMALL_CLASSES = ["batch.drawings=24", "network.side=32", "network.width=4", "network.dimensions=16"]
SMALL_KOCH = ["batch.pairs=8", "network.side=32", "network.filters=[3,4,4,5]", "network.kernels=[4,3,2,2]",
              "network.units=12"]
SMALL_EMBEDDER = ["network.embedder.side=32", "network.embedder.width=4", "network.embedder.dimensions=16"]
SMALL = {
    "fast": SMALL_CLASSES,
    "thorough": SMALL_CLASSES,
    "composed": [*SMALL_CLASSES, "batch.composed.classes=40", "batch.composed.drawings=8"],
    "compact": [*SMALL_CLASSES, "batch.alphabet_characters=8"],
    "siamese": ["batch.pairs=8", *SMALL_EMBEDDER],
    "softmax": SMALL_CLASSES,
    "matching": ["batch.drawings=24", "batch.alphabet_characters=12", *SMALL_EMBEDDER],
    "keras": SMALL_KOCH,
    "koch": [*SMALL_KOCH, "batch.table_pairs=100", "batch.copies=2"],
}
# Records of one wait for a GPU have one speed; a steady speed is taken between two waits.
WARM = 128  # steps before the clock runs


class Failed(Exception):
    """A program did not do what it was called for; says the last of what it said, and keeps all."""

    def __init__(self, text, said=""):
        super().__init__(text)
        self.said = said


class Run:
    """One run that has ended, or was ended."""

    def __init__(self, folder, done, seconds):
        self.folder, self.seconds = folder, seconds
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr

    def records(self):
        """Its records, one a step."""
        return records(self.folder)

    def digest(self):
        """SHA-256 of its weights."""
        with open(self.folder / "weights.safetensors", "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def profile(self):
        """Seconds by what they went to, of a run that was called with --profile."""
        found = {}
        for line in self.stderr.splitlines():
            cells = line.rsplit(None, 3)
            if len(cells) == 4 and cells[3].endswith("%"):
                try:
                    found[cells[0].strip()] = float(cells[1])
                except ValueError:
                    continue
        return found


class Trainer:
    """Calls siamese-train, on one device and one store."""

    def __init__(self, programs, store, folder, device):
        self.program, self.store, self.folder, self.device = programs / "siamese-train", store, folder, device

    def small(self, preset):
        """What makes a preset's network one for a way through without a GPU."""
        return SMALL[preset] if self.device == "cpu" else []

    def command(self, name, preset, sets=(), flags=(), launch=0, device=None):
        """A call that trains into the folder `name`."""
        sets = [*self.small(preset), "validation_alphabets=0", *sets]
        head = [str(self.program), *(["launch", "--nproc", str(launch)] if launch else [])]
        call = [*head, str(self.store), "--out", str(self.folder / name), "--preset", preset, "--force",
                "--device", device or self.device]
        for change in sets:
            call += ["--set", change]
        return [*call, *map(str, flags)]

    def run(self, name, preset, sets=(), flags=(), limit=60.0, launch=0, device=None):
        """Trains to the end. Fails if that takes longer than `limit` seconds, or goes wrong."""
        run = call(self.command(name, preset, sets, flags, launch, device), self.folder / name, limit)
        if run.code != 0:
            raise Failed(f"{preset} ({name}) ended with code {run.code}: {last(run.stderr)}", run.stderr)
        return run

    def resume(self, name, flags=(), limit=60.0):
        """Goes on with the run of the folder `name`, to its end."""
        command = [str(self.program), str(self.store), "--out", str(self.folder / name), "--resume",
                   "--device", self.device, *map(str, flags)]
        run = call(command, self.folder / name, limit)
        if run.code != 0:
            raise Failed(f"{name} was not resumed, code {run.code}: {last(run.stderr)}")
        return run

    def kill(self, name, preset, when, sets=(), flags=(), limit=60.0):
        """Trains until `when(folder)` says so, and kills the run on the spot. Whether that was before
        it was done."""
        folder = self.folder / name
        began = time.monotonic()
        with open(self.folder / f"{name}.stderr", "w+") as stderr:
            command = self.command(name, preset, sets, flags)
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)
            try:
                while child.poll() is None and not when(folder):
                    if time.monotonic() - began > limit:
                        raise Failed(f"{preset} ({name}) had not come as far after {limit:.0f} s")
                    time.sleep(0.004)
            finally:
                ended = child.poll()
                if ended is None:
                    child.send_signal(signal.SIGKILL)
                    child.wait()
            stderr.seek(0)
            if ended not in (None, 0):
                raise Failed(f"{preset} ({name}) ended with code {ended}: {last(stderr.read())}")
        return ended is None

    def speed(self, name, preset, seconds, sets=(), flags=(), limit=60.0):
        """Drawings a second once a run is under way, and the share of the time that it waited for
        batches: over `seconds` or more."""
        # Without end and without checkpoints; killed once it was looked at for long enough.
        flags = ["--steps", 50_000_000, "--checkpoint-every", 0, *flags]
        seen = {"size": 0, "since": None}

        def enough(folder):
            try:
                size = (folder / "metrics.jsonl").stat().st_size
            except OSError:
                return False
            now = time.monotonic()
            if seen["since"] is None:
                if size and len(waits(records(folder))) >= 2:
                    seen["since"] = now
                return False
            # Right after records came, so that none is lost to the clock.
            fresh = size != seen["size"]
            seen["size"] = size
            return fresh and now - seen["since"] >= seconds

        shutil.rmtree(self.folder / name, ignore_errors=True)
        self.kill(name, preset, enough, sets, flags, limit)
        return steady(records(self.folder / name))

    def clear(self):
        """Throws away what the runs have left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)


def call(command, folder, limit):
    """Calls a program to its end. Fails if that takes longer than `limit` seconds."""
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=max(limit, 1.0))
    except subprocess.TimeoutExpired:
        raise Failed(f"{os.path.basename(command[0])} had not ended after {limit:.0f} s ({folder.name})") from None
    return Run(folder, done, time.monotonic() - began)


def end_in(command, folder, seconds):
    """Calls a program, and stops it as Ctrl-C does when it has not ended after so many seconds."""
    began = time.monotonic()
    try:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise Failed(f"{command[0]} was not started: {error}") from None
    for signalled in (signal.SIGINT, signal.SIGKILL):
        try:
            stdout, stderr = child.communicate(timeout=max(seconds, 1.0))
            break
        except subprocess.TimeoutExpired:
            child.send_signal(signalled)
            seconds = 30.0
    else:
        stdout, stderr = child.communicate()
    return Run(folder, subprocess.CompletedProcess(command, child.returncode, stdout, stderr), time.monotonic() - began)


def records(folder):
    """The records of a run's folder; a line that is being written is left out."""
    found = []
    try:
        text = (folder / "metrics.jsonl").read_text()
    except OSError:
        return found
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


def waits(found):
    """Where a run waited for its device: of each wait the last step, and the drawings a second and
    the share of waiting since the start."""
    ends = {}
    for record in found:
        ends[record["images_per_second"]] = record
    return sorted(ends.values(), key=lambda record: record["step"])


def steady(found):
    """Drawings a second between the first wait after the warm-up and the last one, the share of that
    time that went by without a batch, and over how many steps and seconds: from averages since the start,
    of steps of one size."""
    ends = waits(found)
    warm = [end for end in ends if end["step"] >= min(WARM, ends[-1]["step"] // 2)]
    if len(warm) < 2:
        raise Failed("a run was too short to tell its speed")
    first, final = warm[0], warm[-1]
    # Seconds of work for one drawing of each batch, since batches are of one size.
    busy = [end["step"] / end["images_per_second"] for end in (first, final)]
    waited = [end["waited"] * part for end, part in zip((first, final), busy)]
    steps, span = final["step"] - first["step"], busy[1] - busy[0]
    if span <= 0:
        raise Failed("a run was too short to tell its speed")
    return {"drawings_s": steps / span, "waited": max(0.0, (waited[1] - waited[0]) / span), "steps": steps}


def last(text):
    """The last line of what a program said."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else "(it said nothing)"
