//! Readers of foreign bytes, each as one function: `tools/fuzz` runs them on what libFuzzer makes
//! up, and `tests/fuzz.rs` on what it found.
//!
//! A checksum over a file would stop every made-up one at the door, so a target first makes the checksums
//! fit: what is behind them is tried. What the checksums themselves are worth, `tests/damage.rs` says.

use std::fmt::Write;
use std::sync::LazyLock;

use omnishot::archive::{Digits, ScanOptions, scan};
use omnishot::sample::PairTable;
use omnishot::store::Store;
use sha2::{Digest, Sha256};

/// Takes any bytes; a panic is a finding.
pub type Target = fn(&[u8]);

/// Every target by name: its seeds and findings lie in `tests/corpus/NAME`.
pub const ALL: &[(&str, Target)] = &[
    ("store", store),
    ("blocks", blocks),
    ("table", table),
    ("idx", idx),
    ("picture", picture),
    #[cfg(feature = "torch")]
    ("weights", torch::weights),
    #[cfg(feature = "torch")]
    ("checkpoint", torch::checkpoint),
    #[cfg(feature = "torch")]
    ("preset", torch::preset),
    #[cfg(feature = "torch")]
    ("tasks", torch::tasks),
    #[cfg(feature = "torch")]
    ("predictions", torch::predictions),
    #[cfg(feature = "torch")]
    ("journal", torch::journal),
    #[cfg(feature = "torch")]
    ("space", torch::space),
];

/// Takes what an error says, and keeps none of it.
struct Nowhere;

impl Write for Nowhere {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}

/// An error that cannot say what it is would be a finding as well.
fn tell(error: &dyn std::error::Error) {
    write!(Nowhere, "{error}").expect("nowhere takes everything");
    if let Some(source) = error.source() {
        tell(source);
    }
}

/// The number at a place, where the bytes reach that far.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(field.try_into().ok()?) as usize)
}

/// Makes a store's stated length, and the checksum over its front, fit its bytes.
fn sign_front(bytes: &mut [u8]) {
    let len = bytes.len();
    let Some(front_len) = number(bytes, 24).filter(|_| len >= 128) else {
        return;
    };
    bytes[16..24].copy_from_slice(&(len as u64).to_le_bytes());
    if (96..=len - 32).contains(&front_len) {
        let mut sha = Sha256::new();
        sha.update(&bytes[..64]);
        sha.update(&bytes[96..front_len]);
        bytes[64..96].copy_from_slice(&sha.finalize());
    }
}

/// Header and index of a store, its length and its front's checksum made to fit. What is taken keeps
/// the promises of the index: every id and range in it can be used.
pub fn store(data: &[u8]) {
    let mut bytes = data.to_vec();
    sign_front(&mut bytes);
    let len = bytes.len();
    match Store::from_bytes("made up", bytes) {
        Ok(store) => walk(&store, len),
        Err(error) => tell(&error),
    }
}

fn walk(store: &Store, len: usize) {
    assert_eq!(store.len(), len as u64);
    let (mut drawings, mut characters) = (0, 0);
    for (id, alphabet) in store.alphabets().iter().enumerate() {
        assert_eq!(alphabet.characters.start, characters);
        assert!(!alphabet.characters.is_empty() && !alphabet.name.is_empty());
        characters = alphabet.characters.end;
        for character in alphabet.characters.clone() {
            let entry = store.character(character);
            assert_eq!(
                (entry.alphabet as usize, entry.drawings.start),
                (id, drawings)
            );
            assert!(store.block_range(character).end <= len - 32);
            let mut drawers = store.drawers(character);
            let mut last = drawers.next().expect("a character has drawings");
            assert!(last > 0);
            let mut count = 1;
            for drawer in drawers {
                assert!(drawer > last, "drawers ascend");
                (last, count) = (drawer, count + 1);
            }
            assert_eq!(count, entry.drawings.len());
            assert_eq!(store.character_of(drawings), character);
            drawings = entry.drawings.end;
            assert_eq!(store.character_of(drawings - 1), character);
        }
    }
    assert_eq!(characters as usize, store.characters().len());
    assert_eq!(drawings, store.drawings());
    for run in store.runs() {
        assert!(run.support.iter().all(|&id| id < drawings));
        for &(id, answer) in &run.queries {
            assert!(id < drawings && usize::from(answer) < run.support.len());
        }
    }
    let _ = store.digest();
}

