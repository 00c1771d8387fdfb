//! What to try next.
//!
//! The first [`FIRST`] trials are drawn at random. After them a Gaussian process is fitted to what
//! the trials before scored, and the point with the greatest expected improvement is tried (Jones et
//! al. 1998; Snoek et al. 2012); it goes by the hundred latest trials. Everything is in shares of
//! ranges, from 0 to 1, so that logarithms and whole numbers are this room's own affair; choices
//! count as numbers in the order they are written in.
//!
//! A proposal is a pure function of the seed, the trial's number, and the trials before.

use super::error::TuneError;
use super::gaussian::Process;
use super::range::Value;
use super::space::Space;
use crate::seed::{Purpose, Stream};
use crate::train::PresetError;

/// Trials that are drawn at random before anything is learned from them.
pub const FIRST: usize = 8;
/// How often a space is drawn from before it is given up as fitting nothing; below 2^16.
pub const MOST_TRIES: u32 = 1000;
/// Trials that are learned from, the latest: what fitting costs grows with their cube.
const LATEST: usize = 100;

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
            Some(process) => process.most_promising(&mut stream),
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

/// What the trials before teach; `None` if too few of them have ended.
fn learn(space: &Space, past: &[Past]) -> Option<Process> {
    let mut scores: Vec<f64> = past.iter().filter_map(|(_, score)| *score).collect();
    if scores.len() < FIRST {
        return None;
    }
    scores.sort_by(f64::total_cmp);
    let (best, median) = (scores[scores.len() - 1], scores[scores.len() / 2]);
    // How bad a bad trial is (0% if it diverged) would bend the whole; that it is bad suffices.
    let floor = median - 2.0 * (best - median);
    let latest = &past[past.len().saturating_sub(LATEST)..];
    let shares = |values: &[Value]| -> Vec<f64> {
        let pairs = space.dimensions().iter().zip(values);
        pairs.map(|(d, &value)| d.range.share(value)).collect()
    };
    let points = latest.iter().map(|(values, _)| shares(values)).collect();
    // A trial that is still going on counts as a middling one, so that another process tries
    // something else.
    let scored = |score: &Option<f64>| score.unwrap_or(median).max(floor);
    let values: Vec<f64> = latest.iter().map(|(_, score)| scored(score)).collect();
    Some(Process::fit(points, &values))
}
