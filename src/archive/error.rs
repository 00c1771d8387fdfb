//! What can be wrong with an input, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A problem with one input, and with which part of it.
#[derive(Debug)]
pub struct ArchiveError {
    /// The zip or folder that was being read.
    pub archive: PathBuf,
    /// The entry inside it, if the problem lies in one.
    pub entry: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl ArchiveError {
    pub(super) fn whole(archive: &Path, problem: impl Into<Problem>) -> ArchiveError {
        ArchiveError {
            archive: archive.to_owned(),
            entry: None,
            problem: problem.into(),
        }
    }

    pub(super) fn entry(archive: &Path, entry: &str, problem: impl Into<Problem>) -> ArchiveError {
        ArchiveError {
            entry: Some(entry.to_owned()),
            ..ArchiveError::whole(archive, problem)
        }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.archive.display())?;
        if let Some(entry) = &self.entry {
            write!(f, "{}: ", entry.escape_debug())?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.problem)
    }
}

/// What is wrong with an input.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The system refused; check that the path exists and can be read.
    #[error("cannot be read")]
    Io(#[from] std::io::Error),
    /// Not a zip, or a damaged one; download it again.
    #[error("is not a sound zip file; download it again")]
    Zip(#[from] zip::result::ZipError),
    /// Larger than any drawing or archive of drawings is.
    #[error("holds more than {limit} bytes, the most that is read; this is not a set of drawings")]
    TooLarge {
        /// The most bytes that are read.
        limit: u64,
    },
    /// A folder with more files than any set of drawings has.
    #[error("holds more than {limit} files; this is not a set of drawings")]
    TooMany {
        /// The most files that are listed.
        limit: u64,
    },
    /// An absolute name, or one with `..` or a backslash in it.
    #[error("has a name that leads out of the archive; get the archive from another source")]
    UnsafeName,
    /// The name does not say which alphabet, character and drawer it is.
    #[error(
        "is not named alphabet/character/NNNN_DD.png (a number, and the drawer from 01); \
         rename or remove it"
    )]
    Misnamed,
    /// Two names for one drawing, or one name twice.
    #[error("is the second drawing of this character by drawer {drawer}; remove one")]
    Duplicate {
        /// The drawer of both.
        drawer: u16,
    },
    /// A zip with two entries of one name, of which readers would see only one.
    #[error("lists one name twice; some drawing is there twice")]
    RepeatedName,
    /// A zip whose entries share their bytes, as zip bombs do.
    #[error("has entries that overlap, as in a zip bomb; get the archive from another source")]
    Overlapping,
    /// A drawer that drew the other characters is missing.
    #[error(
        "{alphabet}/{character} lacks the drawing of drawer {drawer}; \
         restore it, or accept gaps with --allow-missing"
    )]
    MissingDrawing {
        /// The alphabet's name.
        alphabet: String,
        /// The character's name.
        character: String,
        /// The first drawer that is missing.
        drawer: u16,
    },
    /// The official archive of this name holds another number of things.
    #[error(
        "holds {got} {what}, but the official archive of this name holds {expected}; \
         download it again, or accept gaps with --allow-missing"
    )]
    Incomplete {
        /// What was counted.
        what: &'static str,
        /// The official number.
        expected: usize,
        /// The number found.
        got: usize,
    },
    /// Not a PNG picture, or a damaged one.
    #[error("is not a sound PNG picture")]
    Png(#[from] png::DecodingError),
    /// A file of no bytes.
    #[error("is empty; copy it again, or remove it")]
    NoBytes,
    /// No picture of any format that is known.
    #[error(
        "is no picture that is known by its content (PNG, JPEG, WebP, GIF, BMP and TIFF are read); \
         convert it or remove it"
    )]
    NoPicture,
    /// A picture or document of a format that is known, but not read.
    #[error("is {format} by its content, which is not read; save it as PNG or JPEG, or remove it")]
    Unread {
        /// The format's name.
        format: &'static str,
    },
    /// An animation, or pages of which only the first would be seen.
    #[error("is a {format} file of several pictures; save the one that counts by itself")]
    Several {
        /// The format's name.
        format: &'static str,
    },
    /// A picture that is cut short, or was closed before its pixels were written.
    #[error("is a damaged {format} picture: {what}; copy or download it again")]
    NotWhole {
        /// The format's name.
        format: &'static str,
        /// How it shows.
        what: &'static str,
    },
    /// A picture that its decoder refuses.
    #[error("is a damaged {format} picture, or one of a rare kind; save it again, as PNG")]
    Picture {
        /// The format's name.
        format: &'static str,
        /// What the decoder says.
        source: Box<image::ImageError>,
    },
    /// A picture with too many pixels a side, or none.
    #[error("is a {format} picture of {width} x {height} pixels; 1 to {limit} a side are read")]
    Sides {
        /// The format's name.
        format: &'static str,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// The most pixels a side.
        limit: u32,
    },
    /// A picture whose samples take too much memory.
    #[error(
        "is a {format} picture of {width} x {height} pixels, {bytes} bytes once it is decoded; \
         at most {limit} are read: make it smaller"
    )]
    ManyBytes {
        /// The format's name.
        format: &'static str,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// What its samples would take.
        bytes: u64,
        /// The most that they may take.
        limit: u64,
    },
    /// A header that claims more pixels than so short a file can hold.
    #[error(
        "is a {format} picture that claims {width} x {height} pixels, more than its {len} bytes \
         can hold, as a bomb does; save it again, or remove it"
    )]
    Claimed {
        /// The format's name.
        format: &'static str,
        /// The width that it claims, in pixels.
        width: u32,
        /// The height that it claims, in pixels.
        height: u32,
        /// The file's length in bytes.
        len: usize,
    },
    /// A picture of one shade, or of noise.
    #[error("shows nothing: all of it has nearly one shade, or no more than noise; remove it")]
    NothingDrawn,
    /// So much ink that what was taken for ground cannot be the ground.
    #[error(
        "would be {percent} % ink, more than a drawing has, so that its ground is not its border's \
         shade; cut it to what is drawn, with a margin of the ground"
    )]
    MostlyInk {
        /// The share of ink.
        percent: u8,
    },
    /// Ink along the edge that is more likely a scanner's lid or a shadow.
    #[error(
        "has a strip or patch of ink along its edge, which may be a scanner's lid, a shadow or a \
         stroke; cut it off, or leave a margin of the ground around what is drawn"
    )]
    AtEdge,
    /// As much is lighter as is darker than the ground.
    #[error(
        "shows as much that is lighter than its ground as darker; \
         keep what is ink and make the rest as its ground"
    )]
    BothSides,
    /// Pictures of one input that are not taken, each with its reason.
    #[error("{}", list(.bad, *.of))]
    Pictures {
        /// The name of each inside the input, and what is wrong with it.
        bad: Vec<(String, Problem)>,
        /// How many pictures there are.
        of: usize,
    },
    /// Classes without a picture that can be read.
    #[error("{}", lost(.classes))]
    LostClasses {
        /// The folder of each, and the ends of the names in it.
        classes: Vec<(String, String)>,
    },
    /// A folder or zip without pictures.
    #[error(
        "holds no .png, .jpg or .jpeg files, nor .webp, .gif, .bmp or .tif; \
         expected group/class/picture or class/picture"
    )]
    NoPictures,
    /// A picture that lies in no class, or at another depth than the first.
    #[error(
        "does not lie as the first picture does; \
         put all as group/class/picture, or all as class/picture"
    )]
    Ungrouped,
    /// A picture whose class another picture or folder is already.
    #[error("is a class whose name another picture or folder has; rename one")]
    SecondClass,
    /// A class with more pictures than drawers can be counted.
    #[error("is in a class of more than {limit} pictures; leave some out")]
    ManyPictures {
        /// The most pictures of a class.
        limit: u16,
    },
    /// A group that is named is not there.
    #[error("holds no group {group:?}; it holds {known}")]
    NoGroup {
        /// The name.
        group: String,
        /// The groups that are there.
        known: String,
    },
    /// A picture of another size.
    #[error("is {width} x {height} pixels; Omniglot's drawings are 105 x 105")]
    WrongSize {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// A picture with colours or greys.
    #[error(
        "has pixels that are neither black nor white; Omniglot's drawings have one bit a pixel"
    )]
    NotBlackAndWhite,
    /// Nothing tells whether the alphabets are for training or for evaluation.
    #[error(
        "does not say in its name whether it is background or evaluation; \
         say it with --split background or --split evaluation"
    )]
    UnknownSplit,
    /// No drawings and no runs.
    #[error(
        "holds no drawings; expected alphabet/character/NNNN_DD.png files, \
         one of the official zips, or a folder of these"
    )]
    Empty,
    /// Two inputs disagree about one drawing.
    #[error(
        "{alphabet}/{character}, drawer {drawer}, differs from the same drawing in an earlier input"
    )]
    Conflict {
        /// The alphabet's name.
        alphabet: String,
        /// The character's name.
        character: String,
        /// The drawer.
        drawer: u16,
    },
    /// Two inputs put one alphabet into different splits.
    #[error("{alphabet} is tagged background by one input and evaluation by another")]
    SplitConflict {
        /// The alphabet's name.
        alphabet: String,
    },
    /// A run's table of answers and its pictures do not fit together.
    #[error("{0}")]
    Run(String),
}

