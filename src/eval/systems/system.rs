//! What an evaluation asks of a system, whatever it is.

use crate::embed::Ties;
use crate::eval::error::EvalError;
use crate::eval::scores::{Answers, ProtocolRun, Role};
use crate::eval::tasks::TaskSet;
use crate::model::Card;
use crate::ranks::Ranks;
use crate::store::{DrawingId, StoreError};

/// What holds for all systems of an evaluation.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// What a tie counts for.
    pub ties: Ties,
    /// Who shares the work.
    pub ranks: &'a Ranks,
}

/// How alike two drawings are, the same in either order; greater is more alike.
pub type Similarity<'a> = Box<dyn Fn(DrawingId, DrawingId) -> Result<f64, StoreError> + 'a>;

/// How alike a drawing and a class of some drawings are; greater is more alike.
pub type ClassSimilarity<'a> = Box<dyn Fn(DrawingId, &[DrawingId]) -> f64 + 'a>;

/// Who answers the questions of protocols, as a line of their tables.
pub trait System {
    /// What tables call it. No two systems of an evaluation have one name.
    fn name(&self) -> &str;

    /// What it is in a table.
    fn role(&self) -> Role;

    /// Its answers to all questions of a protocol; `None` if it does not take part in it. Each
    /// rank asks for the same, and has the same answers for any number of ranks.
    ///
    /// # Errors
    /// If a drawing cannot be read, or another rank is gone.
    fn answers(&self, set: &TaskSet, rules: Rules<'_>) -> Result<Option<Answers>, EvalError>;

    /// Whether it has a line in the curve over ways.
    fn has_curve(&self) -> bool {
        false
    }

    /// What verification tells pairs by; `None` if it does not take part in that.
    fn similarity(&self) -> Option<Similarity<'_>> {
        None
    }

    /// What episodes with another number of drawings for each way are answered by; `None` if it
    /// does not take part in them.
    fn class_similarity(&self) -> Option<ClassSimilarity<'_>> {
        None
    }

    /// What its network is and has seen; `None` without a network.
    fn card(&self) -> Option<&Card> {
        None
    }
}

impl ProtocolRun {
    /// Asks a system all questions, if it takes part in the protocol.
    ///
    /// # Errors
    /// As [`System::answers`].
    pub fn ask(&mut self, system: &dyn System, rules: Rules<'_>) -> Result<(), EvalError> {
        if let Some(answers) = system.answers(&self.set, rules)? {
            self.add(system.name(), system.role(), answers);
        }
        Ok(())
    }
}
