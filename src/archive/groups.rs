//! Anyone's pictures: a folder or a zip of `group/class/picture`, made into alphabets.
//!
//! A group becomes an alphabet, a class a character, and the pictures of a class, ascending by
//! name, its drawings by drawers 1, 2, 3 and on.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::drawing::{Alphabet, Character, Drawing, Split};
use super::error::{ArchiveError, Problem};
use super::gather::{PICTURE_LIMIT, gather, read_all};
use super::read::Archive;
use super::scan::{ScanOptions, Scanned, scan};
use super::source::{Entry, Source, read_at_most};

/// How pictures in groups are read.
#[derive(Clone, Debug, Default)]
pub struct GroupOptions {
    /// The groups to evaluate on; the others are to train on.
    pub evaluation: Vec<String>,
    /// How a picture is made into a page.
    pub scan: ScanOptions,
}

/// What a folder of pictures held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The pictures as drawings, in canonical order.
    pub archive: Archive,
    /// Files that were left out, since their names do not end as those of pictures that are read.
    pub left_out: usize,
    /// How the names of those files end, and how many of them each.
    pub left_out_ends: BTreeMap<String, usize>,
    /// Folders of such files alone, without a picture.
    pub without_pictures: Vec<String>,
}

/// Where a picture belongs, from its path.
struct Place<'a> {
    group: Option<&'a str>,
    class: &'a str,
}

/// Reads `[group/]class/picture`.
fn place(name: &str) -> Option<Place<'_>> {
    let sound = |text: &&str| text.len() <= 255 && !text.chars().any(char::is_control);
    let mut parts = name.rsplit('/').skip(1);
    let class = parts.next().filter(sound)?;
    let group = parts.next();
    let place = Place { group, class };
    (parts.next().is_none() && group.iter().all(sound)).then_some(place)
}

/// Reads pictures from a folder or a zip, sorted into classes, and those into groups; without
/// groups, all classes are one, of the folder's name.
///
/// # Errors
/// For all pictures that are not sound at once; for the first, by name, that lies elsewhere; if
/// there are none, or a class has none that is read; if a group to evaluate on is not there.
pub fn read_groups(input: &Path, options: &GroupOptions) -> Result<Groups, ArchiveError> {
    let mut source = Source::open(input)?;
    let whole = |problem| ArchiveError::whole(input, problem);
    let refuse = |entry: &Entry, problem| ArchiveError::entry(input, &entry.name, problem);
    let gathered = gather(&mut source)?;
    let without_pictures = gathered.without_pictures(false).map_err(whole)?;
    let entries = &gathered.pictures;
    if entries.is_empty() {
        return Err(whole(Problem::NoPictures));
    }
    let places: Vec<Place> = (entries.iter())
        .map(|entry| place(&entry.name).ok_or_else(|| refuse(entry, Problem::Ungrouped)))
        .collect::<Result<_, _>>()?;
    let grouped = places[0].group.is_some();
    if let Some(at) = places.iter().position(|p| p.group.is_some() != grouped) {
        return Err(refuse(&entries[at], Problem::Ungrouped));
    }
    let pictures = read_all(&source, entries, options.scan)?;
    let lone = input.file_stem().and_then(|stem| stem.to_str());
    let lone = lone.unwrap_or("pictures");
    let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<Drawing>>> = BTreeMap::new();
    for ((entry, place), picture) in entries.iter().zip(&places).zip(pictures) {
        let classes = groups.entry(place.group.unwrap_or(lone)).or_default();
        let drawings = classes.entry(place.class).or_default();
        let drawer = u16::try_from(drawings.len() + 1);
        let limit = u16::MAX;
        let drawer = drawer.map_err(|_| refuse(entry, Problem::ManyPictures { limit }))?;
        let Scanned { page, shades } = picture;
        drawings.push(Drawing {
            drawer,
            page,
            shades,
        });
    }
    for group in &options.evaluation {
        if !groups.contains_key(group.as_str()) {
            let known: Vec<&str> = groups.keys().copied().collect();
            return Err(whole(Problem::NoGroup {
                group: group.clone(),
                known: known.join(", "),
            }));
        }
    }
    let mut numbers = 1..;
    let mut alphabets: Vec<Alphabet> = (groups.into_iter())
        .map(|(name, classes)| Alphabet {
            name: name.to_owned(),
            split: if options.evaluation.iter().any(|group| group == name) {
                Split::Evaluation
            } else {
                Split::Background
            },
            characters: (classes.into_iter().zip(&mut numbers))
                .map(|((name, drawings), number)| Character {
                    name: name.to_owned(),
                    number,
                    drawings,
                })
                .collect(),
        })
        .collect();
    alphabets.sort_by(|a, b| (a.split, &a.name).cmp(&(b.split, &b.name)));
    let runs = Vec::new();
    Ok(Groups {
        archive: Archive { alphabets, runs },
        left_out: gathered.left_out.len(),
        left_out_ends: gathered.ends(),
        without_pictures,
    })
}

/// A class of pictures: what a one-shot learner is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name: the folder that its pictures lie in, or its only picture's name.
    pub name: String,
    /// Its pictures, ascending by name.
    pub pictures: Vec<Scanned>,
}

/// Reads the classes that pictures are to be told apart by, from a folder or a zip: each folder
/// with pictures is a class, and each picture at the top is one by itself. Ascending by name.
///
/// # Errors
/// For all pictures that are not sound at once; if there are none, a class has none that is read,
/// or two classes have one name.
pub fn read_classes(input: &Path, options: ScanOptions) -> Result<Vec<Class>, ArchiveError> {
    let mut source = Source::open(input)?;
    let gathered = gather(&mut source)?;
    (gathered.without_pictures(true)).map_err(|problem| ArchiveError::whole(input, problem))?;
    let entries = &gathered.pictures;
    if entries.is_empty() {
        return Err(ArchiveError::whole(input, Problem::NoPictures));
    }
    let pictures = read_all(&source, entries, options)?;
    let mut classes: BTreeMap<&str, (bool, Vec<Scanned>)> = BTreeMap::new();
    for (entry, picture) in entries.iter().zip(pictures) {
        let (name, alone) = match entry.name.rsplit_once('/') {
            Some((folder, _)) => (folder, false),
            None => (
                (entry.name.rsplit_once('.')).map_or(&*entry.name, |(stem, _)| stem),
                true,
            ),
        };
        let (closed, pictures) = classes.entry(name).or_default();
        if !pictures.is_empty() && (*closed || alone) {
            return Err(ArchiveError::entry(
                input,
                &entry.name,
                Problem::SecondClass,
            ));
        }
        *closed = alone;
        pictures.push(picture);
    }
    let class = |(name, (_, pictures)): (&str, _)| Class {
        name: name.to_owned(),
        pictures,
    };
    Ok(classes.into_iter().map(class).collect())
}

/// Reads one picture from a file.
///
/// # Errors
/// If it cannot be read, is longer than 64 MiB, or is refused by [`scan`](fn@scan).
pub fn read_picture(file: &Path, options: ScanOptions) -> Result<Scanned, ArchiveError> {
    let whole = |problem| ArchiveError::whole(file, problem);
    let open = File::open(file).map_err(|error| whole(error.into()))?;
    let bytes = read_at_most(open, PICTURE_LIMIT).map_err(whole)?;
    scan(&bytes, options).map_err(whole)
}
