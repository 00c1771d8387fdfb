//! Networks without libtorch: the embeddings of this program's own runtime beside libtorch's, and
//! the ONNX file of the graph that it runs.

use std::path::Path;

use omnishot::embed::{Comparison, Embedder};
use omnishot::model::{Model, ordered};
use omnishot::onnx::{Graph, Session};
use omnishot::seed::{Purpose, Stream};
use omnishot::weights::TensorFile;
use prost::Message;
use tch::Tensor;

use crate::common::untrained;

/// A network of each kind, small, with numbers in every variable that are as good as any.
fn networks() -> Vec<(&'static str, Model)> {
    let compact = [
        "network.side=32",
        "network.width=3",
        "network.dimensions=10",
    ];
    let inside = [
        "network.embedder.side=48",
        "network.embedder.width=2",
        "network.embedder.dimensions=9",
    ];
    // Odd maps before each pool.
    let koch = [
        "network.side=45",
        "network.filters=[3, 2, 5, 4]",
        "network.kernels=[5, 4, 2, 2]",
        "network.units=7",
    ];
    let all = [
        ("compact", &compact[..]),
        ("koch", &koch),
        (
            "fast",
            &[
                "network={ kind=\"koch-cosine\", side=45, filters=[3, 2, 5, 4], kernels=[5, 4, 2, 2], units=7, linear_deviation=0.2 }",
                "within_class=0",
            ],
        ),
        ("siamese", &inside),
        ("matching", &inside),
    ];
    (1..)
        .zip(all)
        .map(|(seed, (kind, changes))| {
            let model = untrained::model(kind, changes, &[]);
            scramble(&model, seed);
            (kind, model)
        })
        .collect()
}

/// Sets every variable by a stream, statistics of norms included; variances stay above 0.
fn scramble(model: &Model, seed: u64) {
    for (index, (name, mut tensor)) in (0..).zip(ordered(model.weights())) {
        let fan_in = tensor.size()[1..].iter().product::<i64>().max(1);
        let bound = (6.0 / fan_in as f64).sqrt().min(1.0);
        let mut stream = Stream::new(seed, Purpose::Synthetic, index);
        let values: Vec<f32> = (0..tensor.numel())
            .map(|_| match name.rsplit('.').next() {
                Some("running_var") => (1.2 + stream.signed_unit()) as f32,
                Some("bias") => (0.2 * stream.signed_unit()) as f32,
                // More above 0 than below, so that ReLUs leave something.
                _ => ((stream.signed_unit() + 0.1) * bound) as f32,
            })
            .collect();
        let values = Tensor::from_slice(&values).view(tensor.size().as_slice());
        tch::no_grad(|| tensor.copy_(&values));
    }
}

/// Grey images, `[count, side, side]`.
fn images(count: usize, side: usize) -> Vec<f32> {
    let mut stream = Stream::new(9, Purpose::Synthetic, 0);
    (0..count * side * side)
        .map(|_| stream.signed_unit().abs() as f32)
        .collect()
}

fn session(model: &Model, folder: &Path) -> Session {
    let path = folder.join("w.safetensors");
    model.save(&path).unwrap();
    Session::load(&path).unwrap()
}

fn assert_near(ours: &[f32], others: &[f32], what: &str) {
    assert_eq!(ours.len(), others.len());
    let most = others.iter().fold(0f32, |most, x| most.max(x.abs()));
    assert!(most > 0.0 && most.is_finite(), "{what}: {most}");
    for (at, (a, b)) in ours.iter().zip(others).enumerate() {
        assert!((a - b).abs() <= 1e-5 * most, "{what}, value {at}: {a}, {b}");
    }
}

#[test]
fn each_kind_embeds_and_compares_as_libtorch_does() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, model) in networks() {
        let session = session(&model, folder.path());
        let pixels = images(21, model.card.network.side());
        let (ours, others) = (session.embed_images(&pixels), model.embed_images(&pixels));
        assert_near(&ours, &others, kind);
        // No embedding is another's: what is near is near for a reason.
        let rows: Vec<&[f32]> = ours
            .chunks(model.card.network.dimensions() as usize)
            .collect();
        assert!(rows[1..].iter().all(|row| *row != rows[0]), "{kind}");
        assert_eq!(session.comparison(), model.network.comparison());
        assert_eq!(session.card(), &model.card);
    }
}

