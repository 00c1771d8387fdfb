//! A Gaussian process over points of the unit cube, and where it expects the most.
//!
//! The kernel is Matérn's of 5/2 with a length for each coordinate (Rasmussen & Williams 2006,
//! chapters 2 and 5). Lengths and noise are those of the greatest posterior density that a search by
//! steps finds; the prior of a length is log-normal and grows with the root of the number of
//! coordinates, so that many settings and few trials do not make everything fit (Hvarfner et al.
//! 2024, whose lengths are greater: with them the top of known functions was found later). The next point has the greatest expected improvement (Jones et al. 1998) over the best that
//! the process believes in, which noise cannot have made up.
//!
//! All functions are those of the `libm` crate and all sums have one order, so that every machine
//! proposes the same.

use std::f64::consts::{SQRT_2, TAU};

use crate::seed::Stream;

/// Random points among which the best are refined, and how many of them are.
const CANDIDATES: usize = 2000;
const REFINED: usize = 5;
/// Steps of a refinement, from the greatest to the least.
const STEPS: [f64; 6] = [0.2, 0.1, 0.05, 0.02, 0.01, 0.005];
/// Random moves that are tried with each step.
const MOVES: usize = 20;
/// The logarithm of a length: the prior's mean is this and half the logarithm of the number of
/// coordinates.
const MEAN: f64 = -1.6;
const VARIANCE: f64 = 0.5;
/// The share of the variance of scores that is noise: the prior's mean and variance of its
/// logarithm. The same settings with another seed score otherwise.
const NOISE: f64 = -5.0;
const NOISE_VARIANCE: f64 = 2.0;
/// Factors of steps in the search for lengths and noise.
const FACTORS: [f64; 3] = [1.0, 0.4, 0.15];
/// Rounds over all of them with each.
const ROUNDS: usize = 4;
/// What keeps a matrix positive where points coincide.
const JITTER: f64 = 1e-9;

/// What is known of a function from its values at some points.
pub(super) struct Process {
    points: Vec<Vec<f64>>,
    /// Logarithms of the lengths.
    lengths: Vec<f64>,
    /// The lower triangle of the covariance of the values, row after row, factored.
    factor: Vec<f64>,
    /// The inverse of the covariance times the values.
    weights: Vec<f64>,
    /// The greatest mean at a point.
    best: f64,
}

impl Process {
    /// The process given values at points of the unit cube. Their scale is of no account.
    ///
    /// # Panics
    /// If there are no points, or not as many values.
    pub fn fit(points: Vec<Vec<f64>>, values: &[f64]) -> Process {
        assert_eq!(points.len(), values.len(), "a value for each point");
        let values = standardised(values);
        let coordinates = points[0].len();
        let mean = MEAN + 0.5 * libm::log(coordinates as f64);
        // The last is the noise.
        let mut logs = vec![mean; coordinates];
        logs.push(NOISE);
        let density = |logs: &[f64]| {
            let (lengths, noise) = (&logs[..coordinates], logs[coordinates]);
            let far = |log: &f64| (log - mean) * (log - mean);
            let prior = lengths.iter().map(far).sum::<f64>() / VARIANCE
                + (noise - NOISE) * (noise - NOISE) / NOISE_VARIANCE;
            likelihood(&points, &values, lengths, noise) - 0.5 * prior
        };
        climb(&mut logs, density);
        let noise = logs.pop().expect("the noise is the last");
        let factor = factored(&points, &logs, noise);
        let weights = solved_back(&factor, solved(&factor, values));
        let mut process = Process {
            points,
            lengths: logs,
            factor,
            weights,
            best: f64::NEG_INFINITY,
        };
        let means = process.points.iter().map(|at| process.believed(at).0);
        process.best = means.fold(f64::NEG_INFINITY, f64::max);
        process
    }

    /// Mean and variance of the function at a point, in deviations of the values.
    fn believed(&self, at: &[f64]) -> (f64, f64) {
        let covariances: Vec<f64> = (self.points.iter())
            .map(|point| kernel(point, at, &self.lengths))
            .collect();
        let mean = dot(&covariances, &self.weights);
        let explained = solved(&self.factor, covariances);
        (mean, (1.0 - dot(&explained, &explained)).max(1e-12))
    }

    /// By how much the function is expected to be greater at a point than the best that is known.
    fn improvement(&self, at: &[f64]) -> f64 {
        let (mean, variance) = self.believed(at);
        let deviation = variance.sqrt();
        let above = (mean - self.best) / deviation;
        let density = libm::exp(-0.5 * above * above) / TAU.sqrt();
        let share = 0.5 * libm::erfc(-above / SQRT_2);
        deviation * (above * share + density)
    }

