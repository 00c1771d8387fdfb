//! Event files that TensorBoard reads: scalars by step.
//!
//! A file is a row of records, each `length u64, CRC u32, data, CRC u32` little-endian, with
//! CRC-32C masked as TensorFlow's `record_writer` does it; the data are `Event` messages of
//! `event.proto` in the protobuf encoding, of which a few fields are enough here.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why no events can be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be written", path = path.display())]
pub struct EventError {
    /// The file.
    path: PathBuf,
    /// What the system said.
    source: io::Error,
}

/// Writes one event file.
pub struct EventWriter {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
}

impl EventWriter {
    /// Starts a file in `folder`. After `steps` steps of a run that is resumed, it says
    /// that whatever older files hold of later steps is void, and TensorBoard leaves it out.
    ///
    /// `seconds` since 1970 are part of the name, by which TensorBoard orders files.
    ///
    /// # Errors
    /// If the system refuses to write.
    pub fn create(folder: &Path, seconds: f64, steps: u64) -> Result<EventWriter, EventError> {
        // Two files of one second must not be one: the number of files so far parts them.
        let ours = |name: &str| name.starts_with(PREFIX);
        let before = fs::read_dir(folder).map_or(0, |entries| {
            let names = entries.flatten().map(|entry| entry.file_name());
            names.filter(|name| ours(&name.to_string_lossy())).count()
        });
        let whole = seconds as u64;
        let path = folder.join(format!("{PREFIX}{whole:010}.omnishot.{before}"));
        let failed = |source| EventError {
            path: path.clone(),
            source,
        };
        let file = File::create(&path).map_err(failed)?;
        let mut writer = EventWriter {
            path: path.clone(),
            file,
            buffer: Vec::new(),
        };
        let mut event = time(seconds);
        text(&mut event, 3, "brain.Event:2"); // file_version
        writer.record(&event);
        if steps > 0 {
            let mut event = time(seconds);
            number(&mut event, 2, steps + 1); // the first step that is void
            message(&mut event, 7, &[0x08, 1]); // session_log: status START
            writer.record(&event);
        }
        writer.flush()?;
        Ok(writer)
    }

    /// Adds scalars of a step, each with its tag.
    pub fn scalars(&mut self, seconds: f64, step: u64, scalars: &[(&str, f64)]) {
        let mut summary = Vec::new();
        for (tag, value) in scalars {
            let mut scalar = Vec::new();
            text(&mut scalar, 1, tag);
            scalar.push(2 << 3 | 5); // simple_value, 32 bits
            scalar.extend((*value as f32).to_le_bytes());
            message(&mut summary, 1, &scalar);
        }
        let mut event = time(seconds);
        number(&mut event, 2, step);
        message(&mut event, 5, &summary);
        self.record(&event);
    }

    /// Hands what was added to the system.
    ///
    /// # Errors
    /// If the system refuses to write.
    pub fn flush(&mut self) -> Result<(), EventError> {
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|source| EventError {
            path: self.path.clone(),
            source,
        })
    }

    fn record(&mut self, data: &[u8]) {
        let length = (data.len() as u64).to_le_bytes();
        self.buffer.extend(length);
        self.buffer.extend(masked(&length).to_le_bytes());
        self.buffer.extend(data);
        self.buffer.extend(masked(data).to_le_bytes());
    }
}

const PREFIX: &str = "events.out.tfevents.";

/// CRC-32C, turned and shifted, since a CRC of data that hold CRCs is weak.
fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xA282_EAD8)
}

/// An event that holds its wall time.
fn time(seconds: f64) -> Vec<u8> {
    let mut event = vec![1 << 3 | 1];
    event.extend(seconds.to_le_bytes());
    event
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    varint(out, value);
}

fn message(out: &mut Vec<u8>, field: u8, data: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, data.len() as u64);
    out.extend(data);
}

fn text(out: &mut Vec<u8>, field: u8, text: &str) {
    message(out, field, text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnoli_s() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xE306_9283);
    }

    /// Read back by TensorBoard 2.20's event accumulator: loss 0.5 at step 300.
    #[test]
    fn a_file_s_bytes_are_pinned() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = EventWriter::create(folder.path(), 1.5, 0).expect("a file");
        writer.scalars(2.5, 300, &[("loss", 0.5)]);
        writer.flush().expect("written");
        let bytes = fs::read(&writer.path).expect("read");
        let digest = blake3::hash(&bytes).to_string();
        assert_eq!((bytes.len(), &digest[..16]), (83, "26d0deb7bddc828e"));
    }

    #[test]
    fn files_of_one_second_are_two() {
        let folder = tempfile::tempdir().expect("a folder");
        for _ in 0..2 {
            EventWriter::create(folder.path(), 1.5, 7).expect("a file");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 2);
    }
}
