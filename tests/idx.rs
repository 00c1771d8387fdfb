//! MNIST's files: read in every form in use, and refused by a typed error when damaged.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::fs;
use std::io::Write;

use common::digits::{files, gzip, idx, write};
use flate2::Compression;
use flate2::write::GzEncoder;
use omnishot::archive::{Digits, IdxError, IdxProblem};
use omnishot::seed::{Purpose, Stream};
use proptest::prelude::*;

const NAMES: [[&str; 2]; 2] = [
    ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
    ["t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
];
/// What all tests of this file may hold together: far less than the headers in them claim.
const MEMORY: usize = 64 << 20;

fn read(images: &[u8], labels: &[u8]) -> Result<Digits, IdxError> {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["images", "labels"].map(|name| folder.path().join(name));
    fs::write(&paths[0], images).unwrap();
    fs::write(&paths[1], labels).unwrap();
    Digits::read(&paths[0], &paths[1])
}

/// Why files are refused, and what the message says.
fn refused(images: &[u8], labels: &[u8]) -> (IdxProblem, String) {
    let error = read(images, labels).unwrap_err();
    let text = error.to_string();
    assert!(memory::peak() < MEMORY, "{} bytes held", memory::peak());
    (error.problem, text)
}

/// Two images of 3 x 3 pixels, and their labels.
fn small() -> [Vec<u8>; 2] {
    let pixels: Vec<u8> = (0..18).map(|k| 14 * k).collect();
    [idx(&[2, 3, 3], &pixels), idx(&[2], &[7, 0])]
}

#[test]
fn every_name_in_use_is_found_plain_and_packed() {
    let [images, labels] = files(2);
    let zipped = [gzip(&images), gzip(&labels)];
    let plain = [images, labels];
    let want = read(&plain[0], &plain[1]).unwrap();
    assert_eq!((want.side(), want.len(), want.is_empty()), (28, 20, false));
    assert_eq!(want.labels()[..11], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
    assert_eq!(want.images(), &plain[0][16..]);
    assert_eq!(want.image(3), &plain[0][16 + 3 * 784..][..784]);
    for [images, labels] in NAMES {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &plain, [images, labels]);
        assert!(Digits::open(folder.path()).unwrap() == want);
        let folder = tempfile::tempdir().unwrap();
        let names = [format!("{images}.gz"), format!("{labels}.gz")];
        write(folder.path(), &zipped, [&names[0], &names[1]]);
        // A folder of the plain name is no file of that name.
        fs::create_dir(folder.path().join(images)).unwrap();
        assert!(Digits::open(folder.path()).unwrap() == want);
    }
    // What a file is does not hang on its name.
    assert!(read(&zipped[0], &plain[1]).unwrap() == want);
}

#[test]
fn what_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Digits::open(folder.path()).unwrap_err();
    assert!(
        matches!(error.problem, IdxProblem::Missing { name } if name == NAMES[0][0]),
        "{error}"
    );
    let images = folder.path().join(NAMES[1][0]);
    fs::write(&images, &small()[0]).unwrap();
    let error = Digits::open(folder.path()).unwrap_err();
    assert!(
        matches!(error.problem, IdxProblem::Missing { name } if name == NAMES[0][1]),
        "{error}"
    );
    let error = Digits::open(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error.problem, IdxProblem::Io(_)) && error.file.ends_with("none"));
    let error = Digits::read(&images, folder.path()).unwrap_err();
    assert!(matches!(error.problem, IdxProblem::NotAFile) && error.file == folder.path());
}

#[test]
fn each_kind_of_damage_has_its_own_words() {
    let [images, labels] = small();
    let sound = read(&images, &labels).unwrap();
    assert_eq!((sound.side(), sound.labels()), (3, &[7, 0][..]));

    let (problem, text) = refused(&labels, &images);
    assert!(
        matches!(
            problem,
            IdxProblem::Magic {
                what: "images",
                expected: 0x803,
                got: 0x801
            }
        ),
        "{text}"
    );
    assert!(text.contains("images: begins with 0x00000801"), "{text}");
    let (problem, text) = refused(&images, b"\x89PNG\r\n");
    assert!(
        matches!(problem, IdxProblem::Magic { what: "labels", .. }),
        "{text}"
    );

    let (problem, _) = refused(&idx(&[2, 3, 4], &[0; 24]), &labels);
    assert!(matches!(
        problem,
        IdxProblem::NotSquare {
            rows: 3,
            columns: 4
        }
    ));
    for side in [0, 106, 1 << 31] {
        let (problem, text) = refused(&idx(&[2, side, side], &[]), &labels);
        assert!(
            matches!(problem, IdxProblem::Side { side: got } if got as usize == side),
            "{text}"
        );
    }

    let (problem, text) = refused(&[&images[..], &[0]].concat(), &labels);
    assert!(matches!(problem, IdxProblem::Tail { offset: 34 }), "{text}");
    let (problem, text) = refused(&images, &[&labels[..], &[0, 0]].concat());
    assert!(matches!(problem, IdxProblem::Tail { offset: 10 }), "{text}");

    let (problem, text) = refused(&images, &idx(&[2], &[9, 10]));
    let at_nine = |problem| {
        matches!(
            problem,
            IdxProblem::Label {
                offset: 9,
                label: 10
            }
        )
    };
    assert!(at_nine(problem) && text.contains("byte 9"), "{text}");

    let (problem, text) = refused(&images, &idx(&[3], &[1, 2, 3]));
    assert!(
        matches!(
            problem,
            IdxProblem::Counts {
                images: 2,
                labels: 3,
                ..
            }
        ),
        "{text}"
    );
}

