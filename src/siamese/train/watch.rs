//! What a run shows: a bar on a terminal, lines elsewhere, JSON if asked for.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::ranks::Ranks;
use crate::sample::ValidationTasks;
use crate::store::{AlphabetId, Store};
use crate::train::{Keep, Preset, Profile, StepRecord, Trained, Validation, validation_tasks};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use omnishot_data::print_line;

use super::Arguments;

/// What is held out, and what is asked of it.
fn held_out(store: &Store, preset: &Preset, tasks: Option<&ValidationTasks>) -> String {
    let Some(tasks) = tasks else {
        let last = match preset.keep {
            Keep::Best => "; without scores the last weights are kept",
            Keep::Last => "",
        };
        return format!("held out of the background set: nothing{last}");
    };
    let names = |ids: &[AlphabetId]| {
        let names: Vec<&str> = (ids.iter())
            .map(|&id| store.alphabet(id).name.as_str())
            .collect();
        names.join(", ")
    };
    let ways = tasks.shape.ways;
    let left_out = match tasks.left_out.len() {
        0 => String::new(),
        _ => format!(
            "; too small for that, and not asked about: {}",
            names(&tasks.left_out)
        ),
    };
    format!(
        "held out of the background set, for {ways}-way tasks: {}{left_out}",
        names(&tasks.asked)
    )
}

/// Shows a run as it goes.
pub struct Watch {
    bar: Option<ProgressBar>,
    json: bool,
    profile: bool,
    steps: u64,
    started: Instant,
    last: Option<StepRecord>,
    validation: Option<Validation>,
}

impl Watch {
    pub fn new(
        arguments: &Arguments,
        preset: &Preset,
        store: &Store,
        seed: u64,
        from: u64,
        ranks: &Ranks,
    ) -> Watch {
        let json = arguments.json;
        let steps = preset.steps;
        if !json {
            let name = match from {
                0 => arguments.preset.clone(),
                from => format!("resumed after step {from}"),
            };
            eprintln!(
                "{name}: {steps} steps of {} drawings, seed {seed}, {:?}, {} threads{}, store {}",
                preset.batch.drawings(),
                arguments.device,
                tch::get_num_threads(),
                match ranks.world() {
                    1 => String::new(),
                    world => format!(" of each of {world} ranks"),
                },
                store.digest(),
            );
            // What cannot be had is refused by the run itself.
            if let Ok(tasks) = validation_tasks(store, preset, seed) {
                eprintln!("{}", held_out(store, preset, tasks.as_ref()));
            }
        }
        let style = "{bar:30} {pos}/{len} steps, {msg}, {eta} left";
        let bar = (!json && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(steps)
                .with_style(ProgressStyle::with_template(style).expect("the template is sound"));
            bar.set_position(from);
            bar.reset_eta();
            bar
        });
        Watch {
            bar,
            json,
            profile: arguments.profile,
            steps,
            started: Instant::now(),
            last: None,
            validation: None,
        }
    }

    pub fn step(&mut self, record: &StepRecord, line: &str) {
        let scored = record.validation.zip(record.validation_ways);
        let scored = scored.map(|(accuracy, ways)| Validation { accuracy, ways });
        self.validation = scored.or(self.validation);
        let first = self.last.is_none();
        self.last = Some(*record);
        let text = || {
            let validation = self.validation.map_or(String::new(), |score| {
                format!(", validation {:.1}% ({}-way)", score.accuracy, score.ways)
            });
            format!(
                "loss {:.3}, {:.0} drawings/s, waited {:.1}%{validation}",
                record.loss,
                record.images_per_second,
                100.0 * record.waited
            )
        };
        if self.json {
            print_line!("{line}");
        } else if let Some(bar) = &self.bar {
            bar.set_position(record.step);
            bar.set_message(text());
        } else if first || record.step.is_multiple_of(50) || record.validation.is_some() {
            eprintln!("step {}/{}: {}", record.step, self.steps, text());
        }
    }

    /// The summary of a run that went on from step `from`.
    pub fn end(&self, trained: &Trained, from: u64, weights: &Path) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
        if self.json {
            return;
        }
        if let Some(last) = &self.last {
            eprintln!(
                "{} steps in {}, {:.0} drawings/s, waited {:.2}% of the time; last loss {:.4}",
                trained.steps - from,
                HumanDuration(self.started.elapsed()),
                last.images_per_second,
                100.0 * last.waited,
                last.loss
            );
        }
        if let Some(best) = trained.best {
            let of = match best.ways {
                0 => "ways not recorded".to_owned(), // by the program that began the run
                ways => format!("{ways}-way"),
            };
            let (accuracy, step) = (best.accuracy, best.step);
            eprintln!("best validation {accuracy:.2}% ({of}), after step {step}");
        }
        if self.profile {
            self.print_profile(&trained.profile, trained.steps - from);
        }
        let (path, of, steps) = (weights.display(), trained.model.card.steps, trained.steps);
        eprintln!("{path}: written after {steps} steps (weights of step {of})");
        if trained.stopped {
            eprintln!("stopped; the same command with --resume goes on");
        }
    }

    fn print_profile(&self, profile: &Profile, steps: u64) {
        let whole = self.started.elapsed();
        let parts = [
            ("waiting for batches", profile.waiting),
            ("forward", profile.forward),
            ("backward", profile.backward),
            ("update", profile.update),
            ("on the device", profile.device),
            ("scoring", profile.scoring),
            ("saving", profile.saving),
        ];
        let known: Duration = parts.iter().map(|part| part.1).sum();
        let rest = [("the rest", whole.saturating_sub(known)), ("all", whole)];
        eprintln!("{:<20} {:>10} {:>12} {:>7}", "", "s", "ms a step", "share");
        for (name, time) in parts.into_iter().chain(rest) {
            let seconds = time.as_secs_f64();
            eprintln!(
                "{name:<20} {seconds:>10.2} {:>12.3} {:>6.2}%",
                1e3 * seconds / steps.max(1) as f64,
                100.0 * seconds / whole.as_secs_f64()
            );
        }
    }
}
