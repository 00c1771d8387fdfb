//! `siamese-embed`: pictures as a network sees them, a vector each.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::network::{NetworkArguments, PictureArguments};
use crate::archive::{PictureFiles, ScanOptions, Scanned, read_picture};
use crate::cli::exit_code;
use crate::embed::{Embedder, EmbeddingFormat, EmbeddingWriter, Embeddings, json_line};
use crate::store::{DrawingId, Store};
use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Parser};
use omnishot_data::print_line;

/// Writes an embedding of each picture: a vector that is near those of pictures of the same class.
///
/// An input is a picture, a folder or zip of pictures, or a store that omni-pack built. The order
/// is that of the inputs, and within one that of the names. Exits with 1 if a picture could not be
/// read; the others are embedded all the same. Compare embeddings by their cosine; those of a
/// network with Koch's head by his weighted distance, which siamese-classify knows.
#[derive(Parser)]
#[command(version)]
#[command(group(ArgGroup::new("network").required(true)))]
struct Arguments {
    /// Pictures, folders or zips of pictures, or stores.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    pictures: PictureArguments,
    /// The file to write. Without it, lines of JSON go to standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The file's format, where its name does not end with .jsonl, .npz or .safetensors.
    #[arg(long, value_enum, requires = "out")]
    format: Option<EmbeddingFormat>,
    /// Replace a file that is there already.
    #[arg(long, requires = "out")]
    force: bool,
}

/// Pictures, or drawings of a store, that are embedded at once.
const AT_ONCE: usize = 512;

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    exit_code("siamese-embed", run(&Arguments::parse()))
}

/// Where embeddings go.
enum Sink {
    Lines,
    File(EmbeddingWriter),
}

/// What is embedded, and how many could not be.
struct Run<'a> {
    embedder: &'a dyn Embedder,
    scan: ScanOptions,
    sink: Sink,
    embedded: usize,
    bad: usize,
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let format = match &arguments.out {
        Some(out) => Some(format_of(out, arguments.format)?),
        None => None,
    };
    let network = arguments.network.load()?;
    let embedder = network.as_ref();
    let scan = (arguments.pictures).settle("siamese-embed", embedder, None)?;
    let width = embedder.card().network.dimensions() as usize;
    let mut run = Run {
        embedder,
        scan,
        sink: match format {
            Some(_) => Sink::File(EmbeddingWriter::new(width)?),
            None => Sink::Lines,
        },
        embedded: 0,
        bad: 0,
    };
    for input in &arguments.inputs {
        run.embed(input)?;
    }
    let (embedded, bad) = (run.embedded, run.bad);
    if embedded == 0 {
        bail!("no picture could be read");
    }
    if let (Sink::File(writer), Some(out), Some(format)) = (run.sink, &arguments.out, format) {
        writer.finish(out, format, embedder.card(), arguments.force)?;
        eprintln!(
            "{}: {embedded} embeddings of {width} numbers",
            out.display()
        );
    }
    Ok(ExitCode::from(u8::from(bad > 0)))
}

fn format_of(out: &Path, asked: Option<EmbeddingFormat>) -> Result<EmbeddingFormat> {
    let named = asked.or_else(|| EmbeddingFormat::of(out));
    named.with_context(|| {
        format!(
            "{}: ends with none of .jsonl, .npz and .safetensors; use --format",
            out.display()
        )
    })
}

/// What an input is, by its first bytes.
enum Kind {
    Store,
    Zip,
    Picture,
}

fn kind(input: &Path) -> std::io::Result<Kind> {
    let mut first = Vec::new();
    File::open(input)?.take(8).read_to_end(&mut first)?;
    Ok(match &first[..] {
        [0x89, b'O', b'M', b'N', b'I', ..] => Kind::Store,
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Kind::Zip,
        _ => Kind::Picture,
    })
}

impl Run<'_> {
    fn embed(&mut self, input: &Path) -> Result<()> {
        let name = input.display().to_string();
        if input.is_dir() {
            return self.files(input, &name);
        }
        match kind(input).with_context(|| format!("{name}: cannot be read"))? {
            Kind::Store => self.store(&Store::open(input)?, &name),
            Kind::Zip => self.files(input, &name),
            Kind::Picture => self.take(vec![(name, read_picture(input, self.scan))]),
        }
    }

    fn files(&mut self, input: &Path, name: &str) -> Result<()> {
        let mut files = PictureFiles::open(input, self.scan)?;
        while files.left() > 0 {
            let few = files.next_few(AT_ONCE).into_iter();
            self.take(
                few.map(|(file, picture)| (format!("{name}/{file}"), picture))
                    .collect(),
            )?;
        }
        Ok(())
    }

    fn take<E>(&mut self, pictures: Vec<(String, Result<Scanned, E>)>) -> Result<()>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let (mut names, mut good) = (Vec::new(), Vec::new());
        for (name, picture) in pictures {
            match picture {
                Ok(picture) => {
                    names.push(name);
                    good.push(picture);
                }
                Err(error) => {
                    self.bad += 1;
                    eprintln!("siamese-embed: {:#}", anyhow::Error::new(error));
                }
            }
        }
        let embeddings = Embeddings::of_pictures(self.embedder, &good);
        for (id, name) in (0..).zip(&names) {
            self.put(name, embeddings.row(id))?;
        }
        Ok(())
    }

    fn store(&mut self, store: &Store, name: &str) -> Result<()> {
        let all = store.drawings();
        for first in (0..all).step_by(AT_ONCE) {
            let few = first..all.min(first + AT_ONCE as u32);
            let embeddings = Embeddings::of(self.embedder, store, few.clone())?;
            for drawing in few {
                let path = format!("{name}/{}", place(store, drawing));
                self.put(&path, embeddings.row(drawing))?;
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &str, embedding: &[f32]) -> Result<()> {
        self.embedded += 1;
        match &mut self.sink {
            Sink::Lines => print_line!("{}", json_line(name, embedding)),
            Sink::File(writer) => writer
                .push(name, embedding)
                .context("a temporary file cannot be written")?,
        }
        Ok(())
    }
}

/// A drawing's alphabet, character and drawer.
fn place(store: &Store, drawing: DrawingId) -> String {
    let id = store.character_of(drawing);
    let character = store.character(id);
    let alphabet = &store.alphabet(character.alphabet).name;
    let nth = (drawing - character.drawings.start) as usize;
    let drawer = store.drawers(id).nth(nth).unwrap_or_default();
    format!("{alphabet}/{}/{drawer:02}", character.name)
}
