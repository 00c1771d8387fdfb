//! Files named as Omniglot's are, and inputs of them.

use std::fs;
use std::path::{Path, PathBuf};

use omnishot::archive::{self, Archive, ArchiveError, ReadOptions, page_to_png};

use super::page;

pub type Files = Vec<(String, Vec<u8>)>;

pub const STRICT: ReadOptions = ReadOptions {
    split: None,
    allow_missing: false,
};
pub const LENIENT: ReadOptions = ReadOptions {
    split: None,
    allow_missing: true,
};

/// Two alphabets of two characters by two drawers, named as Omniglot's are.
pub fn images(root: &str) -> Files {
    let mut files = Files::new();
    for (number, place) in [
        "A/character01",
        "A/character02",
        "B/character01",
        "B/character02",
    ]
    .into_iter()
    .enumerate()
    {
        for drawer in 1..=2 {
            let png = page_to_png(&page(number as u32 * 40 + drawer));
            files.push((
                format!("{root}/{place}/{:04}_{drawer:02}.png", number + 1),
                png,
            ));
        }
    }
    files
}

pub fn runs() -> Files {
    let mut files = vec![(
        "run01/class_labels.txt".to_owned(),
        b"run01/test/item01.png run01/training/class02.png\n".to_vec(),
    )];
    for (name, kind) in [
        ("test/item01", 41),
        ("training/class01", 2),
        ("training/class02", 42),
    ] {
        files.push((format!("run01/{name}.png"), page_to_png(&page(kind))));
    }
    files
}

/// Reads inputs of these names and bytes.
pub fn read_all(inputs: &[(&str, Vec<u8>)], options: ReadOptions) -> Result<Archive, ArchiveError> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = inputs
        .iter()
        .map(|(name, bytes)| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    archive::read(&paths, options)
}

/// Reads a zip of background alphabets.
pub fn read_zip(bytes: Vec<u8>) -> Result<Archive, ArchiveError> {
    read_all(&[("my_background.zip", bytes)], STRICT)
}

/// Writes files below a folder.
pub fn unpack(files: &Files, folder: &Path) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
