//! `omni-pack preview`: sheets of what a store holds, as PNG pictures.

use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::Split;
use crate::sample::{
    ComposedSampler, ComposedShape, Compositions, SIBLINGS, Scope, Task, TaskSampler, TaskShape,
    alphabets_of,
};
use crate::sheet::{Canvas, TaskPicture, composed_sheet, contact_sheet, task_sheet};
use crate::store::{AlphabetId, PageCache, Store};
use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args};

use super::save;

/// Draw a sheet: an alphabet, a one-shot task, the tasks of a run, or composed classes.
#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub struct Preview {
    /// The store to read.
    store: PathBuf,
    /// The PNG picture to write.
    output: PathBuf,
    /// An alphabet: a row for each character, a column for each drawer.
    #[arg(long, group = "what", value_name = "NAME")]
    alphabet: Option<String>,
    /// A task of so many ways (9, 25 and 36 fill a square): a query and a drawing of each class.
    #[arg(long, group = "what", value_name = "WAYS", value_parser = clap::value_parser!(u16).range(2..=400))]
    task: Option<u16>,
    /// The tasks of a run that the store keeps, such as run01.
    #[arg(long, group = "what", value_name = "NAME")]
    run: Option<String>,
    /// Families of classes composed of background characters: a row for each class, four a family.
    #[arg(long, group = "what", value_name = "FAMILIES", value_parser = clap::value_parser!(u32).range(1..=100))]
    composed: Option<u32>,
    /// Seed of the task, or of the classes.
    #[arg(long, default_value_t = 0, conflicts_with_all = ["alphabet", "run"])]
    seed: u64,
    /// Number of the task under its seed.
    #[arg(long, default_value_t = 0, conflicts_with_all = ["alphabet", "run", "composed"], value_parser = clap::value_parser!(u64).range(..1 << 48))]
    index: u64,
    /// Split that the task's characters are from.
    #[arg(long, value_enum, default_value = "evaluation", conflicts_with_all = ["alphabet", "run", "composed"])]
    split: Split,
    /// Replace a picture that is there already.
    #[arg(long)]
    force: bool,
}

impl Preview {
    pub fn run(self) -> Result<()> {
        let store = Arc::new(Store::open(&self.store)?);
        let canvas = match self.composed {
            Some(families) => self.composed_sheet(store, families)?,
            None => self.sheet(&store)?,
        };
        save(&canvas, &self.output, self.force)
    }

    fn sheet(&self, store: &Store) -> Result<Canvas> {
        let path = store.path().display();
        if let Some(name) = &self.alphabet {
            let id = store.alphabets().iter().position(|a| a.name == *name);
            let id = id.with_context(|| {
                format!("{path}: has no alphabet {name:?}; omni-pack info lists them")
            })?;
            return Ok(contact_sheet(store, id as AlphabetId)?);
        }
        let mut decoder = store.decoder();
        if let Some(name) = &self.run {
            let run = store.runs().iter().find(|run| run.name == *name);
            let run = run.with_context(|| {
                format!("{path}: has no run {name:?}; omni-pack info --json lists them")
            })?;
            let tasks = (run.queries.iter())
                .map(|&(query, answer)| {
                    TaskPicture::read(&mut decoder, query, &run.support, usize::from(answer))
                })
                .collect::<Result<Vec<_>, _>>()?;
            if tasks.is_empty() {
                bail!("{path}: {name} has no queries");
            }
            let title = format!(
                "{name}: {} tasks of {} ways",
                tasks.len(),
                run.support.len()
            );
            return Ok(task_sheet(&title, &tasks)?);
        }
        let ways = usize::from(self.task.expect("one of the group is required"));
        let split = self.split;
        let shape = TaskShape {
            ways,
            shots: 1,
            scope: Scope::Between,
        };
        let sampler = TaskSampler::new(store, &alphabets_of(store, split), shape, self.seed)
            .with_context(|| format!("{path}: the {split} set is too small"))?;
        let Task {
            query,
            support,
            answer,
        } = sampler.draw(self.index);
        let title = format!(
            "{ways} ways, {split}, seed {}, task {}",
            self.seed, self.index
        );
        let task = TaskPicture::read(&mut decoder, query, &support, answer)?;
        Ok(task_sheet(&title, &[task])?)
    }

    /// The first families that a training with this seed would see, whatever its number of classes.
    fn composed_sheet(&self, store: Arc<Store>, families: u32) -> Result<Canvas> {
        let shape = ComposedShape {
            classes: SIBLINGS * families,
            drawings: 2 * SIBLINGS as usize,
            kinds: Compositions::ALL,
        };
        let background = alphabets_of(&store, Split::Background);
        let sampler =
            ComposedSampler::new(&store, &background, shape, self.seed).with_context(|| {
                format!(
                    "{}: the background set is too small",
                    store.path().display()
                )
            })?;
        Ok(composed_sheet(
            &PageCache::new(store),
            &sampler,
            0,
            families,
        )?)
    }
}
