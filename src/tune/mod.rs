//! The search for settings: Bayesian optimisation of one-shot accuracy on held-out background
//! alphabets, never on the evaluation set.
//!
//! A study is a folder. Its journal says what was tried and what came of it, and is all that a
//! study needs to go on after any end, by one process or by several at once.
#![doc = include_str!("README.md")]

mod error;
mod folder;
mod gaussian;
mod importance;
mod journal;
mod propose;
mod range;
mod run;
mod space;
mod stopping;

pub use error::TuneError;
pub use folder::{Folder, Next, TrialLock};
pub use importance::importance;
pub use journal::{Entry, JOURNAL_VERSION, Journal, JournalError, Outcome, Study, Trial};
pub use propose::{FIRST, MOST_TRIES, Past, propose};
pub use range::{MOST_CHOICES, Range, Value};
pub use run::{Event, TuneOptions, study, tune};
pub use space::{Dimension, MOST_DIMENSIONS, Space, SpaceError};
pub use stopping::{GRACE_TRIALS, pruned};
