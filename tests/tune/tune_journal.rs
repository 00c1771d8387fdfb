//! The journal of a search: what it says, what is damaged, and who works on what.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use crate::common::study::{SPACE, study};
use omnishot::tune::{
    Entry, Folder, Journal, JournalError, Next, Outcome, Space, Study, TuneError, Value, propose,
};

/// A journal of three trials: one finished, one pruned, one going on.
fn entries() -> Vec<Entry> {
    let space = Space::parse(SPACE).unwrap();
    let begun = |trial: u64| {
        let values: Vec<Value> = (space.dimensions().iter())
            .map(|d| d.range.at(0.1 + 0.3 * trial as f64))
            .collect();
        let settings = space.settings(&values);
        Entry::Begun {
            trial,
            settings,
            process: 7,
        }
    };
    let score = |trial, step, accuracy| Entry::Score {
        trial,
        step,
        accuracy,
    };
    let ended = |trial, how, accuracy| Entry::Ended {
        trial,
        how,
        accuracy,
        steps: 20,
    };
    vec![
        Entry::Study(study(5)),
        begun(0),
        score(0, 10, 1.0 / 3.0),
        begun(1),
        score(0, 20, 62.5),
        ended(0, Outcome::Finished, 62.5),
        Entry::Taken {
            trial: 1,
            process: 8,
        },
        score(1, 20, 12.25),
        ended(1, Outcome::Pruned, 12.25),
        begun(2),
        score(2, 10, 99.0),
    ]
}

fn text(entries: &[Entry]) -> String {
    entries.iter().map(Entry::line).collect()
}

#[test]
fn a_journal_says_what_was_written() {
    let text = text(&entries());
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            value.as_object().unwrap().len(),
            2,
            "each line is JSON: {line}"
        );
    }
    let (journal, sound) = Journal::parse(text.as_bytes()).unwrap();
    let journal = journal.unwrap();
    assert_eq!(sound, text.len());
    assert_eq!(journal.study, study(5));
    assert_eq!(journal.trials.len(), 3);
    assert_eq!(
        journal.trials[0].scores,
        BTreeMap::from([(10, 1.0 / 3.0), (20, 62.5)])
    );
    assert_eq!(journal.trials[1].ended, Some((Outcome::Pruned, 12.25, 20)));
    assert_eq!(journal.trials[2].ended, None);
    assert_eq!(journal.ranking(), [(0, 62.5), (1, 12.25)]);
    assert!(matches!(Journal::parse(b""), Ok((None, 0))));
}

#[test]
fn a_line_torn_at_the_end_is_dropped_and_no_other() {
    let entries = entries();
    let text = text(&entries);
    for end in 0..text.len() {
        let (_, sound) = Journal::parse(&text.as_bytes()[..end]).unwrap();
        assert!(sound <= end);
        let whole = text.as_bytes()[..end]
            .iter()
            .rposition(|&byte| byte == b'\n');
        assert_eq!(sound, whole.map_or(0, |at| at + 1), "cut off at {end}");
    }
    let zeros = [text.as_bytes(), &[0; 50]].concat();
    assert_eq!(Journal::parse(&zeros).unwrap().1, text.len());
}

