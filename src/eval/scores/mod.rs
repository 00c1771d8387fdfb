//! What answers add up to: scores with their intervals, paired tests, the values of a report.

mod answers;
mod protocol;
mod results;
mod statistics;
mod verification;

pub use answers::Answers;
pub use protocol::ProtocolRun;
pub use results::{
    AmongFirst, Curve, CurveLine, EpisodeScore, Episodes, Evaluation, GroupScore, PairedTest,
    ProtocolScores, Provenance, Role, ScoredNetwork, SharedErrors, Spread, SystemScore,
    TrainingRecord, Verification, VerificationScore,
};
pub use statistics::{RESAMPLES, bootstrap, group_interval, mcnemar, mean_interval, spread};
pub use verification::{PAIRS, PairSet, ScoredPairs};
