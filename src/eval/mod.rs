//! Scores that can be trusted: exact protocols, ties against the model, intervals.

mod embedding;
mod mnist;
mod oneshot;
mod pixel;
mod score;

pub use embedding::Embeddings;
pub use mnist::{DigitLine, DigitRefusal, DigitTask, DigitTasks, DigitTrials, score_digits};
pub use oneshot::{
    Judge, PixelJudge, RunAnswers, answer_runs, drawings_of_runs, score_tasks, total, validate,
};
pub use pixel::{Likeness, Pixel};
pub use score::{Score, stands_out};
