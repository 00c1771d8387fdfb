//! `omni-pack build`: inputs to a store.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::archive::{self, Archive, GroupOptions, ReadOptions, ScanOptions, Split};
use crate::store::{self, WriteOptions};
use crate::synthetic::{self, SyntheticOptions};
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

/// Pack zips, folders or made-up alphabets into a store.
///
/// An input is a zip or a folder of alphabet/character/NNNN_DD.png, such as the official zips, or
/// a folder of such zips and folders; other folders may lie around. A folder or zip whose name
/// holds background or evaluation says which all in it is. Several inputs make one store;
/// drawings that they share are kept once. What is passed over is said. With --pictures, the
/// input is a folder or a zip of your own: group/class/picture or class/picture, PNG, JPEG, WebP,
/// GIF, BMP or TIFF, of any size and shade. A group is what an alphabet is to Omniglot.
#[derive(Args)]
pub struct Build {
    /// The store to write.
    output: PathBuf,
    /// Zips and folders to read.
    #[arg(required_unless_present = "synthetic")]
    inputs: Vec<PathBuf>,
    /// Make alphabets up from this seed, instead of reading any: 30 for background, 20 for
    /// evaluation, and 20 one-shot runs. Scores on them say nothing about Omniglot.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["inputs", "split", "allow_missing"])]
    synthetic: Option<u64>,
    /// Read pictures of any size and shade, group/class/picture or class/picture.
    #[arg(long, conflicts_with_all = ["synthetic", "split", "allow_missing"])]
    pictures: bool,
    /// Groups of pictures to evaluate on; the others are to train on.
    #[arg(long, value_name = "GROUP", num_args = 1.., requires = "pictures")]
    evaluation: Vec<String>,
    /// Take folders such as train and test, with the same classes in them, as one.
    #[arg(long, requires = "pictures")]
    merge_splits: bool,
    /// Deal classes that lie in no groups into so many made-up ones, "group 1" and on, so that
    /// some can be evaluated on: the classes by name in turn, at least two for each.
    #[arg(long, value_name = "N", requires = "pictures", value_parser = clap::value_parser!(u16).range(2..))]
    groups: Option<u16>,
    /// Cut out what each picture shows and put it in the middle of the page, as large as most of
    /// Omniglot's drawings; else the whole picture fills the page.
    #[arg(long, requires = "pictures")]
    cut: bool,
    /// Keep the shades of pictures; else a pixel is ink or ground.
    #[arg(long, requires = "pictures")]
    grey: bool,
    /// Tag every drawing, whatever the inputs' names say.
    #[arg(long, value_enum)]
    split: Option<Split>,
    /// Take characters that some drawer did not draw, and partial official sets.
    #[arg(long)]
    allow_missing: bool,
    /// Level of zstd, 1 to 22.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// Threads; 0 takes one for each core. The store is the same with any number.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Replace a store that is there already.
    #[arg(long)]
    force: bool,
}

/// A bar that counts drawings.
pub fn drawings_bar(verb: &str, drawings: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} drawings, {per_sec}, {eta}")
            .expect("the template is sound");
    let bar = ProgressBar::new(drawings)
        .with_style(style)
        .with_message(verb.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Build {
    pub fn run(self) -> Result<()> {
        let options = WriteOptions {
            level: self.level,
            overwrite: self.force,
            pictures: self.pictures.then(|| self.scan()),
        };
        if self.output.exists() && !self.force {
            bail!(
                "{}: exists already; remove it or use --force",
                self.output.display()
            );
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .build_global()
            .context("cannot start the threads")?;
        let started = Instant::now();
        let archive = self.archive()?;
        let characters = archive.alphabets.iter().flat_map(|a| &a.characters);
        let drawings: usize = characters.map(|c| c.drawings.len()).sum();
        let bar = drawings_bar("packing", drawings as u64);
        let bytes = store::write(&self.output, &archive, options, |done| bar.inc(done as u64))?;
        bar.finish_and_clear();
        print_line!(
            "{}: {drawings} drawings and {} runs in {bytes} bytes, {:.1} s",
            self.output.display(),
            archive.runs.len(),
            started.elapsed().as_secs_f64(),
        );
        Ok(())
    }

    /// How pictures are made into pages.
    fn scan(&self) -> ScanOptions {
        ScanOptions {
            cut: self.cut,
            grey: self.grey,
        }
    }

    fn archive(&self) -> Result<Archive> {
        if let Some(seed) = self.synthetic {
            let options = SyntheticOptions {
                seed,
                ..SyntheticOptions::default()
            };
            let alphabets = synthetic::synthesize(&options);
            let runs = synthetic::synthesize_runs(&alphabets, seed);
            return Ok(Archive { alphabets, runs });
        }
        if self.pictures {
            let [input] = &self.inputs[..] else {
                bail!("--pictures takes one folder or zip");
            };
            let options = GroupOptions {
                evaluation: self.evaluation.clone(),
                scan: self.scan(),
                merge_splits: self.merge_splits,
                deal: self.groups.map(usize::from),
            };
            let groups = archive::read_groups(input, &options)?;
            if groups.left_out > 0 {
                let ends = groups.left_out_ends.iter();
                let ends: Vec<String> = ends.map(|(end, n)| format!("{n} {end}")).collect();
                let (n, ends) = (groups.left_out, ends.join(", "));
                eprintln!(
                    "omni-pack: left out what is no picture by its name ({n} in all): {ends}"
                );
            }
            for folder in &groups.without_pictures {
                eprintln!("omni-pack: no picture is in {folder}: it is no class of the store");
            }
            for note in &groups.notes {
                eprintln!("omni-pack: {note}");
            }
            return Ok(groups.archive);
        }
        let options = ReadOptions {
            split: self.split,
            allow_missing: self.allow_missing,
        };
        let reading = archive::read_inputs(&self.inputs, options)?;
        for note in &reading.notes {
            eprintln!("omni-pack: {note}");
        }
        Ok(reading.archive)
    }
}
