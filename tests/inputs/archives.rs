//! How inputs become one archive: splits, shared drawings, folders, and tables of runs.

use std::fs;
use std::path::Path;

use crate::common::inputs::{Files, LENIENT, STRICT, images, read_all, read_zip, runs, unpack};
use crate::common::{page, zip};
use omnishot::archive::{self, Problem, ReadOptions, Split, page_to_png};

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
                set: "images_background",
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
