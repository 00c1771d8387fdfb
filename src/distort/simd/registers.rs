//! Bytes of slices and arrays in registers, and back.

use std::arch::x86_64::*;

/// The first 32 bytes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load(bytes: &[u8]) -> __m256i {
    let bytes = &bytes[..32];
    // SAFETY: the slice holds 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// All 32 bytes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load_signed(bytes: &[i8; 32]) -> __m256i {
    // SAFETY: the array holds 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The first 16 bytes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load_half(bytes: &[u8]) -> __m128i {
    let bytes = &bytes[..16];
    // SAFETY: the slice holds 16 bytes.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// All 64 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_wide_signed(bytes: &[i8; 64]) -> __m512i {
    // SAFETY: the array holds 64 bytes.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// The first 64 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_wide(bytes: &[u8]) -> __m512i {
    let bytes = &bytes[..64];
    // SAFETY: the slice holds 64 bytes.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Writes 32 bytes to the front of a slice.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store(place: &mut [u8], bytes: __m256i) {
    let place = &mut place[..32];
    // SAFETY: the slice holds 32 bytes.
    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), bytes) }
}

/// Sixteen bytes, twice.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn broadcast(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: the array holds 16 bytes.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}
