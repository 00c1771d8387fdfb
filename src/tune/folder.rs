//! The folder of a study: its journal, and who is working on which trial.
//!
//! Several processes may work in one folder. Whoever reads and adds to the journal holds a lock
//! on it; whoever works on a trial holds a lock on a file of that trial's own. The system frees
//! both when a process dies, however it dies, so that a trial that was begun and not ended, and
//! whose lock is free, is a trial to take over. Locks are those of [`File::lock`]: of one machine, or
//! of a file system that shares them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::TuneError;
use super::journal::{Entry, Journal, MOST_BYTES, Outcome, Study};
use super::range::Value;

/// A study's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// What there is to do.
#[derive(Debug)]
pub enum Next {
    /// A trial, which nobody else works on.
    Trial(TrialLock),
    /// Nothing: so many trials are being worked on by other processes.
    Busy(usize),
    /// Nothing: all trials have ended.
    Done,
}

/// A trial that this process works on, until this is dropped.
#[derive(Debug)]
pub struct TrialLock {
    /// Its number.
    pub number: u64,
    /// Its values.
    pub values: Vec<Value>,
    /// Where it may keep files while it goes on.
    pub path: PathBuf,
    folder: Folder,
    _lock: File,
}

impl Folder {
    /// Opens the folder of a study, or makes it.
    ///
    /// # Errors
    /// If the folder is another study's, its journal is damaged, or the system refuses.
    pub fn open(path: &Path, study: &Study) -> Result<Folder, TuneError> {
        fs::create_dir_all(path).map_err(|source| TuneError::write(path, source))?;
        let folder = Folder {
            path: path.to_owned(),
        };
        folder.locked(|journal| match journal {
            Some(journal) => match difference(&journal.study, study) {
                Some(what) => Err(TuneError::Other {
                    path: path.to_owned(),
                    what,
                }),
                None => Ok((Vec::new(), ())),
            },
            None => Ok((vec![Entry::Study(study.clone())], ())),
        })?;
        // The journal's own name is on the disk before a line of it is relied on.
        File::open(path)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| TuneError::write(path, source))?;
        for (number, trial) in (0..).zip(&folder.journal()?.trials) {
            if trial.ended.is_some() {
                // What a process that was killed between the two had not removed yet, if anything.
                let _ = fs::remove_dir_all(folder.trial_path(number));
            }
        }
        Ok(folder)
    }

    /// Where its journal is.
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// The journal as it stands.
    ///
    /// # Errors
    /// If it is damaged or cannot be read.
    pub fn journal(&self) -> Result<Journal, TuneError> {
        self.locked(|journal| {
            let journal = journal.ok_or_else(|| TuneError::Empty(self.journal_path()))?;
            Ok((Vec::new(), journal.clone()))
        })
    }

    /// Takes a trial that a dead process left, or else begins the next of `trials` with what
    /// `propose` gives for the journal.
    ///
    /// # Errors
    /// If the journal is damaged, the system refuses, or `propose` does.
    pub fn claim(
        &self,
        trials: u64,
        propose: impl FnOnce(&Journal) -> Result<Vec<Value>, TuneError>,
    ) -> Result<Next, TuneError> {
        let process = std::process::id();
        self.locked(|journal| {
            let journal = journal.ok_or_else(|| TuneError::Empty(self.journal_path()))?;
            let mut busy = 0;
            for (number, trial) in (0..).zip(&journal.trials) {
                if trial.ended.is_some() {
                    continue;
                }
                match self.take(number, trial.values.clone())? {
                    Some(claim) => {
                        let taken = Entry::Taken {
                            trial: number,
                            process,
                        };
                        return Ok((vec![taken], Next::Trial(claim)));
                    }
                    None => busy += 1,
                }
            }
            let number = journal.trials.len() as u64;
            if number >= trials {
                let next = if busy > 0 {
                    Next::Busy(busy)
                } else {
                    Next::Done
                };
                return Ok((Vec::new(), next));
            }
            let values = propose(journal)?;
            let claim = self.take(number, values)?;
            let claim = claim.ok_or_else(|| TuneError::Held(self.trial_path(number)))?;
            let begun = Entry::Begun {
                trial: number,
                settings: journal.space.settings(&claim.values),
                process,
            };
            Ok((vec![begun], Next::Trial(claim)))
        })
    }

    /// Locks a trial, if nobody has.
    fn take(&self, number: u64, values: Vec<Value>) -> Result<Option<TrialLock>, TuneError> {
        let path = self.trial_path(number);
        let name = path.join("lock");
        let failed = |source| TuneError::write(&name, source);
        fs::create_dir_all(&path).map_err(failed)?;
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let lock = options.open(&name).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(TrialLock {
                number,
                values,
                path,
                folder: self.clone(),
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    fn trial_path(&self, number: u64) -> PathBuf {
        self.path.join(format!("trial-{number:04}"))
    }

    /// Adds to the journal what `decide` says of it, on the disk before this returns, while
    /// nobody else reads or writes it.
    fn locked<T>(
        &self,
        decide: impl FnOnce(Option<&Journal>) -> Result<(Vec<Entry>, T), TuneError>,
    ) -> Result<T, TuneError> {
        let path = self.journal_path();
        let failed = |source| TuneError::write(&path, source);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut bytes = Vec::new();
        let length = (&file).take(MOST_BYTES + 1).read_to_end(&mut bytes);
        if length.map_err(failed)? as u64 > MOST_BYTES {
            return Err(failed(io::Error::from(io::ErrorKind::FileTooLarge)));
        }
        let (journal, sound) = Journal::parse(&bytes).map_err(|source| TuneError::Journal {
            path: path.clone(),
            source,
        })?;
        let (entries, value) = decide(journal.as_ref())?;
        if !entries.is_empty() {
            let lines: String = entries.iter().map(Entry::line).collect();
            file.set_len(sound as u64)
                .and_then(|()| file.seek(SeekFrom::Start(sound as u64)))
                .and_then(|_| file.write_all(lines.as_bytes()))
                .and_then(|()| file.sync_data())
                .map_err(failed)?;
        }
        Ok(value)
    }
}

impl TrialLock {
    /// Notes a score; gives the journal with it.
    ///
    /// # Errors
    /// If the journal is damaged or cannot be written.
    pub fn score(&self, step: u64, accuracy: f64) -> Result<Journal, TuneError> {
        let score = Entry::Score {
            trial: self.number,
            step,
            accuracy,
        };
        self.add(score)?;
        self.folder.journal()
    }

    /// Ends the trial, and removes its files.
    ///
    /// # Errors
    /// If the journal is damaged or cannot be written, or a file cannot be removed.
    pub fn end(self, how: Outcome, accuracy: f64, steps: u64) -> Result<(), TuneError> {
        self.add(Entry::Ended {
            trial: self.number,
            how,
            accuracy,
            steps,
        })?;
        // Nobody looks for its lock any more.
        fs::remove_dir_all(&self.path).map_err(|source| TuneError::write(&self.path, source))
    }

    fn add(&self, entry: Entry) -> Result<(), TuneError> {
        self.folder.locked(|_| Ok((vec![entry], ())))
    }
}

/// What of two studies is not the same, in words.
fn difference(there: &Study, here: &Study) -> Option<String> {
    let differ = |name: &str, there: String, here: String| {
        (there != here).then(|| format!("its {name} is {there}, and here it is {here}"))
    };
    let long = |name: &str, there: &str, here: &str| {
        (there != here).then(|| format!("its {name} is not the same"))
    };
    let flag = |study: &Study| (study.random.to_string(), study.stopping.to_string());
    differ("seed", there.seed.to_string(), here.seed.to_string())
        .or_else(|| differ("random search", flag(there).0, flag(here).0))
        .or_else(|| differ("stopping", flag(there).1, flag(here).1))
        .or_else(|| differ("store", there.store.clone(), here.store.clone()))
        .or_else(|| long("preset", &there.preset, &here.preset))
        .or_else(|| long("space", &there.space, &here.space))
        .or_else(|| differ("ways", there.ways.to_string(), here.ways.to_string()))
}
