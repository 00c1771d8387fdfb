//! Why tasks cannot be exported, or answers not be scored.

use std::path::PathBuf;

use crate::store::export::ExportError;

/// Why tasks cannot be exported, or answers not be scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The store is damaged, the folder is not empty, or the system refused to write.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The system refused to read.
    #[error("{path}: cannot be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any of its kind.
    #[error("{path}: is larger than {most} bytes, which no file of tasks or answers is", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        most: u64,
    },
    /// The file of tasks is not JSON, or has other fields.
    #[error("{file}: is no file of tasks as siamese-eval export-tasks writes it")]
    Json {
        /// The file.
        file: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// The file of tasks contradicts itself.
    #[error("{file}: {what}; export the tasks again")]
    Tasks {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// A task contradicts the file it is in.
    #[error("{file}: task {task}: {what}; export the tasks again")]
    Task {
        /// The file.
        file: String,
        /// The task's place.
        task: usize,
        /// What is wrong.
        what: String,
    },
    /// Answers that cannot be read.
    #[error("{file}: line {line}: {problem}")]
    Predictions {
        /// The file.
        file: String,
        /// The line, from 1; the last one for what is missing.
        line: u64,
        /// What is wrong there.
        problem: PredictionProblem,
    },
    /// Two prediction files of one name could not be told apart.
    #[error("two prediction files are called {name:?}; rename one")]
    SameName {
        /// The name.
        name: String,
    },
}

/// What can be wrong in a prediction file. Of what was found, at most 40 letters are kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictionProblem {
    /// There is no line.
    #[error("the file is empty; it must begin with the header \"task,answer\"")]
    Empty,
    /// The first line is no header, or one for other ways.
    #[error(
        "the header is {found:?}; it must be \"task,answer\", or \"task,way0\" and so on up to \
         way{last}"
    )]
    Header {
        /// What is there.
        found: String,
        /// The last way.
        last: usize,
    },
    /// More or fewer columns than the header has.
    #[error("has {got} columns, and the header {expected}")]
    Columns {
        /// Columns of the header.
        expected: usize,
        /// Columns here.
        got: usize,
    },
    /// Not UTF-8.
    #[error("{found:?} is not UTF-8 text")]
    NotUtf8 {
        /// What is there, with marks for what is no text.
        found: String,
    },
    /// A task's number that is none, or not below the number of tasks.
    #[error("{found:?} is no task: tasks are numbered from 0 to {last}")]
    UnknownTask {
        /// What is there.
        found: String,
        /// The last task.
        last: usize,
    },
    /// A task that was answered already.
    #[error("task {task} was answered on line {first} already")]
    Twice {
        /// The task.
        task: usize,
        /// The line that answered it.
        first: u64,
    },
    /// An answer that is no way of the task.
    #[error(
        "the answer {found:?} to task {task} is no way: ways are numbered from 0 to {last}, and \
         no answer is an empty cell"
    )]
    Answer {
        /// What is there.
        found: String,
        /// The task.
        task: usize,
        /// The last way.
        last: usize,
    },
    /// A similarity that is not written as a number.
    #[error("{found:?} for way {way} of task {task} is not written as a number (or nan)")]
    Similarity {
        /// What is there.
        found: String,
        /// The task.
        task: usize,
        /// The way.
        way: usize,
    },
    /// A similarity of a way that the task does not have.
    #[error("{found:?} for way {way}, but task {task} has {ways} ways: leave the cell empty")]
    NoSuchWay {
        /// What is there.
        found: String,
        /// The task.
        task: usize,
        /// The way.
        way: usize,
        /// The task's ways.
        ways: usize,
    },
    /// Tasks without a line.
    #[error("the file ends without task {first}; {count} of the tasks have no line")]
    Missing {
        /// The first of them.
        first: usize,
        /// How many they are.
        count: usize,
    },
}
