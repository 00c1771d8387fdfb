//! Stands in for the vector forms on processors that have none: the law serves alone.

use std::convert::Infallible;

use super::elastic::{Field, Grid};
use super::map::Map;
use super::plane::{Plane, Reduction};
use super::warp::Pixel;
use crate::image::Page;

/// What cannot be had here.
#[derive(Clone, Debug)]
pub struct Avx2(Infallible);

/// Seals [`Pixel`].
pub trait Lanes {}
impl Lanes for f32 {}
impl Lanes for u8 {}

#[allow(missing_docs)]
impl Avx2 {
    pub fn detect() -> Option<Avx2> {
        None
    }

    pub fn warp_page<P: Pixel>(&mut self, _: &Page, _: &Map, _: &mut [P]) -> bool {
        match self.0 {}
    }

    pub fn warp_plane<P: Pixel>(
        &mut self,
        _: &Plane,
        _: &Map,
        _: Option<&Field>,
        _: &mut [P],
    ) -> bool {
        match self.0 {}
    }

    pub fn reduce(&self, _: &mut Reduction, _: &Page, _: &mut Plane) {
        match self.0 {}
    }

    pub fn soften(&self, _: &Plane, _: &mut Plane) {
        match self.0 {}
    }

    pub fn thicken(&self, _: &Plane, _: &mut Plane) {
        match self.0 {}
    }

    pub fn bend(&self, _: &mut Field, _: &Grid) {
        match self.0 {}
    }
}
