"""How fast training, the loader and PyTorch are, and what comes of the presets as they ship."""

import json

from report import median, spread
from training import Failed

# Name, preset, precision, PyTorch's network, rounds; the first ones are measured first.
WORKS = [
    ("fast, thorough", "fast", "bf16", "compact", 3),
    ("keras", "keras", "tf32", "koch32", 3),
    ("koch", "koch", "tf32", "koch128", 1),
    ("compact", "compact", "bf16", None, 1),
    ("siamese", "siamese", "bf16", None, 1),
    ("softmax", "softmax", "bf16", None, 1),
    ("matching", "matching", "tf32", None, 1),
    ("koch", "koch", "bf16", "koch128", 1),
    ("fast, thorough", "fast", "tf32", "compact", 3),
    ("keras", "keras", "bf16", "koch32", 3),
]
MAIN = WORKS[:2]  # what determinism costs is measured of these, in so many rounds
COSTS = 2
QUICK = [(*work[:4], 1) for work in MAIN]
# More than this share of speed for determinism is worth a word.
DEAR = 0.10


def speed(part, context):
    """Drawings a second of every preset, in turn with PyTorch's same networks."""
    works = QUICK if context.quick else WORKS
    seconds = 0.3 if context.dry else 1.0 if context.quick else 1.5
    peer = context.peer
    peer.wait(context.left(60))
    found, done, asked = {}, 0, schedule(works)
    kept = 10 if context.quick else 26  # seconds for the last one that is begun, and for the checkpoints
    for turn, work in asked:
        if context.left(1000) > kept:
            one_round(part, context, peer, work, turn, found, seconds)
            done += 1
    if done < len(asked):
        part.note(f"{done} of {len(asked)} measurements were taken: there was no time for more.")
    rows, dear = [], []
    for work in works:
        rounds = found.get(work[0] + " " + work[2], [])
        if rounds:
            rows.append(speed_row(work, rounds))
            dear += costs(work, rounds)
    part.table(["preset", "arithmetic", "drawings/s", "waited for batches", "PyTorch, eager", "PyTorch, compiled",
                "ours / eager", "ours / compiled"], rows)
    if dear:
        part.table(["preset", "arithmetic", "drawings/s", "with deterministic=false", "determinism costs"], dear)
    part.figures["rounds"] = found
    part.note("Medians (least to most) of rounds in which each contestant runs once. Ours loads, distorts and uploads "
              "its batches, is deterministic, and averages its weights where the preset does; PyTorch learns from one "
              "batch that lies on the GPU, is not deterministic, and does the same averaging.")
    for line in peer.notes:
        part.note(line)
    checkpoints(part, context)


def schedule(works):
    """Round by round, in an order that is turned about: a card that warms up is even to all. What is
    asked for once comes between the first works and the last."""
    many = [work for work in works if work[4] > 1]
    groups = [[work for work in many if work in MAIN], [work for work in works if work[4] == 1],
              [work for work in many if work not in MAIN]]
    found = []
    for group in groups:
        for turn in range(max((work[4] for work in group), default=0)):
            found += [(turn, work) for work in (group if turn % 2 == 0 else group[::-1])]
    return found


def one_round(part, context, peer, work, turn, found, seconds):
    """One run of ours and one of each of PyTorch's."""
    name, preset, precision, network, _ = work
    rounds = found.setdefault(f"{name} {precision}", [])
    ours = "f32" if context.dry else precision
    figures = {}

    def own(what, *more):
        try:
            figures[what] = context.trainer.speed("speed", preset, seconds, [f"precision={ours}", *more],
                                                  limit=context.left(40))
        except Failed as error:
            part.check(False, str(error))

    asked = [lambda: own("ours")]
    if network:
        asked += [lambda: figures.update(eager=peer.ask(network, precision, False, seconds)),
                  lambda: figures.update(compiled=peer.ask(network, precision, True, seconds))]
    if work[:4] in [main[:4] for main in MAIN] and turn < COSTS:
        asked.append(lambda: own("not deterministic", "deterministic=false"))
    for ask in asked if turn % 2 == 0 else asked[::-1]:
        ask()
    rounds.append(figures)


def rates(rounds, what):
    return [figures.get(what) and figures[what]["drawings_s"] for figures in rounds]


def ratios(rounds, above, below):
    return [a / b if a and b else None for a, b in zip(rates(rounds, above), rates(rounds, below))]


def speed_row(work, rounds):
    waited = [figures["ours"]["waited"] for figures in rounds if figures.get("ours")]
    cells = [spread(rates(rounds, what), "{:,.0f}") for what in ("ours", "eager", "compiled")]
    return [work[0], work[2], cells[0], f"{100 * median(waited):.1f}%" if waited else "-", cells[1], cells[2],
            spread(ratios(rounds, "ours", "eager")), spread(ratios(rounds, "ours", "compiled"))]


def costs(work, rounds):
    """What determinism costs, where that was measured."""
    shares = [1 - ratio for ratio in ratios(rounds, "ours", "not deterministic") if ratio]
    if not shares:
        return []
    word = "" if median(shares) <= DEAR else f", **more than {100 * DEAR:.0f}%**"
    return [[work[0], work[2], spread(rates(rounds, "ours"), "{:,.0f}"),
             spread(rates(rounds, "not deterministic"), "{:,.0f}"),
             spread([100 * share for share in shares], "{:.1f}%") + word]]


