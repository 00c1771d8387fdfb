//! Distortion: from a one-bit page to a grey picture in the caller's slice.
//!
//! ```text
//! page -> plane (copied, or reduced by area) -> stroke width -> bilinear warp [-> resize] -> out
//!                                    affine map and elastic field  ^
//! ```
//!
//! What is drawn depends on the stream alone and is settled in integers, so the
//! same page, stream and law give the same bytes on every machine, with vector
//! instructions and without. Each [`Distorter`] owns its scratch; drawing
//! allocates nothing.

pub mod affine;
pub mod elastic;
mod error;
pub mod grey;
mod instructions;
pub mod map;
pub mod plane;
mod resize;
// A stand-in without vectors keeps the rest of the room free of conditions.
#[cfg_attr(not(target_arch = "x86_64"), path = "simd_none.rs")]
mod simd;
pub mod size;
pub mod stroke;
pub mod warp;

use serde::{Deserialize, Serialize};

pub use affine::{Affine, AffineLaw};
pub use error::DistortionError;
pub use instructions::Instructions;
pub use resize::Resize;
pub use warp::Pixel;

use crate::image::Drawn;
use crate::seed::Stream;
use elastic::Field;
use map::Map;
use plane::{Plane, Reduction, SIDE_MAX, SIDE_MIN};
use resize::Filter;
use simd::Vectors;
use size::Fit;

/// What may happen to a drawing.
///
/// What is off can be left out where it is read, so that presets and files need not know of a
/// distortion that they do not use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distortion {
    /// How the affine map is drawn.
    #[serde(default = "AffineLaw::none")]
    pub affine: AffineLaw,
    /// Share of the drawings that are softened, 0 to 1 ([`stroke::soften`]).
    #[serde(default)]
    pub soften: f64,
    /// Share of the drawings that are thickened ([`stroke::thicken`]), 0 to 1;
    /// no drawing is both, so the two shares add to at most 1.
    #[serde(default)]
    pub thicken: f64,
    /// Standard deviation of the elastic displacements in half-widths of the
    /// page, 0 to 0.15; 0 leaves them out ([`elastic`]).
    #[serde(default)]
    pub elastic_sigma: f64,
    /// Pixels along a side of the plane that is warped, 57 to 105: the page
    /// itself at 105, else reduced by exact area averaging.
    pub source_side: u32,
    /// Size normalisation ([`size`]): pixels of a 105-pixel page, 40 to 105, that the longer side of
    /// the ink's box is brought to before all else; 0 leaves drawings as they lie.
    #[serde(default, skip_serializing_if = "size::is_off")]
    pub ink_side: u32,
    /// How a picture smaller than 105 pixels comes to its size. Filters take the page itself:
    /// `source_side` must be 105.
    #[serde(default, skip_serializing_if = "Resize::is_warp")]
    pub resize: Resize,
}

impl Distortion {
    /// Koch (2015), section 3.3: affine only, from the page itself.
    pub const KOCH: Distortion = Distortion {
        affine: AffineLaw::KOCH,
        soften: 0.0,
        thicken: 0.0,
        elastic_sigma: 0.0,
        source_side: 105,
        ink_side: 0,
        resize: Resize::Warp,
    };

    /// The compact recipe: a wider affine law, strokes of other widths and
    /// elastic distortion, from a copy of 64 × 64; drawn at 48 × 48 in training.
    pub const COMPACT: Distortion = Distortion {
        affine: AffineLaw::COMPACT,
        soften: 0.25,
        thicken: 0.15,
        elastic_sigma: 0.035,
        source_side: 64,
        ink_side: 0,
        resize: Resize::Warp,
    };

    /// Refuses values out of range.
    ///
    /// # Errors
    /// Names the first field that is out of its range, with the range.
    pub fn check(&self) -> Result<(), DistortionError> {
        if self.ink_side != 0 {
            DistortionError::check_range("ink_side", f64::from(self.ink_side), 40.0, 105.0)?;
        }
        let enlarged = Fit::most(self.ink_side);
        self.affine
            .check(enlarged * f64::from(self.source_side) / SIDE_MAX as f64)?;
        DistortionError::check_range("soften", self.soften, 0.0, 1.0)?;
        DistortionError::check_range("thicken", self.thicken, 0.0, 1.0 - self.soften)?;
        DistortionError::check_range("elastic_sigma", self.elastic_sigma, 0.0, 0.15 / enlarged)?;
        let least = if self.resize.is_warp() {
            SIDE_MIN
        } else {
            SIDE_MAX
        };
        let (least, most) = (least as f64, SIDE_MAX as f64);
        DistortionError::check_range("source_side", f64::from(self.source_side), least, most)
    }
}

/// True for `probability` of all words: the exact comparison word < probability · 2^32.
fn happens(probability: f64, word: u32) -> bool {
    f64::from(word) < probability * 4_294_967_296.0
}

