//! Scores that can be trusted: exact protocols, ties against the model, intervals.

mod context;
mod embedding;
mod oneshot;
mod pixel;
mod score;

pub use context::answer_in_context;
pub use embedding::Embeddings;
pub use oneshot::{
    Judge, PixelJudge, RunAnswers, answer_runs, drawings_of_runs, score_tasks, total, validate,
};
pub use pixel::{Likeness, Pixel};
pub use score::{Score, stands_out};
