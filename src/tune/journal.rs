//! The journal of a study: what was tried and what came of it, a line for each event.
//!
//! Every line is JSON with a checksum of its own: `{"sum":"8b0d61c3","entry":{…}}`, the sum being
//! the CRC-32C of the entry's bytes as they stand there. A line that was being written when the
//! machine stopped is the last one, and is dropped; any other damage is an error that names the line.
//! Reading is a pure function of the bytes, [`Journal::parse`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::range::Value;
use super::space::{Space, SpaceError};

/// Version of journals, and of how a study goes on from one.
pub const JOURNAL_VERSION: u32 = 3;
/// The longest journal that is read, in bytes.
pub const MOST_BYTES: u64 = 1 << 28;
/// What stands before a line's sum, after it, and after the entry.
const FRAME: [&str; 3] = ["{\"sum\":\"", "\",\"entry\":", "}"];

/// What a study is: the same study has the same trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Version of journals.
    pub version: u32,
    /// Everything random follows from it: proposals, held-out alphabets and training.
    pub seed: u64,
    /// Whether the space is searched at random instead of by what was learned.
    pub random: bool,
    /// Whether trials are pruned: stopped where they fall behind.
    pub stopping: bool,
    /// SHA-256 of the store.
    pub store: String,
    /// The settings that are not searched, as TOML.
    pub preset: String,
    /// The space, as TOML.
    pub space: String,
    /// Ways of the tasks that every score of it is taken over.
    #[serde(default)] // a journal of version 1 has none, and is to be refused for its version
    pub ways: u64,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Entry {
    /// The study, which is the first line and no other.
    Study(Study),
    /// A new trial, which a process takes.
    Begun {
        /// Its number: trials count from 0.
        trial: u64,
        /// Its settings, `name=value`, all of the space's in their order.
        settings: Vec<String>,
        /// The process.
        process: u32,
    },
    /// A trial that another process began, and left.
    Taken {
        /// Its number.
        trial: u64,
        /// The process that takes it.
        process: u32,
    },
    /// A validation score.
    Score {
        /// The trial's number.
        trial: u64,
        /// Steps taken.
        step: u64,
        /// One-shot accuracy on held-out background alphabets, in percent.
        accuracy: f64,
    },
    /// The end of a trial.
    Ended {
        /// Its number.
        trial: u64,
        /// How it ended.
        how: Outcome,
        /// What it is judged by, in percent; 0 if it diverged.
        accuracy: f64,
        /// Steps up to its last score.
        steps: u64,
    },
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It trained to its end.
    Finished,
    /// It was below the median of those that had finished.
    #[serde(rename = "hopeless")]
    Pruned,
    /// Its loss left all bounds.
    Diverged,
}

/// A trial, as far as the journal tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its values.
    pub values: Vec<Value>,
    /// Its scores in percent, by step.
    pub scores: BTreeMap<u64, f64>,
    /// How it ended, with what accuracy in percent, after how many steps.
    pub ended: Option<(Outcome, f64, u64)>,
}

/// A journal that was read, and is sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    /// The study.
    pub study: Study,
    /// Its space.
    pub space: Space,
    /// Trials by number.
    pub trials: Vec<Trial>,
}

/// Why a journal cannot be gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A line is damaged, or does not follow from those before.
    #[error("line {line} of the journal is damaged: {what}; cut it off there to go on from before")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Another version of the program wrote it.
    #[error(
        "the journal's version is {0}, and this program goes on from {JOURNAL_VERSION} alone; end the \
         search with the program that began it, or take another folder"
    )]
    Version(u32),
    /// Its space is none.
    #[error("line 1 of the journal")]
    Space(#[from] SpaceError),
}

impl Entry {
    /// The line of the journal that says it, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        let entry = serde_json::to_string(self).expect("an entry is plain data");
        let sum = crc32c::crc32c(entry.as_bytes());
        let [before, between, after] = FRAME;
        format!("{before}{sum:08x}{between}{entry}{after}\n")
    }

    /// What a line without its end says, or what is wrong with it.
    fn read(line: &[u8]) -> Result<Entry, &'static str> {
        let entry = framed(line).ok_or("it is not {\"sum\":…,\"entry\":…} with the entry's sum")?;
        serde_json::from_slice(entry).map_err(|_| "it holds no entry that this program knows")
    }
}

