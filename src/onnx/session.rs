//! A graph, run by this program alone.

use std::path::Path;

use rayon::prelude::*;

use super::graph::{Graph, Operator, Value, Weights};
use super::kernels::{Convolution, Maps};
use crate::embed::{Comparison, Embedder};
use crate::files::Bytes;
use crate::weights::{Card, FILE_LIMIT, ModelError, PRETRAINED, PRETRAINED_NAME, TensorFile};

/// Images that one thread takes through the graph at once.
const AT_ONCE: usize = 16;
/// The same for all threads: what a network holds of them grows with it.
const MOST: (usize, usize) = (1024, 12_000_000);

/// A trained network, ready to embed on the CPU, without libtorch.
///
/// An image's embedding is the same bit for bit whatever else is embedded, and on any number of
/// threads.
///
/// ```
/// use omnishot::embed::{Embedder, Embeddings};
/// use omnishot::onnx::Session;
///
/// let session = Session::pretrained();
/// let side = session.card().network.side();
/// let blank = vec![0f32; 2 * side * side];
/// let vectors = session.embed_images(&blank); // unit vectors, [2, dimensions]
/// assert_eq!(vectors.len() as i64, 2 * session.card().network.dimensions());
/// ```
pub struct Session {
    card: Card,
    comparison: Comparison,
    steps: Vec<Step>,
}

/// An operation with its numbers.
#[derive(Debug)]
enum Step {
    Conv(Convolution, Input),
    Gemm(Vec<f32>, Vec<f32>, Input),
    MaxPool(Input),
    Relu(Input),
    Add(Input, Input),
    Flatten(Input),
    Sigmoid(Input),
    ReduceL2(Input),
    Clip(Input),
    Div(Input, Input),
}

/// What a step reads, and whether it is the last that does.
#[derive(Clone, Copy, Debug)]
struct Input {
    value: Value,
    last: bool,
}

impl Session {
    /// A session of a graph.
    #[must_use]
    pub fn new(mut graph: Graph) -> Session {
        let mut last_use = vec![0; graph.nodes.len() + 1];
        for (at, node) in graph.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&value| last_use[value] = at);
        }
        let nodes = std::mem::take(&mut graph.nodes);
        let steps = nodes.iter().enumerate().map(|(at, node)| {
            let input = |place: usize| {
                let value = node.inputs[place];
                let last = last_use[value] == at;
                Input { value, last }
            };
            Step::of(node.operator, input, &mut graph.weights)
        });
        Session {
            steps: steps.collect(),
            card: graph.card,
            comparison: graph.comparison,
        }
    }

    /// The network that comes with the program, trained on Omniglot's background set: see
    /// `src/weights/PRETRAINED.md`.
    ///
    /// # Panics
    /// Never, unless the program was built from another file than the project's.
    #[must_use]
    pub fn pretrained() -> Session {
        Session::from_bytes(PRETRAINED_NAME, PRETRAINED.to_vec())
            .expect("the file is the project's own")
    }

    /// Reads a file of weights that siamese-train wrote.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or is not such a file.
    pub fn load(path: &Path) -> Result<Session, ModelError> {
        let file = TensorFile::open(path, FILE_LIMIT, false)?;
        Ok(Session::new(Graph::of(&file)?))
    }

    /// Reads the bytes of such a file; errors name it `name`.
    ///
    /// # Errors
    /// As [`Session::load`], without those of reading.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Session, ModelError> {
        let file = TensorFile::of(Path::new(name), Bytes::Owned(bytes), false)?;
        Ok(Session::new(Graph::of(&file)?))
    }

    /// Takes a few images through all steps.
    fn run(&self, pixels: &[f32]) -> Vec<f32> {
        let mut values = vec![Some(Maps::images(self.card.network.side(), pixels))];
        for step in &self.steps {
            let made = step.run(&mut values);
            values.push(Some(made));
        }
        let made = values.pop().flatten();
        made.map(|made| made.values).unwrap_or_default()
    }
}

impl Embedder for Session {
    fn card(&self) -> &Card {
        &self.card
    }

    fn comparison(&self) -> Comparison {
        self.comparison.clone()
    }

    fn embed_images(&self, images: &[f32]) -> Vec<f32> {
        let side = self.card.network.side();
        let each = side * side;
        assert!(images.len().is_multiple_of(each), "no whole images");
        // Few images go to all threads, many in pieces that fit a cache.
        let threads = rayon::current_num_threads();
        let at_once = (images.len() / each).div_ceil(threads).clamp(1, AT_ONCE);
        (images.par_chunks(at_once * each))
            .flat_map_iter(|images| self.run(images))
            .collect()
    }

    fn at_once(&self) -> (usize, usize) {
        MOST
    }
}

/// A value to be changed: the value itself where no one reads it again, else a copy.
fn take(values: &mut [Option<Maps>], input: Input) -> Maps {
    let value = &mut values[input.value];
    let taken = if input.last {
        value.take()
    } else {
        value.clone()
    };
    taken.expect("a value is there until it is last read")
}

/// What `read` makes of a value, which is dropped where no one reads it again.
fn read<T>(values: &mut [Option<Maps>], input: Input, read: impl FnOnce(&Maps) -> T) -> T {
    let value = &mut values[input.value];
    let made = read(
        value
            .as_ref()
            .expect("a value is there until it is last read"),
    );
    if input.last {
        *value = None;
    }
    made
}

impl Step {
    /// A step, with its weights taken out of the graph's.
    fn of(operator: Operator, input: impl Fn(usize) -> Input, weights: &mut [Weights]) -> Step {
        let mut numbers = |place: usize| std::mem::take(&mut weights[place].values);
        match operator {
            Operator::Conv {
                kernel,
                bias,
                stride,
                padding,
            } => {
                let (values, bias) = (numbers(kernel), numbers(bias));
                let width = weights[kernel].shape[3];
                let convolution = Convolution::new(&values, bias, width, (stride, padding));
                Step::Conv(convolution, input(0))
            }
            Operator::Gemm { weight, bias } => Step::Gemm(numbers(weight), numbers(bias), input(0)),
            Operator::MaxPool => Step::MaxPool(input(0)),
            Operator::Relu => Step::Relu(input(0)),
            Operator::Add => Step::Add(input(0), input(1)),
            Operator::Flatten => Step::Flatten(input(0)),
            Operator::Sigmoid => Step::Sigmoid(input(0)),
            Operator::ReduceL2 => Step::ReduceL2(input(0)),
            Operator::Clip => Step::Clip(input(0)),
            Operator::Div => Step::Div(input(0), input(1)),
        }
    }

    fn run(&self, values: &mut [Option<Maps>]) -> Maps {
        match self {
            Step::Conv(layer, input) => read(values, *input, |maps| layer.run(maps)),
            Step::Gemm(weight, bias, input) => read(values, *input, |rows| rows.gemm(weight, bias)),
            Step::MaxPool(input) => read(values, *input, Maps::max_pool),
            Step::Relu(input) => take(values, *input).relu(),
            Step::Add(a, b) => {
                let sum = take(values, *a);
                read(values, *b, |other| sum.add(other))
            }
            Step::Flatten(input) => read(values, *input, Maps::flatten),
            Step::Sigmoid(input) => take(values, *input).sigmoid(),
            Step::ReduceL2(input) => read(values, *input, Maps::lengths),
            Step::Clip(input) => take(values, *input).clip(),
            Step::Div(rows, by) => {
                let rows = take(values, *rows);
                read(values, *by, |by| rows.divide(by))
            }
        }
    }
}
