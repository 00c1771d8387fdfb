//! From inputs to alphabets: finding the parts, naming each drawing, and proving
//! that none is missing, misplaced or there twice.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rayon::prelude::*;

use super::drawing::{Alphabet, Character, Drawing, Split};
use super::error::ArchiveError;
use super::names::{Official, Place, official, split_in};
use super::parts::{self, Part, Parts, joined};
use super::picture::page_from_png;
use super::problem::Problem;
use super::runs::{Run, read_runs};
use super::source::Entry;
use crate::image::Page;

/// How inputs are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// The split of every drawing, whatever the names say.
    pub split: Option<Split>,
    /// Take characters that some drawer did not draw, and partial official sets.
    pub allow_missing: bool,
}

/// Everything that inputs held, in canonical order: alphabets by split, then name,
/// characters by name, drawings by drawer. Equal inputs give equal values,
/// whatever the order of their files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// The alphabets of all inputs.
    pub alphabets: Vec<Alphabet>,
    /// The official one-shot runs, if an input held them.
    pub runs: Vec<Run>,
}

type Drawers = BTreeMap<u16, Page>;
type Characters = BTreeMap<String, (u32, Drawers)>;
type Alphabets = BTreeMap<String, (Split, Characters)>;

/// What inputs held, and what is to be said of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The drawings and runs.
    pub archive: Archive,
    /// A sentence for all files of a zip or folder that were passed over, with their names, and for
    /// each set that was tagged otherwise than its name says.
    pub notes: Vec<String>,
}

/// Reads drawings from zips and folders: of each, every set of `alphabet/character/NNNN_DD.png`
/// and every folder of runs, however many folders lie around it, and in a folder those in the
/// zips inside it as well. Each set is of the split that the innermost folder or zip around it
/// names. A drawing that several inputs or sets share must be equal in all.
///
/// Files that are no drawings are refused among drawings, and elsewhere passed over: whoever
/// wants to know of them calls [`read_inputs`].
///
/// # Errors
/// For the first input, in the order given, that cannot be read or is not sound.
///
/// # Example
///
/// ```
/// use omnishot_data::archive::{ReadOptions, page_to_png, read};
/// use omnishot_data::image::Page;
///
/// let folder = tempfile::tempdir()?;
/// for (character, image) in [("character01", "0001_01.png"), ("character02", "0002_01.png")] {
///     let place = folder.path().join("images_mine").join("Runic").join(character);
///     std::fs::create_dir_all(&place)?;
///     let mut page = Page::BLANK;
///     page.set(50, if character == "character01" { 40 } else { 60 }, true);
///     std::fs::write(place.join(image), page_to_png(&page))?;
/// }
/// let options = ReadOptions { split: Some(omnishot_data::archive::Split::Background), ..Default::default() };
/// let archive = read(&[folder.path().join("images_mine")], options)?;
/// assert_eq!(archive.alphabets[0].name, "Runic");
/// assert_eq!(archive.alphabets[0].characters.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(inputs: &[PathBuf], options: ReadOptions) -> Result<Archive, ArchiveError> {
    read_inputs(inputs, options).map(|reading| reading.archive)
}

/// As [`read`], and says what whoever asked for it should know, such as what was passed over.
///
/// # Errors
/// As [`read`].
pub fn read_inputs(inputs: &[PathBuf], options: ReadOptions) -> Result<Reading, ArchiveError> {
    let mut alphabets = Alphabets::new();
    let mut runs = BTreeMap::new();
    let mut notes = Vec::new();
    for input in inputs {
        let parts = parts::open(input)?;
        if options.split.is_none() {
            agree(&parts).map_err(|problem| ArchiveError::whole(input, problem))?;
        }
        for part in &parts.parts {
            for (root, entries) in &part.runs {
                for run in read_runs(part.source.clone(), root, entries)? {
                    merge_run(&mut runs, run)
                        .map_err(|e| ArchiveError::whole(&part.source.path, e))?;
                }
            }
        }
        if let Some(split) = options.split {
            notes.extend(retagged(&parts, split));
        }
        for set in read_sets(&parts, options)? {
            let whole = |problem| ArchiveError::whole(&set.path, problem);
            if !options.allow_missing {
                complete(&set).map_err(whole)?;
            }
            merge(&mut alphabets, set.alphabets).map_err(whole)?;
        }
        notes.extend(parts.notes);
    }
    let mut alphabets: Vec<Alphabet> = alphabets.into_iter().map(finish).collect();
    alphabets.sort_by(|a, b| (a.split, &a.name).cmp(&(b.split, &b.name)));
    let runs = runs.into_values().collect();
    Ok(Reading {
        archive: Archive { alphabets, runs },
        notes,
    })
}

