//! Printing that a closed pipe does not end: `siamese-train ... --json | head` trains on.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write, stdout};

/// Prints as `print!` does. What nobody reads any more is not printed, and the work goes on.
///
/// # Panics
/// If standard output fails in another way, such as a full disk.
pub fn print(text: Arguments) {
    match stdout().write_fmt(text).and_then(|()| stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            panic!("standard output cannot be written: {error}")
        }
        _ => {}
    }
}
