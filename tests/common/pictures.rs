//! Folders of pictures in groups and classes, that several test binaries share.

use omnishot::archive::{GroupOptions, ScanOptions, page_to_png, read_groups};

use crate::common::inputs::{Files, unpack};
use crate::common::page;

pub const AS_THEY_ARE: ScanOptions = ScanOptions {
    cut: false,
    grey: false,
};

/// Pictures of drawings of their own at these places.
pub fn files(places: &[&str]) -> Files {
    let file = |(kind, place): (u32, &&str)| ((*place).to_owned(), page_to_png(&page(kind)));
    (0..).zip(places).map(file).collect()
}

pub fn folder(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    unpack(&files.to_vec(), folder.path());
    folder
}

pub fn grouped() -> Files {
    files(&[
        "runes/a/one.png",
        "runes/a/two.png",
        "runes/b/x.png",
        "marks/b/1.PNG",
        "marks/c/1.png",
    ])
}

pub fn evaluating(groups: &[&str]) -> GroupOptions {
    GroupOptions {
        evaluation: groups.iter().map(|&group| group.to_owned()).collect(),
        scan: AS_THEY_ARE,
        ..GroupOptions::default()
    }
}

pub fn refusal(files: &[(String, Vec<u8>)], options: &GroupOptions) -> String {
    let folder = folder(files);
    read_groups(folder.path(), options).unwrap_err().to_string()
}
