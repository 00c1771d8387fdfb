//! How each command of the documents begins, in their order, and what becomes of it.

/// What becomes of a command.
pub enum Way {
    /// It is run, with these arguments more, which make it small.
    Run(&'static [&'static str]),
    /// It is run with other words in place of its own, which are not here or take long.
    Instead(&'static str),
    /// It is not run, and why.
    Elsewhere(&'static str),
}

use Way::{Elsewhere, Instead, Run};

/// A command is of the longest row that it begins with. Later ones find the files of those before.
pub const WAYS: &[(&str, Way)] = &[
    // README.md
    ("tools/demo", Elsewhere("builds everything, and trains")),
    ("tools/test", Elsewhere("runs this")),
    (
        "tools/demo --preset composed",
        Elsewhere("takes three quarters of an hour"),
    ),
    (
        "siamese-eval drawings.omni --pretrained",
        Run(&["--trials", "20"]),
    ),
    (
        "cargo build",
        Elsewhere("this is built; tests/cli/python.rs builds the library for Python"),
    ),
    ("omni-pack build mine.omni", Run(&[])),
    ("siamese-train mine.omni", Run(&["SMALL"])),
    ("siamese-eval mine.omni", Run(&["--trials", "20"])),
    ("siamese-classify --support known --weights", Run(&[])),
    (
        "cargo run --release --no-default-features",
        Instead("siamese-classify --support known --pretrained photo.jpg"),
    ),
    ("siamese-classify --support known --pretrained", Run(&[])),
    // src/archive/README.md
    ("omni-pack build shades.omni", Run(&[])),
    ("sudo apt-get", Elsewhere("brings fonts")),
    ("python3 tools/glyphs.py", Elsewhere("needs fonts")),
    ("omni-pack build glyphs.omni", Elsewhere("needs fonts")),
    ("siamese-train glyphs.omni", Elsewhere("needs fonts")),
    ("siamese-eval glyphs.omni", Elsewhere("needs fonts")),
    // src/store/README.md
    (
        "omni-pack build drawings.omni",
        Instead("omni-pack build drawings.omni --synthetic 1 --force"),
    ),
    ("omni-pack info", Run(&[])),
    ("omni-pack verify", Run(&[])),
    ("omni-pack pairs", Run(&[])),
    ("omni-pack preview", Run(&[])),
    ("omni-pack export", Run(&[])),
    (
        "omni-pack table",
        Instead("omni-pack table drawings.omni t.pairs --set training --pairs 960 --copies 8"),
    ),
    // src/loader/README.md
    ("omni-bench loader", Elsewhere("tests/cli/omni_bench.rs")),
    ("omni-bench plan", Elsewhere("tests/cli/omni_bench.rs")),
    ("omni-bench digest", Run(&[])),
    ("omni-pack replay", Run(&[])),
    (
        "cargo run --release --locked --manifest-path tools/candle",
        Elsewhere("builds candle"),
    ),
    // src/train/README.md
    (
        "siamese-train drawings.omni --out run --seed 1",
        Run(&["SMALL"]),
    ),
    ("siamese-train drawings.omni --out run --resume", Run(&[])),
    (
        "siamese-train drawings.omni --out k --preset keras",
        Run(&["KERAS"]),
    ),
    (
        "siamese-train drawings.omni --out k --resume --steps",
        Instead("siamese-train drawings.omni --out k --resume --steps 4"),
    ),
    ("siamese-train --print", Run(&[])),
    (
        "siamese-train drawings.omni --out base",
        Elsewhere("takes ten minutes"),
    ),
    ("tools/libtorch --cuda", Elsewhere("needs a GPU")),
    (
        "siamese-train drawings.omni --out run --preset fast",
        Elsewhere("the same on a GPU"),
    ),
    ("tools/gpu", Elsewhere("needs a GPU")),
    // src/train/KOCH.md
    (
        "siamese-train drawings.omni --out table",
        Run(&["--set", "steps=2"]),
    ),
    (
        "siamese-eval drawings.omni --weights koch=table",
        Run(&["--trials", "20"]),
    ),
    // src/ranks/README.md
    (
        "cargo run --release --features distributed",
        Elsewhere("tests/ranks/processes.rs"),
    ),
    // src/eval/README.md
    ("siamese-embed pictures", Run(&[])),
    ("python3 tools/nearest_example.py", Elsewhere("needs numpy")),
    (
        "siamese-eval drawings.omni --weights run/weights.safetensors --out",
        Run(&["--trials", "20"]),
    ),
    (
        "siamese-eval drawings.omni --weights a=",
        Instead(
            "siamese-eval drawings.omni --weights a=run/weights.safetensors b=run/weights.safetensors --baseline softmax=run/weights.safetensors --trials 20 --protocol within",
        ),
    ),
    (
        "siamese-eval drawings.omni --pretrained --protocol meta-dataset",
        Elsewhere("tests/eval/episodes.rs"),
    ),
    (
        "siamese-eval drawings.omni --protocol within,curve",
        Instead("siamese-eval drawings.omni --protocol within,curve --shots 1 --trials 20 --json"),
    ),
    (
        "siamese-eval drawings.omni --weights run/weights.safetensors --mnist",
        Elsewhere("tests/mnist.rs"),
    ),
    ("siamese-eval export-tasks", Run(&["--trials", "20"])),
    (
        "python3 tools/predict_example.py",
        Elsewhere("tests/eval/exchange_cli.rs"),
    ),
    (
        "siamese-eval score",
        Elsewhere("tests/eval/exchange_cli.rs"),
    ),
    // src/tune/README.md
    (
        "siamese-tune --store drawings.omni --out search --",
        Elsewhere("tests/tune/tune_cli.rs"),
    ),
    (
        "siamese-tune --store drawings.omni --out search-k",
        Elsewhere("tests/tune/tune_cli.rs"),
    ),
    // src/siamese/README.md
    (
        "siamese-draw",
        Elsewhere("runs until it is stopped; tests/draw/main.rs"),
    ),
    (
        "siamese-classify --support sets/NAME",
        Elsewhere("tests/draw/sets.rs"),
    ),
    // benches/README.md
    (
        "OMNIGLOT_STORE=drawings.omni cargo bench --no-default-features --bench store",
        Elsewhere("measures speed"),
    ),
    (
        "cargo bench --no-default-features --bench distort",
        Elsewhere("measures speed"),
    ),
    (
        "OMNIGLOT_STORE=drawings.omni cargo bench --bench evaluate",
        Elsewhere("measures speed"),
    ),
    ("OMNISHOT_INSTRUCTIONS=avx2", Elsewhere("measures speed")),
    // tools/python/README.md
    ("pip install", Elsewhere("tests/cli/python.rs")),
    (
        "python3 -c 'import omnishot;",
        Elsewhere("tests/cli/python.rs"),
    ),
    ("PYTHONPATH=tools/python", Elsewhere("tests/cli/python.rs")),
    // .github/SECURITY.md
    (
        "tools/fuzz/run",
        Elsewhere("runs for hours; tests/fuzz.rs has its targets"),
    ),
    ("OMNISHOT_KILLS=200", Elsewhere("tests/cli/kill.rs")),
    ("QUEUE_SCHEDULES", Elsewhere("tests/schedules.rs")),
    ("tools/sanitize", Elsewhere("builds everything again")),
    ("tools/mutants", Elsewhere("runs for hours")),
    ("omni-bench soak", Elsewhere("tests/cli/omni_bench.rs")),
];
