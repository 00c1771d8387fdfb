//! What an evaluation costs: embedding against the bare forward pass, scoring 20,000 tasks from
//! embeddings, and the baselines in pixels.
//!
//! On Omniglot as `OMNIGLOT_STORE` names it packed, else on the made-up alphabets of seed 0.
//! Networks have their first weights: what they know does not change what they cost.

#[path = "../tests/common/untrained.rs"]
mod untrained;

use std::sync::{Arc, OnceLock};

use divan::Bencher;
use omnishot::archive::{Archive, Split};
use omnishot::eval::{
    Answers, Embeddings, Hausdorff, Pixel, PixelScorer, TaskSet, Ties, similarities,
};
use omnishot::sample::{Scope, TaskShape, alphabets_of};
use omnishot::store::{self, PageCache, Store, WriteOptions};
use omnishot::synthetic::{SyntheticOptions, synthesize, synthesize_runs};
use tch::{Device, Kind, Tensor};
use untrained::model;

fn main() {
    divan::main();
}

fn store() -> Arc<Store> {
    static STORE: OnceLock<Arc<Store>> = OnceLock::new();
    let open = || {
        if let Some(path) = std::env::var_os("OMNIGLOT_STORE") {
            return Arc::new(Store::open(path.as_ref()).expect("OMNIGLOT_STORE is a store"));
        }
        let alphabets = synthesize(&SyntheticOptions::default());
        let runs = synthesize_runs(&alphabets, 0);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("s.omni");
        let options = WriteOptions {
            level: 3,
            overwrite: false,
            ..WriteOptions::default()
        };
        store::write(&path, &Archive { alphabets, runs }, options, |_| ())
            .expect("the made-up set can be packed");
        let bytes = std::fs::read(&path).expect("the store was written");
        Arc::new(Store::from_bytes("made up", bytes).expect("the store is sound"))
    };
    Arc::clone(STORE.get_or_init(open))
}

/// Random 20-way tasks of the evaluation set, within an alphabet.
fn within(shots: usize, trials: u64) -> TaskSet {
    let alphabets = alphabets_of(&store(), Split::Evaluation);
    let shape = TaskShape {
        ways: 20,
        shots,
        scope: Scope::Within,
    };
    TaskSet::random(&store(), &alphabets, shape, 0, trials).expect("alphabets have 20 characters")
}

fn pages() -> PageCache {
    let pages = PageCache::new(store());
    for id in 0..store().drawings() {
        pages.page(id).expect("the store is sound");
    }
    pages
}

/// Drawings whose embedding is timed: enough for many batches.
const DRAWINGS: u32 = 5_120;

#[divan::bench(args = ["compact"], sample_count = 5, sample_size = 1)]
fn forward_alone(bencher: Bencher, preset: &str) {
    let model = model(preset, &[], &[]);
    let side = model.card.network.side() as i64;
    let batch = Tensor::zeros([256, 1, side, side], (Kind::Float, Device::Cpu));
    bencher
        .counter(divan::counter::ItemsCount::new(DRAWINGS))
        .bench_local(|| {
            for _ in 0..DRAWINGS / 256 {
                let _ = divan::black_box(model.embed(&batch));
            }
        });
}

#[divan::bench(args = ["compact"], sample_count = 5, sample_size = 1)]
fn embed(bencher: Bencher, preset: &str) {
    let (model, store) = (model(preset, &[], &[]), store());
    bencher
        .counter(divan::counter::ItemsCount::new(DRAWINGS))
        .bench_local(|| {
            let embeddings =
                Embeddings::of(&model, &store, 0..DRAWINGS).expect("the store is sound");
            assert_eq!(embeddings.drawings().len(), DRAWINGS as usize);
            embeddings
        });
}

#[divan::bench(args = [("compact", 1), ("compact", 5), ("koch", 1), ("koch", 5)], sample_count = 5, sample_size = 1)]
fn score_20_000_tasks(bencher: Bencher, (preset, shots): (&str, usize)) {
    let (model, set) = (model(preset, &[], &[]), within(shots, 20_000));
    let every = set.drawings().max().map_or(0, |most| most + 1);
    // What the numbers are does not matter, so Koch's towers need not run for minutes.
    let embeddings = Embeddings::made_up(&model, every, 1);
    bencher
        .counter(divan::counter::ItemsCount::new(set.tasks.len()))
        .bench_local(|| {
            let ways = similarities(&model, &embeddings, &set).expect("nothing is read");
            let answers = Answers::by(&ways, &set, Ties::Against);
            assert_eq!(answers.chosen.len(), 20_000);
            answers
        });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn hausdorff_400_tasks(bencher: Bencher) {
    let (pages, set) = (pages(), within(1, 400));
    bencher.bench_local(|| Answers::of(&Hausdorff::new(&pages), &set, Ties::Against));
}

#[divan::bench(args = [1, 5], sample_count = 3, sample_size = 1)]
fn pixels_20_000_tasks(bencher: Bencher, shots: usize) {
    let (pages, set) = (pages(), within(shots, 20_000));
    let scorer = PixelScorer::new(&pages, Pixel::Cosine);
    bencher.bench_local(|| Answers::of(&scorer, &set, Ties::Against));
}
