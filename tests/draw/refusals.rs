//! What is refused, and that each refusal says why: in JSON, in one sentence.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::client::{connect, get, head, post, posted, receive, send};
use crate::program::{Program, classes, drawing, question};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omnishot::archive::{Archive, ScanOptions};
use omnishot::store::{self, WriteOptions};
use omnishot::synthetic::{SyntheticOptions, synthesize};
use serde_json::{Value, json};

/// The first line of a request, its headers, the status of the answer, and what that says.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);

/// What makes a sound question one that is refused.
type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn other_places_methods_and_kinds_are_refused() {
    let program = Program::start("");
    let port = program.port;
    let own = format!("http://127.0.0.1:{port}");
    let json = ("content-type", "application/json");
    let none = ("content-length", "0");
    let site = |site: &'static str| ("sec-fetch-site", site);
    let cases: &[Case] = &[
        ("GET /nothing", &[], 404, "the page is at /"),
        ("GET /../etc/passwd", &[], 404, "the page is at /"),
        ("GET /api/", &[], 404, "the page is at /"),
        ("POST /", &[none], 405, "GET alone"),
        ("GET /api/rank", &[], 405, "POST alone"),
        ("DELETE /api/save", &[], 405, "POST alone"),
        ("OPTIONS /api/save", &[], 405, "POST alone"),
        ("POST /api/rank", &[none], 415, "application/json"),
        (
            "POST /api/rank",
            &[none, ("content-type", "text/plain")],
            415,
            "application/json",
        ),
        (
            "POST /api/rank",
            &[json, none],
            422,
            "not what this path takes",
        ),
        (
            "POST /api/rank",
            &[json, ("content-length", "16777217")],
            413,
            "16 MiB",
        ),
        ("GET /", &[("host", "example.com")], 421, "127.0.0.1"),
        ("GET /", &[site("cross-site")], 403, "another page"),
        ("GET /api/start", &[site("same-site")], 403, "another page"),
        (
            "GET /api/start",
            &[("origin", "http://example.com")],
            403,
            "another page",
        ),
        (
            "POST /api/rank",
            &[json, none, ("origin", "null")],
            403,
            "another page",
        ),
    ];
    for (line, headers, status, says) in cases {
        let reply = send(port, head(port, line, headers));
        assert_eq!(reply.status, *status, "{line} {headers:?} {reply:?}");
        let said = reply.refusal();
        assert!(said.contains(says), "{line} {headers:?}: {said}");
        assert!(reply.headers.contains_key("content-security-policy"));
    }
    // What a page of another site may send without asking first changes nothing and tells nothing.
    let foreign = format!("GET /api/start HTTP/1.1\r\nhost: rebound.example.com:{port}\r\n\r\n");
    assert_eq!(send(port, foreign).status, 421);
    let headers = [site("same-origin"), ("origin", own.as_str())];
    assert_eq!(
        send(port, head(port, "GET /api/start", &headers)).status,
        200
    );
}

#[test]
fn what_is_no_question_is_refused() {
    let program = Program::start("");
    let port = program.port;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut asked = question([1, 50], 1);
        change(&mut asked);
        post(port, "/api/rank", &asked)
    };
    let text = |text: &str| json!(STANDARD.encode(text));
    let png = STANDARD.decode(drawing(1)).unwrap();
    let sides = |width: u32, height: u32| {
        let mut png = png.clone();
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = crc32fast::hash(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        json!(STANDARD.encode(png))
    };
    let blank = omnishot::archive::page_to_png(&omnishot::image::Page::BLANK);
    let drawings = |count: usize| json!(vec![drawing(3); count]);
    let cases: &[(Change, &str)] = &[
        (&|q| q["classes"] = json!([]), "draw each class once"),
        (
            &|q| q["classes"] = classes(0..61),
            "61 classes are more than 60",
        ),
        (
            &|q| q["classes"][1]["drawings"] = drawings(0),
            "class \"c01\" has 0 drawings",
        ),
        (
            &|q| q["classes"][1]["drawings"] = drawings(11),
            "class \"c01\" has 11 drawings",
        ),
        (&|q| q["query"] = json!("?"), "the query is not a PNG"),
        (&|q| q["query"] = json!(""), "the query is not a PNG"),
        (&|q| q["query"] = text("GIF89a"), "the query is not a PNG"),
        (&|q| q["query"] = sides(1025, 5), "1025 x 5 pixels"),
        (&|q| q["query"] = sides(5, 1025), "5 x 1025 pixels"),
        (&|q| q["query"] = sides(0, 5), "0 x 5 pixels"),
        (
            &|q| q["query"] = sides(u32::MAX, u32::MAX),
            "4294967295 x 4294967295",
        ),
        (
            &|q| q["query"] = sides(1024, 1024),
            "the query is a damaged PNG",
        ),
        (
            &|q| q["query"] = json!(STANDARD.encode(&png[..60])),
            "the query is a damaged PNG",
        ),
        (
            &|q| q["query"] = json!(STANDARD.encode(&blank)),
            "the query shows nothing",
        ),
        (
            &|q| q["classes"][1]["drawings"][0] = json!(STANDARD.encode(&blank)),
            "drawing 1 of class \"c01\" shows nothing",
        ),
        (&|q| q["classes"] = json!(5), "not what this path takes"),
        (&|q| q["more"] = json!(5), "not what this path takes"),
        (
            &|q| q["threshold"] = json!("high"),
            "not what this path takes",
        ),
        (&|q| *q = json!([[[[]]]]), "not what this path takes"),
    ];
    for (change, says) in cases {
        let reply = with(change);
        assert_eq!(reply.status, 422, "{says}: {reply:?}");
        let said = reply.refusal();
        assert!(said.contains(says), "{said:?} is not {says:?}");
    }
    let deep = "[".repeat(100_000);
    let reply = send(port, posted(port, "/api/rank", &deep));
    assert!(reply.refusal().contains("not what this path takes"));
    // The most that may be, is.
    let mut most = question(0..60, 7);
    most["classes"][7]["drawings"] = drawings(10);
    assert_eq!(post(port, "/api/rank", &most).status, 200);
}

