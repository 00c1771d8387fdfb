//! What the programs that train have in common: which settings they take, and how they are stopped.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use omnishot::ranks::stop_with_launcher;
use omnishot::train::Preset;
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

/// Set once Ctrl-C is pressed, SIGTERM comes (which batch systems send before they kill), or the
/// process's launcher is asked to stop; pressed again, it ends the process.
pub fn stop_at_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    stop_with_launcher(move || told.store(true, Ordering::Relaxed));
    for signal in [SIGINT, SIGTERM] {
        // Asked twice: it does not wait for the step. What is registered first comes first.
        flag::register_conditional_shutdown(signal, i32::from(STOPPED), Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
