//! Long sums of products, in a fixed order and fast.

/// Terms of a sum that are added side by side: as many as vector instructions take at once.
const LANES: usize = 16;
/// Terms that are added in f32 before they are added up in f64.
const BLOCK: usize = 256;

/// The inner product, with products and short sums in f32 and long ones in f64. The order of
/// addition is fixed, and the same in both arguments.
pub(crate) fn inner(a: &[f32], b: &[f32]) -> f64 {
    sum([a, b], |[x, y]| x * y)
}

/// The sum of `weights` times |a - b|, as [`inner`] sums.
pub(crate) fn weighted_distance(a: &[f32], b: &[f32], weights: &[f32]) -> f64 {
    sum([a, b, weights], |[x, y, weight]| weight * (x - y).abs())
}

fn sum<const N: usize>(slices: [&[f32]; N], term: impl Fn([f32; N]) -> f32) -> f64 {
    let length = slices[0].len();
    assert!(slices.iter().all(|slice| slice.len() == length));
    let mut total = 0.0;
    for start in (0..length).step_by(BLOCK) {
        let blocks = slices.map(|slice| &slice[start..(start + BLOCK).min(length)]);
        let whole = blocks[0].len() / LANES * LANES;
        let mut lanes = [0f32; LANES];
        for at in (0..whole).step_by(LANES) {
            let parts = blocks.map(|block| {
                <&[f32; LANES]>::try_from(&block[at..at + LANES]).expect("a slice of its length")
            });
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += term(parts.map(|part| part[lane]));
            }
        }
        total += lanes.iter().copied().map(f64::from).sum::<f64>();
        for at in whole..blocks[0].len() {
            total += f64::from(term(blocks.map(|block| block[at])));
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_symmetric_and_near_the_plain_ones(
            triples in proptest::collection::vec((-1f32..1.0, -1f32..1.0, -1f32..1.0), 0..700),
        ) {
            let a: Vec<f32> = triples.iter().map(|t| t.0).collect();
            let b: Vec<f32> = triples.iter().map(|t| t.1).collect();
            let w: Vec<f32> = triples.iter().map(|t| t.2).collect();
            let plain: f64 = a.iter().zip(&b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            prop_assert!((inner(&a, &b) - plain).abs() < 1e-4);
            prop_assert_eq!(inner(&a, &b).to_bits(), inner(&b, &a).to_bits());
            let distances = a.iter().zip(&b).map(|(&x, &y)| (f64::from(x) - f64::from(y)).abs());
            let plain: f64 = distances.zip(&w).map(|(d, &w)| d * f64::from(w)).sum();
            let (there, back) = (weighted_distance(&a, &b, &w), weighted_distance(&b, &a, &w));
            prop_assert!((there - plain).abs() < 1e-4);
            prop_assert_eq!(there.to_bits(), back.to_bits());
        }
    }
}