#[test]
fn clients_that_close_in_the_middle_hurt_nobody() {
    let program = Program::start("");
    let port = program.port;
    let whole = posted(port, "/api/rank", &question([1, 50], 50).to_string());
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        connect(port)
            .write_all(&whole.as_bytes()[..length])
            .unwrap();
    }
    // Whole, and gone before the answer.
    for _ in 0..10 {
        connect(port).write_all(whole.as_bytes()).unwrap();
    }
    // No HTTP at all.
    for bytes in [
        &b"\x16\x03\x01\x02\0\x01"[..],
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
    ] {
        connect(port).write_all(bytes).unwrap();
    }
    let reply = loop {
        let reply = send(port, &whole);
        // Those that are gone may still be counted.
        if reply.status != 503 {
            break reply;
        }
    };
    assert_eq!(reply.json()["answer"], "c01");
}

#[test]
fn one_connection_may_ask_again_and_again() {
    let program = Program::start("");
    let port = program.port;
    let mut stream = connect(port);
    for query in [1, 50, 1, 50] {
        let whole = posted(port, "/api/rank", &question([1, 50], query).to_string());
        stream.write_all(whole.as_bytes()).unwrap();
        let answer = receive(&mut stream).json();
        assert_eq!(answer["answer"], if query == 1 { "c00" } else { "c01" });
        // A refusal ends nothing.
        let bad = posted(port, "/api/rank", "{}");
        stream.write_all(bad.as_bytes()).unwrap();
        assert_eq!(receive(&mut stream).status, 422);
    }
}

/// What the program says when it refuses to start.
fn start_refused(folder: &Path, arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_siamese-draw"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    said
}

#[test]
fn a_port_that_is_taken_is_an_error_in_words() {
    let program = Program::start("");
    let taken = format!("--pretrained --port {}", program.port);
    let said = start_refused(Path::new("."), &taken);
    assert!(
        said.contains("choose another --port") && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(get(program.port, "/").status, 200);
}

#[test]
fn a_store_of_pictures_made_otherwise_gives_no_threshold() {
    let folder = tempfile::tempdir().unwrap();
    let options = SyntheticOptions {
        background: 1,
        evaluation: 1,
        drawers: 2,
        ..SyntheticOptions::default()
    };
    let archive = Archive {
        alphabets: synthesize(&options),
        runs: Vec::new(),
    };
    let made = WriteOptions {
        pictures: Some(ScanOptions {
            cut: true,
            grey: false,
        }),
        ..WriteOptions::default()
    };
    store::write(&folder.path().join("cut.omni"), &archive, made, |_| ()).unwrap();
    let line = "--pretrained --port 0 --calibrate cut.omni --cut=false";
    let said = start_refused(folder.path(), line);
    assert!(
        said.contains("cut.omni: its pictures were made with --cut"),
        "{said}"
    );
    assert!(said.contains("does not hold for them"), "{said}");
}

#[test]
#[cfg(unix)]
fn it_stops_at_once_when_it_is_told_to() {
    for signal in ["-INT", "-TERM"] {
        let program = Program::start("");
        // One that is open and says nothing, and one in the middle of a question.
        let _idle = connect(program.port);
        let mut busy = connect(program.port);
        busy.write_all(b"POST /api/rank HTTP/1.1\r\n").unwrap();
        assert_eq!(get(program.port, "/").status, 200);
        let (status, took) = program.end_by(signal);
        assert_eq!(status.code(), Some(0), "{signal}");
        // At once, not when the connections are done: those would take 15 seconds.
        assert!(took.as_secs() < 10, "{took:?}");
    }
}
