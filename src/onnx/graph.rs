//! A network as a graph of a few operations: what a file holds and what [`super::Session`] runs.

use crate::embed::Comparison;
use crate::weights::Card;

/// A trained network as operations, each of which reads what others made.
#[derive(Clone, Debug)]
pub struct Graph {
    /// What the network is and what it has seen.
    pub(super) card: Card,
    /// How its embeddings are compared.
    pub(super) comparison: Comparison,
    /// The operations, each after those that it reads; the last one makes the embeddings.
    pub(super) nodes: Vec<Node>,
    /// The numbers that they work with.
    pub(super) weights: Vec<Weights>,
}

/// What is passed along: 0 is the images, `i + 1` what node `i` makes.
pub(super) type Value = usize;

/// An operation, and what it reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Its name, and that of what it makes.
    pub name: String,
    /// What it does.
    pub operator: Operator,
    /// What it reads.
    pub inputs: Vec<Value>,
}

/// What an operation does. Maps are `[n, channels, side, side]`, rows `[n, length]`; numbers of
/// weights are places in [`Graph::weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// Convolves maps; `kernel` is `[to, from, width, width]`, `bias` `[to]`.
    Conv {
        /// The place of its kernel.
        kernel: usize,
        /// The place of its bias.
        bias: usize,
        /// Pixels from one window to the next.
        stride: usize,
        /// Zeros around the maps.
        padding: usize,
    },
    /// The greatest of each two by two pixels; an odd last row or column is left out.
    MaxPool,
    /// Nothing below 0.
    Relu,
    /// The sum of two.
    Add,
    /// Rows of maps, channel by channel.
    Flatten,
    /// Rows times the transpose of `weight` `[to, from]`, plus `bias` `[to]`.
    Gemm {
        /// The place of its weights.
        weight: usize,
        /// The place of its bias.
        bias: usize,
    },
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// The length of each row: `[n, 1]`.
    ReduceL2,
    /// Nothing below [`LEAST_LENGTH`].
    Clip,
    /// The first over the second: rows `[n, length]` over `[n, 1]`.
    Div,
}

/// A row is not scaled up by more than one over this.
pub(super) const LEAST_LENGTH: f32 = 1e-12;

/// Numbers with a shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weights {
    /// Their name.
    pub name: String,
    /// Their shape.
    pub shape: Vec<usize>,
    /// The numbers, row by row.
    pub values: Vec<f32>,
}

impl Graph {
    /// Adds a node and says what it makes.
    pub(super) fn push(&mut self, name: &str, operator: Operator, inputs: &[Value]) -> Value {
        self.nodes.push(Node {
            name: name.to_owned(),
            operator,
            inputs: inputs.to_vec(),
        });
        self.nodes.len()
    }

    /// Adds numbers and says their place.
    pub(super) fn keep(&mut self, name: String, shape: &[i64], values: Vec<f32>) -> usize {
        let shape = shape.iter().map(|&n| n as usize).collect();
        self.weights.push(Weights {
            name,
            shape,
            values,
        });
        self.weights.len() - 1
    }
}
