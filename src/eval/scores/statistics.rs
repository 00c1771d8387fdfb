//! How sure the figures make us: intervals by resampling, spread over networks, paired tests.

use rayon::prelude::*;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

use super::results::{PairedTest, Spread};
use crate::embed::Score;
use crate::seed::{Purpose, Stream};

/// Resamples of a bootstrap.
pub const RESAMPLES: u64 = 2_000;

/// The 95% interval of a figure under resampling (Efron & Tibshirani 1993, chapter 13: the
/// percentiles at 2.5 and 97.5 of the [`RESAMPLES`]): `figure` is given a stream of its own each time.
///
/// The same on any number of threads.
pub fn bootstrap(seed: u64, figure: impl Fn(&mut Stream) -> f64 + Sync) -> [f64; 2] {
    let mut figures: Vec<f64> = (0..RESAMPLES)
        .into_par_iter()
        .map(|index| figure(&mut Stream::new(seed, Purpose::Bootstrap, index)))
        .collect();
    figures.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| figures[(share * (RESAMPLES - 1) as f64).round() as usize];
    [at(0.025), at(0.975)]
}

/// The 95% interval in percent of a score when whole groups are drawn anew, as many as there
/// are. `None` if fewer than two groups were asked about.
#[must_use]
pub fn group_interval(groups: &[Score], seed: u64) -> Option<[f64; 2]> {
    let asked: Vec<&Score> = groups.iter().filter(|group| group.asked > 0).collect();
    (asked.len() > 1).then(|| {
        bootstrap(seed, |stream| {
            let mut sum = Score::default();
            for _ in &asked {
                let group = asked[stream.index(asked.len())];
                sum.right += group.right;
                sum.asked += group.asked;
            }
            sum.percent()
        })
    })
}

/// Mean and spread of figures; `None` of fewer than two.
#[must_use]
pub fn spread(figures: &[f64]) -> Option<Spread> {
    let count = figures.len();
    if count < 2 {
        return None;
    }
    let mean = figures.iter().sum::<f64>() / count as f64;
    let squares: f64 = figures.iter().map(|x| (x - mean) * (x - mean)).sum();
    let deviation = (squares / (count - 1) as f64).sqrt();
    let t = StudentsT::new(0.0, 1.0, (count - 1) as f64).expect("there is a degree of freedom");
    let reach = t.inverse_cdf(0.975) * deviation / (count as f64).sqrt();
    Some(Spread {
        count,
        mean,
        deviation,
        interval: [mean - reach, mean + reach],
        least: figures.iter().copied().fold(f64::INFINITY, f64::min),
        greatest: figures.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

/// Mean of figures with its 95% interval by the normal law, 1.96 deviations of the mean either way;
/// of fewer than two the interval says nothing.
#[must_use]
pub fn mean_interval(figures: &[f64]) -> (f64, [f64; 2]) {
    let Some(spread) = spread(figures) else {
        return (figures.first().copied().unwrap_or(0.0), [0.0, 100.0]);
    };
    let reach = 1.96 * spread.deviation / (spread.count as f64).sqrt();
    (spread.mean, [spread.mean - reach, spread.mean + reach])
}

/// McNemar's exact test (1947): of the questions that only one of two systems answered rightly,
/// is the split further from even than chance would have it? Two-sided, by the binomial law.
///
/// # Panics
/// If the two were not asked the same number of questions.
#[must_use]
pub fn mcnemar(
    (first, first_right): (&str, impl Iterator<Item = bool>),
    (second, second_right): (&str, impl Iterator<Item = bool>),
) -> PairedTest {
    let (mut only_first, mut only_second) = (0, 0);
    let (mut first_right, mut second_right) = (first_right, second_right);
    loop {
        match (first_right.next(), second_right.next()) {
            (Some(a), Some(b)) => {
                only_first += u64::from(a && !b);
                only_second += u64::from(b && !a);
            }
            (None, None) => break,
            _ => panic!("{first} and {second} were asked different questions"),
        }
    }
    let law = Binomial::new(0.5, only_first + only_second).expect("a half is a probability");
    let tail = law.cdf(only_first.min(only_second));
    PairedTest {
        first: first.to_owned(),
        second: second.to_owned(),
        only_first,
        only_second,
        p: (2.0 * tail).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootstrap_of_a_mean_is_as_wide_as_its_standard_error_says() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i % 5 == 0))).collect();
        let [low, high] = bootstrap(1, |stream| {
            let drawn = (0..values.len()).map(|_| values[stream.index(values.len())]);
            drawn.sum::<f64>() / values.len() as f64
        });
        // 0.2 +- 1.96 x 0.02
        assert!(
            (low - 0.161).abs() < 0.006 && (high - 0.239).abs() < 0.006,
            "{low} {high}"
        );
        let again = bootstrap(1, |stream| stream.unit());
        assert_eq!(again, bootstrap(1, |stream| stream.unit()));
        assert_ne!(again, bootstrap(2, |stream| stream.unit()));
    }

    #[test]
    fn groups_that_agree_leave_no_doubt_and_one_group_says_nothing() {
        let group = |right| Score { right, asked: 20 };
        assert_eq!(group_interval(&[group(15); 8], 0), Some([75.0, 75.0]));
        assert_eq!(group_interval(&[group(15), Score::default()], 0), None);
        let [low, high] = group_interval(&[group(20), group(0), group(10)], 0).unwrap();
        assert!(low < 20.0 && high > 80.0);
    }

    #[test]
    fn spread_agrees_with_tables() {
        // t at 0.975 with 4 degrees of freedom is 2.7764.
        let spread = spread(&[97.0, 98.0, 96.0, 97.5, 96.5]).unwrap();
        assert_eq!(
            (spread.mean, spread.least, spread.greatest),
            (97.0, 96.0, 98.0)
        );
        assert!((spread.deviation - 0.790_569).abs() < 1e-6);
        let reach = 2.776_445 * 0.790_569 / 5f64.sqrt();
        assert!((spread.interval[1] - 97.0 - reach).abs() < 1e-5);
        assert_eq!(super::spread(&[1.0]), None);
    }

    #[test]
    fn mcnemar_agrees_with_the_binomial_law() {
        let answers = |right: &[u8]| right.iter().map(|&r| r == 1).collect::<Vec<_>>();
        let test = |a: &[u8], b: &[u8]| {
            mcnemar(("a", answers(a).into_iter()), ("b", answers(b).into_iter()))
        };
        let (a, b) = ([1; 10], [1, 1, 0, 0, 0, 0, 0, 1, 1, 1]);
        let only_a = test(&a, &b);
        assert_eq!((only_a.only_first, only_a.only_second), (5, 0));
        assert!((only_a.p - 2.0 / 32.0).abs() < 1e-12);
        assert_eq!(test(&a, &a).p, 1.0);
        let even = test(&[1, 0, 1, 0], &[0, 1, 0, 1]);
        assert_eq!((even.only_first, even.only_second, even.p), (2, 2, 1.0));
    }
}
