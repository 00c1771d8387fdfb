//! Scores that can be trusted: exact protocols, ties against the model, intervals.
//!
//! A protocol is a [`TaskSet`]; a [`Judge`] says how like each query is to each way; [`Answers`]
//! follow by one rule for all systems, and [`evaluate`](fn@evaluate) adds them up. [`exchange`]
//! asks the same of other people's models.
#![doc = include_str!("README.md")]

mod asked;
mod assignment;
mod classify;
mod context;
mod curve;
mod embedding;
mod error;
mod evaluate;
pub mod exchange;
mod finetune;
mod gallery;
mod hausdorff;
mod judge;
mod layout;
mod mnist;
mod oneshot;
mod pieces;
mod pixel;
mod plan;
mod questions;
mod results;
mod score;
mod statistics;
mod strangers;
mod sums;
mod task_set;
mod verification;

pub use asked::Asked;
pub use assignment::assign;
pub use classify::{NoLikeness, Ranked, classify};
pub use context::{answer_in_context, likenesses};
pub use curve::{CurveTasks, WAYS};
pub use embedding::Embeddings;
pub use error::EvalError;
pub use evaluate::evaluate;
pub use finetune::FineTuned;
pub use gallery::{EmbeddingMap, Failure, Gallery, MapPoint, Neighbour, Neighbours};
pub use hausdorff::{Hausdorff, PointSet};
pub use judge::{Answers, Judge, PixelJudge};
pub use layout::layout;
pub use mnist::{DigitPixels, DigitRefusal, DigitTasks, DigitTrials, ask_digit_pixels};
pub use oneshot::{answer, answer_embedded, validate};
pub use pixel::{Likeness, Pixel};
pub use plan::{Contestant, DigitPlan, Event, Plan};
pub use questions::is_together;
pub use results::{
    Curve, CurveLine, Evaluation, GroupScore, PairedTest, ProtocolScores, Provenance, Role,
    ScoredNetwork, Spread, SystemScore, TrainingRecord, Verification, VerificationScore,
};
pub use score::{Score, Ties, leaders, stands_out};
pub use statistics::{RESAMPLES, bootstrap, group_interval, mcnemar, spread};
pub use strangers::{StrangerError, StrangerPlan, Threshold};
pub use task_set::{Protocol, TaskSet, UnknownProtocol};
pub use verification::{Judged, PAIRS, PairSet};
