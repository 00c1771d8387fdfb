//! omnishot's pairs as the food of a network in another framework: omnishot-candle STORE [STEPS]
//!
//! Trains a small siamese network in candle on pairs of background alphabets, then asks it of
//! pairs of three alphabets that were held out: one character or two? Every batch, distortion
//! and held-out alphabet is a function of [`SEED`]. First weights are not: candle draws those of
//! a CPU from a generator that takes no seed, so that losses differ from run to run.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use candle_core::{D, DType, Device, ModuleT, Tensor};
use candle_nn::{
    AdamW, BatchNorm, Conv2d, Conv2dConfig, Linear, Module, Optimizer, VarBuilder, VarMap,
};
use omnishot::distort::Distortion;
use omnishot::loader::{Loader, LoaderOptions, PairBatch, PairBatches};
use omnishot::sample::{PairSampler, PairShape, TrainingSplit};
use omnishot::store::{AlphabetId, PageCache, Store};

const SEED: u64 = 1;
/// A power of two: candle's max pooling halves it four times, and learns of whole windows only.
const SIDE: usize = 32;
const PAIRS: usize = 32;
const CHANNELS: [usize; 5] = [1, 8, 16, 32, 64];
const EMBEDDING: usize = 64;
const VERIFIED: u64 = 100;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let store = arguments.next().context("say which store")?;
    let steps = arguments.next().map_or(Ok(300), |text| text.parse())?;
    let store = Arc::new(Store::open(Path::new(&store))?);
    let pages = Arc::new(PageCache::new(Arc::clone(&store)));
    let split = TrainingSplit::draw(&store, SEED, 3).context("a store of 4 alphabets or more")?;

    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let network = Network::new(&builder)?;
    let mut optimizer = AdamW::new_lr(variables.all_vars(), 2e-3)?;
    let began = Instant::now();
    let mut loader = pairs(&pages, &store, &split.training, steps)?;
    let mut sum = 0.0;
    while let Some(batch) = loader.next_batch() {
        let batch = batch?;
        let (images, same) = tensors(&batch)?;
        let loss = cross_entropy(&network.forward_t(&images, true)?, &same)?;
        optimizer.backward_step(&loss)?;
        sum += loss.to_scalar::<f32>()?;
        let step = batch.index() + 1;
        if step % 20 == 0 {
            println!("step {step}: loss {:.4} (mean of 20)", sum / 20.0);
            sum = 0.0;
        }
    }
    println!("{steps} steps in {:.1} s", began.elapsed().as_secs_f64());

    let mut right = 0.0;
    let mut loader = pairs(&pages, &store, &split.validation, VERIFIED)?;
    while let Some(batch) = loader.next_batch() {
        let batch = batch?;
        let (images, same) = tensors(&batch)?;
        // p(same) is above a half where the logit is above 0.
        let said = network.forward_t(&images, false)?.gt(0f32)?;
        let agree = said.to_dtype(DType::F32)?.eq(&same)?;
        right += agree.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?;
    }
    let asked = VERIFIED * PAIRS as u64;
    let names = split.validation.iter().map(|&id| &*store.alphabet(id).name);
    let names = names.collect::<Vec<_>>().join(", ");
    let share = 100.0 * f64::from(right) / asked as f64;
    println!("{share:.1}% of {asked} pairs of {names}; half of them show one character");
    Ok(())
}

/// Batches of distorted pairs of these alphabets, made on a thread of their own.
fn pairs(
    pages: &Arc<PageCache>,
    store: &Store,
    alphabets: &[AlphabetId],
    batches: u64,
) -> Result<Loader<PairBatches<f32>>> {
    let shape = PairShape {
        pairs: PAIRS,
        within_alphabet: 128,
    };
    let sampler = PairSampler::new(store, alphabets, shape, SEED)?;
    let producer = PairBatches::new(Arc::clone(pages), sampler, Distortion::KOCH, SIDE, SEED)?;
    let options = LoaderOptions::default();
    Ok(Loader::start(Arc::new(producer), 0..batches, options))
}

/// All left pictures and then all right ones, and for each pair 1 if it shows one character.
fn tensors(batch: &PairBatch<f32>) -> Result<(Tensor, Tensor)> {
    let images = Tensor::from_slice(&batch.images, (2 * PAIRS, 1, SIDE, SIDE), &Device::Cpu)?;
    let same = Tensor::from_slice(&batch.same, PAIRS, &Device::Cpu)?;
    Ok((images, same))
}

/// Of logits, so that no logarithm of 0 is taken as candle's own would of a sure answer.
fn cross_entropy(logits: &Tensor, same: &Tensor) -> candle_core::Result<Tensor> {
    let sure = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((logits.relu()? - (logits * same)?)? + sure)?.mean_all()
}

/// Both pictures of a pair go through the same layers; their embeddings' distance, weighted by
/// dimension, is the answer, as in Koch, Zemel & Salakhutdinov (2015).
struct Network {
    blocks: Vec<(Conv2d, BatchNorm)>,
    embedding: Linear,
    distance: Linear,
}

impl Network {
    fn new(builder: &VarBuilder) -> candle_core::Result<Network> {
        let config = Conv2dConfig {
            padding: 1,
            ..Default::default()
        };
        let mut blocks = Vec::new();
        for (place, ends) in CHANNELS.windows(2).enumerate() {
            let builder = builder.pp(format!("block{place}"));
            let convolution = candle_nn::conv2d(ends[0], ends[1], 3, config, builder.pp("conv"))?;
            let norm = candle_nn::batch_norm(ends[1], 1e-5, builder.pp("norm"))?;
            blocks.push((convolution, norm));
        }
        let side = SIDE >> blocks.len();
        let features = CHANNELS[blocks.len()] * side * side;
        Ok(Network {
            blocks,
            embedding: candle_nn::linear(features, EMBEDDING, builder.pp("embedding"))?,
            distance: candle_nn::linear(EMBEDDING, 1, builder.pp("distance"))?,
        })
    }
}

impl ModuleT for Network {
    /// A logit for each pair of `[2 · pairs, 1, side, side]`.
    fn forward_t(&self, images: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        let mut features = images.clone();
        for (convolution, norm) in &self.blocks {
            features = convolution.forward(&features)?;
            features = norm.forward_t(&features, train)?.relu()?.max_pool2d(2)?;
        }
        let embedded = self.embedding.forward(&features.flatten_from(1)?)?;
        let pairs = embedded.dim(0)? / 2;
        let between = (embedded.narrow(0, 0, pairs)? - embedded.narrow(0, pairs, pairs)?)?.abs()?;
        self.distance.forward(&between)?.squeeze(D::Minus1)
    }
}
