//! The graph of a network, from its shape and its tensors. Batch norm, which is a line once its
//! statistics stand still, is folded into the layer before it.

use super::graph::{Graph, Operator, Value};
use crate::embed::Comparison;
use crate::weights::{
    Card, CompactShape, HeadShape, KochShape, ModelError, TensorFile, TowerShape,
};

/// What libtorch adds to a variance before its root is taken.
const NORM_EPSILON: f64 = 1e-5;

/// The images, whose number is 0 in every graph.
const IMAGES: Value = 0;

/// Where tensors come from: the values of one, by its name and shape.
pub type Tensors<'a> = dyn FnMut(&str, &[i64]) -> Result<Vec<f32>, ModelError> + 'a;

impl Graph {
    /// The graph of the network in a file of weights; a matching network's without its context.
    ///
    /// # Errors
    /// If the file holds no such network.
    pub fn of(file: &TensorFile) -> Result<Graph, ModelError> {
        let mut taken = 0;
        let mut take = |name: &str, shape: &[i64]| {
            taken += 1;
            file.tensor(name, shape)
        };
        let graph = Graph::build(Card::of(file)?, &mut take)?;
        if taken != file.tensors() {
            let has = file.tensors();
            return Err(file.other(format!("{has} tensors, not {taken}")));
        }
        Ok(graph)
    }

    /// The graph of a network of a card whose tensors `take` gives.
    ///
    /// # Errors
    /// As `take`.
    pub fn build(card: Card, take: &mut Tensors<'_>) -> Result<Graph, ModelError> {
        let shape = card.network;
        let graph = Graph {
            card,
            comparison: Comparison::Cosine,
            nodes: Vec::new(),
            weights: Vec::new(),
        };
        let mut build = Build { graph, take };
        let rows = match (shape.tower, shape.head) {
            (TowerShape::Compact(compact), HeadShape::Cosine) => build.compact("", compact)?,
            (TowerShape::Compact(compact), HeadShape::Distance | HeadShape::Context(_)) => {
                build.compact("embedder.", compact)?
            }
            (TowerShape::Koch(koch), _) => build.koch(koch)?,
        };
        let dimensions = shape.dimensions();
        match shape.head {
            HeadShape::Cosine => build.unit_rows(rows),
            HeadShape::Context(_) => {
                build.check_context(dimensions)?;
                build.unit_rows(rows);
            }
            HeadShape::Distance => {
                build.graph.push(EMBEDDINGS, Operator::Sigmoid, &[rows]);
                let weights = build.take("score.weight", &[1, dimensions])?;
                let bias = build.take("score.bias", &[1])?[0];
                build.graph.comparison = Comparison::Distance { weights, bias };
            }
        }
        Ok(build.graph)
    }
}

/// The name of what a graph makes.
pub(super) const EMBEDDINGS: &str = "embeddings";

/// A graph under way.
struct Build<'a, 'b> {
    graph: Graph,
    take: &'a mut Tensors<'b>,
}

/// A convolution: the names of its variables, its channels, width and stride, and the zeros around.
struct Convolution<'a> {
    prefix: &'a str,
    name: &'a str,
    from: i64,
    to: i64,
    width: i64,
    stride: usize,
    padding: usize,
}

impl Build<'_, '_> {
    fn take(&mut self, name: &str, shape: &[i64]) -> Result<Vec<f32>, ModelError> {
        (self.take)(name, shape)
    }

    /// The compact tower: see `model::Compact`.
    fn compact(&mut self, prefix: &str, shape: CompactShape) -> Result<Value, ModelError> {
        let stem = Convolution {
            prefix,
            name: "stem",
            from: 1,
            to: shape.width,
            width: 5,
            stride: 2,
            padding: 2,
        };
        let made = self.normed(IMAGES, &stem, "stem_norm")?;
        let mut x = self.graph.push("stem_relu", Operator::Relu, &[made]);
        for (at, (from, to)) in [(1, 2), (2, 4), (4, 8)].into_iter().enumerate() {
            x = self.block(x, &format!("{prefix}blocks.{at}."), (from, to), shape.width)?;
        }
        let flat = self.graph.push("features", Operator::Flatten, &[x]);
        let (from, to) = (shape.features(), shape.dimensions);
        let name = format!("{prefix}project.weight");
        let mut weight = self.take(&name, &[to, from])?;
        let bias = self.fold(&mut weight, &format!("{prefix}project_norm"), to)?;
        Ok(self.gemm(flat, "project", (from, to), weight, bias))
    }

    /// A residual block.
    fn block(
        &mut self,
        input: Value,
        prefix: &str,
        (from, to): (i64, i64),
        channels: i64,
    ) -> Result<Value, ModelError> {
        let (from, to) = (from * channels, to * channels);
        let layer = |name, from, width: i64, stride| Convolution {
            prefix,
            name,
            from,
            to,
            width,
            stride,
            padding: width as usize / 2,
        };
        let made = self.normed(input, &layer("conv1", from, 3, 2), "norm1")?;
        let made = self.push(prefix, "relu1", Operator::Relu, &[made]);
        let inner = self.normed(made, &layer("conv2", to, 3, 1), "norm2")?;
        let short = self.normed(input, &layer("shortcut", from, 1, 2), "shortcut_norm")?;
        let sum = self.push(prefix, "sum", Operator::Add, &[inner, short]);
        Ok(self.push(prefix, "relu2", Operator::Relu, &[sum]))
    }

