//! A picture to draw pages, frames, marks and short texts on, and its PNG file.
//!
//! Lines and letters come from `embedded-graphics`; what falls outside is cut off.

use std::convert::Infallible;

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_6X10;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{
    Circle, Line, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle,
};
use embedded_graphics::text::{Baseline, Text};

use crate::image::{Drawn, SIDE};

/// Width of a letter in pixels.
pub(super) const LETTER_WIDTH: u32 = 6;
/// Height of a line of text in pixels.
pub(super) const LINE_HEIGHT: u32 = 12;

/// The colours of a sheet. Right and wrong differ for colour-blind readers too (Okabe
/// and Ito's green and vermilion), and every mark has a shape of its own besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Black,
    /// Lines that only part one thing from another.
    Grey,
    /// What is right.
    Right,
    /// What is wrong.
    Wrong,
    /// The ground.
    White,
}

impl Ink {
    fn colour(self) -> Rgb888 {
        match self {
            Ink::Black => Rgb888::new(0x20, 0x20, 0x20),
            Ink::Grey => Rgb888::new(0xC8, 0xC8, 0xC8),
            Ink::Right => Rgb888::new(0x00, 0x8A, 0x64),
            Ink::Wrong => Rgb888::new(0xD5, 0x5E, 0x00),
            Ink::White => Rgb888::WHITE,
        }
    }
}

/// How large a page is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 53 × 53: each pixel is the mean of four (fewer at the right and lower edge).
    Half,
    /// 105 × 105.
    Whole,
    /// 210 × 210: each pixel becomes four.
    Double,
}

impl Scale {
    /// Width and height of a page at this scale.
    #[must_use]
    pub fn side(self) -> u32 {
        let side = SIDE as u32;
        match self {
            Scale::Half => side.div_ceil(2),
            Scale::Whole => side,
            Scale::Double => side * 2,
        }
    }

    /// Grey of the pixel in column `x` and row `y` of the scaled drawing: 0 is full ink.
    fn shade(self, drawn: Drawn<'_>, x: usize, y: usize) -> u8 {
        let ink = |x: usize, y: usize| match drawn.shades {
            Some(shades) => shades[y * SIDE + x],
            None => 255 * u8::from(drawn.page.ink(x, y)),
        };
        match self {
            Scale::Half => {
                let columns = 2 * x..(2 * x + 2).min(SIDE);
                let rows = 2 * y..(2 * y + 2).min(SIDE);
                let all = (columns.len() * rows.len()) as u32;
                let places = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
                let sum: u32 = places.map(|(x, y)| u32::from(ink(x, y))).sum();
                ((255 * all - sum) / all) as u8
            }
            Scale::Whole => 255 - ink(x, y),
            Scale::Double => 255 - ink(x / 2, y / 2),
        }
    }
}

