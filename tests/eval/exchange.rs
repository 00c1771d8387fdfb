//! Tasks for other people's models: what goes out is what is asked, whatever comes in is scored
//! by the evaluator's own rules or refused by name.

use crate::common::tasks;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use crate::common::tasks::{exported, images, made_up, neighbour_csv, random, shot_csv};
use omnishot::eval::exchange::{
    self, ExchangeError, Format, PredictionProblem, TaskFile, score_predictions,
};
use omnishot::eval::{Answers, Pixel, PixelScorer, Protocol, ProtocolRun, Role, TaskSet, Ties};
use omnishot::image::SIDE;
use omnishot::store::{PageCache, Store};
use proptest::prelude::*;

type Spoil<'a> = &'a dyn Fn(&mut TaskFile);

fn sets(store: &Store) -> [TaskSet; 3] {
    [
        TaskSet::lake_runs(store).unwrap(),
        random(store, Protocol::Within, 5, 2, 60),
        random(store, Protocol::Between, 20, 1, 90),
    ]
}

/// A prediction file of ways chosen.
fn choices(tasks: &TaskFile, way: impl Fn(usize) -> String) -> Vec<u8> {
    let lines = (0..tasks.tasks.len()).map(|task| format!("{task},{}\n", way(task)));
    format!("task,answer\n{}", lines.collect::<String>()).into_bytes()
}

fn right(tasks: &TaskFile, csv: Vec<u8>, ties: Ties) -> (u64, u64) {
    let scores = score_predictions(tasks, &[("a".to_owned(), csv)], ties).unwrap();
    (scores.systems[0].score.right, scores.systems[0].tied)
}

