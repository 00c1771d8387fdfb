//! How many pairs there are to draw.

use std::fmt;

use crate::archive::Split;
use crate::store::Store;

/// Unordered pairs of two different drawings of one split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairCounts {
    /// The split that was counted.
    pub split: Split,
    /// Its drawings.
    pub drawings: u64,
    /// Its characters.
    pub characters: u64,
    /// All pairs: n (n - 1) / 2 for n drawings.
    pub all: u64,
    /// Pairs that show the same character.
    pub same: u64,
    /// Pairs that show two different characters of one alphabet.
    pub different_within: u64,
    /// Pairs that show characters of two different alphabets.
    pub different_between: u64,
}

/// Pairs among `n` things.
fn choose_two(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

impl PairCounts {
    /// Counts the pairs of a split. The background set of Omniglot has
    /// C(19280, 2) = 185,849,560 pairs, 964 · C(20, 2) = 183,160 of them of one character.
    #[must_use]
    pub fn of(store: &Store, split: Split) -> PairCounts {
        let (mut drawings, mut characters, mut same, mut in_alphabet) = (0, 0, 0, 0);
        for alphabet in store.alphabets().iter().filter(|a| a.split == split) {
            let sizes = alphabet
                .characters
                .clone()
                .map(|id| store.character(id).drawings.len() as u64);
            let of_alphabet: u64 = sizes.clone().sum();
            characters += alphabet.characters.len() as u64;
            drawings += of_alphabet;
            same += sizes.map(choose_two).sum::<u64>();
            in_alphabet += choose_two(of_alphabet);
        }
        let all = choose_two(drawings);
        PairCounts {
            split,
            drawings,
            characters,
            all,
            same,
            different_within: in_alphabet - same,
            different_between: all - in_alphabet,
        }
    }
}

impl fmt::Display for PairCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PairCounts {
            split,
            drawings,
            characters,
            ..
        } = self;
        writeln!(f, "{split}: {characters} characters, {drawings} drawings")?;
        let share = |part: u64| 100.0 * part as f64 / self.all.max(1) as f64;
        let rows = [
            ("pairs of two drawings", self.all),
            ("  same character", self.same),
            (
                "  same alphabet, different characters",
                self.different_within,
            ),
            ("  different alphabets", self.different_between),
        ];
        for (index, (what, pairs)) in rows.into_iter().enumerate() {
            let end = if index + 1 < rows.len() { "\n" } else { "" };
            write!(f, "  {what:<38} {pairs:>12} {:>8.3}%{end}", share(pairs))?;
        }
        Ok(())
    }
}
