//! The networks that take part: their weights, and the record of their training.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::eval::{Entrant, Role, TrainingRecord};
use crate::model::{Model, PRETRAINED};
use crate::store::Store;
use anyhow::{Context, Result, bail};
use tch::Device;

/// A file of weights, and what the report calls its network.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub path: PathBuf,
}

/// Reads `PATH` or `NAME=PATH`. Without a name, `run/weights.safetensors` is called `run`.
pub fn named(text: &str) -> Result<Named, String> {
    if let Some((name, path)) = text.split_once('=')
        && !name.contains('/')
    {
        if name.is_empty() || path.is_empty() {
            return Err("give NAME=FILE, or FILE alone".to_owned());
        }
        let (name, path) = (name.to_owned(), path.into());
        return Ok(Named { name, path });
    }
    let path = PathBuf::from(text);
    let stem = |path: &Path| {
        path.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
    };
    let of_folder = || path.parent().and_then(stem);
    let name = match stem(&path) {
        Some(own) if own == "weights" => of_folder().unwrap_or(own),
        Some(own) => own,
        None => return Err(format!("{text:?} names no file")),
    };
    Ok(Named { name, path })
}

/// Loads networks; no two may have one name. The one that comes with the program is the first,
/// if it is `pretrained`.
pub fn load(
    pretrained: bool,
    networks: &[Named],
    baselines: &[Named],
    device: Device,
) -> Result<Vec<Entrant>> {
    let all = networks.iter().map(|named| (named, Role::Network));
    let all = all.chain(baselines.iter().map(|named| (named, Role::Baseline)));
    let mut entrants: Vec<Entrant> = Vec::new();
    if pretrained {
        entrants.push(Entrant {
            name: "pretrained".to_owned(),
            role: Role::Network,
            model: Model::pretrained(device),
            digest: blake3::hash(PRETRAINED).to_string(),
        });
    }
    for (Named { name, path }, role) in all {
        if entrants.iter().any(|other| other.name == *name) {
            bail!(
                "two networks are called {name:?}; give one as NAME={}",
                path.display()
            );
        }
        let model = Model::load(path, device)?;
        let mut hasher = blake3::Hasher::new();
        let file =
            File::open(path).with_context(|| format!("{}: cannot be read", path.display()))?;
        hasher
            .update_reader(file)
            .with_context(|| format!("{}: cannot be read", path.display()))?;
        entrants.push(Entrant {
            name: name.clone(),
            role,
            model,
            digest: hasher.finalize().to_string(),
        });
    }
    Ok(entrants)
}

/// Points of a curve of training losses.
const POINTS: usize = 100;

/// The record of a network's training, where its weights lie in the run's folder still.
pub fn training_record(named: &Named) -> Option<TrainingRecord> {
    let text = fs::read_to_string(named.path.parent()?.join("metrics.jsonl")).ok()?;
    let records: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let pair = |record: &serde_json::Value, field: &str| {
        Some((record["step"].as_u64()?, record[field].as_f64()?))
    };
    let losses: Vec<(u64, f64)> = records.iter().filter_map(|r| pair(r, "loss")).collect();
    let mean = |part: &[(u64, f64)]| {
        let sum: f64 = part.iter().map(|point| point.1).sum();
        (part[part.len() - 1].0, sum / part.len() as f64)
    };
    let scored = records.iter().filter(|r| r["validation"].is_number());
    let mut ways: Vec<Option<u64>> = scored.map(|r| r["validation_ways"].as_u64()).collect();
    ways.dedup();
    let each = losses.len().div_ceil(POINTS).max(1);
    Some(TrainingRecord {
        network: named.name.clone(),
        loss: losses.chunks(each).map(mean).collect(),
        validation: records
            .iter()
            .filter_map(|r| pair(r, "validation"))
            .collect(),
        validation_ways: match ways[..] {
            [ways] => ways,
            _ => None,
        },
    })
}

/// Says of networks that they learned from pictures made in another way than the store's.
pub fn warn_of_other_pictures(entrants: &[Entrant], store: &Store) {
    for Entrant { name, model, .. } in entrants {
        if let (Some(trained), Some(own)) = (model.card.pictures, store.pictures())
            && trained != own
        {
            eprintln!(
                "siamese-eval: {name} was trained on pictures made {trained}, those of {} are made \
                 {own}: expect worse answers",
                store.path().display()
            );
        }
    }
}
