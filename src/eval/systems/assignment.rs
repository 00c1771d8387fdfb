//! All queries of a run answered together, each way to one query.
//!
//! The official runs ask for each character once, and whoever knows that can rule answers out:
//! the assignment of queries to ways whose similarities sum to the most (Kuhn 1955). It is another
//! and easier question than the published one, in which each query is classified alone, so its
//! score is told apart and never the headline.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::network::Network;
use super::system::{Rules, System};
use crate::eval::error::EvalError;
use crate::eval::scores::{Answers, Role};
use crate::eval::tasks::TaskSet;

/// Similarities are compared in whole steps of 2^-32 of the largest in a run: sums of whole numbers
/// have no order of addition.
const STEPS: f64 = 4_294_967_296.0;

/// A network that answers all queries of a run together.
pub struct Assigned<'a> {
    name: String,
    network: &'a Network<'a>,
}

impl<'a> Assigned<'a> {
    /// A network's variant; `None` if it is a baseline.
    #[must_use]
    pub fn of(network: &'a Network<'a>) -> Option<Assigned<'a>> {
        (network.role() == Role::Network).then(|| Assigned {
            name: format!("{}, all queries of a run answered together", network.name()),
            network,
        })
    }
}

impl System for Assigned<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        Role::Variant
    }

    /// To runs alone, whose queries are one to a way.
    fn answers(&self, set: &TaskSet, _: Rules<'_>) -> Result<Option<Answers>, EvalError> {
        let assigned = |runs: Vec<_>| Ok(answers(&runs, &self.network.similarities(set)?, set));
        runs(set).map(assigned).transpose()
    }
}

/// Answers each group's questions together, by the similarities of all questions' ways. `None` if
/// a group has another number of questions than ways, or its questions do not share one support.
#[must_use]
pub fn assign(similarities: &[Vec<f64>], set: &TaskSet) -> Option<Answers> {
    runs(set).map(|runs| answers(&runs, similarities, set))
}

/// The questions of each group; `None` if one of them is no run of as many questions as ways, all
/// with one support.
fn runs(set: &TaskSet) -> Option<Vec<Vec<usize>>> {
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); set.groups.len()];
    for (question, &group) in set.group_of.iter().enumerate() {
        groups[group as usize].push(question);
    }
    let is_run = |group: &Vec<usize>| {
        let Some(&first) = group.first() else {
            return false;
        };
        let support = &set.tasks[first].support;
        let same = group.iter().all(|&q| set.tasks[q].support == *support);
        same && support.len() == group.len() * set.shots
    };
    groups.iter().all(is_run).then_some(groups)
}

fn answers(runs: &[Vec<usize>], similarities: &[Vec<f64>], set: &TaskSet) -> Answers {
    let mut answers = Answers {
        chosen: vec![None; set.tasks.len()],
        tied: 0,
        places: Vec::new(),
    };
    for run in runs {
        let rows: Vec<&[f64]> = run.iter().map(|&q| similarities[q].as_slice()).collect();
        for (&question, way) in run.iter().zip(best(&rows)) {
            answers.chosen[question] = Some(way);
        }
    }
    answers
}

/// The way of each row in the assignment of the greatest sum. What is no number counts as the
/// least similarity there is.
fn best(rows: &[&[f64]]) -> Vec<usize> {
    let all = || {
        rows.iter()
            .copied()
            .flatten()
            .copied()
            .filter(|x| x.is_finite())
    };
    let most = all()
        .fold(0.0, |most: f64, x| most.max(x.abs()))
        .max(f64::MIN_POSITIVE);
    let least = all().fold(0.0, f64::min);
    let whole = |x: f64| {
        let x = if x.is_finite() { x } else { least };
        (x / most * STEPS).round() as i64
    };
    let rows = rows.iter().map(|row| row.iter().map(|&x| whole(x)));
    let matrix = Matrix::from_rows(rows).expect("all rows are as long");
    kuhn_munkres(&matrix).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The greatest sum over all orders of the ways.
    fn most(rows: &[Vec<f64>], taken: &mut Vec<usize>) -> f64 {
        let Some(row) = rows.get(taken.len()) else {
            return 0.0;
        };
        let mut best = f64::NEG_INFINITY;
        for (way, similarity) in row.iter().enumerate() {
            if !taken.contains(&way) {
                taken.push(way);
                best = best.max(similarity + most(rows, taken));
                taken.pop();
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_other_assignment_sums_to_more(
            rows in (1..6usize).prop_flat_map(|n| {
                proptest::collection::vec(proptest::collection::vec(-50..50i32, n), n)
            }),
        ) {
            let rows: Vec<Vec<f64>> = (rows.iter())
                .map(|row| row.iter().map(|&x| f64::from(x)).collect())
                .collect();
            let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
            let ways = best(&slices);
            let mut sorted = ways.clone();
            sorted.sort_unstable();
            prop_assert!(sorted.iter().copied().eq(0..rows.len()), "each way once");
            let sum: f64 = rows.iter().zip(&ways).map(|(row, &way)| row[way]).sum();
            prop_assert_eq!(sum, most(&rows, &mut Vec::new()));
        }
    }

    #[test]
    fn what_is_no_number_is_assigned_last() {
        let nan = f64::NAN;
        assert_eq!(best(&[&[nan, 1.0], &[nan, 5.0]]), [0, 1]);
        assert_eq!(best(&[&[nan; 2], &[nan; 2]]).len(), 2);
    }
}
