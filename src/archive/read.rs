//! From inputs to alphabets: finding the parts, naming each drawing, and proving
//! that none is missing, misplaced or there twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::drawing::{Alphabet, Character, Drawing, Page, Split};
use super::error::{ArchiveError, Problem};
use super::picture::page_from_png;
use super::runs::{Run, is_runs, read_runs};
use super::source::{Entry, Source};

/// The official sets: name, alphabets, characters and drawings (Lake's repository).
const OFFICIAL: [(&str, usize, usize, usize); 4] = [
    ("images_background", 30, 964, 19_280),
    ("images_evaluation", 20, 659, 13_180),
    ("images_background_small1", 5, 136, 2_720),
    ("images_background_small2", 5, 156, 3_120),
];

/// What is taken from a folder that holds the official downloads: the small sets
/// repeat parts of the background set, so they are read only when named.
const DOWNLOADS: [&str; 3] = ["images_background", "images_evaluation", "all_runs"];

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

/// Reads drawings from zips, unpacked folders, and folders that hold the official
/// downloads in either form. A drawing that several inputs share must be equal in all.
///
/// # Errors
/// For the first input, in the order given, that cannot be read or is not sound.
///
/// # Example
///
/// ```
/// use omnishot::archive::{Page, ReadOptions, page_to_png, read};
///
/// let folder = tempfile::tempdir()?;
/// for (character, image) in [("character01", "0001_01.png"), ("character02", "0002_01.png")] {
///     let place = folder.path().join("images_mine").join("Runic").join(character);
///     std::fs::create_dir_all(&place)?;
///     let mut page = Page::BLANK;
///     page.set(50, if character == "character01" { 40 } else { 60 }, true);
///     std::fs::write(place.join(image), page_to_png(&page))?;
/// }
/// let options = ReadOptions { split: Some(omnishot::archive::Split::Background), ..Default::default() };
/// let archive = read(&[folder.path().join("images_mine")], options)?;
/// assert_eq!(archive.alphabets[0].name, "Runic");
/// assert_eq!(archive.alphabets[0].characters.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(inputs: &[PathBuf], options: ReadOptions) -> Result<Archive, ArchiveError> {
    let mut alphabets = Alphabets::new();
    let mut runs = BTreeMap::new();
    for input in inputs {
        for part in parts(input) {
            let source = Source::open(&part)?;
            let entries = source.entries()?;
            if entries.is_empty() {
                return Err(ArchiveError::whole(&part, Problem::Empty));
            }
            if is_runs(&entries) {
                for run in read_runs(source, &entries)? {
                    merge_run(&mut runs, run).map_err(|e| ArchiveError::whole(&part, e))?;
                }
            } else {
                let found = read_images(&source, &entries, options)?;
                merge(&mut alphabets, found).map_err(|e| ArchiveError::whole(&part, e))?;
            }
        }
    }
    let mut alphabets: Vec<Alphabet> = alphabets.into_iter().map(finish).collect();
    alphabets.sort_by(|a, b| (a.split, &a.name).cmp(&(b.split, &b.name)));
    Ok(Archive {
        alphabets,
        runs: runs.into_values().collect(),
    })
}

/// The downloads inside a folder, or the input itself.
fn parts(input: &Path) -> Vec<PathBuf> {
    let found: Vec<PathBuf> = DOWNLOADS
        .iter()
        .filter_map(|name| {
            let zip = input.join(format!("{name}.zip"));
            let folder = input.join(name);
            if zip.is_file() {
                Some(zip)
            } else {
                folder.is_dir().then_some(folder)
            }
        })
        .collect();
    if found.is_empty() {
        vec![input.to_owned()]
    } else {
        found
    }
}

/// Where a drawing belongs, from its path.
struct Place<'a> {
    alphabet: &'a str,
    character: &'a str,
    number: u32,
    drawer: u16,
}

