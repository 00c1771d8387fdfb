//! What files and settings call the networks: by one `kind` for a tower and a head.
//!
//! ```text
//! kind        tower     head
//! compact     compact   cosine
//! koch        koch      distance
//! matching    compact   context     Matching Networks (Vinyals et al. 2016)
//! siamese     compact   distance    Koch's idea on the compact tower
//! ```

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use super::compact::CompactShape;
use super::context::ContextShape;
use super::error::ShapeError;
use super::koch::KochShape;
use super::shape::{HeadShape, NetworkShape, TowerShape};

/// The shape of a matching network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchingShape {
    /// Steps in which a query looks at its support, K, 1 to 100.
    pub steps: usize,
    /// Inverse temperature of attention over the support, above 0, to 1,000.
    pub scale: f64,
    /// What embeds drawings before they see each other; its dimensions are those of all LSTMs.
    pub embedder: CompactShape,
}

/// The shape of a siamese compact network, so that the two objectives, pairs and classes, can be
/// compared on one tower.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiameseShape {
    /// Both towers; its dimensions are the features of a drawing.
    pub embedder: CompactShape,
}

/// A shape as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum NetworkKind {
    Compact(CompactShape),
    Koch(KochShape),
    Matching(MatchingShape),
    Siamese(SiameseShape),
}

impl From<MatchingShape> for NetworkShape {
    fn from(shape: MatchingShape) -> NetworkShape {
        let MatchingShape {
            steps,
            scale,
            embedder,
        } = shape;
        NetworkShape {
            tower: TowerShape::Compact(embedder),
            head: HeadShape::Context(ContextShape { steps, scale }),
        }
    }
}

impl From<SiameseShape> for NetworkShape {
    fn from(SiameseShape { embedder }: SiameseShape) -> NetworkShape {
        NetworkShape {
            tower: TowerShape::Compact(embedder),
            head: HeadShape::Distance,
        }
    }
}

impl From<NetworkKind> for NetworkShape {
    fn from(kind: NetworkKind) -> NetworkShape {
        match kind {
            NetworkKind::Compact(shape) => shape.into(),
            NetworkKind::Koch(shape) => shape.into(),
            NetworkKind::Matching(shape) => shape.into(),
            NetworkKind::Siamese(shape) => shape.into(),
        }
    }
}

impl TryFrom<NetworkShape> for NetworkKind {
    type Error = ShapeError;

    fn try_from(NetworkShape { tower, head }: NetworkShape) -> Result<NetworkKind, ShapeError> {
        Ok(match (tower, head) {
            (TowerShape::Compact(shape), HeadShape::Cosine) => NetworkKind::Compact(shape),
            (TowerShape::Compact(embedder), HeadShape::Distance) => {
                NetworkKind::Siamese(SiameseShape { embedder })
            }
            (TowerShape::Compact(embedder), HeadShape::Context(ContextShape { steps, scale })) => {
                NetworkKind::Matching(MatchingShape {
                    steps,
                    scale,
                    embedder,
                })
            }
            (TowerShape::Koch(shape), HeadShape::Distance) => NetworkKind::Koch(shape),
            (TowerShape::Koch(_), HeadShape::Cosine | HeadShape::Context(_)) => {
                return Err(ShapeError {
                    field: "head",
                    value: format!("{head:?}"),
                    range: "a distance over a koch tower; networks of other heads have no name in files",
                });
            }
        })
    }
}

impl NetworkShape {
    /// Refuses a shape that no network can have, or that files have no name for.
    ///
    /// # Errors
    /// As the tower's and the head's own check.
    pub fn check(&self) -> Result<(), ShapeError> {
        NetworkKind::try_from(*self)?;
        match self.tower {
            TowerShape::Compact(shape) => shape.check()?,
            TowerShape::Koch(shape) => shape.check()?,
        }
        match self.head {
            HeadShape::Cosine | HeadShape::Distance => Ok(()),
            HeadShape::Context(shape) => shape.check(self.dimensions()),
        }
    }
}

impl Serialize for NetworkShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = NetworkKind::try_from(*self).map_err(ser::Error::custom)?;
        kind.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NetworkShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NetworkShape, D::Error> {
        NetworkKind::deserialize(deserializer).map(NetworkShape::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The very text of cards that were written before.
    #[test]
    fn each_kind_is_written_as_it_was_read() {
        let compact = r#""side":48,"width":32,"dimensions":256,"dropout":0.1"#;
        for text in [
            format!(r#"{{"kind":"compact",{compact}}}"#),
            r#"{"kind":"koch","side":105,"filters":[64,128,128,256],"kernels":[10,7,4,4],"units":4096,"linear_deviation":0.2}"#.to_owned(),
            format!(r#"{{"kind":"matching","steps":5,"scale":10.0,"embedder":{{{compact}}}}}"#),
            format!(r#"{{"kind":"siamese","embedder":{{{compact}}}}}"#),
        ] {
            let shape: NetworkShape = serde_json::from_str(&text).unwrap();
            assert_eq!(shape.check(), Ok(()));
            assert_eq!(serde_json::to_string(&shape).unwrap(), text);
        }
    }

    #[test]
    fn a_shape_without_a_name_is_not_written() {
        let unnamed = NetworkShape {
            head: HeadShape::Cosine,
            ..KochShape::PUBLISHED.into()
        };
        assert!(serde_json::to_string(&unnamed).is_err() && unnamed.check().is_err());
    }
}