/// The blocks of a store, every checksum made to fit: what zstd and the pages' own rule make of them.
pub fn blocks(data: &[u8]) {
    let mut bytes = data.to_vec();
    let (Some(front_len), Some(alphabets), Some(characters)) =
        (number(&bytes, 24), number(&bytes, 28), number(&bytes, 32))
    else {
        return;
    };
    let mut block = front_len;
    for entry in (0..characters).map(|place| 96 + 8 * alphabets + 16 * place) {
        let Some(end) = number(&bytes, entry + 8).map(|len| block + len) else {
            break;
        };
        let (Some(whole), true) = (bytes.get(block..end), entry + 16 <= bytes.len()) else {
            break;
        };
        let crc = crc32fast::hash(whole);
        bytes[entry + 12..entry + 16].copy_from_slice(&crc.to_le_bytes());
        block = end;
    }
    sign_front(&mut bytes);
    let store = match Store::from_bytes("made up", bytes) {
        Ok(store) => store,
        Err(error) => return tell(&error),
    };
    let mut decoder = store.decoder();
    for id in 0..store.characters().len() as u32 {
        match decoder.character(id) {
            Ok(pages) => assert_eq!(pages.len(), store.character(id).drawings.len()),
            Err(error) => tell(&error),
        }
    }
}

/// What tables of pairs are checked against.
static STORE: LazyLock<Store> = LazyLock::new(|| {
    let bytes = include_bytes!("../corpus/blocks/small");
    Store::from_bytes("small", bytes.to_vec()).expect("it is as it was packed")
});

/// A table of pairs, its length, its checksum and its store's digest made to fit.
pub fn table(data: &[u8]) {
    let mut bytes = data.to_vec();
    let len = bytes.len();
    if len >= 128 {
        bytes[40..48].copy_from_slice(&(len as u64).to_le_bytes());
        bytes[64..96].copy_from_slice(STORE.digest().as_bytes());
        let mut sha = Sha256::new();
        sha.update(&bytes[..96]);
        sha.update(&bytes[128..]);
        bytes[96..128].copy_from_slice(&sha.finalize());
    }
    let table = match PairTable::from_bytes("made up", bytes) {
        Ok(table) => table,
        Err(error) => return tell(&error),
    };
    assert_eq!(table.bytes(), len);
    for entry in [0, table.len() - 1].map(|e| table.entry(e)) {
        assert_eq!(table.distortion(&entry).is_some(), entry.copy > 0);
        assert_eq!(table.pair(entry.pair), entry.item);
    }
    if let Err(error) = table.check(&STORE) {
        tell(&error);
    }
}

/// Two IDX files: the first two bytes say how many of the rest are the first's.
pub fn idx(data: &[u8]) {
    let Some((len, rest)) = data.split_first_chunk() else {
        return;
    };
    let at = usize::from(u16::from_le_bytes(*len)).min(rest.len());
    let (images, labels) = rest.split_at(at);
    match Digits::from_bytes(images, labels) {
        Ok(digits) => {
            assert_eq!(digits.images().len(), digits.len() * digits.side().pow(2));
            assert!(digits.labels().iter().all(|&label| label < 10));
        }
        Err(error) => tell(&error),
    }
}

/// A picture of one's own, of any format that is read: the first byte says how it is scanned.
pub fn picture(data: &[u8]) {
    let Some((how, bytes)) = data.split_first() else {
        return;
    };
    let options = ScanOptions {
        cut: how & 1 != 0,
        grey: how & 2 != 0,
    };
    match scan(bytes, options) {
        Ok(scanned) => {
            assert!(scanned.page.ink_count() > 0);
            assert_eq!(scanned.shades.is_some(), options.grey);
        }
        Err(error) => tell(&error),
    }
}

#[cfg(feature = "torch")]
mod torch {
    //! Those that need libtorch.

    use std::sync::LazyLock;

