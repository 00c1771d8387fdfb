//! What can be wrong with an input, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::drawing::Split;

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
    /// A damaged zip, or a file of a kind that is not known.
    #[error("is not a sound zip file; download it again, or give a folder or a zip if it is none")]
    Zip(#[source] zip::result::ZipError),
    /// A zip that is encrypted, or packed by a method that is not read.
    #[error("is a zip of a kind that is not read ({what}); unpack it, and give the folder")]
    ForeignZip {
        /// What is not read.
        what: String,
    },
    /// A file of another kind, known by its first bytes.
    #[error("is {is}, neither a zip nor a folder; {cure}")]
    NotZip {
        /// What it is.
        is: &'static str,
        /// What to do with it.
        cure: &'static str,
    },
    /// Nothing but zips.
    #[error("holds nothing that is read but zips, such as {zip}; unpack it, and give the folder")]
    OnlyZips {
        /// The first of them.
        zip: String,
    },
    /// A folder that lies deeper than any drawing does.
    #[error("lies more than {limit} folders deep; give the folder that the drawings are in")]
    TooDeep {
        /// The most folders.
        limit: usize,
    },
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
    /// An absolute name, or one with `..` in it.
    #[error("has a name that leads out of the archive; get the archive from another source")]
    UnsafeName,
    /// The name does not say which alphabet, character and drawer it is.
    #[error(
        "is not named alphabet/character/NNNN_DD.png (a number, and the drawer from 01); \
         rename or remove it, or say --pictures if these are pictures of your own"
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
    /// The official set of this name holds another number of things.
    #[error(
        "holds {got} {what} of {set}, but the official set of this name holds {expected}; \
         download it again, or accept gaps with --allow-missing"
    )]
    Incomplete {
        /// The official set.
        set: &'static str,
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
    /// Neither a PNG nor a JPEG picture.
    #[error("is neither a PNG nor a JPEG picture; convert it or remove it")]
    NoPicture,
    /// A damaged picture, or one too large.
    #[error("is a damaged picture, or one of more pixels than are read (16,384 a side, 512 MB)")]
    Picture(#[from] image::ImageError),
    /// A picture of one shade.
    #[error("shows nothing: all of it has nearly one shade; remove it")]
    NothingDrawn,
    /// A folder or zip without pictures.
    #[error("holds no .png, .jpg or .jpeg files; expected group/class/picture or class/picture")]
    NoPictures,
    /// Pictures in no class folder, or all in one.
    #[error(
        "lies with all others in one folder, so that there are no classes to tell apart; make a folder \
         for each class, as in cat/1.png and dog/1.png, and for classes that belong together \
         one around them, as in pets/cat/1.png"
    )]
    OneClass,
    /// Pictures of which some lie in more folders than others.
    #[error(
        "lies in {}, but {other} in {}; put all pictures as group/class/picture, or all as \
         class/picture",
        folders(*depth),
        folders(*other_depth)
    )]
    MixedDepths {
        /// The folders that the picture lies in.
        depth: usize,
        /// Another picture.
        other: String,
        /// The folders that this lies in.
        other_depth: usize,
    },
    /// Pictures in more folders than a group and a class, which are not all in one.
    #[error(
        "lies in {}; put all pictures as group/class/picture, or all as class/picture, and give \
         the folder that the groups or classes are in; --merge-splits takes folders such as train \
         and test as one",
        folders(*depth)
    )]
    DeepPictures {
        /// The folders that the picture lies in.
        depth: usize,
    },
    /// A class or a group whose name cannot be kept.
    #[error("lies in a folder whose name is too long or has control characters; rename it")]
    UnsoundName,
    /// Folders as for training and testing a classifier, with the same classes in them.
    #[error(
        "{first} and {second} are named as parts of one set, and both hold the class {class:?}, \
         which would become two classes; make one of them with --merge-splits, or, to evaluate on \
         classes that are seen in training, say --evaluation {second}"
    )]
    SplitFolders {
        /// The folder to train on.
        first: Box<str>,
        /// Another of its kind.
        second: Box<str>,
        /// A class of both.
        class: Box<str>,
    },
    /// Made-up groups, where there are groups or too few classes.
    #[error("cannot be dealt into {groups} groups: {why}")]
    Undealt {
        /// How many were asked for.
        groups: usize,
        /// Why it cannot.
        why: String,
    },
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
        "does not say in its name, or in that of a folder around it, whether it is background or \
         evaluation; rename it so that it does, or, if all of the input is of one split, say which \
         with --split background or --split evaluation"
    )]
    UnknownSplit,
    /// The name of an input tells one split, and all that is in it the other.
    #[error(
        "is named as {own}, but all that it holds as {held}; rename one, or say which it is \
         with --split"
    )]
    TwoSplits {
        /// What its own name tells.
        own: Split,
        /// What the names inside tell.
        held: Split,
    },
    /// No drawings and no runs.
    #[error(
        "holds no drawings; expected alphabet/character/NNNN_DD.png files, one of the official \
         zips, or a folder of these; pictures of your own are read with --pictures"
    )]
    Empty,
    /// Two inputs, or two sets of one, disagree about one drawing.
    #[error(
        "{alphabet}/{character}, drawer {drawer}, differs from the same drawing read before it"
    )]
    Conflict {
        /// The alphabet's name.
        alphabet: String,
        /// The character's name.
        character: String,
        /// The drawer.
        drawer: u16,
    },
    /// One alphabet is in both splits.
    #[error("{alphabet} is in a background set and in an evaluation set; remove it from one")]
    SplitConflict {
        /// The alphabet's name.
        alphabet: String,
    },
    /// A run's table of answers and its pictures do not fit together.
    #[error("{0}")]
    Run(String),
}

/// Folders, counted in words.
fn folders(depth: usize) -> String {
    match depth {
        0 => "no folder".to_owned(),
        1 => "one folder".to_owned(),
        _ => format!("{depth} folders"),
    }
}

impl From<zip::result::ZipError> for Problem {
    fn from(error: zip::result::ZipError) -> Problem {
        match error {
            zip::result::ZipError::UnsupportedArchive(what) => Problem::ForeignZip {
                what: what.to_owned(),
            },
            zip::result::ZipError::CompressionMethodNotSupported(method) => Problem::ForeignZip {
                what: format!("compression method {method}"),
            },
            error => Problem::Zip(error),
        }
    }
}
