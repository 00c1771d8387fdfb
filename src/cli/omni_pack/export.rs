//! `omni-pack export`: a store to PNG files or NumPy arrays.

use std::path::PathBuf;

use crate::archive::Split;
use crate::store::Store;
use crate::store::export::{self, ExportOptions};
use anyhow::Result;
use clap::Args;

use super::build::drawings_bar;

/// Write a store's drawings as PNG files or NumPy arrays.
///
/// A folder gets images_background, images_evaluation and all_runs as Omniglot's downloads
/// have them, and omni-pack build reads it again. A file that ends in .npz gets arrays for
/// numpy.load: pages, alphabet, character, drawer, split, and tables of names and runs. A store
/// in shades gives 8-bit grey pictures, which omni-pack build reads with --pictures --grey
/// --merge-splits, or an array more, shades.
#[derive(Args)]
pub struct Export {
    /// The store to read.
    store: PathBuf,
    /// The folder, or the .npz file, to write.
    output: PathBuf,
    /// One split alone.
    #[arg(long, value_enum)]
    split: Option<Split>,
    /// Write NumPy arrays whatever the output's name ends in.
    #[arg(long)]
    npz: bool,
    /// Replace a file, or the exported parts of a folder, that is there already.
    #[arg(long)]
    force: bool,
}

impl Export {
    pub fn run(self) -> Result<()> {
        let store = Store::open(&self.store)?;
        let options = ExportOptions {
            split: self.split,
            overwrite: self.force,
        };
        let bar = drawings_bar("exporting", store.drawings() as u64);
        let done = |drawings: usize| bar.inc(drawings as u64);
        let is_npz = self.npz || self.output.extension().is_some_and(|e| e == "npz");
        let exported = if is_npz {
            export::to_npz(&store, &self.output, options, done)?
        } else {
            export::to_folder(&store, &self.output, options, done)?
        };
        bar.finish_and_clear();
        print_line!(
            "{}: {} drawings and {} runs",
            self.output.display(),
            exported.drawings,
            exported.runs
        );
        Ok(())
    }
}
