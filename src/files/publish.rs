//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::Builder;

use super::error::PublishError;
use super::faults::{Writing, step};

/// Files that this process is writing by [`publish`].
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Whether this process is writing a file by [`publish`] now: one that is asked to end may wait
/// that long.
#[must_use]
pub fn is_publishing() -> bool {
    UNDER_WAY.load(Ordering::SeqCst) > 0
}

/// Counts a file that is being written, until it is dropped.
struct UnderWay;

impl UnderWay {
    fn begin() -> UnderWay {
        UNDER_WAY.fetch_add(1, Ordering::SeqCst);
        UnderWay
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Writes a file so that every reader, and every reboot, finds the old file or the new
/// one and never a part of it: into a temporary file beside it, synced, renamed, and
/// the folder synced. An open map of the old file keeps its bytes.
///
/// # Errors
/// [`PublishError::Exists`] if the file exists and `overwrite` is false, and
/// [`PublishError::Write`] if the system refuses any step; the temporary file is removed, and an
/// old file is as it was. [`PublishError::Unsynced`] if the new file stands in its place, and the
/// system refuses to sync the folder.
///
/// A process that is killed here may leave the temporary file, `.omnishot-` and six letters, in
/// the folder: it can be removed whenever nothing writes there.
pub fn publish(
    path: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), PublishError> {
    let _under_way = UnderWay::begin();
    let failed = |source| PublishError::Write {
        path: path.to_owned(),
        source,
    };
    let exists = || PublishError::Exists {
        path: path.to_owned(),
    };
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(".omnishot-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The default is readable by the owner only, as befits secrets and not data sets.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    step(path).map_err(failed)?;
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    let writing = Writing::new(file.as_file_mut(), path);
    let mut buffered = io::BufWriter::with_capacity(1 << 16, writing);
    write(&mut buffered)
        .and_then(|()| buffered.flush())
        .map_err(failed)?;
    drop(buffered);
    step(path)
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    step(path).map_err(failed)?;
    let renamed = if overwrite {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    renamed.map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => failed(e.error),
    })?;
    step(path)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|source| PublishError::Unsynced {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::planned::{Fault, a_file_is_old_or_new, at_every_step};
    use std::fs;

    #[test]
    fn a_file_is_under_way_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let write = |w: &mut dyn Write| {
            assert!(is_publishing());
            w.write_all(b"new")
        };
        publish(&folder.path().join("a"), false, write).unwrap();
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        publish(&path, false, |w| w.write_all(b"old")).unwrap();
        let error = publish(&path, true, |w| {
            w.write_all(b"new")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(matches!(error, Err(PublishError::Write { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn whatever_step_is_refused_the_old_file_or_the_new_one_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // More than the buffer holds, so that there is more than one write.
        let bytes = vec![7; 300_000];
        let write = || {
            publish(&path, true, |w| {
                bytes.chunks(999).try_for_each(|b| w.write_all(b))
            })
        };
        let steps = a_file_is_old_or_new(folder.path(), "a", write);
        assert!(steps > 8, "{steps}");
    }

    #[test]
    fn a_first_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let write = || publish(&path, false, |w| w.write_all(b"new"));
        at_every_step(folder.path(), Fault::Once, write, |_, error| {
            let whole = matches!(error, PublishError::Unsynced { .. });
            assert_eq!(path.exists(), whole, "{error}");
            assert_eq!(
                fs::read_dir(folder.path()).unwrap().count(),
                usize::from(whole)
            );
            let _ = fs::remove_file(&path);
        });
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn an_existing_file_is_kept_unless_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        publish(&path, false, |w| w.write_all(b"old")).unwrap();
        let error = publish(&path, false, |w| w.write_all(b"new"));
        assert!(matches!(error, Err(PublishError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        publish(&path, true, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let error = publish(&path, false, |w| {
            fs::write(&path, b"another's")?;
            w.write_all(b"new")
        });
        assert!(
            matches!(error, Err(PublishError::Exists { .. })),
            "{error:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"another's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
