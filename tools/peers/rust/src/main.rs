//! omnishot's loader beside those of two other Rust projects, on the same function of the
//! index: loader-peers STORE [SECONDS [ROUNDS]]. Prints Markdown; see tools/peers/README.md.

mod loaders;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loaders::{NAMES, run};
use work::{Batch, PAIRS, Work};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let store: PathBuf = arguments.next().context("say which store")?.into();
    let seconds = arguments.next().map_or(Ok(2.0), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let work = Work::new(&store)?;
    println!(
        "| loader | pairs/s, 1 worker | 2 workers | same batches for 1, 2, 3 workers | in the same order | a worker panics |"
    );
    println!("|---|---|---|---|---|---|");
    let mut rates = vec![[const { Vec::new() }; 2]; NAMES.len()];
    for _ in 0..rounds {
        for (name, rates) in NAMES.iter().zip(&mut rates) {
            for (workers, rates) in (1..).zip(rates) {
                rates.push(rate(name, &work, workers, seconds)?);
            }
        }
    }
    for (name, mut rates) in NAMES.iter().zip(rates) {
        let [one, two] = rates.each_mut().map(|rates| {
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        });
        let streams = [1, 2, 3].map(|workers| stream(name, &work, workers));
        let ordered = streams.iter().all(|s| *s == streams[0]);
        let sets = streams.map(|mut stream| {
            stream.sort_unstable();
            stream
        });
        let same = sets.iter().all(|s| *s == sets[0]);
        let says = |holds| if holds { "yes" } else { "no" };
        let panic = panicking(name, &work);
        println!(
            "| {name} | {one:.0} | {two:.0} | {} | {} | {panic} |",
            says(same),
            says(ordered)
        );
    }
    Ok(())
}

/// Pairs a second after half a second of warming up.
fn rate(name: &str, work: &Work, workers: usize, seconds: f64) -> Result<f64> {
    let (warm, whole) = (
        Duration::from_millis(500),
        Duration::from_secs_f64(0.5 + seconds),
    );
    let (started, mut counted, mut batches) = (Instant::now(), None, 0);
    let mut end = started;
    run(name, work, workers, |batch| {
        std::hint::black_box(batch);
        if counted.is_none() && started.elapsed() > warm {
            (counted, batches) = (Some(Instant::now()), 0);
        } else {
            batches += 1;
        }
        end = Instant::now();
        started.elapsed() < whole
    })
    .map_err(anyhow::Error::msg)?;
    let passed = end - counted.context("the window is too short")?;
    Ok((batches * PAIRS) as f64 / passed.as_secs_f64())
}

/// The digests of the first batches, in the order they came.
fn stream(name: &str, work: &Work, workers: usize) -> Vec<[u8; 32]> {
    let mut digests = Vec::new();
    let ended = run(name, work, workers, |(pixels, labels): &Batch| {
        let mut hasher = blake3::Hasher::new();
        for pixel in pixels {
            hasher.update(&pixel.to_le_bytes());
        }
        for &label in labels {
            hasher.update(&[u8::from(label)]);
        }
        digests.push(*hasher.finalize().as_bytes());
        digests.len() < 24
    });
    ended.expect("nothing goes wrong here");
    digests
}

/// What the consumer sees if pair 640, which is in batch 10, panics: for ten seconds at most.
fn panicking(name: &str, work: &Work) -> String {
    let mut work = work.clone();
    work.panics_at = Some(640);
    let (started, mut batches) = (Instant::now(), 0);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run(name, &work, 2, |_| {
            batches += 1;
            batches < 400 && started.elapsed() < Duration::from_secs(10)
        })
    }));
    std::panic::set_hook(hook);
    match ended {
        Err(_) => format!("a panic after {batches} batches"),
        Ok(Err(error)) => format!("an error after {batches} batches: \"{error}\""),
        Ok(Ok(())) if batches >= 400 => "not heard of in 400 batches".to_owned(),
        Ok(Ok(())) => format!("the stream ends after {batches} batches, without a word"),
    }
}
