//! Scores that can be trusted: exact protocols, ties against the model, intervals.

mod embedding;
mod gallery;
mod oneshot;
mod pixel;
mod results;
mod score;

pub use embedding::Embeddings;
pub use gallery::{EmbeddingMap, Failure, Gallery, MapPoint, Neighbour, Neighbours};
pub use oneshot::{
    Judge, PixelJudge, RunAnswers, answer_runs, drawings_of_runs, score_tasks, total, validate,
};
pub use pixel::{Likeness, Pixel};
pub use results::{
    Curve, CurveLine, Evaluation, GroupScore, PairedTest, ProtocolScores, Provenance, Role,
    ScoredNetwork, Spread, SystemScore, TrainingRecord, Verification, VerificationScore,
};
pub use score::{Score, Ties, stands_out};
