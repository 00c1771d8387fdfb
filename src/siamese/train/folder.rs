//! The folder of a run: whose it is, and the records of its steps.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::files::publish;
use crate::report::EventWriter;
use crate::train::{Checkpoint, Preset, StepRecord};
use anyhow::{Context, Result, bail};

/// A run's folder, which no other process writes into while this is held.
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Takes the folder of a run that is there.
    pub fn open(path: &Path) -> Result<RunFolder> {
        if !path.is_dir() {
            bail!("{}: there is no such folder", path.display());
        }
        let name = path.join("run.lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .with_context(|| format!("{}: cannot be written", name.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{}: another run is writing into this folder",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{}: cannot be locked", name.display()));
            }
        }
        // What a killed run was writing when it was killed.
        for entry in fs::read_dir(path)?.flatten() {
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(".omnishot-")
            {
                // A folder is what a killed --torchscript was writing into.
                let remove = match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    true => fs::remove_dir_all,
                    false => fs::remove_file,
                };
                remove(entry.path())
                    .with_context(|| format!("{}: cannot be removed", entry.path().display()))?;
            }
        }
        Ok(RunFolder {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Takes the folder for a new run, and writes its settings.
    pub fn begin(path: &Path, preset: &Preset, force: bool) -> Result<RunFolder> {
        fs::create_dir_all(path).with_context(|| format!("{}: cannot be made", path.display()))?;
        let folder = RunFolder::open(path)?;
        let old: Vec<PathBuf> = ["checkpoint", "best", "weights", "diverged"]
            .map(|name| path.join(format!("{name}.safetensors")))
            .into_iter()
            .filter(|file| file.exists())
            .collect();
        if let (Some(file), false) = (old.first(), force) {
            let hint = if Checkpoint::path(path).exists() {
                "use --resume to go on with that run, or --force to replace it"
            } else {
                "remove it or use --force"
            };
            bail!("{}: exists already; {hint}", file.display());
        }
        for file in old.into_iter().chain(events(path)) {
            fs::remove_file(&file)
                .with_context(|| format!("{}: cannot be removed", file.display()))?;
        }
        folder.write_settings(preset)?;
        Ok(folder)
    }

    /// Writes the run's settings.
    pub fn write_settings(&self, preset: &Preset) -> Result<()> {
        let settings = toml::to_string(preset)?;
        Ok(publish(&self.path.join("settings.toml"), true, |file| {
            file.write_all(settings.as_bytes())
        })?)
    }

    /// The records of a run that has taken so many steps; those of later ones are cut off.
    pub fn record(&self, steps: u64) -> Result<Record> {
        let path = self.path.join("metrics.jsonl");
        let context = || format!("{}: cannot be written", path.display());
        let kept = if steps == 0 {
            String::new()
        } else {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{}: cannot be read", path.display()))?;
            let step = |line: &str| {
                let record: serde_json::Value = serde_json::from_str(line).ok()?;
                record["step"].as_u64()
            };
            let kept = text
                .lines()
                .filter(|line| step(line).is_some_and(|step| step <= steps));
            kept.flat_map(|line| [line, "\n"]).collect()
        };
        publish(&path, true, |file| file.write_all(kept.as_bytes()))?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .with_context(context)?;
        Ok(Record {
            events: EventWriter::create(&self.path, now(), steps)?,
            file,
            path,
            failed: Ok(()),
        })
    }
}

/// Event files in a folder.
fn events(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let ours = |path: &PathBuf| path.to_string_lossy().contains("events.out.tfevents.");
    entries.map(|entry| entry.path()).filter(ours).collect()
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The records of a run's steps: `metrics.jsonl`, and an event file.
pub struct Record {
    file: File,
    path: PathBuf,
    events: EventWriter,
    failed: Result<()>,
}

impl Record {
    /// Adds a step. The first failure is told at the end: training is worth more.
    pub fn step(&mut self, step: &StepRecord, line: &str) {
        if self.failed.is_ok() {
            self.failed = self.write(step, line);
        }
    }

    fn write(&mut self, step: &StepRecord, line: &str) -> Result<()> {
        // Straight to the system, so that a run that is killed leaves the lines before its
        // checkpoint; and to the disk before that, for a machine that is.
        writeln!(self.file, "{line}")
            .and_then(|()| {
                if step.checkpoint {
                    self.file.sync_data()
                } else {
                    Ok(())
                }
            })
            .with_context(|| format!("{}: cannot be written", self.path.display()))?;
        let mut scalars = vec![
            ("loss", step.loss),
            ("learning_rate", step.learning_rate),
            ("images_per_second", step.images_per_second),
            ("waited", step.waited),
        ];
        scalars.extend(step.validation.map(|accuracy| ("validation", accuracy)));
        self.events.scalars(now(), step.step, &scalars);
        if step.checkpoint || step.validation.is_some() || step.step.is_multiple_of(20) {
            self.events.flush()?;
        }
        Ok(())
    }

    /// Says whether all was written.
    pub fn end(mut self) -> Result<()> {
        self.failed?;
        Ok(self.events.flush()?)
    }
}
