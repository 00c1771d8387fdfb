//! Which two others a base is composed with: every pair once.

use std::ops::Range;

use super::super::order::Order;
use super::super::task::Scope;
use super::layout::Composition;
use crate::seed::{Purpose, Stream};

/// Every base with pairs of other characters, of its own alphabet or of the rest, in an order of
/// its own for each kind of composition. A character is in one pair of a base alone.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    scope: Scope,
    seed: u64,
    /// Of each alphabet its first pair, its characters as places among all, and pairs of each.
    alphabets: Vec<(u64, Range<usize>, u64)>,
    /// Characters of all alphabets.
    all: usize,
    orders: Vec<Order>,
}

impl Pool {
    /// The pools of alphabets that have some pairs: within one alphabet, and between two.
    pub fn all(alphabets: &[Range<usize>], seed: u64) -> Vec<Pool> {
        let scopes = [Scope::Within, Scope::Between].into_iter();
        let pools = scopes.map(|scope| Pool::of(scope, alphabets, seed));
        pools.flatten().collect()
    }

    fn of(scope: Scope, alphabets: &[Range<usize>], seed: u64) -> Option<Pool> {
        let all = alphabets.iter().map(ExactSizeIterator::len).sum();
        let mut pairs = 0;
        let mut parts = Vec::new();
        for alphabet in alphabets {
            let each = others(scope, alphabet, all) as u64 / 2;
            parts.push((pairs, alphabet.clone(), each));
            pairs += alphabet.len() as u64 * each;
        }
        let order = |kind| Order::by(stream(seed, scope, 2 * kind as u64), pairs);
        (pairs > 0).then(|| Pool {
            scope,
            seed,
            alphabets: parts,
            all,
            orders: Composition::ALL.map(order).into(),
        })
    }

    /// How many pairs there are.
    pub fn pairs(&self) -> u64 {
        let (first, alphabet, each) = self.alphabets.last().expect("a pool has pairs");
        first + alphabet.len() as u64 * each
    }

    /// The base and the two others at a place of a kind's order.
    pub fn pair(&self, kind: Composition, place: u64) -> (usize, [usize; 2]) {
        let entry = self.orders[kind as usize].entry(place);
        // Alphabets without pairs begin where the next one does: the last of them has the pair.
        let alphabet = self
            .alphabets
            .partition_point(|(first, ..)| *first <= entry);
        let (first, alphabet, each) = &self.alphabets[alphabet - 1];
        let (base, pair) = ((entry - first) / each, (entry - first) % each);
        let base = alphabet.start + base as usize;
        let others = others(self.scope, alphabet, self.all) as u64;
        let order = Order::by(stream(self.seed, self.scope, 2 * base as u64 + 1), others);
        let other = |place: u64| {
            let other = order.entry(place) as usize;
            match self.scope {
                Scope::Within => {
                    alphabet.start + other + usize::from(alphabet.start + other >= base)
                }
                Scope::Between if other < alphabet.start => other,
                Scope::Between => other + alphabet.len(),
            }
        };
        (base, [other(2 * pair), other(2 * pair + 1)])
    }
}

/// How many others a character of an alphabet has.
fn others(scope: Scope, alphabet: &Range<usize>, all: usize) -> usize {
    match scope {
        Scope::Within => alphabet.len().saturating_sub(1),
        Scope::Between => all - alphabet.len(),
    }
}

fn stream(seed: u64, scope: Scope, item: u64) -> Stream {
    let scope = u64::from(scope == Scope::Between);
    Stream::new(seed, Purpose::Composed, 2 * item + scope)
}
