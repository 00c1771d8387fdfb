//! A trained network in one file: weights that any safetensors reader takes, and the card
//! that says what they are and what they have seen.

use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Tensor, no_grad};

use super::network::Network;
use super::tensors::save_tensors;
use super::weights::ordered;
use crate::files::Bytes;
use crate::weights::{Card, FILE_LIMIT, ModelError, PRETRAINED, PRETRAINED_NAME, TensorFile};

/// A trained network, ready to embed.
///
/// ```
/// use omnishot::synthetic::{SyntheticOptions, synthesize};
/// use omnishot::distort::Distorter;
/// use omnishot::model::Model;
/// use tch::{Device, Tensor};
///
/// let model = Model::pretrained(Device::Cpu);
/// let side = model.card.network.side();
/// let mut distorter = Distorter::new(model.card.distortion)?.at(side)?;
/// let options = SyntheticOptions { background: 1, evaluation: 0, drawers: 2, ..Default::default() };
/// let mut pixels = vec![0f32; 2 * side * side];
/// let character = &synthesize(&options)[0].characters[0]; // by two drawers
/// for (drawing, picture) in character.drawings.iter().zip(pixels.chunks_exact_mut(side * side)) {
///     distorter.plain(&drawing.page, 0, picture);
/// }
/// let images = Tensor::from_slice(&pixels).view([2, 1, side as i64, side as i64]);
/// let vectors = model.embed(&images); // unit vectors, [2, dimensions]
/// let cosine = vectors.get(0).dot(&vectors.get(1)).double_value(&[]);
/// assert!(cosine > 0.0 && cosine < 1.0 + 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Model {
    /// What it is.
    pub card: Card,
    /// The network.
    pub network: Network,
    weights: VarStore,
}

impl Model {
    /// A network of the card's shape whose weights are still to be set.
    #[must_use]
    pub fn new(card: Card, device: Device) -> Model {
        let weights = VarStore::new(device);
        let network = Network::new(&weights.root(), card.network);
        Model {
            card,
            network,
            weights,
        }
    }

    /// Its variables, statistics of norms included.
    #[must_use]
    pub fn weights(&self) -> &VarStore {
        &self.weights
    }

    /// Those of its variables that learn, ascending by name: all but the statistics of norms.
    #[must_use]
    pub fn learning(&self) -> Vec<(String, Tensor)> {
        let mut all = ordered(&self.weights);
        all.retain(|(_, tensor)| tensor.requires_grad());
        all
    }

    /// Its variables, to be changed.
    pub fn weights_mut(&mut self) -> &mut VarStore {
        &mut self.weights
    }

    /// Embeds images `[n, 1, side, side]` to `[n, dimensions]`, each alone, without recording
    /// gradients: see [`Network::embed`].
    pub fn embed(&self, images: &Tensor) -> Tensor {
        no_grad(|| self.network.embed(&images.to_device(self.weights.device())))
    }

    /// Writes the file, whole or not at all, over one that is there.
    ///
    /// # Errors
    /// If the system refuses to write.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let card = serde_json::to_string(&self.card).expect("a card is plain data");
        save_tensors(path, card, ordered(&self.weights), false)
    }

    /// Reads a file that [`Model::save`] wrote.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or is not such a file.
    pub fn load(path: &Path, device: Device) -> Result<Model, ModelError> {
        Model::of(&TensorFile::open(path, FILE_LIMIT, false)?, device)
    }

    /// Reads the bytes of such a file; errors name it `name`.
    ///
    /// # Errors
    /// As [`Model::load`], without those of reading.
    pub fn from_bytes(name: &str, bytes: Vec<u8>, device: Device) -> Result<Model, ModelError> {
        let file = TensorFile::of(Path::new(name), Bytes::Owned(bytes), false)?;
        Model::of(&file, device)
    }

    /// The network that comes with the program, trained on Omniglot's background set: see
    /// `src/weights/PRETRAINED.md`.
    ///
    /// # Panics
    /// Never, unless the program was built from another file than the project's.
    #[must_use]
    pub fn pretrained(device: Device) -> Model {
        Model::from_bytes(PRETRAINED_NAME, PRETRAINED.to_vec(), device)
            .expect("the file is the project's own")
    }

    fn of(file: &TensorFile, device: Device) -> Result<Model, ModelError> {
        let model = Model::new(Card::of(file)?, device);
        file.copy_into(ordered(&model.weights))?;
        Ok(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distort::Distortion;
    use crate::files::faults::planned::{
        a_file_is_old_or_new, a_killed_file_is_old_or_new, killed_here,
    };
    use crate::weights::{CompactShape, KochShape, MatchingShape, NetworkShape, SiameseShape};

    fn model(network: NetworkShape) -> Model {
        let card = Card {
            program: "a test".to_owned(),
            network,
            distortion: Distortion::COMPACT,
            seed: 1,
            steps: 0,
            batch: 1,
            store: String::new(),
            training: Vec::new(),
            validation: Vec::new(),
            pictures: None,
        };
        Model::new(card, Device::Cpu)
    }

    fn koch() -> NetworkShape {
        NetworkShape::from(KochShape {
            side: 40,
            filters: [3, 2, 5, 4],
            kernels: [4, 3, 2, 2],
            units: 7,
            linear_deviation: 0.2,
        })
    }

    /// Else a card could claim more than its file has, and be given the memory.
    #[test]
    fn a_shape_knows_how_many_values_its_variables_have() {
        let embedder = CompactShape {
            side: 48,
            width: 3,
            dimensions: 10,
            dropout: 0.1,
        };
        let matching = MatchingShape {
            embedder,
            steps: 2,
            scale: 10.0,
        };
        for shape in [
            koch(),
            embedder.into(),
            SiameseShape { embedder }.into(),
            matching.into(),
        ] {
            let variables = model(shape).weights.variables();
            let values: usize = variables.values().map(Tensor::numel).sum();
            assert_eq!(shape.values(), values as u64, "{shape:?}");
        }
    }

    #[test]
    fn weights_are_the_old_ones_or_the_new_ones_whatever_step_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let model = model(koch());
        a_file_is_old_or_new(folder.path(), "weights.safetensors", || model.save(&path));
    }

    #[test]
    #[cfg(unix)]
    fn weights_are_the_old_ones_or_the_new_ones_wherever_their_writer_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let write = || saves_into(folder.path());
        let child = "model::file::tests::saves";
        a_killed_file_is_old_or_new(folder.path(), "weights.safetensors", child, write);
    }

    fn saves_into(folder: &Path) {
        (model(koch()).save(&folder.join("weights.safetensors"))).expect("nothing is refused");
    }

    #[test]
    #[ignore = "the child of the test before it"]
    fn saves() {
        killed_here(saves_into);
    }
}
