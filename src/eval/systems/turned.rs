//! Embeddings of drawings that are turned by quarters.

use super::batches::dealt;
use crate::embed::{Embedder, Embeddings, draw, plain};
use crate::eval::error::EvalError;
use crate::eval::tasks::{TURNS, parts};
use crate::ranks::Ranks;
use crate::store::{DrawingId, Store};

impl Embeddings {
    /// Embeds drawings that are turned by quarters, which a task of
    /// [`Protocol::Vinyals`](crate::eval::Protocol::Vinyals) numbers, dealt out among ranks.
    ///
    /// # Errors
    /// As [`Embeddings::watched`].
    ///
    /// # Panics
    /// If a number names no drawing of the store.
    pub fn turned(
        embedder: &dyn Embedder,
        store: &Store,
        numbers: impl IntoIterator<Item = u32>,
        ranks: &Ranks,
    ) -> Result<Embeddings, EvalError> {
        let side = embedder.card().network.side();
        let fill = |numbers: &[u32], pixels: &mut [f32]| {
            let ids: Vec<DrawingId> = numbers.iter().map(|&number| parts(number).0).collect();
            draw(embedder.card(), store, &ids, pixels, plain)?;
            for (&number, image) in numbers.iter().zip(pixels.chunks_exact_mut(side * side)) {
                turn(image, side, parts(number).1);
            }
            Ok(())
        };
        Embeddings::through(embedder, store.drawings() * TURNS, numbers, fill, |work| {
            dealt(work, ranks, |_, _| ())
        })
    }
}

/// Turns a square image by quarters against the clock.
fn turn(image: &mut [f32], side: usize, turns: u32) {
    for _ in 0..turns {
        let before = image.to_vec();
        for (at, pixel) in image.iter_mut().enumerate() {
            let (row, column) = (at / side, at % side);
            *pixel = before[column * side + side - 1 - row];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_turns_against_the_clock() {
        let image = |turns| {
            let mut image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
            turn(&mut image, 3, turns);
            image
        };
        assert_eq!(image(1), [3.0, 6.0, 9.0, 2.0, 5.0, 8.0, 1.0, 4.0, 7.0]);
        assert_eq!(image(2), [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
        assert_eq!(image(4), image(0));
    }
}