    /// Koch's tower: see `model::Koch`.
    fn koch(&mut self, shape: KochShape) -> Result<Value, ModelError> {
        let inputs = [1, shape.filters[0], shape.filters[1], shape.filters[2]];
        let mut x = IMAGES;
        for (at, from) in inputs.into_iter().enumerate() {
            let name = format!("conv{}", at + 1);
            let (to, width) = (shape.filters[at], shape.kernels[at]);
            let kernel = self.take(&format!("{name}.weight"), &[to, from, width, width])?;
            let bias = self.take(&format!("{name}.bias"), &[to])?;
            x = self.convolve(x, &name, &[to, from, width, width], (kernel, bias), (1, 0));
            x = self.push("", &format!("relu{}", at + 1), Operator::Relu, &[x]);
            if at < 3 {
                x = self.push("", &format!("pool{}", at + 1), Operator::MaxPool, &[x]);
            }
        }
        let flat = self.graph.push("features", Operator::Flatten, &[x]);
        let (from, to) = (shape.flat(), shape.units);
        let weight = self.take("fc.weight", &[to, from])?;
        let bias = self.take("fc.bias", &[to])?;
        Ok(self.gemm(flat, "fc", (from, to), weight, bias))
    }

    /// Rows scaled to length 1; a row of zeros stays one.
    fn unit_rows(&mut self, rows: Value) {
        let length = self.graph.push("length", Operator::ReduceL2, &[rows]);
        let length = self.graph.push("divisor", Operator::Clip, &[length]);
        (self.graph).push(EMBEDDINGS, Operator::Div, &[rows, length]);
    }

    /// Refuses a matching network whose context is not of its shape, though nothing is made of it.
    fn check_context(&mut self, units: i64) -> Result<(), ModelError> {
        for (part, state) in [("forward", 1), ("backward", 1), ("query", 2)] {
            let path = format!("context.{part}");
            self.take(&format!("{path}.input.weight"), &[4 * units, units])?;
            self.take(&format!("{path}.input.bias"), &[4 * units])?;
            let hidden = format!("{path}.hidden.weight");
            self.take(&hidden, &[4 * units, state * units])?;
        }
        Ok(())
    }

    /// A convolution without bias and the norm after it.
    fn normed(
        &mut self,
        input: Value,
        layer: &Convolution<'_>,
        norm: &str,
    ) -> Result<Value, ModelError> {
        let prefix = layer.prefix;
        let shape = [layer.to, layer.from, layer.width, layer.width];
        let name = format!("{prefix}{}", layer.name);
        let mut kernel = self.take(&format!("{name}.weight"), &shape)?;
        let bias = self.fold(&mut kernel, &format!("{prefix}{norm}"), layer.to)?;
        let around = (layer.stride, layer.padding);
        Ok(self.convolve(input, &name, &shape, (kernel, bias), around))
    }

    /// Multiplies each output's weights by what the norm after them multiplies by, and says what it
    /// adds.
    fn fold(&mut self, weight: &mut [f32], norm: &str, to: i64) -> Result<Vec<f32>, ModelError> {
        let mut part = |name: &str| self.take(&format!("{norm}.{name}"), &[to]);
        let (scale, shift) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let each = weight.len() / to as usize;
        let rows = weight.chunks_exact_mut(each).enumerate();
        Ok(rows
            .map(|(at, row)| {
                let root = (f64::from(variance[at]) + NORM_EPSILON).sqrt();
                let scale = f64::from(scale[at]) / root;
                row.iter_mut()
                    .for_each(|value| *value = (f64::from(*value) * scale) as f32);
                (f64::from(shift[at]) - f64::from(mean[at]) * scale) as f32
            })
            .collect())
    }

    fn push(&mut self, prefix: &str, name: &str, operator: Operator, inputs: &[Value]) -> Value {
        self.graph
            .push(&format!("{prefix}{name}"), operator, inputs)
    }

    fn convolve(
        &mut self,
        input: Value,
        name: &str,
        shape: &[i64],
        (kernel, bias): (Vec<f32>, Vec<f32>),
        (stride, padding): (usize, usize),
    ) -> Value {
        let kernel = self.graph.keep(format!("{name}.weight"), shape, kernel);
        let bias = self.graph.keep(format!("{name}.bias"), &shape[..1], bias);
        let operator = Operator::Conv {
            kernel,
            bias,
            stride,
            padding,
        };
        self.graph.push(name, operator, &[input])
    }

    fn gemm(
        &mut self,
        input: Value,
        name: &str,
        (from, to): (i64, i64),
        weight: Vec<f32>,
        bias: Vec<f32>,
    ) -> Value {
        let weight = (self.graph).keep(format!("{name}.weight"), &[to, from], weight);
        let bias = self.graph.keep(format!("{name}.bias"), &[to], bias);
        let operator = Operator::Gemm { weight, bias };
        self.graph.push(name, operator, &[input])
    }
}
