//! Several ranks of a program on one machine, without Python: what `torchrun` does, less restarts.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

/// Set for the processes of [`Launch`]: such a process stops when its standard input ends, which it
/// does when the launcher is asked to stop or is gone.
const LAUNCHED: &str = "OMNISHOT_LAUNCHED";
/// How long the others may take to end by themselves, once one has failed.
const GRACE: Duration = Duration::from_secs(10);

/// A signal that comes again so soon is the first, sent to the process and to its group.
const ONCE: Duration = Duration::from_secs(1);

/// A program to be run as several ranks.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// What each rank is called with.
    pub arguments: Vec<OsString>,
    /// Ranks, at least 1.
    pub processes: u64,
    /// Where they meet; none for a port that is free.
    pub port: Option<u16>,
}

/// Why the ranks have not all ended well.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// There is no port, or a rank cannot be started.
    #[error("{what} failed")]
    Start {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The ranks were asked to stop.
    #[error("the ranks were stopped: {status}")]
    Stopped {
        /// How the first ended.
        status: ExitStatus,
    },
    /// A rank has failed, and the others were ended.
    #[error("rank {rank} has ended with {status}; the others were ended")]
    Rank {
        /// The first that failed.
        rank: u64,
        /// How it ended.
        status: ExitStatus,
    },
}

impl LaunchError {
    /// The exit code to pass on: the failed rank's, or 1.
    #[must_use]
    pub fn code(&self) -> u8 {
        let code = match self {
            LaunchError::Rank { status, .. } | LaunchError::Stopped { status } => status.code(),
            LaunchError::Start { .. } => None,
        };
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }
}

impl Launch {
    /// Runs the ranks until all have ended. Threads are shared out among them, unless
    /// `OMP_NUM_THREADS` and `RAYON_NUM_THREADS` say how many each is to have. When `asked` is set,
    /// they are asked to stop; when it is set once more, a second or more later, they are ended.
    /// Either unsets it.
    ///
    /// # Errors
    /// [`LaunchError`]; no rank is left behind.
    pub fn run(&self, asked: &AtomicBool) -> Result<(), LaunchError> {
        let port = match self.port {
            Some(port) => port,
            None => free_port().map_err(|source| LaunchError::Start {
                what: "finding a port that is free".to_owned(),
                source,
            })?,
        };
        let mut ranks = Running(Vec::new());
        for rank in 0..self.processes {
            let child = self
                .command(rank, port)
                .spawn()
                .map_err(|source| LaunchError::Start {
                    what: format!("starting {} as rank {rank}", self.program.display()),
                    source,
                })?;
            ranks.0.push(Some(child));
        }
        let mut failed: Option<(Instant, LaunchError)> = None;
        let mut stopping: Option<Instant> = None;
        while ranks.0.iter().any(Option::is_some) {
            thread::sleep(Duration::from_millis(20));
            if asked.swap(false, Ordering::Relaxed) {
                let since = stopping.get_or_insert_with(Instant::now).elapsed();
                for child in ranks.0.iter_mut().flatten() {
                    match since < ONCE {
                        true => child.stdin = None,  // closed: the rank sees its end
                        false => drop(child.kill()), // fails only for one that has ended
                    }
                }
            }
            for (rank, slot) in (0..).zip(&mut ranks.0) {
                let Some(child) = slot else { continue };
                let status = child.try_wait().map_err(|source| LaunchError::Start {
                    what: format!("waiting for rank {rank}"),
                    source,
                })?;
                let Some(status) = status else { continue };
                *slot = None;
                if !status.success() && failed.is_none() {
                    let error = match stopping {
                        Some(_) => LaunchError::Stopped { status },
                        None => LaunchError::Rank { rank, status },
                    };
                    failed = Some((Instant::now(), error));
                }
            }
            if failed.as_ref().is_some_and(|(at, _)| at.elapsed() > GRACE) {
                break; // the rest are ended when dropped
            }
        }
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }

    fn command(&self, rank: u64, port: u16) -> Command {
        let mut command = Command::new(&self.program);
        let text = |number: u64| number.to_string();
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .env(LAUNCHED, "1")
            .env("RANK", text(rank))
            .env("LOCAL_RANK", text(rank))
            .env("WORLD_SIZE", text(self.processes))
            .env("LOCAL_WORLD_SIZE", text(self.processes))
            .env("MASTER_ADDR", Ipv4Addr::LOCALHOST.to_string())
            .env("MASTER_PORT", port.to_string())
            .env_remove("TORCHELASTIC_USE_AGENT_STORE");
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        for threads in ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"] {
            if std::env::var_os(threads).is_none() {
                command.env(threads, text((cores / self.processes).max(1)));
            }
        }
        // Ctrl-C at a terminal is for the launcher, who tells them.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
}

/// Ranks that run; those that still do are ended when this is dropped.
struct Running(Vec<Option<Child>>);

impl Drop for Running {
    fn drop(&mut self) {
        for child in self.0.iter_mut().flatten() {
            // Either fails only for one that has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// In a process of [`Launch`], does `stop` once the launcher asks for it or is gone; elsewhere
/// nothing.
pub fn stop_with_launcher(stop: impl FnOnce() + Send + 'static) {
    if std::env::var_os(LAUNCHED).is_none() {
        return;
    }
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        stop();
    });
}
