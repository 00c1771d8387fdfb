//! A graph as an ONNX file.

use std::path::Path;

use prost::Message;
use serde_json::json;

use super::build::EMBEDDINGS;
use super::graph::{Graph, LEAST_LENGTH, Node, Operator, Weights};
use super::proto;
use crate::embed::Comparison;
use crate::files::{PublishError, publish};

/// The version of ONNX's operators, and that of its files that came with it.
const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// The names of a graph's input, and of what [`Operator::Clip`] clips by.
const IMAGES: &str = "images";
const LEAST: &str = "least_length";

impl Graph {
    /// Writes the graph as an ONNX file of opset 17, whole or not at all.
    ///
    /// Input `images` is `[n, 1, side, side]`, output `embeddings` `[n, dimensions]`, both in f32.
    /// The metadata has the card as `omnishot`, and as `comparison` how embeddings are compared:
    /// `{"kind": "cosine"}`, or `{"kind": "distance", "weights": [..], "bias": ..}` of Koch's
    /// weighted distance.
    ///
    /// # Errors
    /// If there is a file already and it may not be overwritten, or the system refuses to write.
    pub fn save(&self, path: &Path, overwrite: bool) -> Result<(), PublishError> {
        let bytes = self.model().encode_to_vec();
        publish(path, overwrite, |file| file.write_all(&bytes))
    }

    fn model(&self) -> proto::Model {
        let card = serde_json::to_string(&self.card).expect("a card is plain data");
        let comparison = match &self.comparison {
            Comparison::Cosine => json!({ "kind": "cosine" }),
            Comparison::Distance { weights, bias } => {
                json!({ "kind": "distance", "weights": weights, "bias": bias })
            }
        };
        let entry = |key: &str, value| proto::Entry {
            key: key.to_owned(),
            value,
        };
        proto::Model {
            ir_version: IR_VERSION,
            producer_name: "omnishot".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.graph()),
            opset_import: vec![proto::OperatorSet {
                domain: String::new(),
                version: OPSET,
            }],
            metadata_props: vec![
                entry("omnishot", card),
                entry("comparison", comparison.to_string()),
            ],
        }
    }

    fn graph(&self) -> proto::Graph {
        let mut initializer: Vec<_> = self.weights.iter().map(tensor).collect();
        let clips = |node: &Node| node.operator == Operator::Clip;
        if self.nodes.iter().any(clips) {
            initializer.push(tensor(&Weights {
                name: LEAST.to_owned(),
                shape: Vec::new(),
                values: vec![LEAST_LENGTH],
            }));
        }
        let (side, dimensions) = (self.card.network.side(), self.card.network.dimensions());
        let side = side as i64;
        proto::Graph {
            node: self.nodes.iter().map(|node| self.node(node)).collect(),
            name: "omnishot".to_owned(),
            initializer,
            input: vec![value(IMAGES, &[1, side, side])],
            output: vec![value(EMBEDDINGS, &[dimensions])],
        }
    }

    fn node(&self, node: &Node) -> proto::Node {
        let name = |&value: &usize| match value {
            0 => IMAGES.to_owned(),
            node => self.nodes[node - 1].name.clone(),
        };
        let mut input: Vec<String> = node.inputs.iter().map(name).collect();
        let weights = |place: usize| self.weights[place].name.clone();
        let (op_type, attribute) = match node.operator {
            Operator::Conv {
                kernel,
                bias,
                stride,
                padding,
            } => {
                input.extend([weights(kernel), weights(bias)]);
                let width = self.weights[kernel].shape[3] as i64;
                let [stride, padding] = [stride as i64, padding as i64];
                let attributes = vec![
                    ints("kernel_shape", &[width; 2]),
                    ints("pads", &[padding; 4]),
                    ints("strides", &[stride; 2]),
                ];
                ("Conv", attributes)
            }
            Operator::MaxPool => (
                "MaxPool",
                vec![ints("kernel_shape", &[2; 2]), ints("strides", &[2; 2])],
            ),
            Operator::Relu => ("Relu", Vec::new()),
            Operator::Add => ("Add", Vec::new()),
            Operator::Flatten => ("Flatten", vec![int("axis", 1)]),
            Operator::Gemm { weight, bias } => {
                input.extend([weights(weight), weights(bias)]);
                ("Gemm", vec![int("transB", 1)])
            }
            Operator::Sigmoid => ("Sigmoid", Vec::new()),
            Operator::ReduceL2 => ("ReduceL2", vec![ints("axes", &[1]), int("keepdims", 1)]),
            Operator::Clip => {
                input.push(LEAST.to_owned());
                ("Clip", Vec::new())
            }
            Operator::Div => ("Div", Vec::new()),
        };
        proto::Node {
            input,
            output: vec![node.name.clone()],
            name: node.name.clone(),
            op_type: op_type.to_owned(),
            attribute,
        }
    }
}

fn int(name: &str, value: i64) -> proto::Attribute {
    proto::Attribute {
        name: name.to_owned(),
        i: Some(value),
        ints: Vec::new(),
        kind: proto::INT,
    }
}

fn ints(name: &str, values: &[i64]) -> proto::Attribute {
    proto::Attribute {
        name: name.to_owned(),
        i: None,
        ints: values.to_vec(),
        kind: proto::INTS,
    }
}

fn tensor(weights: &Weights) -> proto::Tensor {
    proto::Tensor {
        dims: weights.shape.iter().map(|&n| n as i64).collect(),
        data_type: proto::FLOAT,
        name: weights.name.clone(),
        raw_data: (weights.values.iter())
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    }
}

/// A value of any number of items of a shape.
fn value(name: &str, shape: &[i64]) -> proto::ValueInfo {
    let any = proto::Dimension {
        dim_value: None,
        dim_param: Some("n".to_owned()),
    };
    let lengths = shape.iter().map(|&length| proto::Dimension {
        dim_value: Some(length),
        dim_param: None,
    });
    let shape = proto::Shape {
        dim: std::iter::once(any).chain(lengths).collect(),
    };
    proto::ValueInfo {
        name: name.to_owned(),
        r#type: Some(proto::Type {
            tensor_type: Some(proto::TensorType {
                elem_type: proto::FLOAT,
                shape: Some(shape),
            }),
        }),
    }
}
