//! `omni-pack preview`: sheets of what a store holds, as PNG pictures.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args};
use omnishot::archive::{Page, Split};
use omnishot::report::{Canvas, TaskPicture, contact_sheet, task_sheet};
use omnishot::sample::{Purpose, Stream};
use omnishot::store::{AlphabetId, CharacterId, Decoder, DrawingId, Store, publish};

use crate::build::SplitArgument;

/// Draw a sheet: an alphabet, a one-shot task, or the tasks of a run.
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
    /// Seed of the task.
    #[arg(long, default_value_t = 0, conflicts_with_all = ["alphabet", "run"])]
    seed: u64,
    /// Number of the task under its seed.
    #[arg(long, default_value_t = 0, conflicts_with_all = ["alphabet", "run"], value_parser = clap::value_parser!(u64).range(..1 << 48))]
    index: u64,
    /// Split that the task's characters are from.
    #[arg(long, value_enum, default_value = "evaluation", conflicts_with_all = ["alphabet", "run"])]
    split: SplitArgument,
    /// Replace a picture that is there already.
    #[arg(long)]
    force: bool,
}

impl Preview {
    pub fn run(self) -> Result<()> {
        let store = Store::open(&self.store)?;
        let canvas = self.sheet(&store)?;
        publish(&self.output, self.force, |file| {
            file.write_all(&canvas.to_png())
        })?;
        let (width, height) = canvas.dimensions();
        println!("{}: {width} x {height} pixels", self.output.display());
        Ok(())
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
                    picture(&mut decoder, query, &run.support, usize::from(answer))
                })
                .collect::<Result<Vec<_>>>()?;
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
        let split = Split::from(self.split);
        let (query, support, answer) = draw_task(store, split, ways, self.seed, self.index)
            .with_context(|| format!("{path}: has no {ways} characters in the {split} set"))?;
        let title = format!(
            "{ways} ways, {split}, seed {}, task {}",
            self.seed, self.index
        );
        let task = picture(&mut decoder, query, &support, answer)?;
        Ok(task_sheet(&title, &[task])?)
    }
}

fn picture(
    decoder: &mut Decoder,
    query: DrawingId,
    support: &[DrawingId],
    answer: usize,
) -> Result<TaskPicture> {
    let mut page = |id| -> Result<Page> { Ok(*decoder.drawing(id)?) };
    Ok(TaskPicture {
        query: page(query)?,
        support: support.iter().map(|&id| page(id)).collect::<Result<_>>()?,
        answer,
        predicted: None,
        scores: None,
    })
}

/// A task of the split: query, support, and the index of the query's character in it.
/// `None` if there are too few characters with two drawings to tell apart.
fn draw_task(
    store: &Store,
    split: Split,
    ways: usize,
    seed: u64,
    index: u64,
) -> Option<(DrawingId, Vec<DrawingId>, usize)> {
    let of_split = store.alphabets().iter().filter(|a| a.split == split);
    let mut characters: Vec<CharacterId> = of_split
        .flat_map(|alphabet| alphabet.characters.clone())
        .filter(|&id| store.character(id).drawings.len() > 1)
        .collect();
    if characters.len() < ways {
        return None;
    }
    let mut stream = Stream::new(seed, Purpose::Task, index);
    stream.choose_front(&mut characters, ways);
    let answer = stream.index(ways);
    let mut support = Vec::new();
    let mut query = 0;
    for (class, &id) in characters[..ways].iter().enumerate() {
        let mut drawings: Vec<DrawingId> = store.character(id).drawings.clone().collect();
        stream.choose_front(&mut drawings, 2);
        support.push(drawings[0]);
        if class == answer {
            query = drawings[1];
        }
    }
    Some((query, support, answer))
}
