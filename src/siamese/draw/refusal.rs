//! Why a request is refused: one sentence each, which the page shows as it is.

use std::path::PathBuf;

use hyper::StatusCode;

use super::limits::{
    MOST_BODY, MOST_CLASSES, MOST_DRAWINGS, MOST_NAME, MOST_REQUESTS, MOST_SECONDS, MOST_SIDE,
};
use crate::archive::Problem;
use crate::store::StoreError;
use crate::store::export::ExportError;

/// Why a request is refused; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request was sent to another name than this machine's own.
    #[error(
        "this page answers to 127.0.0.1 and localhost with its port alone; open it by the address that siamese-draw printed"
    )]
    OtherHost,
    /// The request comes from another page.
    #[error(
        "the request comes from another page than this one; open the address that siamese-draw printed in a tab of its own"
    )]
    OtherOrigin,
    /// The body is of another kind.
    #[error("a request's content type has to be application/json")]
    NotJson,
    /// The body is longer than any set of drawings.
    #[error("the request has more than {} MiB; draw fewer drawings", MOST_BODY >> 20)]
    TooLong,
    /// The body did not come in time, or the connection broke.
    #[error("the request did not arrive whole within {MOST_SECONDS} seconds; send it again")]
    CutShort,
    /// Too many requests are under way.
    #[error("{MOST_REQUESTS} requests are under way already; try again in a moment")]
    Busy,
    /// Too many connections are open.
    #[error("too many connections are open; close other tabs of this page and try again")]
    Crowded,
    /// Nothing is at the path.
    #[error("nothing is at this path; the page is at /")]
    NoPath,
    /// Something is at the path, for another method.
    #[error("this path takes {0} alone")]
    OtherMethod(&'static str),
    /// The body is not the request that the path takes.
    #[error("the request is not what this path takes: {0}")]
    BadRequest(#[from] serde_json::Error),
    /// There is nothing to rank.
    #[error("no class has a drawing yet; draw each class once")]
    NoClasses,
    /// More classes than the page has.
    #[error("{0} classes are more than {MOST_CLASSES}, the most that are ranked")]
    ManyClasses(usize),
    /// No drawings of a class, or too many.
    #[error("class {class:?} has {got} drawings; a class has 1 to {MOST_DRAWINGS}")]
    Drawings {
        /// The class's name.
        class: String,
        /// How many it has.
        got: usize,
    },
    /// A drawing is not a PNG picture in base64.
    #[error("{0} is not a PNG picture in base64")]
    NotPng(String),
    /// A drawing's sides.
    #[error(
        "{drawing} is a picture of {width} x {height} pixels; 1 to {MOST_SIDE} a side are read"
    )]
    Sides {
        /// Which drawing.
        drawing: String,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// A drawing cannot be made ready for the network.
    #[error("{drawing} {}", whole(problem))]
    Picture {
        /// Which drawing.
        drawing: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A name that cannot be a folder's.
    #[error(
        "{0:?} cannot be a name: 1 to {MOST_NAME} bytes, no /, \\ or :, no dot at its begin, no dot \
         or space at its end, and nothing that systems keep for themselves"
    )]
    Name(String),
    /// Two classes of one name.
    #[error("two classes are named {0:?}; give each a name of its own")]
    SameName(String),
    /// A set of that name is there.
    #[error("a set named {0:?} is there already; replace it, or choose another name")]
    SetExists(String),
    /// The set of that name holds other things as well.
    #[error("{}: {why}; it was left as it is", path.display())]
    ForeignSet {
        /// Its folder, or what is in it.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No set of that name.
    #[error("no set is named {0:?}; it was renamed or removed meanwhile")]
    NoSet(String),
    /// The system refuses to read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refuses to write.
    #[error("{}", whole(.0))]
    Write(#[from] ExportError),
    /// No alphabet of that name.
    #[error("no alphabet is named {0:?}; siamese-draw --alphabets STORE offers those of a store")]
    NoAlphabet(String),
    /// The store is damaged.
    #[error("{}", whole(.0))]
    Store(#[from] StoreError),
    /// No store to calibrate on.
    #[error("no threshold can be found: siamese-draw was not started with --calibrate STORE")]
    NoCalibration,
    /// The store does not serve to calibrate on.
    #[error("no threshold can be found for {ways} classes of {shots}: {why}")]
    Calibration {
        /// Classes to choose among.
        ways: usize,
        /// Drawings of each.
        shots: usize,
        /// What is wrong.
        why: String,
    },
    /// A bug of this program.
    #[error("the answer failed inside the program; its terminal says more")]
    Failed,
}

/// An error with its causes, in one sentence.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

impl Refusal {
    /// HTTP's code for it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Refusal::OtherOrigin => StatusCode::FORBIDDEN,
            Refusal::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::CutShort => StatusCode::REQUEST_TIMEOUT,
            Refusal::Busy | Refusal::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::NoPath | Refusal::NoSet(_) | Refusal::NoAlphabet(_) => StatusCode::NOT_FOUND,
            Refusal::OtherMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::SetExists(_) => StatusCode::CONFLICT,
            Refusal::Read { .. } | Refusal::Write(_) | Refusal::Store(_) | Refusal::Failed => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}
