//! Scores that can be trusted: exact protocols, ties against the model, intervals.
//!
//! A protocol is a [`TaskSet`]; a [`System`] answers its questions; [`Answers`] follow from similarities
//! by one rule for all, and [`evaluate`](fn@evaluate) asks every system by every protocol and adds up.
//! [`exchange`] asks the same of other people's models.
//!
//! ```text
//! tasks      what is asked: questions drawn from a store or from digits
//! scores     what answers add up to, and the values of a report
//! systems    who answers: pixels, networks, what is made of networks
//! protocols  every protocol of a plan put to every system
//! gallery    drawings to look at beside the figures
//! ```
#![doc = include_str!("README.md")]

mod error;
mod evaluate;
pub mod exchange;
mod gallery;
mod oneshot;
mod plan;
mod protocols;
mod scores;
mod systems;
mod tasks;

pub use error::{DigitError, EvalError};
pub use evaluate::evaluate;
pub use gallery::{EmbeddingMap, Failure, Gallery, MapPoint, Neighbour, Neighbours};
pub use oneshot::{answer, answer_embedded, validate};
pub use plan::{DigitPlan, Entrant, Event, Plan};
pub use scores::{
    AmongFirst, Answers, Curve, CurveLine, EpisodeScore, Episodes, Evaluation, GroupScore, PAIRS,
    PairSet, PairedTest, ProtocolRun, ProtocolScores, Provenance, RESAMPLES, Role, ScoredNetwork,
    ScoredPairs, SharedErrors, Spread, SystemScore, TrainingRecord, Verification,
    VerificationScore, bootstrap, group_interval, mcnemar, mean_interval, spread,
};
pub use systems::{
    Assigned, ClassSimilarity, DigitPixels, Ensemble, ExactSimilarity, FineTuned, Hausdorff,
    Network, Pixel, PixelScorer, PointSet, Rules, Scorer, Similarity, System, answer_in_context,
    assign, is_ensemble, similarities,
};
pub use tasks::{
    CurveTasks, DigitTasks, DigitTrials, Episode, EpisodeSet, Protocol, TaskSet, UnknownProtocol,
    WAYS,
};

#[doc(inline)]
pub use crate::embed::{
    ContextError, Embeddings, Ranked, RejectionError, RejectionPlan, Score, Support, Threshold,
    Ties, classify, leaders, stands_out,
};
