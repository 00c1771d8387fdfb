//! `omni-pack table`: fixed tables of pairs, drawn or checked.

use std::path::PathBuf;

use crate::sample::{PairTable, TableRecipe};
use crate::store::Store;
use anyhow::{Result, bail};
use clap::{ArgGroup, Args, ValueEnum, value_parser};

/// Draw one of Koch's fixed tables of pairs, or check one, and tell what it holds.
///
/// The training set takes background alphabets and drawers 1 to 12, the validation set ten
/// background alphabets and drawers 13 to 16, the test set the last ten evaluation alphabets
/// and drawers 17 to 20. Every alphabet gives the same number of pairs, half of them of one
/// character.
#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub struct Table {
    /// The store that the pairs are of.
    store: PathBuf,
    /// The table to write, or to check.
    table: PathBuf,
    /// Draw this set.
    #[arg(long, value_enum, group = "what")]
    set: Option<SetName>,
    /// Check a table that is there against the store.
    #[arg(long, group = "what", conflicts_with_all = ["pairs", "copies", "held_out", "seed", "force"])]
    check: bool,
    /// Pairs: a multiple of twice the number of alphabets [default: 30000, or 10000 to validate
    /// and to test].
    #[arg(long, value_name = "N")]
    pairs: Option<u32>,
    /// Distorted copies of each pair of a training set, besides the undistorted one; 8 in the
    /// paper.
    #[arg(long, default_value_t = 0, value_name = "C")]
    copies: u8,
    /// Background alphabets that a training set leaves out, by the seed; with 10, those that
    /// validate.
    #[arg(long, default_value_t = 0, value_name = "H", value_parser = value_parser!(u16).range(..1000))]
    held_out: u16,
    /// Seed of the pairs, of the copies and of which alphabets are held out.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Replace a table that is there already.
    #[arg(long)]
    force: bool,
}

/// One of Koch's sets.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SetName {
    /// To learn from.
    Training,
    /// To choose by.
    Validation,
    /// To score.
    Test,
}

impl Table {
    pub fn run(self) -> Result<()> {
        let store = Store::open(&self.store)?;
        if let Some(set) = self.set {
            let recipe = self.recipe(&store, set)?;
            PairTable::write(&self.table, &store, &recipe, self.force)?;
        }
        let table = PairTable::open(&self.table)?;
        table.check(&store)?;
        self.print(&store, &table);
        Ok(())
    }

    fn recipe(&self, store: &Store, set: SetName) -> Result<TableRecipe> {
        let training = set == SetName::Training;
        if !training && (self.copies > 0 || self.held_out > 0) {
            bail!("--copies and --held-out go with --set training alone");
        }
        let default = if training { 30_000 } else { 10_000 };
        let (pairs, seed) = (self.pairs.unwrap_or(default), self.seed);
        Ok(match set {
            SetName::Training => {
                let held_out = usize::from(self.held_out);
                TableRecipe::training(store, held_out, pairs, self.copies, seed)?
            }
            SetName::Validation => TableRecipe::validation(store, pairs, seed)?,
            SetName::Test => TableRecipe::test(store, pairs, seed)?,
        })
    }

    fn print(&self, store: &Store, table: &PairTable) {
        let recipe = table.recipe();
        let same = (0..recipe.pairs).filter(|&p| table.pair(p).same).count() as u32;
        print_line!(
            "{}: {} pairs, {same} same and {} different; {} copies of each, {} entries; seed {}",
            self.table.display(),
            recipe.pairs,
            recipe.pairs - same,
            recipe.copies,
            table.len(),
            recipe.seed,
        );
        let names = recipe.alphabets.iter();
        let names: Vec<_> = names.map(|&id| &*store.alphabet(id).name).collect();
        print_line!(
            "drawers {} to {}; {} alphabets: {}",
            recipe.drawers.start(),
            recipe.drawers.end(),
            names.len(),
            names.join(", ")
        );
        print_line!(
            "file: {} bytes, SHA-256 {}",
            table.bytes(),
            table.checksum()
        );
        print_line!("store: SHA-256 {}", table.store());
    }
}
