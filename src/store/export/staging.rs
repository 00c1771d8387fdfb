//! Folders that are there whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::error::ExportError;

/// Writes `parts`, the files and folders that `write` puts into the new folder it is given, into
/// `folder`: beside it first, then moved to its place when all is whole. `folder` is made if it
/// is not there; its parent must be.
///
/// With `overwrite`, a folder that is not empty keeps what it holds but for the parts, which are
/// replaced, or removed where `write` wrote no such part. The files are not synced one by one.
///
/// # Errors
/// [`ExportError::NotEmpty`] before `write` is called; what `write` says, and
/// [`ExportError::Write`], after what was written is removed.
pub(crate) fn write_folder<T>(
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
    let staged = tempfile::Builder::new()
        .prefix(".omnishot-")
        .tempdir_in(parent)
        .map_err(&failed)?;
    let new = staged.path().join("new");
    fs::create_dir(&new).map_err(&failed)?;
    let written = write(&new)?;
    place(&new, &staged.path().join("old"), folder, parts).map_err(&failed)?;
    Ok(written)
}

/// Turns what the system said about `path` into an error that names it.
pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> ExportError + Clone {
    move |source| ExportError::Write {
        path: path.to_owned(),
        source,
    }
}

/// Writes a file that must not be there: two names that a file system takes for one are
/// an error here, and not one drawing in place of another.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    fs::File::create_new(path)
        .and_then(|mut file| file.write_all(bytes))
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
/// part, each old part first to `old`, which goes away with the staging folder.
fn place(new: &Path, old: &Path, folder: &Path, parts: &[&str]) -> io::Result<()> {
    if is_vacant(folder)? {
        if folder.exists() {
            fs::remove_dir(folder)?;
        }
        return fs::rename(new, folder);
    }
    fs::create_dir(old)?;
    for part in parts {
        let target = folder.join(part);
        if target.symlink_metadata().is_ok() {
            fs::rename(&target, old.join(part))?;
        }
        if new.join(part).exists() {
            fs::rename(new.join(part), target)?;
        }
    }
    Ok(())
}
