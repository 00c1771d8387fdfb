//! The space that is searched: settings by name, and what each of them may be.
//!
//! A space is a TOML file of `name = { … }`, the names being those of `siamese-train --set`:
//!
//! ```toml
//! optimizer.learning_rate = { low = 1e-4, high = 1e-1, log = true }
//! optimizer.warmup_steps  = { low = 0, high = 100, integer = true }
//! network.filters.0       = { low = 16, high = 256, step = 16 }
//! batch.poses             = { choices = [4, 8] }
//! ```
//!
//! `step` makes whole numbers, `low` and every `step`th after it; `integer` is a step of 1.
//! Choices are texts, numbers, truth values, or lists of numbers.

use super::range::{Range, Value, Written};

/// The most settings of a space.
pub const MOST_DIMENSIONS: usize = 64;
/// The longest text of a space in bytes.
pub const MOST_BYTES: usize = 1 << 16;
/// Settings and what each may be, in the order of their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    dimensions: Vec<Dimension>,
}

/// One setting that is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// Its name, as `siamese-train --set` has it.
    pub name: String,
    /// What it may be.
    pub range: Range,
}

/// Why a space is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// No space of that name ships with the program.
    #[error(
        "there is no space {0:?}; there are {names}, and files that end in .toml",
        names = Space::names()
    )]
    Unknown(String),
    /// The text is not TOML.
    #[error("the space cannot be read")]
    Toml(#[from] toml::de::Error),
    /// The text is too long to be a space.
    #[error("the space has {0} bytes; it may have {MOST_BYTES}")]
    Long(usize),
    /// There is nothing to search, or too much.
    #[error("the space has {0} settings; it must have 1 to {MOST_DIMENSIONS}")]
    Count(usize),
    /// A setting's range is none.
    #[error("the space's {name} is refused: {what}")]
    Range {
        /// The setting.
        name: String,
        /// What is wrong, and what it must be.
        what: String,
    },
}

impl Space {
    /// The names and the texts of the spaces that ship with the program.
    pub const SHIPPED: [(&str, &str); 3] = [
        ("compact", include_str!("compact.toml")),
        (
            "koch",
            concat!(include_str!("koch.toml"), include_str!("koch-layers.toml")),
        ),
        ("koch-layers", include_str!("koch-layers.toml")),
    ];

    /// The names of the spaces that ship with the program, as a sentence lists them.
    #[must_use]
    pub fn names() -> String {
        Space::SHIPPED.map(|(name, _)| name).join(", ")
    }

    /// The text of a space that ships with the program.
    ///
    /// # Errors
    /// [`SpaceError::Unknown`] if there is none of that name.
    pub fn shipped_text(name: &str) -> Result<&'static str, SpaceError> {
        let named = Space::SHIPPED.iter().find(|(known, _)| *known == name);
        let (_, text) = named.ok_or_else(|| SpaceError::Unknown(name.to_owned()))?;
        Ok(text)
    }

    /// Reads and checks a space.
    ///
    /// # Errors
    /// [`SpaceError`] names what is wrong with it. Whether there are such settings is only known
    /// together with a preset.
    pub fn parse(text: &str) -> Result<Space, SpaceError> {
        if text.len() > MOST_BYTES {
            return Err(SpaceError::Long(text.len()));
        }
        let table: toml::Table = toml::from_str(text)?;
        let mut found = Vec::new();
        flatten("", table, &mut found)?;
        if !(1..=MOST_DIMENSIONS).contains(&found.len()) {
            return Err(SpaceError::Count(found.len()));
        }
        let dimensions = found.into_iter().map(|(name, written)| {
            let range = written.range().map_err(|what| SpaceError::Range {
                name: name.clone(),
                what,
            })?;
            Ok(Dimension { name, range })
        });
        let dimensions = dimensions.collect::<Result<_, SpaceError>>()?;
        Ok(Space { dimensions })
    }

    /// The settings.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// The values as `name=value`, for [`Preset::parse`](crate::train::Preset::parse) and for
    /// `siamese-train --set`.
    ///
    /// # Panics
    /// If the values are not of this space.
    #[must_use]
    pub fn settings(&self, values: &[Value]) -> Vec<String> {
        assert_eq!(values.len(), self.dimensions.len(), "values of this space");
        let pairs = self.dimensions.iter().zip(values);
        pairs
            .map(|(dimension, &value)| format!("{}={}", dimension.name, dimension.text(value)))
            .collect()
    }

    /// The values of `name=value`, all settings in their order; `None` if they are not of this
    /// space, or out of its ranges.
    #[must_use]
    pub fn values(&self, settings: &[String]) -> Option<Vec<Value>> {
        if settings.len() != self.dimensions.len() {
            return None;
        }
        let pairs = self.dimensions.iter().zip(settings);
        pairs
            .map(|(dimension, setting)| {
                let (name, text) = setting.split_once('=')?;
                (name == dimension.name).then(|| dimension.range.read(text))?
            })
            .collect()
    }
}

/// Finds the ranges in a table of tables: a table with a range's words is a range.
fn flatten(
    path: &str,
    table: toml::Table,
    found: &mut Vec<(String, Written)>,
) -> Result<(), SpaceError> {
    for (key, value) in table {
        let name = if path.is_empty() {
            key
        } else {
            format!("{path}.{key}")
        };
        let toml::Value::Table(inner) = value else {
            return Err(SpaceError::Range {
                name,
                what: "it must be a table such as { low = 0, high = 1 }".to_owned(),
            });
        };
        let plain = |value: &toml::Value| !value.is_table();
        if ["low", "high", "choices"].map(|word| inner.get(word).is_some_and(plain)) == [false; 3] {
            flatten(&name, inner, found)?;
        } else {
            found.push((name, inner.try_into()?));
        }
    }
    Ok(())
}

impl Dimension {
    /// A value as TOML writes it.
    #[must_use]
    pub fn text(&self, value: Value) -> String {
        match (&self.range, value) {
            (Range::Choices(texts), Value::Choice(place)) => texts[place].clone(),
            (_, Value::Whole(number)) => number.to_string(),
            (_, Value::Real(number)) => format!("{number:?}"), // exact, and never without a point
            _ => unreachable!("a value is of its dimension"),
        }
    }
}
