//! `omni-pack info`, `verify` and `pairs`: what is in a store, and whether it is sound.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use crate::archive::{ScanOptions, Split};
use crate::sample::PairCounts;
use crate::store::{AlphabetEntry, Store};
use anyhow::Result;
use clap::Args;

/// Show what a store holds, alphabet by alphabet.
#[derive(Args)]
pub struct Info {
    /// The store to look into.
    store: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Info {
    pub fn run(self) -> Result<()> {
        let store = Store::open(&self.store)?;
        if self.json {
            self.print_json(&store)
        } else {
            self.print_table(&store)
        }
    }

    fn print_table(&self, store: &Store) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{:<44} {:<10} {:>10} {:>8} {:>9}",
            "alphabet", "split", "characters", "drawers", "drawings"
        )?;
        for entry in store.alphabets() {
            writeln!(
                out,
                "{:<44} {:<10} {:>10} {:>8} {:>9}",
                entry.name,
                entry.split,
                entry.characters.len(),
                drawers(store, entry),
                drawings(store, entry)
            )?;
        }
        for split in [Split::Background, Split::Evaluation] {
            let of_split = || store.alphabets().iter().filter(|a| a.split == split);
            let characters: usize = of_split().map(|a| a.characters.len()).sum();
            let drawings: u32 = of_split().map(|a| drawings(store, a)).sum();
            let alphabets = of_split().count();
            writeln!(
                out,
                "{split}: {alphabets} alphabets, {characters} characters, {drawings} drawings"
            )?;
        }
        let queries: usize = store.runs().iter().map(|run| run.queries.len()).sum();
        writeln!(
            out,
            "one-shot runs: {} with {queries} queries",
            store.runs().len()
        )?;
        writeln!(
            out,
            "file: {} bytes, {}, SHA-256 {}",
            store.len(),
            if store.is_grey() {
                "shades"
            } else {
                "one bit a pixel"
            },
            store.digest()
        )?;
        if let Some(ScanOptions { cut, .. }) = store.pictures() {
            let how = if cut { "cut out" } else { "whole" };
            writeln!(out, "made from pictures: {how}")?;
        }
        Ok(())
    }

    fn print_json(&self, store: &Store) -> Result<()> {
        let alphabets: Vec<_> = store
            .alphabets()
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "name": entry.name,
                    "split": entry.split.name(),
                    "characters": entry.characters.len(),
                    "drawers": drawers(store, entry),
                    "drawings": drawings(store, entry),
                })
            })
            .collect();
        let runs: Vec<_> = store
            .runs()
            .iter()
            .map(|run| serde_json::json!({"name": run.name, "ways": run.support.len(), "queries": run.queries.len()}))
            .collect();
        let info = serde_json::json!({
            "path": store.path(),
            "bytes": store.len(),
            "grey": store.is_grey(),
            "pictures": store.pictures(),
            "digest": store.digest().to_string(),
            "alphabets": alphabets,
            "runs": runs,
        });
        writeln!(io::stdout().lock(), "{info:#}")?;
        Ok(())
    }
}

/// Number of different drawers in an alphabet.
fn drawers(store: &Store, alphabet: &AlphabetEntry) -> usize {
    let all: std::collections::BTreeSet<u16> = alphabet
        .characters
        .clone()
        .flat_map(|id| store.drawers(id))
        .collect();
    all.len()
}

fn drawings(store: &Store, alphabet: &AlphabetEntry) -> u32 {
    alphabet
        .characters
        .clone()
        .map(|id| store.character(id).drawings.len() as u32)
        .sum()
}

/// Check every checksum and every drawing of a store.
#[derive(Args)]
pub struct Verify {
    /// The store to check.
    store: PathBuf,
}

impl Verify {
    pub fn run(self) -> Result<()> {
        let started = Instant::now();
        let store = Store::open(&self.store)?;
        let opened = started.elapsed();
        store.verify()?;
        print_line!(
            "{}: sound: {} drawings of {} characters, SHA-256 {}; opened in {:.3} ms, checked in {:.1} ms",
            self.store.display(),
            store.drawings(),
            store.characters().len(),
            store.digest(),
            opened.as_secs_f64() * 1e3,
            (started.elapsed() - opened).as_secs_f64() * 1e3,
        );
        Ok(())
    }
}

/// Count the pairs that can be drawn from a store.
#[derive(Args)]
pub struct Pairs {
    /// The store to count in.
    store: PathBuf,
}

impl Pairs {
    pub fn run(self) -> Result<()> {
        let store = Store::open(&self.store)?;
        let mut out = io::stdout().lock();
        for split in [Split::Background, Split::Evaluation] {
            let counts = PairCounts::of(&store, split);
            writeln!(out, "{counts}")?;
        }
        Ok(())
    }
}
