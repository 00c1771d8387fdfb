//! The settings that ship with the program, as they are written: what `train` reads whole, and
//! `omni-bench` as far as they are a loader's.

/// Their names and texts.
pub const PRESETS: [(&str, &str); 9] = [
    ("compact", include_str!("train/compact.toml")),
    ("fast", include_str!("train/fast.toml")),
    ("thorough", include_str!("train/thorough.toml")),
    ("composed", include_str!("train/composed.toml")),
    ("siamese", include_str!("train/siamese.toml")),
    ("softmax", include_str!("train/softmax.toml")),
    ("matching", include_str!("train/matching.toml")),
    ("keras", include_str!("train/keras.toml")),
    ("koch", include_str!("train/koch.toml")),
];
