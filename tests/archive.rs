//! Bad inputs: each is refused by one typed error that names the place; none panics, and
//! none costs more memory than a sound one.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::io::Write;

use common::inputs::{Files, LENIENT, STRICT, images, read_all, read_zip};
use common::{page, zip};
use omnishot::archive::{Archive, Problem, Split};
use omnishot::image::SIDE;
use omnishot::seed::{Purpose, Stream};
use rayon::prelude::*;

/// What refusing any input here may hold at once, all tests together.
const MEMORY: usize = 256 << 20;

/// The entry and the problem of the error for sound files after a `change`.
fn refused(change: impl FnOnce(&mut Files)) -> (String, Problem) {
    let mut files = images("images");
    change(&mut files);
    let error = read_zip(zip(&files)).unwrap_err();
    assert!(error.to_string().contains("my_background.zip: "), "{error}");
    (error.entry.unwrap_or_default(), error.problem)
}

/// Asserts that a change is refused at an entry by a problem of this form.
macro_rules! assert_refused {
    ($change:expr, $entry:expr, $problem:pat) => {
        let (entry, problem) = refused($change);
        assert!(matches!(problem, $problem), "{entry}: {problem}");
        assert_eq!(entry, $entry, "{problem}");
    };
}

const FIRST: &str = "images/A/character01/0001_01.png";

#[test]
fn sound_inputs_are_read() {
    let archive = read_zip(zip(&images("images"))).unwrap();
    assert_eq!(archive.alphabets.len(), 2);
    assert_eq!(
        archive.alphabets[1].characters[1].drawings[1].page,
        page(122)
    );
    assert_eq!(archive.alphabets[0].split, Split::Background);
    let mut reversed = images("images");
    reversed.reverse();
    reversed.push(("__MACOSX/._x".into(), vec![1]));
    reversed.push(("images/A/.DS_Store".into(), vec![1]));
    assert_eq!(read_zip(zip(&reversed)).unwrap(), archive);
}

#[test]
fn bad_drawings_are_named() {
    assert_refused!(|f| f[0].1 = b"GIF89a".to_vec(), FIRST, Problem::Png(_));
    assert_refused!(|f| f[0].1.clear(), FIRST, Problem::Png(_));
    assert_refused!(|f| f[0].1.truncate(60), FIRST, Problem::Png(_));
    assert_refused!(
        |f| f[0].1 = grey(105, 0),
        FIRST,
        Problem::WrongSize {
            width: 105,
            height: 104
        }
    );
    assert_refused!(|f| f[0].1 = grey(106, 77), FIRST, Problem::NotBlackAndWhite);
    assert_refused!(
        |f| f[0].1 = vec![0; 70_000],
        FIRST,
        Problem::TooLarge { limit: 65_536 }
    );
}

/// A grey picture 105 wide and one less than `height` high, with one pixel of `shade`.
fn grey(height: usize, shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, height as u32 - 1);
    encoder.set_color(png::ColorType::Grayscale);
    let mut pixels = vec![255; SIDE * (height - 1)];
    pixels[500] = shade;
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&pixels)
        .unwrap();
    bytes
}

#[test]
fn bad_names_are_named() {
    for name in [
        "images/A/character01/0001.png",
        "images/A/character01/x_01.png",
        "images/A/character01/0001_00.png",
        "images/A/character01/0001_99999.png",
        "images/A/character01/+001_01.png",
        "images/A/character01/0001_01.gif",
        "images/A/character01/0009_01.png",
        "images/A/README.txt",
        "images/A/character01/sub/0001_03.png",
        "cover.png",
    ] {
        let name = name.to_owned();
        if ["0009", "sub", "README", "cover"]
            .iter()
            .any(|part| name.contains(part))
        {
            // Another number inside a character, a file that is in none: added, not renamed.
            let (entry, problem) = refused(|f| f.push((name.clone(), f[0].1.clone())));
            assert!(matches!(problem, Problem::Misnamed), "{entry}: {problem}");
        } else {
            assert_refused!(|f| f[0].0.clone_from(&name), name, Problem::Misnamed);
        }
    }
    for name in [
        "../0001_01.png",
        "images/../../etc/0001_01.png",
        "/etc/character01/0001_01.png",
        "a\\..\\0001_01.png",
    ] {
        let (_, problem) = refused(|f| f[0].0 = name.to_owned());
        assert!(matches!(problem, Problem::UnsafeName), "{name}: {problem}");
    }
}

