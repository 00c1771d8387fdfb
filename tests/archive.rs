//! Bad inputs: each is refused by one typed error that names the place; none panics, and
//! none costs more memory than a sound one.

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{page, zip};
use omnishot::archive::{
    self, Archive, ArchiveError, Problem, ReadOptions, SIDE, Split, page_to_png,
};
use omnishot::seed::{Purpose, Stream};
use rayon::prelude::*;

/// What refusing any input here may hold at once, all tests together.
const MEMORY: usize = 256 << 20;

type Files = Vec<(String, Vec<u8>)>;

const STRICT: ReadOptions = ReadOptions {
    split: None,
    allow_missing: false,
};
const LENIENT: ReadOptions = ReadOptions {
    split: None,
    allow_missing: true,
};

/// Two alphabets of two characters by two drawers, named as Omniglot's are.
fn images(root: &str) -> Files {
    let mut files = Files::new();
    for (number, place) in [
        "A/character01",
        "A/character02",
        "B/character01",
        "B/character02",
    ]
    .into_iter()
    .enumerate()
    {
        for drawer in 1..=2 {
            let png = page_to_png(&page(number as u32 * 40 + drawer));
            files.push((
                format!("{root}/{place}/{:04}_{drawer:02}.png", number + 1),
                png,
            ));
        }
    }
    files
}

fn runs() -> Files {
    let mut files = vec![(
        "run01/class_labels.txt".to_owned(),
        b"run01/test/item01.png run01/training/class02.png\n".to_vec(),
    )];
    for (name, kind) in [
        ("test/item01", 41),
        ("training/class01", 2),
        ("training/class02", 42),
    ] {
        files.push((format!("run01/{name}.png"), page_to_png(&page(kind))));
    }
    files
}

/// Reads inputs of these names and bytes.
fn read_all(inputs: &[(&str, Vec<u8>)], options: ReadOptions) -> Result<Archive, ArchiveError> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = inputs
        .iter()
        .map(|(name, bytes)| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    archive::read(&paths, options)
}

