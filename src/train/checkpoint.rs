//! A run as it stands after a step, in one file: weights, the optimizer's state, and all
//! that says which run it is. A run that is resumed from it goes on as if never stopped.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::error::TrainError;
use super::learner::Learner;
use super::preset::Preset;
use crate::files::Bytes;
use crate::model::{ModelError, TensorFile, save_tensors};
use crate::seed::STREAM_VERSION;
use crate::store::Store;

/// Version of what a checkpoint holds, and of how a run goes on from it.
const CHECKPOINT_VERSION: u32 = 3;
/// The longest file that is read; Koch's network with Adam has 468 MB.
const FILE_LIMIT: u64 = 1 << 32;

/// The best score so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The step after which it was taken.
    pub step: u64,
    /// One-shot accuracy on held-out alphabets, in percent.
    pub accuracy: f64,
    /// Ways of the tasks; 0 in checkpoints of programs that did not tell, whose scores are held
    /// beside no other.
    #[serde(default)]
    pub ways: u64,
}

/// What a checkpoint says of its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Version of checkpoints.
    version: u32,
    /// Version of all random streams.
    streams: u32,
    /// Program and version that wrote it.
    pub program: String,
    /// SHA-256 of the store.
    pub store: String,
    /// The run's seed.
    pub seed: u64,
    /// The run's settings.
    pub preset: Preset,
    /// Threads of arithmetic, on which sums depend; they are taken again.
    pub threads: i32,
    /// Steps taken.
    pub steps: u64,
    /// The best score so far.
    pub best: Option<Best>,
    /// Scores since then.
    pub without_gain: u64,
}

impl Progress {
    /// A run that has not begun.
    pub(super) fn new(store: &Store, preset: &Preset, seed: u64) -> Progress {
        Progress {
            version: CHECKPOINT_VERSION,
            streams: STREAM_VERSION,
            program: concat!("omnishot ", env!("CARGO_PKG_VERSION")).to_owned(),
            store: store.digest().to_string(),
            seed,
            preset: preset.clone(),
            threads: tch::get_num_threads(),
            steps: 0,
            best: None,
            without_gain: 0,
        }
    }
}

/// A checkpoint that was opened and proved whole; its tensors are still in the file.
pub struct Checkpoint {
    /// What it says of its run.
    pub progress: Progress,
    file: TensorFile,
}

impl Checkpoint {
    /// Where a run keeps its checkpoint.
    #[must_use]
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("checkpoint.safetensors")
    }

    /// Opens the checkpoint of a run's folder.
    ///
    /// # Errors
    /// If there is none, it is damaged, or another version of the program wrote it.
    pub fn open(folder: &Path) -> Result<Checkpoint, ModelError> {
        Checkpoint::of(TensorFile::open(
            &Checkpoint::path(folder),
            FILE_LIMIT,
            true,
        )?)
    }

    /// Reads the bytes of a checkpoint; errors name it `name`.
    ///
    /// # Errors
    /// As [`Checkpoint::open`], without those of reading.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Checkpoint, ModelError> {
        Checkpoint::of(TensorFile::of(Path::new(name), Bytes::Owned(bytes), true)?)
    }

    /// Has the run go on to `steps` in all, more or fewer than it was to take.
    ///
    /// # Errors
    /// [`TrainError::Lengthen`] if its learning rate depends on how many there are, and
    /// [`TrainError::StepsTaken`] if it has taken more already.
    pub fn lengthen(&mut self, steps: u64) -> Result<(), TrainError> {
        let Progress {
            preset,
            steps: taken,
            ..
        } = &mut self.progress;
        if steps < *taken {
            return Err(TrainError::StepsTaken {
                taken: *taken,
                steps,
            });
        }
        if steps != preset.steps && preset.optimizer.depends_on_steps() {
            return Err(TrainError::Lengthen {
                steps: preset.steps,
            });
        }
        preset.steps = steps;
        Ok(())
    }

    fn of(file: TensorFile) -> Result<Checkpoint, ModelError> {
        let value: serde_json::Value =
            serde_json::from_str(&file.card).map_err(|error| file.other(error.to_string()))?;
        for (field, ours) in [("version", CHECKPOINT_VERSION), ("streams", STREAM_VERSION)] {
            if value[field] != ours {
                let what = format!(
                    "its {field} is {}, and this program goes on from {ours} alone; finish the \
                     run with the program that began it",
                    value[field]
                );
                return Err(file.other(what));
            }
        }
        let progress: Progress =
            serde_json::from_value(value).map_err(|error| file.other(error.to_string()))?;
        progress
            .preset
            .check()
            .map_err(|error| file.other(error.to_string()))?;
        Ok(Checkpoint { progress, file })
    }

    /// Says why a run of this store, preset and seed cannot go on from it.
    pub(super) fn refuse(&self, store: &Store, preset: &Preset, seed: u64) -> Option<ModelError> {
        let Progress {
            store: drawn_from, ..
        } = &self.progress;
        let digest = store.digest().to_string();
        let what = if *drawn_from != digest {
            format!("it was trained from the store {drawn_from}, and this one is {digest}")
        } else if self.progress.preset != *preset {
            "its settings are not this run's".to_owned()
        } else if self.progress.seed != seed {
            format!(
                "its seed is {}, and this run's is {seed}",
                self.progress.seed
            )
        } else {
            return None;
        };
        Some(self.file.other(what))
    }

    /// Sets a learner to where the run stood.
    pub(super) fn restore(&self, learner: &mut Learner) -> Result<(), ModelError> {
        self.copy_into(learner.state())?;
        learner.resume(self.progress.steps);
        Ok(())
    }

    /// Sets tensors, by name, to what was saved.
    pub(super) fn copy_into(&self, state: Vec<(String, Tensor)>) -> Result<(), ModelError> {
        self.file.copy_into(state)
    }
}

