//! Training and scoring with libtorch: reproducible, blind to the evaluation set, and saved whole.

use crate::common;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::common::drawings::made_up;
use crate::common::small::{options, run, with};
use omnishot::archive::{Archive, Split};
use omnishot::eval::{self, Answers, Embeddings, Pixel, PixelScorer, TaskSet, Ties};
use omnishot::model::{Model, ModelError, ordered};
use omnishot::store::{PageCache, Store, StoreError};
use omnishot::train::{Preset, TrainError, Validation, train};
use tch::{Device, Tensor};

/// A network that trains in a blink.
fn tiny(steps: u64) -> Preset {
    with("compact", steps, &[WARM])
}

/// So that few steps are enough to learn something.
const WARM: &str = "optimizer.warmup_steps=2";

fn weights(model: &Model) -> Vec<(String, Vec<f32>)> {
    let flat = |tensor: Tensor| Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap();
    ordered(model.weights())
        .into_iter()
        .map(|(name, tensor)| (name, flat(tensor)))
        .collect()
}

#[test]
fn a_seed_gives_the_same_losses_bit_for_bit() {
    let store = made_up();
    for (preset, pins) in [
        (tiny(10), [27.826_302, 26.323_765, 23.161_253]),
        (
            with("keras", 10, &[]),
            [0.722_074_6, 0.722_067_5, 0.722_060_4],
        ),
        (
            with("koch", 10, &[]),
            [0.661_651_7, 0.722_075_5, 0.601_243_1],
        ),
        (
            with("fast", 10, &[WARM]),
            [25.314_272, 27.342_855, 24.177_707],
        ),
        (
            with("siamese", 10, &[WARM]),
            [0.684_759_9, 0.770_693_4, 0.673_064],
        ),
        (
            with("softmax", 10, &[WARM]),
            [17.799_898, 15.881_007, 15.891_891],
        ),
        (
            with("matching", 10, &[WARM]),
            [8.534_965, 9.088_046, 8.466_983],
        ),
    ] {
        let (losses, first) = run(&store, &preset, 7, 1);
        let (again, second) = run(&store, &preset, 7, 3);
        assert_eq!(losses, again);
        assert_eq!(weights(&first.model), weights(&second.model));
        let (other, _) = run(&store, &preset, 8, 1);
        assert_ne!(losses, other);
        assert_eq!(losses.len(), 10);
        // Kernels round differently from one CPU to another, so losses are pinned loosely.
        for (loss, pinned) in losses.iter().zip(pins) {
            assert!((loss / pinned - 1.0).abs() < 1e-3, "{losses:?}");
        }
        assert!(losses.iter().all(|loss| loss.is_finite()));
    }
}

