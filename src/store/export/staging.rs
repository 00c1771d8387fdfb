//! Folders that are there whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::ExportError;
use crate::files::faults::{Writing, step};

/// Writes `parts`, the files and folders that `write` puts into the new folder it is given, into
/// `folder`: beside it first, then moved to its place when all is whole. `folder` is made if it
/// is not there; its parent must be.
///
/// With `overwrite`, a folder that is not empty keeps what it holds but for the parts, which are
/// replaced, or removed where `write` wrote no such part. The files are not synced one by one.
///
/// A process that is killed here may leave the staging folder, `.omnishot-` and six letters,
/// beside `folder`. If it is killed while it replaces parts, some are new and the others old, each
/// whole, and at most one is in the staging folder's `old` alone.
///
/// # Errors
/// [`ExportError::NotEmpty`] before `write` is called; what `write` says, and
/// [`ExportError::Write`], after what was written is removed and what was moved is back in its
/// place; [`ExportError::Stuck`] if the system refuses that as well.
pub fn write_folder<T>(
    folder: &Path,
    overwrite: bool,
    parts: &[&str],
    write: impl FnOnce(&Path) -> Result<T, ExportError>,
) -> Result<T, ExportError> {
    let failed = failed(folder);
    if !overwrite && !is_vacant(folder).map_err(&failed)? {
        return Err(ExportError::NotEmpty {
            folder: folder.to_owned(),
        });
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A folder inside it, so that the part that is renamed has a new folder's usual permissions.
    step(folder).map_err(&failed)?;
    let staged = tempfile::Builder::new()
        .prefix(".omnishot-")
        .tempdir_in(parent)
        .map_err(&failed)?;
    let new = staged.path().join("new");
    make_folder(&new)?;
    let written = write(&new)?;
    match place(&new, &staged.path().join("old"), folder, parts) {
        Ok(()) => Ok(written),
        Err(Stuck { error, kept: false }) => Err(failed(error)),
        Err(Stuck { error, kept: true }) => Err(ExportError::Stuck {
            folder: folder.to_owned(),
            kept: staged.keep(),
            source: error,
        }),
    }
}

/// Turns what the system said about `path` into an error that names it.
pub fn failed(path: &Path) -> impl Fn(io::Error) -> ExportError + Clone {
    move |source| ExportError::Write {
        path: path.to_owned(),
        source,
    }
}

/// Writes a file that must not be there: two names that a file system takes for one are
/// an error here, and not one drawing in place of another.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    write_new_with(path, |file| file.write_all(bytes))
}

/// As [`write_new`], with the bytes that `write` writes.
pub fn write_new_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), ExportError> {
    let written = || {
        step(path)?;
        let mut file = fs::File::create_new(path)?;
        let mut file = Writing::new(&mut file, path);
        write(&mut file)?;
        file.flush()
    };
    written().map_err(failed(path))
}

/// Makes a folder and those above it, where they are not there.
pub fn make_folder(path: &Path) -> Result<(), ExportError> {
    step(path)
        .and_then(|()| fs::create_dir_all(path))
        .map_err(failed(path))
}

/// Whether nothing is there, or an empty folder.
fn is_vacant(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Moves what is finished to its place: the whole folder if nothing is there, else part by
/// part, each old part first to `old`, which goes away with the staging folder. If the system
/// refuses a move, those before it are taken back.
fn place(new: &Path, old: &Path, folder: &Path, parts: &[&str]) -> Result<(), Stuck> {
    let stuck = |error| Stuck { error, kept: false };
    if is_vacant(folder).map_err(stuck)? {
        // On Unix a folder takes an empty one's place at once.
        #[cfg(not(unix))]
        if folder.exists() {
            fs::remove_dir(folder).map_err(stuck)?;
        }
        return rename(new, folder).map_err(stuck);
    }
    step(old)
        .and_then(|()| fs::create_dir(old))
        .map_err(stuck)?;
    let mut moves: Vec<(PathBuf, PathBuf)> = Vec::new();
    for part in parts {
        let (old, new, target) = (old.join(part), new.join(part), folder.join(part));
        for (from, to) in [(target.clone(), old), (new, target)] {
            if from.symlink_metadata().is_err() {
                continue;
            }
            if let Err(error) = rename(&from, &to) {
                let back = (moves.iter().rev()).try_for_each(|(from, to)| rename(to, from));
                let kept = back.is_err();
                return Err(Stuck { error, kept });
            }
            moves.push((from, to));
        }
    }
    Ok(())
}

/// Moves could not all be done.
struct Stuck {
    error: io::Error,
    /// Nor be taken back: old parts are in the staging folder alone.
    kept: bool,
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(from)?;
    fs::rename(from, to)
}
