//! The bytes of a store, or of a table over one: mapped from a file, or owned.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// A file's bytes.
#[derive(Debug)]
pub enum Bytes {
    /// The file, mapped.
    Mapped(Mmap),
    /// Bytes that are held.
    Owned(Vec<u8>),
}

impl Bytes {
    /// Maps a file. Pages of it are read when they are first touched.
    pub fn map(path: &Path) -> io::Result<Bytes> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a file",
            ));
        }
        if metadata.len() == 0 {
            return Ok(Bytes::Owned(Vec::new())); // an empty range cannot be mapped
        }
        // SAFETY: `Mmap::map` asks that nobody shortens or rewrites the file while it is
        // mapped. Our own writer never does: `publish` renames a new file over the old name,
        // and the map keeps the old file. Another program that cuts the file short makes the
        // system end this process (SIGBUS); one that rewrites bytes makes a block's checksum
        // fail, since every decoded block is checked and all indices were copied at opening. A
        // table's numbers are read again from the map: rewritten, they are wrong numbers,
        // which safe code bounds-checks wherever it uses them.
        unsafe { Mmap::map(&file) }.map(Bytes::Mapped)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