#[test]
fn training_lowers_the_loss_and_beats_pixels() {
    let store = made_up();
    let larger = [
        "batch.drawings=64",
        "batch.alphabet_characters=20",
        "network.width=8",
        "network.dimensions=64",
        "optimizer.average=0.97",
        "optimizer.warmup_steps=2",
    ];
    let preset = with("compact", 300, &larger);
    let (losses, trained) = run(&store, &preset, 1, 1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!(
        mean(&losses[290..]) < mean(&losses[..10]) - 1.0,
        "{losses:?}"
    );
    let set = TaskSet::lake_runs(&store).unwrap();
    let network = eval::answer(&trained.model, &store, &set, Ties::Against).unwrap();
    let pages = PageCache::new(Arc::clone(&store));
    let pixels = PixelScorer::new(&pages, Pixel::Cosine);
    let pixels = Answers::of(&pixels, &set, Ties::Against).unwrap();
    let (network, pixels) = (network.score(&set), pixels.score(&set));
    assert!(
        network.right > pixels.right,
        "{network:?} against {pixels:?}"
    );
}

/// From all classes and from those beside them alone, in two shards.
#[test]
fn composed_classes_are_learned() {
    let store = made_up();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    for against in ["all", "shown"] {
        let composed =
            format!("batch.composed={{ classes=80, drawings=16, against=\"{against}\" }}");
        let changes = [
            "batch.drawings=32",
            "batch.alphabet_characters=4",
            &composed,
            WARM,
        ];
        let (losses, _) = run(&store, &with("fast", 150, &changes), 1, 1);
        let (first, last) = (mean(&losses[..10]), mean(&losses[140..]));
        assert!(last < first - 0.5, "{against}: {first} to {last}");
    }
}

/// Koch's tower under an objective of classes.
#[test]
fn kochs_tower_learns_classes_by_the_cosine() {
    let store = made_up();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let tower = "network={ kind=\"koch-cosine\", side=32, filters=[4,6,6,8], kernels=[4,3,2,2], \
                 units=16, linear_deviation=0.05 }";
    let preset = with("compact", 200, &[tower, WARM]);
    let (losses, trained) = run(&store, &preset, 1, 1);
    let (first, last) = (mean(&losses[..10]), mean(&losses[190..]));
    assert!(last < first - 2.0, "{first} to {last}");
    let embedded = trained
        .model
        .embed(&Tensor::ones([2, 1, 32, 32], tch::kind::FLOAT_CPU));
    assert_eq!(embedded.size(), [2, 16]);
    let length = f64::try_from(embedded.get(0).norm()).unwrap();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
}

#[test]
fn baselines_learn() {
    let store = made_up();
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    for (name, falls) in [("softmax", 2.0), ("matching", 0.5)] {
        let (losses, _) = run(&store, &with(name, 200, &[WARM]), 1, 1);
        let (first, last) = (mean(&losses[..10]), mean(&losses[190..]));
        assert!(last < first - falls, "{name}: {first} to {last}");
    }
}

#[test]
fn the_evaluation_set_is_never_read() {
    // The same store with every evaluation drawing destroyed trains to the same weights.
    let store = made_up();
    let path = store.path().to_owned();
    let mut bytes = common::store_bytes(&common::unpack(&store));
    let first_evaluation = store
        .alphabets()
        .iter()
        .find(|a| a.split == Split::Evaluation)
        .unwrap();
    let blocks = store.block_range(first_evaluation.characters.start).start;
    let end = bytes.len() - 32;
    bytes[blocks..end].fill(0xAA);
    let blinded = Arc::new(Store::from_bytes(path.to_str().unwrap(), bytes).unwrap());
    assert!(matches!(
        blinded.verify(),
        Err(StoreError::DamagedCharacter { .. })
    ));
    for (name, _) in Preset::SHIPPED {
        let preset = with(name, 6, &[]);
        let (losses, seeing) = run(&store, &preset, 3, 1);
        let (blind_losses, blind) = run(&blinded, &preset, 3, 1);
        assert_eq!(losses, blind_losses);
        assert_eq!(weights(&seeing.model), weights(&blind.model));
    }
}

#[test]
fn an_embedding_depends_on_its_drawing_alone() {
    let store = made_up();
    let (_, trained) = run(&store, &tiny(3), 2, 1);
    let alone = Embeddings::of(&trained.model, &store, [17]).unwrap();
    let among = Embeddings::of(&trained.model, &store, 0..40).unwrap();
    for (a, b) in alone.row(17).iter().zip(among.row(17)) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    for (a, b) in [(0, 1), (5, 39), (17, 3)] {
        assert_eq!(
            among.similarity(a, b).to_bits(),
            among.similarity(b, a).to_bits()
        );
        assert!((among.similarity(a, a) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_saved_model_is_the_model() {
    let store = made_up();
    let (_, trained) = run(&store, &tiny(3), 2, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    trained.model.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let loaded = Model::load(&path, Device::Cpu).unwrap();
    assert_eq!(loaded.card, trained.model.card);
    assert_eq!(loaded.card.steps, 3);
    assert_eq!(loaded.card.training.len(), 5);
    assert_eq!(weights(&loaded), weights(&trained.model));
    loaded.save(&path).unwrap();
    assert_eq!(
        std::fs::read(&path).unwrap(),
        bytes,
        "equal models are equal files"
    );

    for length in [0, 7, 8, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(matches!(
            Model::load(&path, Device::Cpu),
            Err(ModelError::Format { .. })
        ));
    }
    let other = String::from_utf8_lossy(&bytes[..400]).contains("omnishot");
    assert!(other, "the card is in the header");
    let mut renamed = bytes.clone();
    let at = bytes
        .windows(8)
        .position(|window| window == b"omnishot")
        .unwrap();
    renamed[at..at + 8].copy_from_slice(b"somebody");
    std::fs::write(&path, &renamed).unwrap();
    assert!(matches!(
        Model::load(&path, Device::Cpu),
        Err(ModelError::Other { .. })
    ));
}

#[test]
fn a_run_can_be_stopped_and_what_cannot_be_trained_is_refused() {
    let store = made_up();
    let folder = tempfile::tempdir().unwrap();
    let options = options(1, 1, folder.path());
    let never = AtomicBool::new(false);
    let score = |_: &Model, _: &_| Ok(None);
    let stop = AtomicBool::new(true);
    let stopped = train(&store, &tiny(50), &options, score, |_| (), &stop).unwrap();
    assert!(stopped.stopped && stopped.model.card.steps == 1);

    let preset = with("compact", 5, &["validation_alphabets=6"]);
    let refused = train(&store, &preset, &options, score, |_| (), &never);
    assert!(matches!(
        refused.err().unwrap(),
        TrainError::NothingToTrainOn {
            background: 6,
            held_out: 6
        }
    ));

    let many = [
        "batch.alphabet_characters=4",
        "batch.composed={ classes=1000000, drawings=8 }",
    ];
    let refused = train(
        &store,
        &with("compact", 5, &many),
        &options,
        score,
        |_| (),
        &never,
    );
    let refused = refused.err().unwrap();
    assert!(refused.to_string().contains("these make "), "{refused}");

    let large = ["optimizer.learning_rate=1e30", "optimizer.warmup_steps=0"];
    let preset = with("compact", 50, &large);
    let diverged = train(&store, &preset, &options, score, |_| (), &never)
        .err()
        .unwrap();
    let TrainError::Diverged { batch, kept, .. } = &diverged else {
        panic!("{diverged}");
    };
    assert_eq!(*batch, 1, "{diverged}");
    // The batch is there to be looked at.
    let bytes = std::fs::read(kept).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("images").unwrap().shape(), [24, 1, 32, 32]);
    assert_eq!(tensors.tensor("labels").unwrap().shape(), [24]);
}

#[test]
fn training_ends_after_scores_without_gain() {
    let store = made_up();
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let preset = with("koch", 500, &["patience=3"]);
    let mut scores = [40.0, 60.0, 60.0, 50.0, 59.0, 90.0].into_iter();
    let trained = train(
        &store,
        &preset,
        &options(1, 1, folder.path()),
        |_, _| {
            let accuracy = scores.next().unwrap();
            Ok(Some(Validation { accuracy, ways: 20 }))
        },
        |_| (),
        &AtomicBool::new(false),
    );
    let trained = trained.unwrap();
    // The second score is the best; equal is no gain; three more end it.
    assert_eq!((trained.steps, trained.stopped), (25, false));
    assert_eq!(trained.model.card.steps, 10);
    assert_eq!(trained.best.unwrap().step, 10);
}

/// Alphabets in which no character has a second drawing make tasks of one way.
#[test]
fn an_alphabet_without_second_drawings_teaches_a_matching_network_nothing() {
    let characters = |from: u32| {
        (from..from + 3)
            .map(|number| common::character(&format!("character{number}"), number, &[1]))
    };
    let alphabets = [("Ogham", 1), ("Runic", 4)]
        .map(|(name, from)| common::alphabet(name, Split::Background, characters(from).collect()));
    let archive = Archive {
        alphabets: alphabets.to_vec(),
        runs: Vec::new(),
    };
    let bytes = common::store_bytes(&archive);
    let store = Arc::new(Store::from_bytes("single", bytes).unwrap());
    let (losses, _) = run(
        &store,
        &with("matching", 3, &[WARM, "validation_alphabets=0"]),
        1,
        1,
    );
    assert_eq!(losses, [0.0; 3]);
}

#[test]
fn bfloat16_is_as_repeatable_and_near() {
    let store = made_up();
    // With the walk-through's small first weights the loss hardly depends on the features.
    let published = "network.linear_deviation=0.2";
    for (name, change) in [
        ("keras", published),
        ("compact", WARM),
        ("fast", WARM),
        ("siamese", WARM),
    ] {
        let (exact, _) = run(&store, &with(name, 6, &[change]), 7, 1);
        let rough = with(name, 6, &[change, "precision=bf16"]);
        let (losses, first) = run(&store, &rough, 7, 1);
        let (again, second) = run(&store, &rough, 7, 3);
        assert_eq!(losses, again);
        assert_eq!(weights(&first.model), weights(&second.model));
        assert_ne!(losses, exact);
        for (loss, exact) in losses.iter().zip(exact) {
            assert!(
                (loss / exact - 1.0).abs() < 0.02,
                "{name}: {loss} and {exact}"
            );
        }
    }
}

#[test]
fn a_script_embeds_as_the_model_does() {
    let store = made_up();
    for name in ["compact", "softmax", "matching", "siamese", "keras"] {
        let preset = with(name, 3, &[]);
        let (_, trained) = run(&store, &preset, 2, 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.pt");
        trained.model.save_script(&path).unwrap();
        let module = tch::CModule::load(&path).unwrap();
        for n in [1, 2, 5] {
            let images = Tensor::rand([n, 1, 32, 32], (tch::Kind::Float, Device::Cpu));
            let expected = trained.model.embed(&images);
            let got = module.forward_ts(&[images]).unwrap();
            assert_eq!(got.size(), expected.size());
            assert!((got - expected).abs().max().double_value(&[]) < 1e-6);
        }
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "nothing else is left behind");
    }
}
