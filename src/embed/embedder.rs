//! What embeds drawings, whatever it runs on.

use super::comparison::Comparison;
use crate::distort::Distorter;
use crate::weights::Card;

/// A trained network that embeds drawings.
///
/// `model::Model` runs on libtorch, [`Session`](crate::onnx::Session) on nothing but this program.
pub trait Embedder {
    /// What it is and what it has seen.
    fn card(&self) -> &Card;

    /// How its embeddings are compared. That of a matching network is the one of its drawings
    /// seen alone.
    fn comparison(&self) -> Comparison;

    /// Embeds images `[n, side, side]`, row by row, as [`distorter`] draws them, to
    /// `[n, dimensions]`: each alone, whatever the others are.
    ///
    /// # Panics
    /// If they are not whole images.
    fn embed_images(&self, images: &[f32]) -> Vec<f32>;

    /// The most drawings, and the most pixels, that are best embedded at once, since what a network
    /// holds of them grows with both.
    fn at_once(&self) -> (usize, usize);
}

/// Draws as the network of a card takes its drawings.
///
/// # Panics
/// If the card was not read from a file.
#[must_use]
pub fn distorter(card: &Card) -> Distorter {
    Distorter::new(card.distortion)
        .and_then(|distorter| distorter.at(card.network.side()))
        .expect("a card is checked when it is read")
}
