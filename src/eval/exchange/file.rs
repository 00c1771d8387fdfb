//! The file of tasks, `tasks.json`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, Serializer};

use super::error::ExchangeError;
use crate::eval::tasks::{Protocol, TaskSet};
use crate::image::SIDE;
use crate::sample::Task;
use crate::store::StoreDigest;

/// The most bytes of a file that is read: two million tasks of 20 ways have fewer.
const MOST_BYTES: u64 = 1 << 30;

/// The most tasks of a file.
pub const MOST_TASKS: usize = 2_000_000;
/// The version of the file that this code writes and reads.
const VERSION: u32 = 1;
/// What the file says to whoever opens it.
const NOTE: &str = "For each task alone, say which way of the support shows the query's \
    character; support and query are numbers of drawings, tasks and ways count from 0. Write a CSV file with \
    the header task,answer (the way; empty for no answer) or task,way0,way1,... (a similarity of \
    each way, greater is more alike) and a line for each task, then: siamese-eval score FILE.csv \
    --tasks tasks.json. The field answer is for scoring alone: a model must not read it.";

/// Tasks for another program, and their right answers, which it must not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// Program and version that wrote it.
    pub program: String,
    /// Version of this layout: 1.
    pub version: u32,
    /// What to do with the file, in words.
    pub note: String,
    /// How the tasks were chosen.
    pub protocol: Protocol,
    /// What they ask, in a line.
    pub title: String,
    /// Characters to choose among; the most, if tasks differ.
    pub ways: usize,
    /// Support drawings of each.
    pub shots: usize,
    /// The seed the tasks were drawn from; none for those of a store.
    pub seed: Option<u64>,
    /// SHA-256 of the store, 64 hexadecimal digits.
    pub store: String,
    /// The drawings beside the file.
    pub drawings: TaskDrawings,
    /// Names of the runs, or of the queries' alphabets.
    pub groups: Vec<String>,
    /// The tasks; a task's number is its place.
    pub tasks: Vec<TaskEntry>,
}

/// The drawings that the tasks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDrawings {
    /// How many there are; a drawing's number is below it.
    pub count: u32,
    /// Pixels of each side: 105.
    pub side: usize,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskEntry {
    /// Numbers of the support drawings, a list for each way.
    pub support: Vec<Vec<u32>>,
    /// Number of the drawing to classify.
    pub query: u32,
    /// The task's run or alphabet: its place in [`TaskFile::groups`].
    pub group: u32,
    /// The right way. Not for models.
    pub answer: usize,
}

/// Reads a file of tasks or answers, which must not be larger than 1 GiB.
///
/// # Errors
/// [`ExchangeError::Read`] or [`ExchangeError::TooLarge`].
pub fn read(path: &Path) -> Result<Vec<u8>, ExchangeError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| ExchangeError::Read {
            path: path.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(ExchangeError::TooLarge {
            path: path.to_owned(),
            most: MOST_BYTES,
        });
    }
    Ok(bytes)
}

impl TaskFile {
    /// The file of a set of tasks, whose drawings get the numbers that `number` gives them.
    pub(super) fn of(
        set: &TaskSet,
        store: StoreDigest,
        count: usize,
        number: impl Fn(u32) -> u32,
    ) -> TaskFile {
        let tasks = (set.tasks.iter().zip(&set.group_of)).map(|(task, &group)| TaskEntry {
            support: (task.support.chunks(set.shots))
                .map(|way| way.iter().map(|&id| number(id)).collect())
                .collect(),
            query: number(task.query),
            group,
            answer: task.answer,
        });
        TaskFile {
            program: concat!("omnishot ", env!("CARGO_PKG_VERSION")).to_owned(),
            version: VERSION,
            note: NOTE.to_owned(),
            protocol: set.protocol,
            title: set.title(),
            ways: set.ways(),
            shots: set.shots,
            seed: set.seed,
            store: store.to_string(),
            drawings: TaskDrawings {
                count: count as u32, // drawings of a store have 32-bit ids
                side: SIDE,
            },
            groups: set.groups.clone(),
            tasks: tasks.collect(),
        }
    }

    /// Reads a file of tasks and proves it.
    ///
    /// # Errors
    /// If it cannot be read, and as [`TaskFile::from_json`].
    pub fn open(path: &Path) -> Result<TaskFile, ExchangeError> {
        TaskFile::from_json(&path.display().to_string(), &read(path)?)
    }

