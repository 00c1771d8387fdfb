//! Stands in for the vector forms on processors that have none: the law serves alone.

use std::convert::Infallible;

use super::Stroke;
use super::elastic::{Field, Grid};
use super::instructions::Instructions;
use super::map::Map;
use super::plane::{Plane, Reduction};
use super::warp::Pixel;
use crate::image::Page;

/// What cannot be had here.
#[derive(Clone, Debug)]
pub struct Vectors(Infallible);

/// Seals [`Pixel`].
pub trait Lanes {}
impl Lanes for f32 {}
impl Lanes for u8 {}

#[allow(missing_docs)]
impl Vectors {
    pub fn new(_: Instructions, _: Option<&Reduction>) -> Option<Vectors> {
        None
    }

    pub fn fetch(&self, _: &Page) {
        match self.0 {}
    }

    pub fn warp_page<P: Pixel>(&mut self, _: &Page, _: &Map, _: &mut [P]) -> bool {
        match self.0 {}
    }

    pub fn warp_plane<P: Pixel>(
        &mut self,
        _: &Plane,
        _: Stroke,
        _: &Map,
        _: Option<&Field>,
        _: &mut [P],
    ) -> bool {
        match self.0 {}
    }

    pub fn warp_reduced<P: Pixel>(
        &mut self,
        _: &Page,
        _: &Map,
        _: Option<&Field>,
        _: &mut [P],
    ) -> bool {
        match self.0 {}
    }

    pub fn reduce(&mut self, _: &Page, _: &mut Plane) {
        match self.0 {}
    }

    pub fn bend(&mut self, _: &mut Field, _: &Grid) {
        match self.0 {}
    }
}
