//! Which class does a picture show? What a one-shot learner is for.

use super::systems::Embeddings;
use crate::archive::{Class, Scanned};
use crate::model::Model;
use crate::store::DrawingId;

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

/// Ranks the classes of a support for each picture, the nearest first; of equal scores the
/// first class first. Each picture alone, whatever the others are.
///
/// # Errors
/// If the network is a matching network.
///
/// # Panics
/// If a class has no pictures.
pub fn classify(
    model: &Model,
    support: &[Class],
    pictures: &[Scanned],
) -> Result<Vec<Vec<Ranked>>, ContextError> {
    refuse_context(model)?;
    let mut all: Vec<Scanned> = Vec::new();
    let mut classes: Vec<Vec<DrawingId>> = Vec::new();
    for class in support {
        let first = all.len() as DrawingId;
        all.extend_from_slice(&class.pictures);
        classes.push((first..all.len() as DrawingId).collect());
    }
    let first = all.len() as DrawingId;
    all.extend_from_slice(pictures);
    let embeddings = Embeddings::of_pictures(model, &all);
    let rank = |query| {
        let score = |drawings: &Vec<_>| embeddings.class_similarity(query, drawings);
        let mut ranked: Vec<Ranked> = (classes.iter().map(score).enumerate())
            .map(|(class, score)| Ranked { class, score })
            .collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        ranked
    };
    Ok((first..all.len() as DrawingId).map(rank).collect())
}

pub(super) fn refuse_context(model: &Model) -> Result<(), ContextError> {
    match model.network.context() {
        None => Ok(()),
        Some(_) => Err(ContextError),
    }
}
