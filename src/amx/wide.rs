//! Plain loops, compiled for wide registers too.
#![allow(unsafe_code)]

/// Proof that the processor has AVX-512: F, BW, DQ and VL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide(());

impl Wide {
    /// That proof, where there is one.
    pub(super) fn detect() -> Option<Wide> {
        #[cfg(target_arch = "x86_64")]
        {
            let has = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            has.then_some(Wide(()))
        }
        #[cfg(not(target_arch = "x86_64"))]
        None
    }
}

/// Makes a function that takes `Option<Wide>` first, and takes wide registers where that is some. Both forms
/// are the same source, in which no sum is taken in another order: they agree bit for bit.
macro_rules! wide {
    (
        $(#[$doc:meta])*
        $visible:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        $visible fn $name(wide: Option<Wide>, $($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            fn plain<const WIDE: bool>($($argument: $kind),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
            fn compiled_wide($($argument: $kind),*) $(-> $result)? {
                plain::<true>($($argument),*)
            }

            match wide {
                // SAFETY: the proof says that the processor has these.
                #[cfg(target_arch = "x86_64")]
                Some(_) => unsafe { compiled_wide($($argument),*) },
                _ => plain::<false>($($argument),*),
            }
        }
    };
}

pub(super) use wide;

/// Values that are worked on at once.
pub(super) const LANES: usize = 16;
/// As many rows of as many.
pub(super) type Square = [[u32; LANES]; LANES];

/// The transpose; `WIDE` where a function of [`wide`] says so.
#[inline(always)]
pub(super) fn transpose<const WIDE: bool>(square: &Square) -> Square {
    #[cfg(target_arch = "x86_64")]
    if WIDE {
        // SAFETY: only functions that are compiled for wide registers say so.
        return unsafe { registers::transpose(square) };
    }
    let mut out = [[0; LANES]; LANES];
    for (i, row) in square.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            out[j][i] = *value;
        }
    }
    out
}

#[cfg(target_arch = "x86_64")]
mod registers {
    use std::arch::x86_64::*;

    use super::{LANES, Square};

    /// First within 128 bits, by twos and by fours, and then whole quarters.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn transpose(square: &Square) -> Square {
        let mut rows = [_mm512_setzero_si512(); LANES];
        for (row, values) in rows.iter_mut().zip(square) {
            // SAFETY: 16 values are 64 bytes.
            *row = unsafe { _mm512_loadu_si512(values.as_ptr().cast()) };
        }
        let mut twos = rows;
        for i in (0..LANES).step_by(2) {
            twos[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
            twos[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
        }
        let mut fours = twos;
        for i in (0..LANES).step_by(4) {
            fours[i] = _mm512_unpacklo_epi64(twos[i], twos[i + 2]);
            fours[i + 1] = _mm512_unpackhi_epi64(twos[i], twos[i + 2]);
            fours[i + 2] = _mm512_unpacklo_epi64(twos[i + 1], twos[i + 3]);
            fours[i + 3] = _mm512_unpackhi_epi64(twos[i + 1], twos[i + 3]);
        }
        let mut out = [[0; LANES]; LANES];
        for i in 0..4 {
            let even =
                [0, 8].map(|at| _mm512_shuffle_i32x4::<0x88>(fours[at + i], fours[at + 4 + i]));
            let odd =
                [0, 8].map(|at| _mm512_shuffle_i32x4::<0xDD>(fours[at + i], fours[at + 4 + i]));
            let columns = [
                (i, _mm512_shuffle_i32x4::<0x88>(even[0], even[1])),
                (4 + i, _mm512_shuffle_i32x4::<0x88>(odd[0], odd[1])),
                (8 + i, _mm512_shuffle_i32x4::<0xDD>(even[0], even[1])),
                (12 + i, _mm512_shuffle_i32x4::<0xDD>(odd[0], odd[1])),
            ];
            for (at, column) in columns {
                // SAFETY: 16 values are 64 bytes.
                unsafe { _mm512_storeu_si512(out[at].as_mut_ptr().cast(), column) };
            }
        }
        out
    }
}