def checkpoints(part, context):
    """How long training stands still for a checkpoint of Koch's network, which is the largest."""
    if context.quick or context.left(1000) < 12:
        part.note("What a checkpoint costs was not measured: there was no time for it.")
        return
    steps, every = (12, 5) if context.dry else (130, 40)
    precision = [] if context.dry else ["precision=tf32"]
    try:
        run = context.trainer.run("checkpoints", "koch", precision,
                                  ["--steps", steps, "--checkpoint-every", every, "--profile"], context.left(60))
    except Failed as error:
        part.check(False, str(error))
        return
    profile = run.profile()
    count = steps // every + 1
    size = (run.folder / "checkpoint.safetensors").stat().st_size / 1e6
    stood = profile.get("saving", float("nan"))
    part.figures["koch with checkpoints"] = {"profile": profile, "checkpoints": count, "megabytes": size}
    part.table(["koch", "checkpoints", "MB each", "stood still, s each", "waiting", "on the device", "all, s"],
               [[f"{steps} steps", count, f"{size:.0f}", f"{stood / count:.3f}",
                 *(f"{profile.get(name, float('nan')):.2f}" for name in ("waiting for batches", "on the device", "all"))]])


def loader(part, context):
    """Pairs a second with more and more workers."""
    counts = sorted({1, 2, 4, 8, 16, 32, 64, 128, context.cores, 3 * context.cores // 4} & set(range(1, context.cores + 1)))
    seconds, windows = (0.05, 1) if context.dry else (0.25, 2 if context.quick else 3)
    streams = [("pairs, 105 x 105, f32", ["--stream", "pairs"]),
               ("classes, 48 x 48, bytes (as fast on a GPU)", ["--stream", "classes", "--side", "48", "--pixel", "u8"])]
    for title, stream in streams[1:] if context.quick else streams:
        command = [str(context.programs / "omni-bench"), "loader", str(context.store), *stream, "--windows", str(windows),
                   "--seconds", str(seconds), "--workers", ",".join(map(str, counts)), "--json"]
        run = context.call(command, context.left(90))
        if run.code != 0:
            part.check(False, f"omni-bench ended with code {run.code}: {run.stderr[-300:]}")
            continue
        found = json.loads(run.stdout)
        made = {row["workers"]: row for row in found["rows"] if row["what"] == "loader"}
        written = {row["workers"]: row for row in found["rows"] if row["what"] == "writing only"}
        one = made[min(made)]["pairs_per_second"]
        rows = [[count, row.get("depth", "-"), f"{row['pairs_per_second']:,.0f}", f"{row['least']:,.0f}",
                 f"{row['pairs_per_second'] / one / count:.0%}", f"{written[count]['pairs_per_second']:,.0f}"]
                for count, row in sorted(made.items())]
        part.table([f"workers ({title})", "batches ahead", "pairs/s", "least", "of a worker alone, each", "only writing"],
                   rows)
        part.figures[title] = found


def accuracy(part, context):
    """`fast` and `thorough` as they ship: how long they take, and what they score."""
    rows, networks = [], []
    for preset in ["fast"] if context.quick else ["fast", "thorough"]:
        if context.left(1000) < (15 if preset == "fast" else 45):
            part.note(f"{preset} was not trained: there was no time for it.")
            continue
        flags = ["--checkpoint-every", 0, "--profile", *(["--steps", 60] if context.dry else [])]
        run = context.trainer.run(f"whole-{preset}", preset, [], flags, context.left(150))
        final = run.records()[-1]
        networks.append((preset, run))
        rows.append([preset, final["step"], f"{run.seconds:.1f}", f"{final['images_per_second']:,.0f}",
                     f"{100 * final['waited']:.1f}%", f"{final['loss']:.3f}"])
        part.figures[preset] = {"seconds": run.seconds, "profile": run.profile(), "last": final}
        if preset == "thorough" and not context.dry:
            word = "holds" if run.seconds <= 30 else "**does not hold**"
            part.note(f"The bar for thorough, 30 s from call to weights, {word}: {run.seconds:.1f} s.")
    part.table(["preset", "steps", "s, from call to weights", "drawings/s", "waited", "last loss"], rows)
    if not networks or context.left(1000) < 10:
        part.note("Nothing was scored: there was no time for it.")
        return
    weights = [f"{preset}={run.folder / 'weights.safetensors'}" for preset, run in networks]
    command = [str(context.programs / "siamese-eval"), str(context.store), "--weights", *weights, "--protocol",
               "within" if context.dry else "lake-runs,within,between", "--trials", "50" if context.dry else "5000",
               "--device", context.device, "--json"]
    run = context.call(command, context.left(120))
    if run.code != 0:
        part.check(False, f"siamese-eval ended with code {run.code}: {run.stderr[-300:]}")
        return
    found = json.loads(run.stdout)
    scores = [[protocol["protocol"], f"{protocol['ways']}-way, {protocol['shots']} shot", protocol["trials"],
               system["system"], f"{system['percent']:.2f}%"]
              for protocol in found["protocols"] for system in protocol["systems"] if system["role"] == "network"]
    part.table(["evaluation set", "asked", "tasks", "network", "right"], scores)
    part.figures["scores"] = scores
    part.note(f"Scored in {run.seconds:.1f} s" + (", on made-up alphabets." if found["provenance"]["made_up"] else "."))