/// A white picture to draw on. Places are pixels from the upper left corner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A white canvas.
    ///
    /// # Panics
    /// If it would have no pixels, or 2^30 or more: no sheet here does.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Canvas {
        let pixels = u64::from(width) * u64::from(height);
        assert!((1..1 << 30).contains(&pixels), "{width} x {height} pixels");
        Canvas {
            width,
            height,
            rgb: vec![255; pixels as usize * 3],
        }
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Red, green and blue of a pixel.
    ///
    /// # Panics
    /// If the pixel is not on the canvas.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        assert!(
            x < self.width && y < self.height,
            "({x}, {y}) is off the canvas"
        );
        let at = 3 * (y as usize * self.width as usize + x as usize);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// Draws a page, in shades if it is kept so, with its upper left corner at (`x`, `y`).
    pub fn page<'a>(&mut self, x: u32, y: u32, page: impl Into<Drawn<'a>>, scale: Scale) {
        let drawn = page.into();
        let side = scale.side();
        let pixels = (0..side * side).map(|index| {
            let (column, row) = (index % side, index / side);
            let shade = scale.shade(drawn, column as usize, row as usize);
            Pixel(point(x + column, y + row), Rgb888::new(shade, shade, shade))
        });
        let Ok(()) = self.draw_iter(pixels);
    }

    /// Draws a square grey picture, `side` pixels wide, with its upper left corner at (`x`, `y`);
    /// 255 is full ink, as in a batch of bytes.
    ///
    /// # Panics
    /// If there are not `side`² pixels.
    pub fn grey(&mut self, x: u32, y: u32, side: u32, ink: &[u8]) {
        assert_eq!(ink.len(), side as usize * side as usize);
        let pixels = (0..side * side).zip(ink).map(|(index, ink)| {
            let shade = 255 - ink;
            let at = point(x + index % side, y + index / side);
            Pixel(at, Rgb888::new(shade, shade, shade))
        });
        let Ok(()) = self.draw_iter(pixels);
    }

    /// Draws a frame around the square of side `side` at (`x`, `y`), wholly outside it.
    pub fn frame(&mut self, (x, y): (u32, u32), side: u32, thickness: u32, ink: Ink) {
        let style = PrimitiveStyleBuilder::new()
            .stroke_color(ink.colour())
            .stroke_width(thickness)
            .stroke_alignment(embedded_graphics::primitives::StrokeAlignment::Outside)
            .build();
        let square = Rectangle::new(point(x, y), Size::new(side, side));
        let Ok(()) = square.into_styled(style).draw(self);
    }

    /// Draws a frame as [`Canvas::frame`] does, in dashes.
    pub fn dashed_frame(&mut self, (x, y): (u32, u32), side: u32, thickness: u32, ink: Ink) {
        const DASH: u32 = 6;
        let (left, top) = (x.saturating_sub(thickness), y.saturating_sub(thickness));
        let outer = side + 2 * thickness;
        for start in (0..outer).step_by(2 * DASH as usize) {
            let length = DASH.min(outer - start);
            for far in [0, outer - thickness] {
                self.fill((left + start, top + far), (length, thickness), ink);
                self.fill((left + far, top + start), (thickness, length), ink);
            }
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, (x, y): (u32, u32), (width, height): (u32, u32), ink: Ink) {
        let Ok(()) = Rectangle::new(point(x, y), Size::new(width, height))
            .into_styled(PrimitiveStyle::with_fill(ink.colour()))
            .draw(self);
    }

    /// Draws a tick in a disc of 15 pixels: the mark of a right answer.
    pub fn tick(&mut self, x: u32, y: u32) {
        let disc = PrimitiveStyle::with_fill(Ink::Right.colour());
        let Ok(()) = Circle::new(point(x, y), 15).into_styled(disc).draw(self);
        self.stroke((x + 4, y + 8), (x + 6, y + 10));
        self.stroke((x + 6, y + 10), (x + 11, y + 5));
    }

    /// Draws a cross in a square of 15 pixels: the mark of a wrong answer.
    pub fn cross(&mut self, x: u32, y: u32) {
        self.fill((x, y), (15, 15), Ink::Wrong);
        self.stroke((x + 4, y + 4), (x + 10, y + 10));
        self.stroke((x + 10, y + 4), (x + 4, y + 10));
    }

    fn stroke(&mut self, (x0, y0): (u32, u32), (x1, y1): (u32, u32)) {
        let Ok(()) = Line::new(point(x0, y0), point(x1, y1))
            .into_styled(PrimitiveStyle::with_stroke(Rgb888::WHITE, 2))
            .draw(self);
    }

    /// Writes a line of text with its upper left corner at (`x`, `y`); letters beyond
    /// Latin-1 show as a question mark.
    pub fn text(&mut self, x: u32, y: u32, text: &str, ink: Ink) {
        let style = MonoTextStyle::new(&FONT_6X10, ink.colour());
        let Ok(_) = Text::with_baseline(text, point(x, y), style, Baseline::Top).draw(self);
    }

    /// The picture as a PNG file.
    #[must_use]
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&self.rgb))
            .expect("a Vec takes every byte, and the pixels fit the header");
        bytes
    }
}

