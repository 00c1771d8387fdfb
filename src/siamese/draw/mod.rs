//! `siamese-draw`: a page to draw on. Draw each class once, then a query, and see which class it
//! is most like, or that it is none of them.
//!
//! ```text
//! limits     how much may be asked
//! guard      who may ask
//! server     connections and paths
//!   unread   connections whose clients do not read
//! desk       what may be asked for: the network's answers
//!   drawing  drawings as they are sent
//!   known    embeddings that were made before
//!   none     thresholds for none of these
//!   sets     classes on the disk
//!   alphabets  classes of a store
//! refusal    what is said of a request that is refused
//! page       the page itself
//! ```

mod alphabets;
mod desk;
mod drawing;
mod guard;
mod known;
mod limits;
mod none;
mod refusal;
mod server;
mod sets;
mod unread;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::network::PictureArguments;
use crate::cli::exit_code;
use crate::embed::Support;
use crate::onnx::Session;
use crate::store::Store;
use alphabets::Alphabets;
use anyhow::{Context, Result};
use clap::{ArgGroup, Parser};
use desk::Desk;
use known::Known;
use none::Calibration;
use omnishot_data::print_line;
use sets::Sets;

/// Serves a page to draw on, on this machine alone.
///
/// Prints the page's address. Draw each class once, then draw a query: the classes are ranked as
/// the pen lifts. Classes can be saved as folders that siamese-classify --support reads. Nothing
/// that is drawn leaves this machine. Ctrl-C ends it.
#[derive(Parser)]
#[command(version)]
#[command(group(ArgGroup::new("network").required(true)))]
#[command(group(ArgGroup::new("none")))]
struct Arguments {
    /// Weights that siamese-train wrote.
    #[arg(long, short, value_name = "FILE", group = "network")]
    weights: Option<PathBuf>,
    /// The network that comes with the program, trained on Omniglot's background set.
    #[arg(long, group = "network")]
    pretrained: bool,
    #[command(flatten)]
    preparation: PictureArguments,
    /// The port of the page's address; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8105)]
    port: u16,
    /// Answer "none of these" below a threshold that is found on this store for as many classes as
    /// are drawn: on its background alphabets that the network was not trained on.
    #[arg(long, value_name = "STORE", group = "none")]
    calibrate: Option<PathBuf>,
    /// Answer "none of these" where no class has a score above this, until the page says another.
    #[arg(
        long,
        value_name = "SCORE",
        group = "none",
        allow_negative_numbers = true
    )]
    threshold: Option<f64>,
    /// Offer the alphabets of this store to start from.
    #[arg(long, value_name = "STORE")]
    alphabets: Option<PathBuf>,
    /// Save sets of classes in this folder, and load them from it.
    #[arg(long, value_name = "DIR", default_value = "sets")]
    sets: PathBuf,
}

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    exit_code("siamese-draw", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let desk = Arc::new(desk(arguments)?);
    let listener = server::listen(arguments.port)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(limits::MOST_REQUESTS)
        .enable_all()
        .build()
        .context("the server cannot be started")?;
    runtime.block_on(async {
        // Before the address is printed: whoever reads it may stop the program at once.
        let stop = stop()?;
        print_line!("http://{}/", listener.local_addr()?);
        server::serve(listener, desk, stop).await
    })?;
    // An answer under way is for nobody any more.
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(ExitCode::SUCCESS)
}

/// Reads all that is asked for by name, and proves that it fits together.
fn desk(arguments: &Arguments) -> Result<Desk> {
    let network = match &arguments.weights {
        Some(weights) => Session::load(weights)?,
        None => Session::pretrained(),
    };
    // A matching network has no similarity to a class: told now, and not with each query.
    Support::new(&network, &[])?;
    let open = |path: &PathBuf| Store::open(path);
    let store = arguments.calibrate.as_ref().map(open).transpose()?;
    let alphabets = arguments.alphabets.as_ref().map(open).transpose()?;
    let scan = (arguments.preparation).settle("siamese-draw", &network, store.as_ref())?;
    let calibration = match store {
        Some(store) => {
            let name = store.path().display().to_string();
            Some(Calibration::new(store, &network).context(name)?)
        }
        None => None,
    };
    Ok(Desk {
        network,
        scan,
        threshold: arguments.threshold,
        calibration,
        sets: Sets::new(arguments.sets.clone()),
        alphabets: alphabets.map(Alphabets),
        known: Known::default(),
    })
}

/// Ready when Ctrl-C is pressed or SIGTERM comes.
#[cfg(unix)]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ready when Ctrl-C is pressed.
#[cfg(not(unix))]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
