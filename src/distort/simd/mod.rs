//! Vector forms of the room's work, equal to the law bit for bit: with AVX2, and with AVX-512.
//!
//! The warp ([`avx2`], [`avx512`]) takes sixteen outputs at a time:
//!
//! ```text
//! for each tile of 8 rows by 16 columns of the output:
//!     if no ink lies where the tile looks: fill it with zeros         (pages only)
//!     for each row: places -> one gather of all 4 neighbours -> weigh -> store
//! ```
//!
//! One gather fetches four neighbours, since the source is laid out for it as 16-bit
//! entries of which a 32-bit load takes two, columns i and i + 1:
//!
//! - *page*: an entry is nine rows of a column as bits, rows 8b to 8b + 8 counted from
//!   the border, so the pixels at row j and j + 1 are bits j mod 8 and the next.
//!   A band of the page is one shift away from it, and all is 3 KB;
//! - *plane*: an entry is the bytes of rows j and j + 1, each less 128.
//!
//! Departures from the law, none of which can be seen in the result: with AVX2 additions
//! saturate, since what leaves `i16` (128 pixels) is clamped to the border
//! either way (a field moves less than 32 pixels, so it cannot bring it back); on a page
//! w = n/255 is computed, and n/(255·65,536) is w/65,536; n is multiplied where the law
//! divides ([`PER_SUM`]).
//!
//! Tiles are skipped by masks of the inked pairs of columns in every four rows of the
//! page: ink covers about 8 % of a page, and a tile that sees none costs its stores.
//! Asking again for every row of a tile costs more than it saves (measured: a
//! tenth more time), as do tiles of 4 or 16 rows (a few per cent). On reduced planes skipping
//! tiles saved nothing: a field blurs where a tile looks, and few tiles of 48 × 48 are blank.
//!
//! With AVX-512 gathers stay. What a tile sees of a page would fit two registers (`vpermi2b`), but
//! each of the four neighbours is then a look-up of its own, of three steps on Intel, and what it
//! gives has to be spread over wider lanes again: reckoned, as many steps as with the gather.

#![allow(unsafe_code)]

mod avx2;
mod avx512;
mod bend;
mod reduce;
mod registers;
mod source;
mod stroke;

use std::arch::x86_64::*;

use super::Stroke;
use super::elastic::{Field, Grid};
use super::instructions::Instructions;
use super::map::Map;
use super::plane::{Plane, Reduction};
use super::warp::{Pixel, check_sizes};
use crate::image::{Page, SIDE};
use avx512::Shifts;
use bend::Bender;
use reduce::Reducer;
use source::{Bits, GROUND, Grey, PAGE_ENTRIES, PLANE_ENTRIES, lay_out_page, lay_out_plane};
use stroke::lay_out_changed;

/// Outputs of one step, and the smallest side warped here.
const LANES: usize = 16;
/// Rows of a tile.
const TILE_ROWS: usize = 8;

/// 1/(255 · 65,536) in two parts of 24 bits. n times the second, rounded, and then n times the
/// first with it, rounded once, is the quotient correctly rounded: it is off by 2^-47 of itself
/// before, and no quotient is nearer than 2^-33 to where rounding turns (255 is odd).
const PER_SUM: [f32; 2] = {
    let whole = 1.0 / 16_711_680.0f64;
    let first = whole as f32;
    [first, (whole - first as f64) as f32]
};

/// Proof that this processor has AVX2 and FMA, with room for what the forms work in. It serves
/// planes of one side.
#[derive(Clone, Debug)]
pub struct Vectors {
    /// Proof of AVX-512 too: F, BW, VL, VBMI and VNNI.
    wide: bool,
    page: Box<[u16; PAGE_ENTRIES]>,
    plane: Box<[u16; PLANE_ENTRIES]>,
    /// The tables of the one reduction that it serves.
    reducer: Option<Reducer>,
    bender: Bender,
    /// Whether the last field that was bent is still the bender's rows.
    half_bent: bool,
}

