//! Checkpoints, written beside training where that can be.
//!
//! What a GPU learns is copied to the CPU, which takes a moment, and written by a thread of its
//! own while training goes on. A CPU's is written at once: its tensors change with the next step.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use tch::{Device, Tensor};

use super::checkpoint::{self, Progress};
use crate::model::ModelError;

/// Writes the checkpoints of a run's folder.
pub(super) struct Saver {
    folder: PathBuf,
    beside: bool,
    writing: Option<JoinHandle<Result<(), ModelError>>>,
}

impl Saver {
    pub fn new(folder: PathBuf, device: Device) -> Saver {
        Saver {
            folder,
            beside: device.is_cuda(),
            writing: None,
        }
    }

    /// Writes a checkpoint over the last one, once that is there.
    ///
    /// # Errors
    /// If this one, or the last, cannot be written.
    pub fn save(
        &mut self,
        progress: &Progress,
        state: Vec<(String, Tensor)>,
    ) -> Result<(), ModelError> {
        self.finish()?;
        if !self.beside {
            return checkpoint::save(&self.folder, progress, state);
        }
        let copy = |(name, tensor): (String, Tensor)| {
            let copy = match tensor.device() {
                Device::Cpu => tensor.copy(), // to_device would give the tensor itself
                _ => tensor.to_device(Device::Cpu),
            };
            (name, copy.detach())
        };
        let copies: Vec<(String, Tensor)> = state.into_iter().map(copy).collect();
        let (folder, progress) = (self.folder.clone(), progress.clone());
        let write = move || checkpoint::save(&folder, &progress, copies);
        self.writing = Some(thread::spawn(write));
        Ok(())
    }

    /// Waits until the last checkpoint is written.
    ///
    /// # Errors
    /// If it cannot be written.
    ///
    /// # Panics
    /// If writing panicked.
    pub fn finish(&mut self) -> Result<(), ModelError> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        writing.join().expect("writing a checkpoint does not panic")
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        // Whoever ends early has a cause that is worth more.
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::Checkpoint;
    use super::super::preset::Preset;
    use super::*;
    use crate::store::made_up::one_alphabet;

    /// What is saved beside training is what was there when it was asked for.
    #[test]
    fn a_checkpoint_is_of_its_moment_and_the_last_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let preset = Preset::shipped("fast").unwrap();
        let store = one_alphabet(1, 1);
        let mut progress = Progress::new(&store, &preset, 1);
        let mut saver = Saver::new(folder.path().to_owned(), Device::Cpu);
        saver.beside = true;
        let mut weights = Tensor::from_slice(&[0.0f32; 1000]);
        for steps in 1..=5 {
            progress.steps = steps;
            let _ = weights.fill_(steps as f64);
            let state = vec![("w".to_owned(), weights.shallow_clone())];
            saver.save(&progress, state).unwrap();
            let _ = weights.fill_(-1.0);
        }
        saver.finish().unwrap();
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        assert_eq!(checkpoint.progress.steps, 5);
        let into = vec![("w".to_owned(), weights.shallow_clone())];
        checkpoint.copy_into(into).unwrap();
        assert_eq!(Vec::<f32>::try_from(weights).unwrap(), [5.0; 1000]);
        // A failure is told, if only by the next call.
        drop(folder);
        let state = vec![("w".to_owned(), Tensor::from_slice(&[0.0f32]))];
        saver.save(&progress, state).unwrap();
        assert!(saver.finish().is_err());
    }
}
