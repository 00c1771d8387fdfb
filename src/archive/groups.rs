//! Anyone's pictures: a folder or a zip of `group/class/picture`, made into alphabets.
//!
//! A group becomes an alphabet, a class a character, and the pictures of a class, ascending by
//! name, its drawings by drawers 1, 2, 3 and on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use super::drawing::{Alphabet, Character, Drawing, Split};
use super::error::ArchiveError;
use super::gather::{PICTURE_LIMIT, gather, read_all};
use super::layout::{Place, deal, lay_out, set_parts};
use super::problem::Problem;
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
    /// Take folders of a set's parts, such as `train` and `test`, as one.
    pub merge_splits: bool,
    /// Deal classes that lie in no groups into so many, `group 1` and on: the first class by
    /// name into the first, the second into the second, and round again. Each must get two.
    pub deal: Option<usize>,
}

/// What a folder of pictures held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The pictures as drawings, in canonical order.
    pub archive: Archive,
    /// Files that were left out, since their names do not end as those of pictures that are read.
    pub left_out: usize,
    /// What whoever packs them should know of how they lie, a sentence each.
    pub notes: Vec<String>,
    /// How the names of those files end, and how many of them each.
    pub left_out_ends: BTreeMap<String, usize>,
    /// Folders of such files alone, without a picture.
    pub without_pictures: Vec<String>,
}

/// Reads pictures from a folder or a zip, sorted into classes, and those into groups; without
/// groups, all classes are one, of the folder's name. Folders around all groups count for nothing.
///
/// # Errors
/// For all pictures that are not sound at once; for the first, by name, that lies elsewhere; if
/// there are none, or a class has none that is read; if a group to
/// evaluate on is not there; if groups are parts of one set, with the same classes, and are
/// neither merged nor evaluated on.
pub fn read_groups(input: &Path, options: &GroupOptions) -> Result<Groups, ArchiveError> {
    let mut source = Source::open(input)?;
    let whole = |problem| ArchiveError::whole(input, problem);
    let error = |entry: &Entry, problem| ArchiveError::entry(input, &entry.name, problem);
    let gathered = gather(&mut source)?;
    let without_pictures = gathered.without_pictures(false).map_err(whole)?;
    let entries = &gathered.pictures;
    let paths: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    let mut places = lay_out(&paths, options.merge_splits)
        .map_err(|(at, problem)| error(&entries[at], problem))?;
    if let Some(groups) = options.deal {
        deal(&mut places, groups).map_err(whole)?;
    }
    let lone = Some(source.own_name()).filter(|name| !name.is_empty());
    let lone = lone.unwrap_or_else(|| "pictures".to_owned());
    let notes = notes(&places, &lone, options).map_err(whole)?;
    let pictures = read_all(&source, entries, options.scan)?;
    let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<Drawing>>> = BTreeMap::new();
    for ((entry, place), picture) in entries.iter().zip(&places).zip(pictures) {
        let group = place.group.as_deref().unwrap_or(&lone);
        let classes = groups.entry(group).or_default();
        let drawings = classes.entry(place.class).or_default();
        let drawer = u16::try_from(drawings.len() + 1);
        let limit = u16::MAX;
        let drawer = drawer.map_err(|_| error(entry, Problem::ManyPictures { limit }))?;
        let Scanned { page, shades } = picture;
        drawings.push(Drawing {
            drawer,
            page,
            shades,
        });
    }
    let alphabets = alphabets(groups, &options.evaluation);
    let runs = Vec::new();
    Ok(Groups {
        archive: Archive { alphabets, runs },
        left_out: gathered.left_out.len(),
        left_out_ends: gathered.ends(),
        without_pictures,
        notes,
    })
}

