//! A store back to PNG files, in the layout of Omniglot's downloads.
//!
//! ```text
//! images_background/ALPHABET/CHARACTER/NNNN_DD.png
//! images_evaluation/ALPHABET/CHARACTER/NNNN_DD.png
//! all_runs/RUN/{class_labels.txt,training/classNN.png,test/itemNN.png}
//! ```
//!
//! Drawings in shades are pictures in 8-bit grey, which `omni-pack build` reads again with
//! `--pictures --grey --merge-splits`.
//!
//! Everything is written into a folder beside the target, which takes the target's
//! place when it is whole. Names come from the store, which may come from anywhere: each
//! must be a plain name of one file, or nothing is written.

use std::path::{Component, Path};

use rayon::prelude::*;

use super::error::ExportError;
use super::staging::{make_folder, write_folder, write_new};
use super::{ExportOptions, Exported};
use crate::archive::{drawn_to_png, is_left_behind};
use crate::store::{AlphabetEntry, CharacterId, Decoder, RunEntry, Store};

/// The parts that an export writes, and that it may replace.
const PARTS: [&str; 3] = ["images_background", "images_evaluation", "all_runs"];

/// Writes a store's drawings into `folder`, which is made if it is not there. `done` is
/// called, on any thread, with the number of drawings of each finished character.
///
/// With [`ExportOptions::overwrite`], a folder that is not empty keeps what it holds but
/// for the parts of this layout, which are replaced whole. The files are not synced to
/// the disk one by one: the store remains the safe copy.
///
/// # Errors
/// [`ExportError::UnsafeName`], [`ExportError::NotEmpty`] and [`ExportError::Nothing`]
/// before anything is written; [`ExportError::Store`] if a block is damaged and
/// [`ExportError::Write`] if the system refuses, after what was written is removed.
pub fn to_folder(
    store: &Store,
    folder: &Path,
    options: ExportOptions,
    done: impl Fn(usize) + Sync,
) -> Result<Exported, ExportError> {
    let alphabets: Vec<&AlphabetEntry> = store
        .alphabets()
        .iter()
        .filter(|alphabet| options.takes(alphabet.split))
        .collect();
    let runs: Vec<&RunEntry> = store
        .runs()
        .iter()
        .filter(|run| options.takes_run(store, run))
        .collect();
    if alphabets.is_empty() {
        return Err(ExportError::Nothing {
            store: store.path().to_owned(),
        });
    }
    check_names(store, &alphabets, &runs)?;
    write_folder(folder, options.overwrite, &PARTS, |new| {
        let mut drawings = 0;
        for alphabet in &alphabets {
            drawings += write_alphabet(store, alphabet, new, &done)?;
        }
        let mut decoder = store.decoder();
        for run in &runs {
            write_run(&mut decoder, run, &new.join("all_runs"))?;
        }
        Ok(Exported {
            drawings,
            runs: runs.len(),
        })
    })
}

/// Every name that becomes a file's must be one, and one that `omni-pack build` reads again.
fn check_names(
    store: &Store,
    alphabets: &[&AlphabetEntry],
    runs: &[&RunEntry],
) -> Result<(), ExportError> {
    let characters = alphabets
        .iter()
        .flat_map(|alphabet| alphabet.characters.clone())
        .map(|id| &store.character(id).name);
    let images = alphabets.iter().map(|alphabet| &alphabet.name);
    // The table of a run parts its two paths by a space.
    let runs = runs.iter().map(|run| &run.name);
    let unsafe_run = runs.clone().find(|name| name.contains(char::is_whitespace));
    let bad_name = unsafe_run
        .or_else(|| (images.chain(characters).chain(runs)).find(|name| !is_file_name(name)));
    match bad_name {
        None => Ok(()),
        Some(name) => Err(ExportError::UnsafeName {
            store: store.path().to_owned(),
            name: name.clone(),
        }),
    }
}

/// Whether a name is that of one visible file, on any system.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let plain = matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(part)), None) if part == name
    );
    plain && !name.contains(['/', '\\', ':']) && !is_left_behind(name)
}

/// One alphabet's characters, in parallel; returns the number of its drawings.
fn write_alphabet(
    store: &Store,
    alphabet: &AlphabetEntry,
    root: &Path,
    done: &(impl Fn(usize) + Sync),
) -> Result<usize, ExportError> {
    let folder = root
        .join(format!("images_{}", alphabet.split))
        .join(&alphabet.name);
    alphabet
        .characters
        .clone()
        .into_par_iter()
        .map_init(
            || store.decoder(),
            |decoder, id| {
                let drawings = write_character(store, decoder, id, &folder)?;
                done(drawings);
                Ok(drawings)
            },
        )
        .sum()
}

fn write_character(
    store: &Store,
    decoder: &mut Decoder,
    id: CharacterId,
    folder: &Path,
) -> Result<usize, ExportError> {
    let character = store.character(id);
    let folder = folder.join(&character.name);
    make_folder(&folder)?;
    for (drawing, drawer) in character.drawings.clone().zip(store.drawers(id)) {
        let name = format!("{:04}_{drawer:02}.png", character.number);
        write_new(&folder.join(name), &drawn_to_png(decoder.drawn(drawing)?))?;
    }
    Ok(character.drawings.len())
}

/// One run: the table in the official spelling, and a picture of each drawing.
fn write_run(decoder: &mut Decoder, run: &RunEntry, root: &Path) -> Result<(), ExportError> {
    let folder = root.join(&run.name);
    for part in ["training", "test"] {
        make_folder(&folder.join(part))?;
    }
    // The reader sorts by name, so all names of a run have one width.
    let digits = |count: usize| count.to_string().len().max(2);
    let class_digits = digits(run.support.len());
    let item_digits = digits(run.queries.len());
    let class = |index: usize| format!("training/class{:0class_digits$}.png", index + 1);
    let item = |index: usize| format!("test/item{:0item_digits$}.png", index + 1);
    for (index, &id) in run.support.iter().enumerate() {
        write_new(
            &folder.join(class(index)),
            &drawn_to_png(decoder.drawn(id)?),
        )?;
    }
    let mut table = String::new();
    for (index, &(id, answer)) in run.queries.iter().enumerate() {
        write_new(&folder.join(item(index)), &drawn_to_png(decoder.drawn(id)?))?;
        let (item, class) = (item(index), class(usize::from(answer)));
        table += &format!("{name}/{item} {name}/{class}\n", name = run.name);
    }
    write_new(&folder.join("class_labels.txt"), table.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_no_file_names() {
        for name in [
            "..",
            ".",
            "../x",
            "a/b",
            "/etc",
            "a\\b",
            "C:x",
            ".hidden",
            "x/",
            "Thumbs.db",
        ] {
            assert!(!is_file_name(name), "{name}");
        }
        for name in ["character01", "Ojibwe_(Canadian)", "N Ko", "a..b", "漢字"] {
            assert!(is_file_name(name), "{name}");
        }
    }
}
