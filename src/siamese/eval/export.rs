//! `siamese-eval export-tasks`: tasks for other people's models.

use std::path::PathBuf;

use crate::eval::exchange::{self, Format, MOST_TASKS};
use crate::eval::{Protocol, TaskSet};
use crate::store::Store;
use anyhow::{Result, bail};
use clap::Args;
use omnishot_data::print_line;

/// Write one-shot tasks for models of other programs: tasks.json and the drawings.
///
/// The file says what to do with it, and siamese-eval score scores the answers. With the same
/// options these are the tasks that siamese-eval itself asks. The right answers are in
/// tasks.json; a model must not read them.
#[derive(Args)]
pub struct Export {
    /// The store, as omni-pack builds it.
    store: PathBuf,
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// The runs that the store holds (lake-runs), or random tasks of the evaluation set, within
    /// an alphabet (within) or over all characters (between).
    #[arg(long, value_name = "NAME", default_value_t = Protocol::LakeRuns)]
    protocol: Protocol,
    /// Characters to choose among in a random task [default: 20].
    #[arg(long, value_name = "N")]
    ways: Option<usize>,
    /// Support drawings of each in a random task [default: 1].
    #[arg(long, value_name = "K")]
    shots: Option<usize>,
    /// How many random tasks [default: 400].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_TASKS as u64))]
    trials: Option<u64>,
    /// The seed of random tasks [default: 0].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// PNG files, or one array for numpy.load.
    #[arg(long, value_enum, default_value_t = Format::Png)]
    format: Format,
    /// Replace the exported parts of a folder that is there already.
    #[arg(long)]
    force: bool,
}

/// Writes the tasks and says how many.
pub fn run(arguments: &Export) -> Result<()> {
    let store = Store::open(&arguments.store)?;
    let set = task_set(&store, arguments)?;
    let file = exchange::export(
        &store,
        &set,
        &arguments.out,
        arguments.format,
        arguments.force,
    )?;
    print_line!(
        "{}: {} tasks, {} drawings; {}",
        arguments.out.display(),
        file.tasks.len(),
        file.drawings.count,
        file.title
    );
    Ok(())
}

fn task_set(store: &Store, arguments: &Export) -> Result<TaskSet> {
    let counts = arguments.ways.is_some() || arguments.shots.is_some();
    let random = counts || arguments.trials.is_some() || arguments.seed.is_some();
    if arguments.protocol == Protocol::LakeRuns && random {
        bail!(
            "the runs of a store are fixed: --ways, --shots, --trials and --seed are for \
             --protocol within and between"
        );
    }
    let shape = (arguments.ways.unwrap_or(20), arguments.shots.unwrap_or(1));
    let (seed, trials) = (arguments.seed.unwrap_or(0), arguments.trials.unwrap_or(400));
    let protocol = arguments.protocol;
    Ok(TaskSet::of_protocol(store, protocol, shape, seed, trials)?)
}
