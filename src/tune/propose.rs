//! What to try next.
//!
//! The first [`FIRST`] trials are drawn at random. After them a Gaussian process is fitted to what
//! the trials before scored, and of two thousand random points that with the greatest expected
//! improvement is tried (Jones et al. 1998; Snoek et al. 2012). The process and its maximiser are
//! [`optimizer`]'s: a Matérn 5/2 kernel, whose length along each setting is the spread of the tried
//! values; it goes by the hundred latest trials. Everything is in shares of ranges, from 0 to 1, so
//! that logarithms and whole numbers are this room's own affair; choices count as numbers in the
//! order they are written in.
//!
//! A proposal is a pure function of the seed, the trial's number, and the trials before.

use std::collections::HashMap;

use optimizer::distribution::{Distribution, FloatDistribution};
use optimizer::param::ParamValue;
use optimizer::parameter::ParamId;
use optimizer::sampler::{CompletedTrial, GpSampler, Sampler};

use super::error::TuneError;
use super::range::Value;
use super::space::Space;
use crate::seed::{Purpose, Stream};
use crate::train::PresetError;

/// Trials that are drawn at random before anything is learned from them.
pub const FIRST: usize = 8;
/// How often a space is drawn from before it is given up as fitting nothing; below 2^16.
pub const MOST_TRIES: u32 = 1000;
/// Points among which the best is tried.
const CANDIDATES: usize = 2000;
/// What of the variance of scores is taken for noise: the same settings with another seed score
/// otherwise.
const NOISE: f64 = 0.05;

/// A trial that has begun: its values, and what it scored in percent, if it has ended.
pub type Past = (Vec<Value>, Option<f64>);

/// The values of trial `number` (below 2^32), after the trials of `past`: by what they scored, or
/// at `random`. Values that `fits` refuses for their range are drawn again.
///
/// # Errors
/// [`TuneError::NothingFits`] if nothing fits in [`MOST_TRIES`] draws, and what else `fits` says.
pub fn propose(
    space: &Space,
    past: &[Past],
    (seed, number, random): (u64, u64, bool),
    fits: impl Fn(&[String]) -> Result<(), PresetError>,
) -> Result<Vec<Value>, TuneError> {
    let learned = if random { None } else { learn(space, past) };
    let mut last = None;
    for attempt in 0..MOST_TRIES {
        let mut stream = Stream::new(seed, Purpose::Tune, (number << 16) | u64::from(attempt));
        let shares = match &learned {
            Some(history) => best_expected(history, stream.word()),
            None => space.dimensions().iter().map(|_| stream.unit()).collect(),
        };
        let pairs = space.dimensions().iter().zip(shares);
        let values: Vec<Value> = pairs.map(|(d, share)| d.range.at(share)).collect();
        match fits(&space.settings(&values)) {
            Ok(()) => return Ok(values),
            Err(
                refused @ (PresetError::Range(_)
                | PresetError::Network(_)
                | PresetError::Distortion(_)),
            ) => {
                last = Some(refused);
            }
            Err(other) => return Err(other.into()),
        }
    }
    Err(TuneError::NothingFits {
        tries: MOST_TRIES,
        source: last.expect("a space is drawn from at least once"),
    })
}

/// The trials before, as the library has them: one identifier for each setting.
struct History {
    settings: Vec<ParamId>,
    trials: Vec<CompletedTrial>,
}

/// A share of a range.
fn unit() -> Distribution {
    Distribution::Float(FloatDistribution {
        low: 0.0,
        high: 1.0,
        log_scale: false,
        step: None,
    })
}

/// What the library is told of the trials before; `None` if too few of them have ended.
fn learn(space: &Space, past: &[Past]) -> Option<History> {
    let mut scores: Vec<f64> = past.iter().filter_map(|(_, score)| *score).collect();
    if scores.len() < FIRST {
        return None;
    }
    scores.sort_by(f64::total_cmp);
    let (best, median) = (scores[scores.len() - 1], scores[scores.len() / 2]);
    // How bad a bad trial is (0% if it diverged) would bend the whole; that it is bad suffices.
    let floor = median - 2.0 * (best - median);
    // Identifiers ascend, and the library goes by their order.
    let settings: Vec<ParamId> = space.dimensions().iter().map(|_| ParamId::new()).collect();
    let trials = (0..).zip(past).map(|(number, (values, score))| {
        let dimensions = space.dimensions().iter();
        let shares = dimensions
            .zip(values)
            .map(|(dimension, &value)| dimension.range.share(value));
        let shares = shares.map(ParamValue::Float);
        // A trial that is still going on counts as a middling one, so that another process tries
        // something else.
        let score = score.unwrap_or(median).max(floor);
        CompletedTrial::new(
            number,
            settings.iter().copied().zip(shares).collect(),
            settings.iter().map(|&id| (id, unit())).collect(),
            HashMap::new(),
            -score, // the library minimises
        )
    });
    let trials = trials.collect();
    Some(History { settings, trials })
}

/// The shares with the greatest expected improvement among random ones.
fn best_expected(history: &History, seed: u32) -> Vec<f64> {
    let sampler = GpSampler::builder()
        .n_startup_trials(FIRST)
        .n_candidates(CANDIDATES)
        .noise_variance(NOISE)
        .seed(u64::from(seed))
        .build();
    let number = history.trials.len() as u64;
    // The library learns a space's settings by being asked for them once in their order, and has
    // no eye for the history in the trial after that either: what it answers to both is random,
    // and the third trial's are the proposal.
    let mut shares = Vec::new();
    for trial in number..number + 3 {
        let asked = history.settings.iter();
        shares = asked
            .map(|_| match sampler.sample(&unit(), trial, &history.trials) {
                ParamValue::Float(share) => share,
                _ => unreachable!("a number is asked for"),
            })
            .collect();
    }
    shares
}