    use omnishot::embed::Embedder;
    use omnishot::eval::exchange::{TaskFile, answers_of};
    use omnishot::eval::{TaskSet, Ties};
    use omnishot::model::Model;
    use omnishot::onnx::Session;
    use omnishot::train::{Checkpoint, Preset};
    use omnishot::tune::{Journal, Space};
    use tch::Device;

    use super::tell;

    /// A file of weights, which both engines take, or neither.
    pub fn weights(data: &[u8]) {
        let session = Session::from_bytes("made up", data.to_vec());
        match Model::from_bytes("made up", data.to_vec(), Device::Cpu) {
            Ok(model) => {
                assert!(session.is_ok_and(|session| *session.card() == model.card));
                let values: usize = (model.weights().variables().values())
                    .map(|variable| variable.numel())
                    .sum();
                assert_eq!(values as u64, model.card.network.values());
            }
            Err(error) => {
                tell(&error);
                tell(&session.err().unwrap());
            }
        }
    }

    /// A checkpoint, its seal made to fit.
    pub fn checkpoint(data: &[u8]) {
        let mut bytes = data.to_vec();
        if let Some((body, seal)) = bytes.split_last_chunk_mut::<32>() {
            *seal = *blake3::hash(body).as_bytes();
        }
        match Checkpoint::from_bytes("made up", bytes) {
            Ok(checkpoint) => checkpoint.progress.preset.check().expect("it was checked"),
            Err(error) => tell(&error),
        }
    }

    /// Settings, and after each zero byte a change of them, as `--set` takes it. What is taken
    /// is said and read again.
    pub fn preset(data: &[u8]) {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        let mut parts = text.split('\0');
        let text = parts.next().expect("a text has a first part");
        let changes: Vec<String> = parts.map(str::to_owned).collect();
        match Preset::parse(text, &changes) {
            Ok(preset) => {
                let said = toml::to_string(&preset).expect("settings are plain values");
                let again = Preset::parse(&said, &[]).expect("they are settings");
                assert_eq!(again, preset);
            }
            Err(error) => tell(&error),
        }
    }

    /// A file of tasks. What is taken is written and read again.
    pub fn tasks(data: &[u8]) {
        match TaskFile::from_json("made up", data) {
            Ok(file) => {
                let again = TaskFile::from_json("again", file.to_json().as_bytes());
                assert_eq!(again.expect("it was just written"), file);
                let set = file.task_set().expect("it was checked");
                assert_eq!(set.ways(), file.ways);
                assert!(set.chance() > 0.0);
            }
            Err(error) => tell(&error),
        }
    }

    /// Three tasks of two and three ways.
    static TASKS: LazyLock<TaskSet> = LazyLock::new(|| {
        let json = include_bytes!("../corpus/tasks/small");
        let file = TaskFile::from_json("small", json).expect("it is as it was written");
        file.task_set().expect("it was checked")
    });

    /// A prediction file of these tasks.
    pub fn predictions(data: &[u8]) {
        for ties in [Ties::Against, Ties::First, Ties::Random] {
            if let Err(error) = answers_of(&TASKS, "made up", data, ties) {
                return tell(&error);
            }
        }
    }

    /// A journal of a search, the sum of each of its lines made to fit.
    pub fn journal(data: &[u8]) {
        const BEFORE: usize = r#"{"sum":"--------","entry":"#.len();
        let mut bytes = data.to_vec();
        for line in bytes.split_mut(|&byte| byte == b'\n') {
            if let Some(entry) = line.get(BEFORE..line.len().max(1) - 1) {
                let sum = format!("{:08x}", crc32c::crc32c(entry));
                line[8..16].copy_from_slice(sum.as_bytes());
            }
        }
        match Journal::parse(&bytes) {
            Ok((journal, sound)) => {
                assert!(sound <= bytes.len());
                // What is sound says the same without what is not.
                let again = Journal::parse(&bytes[..sound]).expect("it is sound");
                assert_eq!(again.1, sound);
                assert_eq!(again.0.is_some(), journal.is_some());
            }
            Err(error) => tell(&error),
        }
    }

    /// A space of settings.
    pub fn space(data: &[u8]) {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        if let Err(error) = Space::parse(text) {
            tell(&error);
        }
    }
}
