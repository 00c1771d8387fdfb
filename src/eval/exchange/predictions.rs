//! Answers of other programs, and what they add up to.

use std::collections::BTreeSet;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::error::{ExchangeError, PredictionProblem};
use super::file::TaskFile;
use crate::embed::{Ties, leaders};
use crate::eval::scores::{Answers, ProtocolRun, ProtocolScores, Role};
use crate::eval::tasks::TaskSet;

/// Letters of a wrong cell that an error repeats.
const EXCERPT: usize = 40;

/// Scores prediction files, each a name and its bytes, by the evaluator's own rules: what
/// [`Answers`] and [`ProtocolRun::scores`] make of them. The first is compared with each other one.
///
/// The seed of resampling is that of the tasks, or 0 if they have none.
///
/// # Errors
/// [`ExchangeError::Tasks`] or [`ExchangeError::Task`] if the tasks contradict themselves;
/// [`ExchangeError::SameName`]; and as [`answers_of`].
pub fn score_predictions(
    tasks: &TaskFile,
    predictions: &[(String, Vec<u8>)],
    ties: Ties,
) -> Result<ProtocolScores, ExchangeError> {
    let mut run = ProtocolRun::new(tasks.task_set()?);
    let mut names = BTreeSet::new();
    for (name, csv) in predictions {
        if !names.insert(name) {
            return Err(ExchangeError::SameName { name: name.clone() });
        }
        let answers = answers_of(&run.set, name, csv, ties)?;
        run.add(name, Role::Outside, answers);
    }
    Ok(run.scores(tasks.seed.unwrap_or(0)))
}

/// The answers that a prediction file gives to the questions of a set; errors call it `name`.
///
/// # Errors
/// [`ExchangeError::Predictions`] if the bytes are no prediction file, or do not answer every
/// question once: whatever they are, the line and what is wrong with it.
pub fn answers_of(
    set: &TaskSet,
    name: &str,
    csv: &[u8],
    ties: Ties,
) -> Result<Answers, ExchangeError> {
    let mut rows = Rows::new(csv);
    let firsts = first_places(set, &mut rows).map_err(|problem| ExchangeError::Predictions {
        file: name.to_owned(),
        line: rows.line,
        problem,
    })?;
    Ok(Answers::settle(&firsts, set, ties))
}

/// The ways that share the first place in each question.
fn first_places(set: &TaskSet, rows: &mut Rows) -> Result<Vec<Vec<usize>>, PredictionProblem> {
    let ways = set.ways();
    let chosen = match rows.next() {
        None => return Err(PredictionProblem::Empty),
        Some(header) => is_of_choices(header, ways)?,
    };
    let columns = if chosen { 2 } else { 1 + ways };
    let mut firsts = vec![Vec::new(); set.tasks.len()];
    // The line of each question's answer; 0 for none.
    let mut lines = vec![0; set.tasks.len()];
    while let Some(row) = rows.next() {
        if row.len() != columns {
            return Err(PredictionProblem::Columns {
                expected: columns,
                got: row.len(),
            });
        }
        let cell = text(&row[0])?;
        let unknown = || PredictionProblem::UnknownTask {
            found: excerpt(&row[0]),
            last: set.tasks.len().saturating_sub(1),
        };
        let task: usize = cell.parse().map_err(|_| unknown())?;
        let asked = set.tasks.get(task).ok_or_else(unknown)?;
        let cells = row.iter().skip(1);
        let first = if chosen {
            choice(&row[1], task, set.ways_of(asked))?
        } else {
            leaders(&similarities(cells, task, set.ways_of(asked))?)
        };
        if lines[task] != 0 {
            return Err(PredictionProblem::Twice {
                task,
                first: lines[task],
            });
        }
        lines[task] = rows.line;
        firsts[task] = first;
    }
    match lines.iter().position(|&line| line == 0) {
        None => Ok(firsts),
        Some(first) => Err(PredictionProblem::Missing {
            first,
            count: lines.iter().filter(|&&line| line == 0).count(),
        }),
    }
}

/// Whether the header is that of ways chosen, or else that of similarities.
fn is_of_choices(header: &ByteRecord, ways: usize) -> Result<bool, PredictionProblem> {
    if header.iter().eq([&b"task"[..], b"answer"]) {
        return Ok(true);
    }
    let is_way = |(way, cell): (usize, &[u8])| cell == format!("way{way}").as_bytes();
    let named = header.len() == 1 + ways && &header[0] == b"task";
    if named && header.iter().skip(1).enumerate().all(is_way) {
        return Ok(false);
    }
    let cells: Vec<&[u8]> = header.iter().take(EXCERPT).collect();
    Err(PredictionProblem::Header {
        found: excerpt(&cells.join(&b',')),
        last: ways.saturating_sub(1),
    })
}

/// The way in a cell, or none.
fn choice(cell: &[u8], task: usize, ways: usize) -> Result<Vec<usize>, PredictionProblem> {
    match text(cell)?.parse() {
        Ok(way) if way < ways => Ok(vec![way]),
        _ if cell.is_empty() => Ok(Vec::new()),
        _ => Err(PredictionProblem::Answer {
            found: excerpt(cell),
            task,
            last: ways - 1, // a task has at least one
        }),
    }
}

/// The similarities in the cells of a task's ways; those after must be empty.
fn similarities<'a>(
    cells: impl Iterator<Item = &'a [u8]>,
    task: usize,
    ways: usize,
) -> Result<Vec<f64>, PredictionProblem> {
    let mut similarities = Vec::with_capacity(ways);
    for (way, cell) in cells.enumerate() {
        let number = text(cell)?.parse();
        match number {
            Ok(number) if way < ways => similarities.push(number),
            _ if way < ways => {
                return Err(PredictionProblem::Similarity {
                    found: excerpt(cell),
                    task,
                    way,
                });
            }
            _ if cell.is_empty() => {}
            _ => {
                return Err(PredictionProblem::NoSuchWay {
                    found: excerpt(cell),
                    task,
                    way,
                    ways,
                });
            }
        }
    }
    Ok(similarities)
}

fn text(cell: &[u8]) -> Result<&str, PredictionProblem> {
    std::str::from_utf8(cell).map_err(|_| PredictionProblem::NotUtf8 {
        found: excerpt(cell),
    })
}

/// The beginning of a cell, for an error.
fn excerpt(cell: &[u8]) -> String {
    let beginning = &cell[..cell.len().min(4 * EXCERPT)];
    let text = String::from_utf8_lossy(beginning);
    text.chars().take(EXCERPT).collect()
}

/// The rows of a CSV file, with the line of the last one read.
struct Rows<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
    line: u64,
    /// Bytes before the last row.
    counted: usize,
}

impl<'a> Rows<'a> {
    fn new(bytes: &'a [u8]) -> Rows<'a> {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).trim(Trim::All);
        Rows {
            bytes,
            reader: builder.from_reader(bytes),
            record: ByteRecord::new(),
            line: 1,
            counted: 0,
        }
    }

    fn next(&mut self) -> Option<&ByteRecord> {
        // The reader takes blank lines with the row after them, and counts its line from there.
        let mut start = self.reader.position().byte() as usize;
        let is_end = |byte: Option<&u8>| matches!(byte, Some(b'\n' | b'\r'));
        while is_end(self.bytes.get(start)) {
            start += 1;
        }
        let more = (self.reader.read_byte_record(&mut self.record))
            .expect("memory can be read, and rows may have any length");
        if !more {
            return None;
        }
        let skipped = &self.bytes[self.counted..start];
        self.line += skipped.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.counted = start;
        Some(&self.record)
    }
}
