//! The report of an evaluation: page, terminal text and CSV files.
#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod sample;

use omnishot::report::page;

#[test]
#[ignore = "writes a page to look at: OMNISHOT_PAGE=FILE"]
fn a_page_to_look_at() {
    let file = std::env::var("OMNISHOT_PAGE").unwrap();
    let html = page(&sample::evaluation(), &sample::gallery(24));
    std::fs::write(file, html).unwrap();
}
