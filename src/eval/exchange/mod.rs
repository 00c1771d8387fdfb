//! Other people's models: the tasks go out as files, their answers come in as CSV; and embeddings,
//! for whoever goes on with them ([`EmbeddingWriter`]).
//!
//! ```text
//! FOLDER/tasks.json            what is asked: a TaskFile
//! FOLDER/drawings/000123.png   drawing 123, black on white; or
//! FOLDER/drawings.npz          array `images`: uint8 [n, 105, 105], 1 for ink
//! ```
//!
//! A prediction file has a header and a line for each task, in any order; tasks and ways count
//! from 0. It is one of
//!
//! ```text
//! task,answer                  the way chosen; empty for no answer
//! task,way0,way1,...           a similarity or probability of each way; greater is more alike
//! ```
//!
//! Similarities are answered by the rule [`Ties`](super::Ties) that holds for every system here:
//! one that is no number (`nan`) leaves the task without an answer. Where tasks differ in their
//! ways, the cells of ways that a task does not have are empty.
//!
//! The right answers are in `tasks.json`, since whoever exports could look them up anyway, and a
//! model must not read them: `answer` is for scoring. The numbers of the drawings are shuffled,
//! so that neither a number nor a file's name says which character it is. Each task is to be
//! answered alone: a run asks for each of its characters once, and whoever rules answers out by
//! that answers an easier question ([`assign`](super::assign)).

mod error;
mod export;
mod file;
mod predictions;

pub use error::{ExchangeError, PredictionProblem};
pub use export::{Format, export};
pub use file::{MOST_TASKS, TaskDrawings, TaskEntry, TaskFile, read};
pub use predictions::{answers_of, score_predictions};

#[doc(inline)]
pub use crate::embed::{EmbeddingFormat, EmbeddingWriter, json_line};