/// Draws distorted pictures of one size by one law; one for each worker.
///
/// ```
/// use omnishot_data::synthetic::{SyntheticOptions, synthesize};
/// use omnishot_data::distort::{Distorter, Distortion};
/// use omnishot_data::seed::{Purpose, Stream};
///
/// let options = SyntheticOptions { background: 1, evaluation: 0, drawers: 1, ..Default::default() };
/// let page = synthesize(&options)[0].characters[0].drawings[0].page;
/// let mut distorter = Distorter::new(Distortion::COMPACT)?.at(48)?;
/// let mut picture = [0f32; 48 * 48]; // row by row, ground 0 and ink 1
/// let mut stream = Stream::new(7, Purpose::Distort, 0);
/// distorter.draw(&page, 0, &mut stream, &mut picture);
/// assert!(picture.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
/// assert!(picture.iter().sum::<f32>() > 10.0); // there is ink
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Distorter {
    distortion: Distortion,
    /// Width and height of its pictures in pixels, 2 to 105.
    side: usize,
    reduction: Option<Reduction>,
    plane: Plane,
    /// The plane with its strokes changed.
    changed: Plane,
    map: Map,
    field: Field,
    /// What resizes after the warp, unless the warp does it.
    filter: Option<Filter>,
    /// The vector forms, if the processor has them and they are wanted.
    vectors: Option<Vectors>,
}

impl Distorter {
    /// A distorter that follows `distortion`, with all the room it will ever need. It draws
    /// pictures of the page's own 105 pixels a side; [`Distorter::at`] sets another size.
    ///
    /// # Errors
    /// If a value of the law is out of range, or the environment names no [`Instructions`].
    pub fn new(distortion: Distortion) -> Result<Distorter, DistortionError> {
        Distorter::with(distortion, Instructions::chosen()?)
    }

    /// [`Distorter::new`] without vector instructions: the same pictures, more
    /// slowly, for tests and benches that compare the two.
    ///
    /// # Errors
    /// As [`Distorter::new`].
    pub fn scalar(distortion: Distortion) -> Result<Distorter, DistortionError> {
        Distorter::with(distortion, Instructions::Scalar)
    }

    /// [`Distorter::new`] with at most these instructions: the same pictures. What the processor
    /// lacks is not used.
    ///
    /// # Errors
    /// If a value of the law is out of range.
    pub fn with(
        distortion: Distortion,
        instructions: Instructions,
    ) -> Result<Distorter, DistortionError> {
        distortion.check()?;
        let source_side = distortion.source_side as usize;
        let reduced = source_side != SIDE_MAX;
        let reduction = reduced.then(|| Reduction::new(source_side));
        Ok(Distorter {
            distortion,
            side: SIDE_MAX,
            plane: Plane::blank(source_side),
            changed: Plane::blank(source_side),
            map: Map::new(&Affine::IDENTITY, 0, Fit::WHOLE, source_side, source_side),
            field: Field::still(source_side),
            filter: Filter::new(distortion.resize),
            vectors: Vectors::new(instructions, reduction.as_ref()),
            reduction,
        })
    }

    /// The same distorter for pictures `side` pixels wide and high.
    ///
    /// # Errors
    /// [`DistortionError::Range`] if the side is not from 2 to 105.
    pub fn at(self, side: usize) -> Result<Distorter, DistortionError> {
        DistortionError::check_range("side", side as f64, 2.0, SIDE_MAX as f64)?;
        Ok(Distorter { side, ..self })
    }

    /// The law it follows.
    #[must_use]
    pub fn distortion(&self) -> &Distortion {
        &self.distortion
    }