#[test]
fn every_cut_is_refused_where_it_lies() {
    let [images, labels] = small();
    for len in 0..images.len() {
        let (problem, text) = refused(&images[..len], &labels);
        let want = if len < 16 { 16 } else { 34 };
        assert!(
            matches!(problem, IdxProblem::Short { offset, expected }
                if offset == len as u64 && expected == want),
            "{len}: {text}"
        );
    }
    for len in 0..labels.len() {
        let (problem, text) = refused(&images, &labels[..len]);
        assert!(
            matches!(problem, IdxProblem::Short { offset, .. } if offset == len as u64),
            "{len}: {text}"
        );
    }
    let zipped = gzip(&files(1)[0]);
    for len in (2..zipped.len()).step_by(37).chain([zipped.len() - 1]) {
        let (problem, text) = refused(&zipped[..len], &labels);
        assert!(matches!(problem, IdxProblem::Gzip { .. }), "{len}: {text}");
    }
}

#[test]
fn a_packed_file_must_unpack_to_its_own_sum() {
    let [images, labels] = small();
    let zipped = gzip(&images);
    let mut wrong = zipped.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    let (problem, text) = refused(&wrong, &labels);
    assert!(
        matches!(problem, IdxProblem::Gzip { offset: 34, .. }),
        "{text}"
    );
    let (problem, text) = refused(&[&zipped[..], b"more"].concat(), &labels);
    assert!(
        matches!(problem, IdxProblem::Gzip { offset: 34, .. }),
        "{text}"
    );
    // Longer inside than its header says, by 256 MB: no more than a byte of them is unpacked.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&images).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..256).for_each(|_| bomb.write_all(&zeros).unwrap());
    let (problem, text) = refused(&bomb.finish().unwrap(), &labels);
    assert!(matches!(problem, IdxProblem::Tail { offset: 34 }), "{text}");
}

#[test]
fn a_header_takes_no_memory_by_itself() {
    let labels = &small()[1];
    // Most of a GiB, and of 11 GiB, in a file of 16 bytes.
    let (problem, text) = refused(&idx(&[97_000, 105, 105], &[]), labels);
    assert!(
        matches!(problem, IdxProblem::Short { offset: 16, .. }),
        "{text}"
    );
    let (problem, text) = refused(&gzip(&idx(&[97_000, 105, 105], &[])), labels);
    assert!(
        matches!(problem, IdxProblem::Short { offset: 16, .. }),
        "{text}"
    );
    let (problem, text) = refused(&idx(&[1 << 20, 105, 105], &[]), labels);
    assert!(
        matches!(problem, IdxProblem::TooLarge { claimed, .. } if claimed == 16 + (11_025 << 20)),
        "{text}"
    );
    let (problem, text) = refused(&idx(&[u32::MAX as usize, 1, 1], &[]), labels);
    assert!(
        matches!(problem, IdxProblem::TooMany { claimed, .. } if claimed == u32::MAX),
        "{text}"
    );
    let (problem, text) = refused(&small()[0], &idx(&[u32::MAX as usize], &[]));
    assert!(matches!(problem, IdxProblem::TooLarge { .. }), "{text}");
}

#[test]
fn changed_bytes_never_do_worse_than_an_error() {
    let [images, labels] = files(1);
    let zipped = [gzip(&images), gzip(&labels)];
    let mut sound = 0;
    for index in 0..1_500 {
        let mut stream = Stream::new(3, Purpose::Synthetic, index);
        let mut pair = if index % 2 == 0 {
            [images.clone(), labels.clone()]
        } else {
            zipped.clone()
        };
        let bytes = &mut pair[stream.index(2)];
        for _ in 0..1 + stream.index(3) {
            // As often in the header as in all the rest.
            let within = [16.min(bytes.len()), bytes.len()][stream.index(2)];
            bytes[stream.index(within)] ^= 1 << stream.index(8);
        }
        if let Ok(digits) = read(&pair[0], &pair[1]) {
            sound += 1;
            assert_eq!(digits.images().len(), digits.len() * digits.side().pow(2));
            assert!(digits.labels().iter().all(|&label| label < 10));
        }
    }
    // Changes of pixels alone go unseen in plain files.
    assert!((50..750).contains(&sound), "{sound}");
    assert!(memory::peak() < MEMORY, "{} bytes held", memory::peak());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        images in proptest::collection::vec(any::<u8>(), 0..200),
        labels in proptest::collection::vec(any::<u8>(), 0..40),
        dimensions in proptest::array::uniform3(0usize..6),
        extra in 0usize..2,
    ) {
        let labels = idx(&[labels.len() % 8], &labels);
        prop_assert!(read(&images, &labels).is_err());
        let packed = [&[0x1F, 0x8B, 8, 0][..], &images].concat();
        prop_assert!(read(&packed, &labels).is_err());
        let [count, rows, columns] = dimensions;
        let body = vec![1; count * rows * columns + extra];
        let result = read(&idx(&dimensions, &body), &idx(&[count], &vec![5; count]));
        prop_assert_eq!(result.is_ok(), rows == columns && rows > 0 && extra == 0);
    }
}