impl Vectors {
    /// The vector forms for at most these instructions; `None` if there are none, or the
    /// processor lacks them. Pages are reduced by `reduction`, if at all.
    #[must_use]
    pub fn new(instructions: Instructions, reduction: Option<&Reduction>) -> Option<Vectors> {
        let instructions = instructions.min(Instructions::best());
        (instructions >= Instructions::Avx2).then(|| Vectors {
            wide: instructions == Instructions::Avx512,
            page: Box::new([0; PAGE_ENTRIES]),
            plane: Box::new([GROUND; PLANE_ENTRIES]),
            reducer: reduction.map(|reduction| Reducer::new(reduction.taps())),
            bender: Bender::new(),
            half_bent: false,
        })
    }

    /// Asks for a page that is drawn soon. Pages are drawn from all over a store, and seldom
    /// lie in a cache that is near.
    #[inline]
    pub fn fetch(&self, page: &Page) {
        for line in page.bands().chunks(64) {
            // SAFETY: a prefetch changes nothing and faults at no address; every x86-64 has it.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
    }

    /// [`super::warp::warp`] of the plane that holds `page` at 105 pixels.
    ///
    /// Returns `false`, and writes nothing, if the output is narrower than 16 pixels.
    ///
    /// # Panics
    /// If the map does not look at 105 pixels or `out` does not have its size.
    pub fn warp_page<P: Pixel>(&mut self, page: &Page, map: &Map, out: &mut [P]) -> bool {
        check_sizes(map, SIDE, None, out.len());
        if map.side() < LANES {
            return false;
        }
        // SAFETY: AVX2 was detected when `self` was made; there is no other constructor.
        let inked = unsafe { lay_out_page(page, &mut self.page) };
        let bits = Bits {
            entries: &self.page,
            inked,
        };
        // SAFETY: what each form needs was detected when `self` was made.
        unsafe {
            match self.wide {
                true => avx512::warp_tiles(&bits, map, Shifts::None, out),
                false => avx2::warp_tiles(&bits, map, None, out),
            }
        }
        true
    }

    /// [`super::warp::warp`] of a plane with its strokes changed. A `field` is the one that was
    /// bent last, by [`Vectors::bend`] if by anyone here.
    ///
    /// Returns `false`, and writes nothing, if the output is narrower than 16 pixels.
    ///
    /// # Panics
    /// If the plane, the field or `out` does not have the map's size.
    pub fn warp_plane<P: Pixel>(
        &mut self,
        plane: &Plane,
        stroke: Stroke,
        map: &Map,
        field: Option<&Field>,
        out: &mut [P],
    ) -> bool {
        check_sizes(map, plane.side(), field, out.len());
        if map.side().min(plane.side()) < LANES {
            return false;
        }
        // SAFETY: AVX2 was detected when `self` was made.
        unsafe {
            match stroke {
                Stroke::Same => lay_out_plane(plane, &mut self.plane),
                Stroke::Soft => lay_out_changed::<true>(plane, &mut self.plane),
                Stroke::Thick => lay_out_changed::<false>(plane, &mut self.plane),
            }
        }
        self.warp_entries(map, field, out);
        true
    }

    /// [`Vectors::warp_plane`] of the plane that a page is reduced to by the reduction that this
    /// was made for.
    ///
    /// Returns `false`, and writes nothing, if the output is narrower than 16 pixels.
    ///
    /// # Panics
    /// As [`Vectors::warp_plane`], or if there is no reduction.
    pub fn warp_reduced<P: Pixel>(
        &mut self,
        page: &Page,
        map: &Map,
        field: Option<&Field>,
        out: &mut [P],
    ) -> bool {
        let reducer = self.reducer.as_mut().expect("made for a reduction");
        check_sizes(map, reducer.side(), field, out.len());
        if map.side() < LANES {
            return false;
        }
        // SAFETY: what each form needs was detected when `self` was made.
        unsafe {
            match self.wide {
                true => reducer.lay_out_wide(page, &mut self.plane),
                false => reducer.lay_out(page, &mut self.plane),
            }
        }
        self.warp_entries(map, field, out);
        true
    }

    /// Warps the plane that is laid out, into an output at least 16 pixels wide.
    fn warp_entries<P: Pixel>(&self, map: &Map, field: Option<&Field>, out: &mut [P]) {
        let shifts = match field {
            None => Shifts::None,
            Some(_) if self.half_bent => Shifts::Rows(&self.bender),
            Some(field) => Shifts::Field(field.shifts()),
        };
        // SAFETY: what each form needs was detected when `self` was made.
        unsafe {
            match self.wide {
                true => avx512::warp_tiles(&Grey(&self.plane), map, shifts, out),
                false => avx2::warp_tiles(&Grey(&self.plane), map, field, out),
            }
        }
    }

    /// [`Reduction::reduce`] of the reduction that it was made for.
    ///
    /// # Panics
    /// If there is none, or the plane has another side.
    pub fn reduce(&mut self, page: &Page, plane: &mut Plane) {
        let reducer = self.reducer.as_mut().expect("made for a reduction");
        assert_eq!(
            plane.side(),
            reducer.side(),
            "the plane must have the reduced size"
        );
        // SAFETY: what each form needs was detected when `self` was made.
        unsafe {
            match self.wide {
                true => reducer.reduce_wide(page, plane.rows_mut()),
                false => reducer.reduce(page, plane.rows_mut()),
            }
        }
    }

    /// [`Field::bend`], or what [`Vectors::warp_plane`] needs of it: with AVX-512 the step across
    /// is left to the warp, and the field's shifts are not what they would be.
    pub fn bend(&mut self, field: &mut Field, grid: &Grid) {
        // SAFETY: AVX2 was detected when `self` was made.
        self.half_bent = self.wide && unsafe { self.bender.step_down(field, grid) };
        if !self.half_bent {
            self.bend_whole(field, grid);
        }
    }

    /// [`Field::bend`].
    fn bend_whole(&mut self, field: &mut Field, grid: &Grid) {
        // SAFETY: AVX2 was detected when `self` was made.
        if !unsafe { self.bender.bend(field, grid) } {
            field.bend(grid);
        }
    }
}

/// Asks for the line of the cache that `out[at]` lies on, to be written a tile later. A store
/// to a line that is not there has to fetch it first, and the strides of a tile hide from the
/// processor which lines come next (measured, eight batches of 5.6 MB: a quarter more pairs).
/// `at` may lie behind the end, where the batch's next image begins.
#[inline(always)]
fn prefetch<P>(out: &[P], at: usize) {
    let place = out.as_ptr().wrapping_add(at);
    // SAFETY: a prefetch changes no memory and no flag, and faults at no address; processors
    // without it take it for a no-op. (The intrinsic asks for reading, not for writing.)
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly));
    }
}