#[test]
fn a_damaged_line_is_named() {
    let lines: Vec<String> = entries().iter().map(Entry::line).collect();
    let text = lines.concat();
    let last = text.len() - lines[lines.len() - 1].len();
    let mut start = 0;
    for (place, line) in lines[..lines.len() - 1].iter().enumerate() {
        for at in start..start + line.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            match Journal::parse(&bytes) {
                Err(JournalError::Damaged { line, .. }) => assert_eq!(line, place + 1, "byte {at}"),
                // Without the end of the line before, the last line is a longer one.
                Ok((_, sound)) => assert!(at == last - 1 && sound < at, "byte {at}"),
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
        start += line.len();
    }
}

#[test]
fn lines_that_cannot_follow_are_refused() {
    let sound = entries();
    let after = |entry: &Entry| {
        let mut entries = sound.clone();
        entries.push(entry.clone());
        entries.push(Entry::Taken {
            trial: 2,
            process: 9,
        }); // so that it is not the last
        match Journal::parse(text(&entries).as_bytes()) {
            Err(JournalError::Damaged { line, what }) if line == entries.len() - 1 => what,
            other => panic!("{other:?}"),
        }
    };
    let ended = |trial, accuracy| Entry::Ended {
        trial,
        how: Outcome::Finished,
        accuracy,
        steps: 1,
    };
    let begun = |trial, settings: &[&str]| Entry::Begun {
        trial,
        settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
        process: 1,
    };
    for (entry, says) in [
        (sound[0].clone(), "second study"),
        (ended(0, 1.0), "ended already"),
        (ended(3, 1.0), "no such trial"),
        (ended(u64::MAX, 1.0), "no such trial"),
        (ended(2, 101.0), "not from 0 to 100"),
        (
            Entry::Score {
                trial: 2,
                step: 1,
                accuracy: -1.0,
            },
            "not from 0 to 100",
        ),
        (
            Entry::Taken {
                trial: 1,
                process: 1,
            },
            "ended already",
        ),
        (begun(2, &[]), "not the next"),
        (begun(3, &[]), "not of the space"),
        (
            begun(3, &["a.rate=1", "a.share=0", "b.kind=\"x\"", "b.width=16"]),
            "not of the space",
        ),
        (
            begun(
                3,
                &["a.rate=1e-3", "a.share=0", "b.kind=\"x\"", "b.width=17"],
            ),
            "not of the space",
        ),
    ] {
        let what = after(&entry);
        assert!(what.contains(says), "{entry:?}: {what}");
    }
    let headless = text(&sound[1..]);
    assert!(matches!(
        Journal::parse(headless.as_bytes()),
        Err(JournalError::Damaged { line: 1, .. })
    ));
    let newer = text(&[Entry::Study(Study {
        version: 99,
        ..study(0)
    })]);
    assert!(matches!(
        Journal::parse(newer.as_bytes()),
        Err(JournalError::Version(99))
    ));
    // One from before the ways were told is no damaged one.
    let study_before = serde_json::to_string(&Entry::Study(Study {
        version: 1,
        ..study(0)
    }));
    let entry = study_before.unwrap().replace(",\"ways\":20", "");
    let sum = crc32c::crc32c(entry.as_bytes());
    let older = format!("{{\"sum\":\"{sum:08x}\",\"entry\":{entry}}}\n");
    let refused = Journal::parse(older.as_bytes()).unwrap_err();
    assert!(matches!(refused, JournalError::Version(1)), "{refused}");
    let spaceless = text(&[Entry::Study(Study {
        space: "a = 1".to_owned(),
        ..study(0)
    })]);
    assert!(matches!(
        Journal::parse(spaceless.as_bytes()),
        Err(JournalError::Space(_))
    ));
}

fn folder(path: &Path) -> Folder {
    Folder::open(path, &study(5)).unwrap()
}

#[test]
fn many_at_once_work_on_each_trial_once() {
    let path = tempfile::tempdir().unwrap();
    let taken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Locks are of the open file, so a thread with files of its own is as a process.
                let folder = folder(path.path());
                let propose = |journal: &Journal| {
                    let number = journal.trials.len() as u64;
                    propose(&journal.space, &[], (5, number, true), |_| Ok(()))
                };
                while let Next::Trial(claim) = folder.claim(40, propose).unwrap() {
                    taken.lock().unwrap().push(claim.number);
                    claim.score(1, 50.0).unwrap();
                    std::thread::yield_now();
                    claim.end(Outcome::Finished, 50.0, 1).unwrap();
                }
            });
        }
    });
    let mut taken = taken.into_inner().unwrap();
    taken.sort_unstable();
    assert_eq!(taken, (0..40).collect::<Vec<u64>>());
    assert_eq!(folder(path.path()).journal().unwrap().ranking().len(), 40);
    let left = std::fs::read_dir(path.path()).unwrap().count();
    assert_eq!(left, 1, "only the journal");
}

/// What to try when nothing is known.
fn first(journal: &Journal) -> Result<Vec<Value>, TuneError> {
    let number = journal.trials.len() as u64;
    propose(&journal.space, &[], (5, number, true), |_| Ok(()))
}

#[test]
fn a_trial_that_was_left_is_taken_over_with_its_values() {
    let path = tempfile::tempdir().unwrap();
    let folder = folder(path.path());
    let claim = |trials| folder.claim(trials, first).unwrap();
    let Next::Trial(left) = claim(2) else {
        panic!("a trial is begun");
    };
    left.score(10, 30.0).unwrap();
    let Next::Trial(other) = claim(2) else {
        panic!("the first is held, so a second is begun");
    };
    assert_eq!((left.number, other.number), (0, 1));
    assert!(matches!(claim(2), Next::Busy(2)));
    let values = left.values.clone();
    drop(left); // as if its process had died
    let Next::Trial(again) = claim(2) else {
        panic!("the first is free");
    };
    assert_eq!((again.number, &again.values), (0, &values));
    again.end(Outcome::Finished, 40.0, 20).unwrap();
    assert!(matches!(claim(2), Next::Busy(1)));
    other.end(Outcome::Diverged, 0.0, 3).unwrap();
    assert!(matches!(claim(2), Next::Done));
    assert!(
        matches!(claim(3), Next::Trial(_)),
        "more may be asked for later"
    );
    let journal = folder.journal().unwrap();
    assert_eq!(journal.trials[0].scores, BTreeMap::from([(10, 30.0)]));
    assert_eq!(journal.ranking(), [(0, 40.0), (1, 0.0)]);
}

#[test]
fn a_torn_journal_goes_on_and_a_damaged_or_foreign_one_is_refused() {
    let path = tempfile::tempdir().unwrap();
    let folder = folder(path.path());
    let Next::Trial(claim) = folder.claim(9, first).unwrap() else {
        panic!("a trial is begun");
    };
    claim.score(10, 30.0).unwrap();
    let file = folder.journal_path();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    claim.score(10, 30.0).unwrap();
    assert_eq!(fs::read(&file).unwrap(), whole);
    for other in [
        study(6),
        Study {
            random: true,
            ..study(5)
        },
        Study {
            stopping: false,
            ..study(5)
        },
        Study {
            store: "another".to_owned(),
            ..study(5)
        },
        Study {
            preset: "another".to_owned(),
            ..study(5)
        },
        Study {
            space: "a = { low = 0, high = 1 }".to_owned(),
            ..study(5)
        },
        Study {
            ways: 14,
            ..study(5)
        },
    ] {
        let error = Folder::open(path.path(), &other).unwrap_err();
        assert!(matches!(error, TuneError::Other { .. }), "{error}");
    }
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let error = claim.score(20, 31.0).unwrap_err();
    assert!(matches!(error, TuneError::Journal { .. }), "{error}");
    assert_eq!(
        fs::read(&file).unwrap(),
        damaged,
        "what is damaged is left as it is"
    );
}