/// The name of an input and those inside it must not all tell otherwise.
fn agree(parts: &Parts) -> Result<(), Problem> {
    let Some(own) = split_in(&parts.own) else {
        return Ok(());
    };
    let inside = |part: &Part| {
        let sets = part.sets();
        let splits = sets.keys().map(|set| split_in(&joined(&part.at, set)));
        splits.collect::<Vec<_>>()
    };
    let mut splits = parts.parts.iter().flat_map(inside).peekable();
    match splits.peek().copied().flatten() {
        Some(held) if held != own && splits.all(|split| split == Some(held)) => {
            Err(Problem::TwoSplits { own, held })
        }
        _ => Ok(()),
    }
}

/// Notes on the sets of an input whose names tell another split than all are tagged with.
fn retagged(parts: &Parts, split: Split) -> Vec<String> {
    let sets = parts.parts.iter().flat_map(|part| {
        let sets = part.sets().into_keys();
        sets.map(|set| joined(&joined(&parts.own, &part.at), set))
    });
    let others = sets.filter(|names| split_in(names).is_some_and(|named| named != split));
    others
        .map(|names| {
            let names = names.escape_debug();
            format!("{names} is tagged {split}, whatever its name says")
        })
        .collect()
}

/// Drawings that must be complete together.
struct Set {
    /// Where they are, for errors.
    path: PathBuf,
    official: Option<&'static Official>,
    alphabets: Alphabets,
}

/// The sets of an input; an official one is one wherever its drawings lie.
fn read_sets(parts: &Parts, options: ReadOptions) -> Result<Vec<Set>, ArchiveError> {
    let mut sets: BTreeMap<String, Set> = BTreeMap::new();
    for part in &parts.parts {
        for (name, drawings) in part.sets() {
            let path = &part.source.path;
            let path = match name {
                _ if !part.source.is_folder() => path.clone(),
                "" => path.clone(),
                name => path.join(name),
            };
            let whole = |problem| ArchiveError::whole(&path, problem);
            let names = joined(&joined(&parts.own, &part.at), name);
            let split = options.split.or_else(|| split_in(&names));
            let split = split.ok_or_else(|| match name {
                "" => whole(Problem::UnknownSplit),
                _ => ArchiveError::entry(&part.source.path, name, Problem::UnknownSplit),
            })?;
            let found = read_images(part, &drawings, split)?;
            let official = official(&names);
            let key = official.map_or(names, |official| official.name.to_owned());
            let set = sets.entry(key).or_insert_with(|| Set {
                path: path.clone(),
                official,
                alphabets: Alphabets::new(),
            });
            merge(&mut set.alphabets, found).map_err(whole)?;
        }
    }
    Ok(sets.into_values().collect())
}

