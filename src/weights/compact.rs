//! The shape of the compact embedder.

use serde::{Deserialize, Serialize};

use super::error::ShapeError;

/// The shape of a compact embedder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompactShape {
    /// Width and height of its images in pixels, a multiple of 16.
    pub side: usize,
    /// Channels after the stem, `w`.
    pub width: i64,
    /// Length of an embedding, `d`.
    pub dimensions: i64,
    /// Share of the flattened features that training silences, 0 to below 1.
    pub dropout: f64,
}

impl CompactShape {
    /// Refuses a shape that no network can have.
    ///
    /// # Errors
    /// If the side is not a multiple of 16 up to 96, a number of channels or dimensions is 0
    /// or beyond any use (1,024 and 65,536), or dropout is not from 0 to below 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let side = self.side.is_multiple_of(16) && (16..=96).contains(&self.side);
        let width = (1..=1024).contains(&self.width);
        let dimensions = (1..=65_536).contains(&self.dimensions);
        let dropout = (0.0..1.0).contains(&self.dropout);
        ShapeError::unless(side, "side", self.side, "a multiple of 16, from 16 to 96")?;
        ShapeError::unless(width, "width", self.width, "1 to 1,024")?;
        ShapeError::unless(dimensions, "dimensions", self.dimensions, "1 to 65,536")?;
        ShapeError::unless(dropout, "dropout", self.dropout, "from 0 to below 1")
    }

    /// Length of the flattened features: what dropout silences a part of.
    #[must_use]
    pub fn features(&self) -> i64 {
        let side = (self.side / 16) as i64;
        8 * self.width * side * side
    }

    /// Values of all variables together, those of norms included; below 2^55 for any shape that
    /// passes its check.
    pub(super) fn values(&self) -> u64 {
        let width = self.width as u64;
        let norm = |channels: u64| 4 * channels; // scale, shift, mean, variance
        let block = |(from, to): (u64, u64)| {
            let (from, to) = (from * width, to * width);
            from * to * 9 + to * to * 9 + from * to + 3 * norm(to)
        };
        let blocks: u64 = [(1, 2), (2, 4), (4, 8)].into_iter().map(block).sum();
        let dimensions = self.dimensions as u64;
        let project = self.features() as u64 * dimensions + norm(dimensions);
        25 * width + norm(width) + blocks + project
    }
}
