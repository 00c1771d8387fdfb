//! What a report draws beside its figures.

use crate::archive::Page;

/// Drawings to look at: of the first network of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    /// The network's name; empty if there is none.
    pub network: String,
    /// Tasks it failed, at most a few dozen, the official runs' first.
    pub failures: Vec<Failure>,
    /// Drawings and the ones nearest to them.
    pub neighbours: Vec<Neighbours>,
    /// An alphabet that it has not seen, as it sees it.
    pub map: Option<EmbeddingMap>,
}

/// A task that a network failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Protocol and run or alphabet, as `lake-runs, run07`.
    pub place: String,
    /// The drawing to classify.
    pub query: Page,
    /// One drawing of each way.
    pub support: Vec<Page>,
    /// The right way.
    pub answer: usize,
    /// The way it chose; none if two shared the first place.
    pub chosen: Option<usize>,
    /// Its likeness of the query to each way.
    pub likenesses: Vec<f64>,
}

/// A drawing and those nearest to it among all drawings of unseen alphabets, itself left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// The drawing.
    pub query: Page,
    /// Its alphabet and character.
    pub label: String,
    /// The nearest first.
    pub nearest: Vec<Neighbour>,
}

/// A drawing near another.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// The drawing.
    pub page: Page,
    /// Its alphabet and character.
    pub label: String,
    /// How alike the network finds the two.
    pub likeness: f64,
    /// Whether both show one character.
    pub same: bool,
}

/// Drawings of one alphabet laid out in the plane, near each other if the network finds them
/// alike (t-SNE).
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingMap {
    /// The alphabet.
    pub alphabet: String,
    /// Names of its characters.
    pub characters: Vec<String>,
    /// Its drawings.
    pub points: Vec<MapPoint>,
}

/// One drawing of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct MapPoint {
    /// Place, each from 0 to 1.
    pub at: [f64; 2],
    /// Index into the characters.
    pub character: usize,
    /// The drawing.
    pub page: Page,
}