fn read_images(
    part: &Part,
    drawings: &[(&Entry, Place)],
    split: Split,
) -> Result<Alphabets, ArchiveError> {
    let source = &part.source;
    let error = |entry: &Entry, problem| ArchiveError::entry(&source.path, &entry.name, problem);
    // Each thread reads with a clone of its own; results keep the entries' order,
    // so the first error in name order is the one reported, on any number of threads.
    let pages: Vec<Result<Page, ArchiveError>> = drawings
        .par_iter()
        .map_init(
            || source.clone(),
            |source, (entry, _)| {
                let bytes = source.read(entry)?;
                page_from_png(&bytes).map_err(|problem| error(entry, problem))
            },
        )
        .collect();
    let mut alphabets = Alphabets::new();
    for ((entry, place), page) in drawings.iter().zip(pages) {
        let (_, characters) = alphabets
            .entry(place.alphabet.to_owned())
            .or_insert_with(|| (split, Characters::new()));
        let (number, drawers) = characters
            .entry(place.character.to_owned())
            .or_insert_with(|| (place.number, Drawers::new()));
        if *number != place.number {
            return Err(error(entry, Problem::Misnamed));
        }
        if drawers.insert(place.drawer, page?).is_some() {
            let drawer = place.drawer;
            return Err(error(entry, Problem::Duplicate { drawer }));
        }
    }
    Ok(alphabets)
}

/// Every drawer of a set must have drawn each of its characters, and an official set must have
/// its official size.
fn complete(set: &Set) -> Result<(), Problem> {
    let characters = || {
        let alphabets = set.alphabets.values();
        alphabets.flat_map(|(_, characters)| characters.values())
    };
    let last = characters()
        .filter_map(|(_, drawers)| drawers.keys().next_back())
        .max()
        .copied()
        .unwrap_or(0);
    for (alphabet, (_, characters)) in &set.alphabets {
        for (character, (_, drawers)) in characters {
            if let Some(drawer) = (1..=last).find(|drawer| !drawers.contains_key(drawer)) {
                return Err(Problem::MissingDrawing {
                    alphabet: alphabet.clone(),
                    character: character.clone(),
                    drawer,
                });
            }
        }
    }
    let Some(official) = set.official else {
        return Ok(());
    };
    let drawings = characters().map(|(_, drawers)| drawers.len()).sum();
    let counts = [
        ("alphabets", official.alphabets, set.alphabets.len()),
        ("characters", official.characters, characters().count()),
        ("drawings", official.drawings, drawings),
    ];
    for (what, expected, got) in counts {
        if got != expected {
            return Err(Problem::Incomplete {
                set: official.name,
                what,
                expected,
                got,
            });
        }
    }
    Ok(())
}

/// Adds one set's drawings to those of the sets before it.
fn merge(alphabets: &mut Alphabets, found: Alphabets) -> Result<(), Problem> {
    for (alphabet, (split, characters)) in found {
        let (earlier, known) = alphabets
            .entry(alphabet.clone())
            .or_insert_with(|| (split, Characters::new()));
        if *earlier != split {
            return Err(Problem::SplitConflict { alphabet });
        }
        for (character, (number, drawers)) in characters {
            let (known_number, known) = known
                .entry(character.clone())
                .or_insert_with(|| (number, Drawers::new()));
            for (drawer, page) in drawers {
                if *known.entry(drawer).or_insert(page) != page || *known_number != number {
                    return Err(Problem::Conflict {
                        alphabet,
                        character,
                        drawer,
                    });
                }
            }
        }
    }
    Ok(())
}

/// Adds a run; one that an earlier input held must be equal.
fn merge_run(runs: &mut BTreeMap<String, Run>, run: Run) -> Result<(), Problem> {
    match runs.get(&run.name) {
        Some(known) if *known != run => {
            let what = format!("{} differs from the same run in an earlier input", run.name);
            Err(Problem::Run(what))
        }
        _ => {
            runs.insert(run.name.clone(), run);
            Ok(())
        }
    }
}

fn finish((name, (split, characters)): (String, (Split, Characters))) -> Alphabet {
    let characters = characters
        .into_iter()
        .map(|(name, (number, drawers))| Character {
            name,
            number,
            drawings: drawers
                .into_iter()
                .map(|(drawer, page)| Drawing {
                    drawer,
                    page,
                    shades: None,
                })
                .collect(),
        })
        .collect();
    Alphabet {
        name,
        split,
        characters,
    }
}
