//! The shape of what a matching network answers tasks with.

use super::error::ShapeError;

/// The shape of the part of a matching network that answers tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContextShape {
    /// Steps in which a query looks at its support, K, 1 to 100.
    pub steps: usize,
    /// Inverse temperature of attention over the support, above 0, to 1,000.
    pub scale: f64,
}

impl ContextShape {
    /// Refuses a shape that no network can have over embeddings of so many dimensions.
    ///
    /// # Errors
    /// If the steps or the scale are out of their range, or there are more than 1,024 dimensions,
    /// whose LSTMs would have 30 million weights.
    pub fn check(&self, dimensions: i64) -> Result<(), ShapeError> {
        let steps = (1..=100).contains(&self.steps);
        let scale = self.scale > 0.0 && self.scale <= 1000.0;
        ShapeError::unless(steps, "steps", self.steps, "1 to 100")?;
        ShapeError::unless(scale, "scale", self.scale, "above 0, to 1,000")?;
        let range = "at most 1,024 with a context";
        ShapeError::unless(dimensions <= 1024, "dimensions", dimensions, range)
    }

    /// Values of its variables together, over embeddings of so many dimensions.
    pub(super) fn values(dimensions: i64) -> u64 {
        let units = dimensions as u64;
        let lstm = |state: u64| 4 * units * (units + 1 + state);
        2 * lstm(units) + lstm(2 * units)
    }
}
