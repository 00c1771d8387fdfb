//! Errors that list many files: the first by name, and how many more there are.

use std::error::Error;

/// Folders, counted in words.
pub(super) fn folders(depth: usize) -> String {
    match depth {
        0 => "no folder".to_owned(),
        1 => "one folder".to_owned(),
        _ => format!("{depth} folders"),
    }
}

/// The most bad pictures, or lost classes, that an error names.
const MOST_NAMED: usize = 20;

/// A line for each of the first, and how many more there are.
fn lines(title: String, all: usize, each: impl Iterator<Item = String>) -> String {
    let mut text = title;
    for line in each.take(MOST_NAMED) {
        text.push_str("\n  ");
        text.push_str(&line);
    }
    if all > MOST_NAMED {
        text.push_str(&format!("\n  and {} more", all - MOST_NAMED));
    }
    text
}

/// Each bad picture with what is wrong with it.
pub(super) fn list<E: Error>(bad: &[(String, E)], of: usize) -> String {
    let each = bad.iter().map(|(name, problem)| {
        let mut line = format!("{}: {problem}", name.escape_debug());
        let mut cause = problem.source();
        while let Some(error) = cause {
            line.push_str(&format!(": {error}"));
            cause = error.source();
        }
        line
    });
    let title = format!("{} of {of} pictures cannot be taken:", bad.len());
    lines(title, bad.len(), each)
}

/// Classes without a picture, and how the names in them end.
pub(super) fn lost(classes: &[(String, String)]) -> String {
    let each = (classes.iter()).map(|(class, ends)| format!("{}: {ends}", class.escape_debug()));
    let title = "holds classes without a picture that is read (PNG, JPEG, WebP, GIF, BMP, TIFF); \
                 convert what they hold, or remove them:";
    lines(title.to_owned(), classes.len(), each)
}
