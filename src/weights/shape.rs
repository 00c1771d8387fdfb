//! The shape of a network: a tower, which embeds each drawing alone, and a head, which compares
//! what the tower makes of several.
//!
//! A new tower or head is a variant here and one in `model` and in `onnx`, and the compiler names
//! every place that must know it; what files call it stands in `kinds`.

use super::compact::CompactShape;
use super::context::ContextShape;
use super::koch::{self, KochShape};

/// A network's shape.
///
/// Files and settings call the networks by the names of their papers: see [`MatchingShape`] and
/// [`SiameseShape`].
///
/// [`MatchingShape`]: super::MatchingShape
/// [`SiameseShape`]: super::SiameseShape
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkShape {
    /// What embeds a drawing.
    pub tower: TowerShape,
    /// What compares embeddings.
    pub head: HeadShape,
}

/// What embeds a drawing, whatever else is in the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TowerShape {
    /// The small residual embedder.
    Compact(CompactShape),
    /// Koch's convolutions.
    Koch(KochShape),
}

/// What compares embeddings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeadShape {
    /// The cosine of two unit vectors.
    Cosine,
    /// Koch's weighted distance between the features of two drawings.
    Distance,
    /// Full context embeddings: each drawing is seen in the light of the whole support.
    Context(ContextShape),
}

impl From<CompactShape> for NetworkShape {
    fn from(shape: CompactShape) -> NetworkShape {
        NetworkShape {
            tower: TowerShape::Compact(shape),
            head: HeadShape::Cosine,
        }
    }
}

impl From<KochShape> for NetworkShape {
    fn from(shape: KochShape) -> NetworkShape {
        NetworkShape {
            tower: TowerShape::Koch(shape),
            head: HeadShape::Distance,
        }
    }
}

impl NetworkShape {
    /// Values of all variables of such a network together: what it takes memory for.
    ///
    /// # Panics
    /// If the shape does not pass its check.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.check().expect("a shape is checked where it is read");
        let dimensions = self.dimensions();
        let head = match self.head {
            HeadShape::Cosine => 0,
            HeadShape::Distance => dimensions as u64 + 1, // its weight and bias
            HeadShape::Context(_) => ContextShape::values(dimensions),
        };
        let tower = match self.tower {
            TowerShape::Compact(shape) => shape.values(),
            TowerShape::Koch(shape) => shape.values(),
        };
        tower + head
    }

    /// Whether such networks can answer together: each compares two embeddings by their cosine, with
    /// no context.
    #[must_use]
    pub fn answers_together(&self) -> bool {
        self.head == HeadShape::Cosine
    }

    /// Width and height of its images in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        match self.tower {
            TowerShape::Compact(shape) => shape.side,
            TowerShape::Koch(shape) => shape.side,
        }
    }

    /// Length of what a drawing is embedded to.
    #[must_use]
    pub fn dimensions(&self) -> i64 {
        match self.tower {
            TowerShape::Compact(shape) => shape.dimensions,
            TowerShape::Koch(shape) => shape.units,
        }
    }

    /// What training silences of the features of a drawing: the share, and how many features
    /// there are; `None` if it silences nothing.
    #[must_use]
    pub fn dropout(&self) -> Option<(f64, i64)> {
        match self.tower {
            TowerShape::Compact(shape) => {
                (shape.dropout > 0.0).then(|| (shape.dropout, shape.features()))
            }
            TowerShape::Koch(_) => None,
        }
    }

    /// The layers that an optimizer can have numbers for, by the first part of their variables'
    /// names; none where layers are not told apart.
    #[must_use]
    pub fn layers(&self) -> &'static [&'static str] {
        match self.tower {
            TowerShape::Compact(_) => &[],
            TowerShape::Koch(_) => &koch::LAYERS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_field() {
        let shape = NetworkShape::from(KochShape {
            units: 0,
            ..KochShape::PUBLISHED
        });
        let refused = shape.check().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the network's units is 0; it must be 1 to 65,536"
        );
        let head = HeadShape::Cosine;
        let koch = NetworkShape::from(KochShape::PUBLISHED);
        assert_eq!(
            NetworkShape { head, ..koch }.check().unwrap_err().field,
            "head"
        );
        assert_eq!(koch.check(), Ok(()));
    }
}
