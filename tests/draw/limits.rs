//! How much may be asked at once, and how slowly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{PATIENCE, connect, get, head, posted, receive, send};
use crate::program::{Program, question};

/// Requests whose bodies do not come.
fn waiting(port: u16, count: usize) -> Vec<TcpStream> {
    let headers = [
        ("content-type", "application/json"),
        ("content-length", "2"),
    ];
    let begin = head(port, "POST /api/rank", &headers);
    let mut streams: Vec<TcpStream> = (0..count).map(|_| connect(port)).collect();
    for stream in &mut streams {
        stream.write_all(begin.as_bytes()).unwrap();
    }
    streams
}

/// Asks until the answer has this status.
fn until(status: u16, mut ask: impl FnMut() -> crate::client::Reply) -> String {
    let began = Instant::now();
    loop {
        let reply = ask();
        if reply.status == status {
            return reply.body;
        }
        assert!(began.elapsed() < PATIENCE, "never {status}: {reply:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sixteen_requests_are_answered_at_once_and_no_more() {
    let program = Program::start("");
    let port = program.port;
    let whole = posted(port, "/api/rank", &question([1, 50], 50).to_string());
    let mut under_way = waiting(port, 16);
    let said = until(503, || send(port, &whole));
    assert!(said.contains("16 requests are under way"), "{said}");
    // The page itself is still there.
    assert_eq!(get(port, "/").status, 200);
    for stream in &mut under_way {
        stream.write_all(b"{}").unwrap();
        // What came is no question, and on a busy machine may have come too late.
        assert!(matches!(receive(stream).status, 408 | 422));
    }
    until(200, || send(port, &whole));
}

#[test]
fn sixty_four_connections_are_served_at_once_and_no_more() {
    let program = Program::start("");
    let port = program.port;
    let open: Vec<TcpStream> = (0..64).map(|_| connect(port)).collect();
    let said = until(503, || get(port, "/"));
    assert!(said.contains("too many connections"), "{said}");
    drop(open);
    until(200, || get(port, "/"));
}

#[test]
fn bodies_that_are_too_long_are_refused_as_they_come() {
    let program = Program::start("");
    let port = program.port;
    let kind = [
        ("content-type", "application/json"),
        ("transfer-encoding", "chunked"),
    ];
    let mut stream = connect(port);
    stream
        .write_all(head(port, "POST /api/rank", &kind).as_bytes())
        .unwrap();
    let chunk = vec![b' '; 1 << 20];
    for _ in 0..17 {
        stream.write_all(b"100000\r\n").unwrap();
        stream.write_all(&chunk).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let reply = receive(&mut stream);
    assert_eq!(reply.status, 413, "{reply:?}");
    assert!(reply.refusal().contains("16 MiB"));
    // One that says so beforehand, and sends all of it nevertheless.
    let long = " ".repeat((16 << 20) + 1);
    let reply = send(port, posted(port, "/api/rank", &long));
    assert!(reply.refusal().contains("16 MiB"));
}

#[test]
fn whoever_is_slow_is_not_waited_for() {
    let program = Program::start("");
    let port = program.port;
    let mut late = waiting(port, 1).remove(0);
    let mut silent = connect(port);
    let mut half = connect(port);
    half.write_all(b"GET / HTTP/1.1\r\nhost: ").unwrap();
    let reply = receive(&mut late);
    assert_eq!(reply.status, 408);
    assert!(reply.refusal().contains("within 15 seconds"));
    for stream in [&mut silent, &mut half] {
        let mut rest = Vec::new();
        // Closed by the server, with a word or without.
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
    assert_eq!(get(port, "/").status, 200);
}
