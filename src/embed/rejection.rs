//! None of these: how alike must a picture be to its nearest class to be taken for one of it?
//!
//! Tasks of one way more than are wanted are drawn from alphabets that the network has not seen.
//! Without the query's own way its query is unknown, and what it is most like shows how like
//! unknowns are; without another way it is known. A threshold is chosen by the unknowns of one
//! half of the tasks and tried on the other half.

use std::path::PathBuf;

use rayon::prelude::*;

use super::classify::{ContextError, refuse_context};
use super::embedder::Embedder;
use super::embeddings::Embeddings;
use super::score::{Score, stands_out};
use crate::archive::{Class, ScanOptions, Split};
use crate::sample::{Scope, TaskError, TaskSampler, TaskShape, alphabets_of};
use crate::store::{AlphabetId, Store, StoreError};

/// Why no threshold can be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RejectionError {
    /// The store is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network has no similarity to a class.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// Every background alphabet was trained on.
    #[error(
        "the network was trained on every background alphabet of the store, and is surer of them \
         than of new ones; take one that was trained with held-out alphabets, a store of other \
         alphabets, or a threshold of your own"
    )]
    NothingUnseen,
    /// Too few characters that the network has not seen.
    #[error("of what the network has not seen, {0}")]
    TooFew(TaskError),
}

/// A store's pictures were made otherwise than those that a threshold found on it would be for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: its pictures were made {made}, those to classify are made {wanted}: a threshold that is found \
     on it does not hold for them; pack it again {wanted}, or have those to classify made {made} too",
    path.display()
)]
pub struct OtherPictures {
    /// The store's file.
    pub path: PathBuf,
    /// How its pictures were made.
    pub made: ScanOptions,
    /// How those to classify are made.
    pub wanted: ScanOptions,
}

impl OtherPictures {
    /// Refuses a store to find a threshold on for pictures that are made as `wanted`, if it says that
    /// its own were made otherwise.
    ///
    /// # Errors
    /// If it says so.
    pub fn refuse(store: &Store, wanted: ScanOptions) -> Result<(), OtherPictures> {
        match store.pictures() {
            Some(made) if made != wanted => Err(OtherPictures {
                path: store.path().to_owned(),
                made,
                wanted,
            }),
            _ => Ok(()),
        }
    }
}

/// What a threshold is chosen for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectionPlan {
    /// Classes to choose among.
    pub ways: usize,
    /// Drawings that are known of each.
    pub shots: usize,
    /// The greatest share of unknown drawings that may be taken for one of the classes, 0 to 1.
    pub accepted: f64,
    /// Tasks to draw, half of them to choose by.
    pub tasks: u64,
    /// What they are drawn from.
    pub seed: u64,
}

impl RejectionPlan {
    /// What programs choose a threshold by, for a support of so many ways and shots: 20,000 tasks.
    #[must_use]
    pub fn of_support(ways: usize, shots: usize, accepted: f64, seed: u64) -> RejectionPlan {
        RejectionPlan {
            ways,
            shots,
            accepted,
            tasks: 20_000,
            seed,
        }
    }

    /// [`RejectionPlan::of_support`] for these classes: as many shots as the class has that has the
    /// fewest pictures.
    #[must_use]
    pub fn of_classes(support: &[Class], accepted: f64, seed: u64) -> RejectionPlan {
        let fewest = support.iter().map(|class| class.pictures.len()).min();
        RejectionPlan::of_support(support.len(), fewest.unwrap_or(1), accepted, seed)
    }
}

/// A threshold and what it does to drawings that it was not chosen by.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// A picture whose greatest score is not above it shows none of the classes.
    pub score: f64,
    /// Ways of the tasks: those asked for, or as many as there were characters for.
    pub ways: usize,
    /// Whether the ways of a task were of one alphabet; else of several.
    pub within: bool,
    /// The alphabets that it was chosen on.
    pub alphabets: Vec<String>,
    /// Unknown drawings that were taken for one of the classes.
    pub unknowns: Score,
    /// Drawings of a class of the support that were taken for one of that class.
    pub right: Score,
    /// Drawings of a class of the support that were taken for none.
    pub refused: Score,
}

/// Background alphabets of a store that a network was not trained on.
fn unseen(embedder: &dyn Embedder, store: &Store) -> Vec<AlphabetId> {
    let mut alphabets = alphabets_of(store, Split::Background);
    alphabets.retain(|&id| !embedder.card().training.contains(&store.alphabet(id).name));
    alphabets
}