/// Groups as alphabets, in canonical order.
fn alphabets(
    groups: BTreeMap<&str, BTreeMap<&str, Vec<Drawing>>>,
    evaluation: &[String],
) -> Vec<Alphabet> {
    let mut numbers = 1..;
    let mut alphabets: Vec<Alphabet> = (groups.into_iter())
        .map(|(name, classes)| Alphabet {
            name: name.to_owned(),
            split: if evaluation.iter().any(|group| group == name) {
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
    alphabets
}

/// What is to be said of how pictures lie, `lone` being the name of the group that those in none
/// are in; or why they cannot stay so.
fn notes(places: &[Place], lone: &str, options: &GroupOptions) -> Result<Vec<String>, Problem> {
    let evaluates = |group: &str| options.evaluation.iter().any(|name| name == group);
    let groups: BTreeSet<&str> = (places.iter())
        .map(|place| place.group.as_deref().unwrap_or(lone))
        .collect();
    if let Some(group) = (options.evaluation.iter()).find(|group| !groups.contains(&***group)) {
        let known: Vec<&str> = groups.into_iter().collect();
        return Err(Problem::NoGroup {
            group: group.clone(),
            known: known.join(", "),
        });
    }
    let mut notes = Vec::new();
    let parts = set_parts(places);
    if let Some((first, second, class)) = parts.shared {
        if !evaluates(first) && !evaluates(second) {
            // To train on what is named so, and evaluate on the other.
            let (first, second) = if first.to_lowercase().contains("train") {
                (first, second)
            } else {
                (second, first)
            };
            return Err(Problem::SplitFolders {
                first: first.into(),
                second: second.into(),
                class: class.into(),
            });
        }
        notes.push(format!(
            "{first} and {second} both hold the class {class:?}: what is evaluated may be seen \
             in training"
        ));
    } else if parts.names.len() > 1 && !parts.names.iter().any(|name| evaluates(name)) {
        notes.push(format!(
            "all groups, {} among them, are to train on; name those to evaluate on with --evaluation",
            parts.names.join(" and ")
        ));
    }
    if groups.len() == 1 && options.evaluation.is_empty() {
        let classes: BTreeSet<&str> = places.iter().map(|place| place.class).collect();
        let lone = places[0].group.as_deref().unwrap_or(lone);
        if classes.len() == 1 {
            notes.push(format!(
                "all pictures are of one class, {:?}: there is nothing to tell it apart from; if they \
                 are of several, make a folder for each, as in cat/1.png and dog/1.png",
                places[0].class
            ));
            return Ok(notes);
        }
        let mut note = format!(
            "all {} classes are in one group, {lone:?}: no group can be held out or evaluated on; \
             sort the classes into folders of groups (group/class/picture)",
            classes.len()
        );
        // Two for each of two groups.
        if classes.len() >= 4 {
            note += ", or deal them into made-up ones with --groups N and evaluate on one with \
                     --evaluation \"group 1\"";
        }
        notes.push(note);
    }
    Ok(notes)
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
/// A folder around all classes counts for nothing.
///
/// # Errors
/// For all pictures that are not sound at once; if there are none, a class has none that is read,
/// or two classes have one name.
pub fn read_classes(input: &Path, options: ScanOptions) -> Result<Vec<Class>, ArchiveError> {
    let mut source = Source::open(input)?;
    let gathered = gather(&mut source)?;
    (gathered.without_pictures(true)).map_err(|problem| ArchiveError::whole(input, problem))?;
    let entries = &gathered.pictures;
    let pictures = read_all(&source, entries, options)?;
    let around = around(&source, entries);
    let mut classes: BTreeMap<&str, (bool, Vec<Scanned>)> = BTreeMap::new();
    for (entry, picture) in entries.iter().zip(pictures) {
        let path = &entry.name[around..];
        let (name, alone) = match path.rsplit_once('/') {
            Some((folder, _)) => (folder, false),
            None => (path.rsplit_once('.').map_or(path, |(stem, _)| stem), true),
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

/// How many bytes of each path are folders around all classes: those that every picture lies
/// deeper than, and one that a zip has its name from.
fn around(source: &Source, entries: &[Entry]) -> usize {
    let mut around = 0;
    loop {
        let first = &entries[0].name[around..];
        let Some((folder, _)) = first.split_once('/') else {
            return around;
        };
        let of_zip = around == 0 && !source.is_folder() && folder == source.own_name();
        let wraps = |entry: &Entry| {
            let inside = entry.name[around..].strip_prefix(folder);
            let inside = inside.and_then(|inside| inside.strip_prefix('/'));
            inside.is_some_and(|inside| of_zip || inside.contains('/'))
        };
        let several = || {
            let folders = entries
                .iter()
                .map(|e| e.name.rsplit_once('/').map(|(f, _)| f));
            folders.collect::<BTreeSet<_>>().len() > 1
        };
        if !entries.iter().all(wraps) || !of_zip && !several() {
            return around;
        }
        around += folder.len() + 1;
    }
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
