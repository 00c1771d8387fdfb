//! A writer whose every step is refused, or the last thing its process does.

use std::path::Path;

use super::{PairTable, TableError, TableRecipe};
use crate::files::faults::planned::{
    a_file_is_old_or_new, a_killed_file_is_old_or_new, killed_here,
};
use crate::store::made_up::one_alphabet;

/// Writes a table over four characters into `folder`.
fn draw(folder: &Path) -> Result<(), TableError> {
    let recipe = TableRecipe {
        alphabets: vec![0],
        drawers: 1..=4,
        pairs: 10,
        copies: 2,
        seed: 1,
    };
    let store = one_alphabet(4, 4);
    PairTable::write(&folder.join("t.pairs"), &store, &recipe, true).map(drop)
}

#[test]
fn a_table_is_the_old_one_or_the_new_one_whatever_step_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    a_file_is_old_or_new(folder.path(), "t.pairs", || draw(folder.path()));
}

#[test]
#[cfg(unix)]
fn a_table_is_the_old_one_or_the_new_one_wherever_its_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let write = || draw(folder.path()).unwrap();
    a_killed_file_is_old_or_new(
        folder.path(),
        "t.pairs",
        "sample::table::tests::draws",
        write,
    );
}

#[test]
#[ignore = "the child of the test before it"]
fn draws() {
    killed_here(|folder| draw(folder).unwrap());
}
