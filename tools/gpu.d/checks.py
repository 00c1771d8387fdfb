"""Whether training on the GPU is right: against the CPU, against itself, and when it is refused."""

import threading

from training import SMALL, Failed, last

PAIRS = ("siamese", "keras", "koch")
# How far losses may be apart, as a share of the CPU's: sums are taken in another order, and each step
# learns from what the one before has rounded. Such differences grow with the learning rate: those of
# `fast`, on a CPU with one thread and with two, are 1e-2 after 50 steps at its own 1e-2, and 8e-5 at 1e-4,
# where no learning at all would make 6e-3. So AdamW learns at 1e-4 here; Adam and SGD have low rates.
EARLY, EARLY_STEPS, LATE, RATE = 1e-4, 10, 1e-3, "optimizer.learning_rate=1e-4"


def correctness(part, context):
    """The losses of the first steps of every preset on the CPU and on the GPU: f32, the same bytes."""
    steps = 12 if context.dry else 50
    presets = ["fast", "keras"] if context.quick else list(SMALL)
    trainer = context.trainer
    # Without a GPU, other threads: sums in another order, and the rest as it will be.
    here = ["--threads", 1 if context.dry else max(1, context.cores - 3)]
    there = ["--threads", 2] if context.dry else []
    by_cpu, failed = {}, {}

    def changes(preset):
        sets = ["precision=f32", "pixels=u8"]
        if preset not in PAIRS:
            sets.append("batch.shards=1")
        if preset not in ("keras", "koch"):
            sets.append(RATE)
        elif not context.dry:
            sets.append("batch.pairs=8")  # a CPU takes its time over this network
        if preset == "koch" and not context.dry:
            sets.append("batch.table_pairs=2000")
        return sets

    def train(preset, where, flags):
        common = ["--steps", steps, "--checkpoint-every", 0, "--workers", 2]
        run = trainer.run(f"{where}-{preset}", preset, changes(preset), [*common, *flags],
                          context.left(60), device="cpu" if where == "cpu" else None)
        return run, [record["loss"] for record in run.records()]

    def on_cpu():
        for preset in presets:
            try:
                by_cpu[preset] = train(preset, "cpu", here)
            except Failed as error:
                failed[preset] = error

    beside = threading.Thread(target=on_cpu, daemon=True)  # both devices work at the same time
    beside.start()
    by_gpu = {}
    for preset in presets:
        try:
            by_gpu[preset] = train(preset, "gpu", there)
        except Failed as error:
            part.check(False, str(error))
    beside.join(context.left(90))
    rows = []
    for preset in presets:
        if preset in failed:
            part.check(False, str(failed[preset]))
        if preset not in by_cpu or preset not in by_gpu:
            continue
        (cpu, expected), (gpu, got) = by_cpu[preset], by_gpu[preset]
        if len(expected) != steps or len(got) != steps:
            part.check(False, f"{preset} has {len(expected)} losses on the CPU and {len(got)} on the GPU")
            continue
        apart = [abs(a - b) / max(abs(a), 1e-6) for a, b in zip(expected, got)]
        early, late = max(apart[:EARLY_STEPS]), max(apart[EARLY_STEPS:])
        sound = part.check(early <= EARLY and late <= LATE, f"{preset}: losses {early:.1e}, then {late:.1e} apart")
        rows.append([preset, f"{expected[0]:.4f}", f"{expected[-1]:.4f}", f"{early:.1e}", f"{late:.1e}",
                     f"{cpu.seconds:.1f}", f"{gpu.seconds:.1f}", sound])
        part.figures[preset] = {"cpu": expected, "gpu": got}
    part.table(["preset", "first loss", f"loss {steps}", f"apart, steps 1 to {EARLY_STEPS}", f"to {steps}",
                "CPU, s", "GPU, s", "sound"], rows)
    part.note(f"The largest differences, as shares of the CPU's losses; allowed are {EARLY:g} and {LATE:g}. Both in "
              "f32 from bytes, in one shard, AdamW at a rate of 1e-4; keras and koch in batches of 8 pairs. Seconds with "
              "the start.")


def determinism(part, context):
    """The same weights, byte for byte, whatever does not belong to the settings."""
    cases = [("fast", "bf16", 600), ("keras", "tf32", 200)]
    if context.quick:
        cases = [("fast", "bf16", 400)]
    rows = []
    for preset, precision, steps in cases:
        if context.dry:
            precision, steps = "f32", 40
        try:
            rows += same_weights(part, context, preset, precision, steps)
        except Failed as error:
            part.check(False, str(error))
    part.table(["preset", "arithmetic", "steps", "run", "SHA-256 of the weights", "same", "s"], rows)
    part.note("What determinism costs is among the speeds.")


