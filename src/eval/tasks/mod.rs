//! What is asked: the questions of each protocol, drawn from a store or from digits.

mod curve;
mod mnist;
mod task_set;

pub use curve::{CurveTasks, WAYS};
pub use mnist::{DigitTasks, DigitTrials};
pub use task_set::{Protocol, TaskSet, UnknownProtocol};
