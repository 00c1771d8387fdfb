//! How much may be asked, at once and in all.

/// The most bytes of a request's body.
pub const MOST_BODY: usize = 16 << 20;
/// The most classes of a request.
pub const MOST_CLASSES: usize = 60;
/// The most drawings of a class.
pub const MOST_DRAWINGS: usize = 10;
/// The most pixels along a side of a drawing.
pub const MOST_SIDE: u32 = 1024;
/// The most bytes of a name.
pub const MOST_NAME: usize = 100;
/// The most requests under way at once.
pub const MOST_REQUESTS: usize = 16;
/// The most connections at once.
pub const MOST_CONNECTIONS: usize = 64;
/// The most seconds that a request's head, and then its body, may take to arrive.
pub const MOST_SECONDS: u64 = 15;
/// The most seconds that the system may have to keep an answer for a client that does not read it,
/// counted from when it can keep no more. A page of this machine reads its answer in a fraction of
/// one, however many drawings it has: whoever needs more does not mean to, and would hold one of
/// [`MOST_CONNECTIONS`] for as long as it likes.
pub const MOST_SECONDS_UNREAD: u64 = 60;