/// The most bad pictures, or lost classes, that an error names.
const MOST_NAMED: usize = 20;

/// A line for each of the first, and how many more there are.
fn lines(title: String, all: usize, each: impl Iterator<Item = String>) -> String {
    let mut said = title;
    for line in each.take(MOST_NAMED) {
        said.push_str("\n  ");
        said.push_str(&line);
    }
    if all > MOST_NAMED {
        said.push_str(&format!("\n  and {} more", all - MOST_NAMED));
    }
    said
}

fn list(bad: &[(String, Problem)], of: usize) -> String {
    let each = bad.iter().map(|(name, problem)| {
        let mut line = format!("{}: {problem}", name.escape_debug());
        let mut cause = std::error::Error::source(problem);
        while let Some(error) = cause {
            line.push_str(&format!(": {error}"));
            cause = error.source();
        }
        line
    });
    let title = format!("{} of {of} pictures cannot be taken:", bad.len());
    lines(title, bad.len(), each)
}

fn lost(classes: &[(String, String)]) -> String {
    let each = (classes.iter()).map(|(class, ends)| format!("{}: {ends}", class.escape_debug()));
    let title = "holds classes without a picture that is read (PNG, JPEG, WebP, GIF, BMP, TIFF); \
                 convert what they hold, or remove them:";
    lines(title.to_owned(), classes.len(), each)
}