/// First and last whole place, from the border, that a tile looks at on one axis.
#[inline(always)]
fn seen(columns: &[i16], rows: &[i16], half: i16) -> (usize, usize) {
    // Parts are monotonous, so the ends of the tile are the ends of what it sees.
    let ends = |parts: &[i16]| {
        let (a, b) = (parts[0], parts[parts.len() - 1]);
        (i32::from(a.min(b)), i32::from(a.max(b)))
    };
    let half = i32::from(half);
    let place = |sum: i32| ((sum.clamp(-half, half) + half) >> 8) as usize;
    let (columns, rows) = (ends(columns), ends(rows));
    (place(columns.0 + rows.0), place(columns.1 + rows.1) + 1)
}

/// A pixel with vector forms; lives in a private module, which seals [`super::Pixel`].
pub trait Lanes: Sized {
    /// Writes the pixels of sixteen sums (w if `binary`, else n) to the front of `out`.
    ///
    /// # Safety
    /// AVX2 and FMA.
    unsafe fn store(sums: [__m256i; 2], binary: bool, out: &mut [Self]);

    /// [`Lanes::store`] of sums in order.
    ///
    /// # Safety
    /// AVX-512.
    unsafe fn store_wide(sums: __m512i, binary: bool, out: &mut [Self]);
}

impl Lanes for f32 {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn store(sums: [__m256i; 2], binary: bool, out: &mut [f32]) {
        avx2::store_f32(sums, binary, out);
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn store_wide(sums: __m512i, binary: bool, out: &mut [f32]) {
        avx512::store_f32(sums, binary, out);
    }
}

impl Lanes for u8 {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn store(sums: [__m256i; 2], binary: bool, out: &mut [u8]) {
        avx2::store_u8(sums, binary, out);
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn store_wide(sums: __m512i, binary: bool, out: &mut [u8]) {
        avx512::store_u8(sums, binary, out);
    }
}

#[cfg(test)]
mod tests;
