//! A client that speaks as little HTTP as it can, and nothing that it is not told to.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// However busy the machine is, an answer has come by then.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Reply {
    /// The body, which has to be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// What a refusal says: one sentence on one line.
    pub fn refusal(&self) -> String {
        assert!(self.status >= 400, "{self:?}");
        let json = self.json();
        let said = json["error"].as_str().unwrap().to_owned();
        assert!(!said.is_empty() && !said.contains('\n'), "{said}");
        assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
        said
    }
}

/// A connection to a port of this machine.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The head of a request, from its first line to the empty one; `Host` is the server's own.
pub fn head(port: u16, line: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{line} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}

/// Reads one answer.
pub fn receive(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let mut some = [0; 1 << 16];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut lines = head.split("\r\n");
            let status = lines.next().unwrap().split(' ').nth(1).unwrap();
            let headers: BTreeMap<String, String> = lines
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.get("content-length");
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = bytes[end + 4..][..length].to_vec();
                return Reply {
                    status: status.parse().unwrap(),
                    headers,
                    body: String::from_utf8(body).unwrap(),
                };
            }
        }
        let got = stream.read(&mut some).unwrap();
        assert!(
            got > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&some[..got]);
    }
}

/// Sends bytes over a connection of their own, and reads one answer.
pub fn send(port: u16, bytes: impl AsRef<[u8]>) -> Reply {
    let mut stream = connect(port);
    stream.write_all(bytes.as_ref()).unwrap();
    receive(&mut stream)
}

/// Asks for a path.
pub fn get(port: u16, path: &str) -> Reply {
    send(port, head(port, &format!("GET {path}"), &[]))
}

/// The bytes of a request with a JSON body.
pub fn posted(port: u16, path: &str, body: &str) -> String {
    let length = body.len().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("content-length", &length),
    ];
    head(port, &format!("POST {path}"), &headers) + body
}

/// Sends JSON to a path.
pub fn post(port: u16, path: &str, body: &Value) -> Reply {
    send(port, posted(port, path, &body.to_string()))
}
