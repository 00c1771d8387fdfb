//! The program, started in a folder of its own, and drawings to send to it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::client::PATIENCE;
use crate::common::page;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omnishot::archive::page_to_png;
use serde_json::{Value, json};

/// A `siamese-draw` that runs until it is dropped.
pub struct Program {
    child: Child,
    pub port: u16,
    folder: tempfile::TempDir,
}

impl Program {
    /// Starts it on a free port with these arguments more, in a folder that `fill` fills.
    pub fn start_in(fill: impl FnOnce(&Path), arguments: &str) -> Program {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        let mut child = Command::new(env!("CARGO_BIN_EXE_siamese-draw"))
            .args(["--pretrained", "--port", "0"])
            .args(arguments.split_whitespace())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("http://127.0.0.1:");
        let port = port.and_then(|rest| rest.strip_suffix('/'));
        let port = port.unwrap_or_else(|| panic!("no address: {line:?}"));
        Program {
            port: port.parse().unwrap(),
            child,
            folder,
        }
    }

    /// Starts it on a free port with these arguments more.
    pub fn start(arguments: &str) -> Program {
        Program::start_in(|_| (), arguments)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends it a signal, by `kill`, and waits for its end.
    #[cfg(unix)]
    pub fn end_by(mut self, signal: &str) -> (ExitStatus, Duration) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut rest = String::new();
                let mut stdout = self.child.stdout.take().unwrap();
                stdout.read_to_string(&mut rest).unwrap();
                assert_eq!(rest, "", "more than the address was printed");
                return (status, began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{signal} does not end it");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A drawing in base64; each `kind` is another one.
pub fn drawing(kind: u32) -> String {
    STANDARD.encode(page_to_png(&page(kind)))
}

/// Classes `c00`, `c01` and so on, each of one drawing.
pub fn classes(kinds: impl IntoIterator<Item = u32>) -> Value {
    let class = |(place, kind): (usize, u32)| {
        let name = format!("c{place:02}");
        json!({ "name": name, "drawings": [drawing(kind)] })
    };
    kinds.into_iter().enumerate().map(class).collect()
}

/// A question for `/api/rank`.
pub fn question(kinds: impl IntoIterator<Item = u32>, query: u32) -> Value {
    json!({ "classes": classes(kinds), "query": drawing(query), "threshold": null })
}
