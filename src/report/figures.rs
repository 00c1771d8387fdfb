//! How figures are written in words: the same in the terminal and on the page.

use super::published::Task;
use crate::eval::{
    self, Episodes, Evaluation, Protocol, ProtocolScores, Role, ScoredNetwork, SystemScore, Ties,
};

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

/// What a protocol asks; Lake's runs by their name, where they are his.
pub(super) fn title<'a>(evaluation: &Evaluation, protocol: &'a ProtocolScores) -> &'a str {
    let official = Task::of(protocol) == Some(Task::Runs) && !evaluation.provenance.made_up;
    if official {
        "Lake's 20 official runs, within an alphabet"
    } else {
        protocol.title.trim_end_matches('.')
    }
}

/// The protocol that the report begins with: the official runs, if they were asked for.
pub(super) fn headline(evaluation: &Evaluation) -> Option<&ProtocolScores> {
    let official = |protocol: &&ProtocolScores| protocol.protocol == Protocol::LakeRuns;
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
        title(evaluation, protocol),
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

/// Whether a system's scores are void: it is a network that has seen what it was asked about, or a
/// variant of one, which has the network's name before a comma, or an answer of several together of
/// which one has.
pub(super) fn is_void(evaluation: &Evaluation, system: &str, role: Role) -> bool {
    let networks = evaluation.provenance.networks.iter();
    match role {
        Role::Network => networks
            .filter(|network| system == network.name)
            .any(has_seen),
        Role::Variant if eval::is_ensemble(system) => networks
            .filter(|network| network.card.network.answers_together())
            .filter(|network| is_no_baseline(evaluation, network))
            .any(has_seen),
        Role::Variant => {
            let of = |network: &&ScoredNetwork| {
                let rest = system.strip_prefix(&network.name);
                rest.is_some_and(|rest| rest.starts_with(", "))
            };
            // A network's own name may go on after a comma.
            let longest = networks.filter(of).max_by_key(|network| network.name.len());
            longest.is_some_and(has_seen)
        }
        Role::Baseline | Role::Outside => false,
    }
}

/// Whether a table has it as one of the networks that the evaluation is about.
fn is_no_baseline(evaluation: &Evaluation, network: &ScoredNetwork) -> bool {
    let mut systems = evaluation.protocols.iter().flat_map(|p| &p.systems);
    systems.any(|system| system.role == Role::Network && system.system == network.name)
}

fn has_seen(network: &ScoredNetwork) -> bool {
    !network.seen.is_empty()
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

/// A line for each number of ways that the right one may be among, with every system that tells.
pub(super) fn among_first(protocol: &ProtocolScores) -> impl Iterator<Item = String> + '_ {
    let mut numbers: Vec<u32> = (protocol.systems.iter())
        .flat_map(|system| system.among_first.iter().map(|among| among.first))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(|first| {
        let told = protocol.systems.iter().filter_map(|system| {
            let among = system
                .among_first
                .iter()
                .find(|among| among.first == first)?;
            Some(format!("{} {}", system.system, percent(among.percent)))
        });
        let told: Vec<String> = told.collect();
        format!("right answer among the first {first}: {}", told.join("; "))
    })
}

/// A line about what all networks get wrong together, if there are several.
pub(super) fn shared(protocol: &ProtocolScores) -> Option<String> {
    let shared = protocol.shared?;
    Some(format!(
        "all {} networks wrong: {} of the questions; by one and the same wrong answer: {}",
        shared.networks,
        percent(shared.all_wrong.percent()),
        percent(shared.same_wrong.percent())
    ))
}

/// What Meta-Dataset's episodes ask.
pub(super) const EPISODES: &str =
    "Meta-Dataset's episodes, within an alphabet of the evaluation set";

/// The size of the episodes: `600 episodes of seed 0 with 5 to 47 ways, 99,000 questions, guessing
/// has 8.00%`.
pub(super) fn episode_shape(episodes: &Episodes) -> String {
    format!(
        "{} of seed {} with {} to {} ways, {}; guessing has {}; mean over episodes",
        counted(episodes.episodes, "episode"),
        episodes.seed,
        episodes.ways[0],
        episodes.ways[1],
        counted(episodes.queries, "question"),
        percent(episodes.chance)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Preset;

    /// An evaluation of networks of these names, which have seen its alphabets or not.
    fn evaluation_of(networks: &[(&str, bool)]) -> Evaluation {
        let shape = Preset::shipped("fast").unwrap();
        let card = serde_json::json!({
            "program": "a test", "network": shape.network, "distortion": shape.distortion,
            "seed": 0, "steps": 0, "batch": 1, "store": "", "training": [], "validation": [],
        });
        let network = |&(name, seen): &(&str, bool)| {
            let seen = if seen { vec!["Keble"] } else { vec![] };
            serde_json::json!({
                "name": name, "digest": "", "parameters": 1, "card": card, "seen": seen,
            })
        };
        let system = |&(name, _): &(&str, bool)| {
            serde_json::json!({
                "system": name, "role": "network", "score": {"right": 1, "asked": 2},
                "percent": 50.0, "interval": [0.0, 100.0], "group_interval": [0.0, 100.0],
                "tied": 0, "groups": [],
            })
        };
        let evaluation = serde_json::json!({
            "provenance": {
                "program": "a test", "store": "", "made_up": false, "seed": 0, "ties": "against",
                "networks": networks.iter().map(network).collect::<Vec<_>>(),
            },
            "protocols": [{
                "protocol": "within", "title": "t", "ways": 2, "shots": 1, "trials": 2, "seed": 0,
                "chance": 50.0, "comparisons": [], "spread": null,
                "systems": networks.iter().map(system).collect::<Vec<_>>(),
            }],
            "curve": null, "verification": null, "digits": null, "training": [],
        });
        serde_json::from_value(evaluation).unwrap()
    }

    #[test]
    fn only_what_saw_its_questions_is_void() {
        let networks = [("run1", true), ("run10", false), ("run1, long", false)];
        let evaluation = evaluation_of(&networks);
        let void = |system: &str, role| is_void(&evaluation, system, role);
        assert!(void("run1", Role::Network));
        assert!(void("run1, mean over 8 distorted copies", Role::Variant));
        assert!(!void("run10", Role::Network));
        assert!(!void("run10, mean over 8 distorted copies", Role::Variant));
        assert!(!void(
            "run1, long, mean over 8 distorted copies",
            Role::Variant
        ));
        assert!(
            void("3 networks together", Role::Variant),
            "one of them has seen it"
        );
        assert!(!void("run1", Role::Baseline));
        let clean = evaluation_of(&networks[1..]);
        assert!(!is_void(&clean, "2 networks together", Role::Variant));
    }

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