/// Writes the checkpoint of a run's folder, whole or not at all, over the last one: `state` is
/// everything that a step changes, by name.
pub(super) fn save(
    folder: &Path,
    progress: &Progress,
    state: Vec<(String, Tensor)>,
) -> Result<(), ModelError> {
    let card = serde_json::to_string(progress).expect("progress is plain data");
    save_tensors(&Checkpoint::path(folder), card, state, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::planned::{
        a_file_is_old_or_new, a_killed_file_is_old_or_new, killed_here,
    };
    use crate::model::Card;
    use crate::store::made_up::one_alphabet;
    use tch::Device;

    const NAME: &str = "checkpoint.safetensors";

    /// Does `act` with what a small run would save.
    fn with_run(act: impl FnOnce(&Progress, &Learner)) {
        let changes = [
            "network.side=32",
            "network.filters=[3,4,4,5]",
            "network.kernels=[4,3,2,2]",
            "network.units=12",
        ];
        let text = Preset::shipped_text("keras").unwrap();
        let preset = Preset::parse(text, &changes.map(str::to_owned)).unwrap();
        let store = one_alphabet(1, 1);
        let card = Card {
            program: "a test".to_owned(),
            network: preset.network,
            distortion: preset.distortion,
            seed: 1,
            steps: 0,
            batch: 1,
            store: store.digest().to_string(),
            training: Vec::new(),
            validation: Vec::new(),
            pictures: None,
        };
        let learner = Learner::new(&preset, card, Device::Cpu, 0, preset.epoch_steps);
        act(&Progress::new(&store, &preset, 1), &learner);
    }

    #[test]
    fn a_checkpoint_is_the_old_one_or_the_new_one_whatever_step_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        with_run(|progress, learner| {
            let write = || save(folder.path(), progress, learner.state());
            a_file_is_old_or_new(folder.path(), NAME, write);
        });
        Checkpoint::open(folder.path()).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_checkpoint_is_the_old_one_or_the_new_one_wherever_its_writer_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let write = || saves_into(folder.path());
        let child = "train::checkpoint::tests::saves";
        a_killed_file_is_old_or_new(folder.path(), NAME, child, write);
    }

    fn saves_into(folder: &Path) {
        with_run(|progress, learner| save(folder, progress, learner.state()).unwrap());
    }

    #[test]
    #[ignore = "the child of the test before it"]
    fn saves() {
        killed_here(saves_into);
    }
}
