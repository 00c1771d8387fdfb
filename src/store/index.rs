//! The front of a store, proved once: afterwards every id, range and length in it
//! can be used without another check.

use std::ops::Range;

use super::format::{self, Counts};
use super::header::{Fields, Header, Parsed, damaged, header};
use crate::archive::{ScanOptions, Split};

/// Number of a drawing: its place in the store, from 0.
pub type DrawingId = u32;
/// Number of a character: its place in the store, from 0.
pub type CharacterId = u32;
/// Number of an alphabet: its place in the store, from 0.
pub type AlphabetId = u32;

/// An alphabet as the store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlphabetEntry {
    /// Its name.
    pub name: String,
    /// Which half of the data it belongs to.
    pub split: Split,
    /// Its characters.
    pub characters: Range<CharacterId>,
}

/// A character as the store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharacterEntry {
    /// Its name inside its alphabet.
    pub name: String,
    /// Omniglot's number of it.
    pub number: u32,
    /// Its alphabet.
    pub alphabet: AlphabetId,
    /// Its drawings, ascending by drawer.
    pub drawings: Range<DrawingId>,
    ranges: Range<usize>,
    pub(super) block: Range<usize>,
    pub(super) crc: u32,
}

/// A one-shot task that is kept in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    /// Its name, `run01` to `run20` for the official ones.
    pub name: String,
    /// One drawing of each character.
    pub support: Vec<DrawingId>,
    /// Drawings to classify, each with the index of the right support.
    pub queries: Vec<(DrawingId, u16)>,
}

/// Everything before the blocks.
#[derive(Debug)]
pub(super) struct Index {
    pub alphabets: Vec<AlphabetEntry>,
    pub characters: Vec<CharacterEntry>,
    pub runs: Vec<RunEntry>,
    /// Whether blocks hold shades behind the pages.
    pub grey: bool,
    /// How pictures were made into its pages; none if they were not made so, or nothing says how.
    pub pictures: Option<ScanOptions>,
    ranges: Vec<(u16, u16)>,
}

impl Index {
    /// Reads and proves the front of the store `bytes`, whose length is the file's.
    pub fn parse(bytes: &[u8]) -> Parsed<Index> {
        let Header {
            grey,
            pictures,
            counts,
            front_len,
        } = header(bytes)?;
        let front = &bytes[..front_len];
        if format::front_digest(front) != bytes[format::AT_DIGEST..format::HEADER_LEN] {
            return damaged(
                format::AT_DIGEST,
                "the checksum over header and tables differs",
            );
        }
        let mut fields = Fields {
            bytes: front,
            at: format::HEADER_LEN,
        };
        let mut alphabets = alphabets(&mut fields, counts)?;
        let blocks_end = bytes.len() - format::DIGEST_LEN;
        let mut characters = characters(&mut fields, counts, &alphabets, front_len..blocks_end)?;
        let ranges = ranges(&mut fields, counts, &characters)?;
        let mut runs = runs(&mut fields, counts)?;
        let (a, c) = (alphabets.iter_mut(), characters.iter_mut());
        let names = (a.map(|a| &mut a.name))
            .chain(c.map(|c| &mut c.name))
            .chain(runs.iter_mut().map(|r| &mut r.name));
        for name in names {
            *name = read_name(&mut fields)?;
        }
        if fields.at != front_len {
            return damaged(fields.at, "the names end before the first block begins");
        }
        ordered(&alphabets, &characters, &runs)?;
        Ok(Index {
            alphabets,
            characters,
            runs,
            grey,
            pictures,
            ranges,
        })
    }

    /// The drawers of a character, ascending.
    pub fn drawers(&self, character: &CharacterEntry) -> impl Iterator<Item = u16> + '_ {
        self.ranges[character.ranges.clone()]
            .iter()
            .flat_map(|&(first, count)| (0..count).map(move |step| first + step))
    }
}

// Each table below was proved to lie inside the front by `header`, so reading its fields
// cannot run past the end, and what is allocated is bounded by the file's own length.

fn alphabets(fields: &mut Fields, counts: Counts) -> Parsed<Vec<AlphabetEntry>> {
    let mut first = 0u32;
    let mut alphabets = Vec::new();
    for _ in 0..counts.alphabets {
        let at = fields.at;
        let count = fields.u32();
        let split = match fields.take::<1>() {
            [0] => Split::Background,
            [1] => Split::Evaluation,
            [other] => return damaged(at + 4, format!("split {other}, not 0 or 1")),
        };
        fields.zeros(3)?;
        let end = first
            .checked_add(count)
            .filter(|&end| count > 0 && end <= counts.characters);
        let Some(end) = end else {
            return damaged(at, format!("an alphabet of {count} characters"));
        };
        alphabets.push(AlphabetEntry {
            name: String::new(),
            split,
            characters: first..end,
        });
        first = end;
    }
    if first != counts.characters || alphabets.is_empty() {
        return damaged(fields.at, "the alphabets do not hold all characters");
    }
    Ok(alphabets)
}