#[test]
fn an_image_has_one_embedding_whatever_is_beside_it_and_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, model) in networks() {
        let session = session(&model, folder.path());
        let side = model.card.network.side();
        let pixels = images(67, side);
        let all = session.embed_images(&pixels);
        let alone: Vec<f32> = (pixels.chunks(side * side))
            .flat_map(|image| session.embed_images(image))
            .collect();
        assert!(all == alone, "{kind}");
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            assert!(
                pool.install(|| session.embed_images(&pixels)) == all,
                "{kind}"
            );
        }
        assert!(session.embed_images(&[]).is_empty());
    }
}

/// What is no number stays none, as libtorch has it, and is not hidden by a ReLU or a pool.
#[test]
fn what_is_no_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, model) in networks() {
        let session = session(&model, folder.path());
        let side = model.card.network.side();
        let mut pixels = images(2, side);
        pixels[side * side / 2] = f32::NAN;
        let (ours, others) = (session.embed_images(&pixels), model.embed_images(&pixels));
        for (ours, others) in ours.iter().zip(&others) {
            assert_eq!(ours.is_nan(), others.is_nan(), "{kind}");
        }
        assert!(ours.iter().any(|x| x.is_nan()) && ours.iter().any(|x| !x.is_nan()));
    }
}

/// The parts of an ONNX file that are looked at here, by the numbers of onnx.proto.
mod file {
    use prost::Message;

    #[derive(Message)]
    pub struct Model {
        #[prost(int64, tag = "1")]
        pub ir_version: i64,
        #[prost(message, optional, tag = "7")]
        pub graph: Option<Graph>,
        #[prost(message, repeated, tag = "8")]
        pub opset_import: Vec<OperatorSet>,
        #[prost(message, repeated, tag = "14")]
        pub metadata_props: Vec<Entry>,
    }

    #[derive(Message)]
    pub struct OperatorSet {
        #[prost(string, tag = "1")]
        pub domain: String,
        #[prost(int64, tag = "2")]
        pub version: i64,
    }

    #[derive(Message)]
    pub struct Entry {
        #[prost(string, tag = "1")]
        pub key: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }

    #[derive(Message)]
    pub struct Graph {
        #[prost(message, repeated, tag = "1")]
        pub node: Vec<Node>,
        #[prost(message, repeated, tag = "5")]
        pub initializer: Vec<Tensor>,
        #[prost(message, repeated, tag = "11")]
        pub input: Vec<Named>,
        #[prost(message, repeated, tag = "12")]
        pub output: Vec<Named>,
    }

    #[derive(Message)]
    pub struct Node {
        #[prost(string, repeated, tag = "1")]
        pub input: Vec<String>,
        #[prost(string, repeated, tag = "2")]
        pub output: Vec<String>,
        #[prost(string, tag = "4")]
        pub op_type: String,
    }

    #[derive(Message)]
    pub struct Tensor {
        #[prost(int64, repeated, tag = "1")]
        pub dims: Vec<i64>,
        #[prost(int32, tag = "2")]
        pub data_type: i32,
        #[prost(string, tag = "8")]
        pub name: String,
        #[prost(bytes = "vec", tag = "9")]
        pub raw_data: Vec<u8>,
    }

    /// An input or an output, and its type as bytes.
    #[derive(Message)]
    pub struct Named {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, optional, tag = "2")]
        pub kind: Option<Kind>,
    }

    #[derive(Message)]
    pub struct Kind {
        #[prost(message, optional, tag = "1")]
        pub tensor: Option<TensorKind>,
    }

    #[derive(Message)]
    pub struct TensorKind {
        #[prost(int32, tag = "1")]
        pub element: i32,
        #[prost(message, optional, tag = "2")]
        pub shape: Option<Shape>,
    }

    #[derive(Message)]
    pub struct Shape {
        #[prost(message, repeated, tag = "1")]
        pub lengths: Vec<Length>,
    }

    #[derive(Message)]
    pub struct Length {
        #[prost(int64, optional, tag = "1")]
        pub value: Option<i64>,
        #[prost(string, optional, tag = "2")]
        pub name: Option<String>,
    }

    impl Named {
        /// Its lengths, 0 for one that differs from call to call.
        pub fn shape(&self) -> Vec<i64> {
            let tensor = self.kind.as_ref().unwrap().tensor.as_ref().unwrap();
            assert_eq!(tensor.element, 1, "f32");
            let lengths = tensor.shape.as_ref().unwrap().lengths.iter();
            let length = |length: &Length| match (&length.name, length.value) {
                (Some(name), None) if name == "n" => 0,
                (None, Some(value)) => value,
                other => panic!("{other:?}"),
            };
            lengths.map(length).collect()
        }
    }
}

