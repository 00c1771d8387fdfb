//! One-shot runs on made-up alphabets, shaped as Lake's twenty are.

use super::{Item, stream};
use crate::archive::{Alphabet, Character, Query, Run, Split};
use crate::image::Page;
use crate::seed::Stream;

/// Runs of the one-shot classification task.
const RUNS: u16 = 20;
/// Characters of a run.
const WAYS: usize = 20;

/// Twenty runs of twenty-way, one-shot classification, each within an evaluation alphabet.
///
/// A run takes twenty characters of its alphabet; one drawer's are the support, and
/// another's, in random order, the queries. Alphabets are used equally often.
/// Without an evaluation alphabet that has twenty characters and two drawers common to
/// all of them there are no runs.
#[must_use]
pub fn synthesize_runs(alphabets: &[Alphabet], seed: u64) -> Vec<Run> {
    let mut able: Vec<(&Alphabet, Vec<u16>)> = alphabets
        .iter()
        .filter(|alphabet| alphabet.split == Split::Evaluation && alphabet.characters.len() >= WAYS)
        .map(|alphabet| (alphabet, common_drawers(alphabet)))
        .filter(|(_, drawers)| drawers.len() >= 2)
        .collect();
    // Item 0 orders the alphabets; runs count from 1.
    stream(seed, Item::Run, 0, 0, 0).shuffle(&mut able);
    (1..=RUNS)
        .zip(able.iter().cycle())
        .map(|(number, (alphabet, drawers))| {
            let mut stream = stream(seed, Item::Run, number, 0, 0);
            run(format!("run{number:02}"), alphabet, drawers, &mut stream)
        })
        .collect()
}

fn run(name: String, alphabet: &Alphabet, drawers: &[u16], stream: &mut Stream) -> Run {
    let mut characters: Vec<&Character> = alphabet.characters.iter().collect();
    stream.choose_front(&mut characters, WAYS);
    let mut drawers = drawers.to_vec();
    stream.choose_front(&mut drawers, 2);
    let support = characters[..WAYS]
        .iter()
        .map(|character| page_by(character, drawers[0]))
        .collect();
    let mut answers: Vec<usize> = (0..WAYS).collect();
    stream.shuffle(&mut answers);
    let queries = answers
        .into_iter()
        .map(|answer| Query {
            page: page_by(characters[answer], drawers[1]),
            answer,
        })
        .collect();
    Run {
        name,
        support,
        queries,
    }
}

/// Drawers who drew every character of an alphabet.
fn common_drawers(alphabet: &Alphabet) -> Vec<u16> {
    let Some(first) = alphabet.characters.first() else {
        return Vec::new();
    };
    let drew =
        |character: &Character, drawer| character.drawings.iter().any(|d| d.drawer == drawer);
    first
        .drawings
        .iter()
        .map(|drawing| drawing.drawer)
        .filter(|&drawer| {
            alphabet
                .characters
                .iter()
                .all(|character| drew(character, drawer))
        })
        .collect()
}

fn page_by(character: &Character, drawer: u16) -> Page {
    character
        .drawings
        .iter()
        .find(|drawing| drawing.drawer == drawer)
        .expect("the drawer was found to have drawn every character")
        .page
}
