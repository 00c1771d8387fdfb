//! Made-up digits, and IDX files of them.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use omnishot::archive::Digits;
use omnishot::seed::{Purpose, Stream};

/// Width and height in pixels of what [`strokes`] draws.
pub const SIDE: usize = 28;

/// Which of seven segments (top, upper left and right, middle, lower left and right, bottom)
/// each digit has, as on a pocket calculator.
const SEGMENTS: [[u8; 7]; 10] = [
    [1, 1, 1, 0, 1, 1, 1],
    [0, 0, 1, 0, 0, 1, 0],
    [1, 0, 1, 1, 1, 0, 1],
    [1, 0, 1, 1, 0, 1, 1],
    [0, 1, 1, 1, 0, 1, 0],
    [1, 1, 0, 1, 0, 1, 1],
    [1, 1, 0, 1, 1, 1, 1],
    [1, 0, 1, 0, 0, 1, 0],
    [1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 1, 1],
];
/// First column, first row, columns and rows of each segment.
const PLACES: [[usize; 4]; 7] = [
    [9, 4, 11, 3],
    [8, 5, 3, 10],
    [18, 5, 3, 10],
    [9, 13, 11, 3],
    [8, 14, 3, 10],
    [18, 14, 3, 10],
    [9, 22, 11, 3],
];

/// Image number `at` of `digit`: its segments, moved by up to four pixels, under noise.
fn strokes(digit: usize, at: usize) -> Vec<u8> {
    let mut stream = Stream::new(digit as u64, Purpose::Synthetic, at as u64);
    let (right, down) = (stream.index(5), stream.index(3));
    let mut image: Vec<u8> = (0..SIDE * SIDE).map(|_| stream.below(60) as u8).collect();
    for (place, _) in (PLACES.iter().zip(SEGMENTS[digit])).filter(|(_, drawn)| *drawn == 1) {
        let [x, y, columns, rows] = *place;
        for row in y..y + rows {
            let start = (row + down) * SIDE + x + right - 2;
            for pixel in &mut image[start..][..columns] {
                *pixel = 196 + stream.below(60) as u8;
            }
        }
    }
    image
}

/// The bytes of an IDX file of `dimensions`, first of them the count.
pub fn idx(dimensions: &[usize], body: &[u8]) -> Vec<u8> {
    let mut bytes = (0x0800 + dimensions.len() as u32).to_be_bytes().to_vec();
    for &dimension in dimensions {
        bytes.extend((dimension as u32).to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

/// The files of images and of labels of `each` made-up images of every digit, the digits in turn.
pub fn files(each: usize) -> [Vec<u8>; 2] {
    let count = 10 * each;
    let images: Vec<u8> = (0..count).flat_map(|k| strokes(k % 10, k / 10)).collect();
    let labels: Vec<u8> = (0..count).map(|k| (k % 10) as u8).collect();
    [idx(&[count, SIDE, SIDE], &images), idx(&[count], &labels)]
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes the two files below a folder.
pub fn write(folder: &Path, files: &[Vec<u8>; 2], names: [&str; 2]) {
    for (bytes, name) in files.iter().zip(names) {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// `each` made-up images of every digit.
pub fn digits(each: usize) -> Digits {
    let folder = tempfile::tempdir().unwrap();
    let names = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    write(folder.path(), &files(each), names);
    Digits::open(folder.path()).unwrap()
}