    /// A point of the unit cube with about the greatest expected improvement.
    pub fn most_promising(&self, stream: &mut Stream) -> Vec<f64> {
        let coordinates = self.lengths.len();
        let mut random = || -> Vec<f64> { (0..coordinates).map(|_| stream.unit()).collect() };
        let mut found: Vec<(f64, Vec<f64>)> = (0..CANDIDATES)
            .map(|_| random())
            .chain(self.points.iter().cloned())
            .map(|at| (self.improvement(&at), at))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(REFINED);
        for (improvement, at) in &mut found {
            self.refine(improvement, at, stream);
        }
        let best = found
            .into_iter()
            .reduce(|a, b| if b.0 > a.0 { b } else { a });
        best.expect("there are points").1
    }

    /// Moves a point to where more is expected, by smaller and smaller steps of some coordinates.
    fn refine(&self, improvement: &mut f64, at: &mut Vec<f64>, stream: &mut Stream) {
        for step in STEPS {
            for _ in 0..MOVES {
                let mut moved = at.clone();
                let all = stream.below(2) == 0;
                let only = stream.index(moved.len());
                for (place, share) in moved.iter_mut().enumerate() {
                    if all || place == only {
                        *share = (*share + step * stream.signed_unit()).clamp(0.0, 1.0);
                    }
                }
                let there = self.improvement(&moved);
                if there > *improvement {
                    (*improvement, *at) = (there, moved);
                }
            }
        }
    }
}

/// Values less their mean, by their deviation; zeros if they are all the same.
fn standardised(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = |value: &f64| (value - mean) * (value - mean);
    let deviation = (values.iter().map(square).sum::<f64>() / n).sqrt();
    let scale = if deviation > 0.0 { deviation } else { 1.0 };
    values.iter().map(|value| (value - mean) / scale).collect()
}

/// Changes each number in turn, up or down, as long as that makes a density greater.
fn climb(numbers: &mut [f64], density: impl Fn(&[f64]) -> f64) {
    let mut best = density(numbers);
    for factor in FACTORS {
        for _ in 0..ROUNDS {
            let before = best;
            for place in 0..numbers.len() {
                for step in [factor, -factor] {
                    let old = numbers[place];
                    numbers[place] = old + step;
                    let now = density(numbers);
                    if now > best {
                        best = now;
                        break;
                    }
                    numbers[place] = old;
                }
            }
            if best <= before {
                break;
            }
        }
    }
}

/// Matérn's kernel of 5/2, whose variance is 1.
fn kernel(a: &[f64], b: &[f64], lengths: &[f64]) -> f64 {
    let scaled = a.iter().zip(b).zip(lengths).map(|((a, b), length)| {
        let far = (a - b) / libm::exp(*length);
        far * far
    });
    let square = 5.0 * scaled.sum::<f64>();
    let distance = square.sqrt();
    (1.0 + distance + square / 3.0) * libm::exp(-distance)
}

/// The logarithm of the density of standardised values, but for a constant.
fn likelihood(points: &[Vec<f64>], values: &[f64], lengths: &[f64], noise: f64) -> f64 {
    let factor = factored(points, lengths, noise);
    let white = solved(&factor, values.to_vec());
    let diagonal = (0..points.len()).map(|row| libm::log(factor[at(row, row)]));
    -0.5 * dot(&white, &white) - diagonal.sum::<f64>()
}

/// The place of an entry of a lower triangle that is kept row after row.
fn at(row: usize, column: usize) -> usize {
    row * (row + 1) / 2 + column
}

/// Cholesky's factor of the covariance of noisy values.
fn factored(points: &[Vec<f64>], lengths: &[f64], noise: f64) -> Vec<f64> {
    let n = points.len();
    let noise = libm::exp(noise) + JITTER;
    let mut factor = vec![0.0; n * (n + 1) / 2];
    for row in 0..n {
        for column in 0..=row {
            let covariance = kernel(&points[row], &points[column], lengths);
            let (first, second) = (&factor[at(row, 0)..], &factor[at(column, 0)..]);
            let left = covariance - dot(&first[..column], &second[..column]);
            factor[at(row, column)] = if row == column {
                (left + noise).max(JITTER).sqrt()
            } else {
                left / factor[at(column, column)]
            };
        }
    }
    factor
}

/// Solves `factor x = b`.
fn solved(factor: &[f64], mut b: Vec<f64>) -> Vec<f64> {
    for row in 0..b.len() {
        let known = dot(&factor[at(row, 0)..at(row, row)], &b[..row]);
        b[row] = (b[row] - known) / factor[at(row, row)];
    }
    b
}

