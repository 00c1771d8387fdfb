//! Same or different, by every system that finds two drawings more or less alike.

use super::{Run, background_named};
use crate::eval::error::EvalError;
use crate::eval::plan::Entrant;
use crate::eval::scores::{PairSet, Verification};
use crate::eval::systems::{Rules, System};
use crate::model::Card;
use crate::sample::TableError;
use crate::store::{DrawingId, Store};

/// The pairs of verification, and what systems made of them so far.
pub(super) struct VerificationRun<'a> {
    store: &'a Store,
    seed: u64,
    test: PairSet,
    found: Verification,
}

impl<'a> VerificationRun<'a> {
    /// Koch's test set.
    pub fn draw(store: &'a Store, seed: u64) -> Result<VerificationRun<'a>, TableError> {
        let test = PairSet::test(store, seed)?;
        let found = Verification {
            pairs: test.pairs.len() as u64,
            scored_on: test.source.clone(),
            chosen_on: "the background alphabets that each network held out (all of them for \
                        pixels, and where none were), drawers 13 to 16"
                .to_owned(),
            systems: Vec::new(),
        };
        Ok(VerificationRun {
            store,
            seed,
            test,
            found,
        })
    }

    /// The pairs to choose a threshold by: of what a network held out, or of all background
    /// alphabets.
    fn choice(&self, card: Option<&Card>) -> Result<PairSet, EvalError> {
        let (alphabets, whose) = match card {
            Some(card) => (
                background_named(self.store, &card.validation),
                "held-out background",
            ),
            None => (Vec::new(), "all background"),
        };
        PairSet::choice(self.store, &alphabets, whose, self.seed).map_err(EvalError::Pairs)
    }

    pub fn found(self) -> Verification {
        self.found
    }
}

impl Run for VerificationRun<'_> {
    fn ask(&mut self, system: &dyn System, _: Rules<'_>) -> Result<(), EvalError> {
        let Some(similarity) = system.similarity() else {
            return Ok(());
        };
        let threshold = self.choice(system.card())?.scored(&similarity)?.threshold();
        let (name, role) = (system.name().to_owned(), system.role());
        let scored = self.test.scored(&similarity)?;
        let result = scored.result(name, role, threshold, self.seed);
        self.found.systems.push(result);
        Ok(())
    }

    fn drawings(&self, entrant: &Entrant) -> Result<Vec<DrawingId>, EvalError> {
        let choice = self.choice(Some(&entrant.model.card))?;
        Ok(self.test.drawings().chain(choice.drawings()).collect())
    }
}
