//! The official one-shot runs (Lake, Salakhutdinov & Tenenbaum 2015): 20 runs of
//! 20-way 1-shot classification inside an alphabet, in `all_runs.zip`.

use std::collections::BTreeMap;

use super::error::ArchiveError;
use super::picture::page_from_png;
use super::problem::Problem;
use super::source::{Entry, Source};
use crate::image::Page;

/// One run: each query is to be matched with the one support drawing of its character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its name, `run01` to `run20` in the official set.
    pub name: String,
    /// One drawing of each character (`training/class01.png` and on), all by one drawer.
    pub support: Vec<Page>,
    /// The drawings to classify (`test/item01.png` and on), by another drawer.
    pub queries: Vec<Query>,
}

/// A drawing to classify, and the right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The drawing.
    pub page: Page,
    /// Index into the run's support of the drawing of the same character.
    pub answer: usize,
}

/// The file that tells runs from images.
pub(super) const TABLE: &str = "class_labels.txt";

/// Reads all runs in the folder `root` of a source, ascending by name.
pub(super) fn read_runs(
    mut source: Source,
    root: &str,
    entries: &[Entry],
) -> Result<Vec<Run>, ArchiveError> {
    // folder of the run -> path inside it -> entry
    let mut folders: BTreeMap<&str, BTreeMap<&str, &Entry>> = BTreeMap::new();
    for entry in entries {
        let name = entry.name.as_str();
        let name = name.strip_prefix(root).unwrap_or(name);
        let name = name.trim_start_matches('/');
        let (folder, inside) = name.split_once('/').ok_or_else(|| {
            let what = "is not inside a folder of a run; remove it".to_owned();
            ArchiveError::entry(&source.path, &entry.name, Problem::Run(what))
        })?;
        folders.entry(folder).or_default().insert(inside, entry);
    }
    folders
        .into_iter()
        .map(|(name, files)| read_run(&mut source, name, files))
        .collect()
}

fn read_run(
    source: &mut Source,
    name: &str,
    mut files: BTreeMap<&str, &Entry>,
) -> Result<Run, ArchiveError> {
    let path = source.path.clone();
    let error = |what: String| ArchiveError::entry(&path, name, Problem::Run(what));
    let table = files
        .remove(TABLE)
        .ok_or_else(|| error(format!("has no {TABLE}")))?;
    let table = String::from_utf8(source.read(table)?)
        .map_err(|_| error(format!("{TABLE} is not text")))?;
    let mut support = Vec::new();
    let mut support_names = Vec::new();
    let mut queries = Vec::new();
    for (&inside, entry) in &files {
        let bytes = source.read(entry)?;
        let page = page_from_png(&bytes)
            .map_err(|problem| ArchiveError::entry(&path, &entry.name, problem))?;
        if inside.starts_with("training/") {
            support_names.push(inside);
            support.push(page);
        } else if inside.starts_with("test/") {
            queries.push((inside, page));
        } else {
            return Err(error(format!("{inside} is in neither training/ nor test/")));
        }
    }
    let mut answers = answers(name, &table, &support_names).map_err(error)?;
    let queries = queries
        .into_iter()
        .map(|(inside, page)| {
            let answer = answers.remove(inside);
            let answer = answer.ok_or_else(|| error(format!("{TABLE} has no line for {inside}")));
            Ok(Query {
                page,
                answer: answer?,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(query) = answers.keys().next() {
        return Err(error(format!("{TABLE} names {query}, which is not there")));
    }
    if support.is_empty() || queries.is_empty() {
        return Err(error("has no drawings".to_owned()));
    }
    Ok(Run {
        name: name.to_owned(),
        support,
        queries,
    })
}

/// A run's table: for each query's path inside the run, the index of its answer in `support`,
/// whose paths ascend. Each line reads `run01/test/item01.png run01/training/class08.png`.
fn answers(run: &str, table: &str, support: &[&str]) -> Result<BTreeMap<String, usize>, String> {
    let inside = |path: &str| path.strip_prefix(run)?.strip_prefix('/').map(str::to_owned);
    let mut answers = BTreeMap::new();
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let (query, class) = line
            .split_once(char::is_whitespace)
            .and_then(|(query, class)| Some((inside(query)?, inside(class.trim())?)))
            .ok_or_else(|| format!("{TABLE}: cannot read the line {line:?}"))?;
        let answer = support
            .binary_search(&class.as_str())
            .map_err(|_| format!("{TABLE} names {class}, which is not there"))?;
        if answers.insert(query.clone(), answer).is_some() {
            return Err(format!("{TABLE} answers {query} twice"));
        }
    }
    Ok(answers)
}
