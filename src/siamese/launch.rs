//! Several ranks of a program: how they are launched, and how one finds the others.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::ranks::{Launch, LaunchError, Place, Ranks};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tch::{Cuda, Device};

/// What is done instead of the program's own work.
#[derive(Subcommand)]
pub enum LaunchCommand {
    /// Runs this program as several ranks on this machine, which share the work: what torchrun does,
    /// without Python. Ctrl-C stops them all.
    Launch(LaunchArguments),
}

/// How many ranks, and what each does.
#[derive(Args)]
pub struct LaunchArguments {
    /// Ranks: as many as there are GPUs, or on a CPU as many as share its cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    nproc: u64,
    /// The port on which they meet, instead of any that is free.
    #[arg(long)]
    port: Option<u16>,
    /// What the program is to be called with.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<OsString>,
}

/// Runs the ranks. Ctrl-C or SIGTERM asks them to stop, once more ends them.
pub fn launch(arguments: &LaunchArguments) -> Result<ExitCode> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&asked))?;
    }
    let launch = Launch {
        program: env::current_exe().context("this program has no path")?,
        arguments: arguments.arguments.clone(),
        processes: arguments.nproc,
        port: arguments.port,
    };
    let Err(error) = launch.run(&asked) else {
        return Ok(ExitCode::SUCCESS);
    };
    let code = error.code();
    if !matches!(error, LaunchError::Stopped { .. }) {
        eprintln!("launch: {:#}", anyhow::Error::from(error));
    }
    Ok(ExitCode::from(code))
}

/// Meets the other ranks, if the environment says that there are any. Of several on one
/// machine, each takes its own GPU, and only the first shows what it does.
pub fn join(device: Device, timeout: u64) -> Result<(Ranks, Device)> {
    let place = Place::from_env()?;
    let device = match device {
        Device::Cuda(0) if place.world > 1 => {
            let own = usize::try_from(place.local_rank)?;
            let count = Cuda::device_count();
            if own as i64 >= count {
                bail!("LOCAL_RANK is {own}, and there are {count} GPUs: start a rank for each");
            }
            Device::Cuda(own)
        }
        device => device,
    };
    let ranks = Ranks::join(&place, device, Duration::from_secs(timeout))?;
    Ok((ranks, device))
}