fn characters(
    fields: &mut Fields,
    counts: Counts,
    alphabets: &[AlphabetEntry],
    blocks: Range<usize>,
) -> Parsed<Vec<CharacterEntry>> {
    let (mut drawing, mut range, mut offset) = (0u32, 0usize, blocks.start);
    let mut characters = Vec::new();
    for (alphabet, entry) in (0u32..).zip(alphabets) {
        for _ in entry.characters.clone() {
            let at = fields.at;
            let number = fields.u32();
            let (drawings, ranges) = (fields.u16(), fields.u16());
            let (block_len, crc) = (fields.u32() as usize, fields.u32());
            if !(1..=format::MAX_DRAWINGS).contains(&usize::from(drawings)) {
                return damaged(at + 4, format!("a character of {drawings} drawings"));
            }
            if block_len == 0 || block_len > blocks.end - offset {
                return damaged(at + 8, "the blocks do not fit the file");
            }
            let Some(drawing_end) = drawing.checked_add(u32::from(drawings)) else {
                return damaged(at + 4, "more than 2^32 drawings");
            };
            characters.push(CharacterEntry {
                name: String::new(),
                number,
                alphabet,
                drawings: drawing..drawing_end,
                ranges: range..range + usize::from(ranges),
                block: offset..offset + block_len,
                crc,
            });
            drawing = drawing_end;
            range += usize::from(ranges);
            offset += block_len;
        }
    }
    if (drawing, range) != (counts.drawings, counts.ranges as usize) || offset != blocks.end {
        return damaged(
            fields.at,
            "the characters' drawings, drawers or blocks do not add up",
        );
    }
    Ok(characters)
}

fn ranges(
    fields: &mut Fields,
    counts: Counts,
    characters: &[CharacterEntry],
) -> Parsed<Vec<(u16, u16)>> {
    let start = fields.at;
    let ranges: Vec<_> = (0..counts.ranges)
        .map(|_| (fields.u16(), fields.u16()))
        .collect();
    for character in characters {
        let at = start + format::RANGE_LEN as usize * character.ranges.start;
        let (mut least, mut total) = (1u32, 0u32);
        for &(first, count) in &ranges[character.ranges.clone()] {
            let end = u32::from(first) + u32::from(count);
            if u32::from(first) < least || count == 0 || end > 1 << 16 {
                return damaged(at, "a character's drawers do not ascend");
            }
            // Ranges that touch would be one range: the next begins beyond a gap.
            least = end + 1;
            total += u32::from(count);
        }
        if total as usize != character.drawings.len() {
            return damaged(
                at,
                "a character has another number of drawers than of drawings",
            );
        }
    }
    Ok(ranges)
}

fn runs(fields: &mut Fields, counts: Counts) -> Parsed<Vec<RunEntry>> {
    let start = fields.at;
    let shapes: Vec<_> = (0..counts.runs)
        .map(|_| (fields.u16(), fields.u16()))
        .collect();
    let sum = |part: fn(&(u16, u16)) -> u16| shapes.iter().map(|s| u64::from(part(s))).sum::<u64>();
    if (sum(|s| s.0), sum(|s| s.1)) != (u64::from(counts.supports), u64::from(counts.queries)) {
        return damaged(start, "the runs' drawings do not add up");
    }
    let drawing = |fields: &mut Fields| match fields.u32() {
        id if id < counts.drawings => Ok(id),
        id => damaged(
            fields.at - 4,
            format!("a run uses drawing {id} of {}", counts.drawings),
        ),
    };
    let mut runs = Vec::new();
    for &(supports, _) in &shapes {
        let support = (0..supports)
            .map(|_| drawing(fields))
            .collect::<Parsed<_>>()?;
        runs.push(RunEntry {
            name: String::new(),
            support,
            queries: Vec::new(),
        });
    }
    for (run, &(supports, queries)) in runs.iter_mut().zip(&shapes) {
        for _ in 0..queries {
            let id = drawing(fields)?;
            let answer = fields.u16();
            if answer >= supports {
                return damaged(fields.at - 2, format!("answer {answer} of {supports}"));
            }
            fields.zeros(2)?;
            run.queries.push((id, answer));
        }
    }
    Ok(runs)
}

fn read_name(fields: &mut Fields) -> Parsed<String> {
    let at = fields.at;
    let rest = &fields.bytes[at..];
    let name = rest
        .split_first()
        .and_then(|(&len, rest)| rest.get(..usize::from(len)))
        .and_then(|name| std::str::from_utf8(name).ok())
        .filter(|name| format::is_name(name));
    let Some(name) = name else {
        return damaged(at, "a name is cut off, empty, or no text");
    };
    fields.at += 1 + name.len();
    Ok(name.to_owned())
}

/// The canonical order, which makes names unique as well.
fn ordered(
    alphabets: &[AlphabetEntry],
    characters: &[CharacterEntry],
    runs: &[RunEntry],
) -> Parsed<()> {
    let sorted = alphabets.is_sorted_by(|a, b| (a.split, &a.name) < (b.split, &b.name))
        && runs.is_sorted_by(|a, b| a.name < b.name)
        && alphabets.iter().all(|alphabet| {
            let range = alphabet.characters.start as usize..alphabet.characters.end as usize;
            characters[range].is_sorted_by(|a, b| a.name < b.name)
        });
    if !sorted {
        return damaged(
            format::HEADER_LEN,
            "names are out of order, or one is there twice",
        );
    }
    Ok(())
}
