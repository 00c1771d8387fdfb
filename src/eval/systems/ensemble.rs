//! Several networks that answer at once, by the mean of their cosines.

use super::system::{Rules, System};
use crate::embed::Embeddings;
use crate::eval::error::EvalError;
use crate::eval::plan::Entrant;
use crate::eval::scores::{Answers, Role};
use crate::eval::tasks::TaskSet;
use crate::ranks::Ranks;
use crate::store::{DrawingId, Store};

/// What an ensemble is called in tables, after the number of its networks.
const NETWORKS: &str = "networks together";

/// Networks that compare embeddings by their cosine, and answer by the mean of their cosines.
pub struct Ensemble {
    name: String,
    embeddings: Embeddings,
}

impl Ensemble {
    /// What an ensemble of so many networks is called.
    #[must_use]
    pub fn name_of(networks: usize) -> String {
        format!("{networks} {NETWORKS}")
    }

    /// The entrants that can be part of one: networks, no baselines, that compare by a cosine.
    #[must_use]
    pub fn members(entrants: &[Entrant]) -> Vec<&Entrant> {
        let by_cosine = |entrant: &&Entrant| {
            entrant.role == Role::Network && entrant.model.card.network.answers_together()
        };
        entrants.iter().filter(by_cosine).collect()
    }

    /// An ensemble of [`Ensemble::members`].
    ///
    /// # Errors
    /// As [`Embeddings::watched`].
    ///
    /// # Panics
    /// As [`Embeddings::ensemble`] and [`Embeddings::watched`].
    pub fn embed(
        members: &[&Entrant],
        store: &Store,
        drawings: &[DrawingId],
        ranks: &Ranks,
    ) -> Result<Ensemble, EvalError> {
        let each = |entrant: &&Entrant| {
            let drawings = drawings.iter().copied();
            Embeddings::watched(&entrant.model, store, drawings, ranks, |_, _| ())
        };
        let each = members.iter().map(each).collect::<Result<Vec<_>, _>>()?;
        Ok(Ensemble {
            name: Ensemble::name_of(members.len()),
            embeddings: Embeddings::ensemble(&each),
        })
    }
}

impl System for Ensemble {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        Role::Variant
    }

    fn answers(&self, set: &TaskSet, rules: Rules<'_>) -> Result<Option<Answers>, EvalError> {
        Answers::dealt(&self.embeddings, set, rules.ties, rules.ranks).map(Some)
    }
}

/// Whether a variant of this name is an ensemble of networks.
#[must_use]
pub fn is_ensemble(system: &str) -> bool {
    let count = system.strip_suffix(NETWORKS).map(str::trim_end);
    count.is_some_and(|count| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
}
