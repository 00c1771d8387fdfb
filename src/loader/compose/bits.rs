//! A page as rows of bits, on which neighbours are shifts: thinning and growing of ink.

use std::ops::{BitAnd, BitOr, Not};

use crate::image::{BANDS, PAGE_BYTES, Page, SIDE};

/// One bit a pixel, a row in a word: column `x` of row `y` is bit `x` of word `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits(pub [u128; SIDE]);

/// Bits of a row that are on the page.
const ROW: u128 = (1 << SIDE) - 1;

/// The eight neighbours of a row's pixels, clockwise from the one above: bit `x` of each is the
/// neighbour's of column `x`.
type Neighbours = [u128; 8];

impl Bits {
    /// No ink.
    pub const BLANK: Bits = Bits([0; SIDE]);

    /// The ink of a page.
    pub fn of(page: &Page) -> Bits {
        let mut bits = Bits::BLANK;
        for (at, &byte) in page
            .bands()
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte > 0)
        {
            let (band, x) = (at / SIDE, at % SIDE);
            for (k, row) in bits.0[8 * band..].iter_mut().take(8).enumerate() {
                *row |= u128::from(byte >> k & 1) << x;
            }
        }
        bits
    }

    /// The page of this ink.
    pub fn page(&self) -> Page {
        let mut bytes = [0; PAGE_BYTES];
        for [x, y] in self.points() {
            bytes[y / 8 * SIDE + x] |= 1 << (y % 8);
        }
        debug_assert_eq!(bytes.len(), BANDS * SIDE);
        Page::from_bands(bytes).expect("no row lies below the last")
    }

    /// Puts ink on a pixel.
    pub fn set(&mut self, [x, y]: [usize; 2]) {
        self.0[y] |= 1 << x;
    }

    /// Takes ink from a pixel.
    pub fn clear(&mut self, [x, y]: [usize; 2]) {
        self.0[y] &= !(1 << x);
    }

    /// Whether a pixel is ink; none off the page is.
    pub fn has(&self, [x, y]: [usize; 2]) -> bool {
        x < SIDE && y < SIDE && self.0[y] >> x & 1 == 1
    }

    /// Its pixels as column and row, row by row.
    pub fn points(&self) -> impl Iterator<Item = [usize; 2]> {
        self.0.iter().enumerate().flat_map(|(y, &row)| {
            let mut left = row;
            std::iter::from_fn(move || {
                let x = left.trailing_zeros() as usize;
                left &= left.wrapping_sub(1);
                (x < 128).then_some([x, y])
            })
        })
    }

    /// The first and the last column and row that have ink; nothing of a blank page.
    pub fn bounds(&self) -> Option<[[usize; 2]; 2]> {
        let all = self.0.iter().fold(0, |all, row| all | row);
        let first = self.0.iter().position(|&row| row != 0)?;
        let last = self.0.iter().rposition(|&row| row != 0)?;
        let right = 127 - all.leading_zeros() as usize;
        Some([[all.trailing_zeros() as usize, first], [right, last]])
    }

    /// The ink and all that touches it, at a corner at least.
    pub fn grown(&self) -> Bits {
        self.map(|own, around| (around.iter().fold(own, |all, row| all | row)) & ROW)
    }

    /// The ink and all that shares a side with it.
    pub fn widened(&self) -> Bits {
        self.map(|own, [up, _, right, _, down, _, left, _]| (own | up | right | down | left) & ROW)
    }

    /// Of a thin line its ends: pixels with one neighbour, or none.
    pub fn ends(&self) -> Bits {
        self.map(|own, around| {
            let (_, two) =
                (around.iter()).fold((0, 0), |(one, two), row| (one | row, two | one & row));
            own & !two
        })
    }

    /// Of a thin line its junctions: pixels around which the line begins three times or more.
    pub fn junctions(&self) -> Bits {
        self.map(|own, around| {
            let (mut one, mut two, mut three) = (0, 0, 0);
            for (k, here) in around.iter().enumerate() {
                let begins = !here & around[(k + 1) % 8];
                (one, two, three) = (one | begins, two | one & begins, three | two & begins);
            }
            own & three
        })
    }

    /// Thins ink to lines of one pixel that are joined as it was (Guo & Hall 1989).
    pub fn thin(&mut self) {
        loop {
            let before = *self;
            for first in [true, false] {
                *self = self.map(|own, around| own & !removable(around, first));
            }
            if *self == before {
                return;
            }
        }
    }

    /// Makes every row of the row and its neighbours.
    fn map(&self, make: impl Fn(u128, &Neighbours) -> u128) -> Bits {
        let row = |y: usize| self.0.get(y).copied().unwrap_or(0); // blank off the page
        let mut made = Bits::BLANK;
        for (y, made) in made.0.iter_mut().enumerate() {
            let (n, own, s) = (row(y.wrapping_sub(1)), row(y), row(y + 1));
            let around = [n, n >> 1, own >> 1, s >> 1, s, s << 1, own << 1, n << 1];
            *made = make(own, &around);
        }
        made
    }
}

