//! The documents of the project, and where they lie.

use std::path::{Path, PathBuf};

/// All of them, the README first: a command may need the files of those before it.
pub const DOCUMENTS: [&str; 18] = [
    "README.md",
    "src/archive/README.md",
    "src/store/README.md",
    "src/store/FORMAT.md",
    "src/sample/TABLE.md",
    "src/loader/README.md",
    "src/weights/PRETRAINED.md",
    "src/train/README.md",
    "src/train/KOCH.md",
    "src/ranks/README.md",
    "src/eval/README.md",
    "src/tune/README.md",
    "src/siamese/README.md",
    "benches/README.md",
    "tools/fuzz/README.md",
    "tools/peers/README.md",
    "tools/python/README.md",
    ".github/SECURITY.md",
];

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
