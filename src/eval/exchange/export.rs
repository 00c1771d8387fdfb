//! Tasks and their drawings to a folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::ExchangeError;
use super::file::TaskFile;
use crate::archive::page_to_png;
use crate::eval::tasks::TaskSet;
use crate::image::Page;
use crate::seed::{Purpose, Stream};
use crate::store::export::{
    ExportError, make_folder, pages_to_npz, write_folder, write_new, write_new_with,
};
use crate::store::{DrawingId, Store};

/// The parts that an export writes, and that it may replace.
const PARTS: [&str; 3] = ["tasks.json", "drawings", "drawings.npz"];

/// How drawings are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Format {
    /// `drawings/000123.png`: one-bit PNG files, black on white.
    Png,
    /// `drawings.npz`: array `images`, uint8 `[n, 105, 105]`, 1 for ink.
    Npz,
}

/// Writes the tasks of a set and the drawings they show into `folder`, which is made if it is not
/// there, and returns what `tasks.json` says. A pure function of store and set: the same call
/// writes the same bytes.
///
/// A drawing is exported once, whatever tasks or runs show it. The drawings are numbered in an
/// order shuffled by the set's seed (0 if it has none), so that a number tells nothing.
///
/// With `overwrite`, a folder that is not empty keeps what it holds but for `tasks.json`,
/// `drawings` and `drawings.npz`, which are replaced whole.
///
/// # Errors
/// [`ExchangeError::Tasks`] if there are no tasks or more than
/// [`MOST_TASKS`](super::MOST_TASKS); [`ExchangeError::Export`] if the folder is not empty, the
/// store is damaged or the system refuses. Nothing is left half written.
///
/// # Panics
/// If the set is not of this store.
pub fn export(
    store: &Store,
    set: &TaskSet,
    folder: &Path,
    format: Format,
    overwrite: bool,
) -> Result<TaskFile, ExchangeError> {
    let order = shuffled(set);
    let numbers: BTreeMap<DrawingId, u32> = order.iter().copied().zip(0..).collect();
    let file = TaskFile::of(set, store.digest(), order.len(), |id| numbers[&id]);
    file.check("the tasks")?;
    let pages = pages(store, &numbers)?;
    write_folder(folder, overwrite, &PARTS, |new| {
        write_new(&new.join("tasks.json"), file.to_json().as_bytes())?;
        match format {
            Format::Png => write_pngs(&new.join("drawings"), &pages),
            Format::Npz => write_new_with(&new.join("drawings.npz"), |to| {
                pages_to_npz(to, "images", &pages)
            }),
        }
    })?;
    Ok(file)
}

/// Every drawing of a set once, in an order that tells nothing.
fn shuffled(set: &TaskSet) -> Vec<DrawingId> {
    let mut order: Vec<DrawingId> = set.drawings().collect();
    order.sort_unstable();
    order.dedup();
    Stream::new(set.seed.unwrap_or(0), Purpose::Export, 0).shuffle(&mut order);
    order
}

/// The drawings in the order of their numbers; read in that of the store, so that a character
/// is decoded once.
fn pages(store: &Store, numbers: &BTreeMap<DrawingId, u32>) -> Result<Vec<Page>, ExportError> {
    let mut pages = vec![Page::BLANK; numbers.len()];
    let mut decoder = store.decoder();
    for (&id, &number) in numbers {
        pages[number as usize] = *decoder.drawing(id)?;
    }
    Ok(pages)
}

fn write_pngs(folder: &Path, pages: &[Page]) -> Result<(), ExportError> {
    make_folder(folder)?;
    for (number, page) in pages.iter().enumerate() {
        let path = folder.join(format!("{number:06}.png"));
        write_new(&path, &page_to_png(page))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::files::faults::planned::{Fault, at_every_step};
    use crate::store::made_up::{packed, small};

    /// Tasks are replaced whole, or not at all, whichever step is refused.
    #[test]
    fn exported_tasks_are_the_old_ones_or_the_new_ones_whatever_step_is_refused() {
        let store = packed(&small());
        let mut set = TaskSet::lake_runs(&store).unwrap();
        set.tasks.truncate(2);
        set.group_of.truncate(2);
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        fs::create_dir_all(out.join("drawings")).unwrap();
        for old in ["tasks.json", "drawings/000000.png", "drawings.npz", "mine"] {
            fs::write(out.join(old), old).unwrap();
        }
        for format in [Format::Png, Format::Npz] {
            let read = || {
                ["tasks.json", "drawings/000000.png", "drawings.npz", "mine"]
                    .map(|name| fs::read(out.join(name)).ok())
            };
            let before = read();
            let steps = at_every_step(
                parent.path(),
                Fault::Once,
                || export(&store, &set, &out, format, true).map(drop),
                |step, error| {
                    let said = error.to_string();
                    assert!(said.contains(parent.path().to_str().unwrap()), "{said}");
                    assert!(read() == before, "step {step}: {error}");
                    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
                },
            );
            assert!(steps > 8, "{steps}");
            assert!(read() != before && read()[3] == before[3]);
        }
    }
}
