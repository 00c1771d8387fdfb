//! The shape of Koch's tower.

use serde::{Deserialize, Serialize};

use super::error::ShapeError;

/// The layers that an optimizer has numbers for.
pub(super) const LAYERS: [&str; 6] = ["conv1", "conv2", "conv3", "conv4", "fc", "score"];

/// The shape of a Koch network, and how its first weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KochShape {
    /// Width and height of its images in pixels; 105 in the paper.
    pub side: usize,
    /// Channels of the four convolutions; 64, 128, 128 and 256 in the paper.
    pub filters: [i64; 4],
    /// Widths of their kernels; 10, 7, 4 and 4 in the paper.
    pub kernels: [i64; 4],
    /// Features of a drawing; 4096 in the paper.
    pub units: i64,
    /// Standard deviation of the first weights of both linear layers, 0 to 1: 0.2 in the paper.
    pub linear_deviation: f64,
}

impl KochShape {
    /// As published.
    pub const PUBLISHED: KochShape = KochShape {
        side: 105,
        filters: [64, 128, 128, 256],
        kernels: [10, 7, 4, 4],
        units: 4096,
        linear_deviation: 0.2,
    };

    /// Width of what each convolution, and the pool after it, leaves; `None` if nothing is left.
    pub(crate) fn sides(&self) -> Option<[i64; 4]> {
        let mut side = i64::try_from(self.side).ok()?;
        let mut sides = [0; 4];
        for (at, (kernel, left)) in self.kernels.iter().zip(&mut sides).enumerate() {
            side = side.checked_sub(*kernel)?.checked_add(1)?;
            side /= if at < 3 { 2 } else { 1 };
            if *kernel < 1 || side < 1 {
                return None;
            }
            *left = side;
        }
        Some(sides)
    }

    /// Refuses a shape that no network can have.
    ///
    /// # Errors
    /// If the kernels leave nothing of an image, a number of channels or units is 0 or beyond
    /// any use (1,024 and 65,536), or the deviation is not from 0 to 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let side = (2..=105).contains(&self.side);
        let filters = self.filters.iter().all(|n| (1..=1024).contains(n));
        let units = (1..=65_536).contains(&self.units);
        let deviation = (0.0..=1.0).contains(&self.linear_deviation);
        let [kernels_are, filters_are] = [self.kernels, self.filters].map(|all| format!("{all:?}"));
        ShapeError::unless(side, "side", self.side, "2 to 105")?;
        let kernels = "widths of 1 and more that leave something of an image";
        ShapeError::unless(self.sides().is_some(), "kernels", kernels_are, kernels)?;
        ShapeError::unless(filters, "filters", filters_are, "each 1 to 1,024")?;
        ShapeError::unless(units, "units", self.units, "1 to 65,536")?;
        let field = "linear_deviation";
        ShapeError::unless(deviation, field, self.linear_deviation, "0 to 1")
    }

    /// Length of the flattened output of the last convolution.
    pub(crate) fn flat(&self) -> i64 {
        let side = self.sides().map_or(0, |sides| sides[3]);
        self.filters[3] * side * side
    }

    /// Values of the tower's variables together; below 2^55 for any shape that passes its check.
    pub(super) fn values(&self) -> u64 {
        let inputs = [1, self.filters[0], self.filters[1], self.filters[2]];
        let convolutions: i64 = (0..4)
            .map(|at| (inputs[at] * self.kernels[at] * self.kernels[at] + 1) * self.filters[at])
            .sum();
        (convolutions + (self.flat() + 1) * self.units) as u64
    }
}
