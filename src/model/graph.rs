//! A network of libtorch as a graph of operations, for programs that have neither libtorch nor ours.

use tch::{Device, Kind};

use super::file::Model;
use crate::onnx::Graph;

impl Model {
    /// The network as a graph, which [`Graph::save`] writes as an ONNX file; a matching network's
    /// without its context.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let variables = self.weights().variables();
        let mut take = |name: &str, _: &[i64]| {
            let flat = variables[name].detach().to_device(Device::Cpu);
            let flat = flat.to_kind(Kind::Float).flatten(0, -1);
            Ok(Vec::<f32>::try_from(flat).expect("the tensor is flat and f32"))
        };
        Graph::build(self.card.clone(), &mut take).expect("a network has all its variables")
    }
}