impl Threshold {
    /// Finds the least threshold that keeps out as many unknowns as the plan wants, on the store's
    /// background alphabets that the network was not trained on. Within alphabets, where one of
    /// them has a character more than the plan has ways; else between them; else with the ways there are.
    ///
    /// # Errors
    /// If there are no such alphabets, or fewer than three characters in them with one drawing more than
    /// the plan has shots; if the network has no similarity to a class; if the store is damaged.
    ///
    /// # Panics
    /// If the plan has no ways, no shots, or fewer than two tasks.
    pub fn find(
        embedder: &dyn Embedder,
        store: &Store,
        plan: RejectionPlan,
    ) -> Result<Threshold, RejectionError> {
        assert!(
            plan.ways > 0 && plan.shots > 0 && plan.tasks >= 2,
            "{plan:?}"
        );
        refuse_context(embedder)?;
        let alphabets = unseen(embedder, store);
        if alphabets.is_empty() {
            return Err(RejectionError::NothingUnseen);
        }
        let sampler = sampler(store, &alphabets, plan)?;
        let TaskShape { ways, shots, scope } = sampler.shape();
        let tasks: Vec<_> = (0..plan.tasks).map(|index| sampler.draw(index)).collect();
        let drawings = tasks
            .iter()
            .flat_map(|task| task.support.iter().chain([&task.query]));
        let embeddings = Embeddings::of(embedder, store, drawings.copied())?;
        let scored: Vec<TaskScores> = (tasks.par_iter())
            .map(|task| {
                let similarity = |way| embeddings.class_similarity(task.query, way);
                let scores: Vec<f64> = task.support.chunks_exact(shots).map(similarity).collect();
                TaskScores::of(&scores, task.answer)
            })
            .collect();
        let (choice, trial) = scored.split_at(scored.len() / 2);
        let mut unknowns: Vec<f64> = choice.iter().map(|task| task.unknown).collect();
        unknowns.sort_by(|a, b| b.total_cmp(a));
        let most = (plan.accepted.clamp(0.0, 1.0) * unknowns.len() as f64) as usize;
        // As many as may be taken lie above it.
        let score = unknowns.get(most).copied().unwrap_or(f64::NEG_INFINITY);
        let mut found = Threshold {
            score,
            ways: ways - 1,
            within: scope == Scope::Within,
            alphabets: alphabets
                .iter()
                .map(|&id| store.alphabet(id).name.clone())
                .collect(),
            unknowns: Score::default(),
            right: Score::default(),
            refused: Score::default(),
        };
        for task in trial {
            found.unknowns.count(task.unknown > score);
            found.right.count(task.right && task.known > score);
            found.refused.count(task.known <= score);
        }
        Ok(found)
    }
}

/// Tasks of one way more than the plan has.
fn sampler(
    store: &Store,
    alphabets: &[AlphabetId],
    plan: RejectionPlan,
) -> Result<TaskSampler, RejectionError> {
    let shape = |ways, scope| TaskShape {
        ways,
        shots: plan.shots,
        scope,
    };
    let draw = |shape| TaskSampler::new(store, alphabets, shape, plan.seed);
    let characters = (alphabets.iter()).flat_map(|&id| store.alphabet(id).characters.clone());
    let enough = characters.filter(|&id| store.character(id).drawings.len() > plan.shots);
    let most = enough.count().max(3);
    draw(shape(plan.ways + 1, Scope::Within))
        .or_else(|_| draw(shape((plan.ways + 1).min(most), Scope::Between)))
        .map_err(RejectionError::TooFew)
}

/// What a task says: the greatest score of its query as an unknown and as one of a class.
struct TaskScores {
    unknown: f64,
    known: f64,
    right: bool,
}

impl TaskScores {
    /// `scores` are of one way more than there are: an unknown query has all but its own, a known
    /// drawing all but the last that is not its own.
    fn of(scores: &[f64], answer: usize) -> TaskScores {
        let without = |left: usize| -> Vec<f64> {
            let mut scores = scores.to_vec();
            scores.remove(left);
            scores
        };
        let most = |scores: &[f64]| scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let last = scores.len() - 1;
        let left = if answer == last { last - 1 } else { last };
        let place = answer - usize::from(answer > left);
        let known = without(left);
        TaskScores {
            unknown: most(&without(answer)),
            known: most(&known),
            right: stands_out(&known) == Some(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Page;

    #[test]
    fn a_support_has_the_shots_of_its_smallest_class() {
        let class = |pictures| Class {
            name: String::new(),
            pictures: vec![Page::BLANK.into(); pictures],
        };
        let plan = RejectionPlan::of_classes(&[class(3), class(2), class(5)], 0.1, 7);
        assert_eq!(plan, RejectionPlan::of_support(3, 2, 0.1, 7));
    }
}
