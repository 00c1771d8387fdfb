//! Which class does a picture show? What a one-shot learner is for.

use super::comparison::Comparison;
use super::embedder::Embedder;
use super::embeddings::Embeddings;
use super::score::stands_out;
use crate::archive::{Class, Scanned};
use crate::weights::HeadShape;

/// A network is not one that classifies pictures one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a matching network answers by its whole support together and has no similarity to a class alone; \
     take a network of another kind"
)]
pub struct ContextError;

/// How like a picture is to a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// The class's place in the support.
    pub class: usize,
    /// How alike they are; greater is nearer. A cosine, -1 to 1, of a compact network; a logit
    /// of p(same) of Koch's and of a siamese one.
    pub score: f64,
}

impl Ranked {
    /// Classes by the scores of each, in the support's order: the nearest first; of equal scores the
    /// first class first.
    #[must_use]
    pub fn nearest_first(scores: impl IntoIterator<Item = f64>) -> Vec<Ranked> {
        let mut ranked: Vec<Ranked> = (scores.into_iter().enumerate())
            .map(|(class, score)| Ranked { class, score })
            .collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        ranked
    }
}

/// What is said of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The class at this place of the support.
    Class(usize),
    /// No score is above the threshold.
    None,
    /// Classes share the first place.
    Tied,
}

impl Answer {
    /// The answer by the ranked classes, the nearest first: none of them if no score is above the
    /// threshold.
    ///
    /// # Panics
    /// If there is a threshold, and no class.
    #[must_use]
    pub fn of(ranked: &[Ranked], threshold: Option<f64>) -> Answer {
        let scores: Vec<f64> = ranked.iter().map(|ranked| ranked.score).collect();
        if threshold.is_some_and(|least| scores[0] <= least) {
            return Answer::None;
        }
        match stands_out(&scores) {
            Some(place) => Answer::Class(ranked[place].class),
            None => Answer::Tied,
        }
    }

    /// The class's place, if a class is the answer.
    #[must_use]
    pub fn class(self) -> Option<usize> {
        match self {
            Answer::Class(class) => Some(class),
            Answer::None | Answer::Tied => None,
        }
    }

    /// Why, as programs tell each other.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Answer::Class(_) => "above all others",
            Answer::None => "none of these",
            Answer::Tied => "tied",
        }
    }
}

/// The known pictures of some classes, embedded once, to rank any number of queries by.
#[derive(Clone, Debug)]
pub struct Support {
    comparison: Comparison,
    /// Of each class the embeddings of its pictures.
    classes: Vec<Vec<Vec<f32>>>,
}

impl Support {
    /// Embeds the pictures of each class.
    ///
    /// # Errors
    /// If the network is a matching network.
    ///
    /// # Panics
    /// If a class has no pictures.
    pub fn new(embedder: &dyn Embedder, classes: &[Class]) -> Result<Support, ContextError> {
        refuse_context(embedder)?;
        assert!(classes.iter().all(|class| !class.pictures.is_empty()));
        let all: Vec<Scanned> = (classes.iter())
            .flat_map(|class| class.pictures.iter().cloned())
            .collect();
        let embeddings = Embeddings::of_pictures(embedder, &all);
        let mut rows = (embeddings.values())
            .chunks_exact(embeddings.dimensions())
            .map(<[f32]>::to_vec);
        Ok(Support {
            comparison: embedder.comparison(),
            classes: (classes.iter())
                .map(|class| rows.by_ref().take(class.pictures.len()).collect())
                .collect(),
        })
    }

    /// How many classes it has.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// Ranks the classes for a query that is embedded by the same network, as
    /// [`Ranked::nearest_first`] does.
    ///
    /// # Panics
    /// If the query is of another length than the support's embeddings.
    #[must_use]
    pub fn rank(&self, query: &[f32]) -> Vec<Ranked> {
        let score = |class: &Vec<Vec<f32>>| {
            let known: Vec<&[f32]> = class.iter().map(Vec::as_slice).collect();
            self.comparison.class_similarity(query, &known)
        };
        Ranked::nearest_first(self.classes.iter().map(score))
    }

    /// [`Support::rank`] for each of some pictures, which the support's network embeds: each
    /// picture alone, whatever the others are.
    #[must_use]
    pub fn rank_pictures(&self, embedder: &dyn Embedder, pictures: &[Scanned]) -> Vec<Vec<Ranked>> {
        let embeddings = Embeddings::of_pictures(embedder, pictures);
        let rows = embeddings.values().chunks_exact(embeddings.dimensions());
        rows.map(|row| self.rank(row)).collect()
    }
}

/// Ranks the classes of a support for each picture: see [`Support`].
///
/// # Errors
/// If the network is a matching network.
///
/// # Panics
/// If a class has no pictures.
pub fn classify(
    embedder: &dyn Embedder,
    support: &[Class],
    pictures: &[Scanned],
) -> Result<Vec<Vec<Ranked>>, ContextError> {
    Ok(Support::new(embedder, support)?.rank_pictures(embedder, pictures))
}

pub(super) fn refuse_context(embedder: &dyn Embedder) -> Result<(), ContextError> {
    match embedder.card().network.head {
        HeadShape::Cosine | HeadShape::Distance => Ok(()),
        HeadShape::Context(_) => Err(ContextError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_first_and_equal_scores_keep_their_order() {
        let ranked = Ranked::nearest_first([0.5, -1.0, 2.0, 0.5]);
        let places: Vec<(usize, f64)> = ranked.iter().map(|r| (r.class, r.score)).collect();
        assert_eq!(places, [(2, 2.0), (0, 0.5), (3, 0.5), (1, -1.0)]);
        assert!(Ranked::nearest_first([]).is_empty());
    }
}
