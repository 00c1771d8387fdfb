//! What may be wrong with an input, or a part of it.

use thiserror::Error;

use super::drawing::Split;
use super::listing::{folders, list, lost};

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
         rename or remove it, or use --pictures if these are pictures of your own"
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
    /// Pictures in no class folder.
    #[error(
        "lies in no folder of a class, so that there are no classes to tell apart; make a folder \
         for each class, as in cat/1.png and dog/1.png, and for classes that belong together \
         one around them, as in pets/cat/1.png"
    )]
    NoClass,
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
         classes that are seen in training, use --evaluation {second}"
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
         evaluation; rename it so that it does, or, if all of the input is of one split, give it \
         with --split background or --split evaluation"
    )]
    UnknownSplit,
    /// The name of an input tells one split, and all that is in it the other.
    #[error(
        "is named as {own}, but all that it holds as {held}; rename one, or give the split \
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