/// Pixels that a pass of thinning takes away: of the first pass from below and from the right, of
/// the second from above and from the left.
fn removable(around: &Neighbours, first: bool) -> u128 {
    let [p2, p3, p4, p5, p6, p7, p8, p9] = *around;
    let runs = [
        !p2 & (p3 | p4),
        !p4 & (p5 | p6),
        !p6 & (p7 | p8),
        !p8 & (p9 | p2),
    ];
    let [a, b, c, d] = runs;
    let one_run = (a ^ b ^ c ^ d) & !(a & b) & !(c & d);
    let pairs = [
        [p9 | p2, p3 | p4, p5 | p6, p7 | p8],
        [p2 | p3, p4 | p5, p6 | p7, p8 | p9],
    ];
    let two = |[a, b, c, d]: [u128; 4]| a & b | c & d | (a | b) & (c | d);
    let four = |[a, b, c, d]: [u128; 4]| a & b & c & d;
    let few = two(pairs[0]) & two(pairs[1]) & !(four(pairs[0]) & four(pairs[1]));
    let side = match first {
        true => (p2 | p3 | !p5) & p4,
        false => (p6 | p7 | !p9) & p8,
    };
    one_run & few & !side
}

impl BitAnd for Bits {
    type Output = Bits;

    fn bitand(self, other: Bits) -> Bits {
        Bits(std::array::from_fn(|y| self.0[y] & other.0[y]))
    }
}

impl BitOr for Bits {
    type Output = Bits;

    fn bitor(self, other: Bits) -> Bits {
        Bits(std::array::from_fn(|y| self.0[y] | other.0[y]))
    }
}

impl Not for Bits {
    type Output = Bits;

    fn not(self) -> Bits {
        Bits(self.0.map(|row| !row & ROW))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Stream};
    use proptest::prelude::*;

    /// Discs and bars of ink at random.
    fn scribble(seed: u64) -> Bits {
        let mut stream = Stream::new(seed, Purpose::Synthetic, 0);
        let mut bits = Bits::BLANK;
        for _ in 0..1 + stream.below(12) {
            let mut at = [stream.index(SIDE), stream.index(SIDE)];
            for _ in 0..stream.below(60) {
                bits.set(at);
                let step = stream.below(8);
                at[0] = (at[0] + usize::from(step < 3)).min(SIDE - 1);
                at[1] = (at[1] + usize::from(step > 3)).min(SIDE - 1);
            }
        }
        (0..stream.below(4)).fold(bits, |bits, _| bits.grown())
    }

    /// How many pieces there are that touch nowhere.
    fn pieces(bits: &Bits) -> usize {
        let mut left = *bits;
        let mut pieces = 0;
        loop {
            let first = left.points().next();
            let Some(first) = first else {
                return pieces;
            };
            let mut piece = Bits::BLANK;
            piece.set(first);
            loop {
                let more = piece.grown() & left;
                if more == piece {
                    break;
                }
                piece = more;
            }
            left = left & !piece;
            pieces += 1;
        }
    }

    proptest! {
        #[test]
        fn pages_come_back(seed: u64) {
            let bits = scribble(seed);
            let page = bits.page();
            prop_assert_eq!(Bits::of(&page), bits);
            prop_assert_eq!(page.ink_count() as usize, bits.points().count());
            prop_assert!(bits.points().all(|[x, y]| page.ink(x, y) && bits.has([x, y])));
        }

        #[test]
        fn thinning_keeps_what_is_joined_and_leaves_no_square(seed: u64) {
            let ink = scribble(seed);
            let mut thin = ink;
            thin.thin();
            prop_assert_eq!(thin & ink, thin);
            prop_assert_eq!(pieces(&thin), pieces(&ink));
            let mut again = thin;
            again.thin();
            prop_assert_eq!(again, thin);
            let within = |at: [usize; 2]| thin.has(at);
            let full = thin.points().filter(|&[x, y]| {
                (0..3).all(|i| (0..3).all(|j| within([x + i, y + j])))
            });
            prop_assert_eq!(full.count(), 0);
        }

        #[test]
        fn bounds_are_the_least_box(seed: u64) {
            let bits = scribble(seed);
            let points: Vec<_> = bits.points().collect();
            let least = |axis: usize| points.iter().map(|point| point[axis]).min();
            let most = |axis: usize| points.iter().map(|point| point[axis]).max();
            let corners = (least(0).zip(least(1))).zip(most(0).zip(most(1)));
            let expected = corners.map(|((a, b), (c, d))| [[a, b], [c, d]]);
            prop_assert_eq!(bits.bounds(), expected);
        }
    }

    #[test]
    fn a_cross_has_one_junction_and_four_ends() {
        let mut cross = Bits::BLANK;
        for at in 10..31 {
            cross.set([at, 20]);
            cross.set([20, at]);
        }
        let points = |bits: Bits| bits.points().collect::<Vec<_>>();
        assert_eq!(points(cross.junctions()), [[20, 20]]);
        assert_eq!(
            points(cross.ends()),
            [[20, 10], [10, 20], [30, 20], [20, 30]]
        );
    }
}