    /// Width and height of its pictures in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Draws a page, or its shades if it has them, in one of the 8 poses of a square ([`map`]) and then distorted, into
    /// `out`: `side`² pixels row by row, ground 0 and ink 1.0 (`f32`) or 255 (`u8`).
    ///
    /// Takes 14 words of the stream for the affine map, one for the stroke, and 150
    /// for the elastic field if the law has one, whatever comes of them.
    ///
    /// # Panics
    /// If `pose` is above 7, or `out` does not hold `side`² pixels.
    pub fn draw<'a, P: Pixel>(
        &mut self,
        drawn: impl Into<Drawn<'a>>,
        pose: u8,
        stream: &mut Stream,
        out: &mut [P],
    ) {
        let drawn = drawn.into();
        match self.take_filter() {
            None => self.draw_at(self.side, drawn, pose, stream, out),
            Some(mut filter) => {
                filter.draw(self.side, out, |full| {
                    self.draw_at(SIDE_MAX, drawn, pose, stream, full);
                });
                self.filter = Some(filter);
            }
        }
    }

    /// Takes the filter out if it is to resize the picture: whoever takes it puts it back.
    fn take_filter(&mut self) -> Option<Filter> {
        let side = self.side;
        self.filter.take_if(|_| side < SIDE_MAX)
    }

    /// Distorts a drawing into `side`² pixels by the warp alone.
    fn draw_at<P: Pixel>(
        &mut self,
        side: usize,
        drawn: Drawn<'_>,
        pose: u8,
        stream: &mut Stream,
        out: &mut [P],
    ) {
        if let Some(vectors) = &self.vectors {
            vectors.fetch(drawn.page);
        }
        let law = self.distortion;
        let affine = law.affine.draw(stream);
        let stroke = stream.word();
        let fit = Fit::of(drawn, law.ink_side);
        self.map.set(&affine, pose, fit, self.plane.side(), side);
        let bent = law.elastic_sigma > 0.0;
        if bent {
            let sigma_pixels = law.elastic_sigma * fit.scale * self.plane.side() as f64 / 2.0;
            let grid = elastic::draw_grid(stream, sigma_pixels);
            self.field.resize(side);
            match &mut self.vectors {
                Some(vectors) => vectors.bend(&mut self.field, &grid),
                None => self.field.bend(&grid),
            }
        }
        let stroke = if happens(law.soften, stroke) {
            Stroke::Soft
        } else if happens(law.soften + law.thicken, stroke) {
            Stroke::Thick
        } else {
            Stroke::Same
        };
        self.paint(drawn, stroke, bent, out);
    }

    /// Draws a page, or its shades, undistorted, in one of the 8 poses of a square, through
    /// the same plane and the same warp: what a network trained on [`Distorter::draw`]
    /// is to be asked about.
    ///
    /// # Panics
    /// As [`Distorter::draw`].
    pub fn plain<'a, P: Pixel>(&mut self, drawn: impl Into<Drawn<'a>>, pose: u8, out: &mut [P]) {
        let drawn = drawn.into();
        match self.take_filter() {
            None => self.plain_at(self.side, drawn, pose, out),
            Some(mut filter) => {
                filter.draw(self.side, out, |full| {
                    self.plain_at(SIDE_MAX, drawn, pose, full);
                });
                self.filter = Some(filter);
            }
        }
    }

    /// Draws a drawing undistorted into `side`² pixels by the warp alone.
    fn plain_at<P: Pixel>(&mut self, side: usize, drawn: Drawn<'_>, pose: u8, out: &mut [P]) {
        let (fit, plane_side) = (Fit::of(drawn, self.distortion.ink_side), self.plane.side());
        self.map.set(&Affine::IDENTITY, pose, fit, plane_side, side);
        self.paint(drawn, Stroke::Same, false, out);
    }

    /// Warps the drawing, its strokes changed, through the map and, if `bent`, the field.
    fn paint<P: Pixel>(&mut self, drawn: Drawn<'_>, stroke: Stroke, bent: bool, out: &mut [P]) {
        let page = drawn.page;
        if let Some(shades) = drawn.shades {
            match &self.reduction {
                None => self.plane.copy_grey(shades),
                Some(reduction) => reduction.reduce_grey(shades, &mut self.plane),
            }
            self.paint_plane(stroke, bent, out);
            return;
        }
        if let (Some(vectors), Stroke::Same) = (&mut self.vectors, stroke) {
            let field = bent.then_some(&self.field);
            let done = match (&self.reduction, field) {
                (Some(_), field) => vectors.warp_reduced(page, &self.map, field, out),
                (None, None) => vectors.warp_page(page, &self.map, out),
                (None, Some(_)) => false,
            };
            if done {
                return;
            }
        }
        match (&mut self.reduction, &mut self.vectors) {
            (None, _) => self.plane.copy_page(page),
            (Some(_), Some(vectors)) => vectors.reduce(page, &mut self.plane),
            (Some(reduction), None) => reduction.reduce(page, &mut self.plane),
        }
        self.paint_plane(stroke, bent, out);
    }

    /// Warps the plane as it is, its strokes changed, as [`Distorter::paint`] does the page.
    fn paint_plane<P: Pixel>(&mut self, stroke: Stroke, bent: bool, out: &mut [P]) {
        let field = bent.then_some(&self.field);
        if let Some(vectors) = &mut self.vectors
            && vectors.warp_plane(&self.plane, stroke, &self.map, field, out)
        {
            return;
        }
        let plane = match stroke {
            Stroke::Same => &self.plane,
            Stroke::Soft => {
                stroke::soften(&self.plane, &mut self.changed);
                &self.changed
            }
            Stroke::Thick => {
                stroke::thicken(&self.plane, &mut self.changed);
                &self.changed
            }
        };
        warp::warp(plane, &self.map, field, out);
    }
}

/// What becomes of a drawing's strokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stroke {
    Same,
    Soft,
    Thick,
}

#[cfg(test)]
mod tests;