/// Reads `[images_background/]alphabet/character/NNNN_DD.png`.
fn place(name: &str) -> Option<Place<'_>> {
    let mut parts = name.rsplit('/');
    let (number, drawer) = parts.next()?.strip_suffix(".png")?.split_once('_')?;
    let (character, alphabet) = (parts.next()?, parts.next()?);
    let root_only = parts.next().is_none_or(|_| parts.next().is_none());
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = |text: &str| (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
    let place = Place {
        alphabet,
        character,
        number: number.parse().ok()?,
        drawer: drawer.parse().ok()?,
    };
    let well_named = digits(number) && digits(drawer) && sound(character) && sound(alphabet);
    (root_only && well_named && place.drawer > 0).then_some(place)
}

fn read_images(
    source: &Source,
    entries: &[Entry],
    options: ReadOptions,
) -> Result<Alphabets, ArchiveError> {
    let split = options
        .split
        .or_else(|| split_in_name(source, entries))
        .ok_or_else(|| ArchiveError::whole(&source.path, Problem::UnknownSplit))?;
    let refuse = |entry: &Entry, problem| ArchiveError::entry(&source.path, &entry.name, problem);
    let places: Vec<Place> = entries
        .iter()
        .map(|entry| place(&entry.name).ok_or_else(|| refuse(entry, Problem::Misnamed)))
        .collect::<Result<_, _>>()?;
    // Each thread reads with a clone of its own; results keep the entries' order,
    // so the first error in name order is the one reported, on any number of threads.
    let pages: Vec<Result<Page, ArchiveError>> = entries
        .par_iter()
        .map_init(
            || source.clone(),
            |source, entry| {
                let bytes = source.read(entry)?;
                page_from_png(&bytes).map_err(|problem| refuse(entry, problem))
            },
        )
        .collect();
    let mut alphabets = Alphabets::new();
    for ((entry, place), page) in entries.iter().zip(&places).zip(pages) {
        let (_, characters) = alphabets
            .entry(place.alphabet.to_owned())
            .or_insert_with(|| (split, Characters::new()));
        let (number, drawers) = characters
            .entry(place.character.to_owned())
            .or_insert_with(|| (place.number, Drawers::new()));
        if *number != place.number {
            return Err(refuse(entry, Problem::Misnamed));
        }
        if drawers.insert(place.drawer, page?).is_some() {
            let drawer = place.drawer;
            return Err(refuse(entry, Problem::Duplicate { drawer }));
        }
    }
    if !options.allow_missing {
        complete(source, entries, &alphabets)
            .map_err(|problem| ArchiveError::whole(&source.path, problem))?;
    }
    Ok(alphabets)
}

/// The name under which an official set is packed: the zip's or the folder's own,
/// or that of the one folder at its top.
fn names<'a>(source: &'a Source, entries: &'a [Entry]) -> impl Iterator<Item = &'a str> {
    let own = source.path.file_stem().and_then(|stem| stem.to_str());
    let top = entries[0].name.split('/').next();
    own.into_iter().chain(top)
}

fn split_in_name(source: &Source, entries: &[Entry]) -> Option<Split> {
    names(source, entries).find_map(|name| {
        [Split::Background, Split::Evaluation]
            .into_iter()
            .find(|split| name.contains(split.name()))
    })
}

/// Every drawer of a source must have drawn each of its characters, and an
/// official set must have its official size.
fn complete(source: &Source, entries: &[Entry], alphabets: &Alphabets) -> Result<(), Problem> {
    let characters = || {
        alphabets
            .values()
            .flat_map(|(_, characters)| characters.values())
    };
    let last = characters()
        .filter_map(|(_, drawers)| drawers.keys().next_back())
        .max()
        .copied()
        .unwrap_or(0);
    for (alphabet, (_, characters)) in alphabets {
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
    let official =
        names(source, entries).find_map(|name| OFFICIAL.iter().find(|official| official.0 == name));
    let Some(&(_, alphabets_expected, characters_expected, drawings_expected)) = official else {
        return Ok(());
    };
    let counts = [
        ("alphabets", alphabets_expected, alphabets.len()),
        ("characters", characters_expected, characters().count()),
        ("drawings", drawings_expected, entries.len()),
    ];
    for (what, expected, got) in counts {
        if got != expected {
            return Err(Problem::Incomplete {
                what,
                expected,
                got,
            });
        }
    }
    Ok(())
}

/// Adds one input's drawings to those of the inputs before it.
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
