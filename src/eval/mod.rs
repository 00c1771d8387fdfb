//! Scores that can be trusted: exact protocols, ties against the model, intervals.
//!
//! A protocol is a [`TaskSet`]; a [`Judge`] says how like each query is to each way; [`Answers`]
//! follow by one rule for all systems, and [`evaluate`](fn@evaluate) adds them up. [`exchange`]
//! asks the same of other people's models.
#![doc = include_str!("README.md")]

mod classify;
mod error;
mod evaluate;
pub mod exchange;
mod gallery;
mod oneshot;
mod plan;
mod questions;
mod rejection;
mod scores;
mod systems;
mod tasks;

pub use classify::{NoLikeness, Ranked, classify};
pub use error::EvalError;
pub use evaluate::evaluate;
pub use gallery::{EmbeddingMap, Failure, Gallery, MapPoint, Neighbour, Neighbours};
pub use oneshot::{answer, answer_embedded, validate};
pub use plan::{Contestant, DigitPlan, Event, Plan};
pub use questions::is_together;
pub use rejection::{StrangerError, StrangerPlan, Threshold};
pub use scores::{
    Asked, Curve, CurveLine, Evaluation, GroupScore, Judged, PAIRS, PairSet, PairedTest,
    ProtocolScores, Provenance, RESAMPLES, Role, Score, ScoredNetwork, Spread, SystemScore, Ties,
    TrainingRecord, Verification, VerificationScore, bootstrap, group_interval, leaders, mcnemar,
    spread, stands_out,
};
pub use systems::{
    Answers, Embeddings, FineTuned, Hausdorff, Judge, Likeness, Pixel, PixelJudge, PointSet,
    answer_in_context, assign, likenesses,
};
pub use tasks::{
    CurveTasks, DigitPixels, DigitRefusal, DigitTasks, DigitTrials, Protocol, TaskSet,
    UnknownProtocol, WAYS, ask_digit_pixels,
};
