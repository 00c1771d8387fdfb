//! Packs Omniglot into one memory-mapped file and looks into it.
fn main() {}
