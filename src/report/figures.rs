//! How figures are written in words: the same in the terminal and on the page.

use crate::eval::{Evaluation, ProtocolScores, Role, SystemScore, Ties};

/// What stands for a figure that is none.
pub(super) const NONE: &str = "–";

/// A number with so many decimals, or a dash for what is no finite number.
pub(super) fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{value:.decimals$}");
    // Rounding can leave a minus before nothing.
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| "0.".contains(c)) => rest.to_owned(),
        _ => text,
    }
}

/// A share in percent, as `96.75%`.
pub(super) fn percent(value: f64) -> String {
    match number(value, 2) {
        text if text == NONE => text,
        text => text + "%",
    }
}

/// An interval in percent, as `94.5 to 98.1`.
pub(super) fn interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", number(low, 1), number(high, 1))
}

/// A count with commas, as `32,460`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what it counts: `1 question`, `400 questions`.
pub(super) fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// How likely a split is, as `0.031` or `< 0.001`.
pub(super) fn probability(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        number(p, 3)
    }
}

/// The start of a digest, enough to tell two apart.
pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// What a system is, in a word.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Network => "network",
        Role::Variant => "variant",
        Role::Baseline => "baseline",
        Role::Outside => "outside",
    }
}

/// What a tie counts for.
pub(super) fn ties(ties: Ties) -> &'static str {
    match ties {
        Ties::Against => "a tie is a wrong answer",
        Ties::First => "a tie is answered by the first of the tied ways",
        Ties::Random => "a tie is answered by one of the tied ways, by the seed",
    }
}

/// What the groups of a protocol are.
pub(super) fn group_word(protocol: &ProtocolScores) -> &'static str {
    match protocol.protocol.as_str() {
        "lake-runs" => "run",
        "within" | "between" => "alphabet",
        _ => "group",
    }
}

/// A protocol's size: `20-way 1-shot, 400 questions, guessing has 5.00%`.
pub(super) fn shape(protocol: &ProtocolScores) -> String {
    let seed = match protocol.seed {
        Some(seed) => format!("tasks of seed {seed}"),
        None => "fixed tasks".to_owned(),
    };
    format!(
        "{}-way {}-shot, {}, {seed}; guessing has {}",
        protocol.ways,
        protocol.shots,
        counted(protocol.trials, "question"),
        percent(protocol.chance)
    )
}

/// The protocol that the report begins with: the official runs, if they were asked for.
pub(super) fn headline(evaluation: &Evaluation) -> Option<&ProtocolScores> {
    let official = |protocol: &&ProtocolScores| protocol.protocol == "lake-runs";
    let protocols = &evaluation.protocols;
    protocols.iter().find(official).or(protocols.first())
}

/// A protocol's first network.
pub(super) fn first_network(protocol: &ProtocolScores) -> Option<&SystemScore> {
    let mut systems = protocol.systems.iter();
    systems.find(|system| system.role == Role::Network)
}

/// The result in one sentence.
pub(super) fn sentence(evaluation: &Evaluation) -> String {
    let Some(protocol) = headline(evaluation) else {
        return "Nothing was asked.".to_owned();
    };
    let asked = format!(
        "{}, {}-way {}-shot",
        protocol.title.trim_end_matches('.'),
        protocol.ways,
        protocol.shots
    );
    let Some(system) = first_network(protocol) else {
        return format!("{asked}: no network was scored.");
    };
    let chance = percent(protocol.chance);
    match &protocol.spread {
        Some(spread) => format!(
            "{asked}: {} right is the mean of {} networks, which have {} to {}; guessing has \
             {chance}.",
            percent(spread.mean),
            spread.count,
            percent(spread.least),
            percent(spread.greatest)
        ),
        None => format!(
            "{asked}: {} has {} right, {} of {} (95% interval {}); guessing has {chance}.",
            system.system,
            percent(system.percent),
            count(system.score.right),
            counted(system.score.asked, "question"),
            interval(system.interval)
        ),
    }
}

/// Whether a system's scores are void: it is a network that has seen what it was asked about,
/// or a variant of one, which begins with the network's name.
pub(super) fn is_void(evaluation: &Evaluation, system: &str, role: Role) -> bool {
    let networks = &evaluation.provenance.networks;
    networks.iter().any(|network| {
        !network.seen.is_empty()
            && match role {
                Role::Network => system == network.name,
                Role::Variant => system.starts_with(&network.name),
                Role::Baseline | Role::Outside => false,
            }
    })
}

/// What must be said before any figure.
pub(super) fn warnings(evaluation: &Evaluation) -> Vec<String> {
    let mut warnings = Vec::new();
    if evaluation.provenance.made_up {
        warnings.push(
            "THE ALPHABETS ARE MADE UP. No score here compares with anything published, so \
             nothing published is shown."
                .to_owned(),
        );
    }
    for network in &evaluation.provenance.networks {
        if !network.seen.is_empty() {
            warnings.push(format!(
                "THE SCORES OF {} ARE VOID. It was trained on alphabets that it is asked about: {}.",
                network.name,
                network.seen.join(", ")
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(38_951_745), "38,951,745");
        assert_eq!(number(-0.001, 2), "0.00");
        assert_eq!(number(-1.5, 1), "-1.5");
        assert_eq!(number(f64::NAN, 1), NONE);
        assert_eq!(percent(f64::INFINITY), NONE);
        assert_eq!(percent(96.75), "96.75%");
        assert_eq!(probability(1e-9), "< 0.001");
        assert_eq!(probability(0.0314), "0.031");
        assert_eq!(counted(1, "question"), "1 question");
    }
}