    /// The tasks in these bytes, proved; errors call them `name`.
    ///
    /// # Errors
    /// [`ExchangeError::Json`] if they are not JSON of these fields and no others;
    /// [`ExchangeError::Tasks`] or [`ExchangeError::Task`] if they contradict themselves.
    pub fn from_json(name: &str, json: &[u8]) -> Result<TaskFile, ExchangeError> {
        let file: TaskFile =
            serde_json::from_slice(json).map_err(|source| ExchangeError::Json {
                file: name.to_owned(),
                source,
            })?;
        file.check(name)?;
        Ok(file)
    }

    /// The file's text, a line for each task.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, Lines { depth: 0 });
        self.serialize(&mut serializer)
            .expect("the fields are plain values, and memory takes them");
        text.push(b'\n');
        String::from_utf8(text).expect("JSON is written as UTF-8")
    }

    /// The same questions as the evaluator's own; ids of drawings are their numbers in the file.
    ///
    /// # Errors
    /// [`ExchangeError::Tasks`] or [`ExchangeError::Task`] if the fields contradict each other.
    pub fn task_set(&self) -> Result<TaskSet, ExchangeError> {
        self.check("the tasks")?;
        let tasks = self.tasks.iter().map(|task| Task {
            support: task.support.concat(),
            query: task.query,
            answer: task.answer,
        });
        Ok(TaskSet {
            protocol: self.protocol,
            shots: self.shots,
            seed: self.seed,
            tasks: tasks.collect(),
            groups: self.groups.clone(),
            group_of: self.tasks.iter().map(|task| task.group).collect(),
        })
    }

    /// That all numbers are in their ranges, and all sizes agree.
    pub(super) fn check(&self, name: &str) -> Result<(), ExchangeError> {
        let most = self.tasks.iter().map(|task| task.support.len()).max();
        let wrong = if self.version != VERSION {
            let version = self.version;
            Some(format!(
                "is of version {version}, and this program reads version {VERSION}"
            ))
        } else if self.drawings.side != SIDE {
            let side = self.drawings.side;
            Some(format!(
                "its drawings have {side} pixels a side, not {SIDE}"
            ))
        } else if self.shots == 0 {
            Some("has tasks of 0 shots".to_owned())
        } else if self.tasks.len() > MOST_TASKS {
            let count = self.tasks.len();
            Some(format!("has {count} tasks, more than {MOST_TASKS}"))
        } else if self.store.len() != 64 || !self.store.bytes().all(|b| b.is_ascii_hexdigit()) {
            Some("the digest of its store is not 64 hexadecimal digits".to_owned())
        } else if most != Some(self.ways) {
            let (ways, most) = (self.ways, most.unwrap_or(0));
            Some(format!("speaks of {ways} ways, and its tasks have {most}"))
        } else {
            None
        };
        if let Some(what) = wrong {
            let file = name.to_owned();
            return Err(ExchangeError::Tasks { file, what });
        }
        for (task, entry) in self.tasks.iter().enumerate() {
            if let Err(what) = self.check_task(entry) {
                let file = name.to_owned();
                return Err(ExchangeError::Task { file, task, what });
            }
        }
        Ok(())
    }

    fn check_task(&self, task: &TaskEntry) -> Result<(), String> {
        let TaskEntry {
            support,
            query,
            group,
            answer,
        } = task;
        if let Some(way) = support.iter().position(|way| way.len() != self.shots) {
            let (got, shots) = (support[way].len(), self.shots);
            return Err(format!("way {way} has {got} drawings, not {shots}"));
        }
        let count = self.drawings.count;
        let mut shown = support.iter().flatten().chain([query]);
        if let Some(number) = shown.find(|&&number| number >= count) {
            return Err(format!("shows drawing {number} of {count}"));
        }
        if *answer >= support.len() {
            let ways = support.len();
            return Err(format!("its answer is way {answer} of {ways}"));
        }
        if *group as usize >= self.groups.len() {
            let groups = self.groups.len();
            return Err(format!("is of group {group} of {groups}"));
        }
        Ok(())
    }
}

/// JSON with a line for each field and for each item of a field; what lies deeper stays on it.
struct Lines {
    depth: usize,
}

impl Lines {
    fn open(&mut self, to: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        to.write_all(bracket)
    }

    fn item(&self, to: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        let comma: &[u8] = if first { b"" } else { b"," };
        let end: &[u8] = if self.depth <= 2 { b"\n" } else { b"" };
        to.write_all(comma)?;
        to.write_all(end)
    }

    fn close(&mut self, to: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.item(to, true)?;
        self.depth -= 1;
        to.write_all(bracket)
    }
}

impl Formatter for Lines {
    fn begin_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.open(to, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.close(to, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.item(to, first)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.open(to, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.close(to, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.item(to, first)
    }
}
