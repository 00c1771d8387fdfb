//! An evaluation as the terminal prints it.

use super::figures::{
    EPISODES, among_first, count, episode_shape, headline, interval, is_void, number, percent,
    probability, role, sentence, shape, shared, short, ties, title, warnings,
};
use super::published::{Published, Task, beside};
use crate::eval::{Episodes, Evaluation, ProtocolScores, Role, Spread, Verification};

/// Columns of lines that are wrapped.
const WIDTH: usize = 96;

/// What the terminal prints: each protocol's scores with their intervals, the published figures
/// of its own kind, verification and digits.
///
/// Control characters in names are written as escapes, so that a file's name cannot steer the
/// terminal.
#[must_use]
pub fn text(evaluation: &Evaluation) -> String {
    let mut lines = Vec::new();
    for warning in warnings(evaluation) {
        lines.extend(wrapped("!! ", &warning));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.extend(wrapped("", &sentence(evaluation)));
    for protocol in &evaluation.protocols {
        protocol_lines(evaluation, protocol, &mut lines);
    }
    if let Some(episodes) = &evaluation.episodes {
        episode_lines(evaluation, episodes, &mut lines);
    }
    if let Some(verification) = &evaluation.verification {
        verification_lines(evaluation, verification, &mut lines);
    }
    if let Some(digits) = &evaluation.digits {
        protocol_lines(evaluation, digits, &mut lines);
    }
    let provenance = &evaluation.provenance;
    lines.push(String::new());
    lines.push(format!(
        "{}, seed {}, store {}; {}",
        provenance.program,
        provenance.seed,
        short(&provenance.store),
        ties(provenance.ties)
    ));
    let mut text = String::new();
    for line in lines {
        text.extend(line.chars().flat_map(harmless));
        text.push('\n');
    }
    text
}

/// A character that leaves the terminal alone.
fn harmless(letter: char) -> Vec<char> {
    if letter.is_control() {
        letter.escape_default().collect()
    } else {
        vec![letter]
    }
}

fn protocol_lines(evaluation: &Evaluation, protocol: &ProtocolScores, lines: &mut Vec<String>) {
    let word = protocol.protocol.group_word();
    let systems = protocol.systems.iter();
    let width = width(systems.map(|system| name(evaluation, &system.system, system.role)));
    lines.push(String::new());
    lines.push(format!(
        "{}: {}",
        protocol.protocol,
        title(evaluation, protocol)
    ));
    lines.push(format!("  {}", shape(protocol)));
    lines.push(format!(
        "  {:<width$} {:>8}  {:<14} {:<14} {:>5}  p",
        "",
        "right",
        "95% interval",
        format!("by {word}"),
        "ties"
    ));
    for system in &protocol.systems {
        let groups = system.group_interval.map(interval).unwrap_or_default();
        let p = (protocol.comparisons.iter()).find(|test| test.second == system.system);
        let line = format!(
            "  {:<width$} {:>8}  {:<14} {:<14} {:>5}  {}",
            name(evaluation, &system.system, system.role),
            percent(system.percent),
            interval(system.interval),
            groups,
            count(system.tied),
            p.map(|test| probability(test.p)).unwrap_or_default()
        );
        lines.push(line.trim_end().to_owned());
    }
    if let Some(spread) = &protocol.spread {
        lines.push(spread_line(spread, width));
    }
    lines.extend(among_first(protocol).map(|line| format!("  {line}")));
    lines.extend(shared(protocol).map(|line| format!("  {line}")));
    published_lines(beside(evaluation, Task::of(protocol)), lines);
    let is_headline = headline(evaluation).is_some_and(|first| std::ptr::eq(first, protocol));
    if is_headline && protocol.systems.iter().any(|s| !s.groups.is_empty()) {
        lines.push(format!("  right answers by {word}"));
        for system in &protocol.systems {
            let counts: Vec<String> = (system.groups.iter())
                .map(|group| format!("{:>2}", group.score.right))
                .collect();
            let name = name(evaluation, &system.system, system.role);
            lines.push(format!("  {name:<width$} {}", counts.join(" ")));
        }
    }
}

/// Columns for names: as many as the longest needs, within reason.
fn width(names: impl Iterator<Item = String>) -> usize {
    let longest = names.map(|name| name.chars().count()).max();
    longest.unwrap_or(0).clamp(20, 48)
}

/// A system's name, with what it is where the name alone could mislead.
fn name(evaluation: &Evaluation, system: &str, what: Role) -> String {
    let mut name = system.to_owned();
    if matches!(what, Role::Variant | Role::Outside) {
        name = format!("{name} [{}]", role(what));
    }
    if is_void(evaluation, system, what) {
        name.push_str(" [VOID]");
    }
    name
}

fn spread_line(spread: &Spread, width: usize) -> String {
    format!(
        "  {:<width$} {:>8}  {:<14} deviation {}, {} to {}",
        format!("mean of {} networks", spread.count),
        percent(spread.mean),
        interval(spread.interval),
        number(spread.deviation, 2),
        number(spread.least, 2),
        number(spread.greatest, 2)
    )
}

fn published_lines(figures: &[Published], lines: &mut Vec<String>) {
    let items: Vec<String> = (figures.iter())
        .map(|figure| format!("{} {}", figure.system, number(figure.percent, 2)))
        .collect();
    if !items.is_empty() {
        lines.extend(wrapped("  published: ", &items.join("; ")));
    }
}

/// A text as lines of at most [`WIDTH`] letters after a lead, whose width is left free on the
/// lines that follow. Longer words stay whole.
fn wrapped(lead: &str, text: &str) -> Vec<String> {
    let indent = lead.chars().count();
    let mut lines = Vec::new();
    let mut line = lead.to_owned();
    for word in text.split_whitespace() {
        let width = line.chars().count();
        if width > indent && width + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        } else if width > indent {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn episode_lines(evaluation: &Evaluation, episodes: &Episodes, lines: &mut Vec<String>) {
    let systems = episodes.systems.iter();
    let width = width(systems.map(|system| name(evaluation, &system.system, system.role)));
    lines.push(String::new());
    lines.push(format!("meta-dataset: {EPISODES}"));
    lines.push(format!("  {}", episode_shape(episodes)));
    lines.push(format!("  {:<width$} {:>8}  95% interval", "", "right"));
    for system in &episodes.systems {
        lines.push(format!(
            "  {:<width$} {:>8}  {}",
            name(evaluation, &system.system, system.role),
            percent(system.percent),
            interval(system.interval)
        ));
    }
    published_lines(beside(evaluation, Some(Task::Episodes)), lines);
}

fn verification_lines(
    evaluation: &Evaluation,
    verification: &Verification,
    lines: &mut Vec<String>,
) {
    let systems = verification.systems.iter();
    let width = width(systems.map(|system| name(evaluation, &system.system, system.role)));
    lines.push(String::new());
    lines.push(format!(
        "verification: same or different, {} pairs of {}",
        count(verification.pairs),
        verification.scored_on,
    ));
    lines.push(format!("  thresholds chosen on {}", verification.chosen_on));
    lines.push(format!(
        "  {:<width$} {:>8}  {:<14} {:<26} equal error, %",
        "", "right", "95% interval", "area under the ROC"
    ));
    for system in &verification.systems {
        let [low, high] = system.auc_interval;
        let area = format!(
            "{} ({} to {})",
            number(system.auc, 4),
            number(low, 3),
            number(high, 3)
        );
        lines.push(format!(
            "  {:<width$} {:>8}  {:<14} {area:<26} {} ({})",
            name(evaluation, &system.system, system.role),
            percent(system.percent),
            interval(system.interval),
            number(system.equal_error, 2),
            interval(system.equal_error_interval)
        ));
    }
    published_lines(beside(evaluation, Some(Task::Verification)), lines);
}
