//! What is asked: the questions of each protocol, drawn from a store or from digits.

mod curve;
mod episodes;
mod mnist;
mod task_set;
mod turned;

pub use curve::{CurveTasks, WAYS};
pub use episodes::{Episode, EpisodeSet};
pub use mnist::{DigitTasks, DigitTrials};
pub use task_set::{Protocol, TaskSet, UnknownProtocol};
pub(in crate::eval) use turned::{TURNS, parts};
