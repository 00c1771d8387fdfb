//! Runs of Lake's one-shot classification task: which pages are shown, which are asked.
//!
//! A run is the task Omniglot's scores are published on (Lake, Salakhutdinov &
//! Tenenbaum 2015): twenty characters of one alphabet, one page each from one
//! drawer, and twenty pages from another drawer to be matched with them. Twenty
//! runs make four hundred questions.

use super::Page;

/// One run of Lake's one-shot classification task: twenty characters of one
/// alphabet by one drawer, and the same characters by another to be recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its name, `run01` to `run20`.
    pub name: String,
    /// The one page known of each character, `class01` first.
    pub support: Vec<Page>,
    /// The pages to be recognised, `item01` first.
    pub queries: Vec<Query>,
}

/// A page to be recognised, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The page.
    pub page: Page,
    /// Which page of [`Run::support`] shows the same character: an index below its length.
    pub answer: usize,
}
