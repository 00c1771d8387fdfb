//! A network on libtorch as an [`Embedder`].

use tch::{Device, Tensor};

use super::file::Model;
use crate::embed::{Comparison, Embedder};
use crate::weights::Card;

/// The most drawings and pixels at once on a GPU, which fewer would leave idle.
const MOST_ON_GPU: (usize, usize) = (2048, 12_000_000);
/// The same on a CPU, whose caches they should fit.
const MOST_ON_CPU: (usize, usize) = (256, 600_000);

impl Embedder for Model {
    fn card(&self) -> &Card {
        &self.card
    }

    fn comparison(&self) -> Comparison {
        self.network.comparison()
    }

    fn embed_images(&self, images: &[f32]) -> Vec<f32> {
        let side = self.card.network.side() as i64;
        let images = Tensor::from_slice(images).view([-1, 1, side, side]);
        let flat = self.embed(&images).to_device(Device::Cpu).flatten(0, -1);
        Vec::<f32>::try_from(flat).expect("embeddings are flat and f32")
    }

    fn at_once(&self) -> (usize, usize) {
        match self.weights().device() {
            Device::Cpu => MOST_ON_CPU,
            _ => MOST_ON_GPU,
        }
    }
}
