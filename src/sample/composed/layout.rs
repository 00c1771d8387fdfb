//! Where the two characters of a composed class lie on its page: the ranges of each kind.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::seed::Stream;

/// How a class is composed of a base and another character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Composition {
    /// The other is a small mark at a place around the base.
    Marked,
    /// The two stand side by side.
    Beside,
    /// The two stand one above the other.
    Stacked,
    /// The other, which is smaller, lies over the base.
    Overlaid,
    /// Some strokes of the base, and some of the other, in a new arrangement.
    Parts,
}

impl Composition {
    /// All of them.
    pub const ALL: [Composition; 5] = [
        Composition::Marked,
        Composition::Beside,
        Composition::Stacked,
        Composition::Overlaid,
        Composition::Parts,
    ];

    fn layout(self) -> Layout {
        let all = &[0, 1, 2, 3, 4, 5, 6, 7];
        match self {
            Composition::Marked => Layout {
                sides: [48..=66, 18..=30],
                distances: [3..=9, 26..=34],
                ways: all,
            },
            Composition::Beside => Layout {
                sides: [42..=50, 40..=48],
                distances: [22..=25, 22..=25],
                ways: &[0, 4],
            },
            Composition::Stacked => Layout {
                sides: [42..=50, 40..=48],
                distances: [22..=25, 22..=25],
                ways: &[2, 6],
            },
            Composition::Overlaid => Layout {
                sides: [60..=76, 40..=52],
                distances: [0..=4, 10..=18],
                ways: all,
            },
            Composition::Parts => Layout {
                sides: [60..=80, 60..=80],
                distances: [10..=20, 10..=20],
                ways: all,
            },
        }
    }
}

/// Some kinds of composition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Composition>", into = "Vec<Composition>")]
pub struct Compositions(u8);

impl Compositions {
    /// All kinds.
    pub const ALL: Compositions = Compositions((1 << Composition::ALL.len()) - 1);

    /// The kinds, in the order of [`Composition::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Composition> {
        let kinds = Composition::ALL.into_iter();
        kinds.filter(move |&kind| self.0 >> kind as u8 & 1 == 1)
    }
}

impl Default for Compositions {
    fn default() -> Compositions {
        Compositions::ALL
    }
}

impl From<Vec<Composition>> for Compositions {
    fn from(kinds: Vec<Composition>) -> Compositions {
        Compositions(kinds.iter().fold(0, |bits, &kind| bits | 1 << kind as u8))
    }
}

impl From<Compositions> for Vec<Composition> {
    fn from(kinds: Compositions) -> Vec<Composition> {
        kinds.iter().collect()
    }
}

/// Where a character lies on a composed page, in pixels of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Placement {
    /// The middle of its ink's box, or of the half of it: column and row, 0 to 104.
    pub centre: [i32; 2],
    /// The longer side of its ink's box, 10 to 90.
    pub side: i32,
    /// The character has only those of its strokes whose middle lies this way (to the right, and
    /// down) from the middle of its box; all of them, if this is nothing.
    pub half: Option<[i32; 2]>,
}

/// The eight ways from a place, clockwise from the right: a diagonal is about as long as the rest.
const COMPASS: [[i32; 2]; 8] = [
    [4, 0],
    [3, 3],
    [0, 4],
    [-3, 3],
    [-4, 0],
    [-3, -3],
    [0, -4],
    [3, -3],
];
/// The middle of a page.
const MIDDLE: i32 = 52;

/// The ranges of a kind, each for the base and for the other character.
struct Layout {
    sides: [RangeInclusive<i32>; 2],
    /// From the middle of the page: of the base away from the other, of the other away from it.
    distances: [RangeInclusive<i32>; 2],
    /// Where the other may lie, as places of the compass; at least two.
    ways: &'static [usize],
}

/// What the classes of a family have in common: two arrangements of a base and another character.
pub(super) fn arrangements(kind: Composition, stream: &mut Stream) -> [[Placement; 2]; 2] {
    let layout = kind.layout();
    let sides = layout.sides.map(|range| within(range, stream));
    let distances = layout.distances.map(|range| within(range, stream));
    let halves = [(); 2].map(|()| COMPASS[stream.index(8)]);
    let halves = halves.map(|half| (kind == Composition::Parts).then_some(half));
    // The second way is a quarter turn or more from the first one.
    let first = stream.index(layout.ways.len());
    let least = layout.ways.len().div_ceil(4);
    let turn = least + stream.index(layout.ways.len() - 2 * least + 1);
    [first, (first + turn) % layout.ways.len()].map(|way| {
        let way = COMPASS[layout.ways[way]];
        let place = |part: usize, sign: i32| Placement {
            centre: way.map(|step| MIDDLE + sign * step * distances[part] / 4),
            side: sides[part],
            half: halves[part],
        };
        [place(0, -1), place(1, 1)]
    })
}

/// A placement as one drawing has it: a hand is off by three pixels and an eighth at most.
pub(super) fn by_hand(placement: Placement, stream: &mut Stream) -> Placement {
    Placement {
        centre: placement.centre.map(|at| at + within(-3..=3, stream)),
        side: placement.side * within(56..=72, stream) / 64,
        ..placement
    }
}

fn within(range: RangeInclusive<i32>, stream: &mut Stream) -> i32 {
    let (first, last) = range.into_inner();
    first + stream.below((last - first + 1) as u32) as i32
}