#[test]
fn the_file_has_the_inputs_and_the_operators_that_it_is_said_to_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.onnx");
    for (kind, model) in networks() {
        model.graph().save(&path, true).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let file = file::Model::decode(&bytes[..]).unwrap();
        let versions: Vec<_> = (file.opset_import.iter())
            .map(|set| (set.domain.as_str(), set.version))
            .collect();
        assert_eq!((file.ir_version, versions), (8, vec![("", 17)]));
        let graph = file.graph.unwrap();
        let network = model.card.network;
        let side = network.side() as i64;
        assert_eq!((graph.input.len(), graph.output.len()), (1, 1));
        assert_eq!(graph.input[0].name, "images");
        assert_eq!(graph.input[0].shape(), [0, 1, side, side]);
        assert_eq!(graph.output[0].name, "embeddings");
        assert_eq!(graph.output[0].shape(), [0, network.dimensions()]);
        // Each name is made once, and before it is read.
        let mut known = vec!["images"];
        for tensor in &graph.initializer {
            let values: i64 = tensor.dims.iter().product();
            assert_eq!(tensor.raw_data.len() as i64, 4 * values, "{}", tensor.name);
            assert_eq!(tensor.data_type, 1);
            known.push(&tensor.name);
        }
        for node in &graph.node {
            let read = node.input.iter().all(|name| known.contains(&name.as_str()));
            assert!(read, "{kind}: {node:?}");
            assert!(
                !known.contains(&node.output[0].as_str()),
                "{kind}: {node:?}"
            );
            known.push(&node.output[0]);
        }
        assert_eq!(known.last(), Some(&"embeddings"));
        let entry = |key: &str| {
            let found = file.metadata_props.iter().find(|entry| entry.key == key);
            serde_json::from_str::<serde_json::Value>(&found.unwrap().value).unwrap()
        };
        assert_eq!(
            entry("omnishot"),
            serde_json::to_value(&model.card).unwrap()
        );
        match model.network.comparison() {
            Comparison::Cosine => assert_eq!(entry("comparison")["kind"], "cosine"),
            Comparison::Distance { weights, bias } => {
                let told = entry("comparison");
                let list = told["weights"].as_array().unwrap();
                assert_eq!(list.len(), weights.len());
                assert_eq!(list[1].as_f64().unwrap() as f32, weights[1]);
                assert_eq!(told["bias"].as_f64().unwrap() as f32, bias);
            }
        }
    }
}

/// The graph of a file and that of libtorch's network are one, and so are their files.
#[test]
fn a_file_is_kept_unless_told_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (_, model) = networks().remove(0);
    model.save(&at("w.safetensors")).unwrap();
    let file = TensorFile::open(&at("w.safetensors"), 1 << 20, false).unwrap();
    let graph = Graph::of(&file).unwrap();
    graph.save(&at("a.onnx"), false).unwrap();
    model.graph().save(&at("b.onnx"), false).unwrap();
    let read = |name: &str| std::fs::read(at(name)).unwrap();
    assert!(read("a.onnx") == read("b.onnx"));
    std::fs::write(at("b.onnx"), "another's").unwrap();
    let refused = graph.save(&at("b.onnx"), false).unwrap_err();
    assert!(refused.to_string().contains("exists already"), "{refused}");
    assert_eq!(read("b.onnx"), b"another's");
}

/// The values that a shape tells of are there under other names: no network is made of them.
#[test]
fn a_file_of_other_names_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    for (kind, model) in networks() {
        model.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let first = ordered(model.weights()).swap_remove(0).0;
        let other = format!("z{}", &first[1..]);
        let name = format!("\"{first}\"");
        let mut places = bytes.windows(name.len());
        let place = places.position(|text| text == name.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[place + 1..][..other.len()].copy_from_slice(other.as_bytes());
        let Err(refused) = Session::from_bytes("w.safetensors", changed) else {
            panic!("{kind}: taken without {first}");
        };
        let told = refused.to_string();
        assert!(
            told.contains(&format!("it has no tensor {first}")),
            "{told}"
        );
        for cut in [0, 7, 100, bytes.len() - 1] {
            assert!(Session::from_bytes("w.safetensors", bytes[..cut].to_vec()).is_err());
        }
    }
}