/// The bytes of the entry in a line, if they have its sum.
fn framed(line: &[u8]) -> Option<&[u8]> {
    let [before, between, after] = FRAME.map(str::as_bytes);
    let rest = line.strip_prefix(before)?;
    let (sum, rest) = rest.split_at_checked(8)?;
    let entry = rest.strip_prefix(between)?.strip_suffix(after)?;
    // Compared as text, so that a sum is written in one way alone.
    let right = format!("{:08x}", crc32c::crc32c(entry));
    (sum == right.as_bytes()).then_some(entry)
}

impl Journal {
    /// Reads a journal: what it says (`None` if not even its first line is whole), and how many of
    /// the bytes are sound. What is beyond them is a last line that was not written to its end.
    ///
    /// # Errors
    /// [`JournalError`] if any other line is damaged, or a sound one cannot follow those before it.
    pub fn parse(bytes: &[u8]) -> Result<(Option<Journal>, usize), JournalError> {
        let mut journal: Option<Journal> = None;
        let mut sound = 0;
        for (place, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let end = sound + line.len();
            let damaged = |what: &str| JournalError::Damaged {
                line: place + 1,
                what: what.to_owned(),
            };
            let entry = match line.strip_suffix(b"\n").map(Entry::read) {
                Some(Ok(entry)) => entry,
                // The last line, whether or not its end was written.
                None | Some(Err(_)) if end == bytes.len() => break,
                None => unreachable!("only the last line has no end"),
                Some(Err(what)) => return Err(damaged(what)),
            };
            match (&mut journal, entry) {
                (None, Entry::Study(study)) => journal = Some(Journal::begin(study)?),
                (None, _) => return Err(damaged("the first line is not the study's")),
                (Some(journal), entry) => journal.add(entry).map_err(damaged)?,
            }
            sound = end;
        }
        Ok((journal, sound))
    }

    fn begin(study: Study) -> Result<Journal, JournalError> {
        if study.version != JOURNAL_VERSION {
            return Err(JournalError::Version(study.version));
        }
        let space = Space::parse(&study.space)?;
        Ok(Journal {
            study,
            space,
            trials: Vec::new(),
        })
    }

    /// Adds an event, or says why it cannot follow.
    fn add(&mut self, entry: Entry) -> Result<(), &'static str> {
        let percent = |accuracy: f64| (0.0..=100.0).contains(&accuracy);
        match entry {
            Entry::Study(_) => Err("a second study"),
            Entry::Begun {
                trial, settings, ..
            } => {
                if trial != self.trials.len() as u64 {
                    return Err("the trial's number is not the next");
                }
                let values = self.space.values(&settings);
                let values = values.ok_or("the trial's settings are not of the space")?;
                self.trials.push(Trial {
                    values,
                    scores: BTreeMap::new(),
                    ended: None,
                });
                Ok(())
            }
            Entry::Taken { trial, .. } => self.running(trial).map(|_| ()),
            Entry::Score {
                trial,
                step,
                accuracy,
            } => {
                let trial = self.running(trial)?;
                if !percent(accuracy) {
                    return Err("the accuracy is not from 0 to 100");
                }
                // A trial that goes on from its checkpoint takes some scores again.
                trial.scores.insert(step, accuracy);
                Ok(())
            }
            Entry::Ended {
                trial,
                how,
                accuracy,
                steps,
            } => {
                let trial = self.running(trial)?;
                if !percent(accuracy) {
                    return Err("the accuracy is not from 0 to 100");
                }
                trial.ended = Some((how, accuracy, steps));
                Ok(())
            }
        }
    }

    fn running(&mut self, trial: u64) -> Result<&mut Trial, &'static str> {
        let place = usize::try_from(trial).unwrap_or(usize::MAX);
        let trial = self
            .trials
            .get_mut(place)
            .ok_or("no such trial has begun")?;
        if trial.ended.is_some() {
            return Err("the trial has ended already");
        }
        Ok(trial)
    }

    /// Trials that have ended, with their numbers and accuracies in percent, best first; the first
    /// of equals before the others.
    #[must_use]
    pub fn ranking(&self) -> Vec<(usize, f64)> {
        let ended = self.trials.iter().enumerate();
        let ended = ended.filter_map(|(number, trial)| Some((number, trial.ended?.1)));
        let mut ranking: Vec<(usize, f64)> = ended.collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranking
    }
}
