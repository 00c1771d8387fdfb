//! Sets of classes on the disk: a folder for each set, in it a folder for each class with its
//! drawings as PNG files, as `siamese-classify --support` reads them.
//!
//! A name comes from whoever draws, and may not lead out of the folder; a set is saved whole or not
//! at all, and never over one that is there unless that was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::drawing::{Classes, DrawnClass, Png};
use super::limits::{MOST_BODY, MOST_CLASSES, MOST_DRAWINGS, MOST_NAME};
use super::refusal::Refusal;
use crate::store::export::{is_file_name, make_folder, write_folder, write_new};

/// The longest file of a drawing that is loaded.
const MOST_BYTES: u64 = 4 << 20;
/// The most bytes of a set's files: base64 of more does not fit a request, in which a page saves a set
/// or has it ranked.
const MOST_OF_SET: u64 = MOST_BODY as u64 / 4 * 3;
/// The most sets that are listed.
const MOST_SETS: usize = 1000;

/// The folder that sets are saved in.
pub struct Sets {
    folder: PathBuf,
    /// Held while one is saved.
    saving: Mutex<()>,
}

impl Sets {
    /// Sets in `folder`, which is made when the first of them is saved.
    #[must_use]
    pub fn new(folder: PathBuf) -> Sets {
        let saving = Mutex::new(());
        Sets { folder, saving }
    }

    /// Waits for what is being saved; nothing can be saved while the guard is held.
    pub fn lock(&self) -> MutexGuard<'_, ()> {
        self.saving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the sets, ascending.
    ///
    /// # Errors
    /// If the folder is there and cannot be read.
    pub fn names(&self) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::new();
        for (name, path) in entries(&self.folder)? {
            if path.is_dir() && check_name(&name).is_ok() && names.len() < MOST_SETS {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Saves a set; `replace` puts it in place of one of its name.
    ///
    /// # Errors
    /// If a name is no name of a folder, two classes have one name, a set of that name is there and
    /// is not to be replaced or holds other things than drawings, or the system refuses. Nothing is
    /// changed then.
    pub fn save(&self, name: &str, classes: &Classes, replace: bool) -> Result<(), Refusal> {
        check_name(name)?;
        let mut names = BTreeSet::new();
        for class in &classes.0 {
            check_name(&class.name)?;
            if !names.insert(class.name.as_str()) {
                return Err(Refusal::SameName(class.name.clone()));
            }
        }
        let _saving = self.lock();
        let folder = self.folder.join(name);
        let mut parts = names;
        let old = files(&folder)?;
        match &old {
            Some(_) if !replace => return Err(Refusal::SetExists(name.to_owned())),
            Some(old) => parts.extend(old.keys().map(String::as_str)),
            None => {}
        }
        make_folder(&self.folder)?;
        let parts: Vec<&str> = parts.into_iter().collect();
        write_folder(&folder, replace, &parts, |new| {
            for class in &classes.0 {
                let folder = new.join(&class.name);
                make_folder(&folder)?;
                for (place, png) in class.drawings.iter().enumerate() {
                    write_new(&folder.join(format!("{:02}.png", place + 1)), png.bytes())?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Loads a set: its classes ascending by name, as `siamese-classify` has them.
    ///
    /// # Errors
    /// If there is none of that name, it holds other things or more than a page does, a file is no
    /// PNG picture of a drawing's size, or the system refuses.
    pub fn load(&self, name: &str) -> Result<Classes, Refusal> {
        check_name(name)?;
        let folder = self.folder.join(name);
        let files = files(&folder)?.ok_or_else(|| Refusal::NoSet(name.to_owned()))?;
        let (mut left, longer) = (MOST_OF_SET, "holds more than 12 MiB, the most of a page");
        for path in files.values().flatten() {
            left = (left.checked_sub(length(path)?)).ok_or_else(|| foreign(&folder, longer))?;
        }
        let mut classes = Vec::new();
        for (part, paths) in files {
            let drawings = paths.iter().map(|path| read(path));
            classes.push(DrawnClass {
                name: part,
                drawings: drawings.collect::<Result<_, _>>()?,
            });
        }
        if classes.is_empty() {
            return Err(foreign(&folder, "holds no class"));
        }
        Ok(Classes(classes))
    }
}

/// Refuses what cannot be the name of a folder on any system.
///
/// # Errors
/// [`Refusal::Name`].
pub fn check_name(name: &str) -> Result<(), Refusal> {
    let plain = name.trim() == name && !name.ends_with('.');
    let odd = |c: char| c.is_control() || "<>\"|?*".contains(c);
    if plain && name.len() <= MOST_NAME && !name.contains(odd) && is_file_name(name) {
        Ok(())
    } else {
        Err(Refusal::Name(name.to_owned()))
    }
}

/// What a folder holds that is not hidden, ascending by name; nothing if it is not there.
fn entries(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Refusal> {
    let failed = |source| unread(folder, source);
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        listed => listed.map_err(failed)?,
    };
    let mut entries = BTreeMap::new();
    for entry in listed {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default().into_owned();
        if !name.starts_with('.') {
            entries.insert(name, path);
        }
    }
    Ok(entries)
}

/// The classes of a set and the files of each, ascending; `None` if no set is there.
///
/// # Errors
/// If it holds anything that this page would not have saved.
fn files(set: &Path) -> Result<Option<BTreeMap<String, Vec<PathBuf>>>, Refusal> {
    if set.symlink_metadata().is_err() {
        return Ok(None);
    }
    let mut classes = BTreeMap::new();
    for (name, path) in entries(set)? {
        if !path.is_dir() {
            return Err(foreign(
                &path,
                "lies beside the folders of the classes; remove it",
            ));
        }
        let files: Vec<PathBuf> = entries(&path)?.into_values().collect();
        let other = files.iter().find(|file| {
            let is_png = file
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("png"));
            !is_png || !file.is_file()
        });
        if let Some(other) = other {
            return Err(foreign(
                other,
                "is no PNG file, and those alone are read here",
            ));
        }
        if files.is_empty() || files.len() > MOST_DRAWINGS {
            let why = format!(
                "holds {} drawings; a class has 1 to {MOST_DRAWINGS}",
                files.len()
            );
            return Err(foreign(&path, &why));
        }
        classes.insert(name, files);
    }
    if classes.len() > MOST_CLASSES {
        let why = format!(
            "holds {} classes; at most {MOST_CLASSES} are read",
            classes.len()
        );
        return Err(foreign(set, &why));
    }
    Ok(Some(classes))
}

fn foreign(path: &Path, why: &str) -> Refusal {
    Refusal::ForeignSet {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

/// The bytes of a drawing's file.
fn length(path: &Path) -> Result<u64, Refusal> {
    let length = fs::metadata(path).map_err(|source| unread(path, source))?;
    if length.len() > MOST_BYTES {
        return Err(foreign(path, "is too long for a drawing"));
    }
    Ok(length.len())
}

fn read(path: &Path) -> Result<Png, Refusal> {
    let bytes = fs::read(path).map_err(|source| unread(path, source))?;
    Png::new(bytes, path.display().to_string())
}

fn unread(path: &Path, source: io::Error) -> Refusal {
    Refusal::Read {
        path: path.to_owned(),
        source,
    }
}
