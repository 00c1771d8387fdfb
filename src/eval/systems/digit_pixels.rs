//! Nearest neighbour in the pixels of digits.

use std::borrow::Cow;

use rayon::prelude::*;

use super::scorer::{Scorer, nearest};
use super::system::{Rules, System};
use crate::archive::Digits;
use crate::distort::grey::{KOCH_SIDE, enlarge};
use crate::eval::error::EvalError;
use crate::eval::scores::{Answers, Role};
use crate::eval::tasks::TaskSet;
use crate::sample::Task;
use crate::store::StoreError;

/// Nearest neighbour in the pixels of digits, by Euclidean distance: of several shots the nearest
/// counts. Exact, in whole numbers.
pub struct DigitPixels<'a> {
    name: String,
    images: Cow<'a, [u8]>,
    pixels: usize,
}

impl<'a> DigitPixels<'a> {
    /// The digits at `side` pixels: as they are, or enlarged first ([`enlarge`]).
    ///
    /// # Panics
    /// If `side` is below that of the digits, or above 105.
    #[must_use]
    pub fn new(digits: &'a Digits, side: usize) -> DigitPixels<'a> {
        let (from, pixels) = (digits.side(), side * side);
        let images = if side == from {
            Cow::Borrowed(digits.images())
        } else {
            let mut large = vec![0; digits.len() * pixels];
            (large.par_chunks_exact_mut(pixels).enumerate())
                .for_each(|(at, out)| out.copy_from_slice(&enlarge(digits.image(at), from, side)));
            Cow::Owned(large)
        };
        DigitPixels {
            name: format!("pixel 1-NN, L2, {side} x {side}"),
            images,
            pixels,
        }
    }

    /// The digits as they are, and at the 35 pixels of Koch (2015, section 4.4) if they have fewer.
    #[must_use]
    pub fn baselines(digits: &'a Digits) -> Vec<DigitPixels<'a>> {
        let side = digits.side();
        let enlarged = (side < KOCH_SIDE).then_some(KOCH_SIDE);
        let sides = [Some(side), enlarged].into_iter().flatten();
        sides.map(|side| DigitPixels::new(digits, side)).collect()
    }

    fn image(&self, at: u32) -> &[u8] {
        &self.images[at as usize * self.pixels..][..self.pixels]
    }
}

impl Scorer for DigitPixels<'_> {
    type Similarity = i64;

    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<i64>, StoreError> {
        let query = self.image(task.query);
        nearest(task, shots, |at| {
            Ok(-squared_distance(query, self.image(at)))
        })
    }
}

impl System for DigitPixels<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        Role::Baseline
    }

    fn answers(&self, set: &TaskSet, rules: Rules<'_>) -> Result<Option<Answers>, EvalError> {
        Answers::dealt(self, set, rules.ties, rules.ranks).map(Some)
    }
}

/// The sum of the squared differences: at most 11,025 · 255².
fn squared_distance(a: &[u8], b: &[u8]) -> i64 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2));
    i64::from(squares.sum::<u32>())
}
