//! A network, as it is or with the mean over distorted copies of each drawing.

use super::context;
use super::scorer::Scorer;
use super::system::{ClassSimilarity, Rules, Similarity, System};
use crate::embed::Embeddings;
use crate::eval::error::EvalError;
use crate::eval::plan::Entrant;
use crate::eval::scores::{Answers, Role};
use crate::eval::tasks::TaskSet;
use crate::model::{Card, Model};
use crate::ranks::Ranks;
use crate::store::{DrawingId, Store, StoreError};

/// A network that answers each question alone, by embeddings of the drawings.
pub struct Network<'a> {
    name: String,
    role: Role,
    model: &'a Model,
    embeddings: Embeddings,
}

impl<'a> Network<'a> {
    /// An entrant by these embeddings, which are those of its model.
    #[must_use]
    pub fn new(entrant: &'a Entrant, embeddings: Embeddings) -> Network<'a> {
        Network {
            name: entrant.name.clone(),
            role: entrant.role,
            model: &entrant.model,
            embeddings,
        }
    }

    /// An entrant by the mean over `copies` distorted copies of each drawing, and the drawing
    /// itself: see [`Embeddings::averaged`].
    ///
    /// # Errors
    /// As [`Embeddings::averaged`].
    ///
    /// # Panics
    /// As [`Embeddings::averaged`].
    pub fn averaged(
        entrant: &'a Entrant,
        store: &Store,
        drawings: impl IntoIterator<Item = DrawingId>,
        copies: usize,
        seed: u64,
        ranks: &Ranks,
    ) -> Result<Network<'a>, EvalError> {
        let model = &entrant.model;
        let embeddings = Embeddings::averaged(model, store, drawings, copies, seed, ranks)?;
        Ok(Network {
            name: format!("{}, mean over {copies} distorted copies", entrant.name),
            role: entrant.role.variant(),
            model,
            embeddings,
        })
    }

    /// What it answers by.
    #[must_use]
    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// Whether it answers with the whole support in view.
    #[must_use]
    pub fn has_context(&self) -> bool {
        self.model.network.context().is_some()
    }

    /// The similarity of each question's query to each of its ways.
    ///
    /// # Errors
    /// As [`similarities`](crate::eval::similarities).
    ///
    /// # Panics
    /// If a drawing was not embedded.
    pub fn similarities(&self, set: &TaskSet) -> Result<Vec<Vec<f64>>, StoreError> {
        context::similarities(self.model, &self.embeddings, set)
    }

    /// The [`Network::similarities`] of some questions of a set.
    ///
    /// # Errors
    /// As [`Network::similarities`].
    ///
    /// # Panics
    /// As [`Network::similarities`], and if there is no such question.
    pub fn similarities_of(
        &self,
        set: &TaskSet,
        questions: &[usize],
    ) -> Result<Vec<Vec<f64>>, StoreError> {
        match context::answer_some(self.model, &self.embeddings, set, questions) {
            Some(ways) => Ok(ways),
            None => (questions.iter())
                .map(|&at| self.embeddings.similarities(&set.tasks[at], set.shots))
                .collect(),
        }
    }
}

impl System for Network<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        self.role
    }

    fn answers(&self, set: &TaskSet, rules: Rules<'_>) -> Result<Option<Answers>, EvalError> {
        let similarities = self.similarities(set)?;
        Ok(Some(Answers::by(&similarities, set, rules.ties)))
    }

    fn has_curve(&self) -> bool {
        self.role == Role::Network
    }

    fn similarity(&self) -> Option<Similarity<'_>> {
        let alike = |a, b| Ok(self.embeddings.similarity(a, b));
        (self.role != Role::Variant).then(|| -> Similarity<'_> { Box::new(alike) })
    }

    fn class_similarity(&self) -> Option<ClassSimilarity<'_>> {
        let alike = |query, drawings: &[_]| self.embeddings.class_similarity(query, drawings);
        let takes_part = self.role != Role::Variant && !self.has_context();
        takes_part.then(|| -> ClassSimilarity<'_> { Box::new(alike) })
    }

    fn card(&self) -> Option<&Card> {
        Some(&self.model.card)
    }
}
