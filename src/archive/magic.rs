//! What a file is by its first bytes, where a zip was wanted.

use super::problem::Problem;

/// Where the first bytes are, what they are, what such a file is, and what to do with it.
type Known = (usize, &'static [u8], &'static str, &'static str);

const UNPACK: &str = "unpack it, and give the folder or a zip of it";
const PICTURE: &str = "give a folder or a zip of pictures, those of a class in a folder of its own";
const AGAIN: &str = "fetch the file itself";

const KNOWN: [Known; 24] = [
    (
        0,
        b"\x1F\x8B",
        "a file packed by gzip (.gz, .tar.gz, .tgz)",
        UNPACK,
    ),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", UNPACK),
    (0, b"Rar!\x1A\x07", "a RAR archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (
        0,
        b"\xFD7zXZ\0",
        "a file packed by xz (.xz, .tar.xz)",
        UNPACK,
    ),
    (0, b"BZh", "a file packed by bzip2 (.bz2, .tar.bz2)", UNPACK),
    (
        0,
        b"\x28\xB5\x2F\xFD",
        "a file packed by zstd (.zst, .tar.zst)",
        UNPACK,
    ),
    (0, b"\x04\x22\x4D\x18", "a file packed by lz4", UNPACK),
    (0, b"\x1F\x9D", "a file packed by compress (.Z)", UNPACK),
    (0, b"\x89PNG\r\n\x1A\n", "a single PNG picture", PICTURE),
    (0, b"\xFF\xD8\xFF", "a single JPEG picture", PICTURE),
    (0, b"GIF8", "a single GIF picture", PICTURE),
    (0, b"II*\0", "a single TIFF picture", PICTURE),
    (0, b"MM\0*", "a single TIFF picture", PICTURE),
    (8, b"WEBP", "a single WebP picture", PICTURE),
    (
        4,
        b"ftyp",
        "a picture or film of the HEIF family (HEIC, AVIF, MP4)",
        PICTURE,
    ),
    (0, b"BM", "a single BMP picture", PICTURE),
    (
        0,
        b"%PDF",
        "a PDF document",
        "export its pages as PNG pictures, sorted into class folders",
    ),
    (
        0,
        b"\x89OMNI",
        "a store already",
        "give it to a command that reads stores",
    ),
    (
        0,
        b"\x93NUMPY",
        "a NumPy array",
        "write its pictures as PNG files, sorted into class folders",
    ),
    (
        0,
        b"\x89HDF",
        "an HDF5 file",
        "write its pictures as PNG files, sorted into class folders",
    ),
    (
        0,
        b"MATLAB",
        "a MATLAB file",
        "take the PNG pictures; Omniglot's are in images_background.zip",
    ),
    (
        0,
        b"version https://git-lfs",
        "a pointer of Git LFS",
        "fetch the file itself with git lfs pull",
    ),
    (0, b"<", "a page of the web or of XML", AGAIN),
];

/// What is told of a file of these first bytes, if they are those of no zip but another known kind.
pub(super) fn no_zip(bytes: &[u8]) -> Option<Problem> {
    let begins =
        |&&(at, magic, ..): &&Known| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    let &(_, _, is, cure) = KNOWN.iter().find(begins)?;
    Some(Problem::NotZip { is, cure })
}
