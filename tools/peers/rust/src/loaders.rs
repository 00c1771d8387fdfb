//! The loaders, each as an iterator of batches or of what went wrong.

use std::convert::Infallible;
use std::sync::Arc;

use burn_core::data::dataloader::{DataLoaderBuilder, batcher::Batcher};
use burn_ndarray::NdArray;
use omnishot::loader::{Loader, LoaderOptions, Produce};
use omnishot::store::StoreError;

use crate::work::{AREA, BATCHES, Batch, PAIRS, Sample, Work, collate};

pub const NAMES: [&str; 3] = ["omnishot", "rusttorch-data 0.4", "burn 0.18"];

/// Hands each batch of a loader to `take`, in the order they come, until it says stop.
/// An error is what the loader said in place of a batch.
pub fn run(
    name: &str,
    work: &Work,
    workers: usize,
    mut take: impl FnMut(&Batch) -> bool,
) -> Result<(), String> {
    match name {
        "omnishot" => {
            let options = LoaderOptions {
                workers,
                ..LoaderOptions::default()
            };
            let producer = Arc::new(Ours(work.clone()));
            let mut loader = Loader::start(producer, 0..BATCHES as u64, options);
            while let Some(batch) = loader.next_batch() {
                let batch = batch.map_err(|error| error.to_string())?;
                if !take(&batch) {
                    break;
                }
            }
        }
        "rusttorch-data 0.4" => {
            let collate = rusttorch_data::FnCollate::new(|samples: Vec<Sample>| {
                Ok::<Batch, Infallible>(collate(&samples))
            });
            let mut loader = rusttorch_data::DataLoader::builder(Items(work.clone()))
                .batch_size(PAIRS)
                .collate(collate)
                .workers(workers)
                .build()
                .map_err(|error| error.to_string())?;
            for batch in loader.iter() {
                if !take(&batch.map_err(|error| error.to_string())?) {
                    break;
                }
            }
        }
        _ => {
            let loader = DataLoaderBuilder::<NdArray, Sample, Batch>::new(Collate)
                .batch_size(PAIRS)
                .num_workers(workers)
                .build(Items(work.clone()));
            for batch in loader.iter() {
                if !take(&batch) {
                    break;
                }
            }
        }
    }
    Ok(())
}

struct Ours(Work);

impl Produce for Ours {
    type Batch = Batch;
    type Scratch = ();

    fn batch(&self) -> Batch {
        (vec![0.0; 2 * PAIRS * AREA], vec![false; PAIRS])
    }

    fn scratch(&self) {}

    fn fill(&self, index: u64, (): &mut (), batch: &mut Batch) -> Result<(), StoreError> {
        let (lefts, rights) = batch.0.split_at_mut(PAIRS * AREA);
        let pictures = lefts
            .chunks_exact_mut(AREA)
            .zip(rights.chunks_exact_mut(AREA));
        for (place, ((left, right), label)) in pictures.zip(&mut batch.1).enumerate() {
            *label = self.0.draw(index as usize * PAIRS + place, left, right);
        }
        Ok(())
    }
}

/// Pairs as the data set of either peer.
struct Items(Work);

impl rusttorch_data::Dataset for Items {
    type Sample = Sample;
    type Error = Infallible;

    fn len(&self) -> usize {
        BATCHES * PAIRS
    }

    fn get(&self, i: usize) -> Result<Sample, Infallible> {
        Ok(self.0.sample(i))
    }
}

impl burn_core::data::dataset::Dataset<Sample> for Items {
    fn get(&self, i: usize) -> Option<Sample> {
        (i < BATCHES * PAIRS).then(|| self.0.sample(i))
    }

    fn len(&self) -> usize {
        BATCHES * PAIRS
    }
}

struct Collate;

impl Batcher<NdArray, Sample, Batch> for Collate {
    fn batch(
        &self,
        samples: Vec<Sample>,
        _: &<NdArray as burn_core::tensor::backend::Backend>::Device,
    ) -> Batch {
        collate(&samples)
    }
}
