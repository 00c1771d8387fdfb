//! What one setting may be, and where in that a value lies.

use serde::Deserialize;

/// The most choices of a setting.
pub const MOST_CHOICES: usize = 64;
/// Whole numbers up to here are exact as 64-bit floats too.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// What a setting may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// Any number from `low` to `high`, of four digits.
    Real {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Whether equal factors count as equal distances.
        log: bool,
    },
    /// `low` and every `step`th whole number after it, up to `high`.
    Whole {
        /// The least.
        low: i64,
        /// The greatest, itself a step.
        high: i64,
        /// From one to the next, at least 1.
        step: i64,
        /// Whether equal factors count as equal distances.
        log: bool,
    },
    /// One of these, as TOML writes them.
    Choices(Vec<String>),
}

/// What a setting is in one trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Real(f64),
    /// A whole number.
    Whole(i64),
    /// The place of a choice.
    Choice(usize),
}

/// A range as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    low: Option<f64>,
    high: Option<f64>,
    #[serde(default)]
    log: bool,
    #[serde(default)]
    integer: bool,
    step: Option<i64>,
    choices: Option<Vec<toml::Value>>,
}

impl Written {
    /// What it means, or what is wrong with it.
    pub(super) fn range(self) -> Result<Range, String> {
        let Written { low, high, log, .. } = self;
        let whole = self.integer || self.step.is_some();
        match (low, high, self.choices) {
            (None, None, Some(choices)) if !log && !whole => {
                let count = choices.len();
                let mut texts: Vec<String> = Vec::with_capacity(count);
                for choice in choices {
                    texts.push(choice_text(&choice)?);
                }
                let mut sorted = texts.clone();
                sorted.sort();
                sorted.dedup();
                if !(2..=MOST_CHOICES).contains(&count) || sorted.len() < count {
                    return Err(format!(
                        "it must have 2 to {MOST_CHOICES} different choices"
                    ));
                }
                Ok(Range::Choices(texts))
            }
            (Some(low), Some(high), None) => {
                if !(low.is_finite() && high.is_finite() && low < high) {
                    return Err(format!(
                        "low is {low} and high {high}; low must be below high"
                    ));
                }
                if log && low <= 0.0 {
                    return Err(format!("low is {low}; with log it must be above 0"));
                }
                if !whole {
                    return Ok(Range::Real { low, high, log });
                }
                let step = self.step.unwrap_or(1);
                let exact = |number: f64| number.fract() == 0.0 && number.abs() <= MOST_WHOLE;
                if !exact(low) || !exact(high) || step < 1 || high - low < step as f64 {
                    return Err(format!(
                        "low {low}, high {high} and step {step} must be whole, with room for a step"
                    ));
                }
                let (low, high) = (low as i64, high as i64);
                let high = low + (high - low) / step * step;
                Ok(Range::Whole {
                    low,
                    high,
                    step,
                    log,
                })
            }
            _ => Err("it must have low and high, or else choices alone".to_owned()),
        }
    }
}

impl Range {
    /// The value at a share from 0 to 1 of the range; equal parts have equal chances.
    #[must_use]
    pub fn at(&self, share: f64) -> Value {
        let share = share.clamp(0.0, 1.0);
        let between = |low: f64, high: f64, log: bool| {
            if log {
                // libm's are the same on every machine.
                libm::exp(libm::log(low) + share * (libm::log(high) - libm::log(low)))
            } else {
                low + share * (high - low)
            }
        };
        match *self {
            Range::Real { low, high, log } => {
                let exact = between(low, high, log).clamp(low, high);
                let short: f64 = format!("{exact:.3e}").parse().unwrap_or(exact);
                Value::Real(short.clamp(low, high))
            }
            Range::Whole {
                low,
                high,
                step,
                log,
            } => {
                // Half a step more on both sides, so that both ends have a whole share too.
                let half = step as f64 / 2.0;
                let least = if log { low as f64 } else { low as f64 - half };
                let most = if log { high as f64 } else { high as f64 + half };
                let steps = ((between(least, most, log) - low as f64) / step as f64).round();
                Value::Whole((low + steps as i64 * step).clamp(low, high))
            }
            Range::Choices(ref texts) => {
                let place = (share * texts.len() as f64) as usize;
                Value::Choice(place.min(texts.len() - 1))
            }
        }
    }

    /// Where in its range a value lies, 0 to 1: `at` of it is the value again, but for a real
    /// number's last digits.
    #[must_use]
    pub fn share(&self, value: Value) -> f64 {
        let share = |number: f64, low: f64, high: f64, log: bool| {
            let share = if log {
                (libm::log(number) - libm::log(low)) / (libm::log(high) - libm::log(low))
            } else {
                (number - low) / (high - low)
            };
            share.clamp(0.0, 1.0)
        };
        match (self, value) {
            (&Range::Real { low, high, log }, Value::Real(number)) => share(number, low, high, log),
            (
                &Range::Whole {
                    low,
                    high,
                    step,
                    log,
                },
                Value::Whole(number),
            ) => {
                let half = if log { 0.0 } else { step as f64 / 2.0 };
                share(number as f64, low as f64 - half, high as f64 + half, log)
            }
            (Range::Choices(texts), Value::Choice(place)) => {
                (place as f64 + 0.5) / texts.len() as f64
            }
            _ => unreachable!("a value is of its dimension"),
        }
    }

    /// The value that a text is, if it is in the range.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        match *self {
            Range::Real { low, high, .. } => {
                let number: f64 = text.parse().ok()?;
                (low..=high)
                    .contains(&number)
                    .then_some(Value::Real(number))
            }
            Range::Whole {
                low, high, step, ..
            } => {
                let number: i64 = text.parse().ok()?;
                let sound = (low..=high).contains(&number) && (number - low) % step == 0;
                sound.then_some(Value::Whole(number))
            }
            Range::Choices(ref texts) => {
                let place = texts.iter().position(|known| known == text)?;
                Some(Value::Choice(place))
            }
        }
    }
}

/// A choice as TOML writes it.
fn choice_text(choice: &toml::Value) -> Result<String, String> {
    let number = |value: &toml::Value| value.is_integer() || value.is_float();
    let sound = match choice {
        toml::Value::String(_) | toml::Value::Boolean(_) => true,
        toml::Value::Array(numbers) => numbers.iter().all(number),
        other => number(other),
    };
    if sound {
        Ok(choice.to_string())
    } else {
        Err("a choice must be a text, a number, true or false, or a list of numbers".to_owned())
    }
}
