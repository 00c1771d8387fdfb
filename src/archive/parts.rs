//! What an input is made of: drawings and runs in a folder, in the zips inside it, or in one zip;
//! and what is none of these.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::ArchiveError;
use super::names::{Place, has_end, place, split_in};
use super::problem::Problem;
use super::runs::TABLE;
use super::source::{Entry, Source};

/// The ends of pictures' names: such a file is a drawing, or something is wrong.
const PICTURES: [&str; 8] = ["png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp"];
/// Files that are passed over are each named up to this many.
const MOST_NAMED: usize = 12;

/// What one zip or folder holds.
pub(super) struct Part {
    pub source: Source,
    /// Where it lies in the input, without the end of its name; empty for the input itself.
    pub at: String,
    /// Well-named drawings, ascending by name.
    pub drawings: Vec<Entry>,
    /// By the folder that they lie in, all files of runs.
    pub runs: BTreeMap<String, Vec<Entry>>,
}

/// An input, taken apart.
pub(super) struct Parts {
    /// The input's own name, without its end.
    pub own: String,
    pub parts: Vec<Part>,
    /// What is none of it, a sentence for each.
    pub notes: Vec<String>,
}

/// Two paths as one, either of which may be empty.
pub(super) fn joined(outer: &str, inner: &str) -> String {
    let between = if outer.is_empty() || inner.is_empty() {
        ""
    } else {
        "/"
    };
    format!("{outer}{between}{inner}")
}

/// Takes an input apart.
///
/// # Errors
/// If it cannot be read; for the first file, by name, that lies or is named amiss; if there is
/// nothing in it.
pub(super) fn open(input: &Path) -> Result<Parts, ArchiveError> {
    let source = Source::open(input)?;
    let entries = source.entries()?;
    let mut found = Parts {
        own: source.own_name(),
        parts: Vec::new(),
        notes: Vec::new(),
    };
    let is_zip = |entry: &Entry| has_end(&entry.name, &["zip"]);
    let first_zip = entries.iter().find(|entry| is_zip(entry)).cloned();
    let (zips, mut loose) =
        (entries.into_iter()).partition::<Vec<_>, _>(|entry| source.is_folder() && is_zip(entry));
    let mut unread = None;
    for zip in zips {
        match found.open_zip(input, &zip) {
            // A zip that says nothing of drawings may hold anything at all.
            Err(error) if !is_download(stem(&zip.name)) => {
                found.notes.push(format!("passed over {error}"));
                unread.get_or_insert(error);
            }
            opened => opened?,
        }
    }
    found.leave_to_zips(&mut loose);
    found.take(source, String::new(), loose)?;
    if !found.parts.is_empty() {
        return Ok(found);
    }
    let nothing = first_zip.map_or(Problem::Empty, |zip| Problem::OnlyZips { zip: zip.name });
    Err(unread.unwrap_or_else(|| ArchiveError::whole(input, nothing)))
}

/// A file's path without the end of its name.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether a zip or a folder is named as one of Omniglot's downloads, or as its like.
fn is_download(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or(path);
    last.eq_ignore_ascii_case("all_runs") || split_in(last).is_some()
}

impl Parts {
    fn open_zip(&mut self, input: &Path, zip: &Entry) -> Result<(), ArchiveError> {
        let source = Source::open(&input.join(&zip.name))?;
        let entries = source.entries()?;
        let before = self.parts.len();
        self.take(source, stem(&zip.name).to_owned(), entries)?;
        if self.parts.len() == before {
            let note = format!(
                "passed over {}: no drawings and no runs are in it",
                zip.name.escape_debug()
            );
            self.notes.push(note);
        }
        Ok(())
    }

    /// A download that lies there packed and unpacked is read from its zip.
    fn leave_to_zips(&mut self, loose: &mut Vec<Entry>) {
        for part in self.parts.iter().filter(|part| is_download(&part.at)) {
            let before = loose.len();
            loose.retain(|entry| !lies_in(&entry.name, &part.at));
            if loose.len() < before {
                let at = part.at.escape_debug();
                let note = format!("passed over the folder {at}: {at}.zip was read");
                self.notes.push(note);
            }
        }
    }

