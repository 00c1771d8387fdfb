//! A network as a TorchScript module, for programs that have libtorch and nothing of ours.

use std::path::Path;

use tch::{CModule, Device, Kind, Tensor, no_grad};

use super::file::Model;
use crate::weights::ModelError;

impl Model {
    /// Writes a TorchScript module whose method `forward` embeds images `[n, 1, side, side]` as
    /// [`Model::embed`] does, for any `n`, over a file that is there, whole or not at all. The
    /// weights are constants in it, on the CPU. A matching network's context is left out.
    ///
    /// # Errors
    /// If libtorch cannot trace the network, or the system refuses to write.
    pub fn save_script(&self, path: &Path) -> Result<(), ModelError> {
        let other = |what: String| ModelError::Other {
            path: path.to_owned(),
            what,
        };
        let side = self.card.network.side() as i64;
        // Two, since a trace of one image might take the 1 for a constant.
        let images = Tensor::zeros([2, 1, side, side], (Kind::Float, Device::Cpu));
        // A trace takes tensors for constants only if nothing wants their gradients.
        let mut frozen = Model::new(self.card.clone(), Device::Cpu);
        (frozen.weights_mut().copy(self.weights())).expect("both have the same variables");
        frozen.weights_mut().freeze();
        let mut embed = |inputs: &[Tensor]| vec![frozen.network.embed(&inputs[0])];
        let module =
            no_grad(|| CModule::create_by_tracing("omnishot", "forward", &[images], &mut embed));
        // What libtorch says after the first line is its own stack.
        let failed = |error: tch::TchError| {
            let text = error.to_string();
            other(text.lines().next().unwrap_or_default().to_owned())
        };
        let module = module.map_err(failed)?;
        // libtorch names the archive after the file, and refuses names that begin with a dot.
        let parent = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let beside = tempfile::Builder::new()
            .prefix(".omnishot-")
            .tempdir_in(parent.unwrap_or(Path::new(".")))
            .map_err(|error| other(error.to_string()))?;
        let whole = beside.path().join("network.pt");
        module.save(&whole).map_err(failed)?;
        let bytes = std::fs::read(&whole).map_err(|source| ModelError::Read {
            path: whole.clone(),
            source,
        })?;
        Ok(crate::files::publish(path, true, |file| {
            file.write_all(&bytes)
        })?)
    }
}
