//! What a search shows: a bar on a terminal, lines elsewhere, JSON if asked for.

use std::io::IsTerminal;

use crate::train::Preset;
use crate::tune::{Event, Outcome};
use indicatif::{ProgressBar, ProgressStyle};
use omnishot_data::print_line;
use serde::Serialize;

/// Shows a search as it goes.
pub struct Watch {
    bar: Option<ProgressBar>,
    json: bool,
    steps: u64,
    trials: u64,
    settings: Vec<String>,
    best: Option<(f64, u64)>,
    validation: Option<f64>,
    /// Ways of the tasks that every score is taken over.
    ways: u64,
}

/// What JSON says of a trial that ended.
#[derive(Serialize)]
struct Ended<'a> {
    trial: u64,
    how: Outcome,
    accuracy: f64,
    validation_ways: u64,
    settings: &'a [String],
}

impl Watch {
    pub fn new(json: bool, preset: &Preset, trials: u64, ways: u64) -> Watch {
        if !json {
            eprintln!("each trial is scored on {ways}-way tasks of held-out alphabets");
        }
        let style = "{bar:30} {pos}/{len} steps of {prefix}, {msg}, {eta} left";
        let bar = (!json && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template(style).expect("the template is sound");
            ProgressBar::new(preset.steps).with_style(style)
        });
        Watch {
            bar,
            json,
            steps: preset.steps,
            trials,
            settings: Vec::new(),
            best: None,
            validation: None,
            ways,
        }
    }

    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Began {
                trial,
                settings,
                steps,
            } => self.begin(*trial, settings, *steps),
            Event::Step(_, record) => {
                self.validation = record.validation.or(self.validation);
                if let Some(bar) = &self.bar {
                    let scored = self.validation;
                    let scored = scored.map_or(String::new(), |v| format!(", validation {v:.1}%"));
                    let best = self.best;
                    let best = best.map_or(String::new(), |(v, _)| format!(", best {v:.1}%"));
                    bar.set_position(record.step);
                    bar.set_message(format!("loss {:.3}{scored}{best}", record.loss));
                }
            }
            Event::Ended(trial, how, accuracy) => self.ended(*trial, *how, *accuracy),
            Event::Busy(others) => self.say(&format!(
                "nothing is left to begin; trials that other processes work on: {others}"
            )),
        }
    }

    fn begin(&mut self, trial: u64, settings: &[String], steps: u64) {
        self.settings = settings.to_vec();
        self.validation = None;
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("trial {trial} of {}", self.trials));
            bar.set_length(self.steps);
            bar.set_position(steps);
            bar.reset_eta();
        }
        if steps > 0 {
            self.say(&format!("trial {trial} goes on after step {steps}"));
        }
    }

    fn ended(&mut self, trial: u64, how: Outcome, accuracy: f64) {
        if self.json {
            let ended = Ended {
                trial,
                how,
                accuracy,
                validation_ways: self.ways,
                settings: &self.settings,
            };
            let line = serde_json::to_string(&ended).expect("an ending is plain data");
            print_line!("{line}");
            return;
        }
        if self.best.is_none_or(|(best, _)| accuracy > best) {
            self.best = Some((accuracy, trial));
        }
        let how = match how {
            Outcome::Finished => "finished",
            Outcome::Pruned => "stopped below the median",
            Outcome::Diverged => "diverged",
        };
        let settings = self.settings.join(" ");
        let ways = self.ways;
        self.say(&format!(
            "trial {trial}: {accuracy:.2}% ({ways}-way), {how}: {settings}"
        ));
    }

    fn say(&self, text: &str) {
        match &self.bar {
            _ if self.json => {}
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