/// Solves `transposed factor x = b`.
fn solved_back(factor: &[f64], mut b: Vec<f64>) -> Vec<f64> {
    for row in (0..b.len()).rev() {
        b[row] /= factor[at(row, row)];
        let value = b[row];
        let rest = b[..row].iter_mut().enumerate();
        rest.for_each(|(column, rest)| *rest -= factor[at(row, column)] * value);
    }
    b
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Purpose;

    fn points(count: usize, coordinates: usize) -> Vec<Vec<f64>> {
        let mut stream = Stream::new(1, Purpose::Tune, 5);
        let mut point = || (0..coordinates).map(|_| stream.unit()).collect();
        (0..count).map(|_| point()).collect()
    }

    #[test]
    fn a_factor_gives_the_covariance_back_and_solves_it() {
        let points = points(6, 3);
        let (lengths, noise) = ([-0.5, 0.2, 1.0], -3.0);
        let factor = factored(&points, &lengths, noise);
        let entry = |row: usize, column: usize| {
            let both = 0..=row.min(column);
            both.map(|k| factor[at(row, k)] * factor[at(column, k)])
                .sum::<f64>()
        };
        let covariance = |row: usize, column: usize| {
            let noise = if row == column { libm::exp(noise) } else { 0.0 };
            kernel(&points[row], &points[column], &lengths) + noise
        };
        let values = [0.3, -1.0, 0.5, 2.0, 0.0, -0.2];
        let x = solved_back(&factor, solved(&factor, values.to_vec()));
        for (row, value) in values.into_iter().enumerate() {
            for column in 0..6 {
                assert!((entry(row, column) - covariance(row, column)).abs() < 1e-6);
            }
            let back: f64 = (0..6)
                .map(|column| covariance(row, column) * x[column])
                .sum();
            assert!((back - value).abs() < 1e-5, "{back}");
        }
    }

    /// Matérn's formula, and the density of two values by hand.
    #[test]
    fn kernel_and_likelihood_are_those_of_the_formulas() {
        let r: f64 = 0.7 / 0.5;
        let root = 5f64.sqrt() * r;
        let expected = (1.0 + root + root * root / 3.0) * (-root).exp();
        let found = kernel(&[0.1], &[0.8], &[0.5f64.ln()]);
        assert!((found - expected).abs() < 1e-12);
        assert_eq!(kernel(&[0.3, 0.4], &[0.3, 0.4], &[0.0, 0.0]), 1.0);
        let (y, noise) = ([1.0, -0.5], 0.1f64);
        let (a, b) = (1.0 + noise, expected);
        let determinant = a * a - b * b;
        let square = (a * (y[0] * y[0] + y[1] * y[1]) - 2.0 * b * y[0] * y[1]) / determinant;
        let by_hand = -0.5 * square - 0.5 * determinant.ln();
        let two = [vec![0.1], vec![0.8]];
        let found = likelihood(&two, &y, &[0.5f64.ln()], noise.ln());
        assert!((found - by_hand).abs() < 1e-6, "{found} {by_hand}");
    }

    #[test]
    fn what_was_seen_is_believed_and_what_is_far_is_open() {
        let points = points(12, 2);
        let values: Vec<f64> = points.iter().map(|p| 3.0 * p[0] - p[1] * p[1]).collect();
        let scaled = standardised(&values);
        let process = Process::fit(points.clone(), &values);
        for (point, value) in points.iter().zip(&scaled) {
            let (mean, variance) = process.believed(point);
            assert!((mean - value).abs() < 0.25, "{mean} {value}");
            assert!(variance < 0.2, "{variance}");
        }
        let near = process.believed(&points[0]).1;
        let far = process.believed(&[40.0, -40.0]).1;
        assert!(far > 0.9 && far > 5.0 * near);
    }

    /// The formula against a sum over the normal density.
    #[test]
    fn expected_improvement_is_the_mean_of_what_is_better() {
        let points = points(9, 2);
        let values: Vec<f64> = points.iter().map(|p| (5.0 * p[0]).sin() + p[1]).collect();
        let process = Process::fit(points, &values);
        for at in [[0.2, 0.9], [0.5, 0.5], [0.95, 0.1]] {
            let (mean, variance) = process.believed(&at);
            let deviation = variance.sqrt();
            let sum: f64 = (-80_000..80_000)
                .map(|step| f64::from(step) * 1e-4)
                .map(|z| {
                    let better = (mean + deviation * z - process.best).max(0.0);
                    better * (-0.5 * z * z).exp() / TAU.sqrt() * 1e-4
                })
                .sum();
            assert!((process.improvement(&at) - sum).abs() < 1e-6, "{at:?}");
        }
    }

    #[test]
    fn equal_values_and_equal_points_break_nothing() {
        let same = vec![vec![0.5, 0.5]; 10];
        let process = Process::fit(same, &[1.0; 10]);
        let mut stream = Stream::new(1, Purpose::Tune, 6);
        let at = process.most_promising(&mut stream);
        assert!(at.iter().all(|share| (0.0..=1.0).contains(share)), "{at:?}");
    }
}
