//! What the programs that train have in common: which settings they take, and how they are stopped.

use std::fs;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::files::is_publishing;
use crate::ranks::stop_with_launcher;
use crate::train::Preset;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit code of one that was stopped by Ctrl-C or SIGTERM: 128 + SIGINT.
pub const STOPPED: u8 = 130;

/// What `--preset` takes.
pub fn preset_help() -> String {
    let names = Preset::names();
    format!("Settings that ship with the program ({names}), or a TOML file of settings")
}

/// The settings of a preset's name, or of a TOML file, with `changes` in place of its own.
pub fn read_preset(name: &str, changes: &[String]) -> Result<Preset> {
    if name.ends_with(".toml") {
        let text = fs::read_to_string(name).with_context(|| format!("{name}: cannot be read"))?;
        Preset::parse(&text, changes).with_context(|| name.to_owned())
    } else {
        Ok(Preset::parse(Preset::shipped_text(name)?, changes)?)
    }
}

/// One signal may come twice: `timeout -s INT` sends it to the process and to its group. What comes
/// so soon after the first is the first.
const ONCE: Duration = Duration::from_secs(1);
/// How long a signal waits until it is seen, at most.
const LOOK: Duration = Duration::from_millis(20);

/// Set once Ctrl-C is pressed, SIGTERM comes (which batch systems send before they kill), or the
/// process's launcher is asked to stop. Pressed again, a second or more later, it ends the process,
/// once no file is being written.
pub fn stop_at_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    stop_with_launcher(move || told.store(true, Ordering::Relaxed));
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&asked))?;
    }
    let told = Arc::clone(&stop);
    thread::spawn(move || end_when_asked_twice(&asked, &told));
    Ok(stop)
}

/// Sets `stop` when `asked` is set, and ends the process when it is set again.
fn end_when_asked_twice(asked: &AtomicBool, stop: &AtomicBool) {
    let mut first: Option<Instant> = None;
    loop {
        thread::sleep(LOOK);
        if !asked.swap(false, Ordering::Relaxed) {
            continue;
        }
        stop.store(true, Ordering::Relaxed);
        if first.get_or_insert_with(Instant::now).elapsed() < ONCE {
            continue;
        }
        while is_publishing() {
            thread::sleep(LOOK);
        }
        // It does not wait for the step.
        exit(i32::from(STOPPED));
    }
}