def same_weights(part, context, preset, precision, steps):
    """The rows of one preset."""
    trainer, rows = context.trainer, []
    base = ["--steps", steps, "--seed", 3, "--precision", precision]
    quiet = [*base, "--checkpoint-every", 0]
    first = trainer.run(f"{preset}-first", preset, [], quiet, context.left(60))
    expected, losses = first.digest(), [record["loss"] for record in first.records()]

    def row(what, run):
        digest = run.digest()
        same = digest == expected and [record["loss"] for record in run.records()] == losses
        sound = part.check(same, f"{preset}, {what}: other weights or losses")
        rows.append([preset, precision, steps, what, digest[:16], sound, f"{run.seconds:.1f}"])

    def train(what, sets=(), flags=()):
        row(what, trainer.run(f"{preset}-other", preset, sets, [*quiet, *flags], context.left(60)))

    rows.append([preset, precision, steps, "once", expected[:16], "", f"{first.seconds:.1f}"])
    train("again")
    train("1 worker", flags=["--workers", 1])
    train("without graphs", ["graph=false"])
    every, name = max(steps // 8, 1), f"{preset}-killed"
    flags = [*base, "--checkpoint-every", every]
    killed = trainer.kill(name, preset, second_checkpoint(), [], flags, context.left(60))
    if not killed:
        part.note(f"{preset} was done before it could be killed: resuming was not tried.")
        return rows
    at = len(context.records(name))
    resumed = trainer.resume(name, ["--workers", 2, "--checkpoint-every", 0], context.left(60))
    row(f"killed after record {at}, resumed", resumed)
    return rows


def second_checkpoint():
    """Says of a run's folder whether its second checkpoint is there: the first is of no step."""
    first = []

    def written(folder):
        try:
            file = (folder / "checkpoint.safetensors").stat().st_ino
        except OSError:
            return False
        first[:] = first or [file]
        return file != first[0]

    return written


def refusals(part, context):
    """What cannot be done is told in one sentence, with an exit code that is not 0."""
    trainer, rows = context.trainer, []

    def refused(what, preset, sets, flags, code, says, **where):
        try:
            command = trainer.command("refused", preset, sets, ["--json", *flags], **where)
            run = context.call(command, context.left(60))
        except Failed as error:
            part.check(False, str(error))
            return
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        sentence = next((line for line in lines if says in line), None)
        # A command line that is refused is followed by a hint at --help.
        sound = run.code == code and sentence is not None and (code == 2 or len(lines) == 1)
        sound = sound and "panicked" not in run.stderr
        if not sound:
            part.note(f"{what} said: {run.stderr[:600]!r}")
        rows.append([what, run.code, sentence or last(run.stderr), f"{run.seconds:.1f}",
                     part.check(sound, f"{what}: code {run.code}, {len(lines)} lines")])

    if context.peer is not None:
        context.peer.wait(context.left(20), patient=True)  # it would be short of memory, too
    large = ["batch.pairs=16384", "precision=f32"]
    if context.dry:
        part.note("A batch that is too large is tried on a GPU only.")
    else:
        refused("16,384 pairs of keras", "keras", large, ["--workers", 1, "--steps", 6], 1, "a smaller batch takes less")
        refused("the same, without graphs", "keras", [*large, "graph=false"], ["--workers", 1, "--steps", 6], 1,
                "a smaller batch takes less")
    refused("GPU 99", "fast", [], ["--steps", 1], 2, "GPU", device="cuda:99")
    part.table(["asked for", "exit code", "said", "s", "sound"], rows)


def ranks(part, context):
    """Ranks through `launch`: one must give what a plain call gives, and two what two give again."""
    trainer, rows = context.trainer, []
    flags = ["--steps", 20 if context.dry else 100, "--checkpoint-every", 0]
    precision = [] if context.dry else ["precision=tf32"]
    plain = trainer.run("plain", "keras", precision, flags, context.left(40))
    one = trainer.run("launched", "keras", precision, flags, context.left(40), launch=1)
    same = part.check(one.digest() == plain.digest(), "one rank through launch has other weights than a plain call")
    rows.append(["plain call", plain.digest()[:16], "", f"{plain.seconds:.1f}"])
    rows.append(["launch --nproc 1", one.digest()[:16], same, f"{one.seconds:.1f}"])
    part.note("A rank that is alone exchanges nothing, so that one GPU does not try NCCL.")
    if context.cards > 1 or context.dry:
        two = []
        for name in ("two", "two again"):
            try:
                two.append(trainer.run(name, "keras", precision, flags, context.left(60), launch=2))
            except Failed as error:
                if "no NCCL" in error.said or "feature `distributed`" in error.said:
                    part.note("Two ranks were not run: this build has no NCCL, or not the feature `distributed`.")
                else:
                    part.check(False, str(error))
                break
        if len(two) == 2:
            same = part.check(two[0].digest() == two[1].digest(), "two ranks twice have different weights")
            means = [sum(r["loss"] for r in run.records()) / len(run.records()) for run in (plain, two[0])]
            near = part.check(abs(means[1] / means[0] - 1) < 0.02, f"mean losses {means[0]} and {means[1]}")
            rows.append(["launch --nproc 2, twice", two[0].digest()[:16], same, f"{two[0].seconds:.1f}"])
            rows.append(["its mean loss, beside the plain call's", f"{means[1]:.5f} and {means[0]:.5f}", near, ""])
    part.table(["call (keras, 32 pairs)", "SHA-256 of the weights", "same", "s"], rows)