fn point(x: u32, y: u32) -> Point {
    Point::new(x as i32, y as i32) // a canvas has fewer than 2^30 pixels
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(Point { x, y }, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
                continue;
            };
            if x < self.width && y < self.height {
                let at = 3 * (y as usize * self.width as usize + x as usize);
                self.rgb[at..at + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{AREA, Page};

    #[test]
    fn a_page_is_drawn_at_each_scale() {
        let mut page = Page::BLANK;
        page.set(0, 0, true);
        page.set(1, 1, true);
        page.set(104, 104, true);
        for (scale, side, first, last) in [
            (Scale::Half, 53, 127, 0), // two of four; the one that there is
            (Scale::Whole, 105, 0, 0),
            (Scale::Double, 210, 0, 0),
        ] {
            let mut canvas = Canvas::new(220, 220);
            canvas.page(3, 5, &page, scale);
            assert_eq!(scale.side(), side);
            assert_eq!(canvas.pixel(3, 5), [first; 3]);
            assert_eq!(canvas.pixel(3 + side - 1, 5 + side - 1), [last; 3]);
            assert_eq!(canvas.pixel(3 + side / 2, 5), [255; 3]);
            assert_eq!(canvas.pixel(2, 5), [255; 3]);
        }
    }

    #[test]
    fn a_page_in_shades_is_drawn_in_them() {
        let mut page = Page::BLANK;
        page.set(0, 0, true);
        let mut shades = [0; AREA];
        (shades[0], shades[1], shades[SIDE]) = (200, 40, 20);
        let drawn = Drawn {
            page: &page,
            shades: Some(&shades),
        };
        for (scale, first, second) in [
            (Scale::Half, 190, 255), // a quarter of 260 less than white
            (Scale::Whole, 55, 215),
            (Scale::Double, 55, 55),
        ] {
            let mut canvas = Canvas::new(220, 220);
            canvas.page(0, 0, drawn, scale);
            assert_eq!(
                (canvas.pixel(0, 0), canvas.pixel(1, 0)),
                ([first; 3], [second; 3])
            );
        }
    }

    #[test]
    fn a_grey_picture_is_drawn_as_it_is() {
        let mut canvas = Canvas::new(4, 4);
        canvas.grey(1, 2, 2, &[255, 0, 100, 1]);
        let row = |y| [1, 2, 3].map(|x| canvas.pixel(x, y)[0]);
        assert_eq!((row(2), row(3)), ([0, 255, 255], [155, 254, 255]));
        canvas.grey(3, 3, 2, &[255; 4]);
        assert_eq!(canvas.pixel(3, 3), [0; 3]);
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let mut canvas = Canvas::new(20, 20);
        canvas.text(15, 15, "long", Ink::Black);
        canvas.page(10, 10, &Page::BLANK, Scale::Whole);
        canvas.frame((0, 0), 30, 3, Ink::Right);
        canvas.cross(18, 18);
        assert_eq!(canvas.dimensions(), (20, 20));
    }

    #[test]
    fn a_frame_leaves_what_it_frames() {
        let mut canvas = Canvas::new(40, 40);
        canvas.frame((10, 10), 20, 3, Ink::Right);
        canvas.dashed_frame((10, 10), 20, 3, Ink::Wrong);
        assert_eq!(canvas.pixel(10, 10), [255; 3]);
        assert_eq!(canvas.pixel(29, 29), [255; 3]);
        assert_ne!(canvas.pixel(9, 9), [255; 3]);
        assert_ne!(canvas.pixel(32, 32), [255; 3]);
    }

    #[test]
    fn the_png_holds_the_pixels() {
        let mut canvas = Canvas::new(31, 17);
        canvas.tick(4, 1);
        let png = canvas.to_png();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png))
            .read_info()
            .unwrap();
        let mut rgb = vec![0; 31 * 17 * 3];
        reader.next_frame(&mut rgb).unwrap();
        assert_eq!(rgb, canvas.rgb);
    }
}