#[test]
fn missing_and_double_drawings_are_named() {
    let (_, problem) = refused(|f| drop(f.remove(0)));
    assert!(
        matches!(&problem, Problem::MissingDrawing { alphabet, character, drawer: 1 }
            if alphabet == "A" && character == "character01"),
        "{problem}"
    );
    let mut files = images("images");
    files.remove(0);
    let archive = read_all(&[("my_background.zip", zip(&files))], LENIENT).unwrap();
    assert_eq!(archive.alphabets[0].characters[0].drawings.len(), 1);
    assert_refused!(
        |f| f.push(("images/A/character01/001_01.png".into(), f[0].1.clone())),
        "images/A/character01/001_01.png",
        Problem::Duplicate { drawer: 1 }
    );
}

/// Replaces every `from` by `to`, of equal length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..=bytes.len() - from.len())
        .filter(|&at| bytes[at..].starts_with(from))
        .collect();
    for &at in &places {
        bytes[at..at + from.len()].copy_from_slice(to);
    }
    places.len()
}

#[test]
fn a_name_that_is_twice_in_a_zip_is_refused() {
    let mut bytes = zip(&images("images"));
    let second = FIRST.replace("_01.", "_02.");
    assert_eq!(replace(&mut bytes, second.as_bytes(), FIRST.as_bytes()), 2);
    let error = read_zip(bytes).unwrap_err();
    assert!(
        matches!(error.problem, Problem::RepeatedName | Problem::Zip(_)),
        "{error}"
    );
}

#[test]
fn overlapping_entries_are_refused() {
    let mut bytes = zip(&images("images"));
    let directory: Vec<usize> = (0..bytes.len() - 4)
        .filter(|&at| bytes[at..].starts_with(b"PK\x01\x02"))
        .collect();
    // The second entry claims the place of the first.
    let first = bytes[directory[0] + 42..][..4].to_vec();
    bytes[directory[1] + 42..][..4].copy_from_slice(&first);
    let error = read_zip(bytes).unwrap_err();
    assert!(
        matches!(error.problem, Problem::Overlapping | Problem::Zip(_)),
        "{error}"
    );
}

#[test]
fn a_zip_bomb_costs_little() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(FIRST, zip::write::SimpleFileOptions::default())
        .unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..1024 {
        zip.write_all(&zeros).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let error = read_zip(bytes).unwrap_err();
    assert!(
        matches!(error.problem, Problem::TooLarge { limit: 65_536 }),
        "{error}"
    );
    assert_eq!(error.entry.as_deref(), Some(FIRST));
    assert!(memory::peak() < MEMORY, "{} bytes", memory::peak());
}

#[test]
fn truncated_zips_are_refused() {
    let bytes = zip(&images("images"));
    (0..bytes.len()).into_par_iter().step_by(3).for_each(|len| {
        let error = read_zip(bytes[..len].to_vec()).unwrap_err();
        assert!(matches!(error.problem, Problem::Zip(_)), "{len}: {error}");
    });
    let empty = read_zip(zip::<&str, &str>(&[])).unwrap_err();
    assert!(matches!(empty.problem, Problem::Empty), "{empty}");
}

#[test]
fn flipped_zips_are_refused_or_equal() {
    let bytes = zip(&images("images"));
    let sound = read_zip(bytes.clone()).unwrap();
    let refused: usize = (0..2000u64)
        .into_par_iter()
        .map(|case| {
            let mut stream = Stream::new(5, Purpose::Bootstrap, case);
            let mut damaged = bytes.clone();
            let at = stream.index(damaged.len());
            damaged[at] ^= 1 << stream.index(8);
            match read_all(&[("my_background.zip", damaged)], STRICT) {
                Err(_) => 1,
                Ok(archive) => {
                    // Names carry no checksum, so a flip may rename an alphabet; a drawing it may not touch.
                    let drawings = |archive: &Archive| {
                        let mut pages: Vec<_> = (archive.alphabets.iter())
                            .flat_map(|a| a.characters.iter().flat_map(|c| &c.drawings))
                            .map(|d| *d.page.bands())
                            .collect();
                        pages.sort_unstable();
                        pages
                    };
                    assert_eq!(
                        drawings(&archive),
                        drawings(&sound),
                        "case {case}, byte {at}"
                    );
                    0
                }
            }
        })
        .sum();
    assert!(refused > 500, "{refused} refused");
}
