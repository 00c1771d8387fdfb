//! Matching Networks with full context embeddings (Vinyals et al. 2016, section 2.1 and
//! appendix A): how a drawing is embedded depends on the support set it is held against.
//!
//! ```text
//! images [n, 1, s, s]
//!   compact embedder, f' = g'                         unit vectors [n, d]
//! support x_1 .. x_n in its order:
//!   g(x_i) = forward LSTM_i + backward LSTM_i + g'(x_i)
//! query, K steps from h_0 = c_0 = 0:
//!   r = sum of a_i g(x_i), a = softmax of scale cos(h, g(x_i))
//!   o, c = LSTM(f'(x), [h, r], c);  h = o + f'(x)
//! p(way) = sum over its shots of softmax of scale cos(h_K, g(x_i))
//! ```
//!
//! An LSTM reads its support in an order, and another order is another answer: who draws tasks
//! puts the ways in random order, as `sample` does, in training and in scoring alike.
//!
//! Two departures. The paper's embeddings are as long as they like, ours are unit vectors, so the
//! softmax of the answer has a scale; and a query looks at its support as it is answered, by
//! scaled cosine, where the paper has h . g(x_i), which has no bound and trains less steadily.

use tch::nn::{self, Init, Module, Path};
use tch::{Kind, Tensor, no_grad};

use super::compact::unit_rows;
use super::weights::ordered;
use crate::weights::ContextShape;

/// The part of a matching network that answers tasks, given embeddings.
#[derive(Debug)]
pub struct Context {
    forward: Lstm,
    backward: Lstm,
    query: Lstm,
    steps: usize,
    scale: f64,
}

impl Context {
    /// Makes its variables under `path`, for embeddings of `units` dimensions.
    pub(super) fn new(path: &Path, shape: ContextShape, units: i64) -> Context {
        Context {
            forward: Lstm::new(&(path / "forward"), units, units),
            backward: Lstm::new(&(path / "backward"), units, units),
            query: Lstm::new(&(path / "query"), units, 2 * units), // the state and what was read
            steps: shape.steps,
            scale: shape.scale,
        }
    }

    /// Answers `t` tasks of one query each: log-probabilities `[t, ways]`. `support` is
    /// `[t, ways * shots, d]`, way by way, and `queries` `[t, d]`, as [`super::Network::embed`] gives
    /// them. Each task is answered alone.
    ///
    /// # Panics
    /// If the shapes do not fit, or there is no support.
    pub fn answer(&self, support: &Tensor, queries: &Tensor, shots: i64) -> Tensor {
        let one_each = queries.unsqueeze(1); // [t, 1, d]
        self.answer_all(support, &one_each, shots).squeeze_dim(1)
    }

    /// Answers `t` tasks of `q` queries each, `[t, q, d]`: log-probabilities `[t, q, ways]`. A
    /// query's answer does not depend on the other queries.
    ///
    /// # Panics
    /// As [`Context::answer`].
    pub fn answer_all(&self, support: &Tensor, queries: &Tensor, shots: i64) -> Tensor {
        let support = self.embed_support(support); // [t, n, d]
        let queries = self.embed_queries(queries, &support); // [t, q, d]
        self.similarity(&queries, &support)
            .log_softmax(-1, Kind::Float)
            .unflatten(-1, [-1, shots])
            .logsumexp([-1i64].as_slice(), false)
    }

    /// The scaled cosines of each of `[t, q, d]` with each of `[t, n, d]`: `[t, q, n]`.
    fn similarity(&self, queries: &Tensor, support: &Tensor) -> Tensor {
        unit_rows(queries).matmul(&unit_rows(support).transpose(1, 2)) * self.scale
    }

    /// g(x, S) of each support drawing (appendix A.2).
    fn embed_support(&self, support: &Tensor) -> Tensor {
        let turned = self.backward.read(&support.flip([1])).flip([1]);
        self.forward.read(support) + turned + support
    }

    /// f(x, S) of each query (appendix A.1).
    fn embed_queries(&self, queries: &Tensor, support: &Tensor) -> Tensor {
        let given = self.query.input.forward(queries); // [t, q, 4d]
        let (mut state, mut cell) = (queries.zeros_like(), queries.zeros_like());
        for _ in 0..self.steps {
            let attention = self.similarity(&state, support).softmax(-1, Kind::Float);
            let read = attention.matmul(support); // [t, q, d]
            let (out, next) = self
                .query
                .step(&given, &Tensor::cat(&[state, read], -1), &cell);
            (state, cell) = (out + queries, next);
        }
        state
    }
}

/// A long short-term memory (Hochreiter & Schmidhuber 1997, with forget gates); its gates lie
/// in PyTorch's order: input, forget, cell, output.
#[derive(Debug)]
struct Lstm {
    /// From the input to the gates, with their biases.
    input: nn::Linear,
    /// From the state to the gates.
    hidden: nn::Linear,
}

impl Lstm {
    /// One of `units` inputs and cells, whose state has `state` values.
    fn new(path: &Path, units: i64, state: i64) -> Lstm {
        // Constants, since tch would draw first values from a generator of its own.
        let zero = Init::Const(0.0);
        let linear = |name: &str, inputs, bias| {
            let config = nn::LinearConfig {
                ws_init: zero,
                bs_init: Some(zero),
                bias,
            };
            nn::linear(path / name, inputs, 4 * units, config)
        };
        Lstm {
            input: linear("input", units, true),
            hidden: linear("hidden", state, false),
        }
    }

    /// One step: from the input's part of the gates `[.., 4d]`, the state and the cells
    /// `[.., d]` to the output and the next cells.
    fn step(&self, given: &Tensor, state: &Tensor, cell: &Tensor) -> (Tensor, Tensor) {
        let gates = (given + self.hidden.forward(state)).chunk(4, -1);
        let cell = gates[1].sigmoid() * cell + gates[0].sigmoid() * gates[2].tanh();
        (gates[3].sigmoid() * cell.tanh(), cell)
    }

    /// Reads sequences `[t, n, d]` from first to last: the output at each place.
    fn read(&self, sequences: &Tensor) -> Tensor {
        let given = self.input.forward(sequences); // [t, n, 4d]
        let nothing = sequences.select(1, 0).zeros_like(); // [t, d]
        let (mut out, mut cell) = (nothing.shallow_clone(), nothing);
        let mut outputs = Vec::new();
        for given in given.unbind(1) {
            (out, cell) = self.step(&given, &out, &cell);
            outputs.push(out.shallow_clone());
        }
        Tensor::stack(&outputs, 1)
    }
}

/// Makes first weights that were drawn as a compact tower's ([`super::initialise`]) those of a
/// context: the LSTMs' uniform within 0.1 / sqrt(fan-in), so that drawings are at first embedded
/// much as without context, which is learned more easily. Their forget gates stand open by a bias
/// of 1, so that the last of the support hears of the first (Gers et al. 2000).
pub(super) fn initialise(store: &nn::VarStore) {
    for (name, mut tensor) in ordered(store) {
        if !name.starts_with("context.") {
            continue;
        }
        no_grad(|| {
            if tensor.dim() > 1 {
                tensor *= 0.1 / 6.0f64.sqrt(); // from within sqrt(6 / fan-in)
            } else {
                let units = tensor.size()[0] / 4;
                let _ = tensor.narrow(0, units, units).fill_(1.0);
            }
        });
    }
}