fn read_zip(bytes: Vec<u8>) -> Result<Archive, ArchiveError> {
    read_all(&[("my_background.zip", bytes)], STRICT)
}

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
        "deep/images/A/character01/0001_01.png",
        "images/A/character01/0009_01.png",
        "README.txt",
    ] {
        let name = name.to_owned();
        if name.contains("0009") || !name.contains('/') {
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
                    // Names carry no sum, so a flip may rename an alphabet; a drawing it may not touch.
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

#[test]
fn splits_come_from_names_or_options() {
    let bytes = zip(&images("images"));
    let error = read_all(&[("mine.zip", bytes.clone())], STRICT).unwrap_err();
    assert!(matches!(error.problem, Problem::UnknownSplit), "{error}");
    let split = Some(Split::Evaluation);
    let archive = read_all(
        &[("my_background.zip", bytes.clone())],
        ReadOptions { split, ..STRICT },
    )
    .unwrap();
    assert!(
        archive
            .alphabets
            .iter()
            .all(|a| a.split == Split::Evaluation)
    );
    let both = [
        ("a_background.zip", bytes.clone()),
        ("b_evaluation.zip", bytes),
    ];
    let error = read_all(&both, STRICT).unwrap_err();
    assert!(
        matches!(&error.problem, Problem::SplitConflict { alphabet } if alphabet == "A"),
        "{error}"
    );
    let official = zip(&images("images_background"));
    let error = read_all(&[("images_background.zip", official.clone())], STRICT).unwrap_err();
    assert!(
        matches!(
            error.problem,
            Problem::Incomplete {
                what: "alphabets",
                expected: 30,
                got: 2
            }
        ),
        "{error}"
    );
    assert!(read_all(&[("images_background.zip", official)], LENIENT).is_ok());
}

#[test]
fn inputs_that_share_drawings_merge_or_conflict() {
    let mut files = images("images");
    let whole = read_zip(zip(&files)).unwrap();
    let small = zip(&files[..4]);
    let inputs = [
        ("s_background.zip", small),
        ("l_background.zip", zip(&files)),
    ];
    assert_eq!(read_all(&inputs, STRICT).unwrap(), whole);
    files[1].1 = page_to_png(&page(999));
    let inputs = [inputs[0].clone(), ("l_background.zip", zip(&files))];
    let error = read_all(&inputs, STRICT).unwrap_err();
    assert!(
        matches!(&error.problem, Problem::Conflict { drawer: 2, .. }),
        "{error}"
    );
    assert!(error.archive.ends_with("l_background.zip"));
}

fn unpack(files: &Files, folder: &Path) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn folders_are_read_as_zips_are() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path, options| archive::read(&[path.to_owned()], options);
    let mine = folder.path().join("my_background");
    unpack(&images("images"), &mine);
    assert_eq!(
        read(&mine, STRICT).unwrap(),
        read_zip(zip(&images("images"))).unwrap()
    );
    // The downloads side by side, one packed and one not, and the runs.
    let all = folder.path().join("all");
    unpack(&images("images_background"), &all);
    fs::write(all.join("all_runs.zip"), zip(&runs())).unwrap();
    let archive = read(&all, LENIENT).unwrap();
    assert_eq!((archive.alphabets.len(), archive.runs.len()), (2, 1));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(matches!(
        read(&empty, STRICT).unwrap_err().problem,
        Problem::Empty
    ));
    let missing = folder.path().join("missing");
    assert!(matches!(
        read(&missing, STRICT).unwrap_err().problem,
        Problem::Io(_)
    ));
}

fn run_refused(change: impl FnOnce(&mut Files)) -> String {
    let mut files = runs();
    change(&mut files);
    let error = read_all(&[("all_runs.zip", zip(&files))], STRICT).unwrap_err();
    assert!(matches!(error.problem, Problem::Run(_)), "{error}");
    error.to_string()
}

#[test]
fn tables_of_runs_must_fit_their_pictures() {
    let read = |inputs: &[(&str, Vec<u8>)]| read_all(inputs, STRICT);
    let sound = read(&[("all_runs.zip", zip(&runs()))]).unwrap();
    assert_eq!(sound.runs[0].queries[0].answer, 1);
    let label = |f: &mut Files, text: &str| f[0].1 = text.as_bytes().to_vec();
    let line = "run01/test/item01.png run01/training/class02.png\n";
    assert!(run_refused(|f| label(f, "")).contains("no line for test/item01.png"));
    assert!(run_refused(|f| label(f, "nonsense")).contains("nonsense"));
    assert!(run_refused(|f| label(f, &line.repeat(2))).contains("twice"));
    assert!(run_refused(|f| label(f, &line.replace("02", "03"))).contains("class03"));
    assert!(
        run_refused(|f| label(f, &format!("{line}{}", line.replace("item01", "item9"))))
            .contains("item9")
    );
    assert!(run_refused(|f| f[0].1 = vec![0xFF, 0xFE]).contains("not text"));
    assert!(
        run_refused(|f| f.push(("run02/test/item01.png".into(), f[1].1.clone()))).contains("run02")
    );
    assert!(run_refused(|f| f.push(("run01/x.png".into(), f[1].1.clone()))).contains("x.png"));
    assert!(run_refused(|f| f.push(("x.png".into(), f[1].1.clone()))).contains("x.png"));
    // The same runs twice are one; others of the same name are refused.
    let twice = [("a.zip", zip(&runs())), ("b.zip", zip(&runs()))];
    assert_eq!(read(&twice).unwrap(), sound);
    let mut other = runs();
    other[1].1 = page_to_png(&page(7));
    let error = read(&[("a.zip", zip(&runs())), ("b.zip", zip(&other))]).unwrap_err();
    assert!(error.to_string().contains("run01 differs"), "{error}");
}