    /// Sorts out what a source holds.
    fn take(
        &mut self,
        source: Source,
        at: String,
        entries: Vec<Entry>,
    ) -> Result<(), ArchiveError> {
        let mut part = Part {
            source,
            at,
            drawings: Vec::new(),
            runs: BTreeMap::new(),
        };
        let tables = Tables::of(&entries);
        let mut rest = Vec::new();
        for entry in entries {
            if let Some(root) = tables.root(&entry.name) {
                part.runs.entry(root.to_owned()).or_default().push(entry);
            } else if place(&entry.name).is_some() {
                part.drawings.push(entry);
            } else {
                rest.push(entry);
            }
        }
        let named = |part: &Part| {
            let sets = part.drawings.iter().filter_map(|entry| place(&entry.name));
            !part.runs.is_empty() || sets.map(|p| p.set).any(|set| split_in(set).is_some())
        };
        let beside_named = !self.parts.is_empty() || named(&part);
        part.check(&rest, &joined(&self.own, &part.at), beside_named)?;
        if !part.drawings.is_empty() || !part.runs.is_empty() {
            if !rest.is_empty() {
                self.notes.push(passed_over(&part.source.path, &rest));
            }
            self.parts.push(part);
        } else if !rest.is_empty() && !self.parts.is_empty() && part.source.is_folder() {
            self.notes.push(passed_over(&part.source.path, &rest));
        }
        Ok(())
    }
}

impl Part {
    /// An error for what lies among drawings and is none.
    fn check(&self, rest: &[Entry], around: &str, beside_named: bool) -> Result<(), ArchiveError> {
        let misnamed =
            |entry: &Entry| ArchiveError::entry(&self.source.path, &entry.name, Problem::Misnamed);
        let places = || {
            self.drawings
                .iter()
                .filter_map(|e| Some((e, place(&e.name)?)))
        };
        let alphabets: BTreeSet<String> = (places())
            .map(|(_, Place { set, alphabet, .. })| joined(set, alphabet))
            .collect();
        let in_alphabet = |path: &str| {
            let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
            ends.chain([path]).any(|folder| alphabets.contains(folder))
        };
        // One path cannot be an alphabet and a folder of alphabets.
        if let Some((entry, _)) = places().find(|(_, place)| in_alphabet(place.set)) {
            return Err(misnamed(entry));
        }
        for entry in rest {
            let folder = entry.name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let in_named = split_in(&joined(around, folder)).is_some();
            let is_picture = has_end(&entry.name, &PICTURES);
            if in_alphabet(folder) || is_picture && (in_named || !beside_named) {
                return Err(misnamed(entry));
            }
        }
        Ok(())
    }

    /// Its drawings by the folders that their alphabets lie in.
    pub fn sets(&self) -> BTreeMap<&str, Vec<(&Entry, Place<'_>)>> {
        let mut sets: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for entry in &self.drawings {
            if let Some(place) = place(&entry.name) {
                sets.entry(place.set).or_default().push((entry, place));
            }
        }
        sets
    }
}

fn lies_in(name: &str, folder: &str) -> bool {
    folder.is_empty() || (name.strip_prefix(folder)).is_some_and(|rest| rest.starts_with('/'))
}

/// The folders that tables of answers lie in, and those around them.
struct Tables {
    runs: BTreeSet<String>,
    roots: BTreeSet<String>,
}

impl Tables {
    fn of(entries: &[Entry]) -> Tables {
        let mut tables = Tables {
            runs: BTreeSet::new(),
            roots: BTreeSet::new(),
        };
        for entry in entries {
            let (folder, file) = entry.name.rsplit_once('/').unwrap_or(("", &entry.name));
            if file == TABLE {
                let root = folder.rsplit_once('/').map_or("", |(root, _)| root);
                tables.roots.insert(root.to_owned());
                tables.runs.insert(folder.to_owned());
            }
        }
        tables
    }

    /// The folder of runs that a file is part of: it lies in a run, or it is a picture beside runs
    /// that is nothing else.
    fn root(&self, name: &str) -> Option<&str> {
        let around = self.roots.iter().filter(|root| lies_in(name, root));
        let root = around.max_by_key(|root| root.len())?;
        let inside = name[root.len()..].trim_start_matches('/');
        let first = inside.split('/').next().unwrap_or(inside);
        let in_run = self.runs.contains(&joined(root, first)) || inside == TABLE;
        let stray = || {
            let other = place(name).is_some() || split_in(inside).is_some();
            has_end(name, &PICTURES) && !other
        };
        (in_run || stray()).then_some(root)
    }
}

/// The note on files that are passed over: each by its name, or, if there are many, by the
/// first folder of its path.
fn passed_over(path: &Path, files: &[Entry]) -> String {
    let mut names: Vec<String> = files.iter().map(|entry| entry.name.clone()).collect();
    if names.len() > MOST_NAMED {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in files {
            let first = entry.name.split('/').next().unwrap_or(&entry.name);
            *counts.entry(first).or_default() += 1;
        }
        names = (counts.into_iter())
            .map(|(name, count)| match count {
                1 => name.to_owned(),
                _ => format!("{count} in {name}"),
            })
            .collect();
    }
    let names: Vec<String> = names.iter().map(|n| n.escape_debug().to_string()).collect();
    let (path, names) = (path.display(), names.join(", "));
    format!("passed over, since they are no drawings, in {path}: {names}")
}