/// What is wrong with these answers, and on which line.
fn refused(tasks: &TaskFile, csv: &[u8]) -> (u64, PredictionProblem) {
    match score_predictions(tasks, &[("a.csv".to_owned(), csv.to_vec())], Ties::Against) {
        Err(ExchangeError::Predictions {
            file,
            line,
            problem,
        }) if file == "a.csv" => (line, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_exported_is_what_is_asked() {
    let store = made_up();
    let pages = PageCache::new(store.clone());
    for (set, format) in sets(&store)
        .into_iter()
        .zip([Format::Png, Format::Npz, Format::Npz])
    {
        let (folder, file) = exported(&store, &set, format);
        assert_eq!(
            TaskFile::open(&folder.path().join("out/tasks.json")).unwrap(),
            file
        );
        let again = file.task_set().unwrap();
        assert_eq!(
            (again.protocol, again.shots, again.seed, again.title()),
            (set.protocol, set.shots, set.seed, set.title())
        );
        assert_eq!(
            (&again.groups, &again.group_of),
            (&set.groups, &set.group_of)
        );
        let answers = |set: &TaskSet| set.tasks.iter().map(|t| t.answer).collect::<Vec<_>>();
        assert_eq!(answers(&again), answers(&set));
        let images = images(&folder.path().join("out"));
        let distinct: BTreeSet<u32> = set.drawings().collect();
        assert_eq!(images.len(), distinct.len());
        assert_eq!(file.drawings.count as usize, images.len());
        for (number, id) in again.drawings().zip(set.drawings()) {
            let page = pages.page(id).unwrap();
            let image = &images[number as usize];
            assert!((0..SIDE * SIDE).all(|i| page.ink(i % SIDE, i / SIDE) == (image[i] == 1)));
        }
    }
}

#[test]
fn neighbours_from_the_files_alone_answer_as_the_evaluators_own() {
    let store = made_up();
    let pages = PageCache::new(store.clone());
    for set in sets(&store) {
        for format in [Format::Png, Format::Npz] {
            let (folder, file) = exported(&store, &set, format);
            let images = images(&folder.path().join("out"));
            let systems = [("l2", Pixel::L2), ("cosine", Pixel::Cosine)];
            let predictions = systems
                .map(|(name, pixel)| (name.to_owned(), neighbour_csv(&file, &images, pixel)));
            for ties in [Ties::Against, Ties::First, Ties::Random] {
                let mut asked = ProtocolRun::new(set.clone());
                for (name, pixel) in systems {
                    let scorer = PixelScorer::new(&pages, pixel);
                    let answers = Answers::of(&scorer, &set, ties).unwrap();
                    asked.add(name, Role::Outside, answers);
                }
                let scores = score_predictions(&file, &predictions, ties).unwrap();
                assert_eq!(scores, asked.scores(set.seed.unwrap_or(0)));
                assert_eq!(scores.comparisons.len(), 1);
            }
        }
    }
}

#[test]
fn knowing_is_a_hundred_and_guessing_is_by_the_rule() {
    let store = made_up();
    for set in sets(&store) {
        let (_folder, file) = exported(&store, &set, Format::Npz);
        let count = set.tasks.len() as u64;
        let answer = |task: usize| file.tasks[task].answer;
        let perfect = choices(&file, |task| answer(task).to_string());
        assert_eq!(right(&file, perfect, Ties::Against), (count, 0));
        let silent = choices(&file, |_| String::new());
        assert_eq!(right(&file, silent, Ties::First), (0, count));
        let firsts = file.tasks.iter().filter(|task| task.answer == 0).count() as u64;
        let uniform = shot_csv(&file, |_, _| 0.25);
        assert_eq!(right(&file, uniform.clone(), Ties::Against), (0, count));
        assert_eq!(right(&file, uniform, Ties::First), (firsts, count));
        let first = choices(&file, |_| "0".to_owned());
        assert_eq!(right(&file, first, Ties::Against), (firsts, 0));
        let one_hot = shot_csv(&file, |task, way| f64::from(u8::from(answer(task) == way)));
        assert_eq!(right(&file, one_hot, Ties::Against), (count, 0));
        let one_nan = shot_csv(&file, |task, way| {
            if task == 1 && way == 0 {
                f64::NAN
            } else {
                f64::from(u8::from(answer(task) == way))
            }
        });
        assert_eq!(right(&file, one_nan, Ties::First), (count - 1, 1));
    }
}

#[test]
fn numbers_tell_nothing_and_equal_calls_write_equal_bytes() {
    let store = made_up();
    let set = random(&store, Protocol::Between, 20, 1, 90);
    let (folder, file) = exported(&store, &set, Format::Npz);
    let (again, _) = exported(&store, &set, Format::Npz);
    for part in ["tasks.json", "drawings.npz"] {
        let bytes = |folder: &Path| fs::read(folder.join("out").join(part)).unwrap();
        assert_eq!(bytes(folder.path()), bytes(again.path()), "{part}");
    }
    let other = TaskSet {
        seed: Some(1),
        ..set.clone()
    };
    assert_ne!(exported(&store, &other, Format::Npz).1.tasks, file.tasks);
    let numbered = file.task_set().unwrap();
    let id_of: BTreeMap<u32, u32> = numbered.drawings().zip(set.drawings()).collect();
    let ids: Vec<u32> = id_of.values().copied().collect();
    // Of neighbours in a random order of n drawings, k of each character, (k - 1) / (n - 1) are
    // of one character: here 6 of some 250. Half of them ascend.
    let pairs = || ids.windows(2).map(|pair| (pair[0], pair[1]));
    let same = pairs()
        .filter(|&(a, b)| store.character_of(a) == store.character_of(b))
        .count();
    assert!(ids.len() > 150 && same * 12 < ids.len(), "{same}");
    let ascending = pairs().filter(|(a, b)| a < b).count();
    assert!(ascending * 5 > ids.len() * 2 && ascending * 5 < ids.len() * 3);
}

#[test]
fn answers_that_cannot_be_read_are_named_by_line() {
    use PredictionProblem as P;
    let store = made_up();
    let set = random(&store, Protocol::Within, 3, 1, 4);
    let (_folder, tasks) = exported(&store, &set, Format::Npz);
    let found = |text: &str| text.to_owned();
    let header = |text: &str| P::Header {
        found: found(text),
        last: 2,
    };
    let columns = |expected, got| P::Columns { expected, got };
    let unknown = |text: &str| P::UnknownTask {
        found: found(text),
        last: 3,
    };
    let answer = |text: &str| P::Answer {
        found: found(text),
        task: 0,
        last: 2,
    };
    let similarity = |text: &str, way| P::Similarity {
        found: found(text),
        task: 1,
        way,
    };
    let missing = |first, count| P::Missing { first, count };
    let long = format!("task,answer\n0,{}\n", "9".repeat(5000));
    let cases: Vec<(&[u8], u64, P)> = vec![
        (b"", 1, P::Empty),
        (b"\n\r\n\n", 1, P::Empty),
        (b"0,1\n1,1\n", 1, header("0,1")),
        (b"task,way0,way1\n", 1, header("task,way0,way1")),
        (b"task,way0,way2,way1\n", 1, header("task,way0,way2,way1")),
        (b"task,answer\n", 1, missing(0, 4)),
        (b"task,answer\n0,1\n3,1\n1,1", 4, missing(2, 1)),
        (
            b"task,answer\n\n\n0,1\n0,1\n",
            5,
            P::Twice { task: 0, first: 4 },
        ),
        (b"task,answer\r\n\r\n0,1\r\n4,1\r\n", 4, unknown("4")),
        (b"task,answer\n-1,1\n", 2, unknown("-1")),
        (
            b"task,answer\n99999999999999999999999,1\n",
            2,
            unknown("99999999999999999999999"),
        ),
        (b"task,answer\nx,1\n", 2, unknown("x")),
        (b"task,answer\n0,3\n", 2, answer("3")),
        (b"task,answer\n0,-1\n", 2, answer("-1")),
        (b"task,answer\n0,1.0\n", 2, answer("1.0")),
        (long.as_bytes(), 2, answer(&"9".repeat(40))),
        (b"task,answer\n0,1,1\n", 2, columns(2, 3)),
        (b"task,answer\n0\n", 2, columns(2, 1)),
        (
            b"task,answer\n1,1\n0,\xff\n",
            3,
            P::NotUtf8 {
                found: found("\u{fffd}"),
            },
        ),
        (b"\xff\xfet\0a\0", 1, header("\u{fffd}\u{fffd}t\0a\0")),
        (b"task,answer\n0,\"1\n1,1\n2,1\n", 2, answer("1\n1,1\n2,1")),
        (b"task,way0,way1,way2\n0,\"1\",2\n", 2, columns(4, 3)),
        (
            b"task,way0,way1,way2\n0,1,2,3\n1,1,,3\n",
            3,
            similarity("", 1),
        ),
        (
            b"task,way0,way1,way2\n0,1,2,\"\n3\"\n1,1,2,much\n",
            4,
            similarity("much", 2),
        ),
    ];
    for (csv, line, problem) in cases {
        let text = String::from_utf8_lossy(csv);
        assert_eq!(refused(&tasks, csv), (line, problem), "{text:?}");
    }
    let spaced = "\u{feff}task, answer\r\n3, 1\r\n\r\n\"1\",\r\n2,0\r\n0,2".as_bytes();
    assert_eq!(right(&tasks, spaced.to_vec(), Ties::Against).1, 1);
    let twins = [
        ("a".to_owned(), spaced.to_vec()),
        ("a".to_owned(), spaced.to_vec()),
    ];
    let error = score_predictions(&tasks, &twins, Ties::Against).unwrap_err();
    assert!(matches!(error, ExchangeError::SameName { .. }), "{error}");
}

#[test]
fn ways_that_a_task_does_not_have_stay_empty() {
    let store = made_up();
    let (_folder, mut tasks) = exported(
        &store,
        &random(&store, Protocol::Within, 3, 1, 2),
        Format::Npz,
    );
    tasks.tasks[1].support.truncate(2);
    tasks.tasks[1].answer = 1;
    let csv = b"task,way0,way1,way2\n0,1,1,1\n1,1,2,\n".to_vec();
    assert_eq!(right(&tasks, csv, Ties::Against), (1, 1));
    let problem = PredictionProblem::NoSuchWay {
        found: "3".to_owned(),
        task: 1,
        way: 2,
        ways: 2,
    };
    assert_eq!(
        refused(&tasks, b"task,way0,way1,way2\n1,1,2,3\n"),
        (2, problem)
    );
}

#[test]
fn files_of_tasks_that_contradict_themselves_are_refused() {
    let store = made_up();
    let (_folder, file) = exported(
        &store,
        &random(&store, Protocol::Within, 3, 2, 4),
        Format::Npz,
    );
    let spoilt = |spoil: Spoil| {
        let mut file = file.clone();
        spoil(&mut file);
        assert!(file.task_set().is_err());
        let error = TaskFile::from_json("t.json", file.to_json().as_bytes()).unwrap_err();
        error.to_string()
    };
    let count = file.drawings.count;
    let of_task: [(Spoil, String); 5] = [
        (
            &|f| f.tasks[2].query = count,
            format!("shows drawing {count} of {count}"),
        ),
        (
            &|f| f.tasks[2].support[1][1] = u32::MAX,
            format!("shows drawing 4294967295 of {count}"),
        ),
        (
            &|f| f.tasks[2].answer = 3,
            "its answer is way 3 of 3".to_owned(),
        ),
        (
            &|f| f.tasks[2].group = 9,
            format!("is of group 9 of {}", file.groups.len()),
        ),
        (
            &|f| f.tasks[2].support[1].clear(),
            "way 1 has 0 drawings, not 2".to_owned(),
        ),
    ];
    for (spoil, what) in of_task {
        assert!(
            spoilt(spoil).starts_with(&format!("t.json: task 2: {what};")),
            "{what}"
        );
    }
    let of_file: [Spoil; 7] = [
        &|f| f.version = 2,
        &|f| f.ways = 4,
        &|f| f.shots = 0,
        &|f| f.drawings.side = 28,
        &|f| f.store.clear(),
        &|f| f.tasks.clear(),
        &|f| f.tasks.iter_mut().for_each(|task| task.support.clear()),
    ];
    for spoil in of_file {
        let message = spoilt(spoil);
        assert!(message.starts_with("t.json: "), "{message}");
    }
    for (json, what) in [
        (
            file.to_json().replace("\"within\"", "\"mine\""),
            "unknown variant `mine`",
        ),
        (
            file.to_json().replace("\"query\"", "\"guess\""),
            "unknown field `guess`",
        ),
        (file.to_json() + "x", "trailing characters"),
        (String::new(), "EOF"),
        ("[".repeat(100_000), "at line 1"),
    ] {
        let error = TaskFile::from_json("t.json", json.as_bytes()).unwrap_err();
        let source = error.source().unwrap().to_string();
        assert!(source.contains(what), "{source}");
    }
    let error = TaskFile::open(Path::new("nowhere.json")).unwrap_err();
    assert!(matches!(error, ExchangeError::Read { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        rows in "(task,answer|task,way0,way1,way2)(\r?\n[0-4 ]{0,2},[-0-9a-z.,\" ]{0,6}){0,6}",
        cut in any::<proptest::sample::Index>(),
    ) {
        let store = made_up();
        let set = random(&store, Protocol::Within, 3, 1, 4);
        let file = TaskFile::from_json("t", tasks::JSON.get_or_init(|| {
            exported(&store, &set, Format::Npz).1.to_json()
        }).as_bytes()).unwrap();
        for csv in [bytes.clone(), rows.into_bytes()] {
            match exchange::answers_of(&set, "a.csv", &csv, Ties::First) {
                Ok(answers) => prop_assert_eq!(answers.chosen.len(), 4),
                Err(ExchangeError::Predictions { line, .. }) => {
                    let lines = csv.iter().filter(|&&byte| byte == b'\n').count() as u64;
                    prop_assert!((1..=1 + lines).contains(&line));
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
        let mut json = file.to_json().into_bytes();
        let at = cut.index(json.len());
        json.splice(at..at + 1, bytes);
        if let Ok(file) = TaskFile::from_json("t.json", &json) {
            prop_assert!(file.task_set().is_ok());
        }
    }
}
