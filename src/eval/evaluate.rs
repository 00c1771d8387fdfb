//! An evaluation from end to end: every system on every protocol that was asked for.

use std::sync::Arc;

use super::error::EvalError;
use super::gallery::Gallery;
use super::oneshot::answer_embedded;
use super::plan::{DigitPlan, Entrant, Event, Plan};
use super::questions::Questions;
use super::scores::{Evaluation, ProtocolRun, Provenance, ScoredNetwork};
use super::systems::Embeddings;
use super::tasks::{DigitTasks, ask_digit_pixels};
use crate::archive::Split;
use crate::ranks::Ranks;
use crate::store::{PageCache, Store};
use crate::synthetic::SYNTHETIC_NAME;

/// What scores.
const PROGRAM: &str = concat!("omnishot ", env!("CARGO_PKG_VERSION"));

/// Evaluates networks and baselines. Ranks share the embedding of drawings and the questions
/// that are scored one by one; each gets the whole result, the same for any number of them.
///
/// # Errors
/// If another rank is gone, or was to do something else.
/// If a network has seen what it would be asked about, unless `allow_seen`; if the store holds
/// too few characters for a protocol, or cannot be read.
pub fn evaluate(
    store: &Arc<Store>,
    entrants: &[Entrant],
    plan: &Plan,
    digits: Option<&DigitPlan>,
    allow_seen: bool,
    ranks: &Ranks,
    mut watch: impl FnMut(Event),
) -> Result<(Evaluation, Gallery), EvalError> {
    let networks: Vec<ScoredNetwork> = entrants.iter().map(|c| scored(store, c)).collect();
    if let Some(network) = networks.iter().find(|n| !n.seen.is_empty() && !allow_seen) {
        return Err(EvalError::Seen {
            network: network.name.clone(),
            alphabet: network.seen[0].clone(),
        });
    }
    let digests: Vec<&str> = entrants.iter().map(|c| &*c.digest).collect();
    ranks.agree(&[
        ("a program", PROGRAM.to_owned()),
        ("a store", store.digest().to_string()),
        ("networks", digests.join(", ")),
        (
            "a plan",
            format!("{plan:?}, {:?}", digits.map(|digits| digits.trials)),
        ),
    ])?;
    let pages = PageCache::new(Arc::clone(store));
    let mut questions = Questions::draw(store, plan, ranks, &mut watch)?;
    questions.ask_baselines(&pages, plan, &mut watch)?;
    let mut asked_digits = match digits {
        Some(DigitPlan { digits, trials }) => {
            let mut asked = ProtocolRun::new(DigitTasks::new(digits, *trials)?.set());
            ask_digit_pixels(digits, &mut asked, plan.ties)?;
            Some((digits, asked))
        }
        None => None,
    };
    let mut gallery = Gallery::default();
    for (place, entrant) in entrants.iter().enumerate() {
        let first = place == 0;
        let shown = (plan.gallery && first).then_some(&mut gallery);
        questions.ask(entrant, &pages, plan, first, shown, &mut watch)?;
        if let Some((digits, asked)) = &mut asked_digits {
            let Entrant { name, model, .. } = entrant;
            watch(Event::Begins(format!("{name}: digits")));
            let embeddings = Embeddings::of_digits(model, digits, asked.set.drawings());
            let answers = answer_embedded(model, &embeddings, &asked.set, plan.ties)?;
            asked.systems.push((name.clone(), entrant.role, answers));
        }
    }
    if plan.ensemble {
        questions.ask_ensemble(entrants, store, plan, &mut watch)?;
    }
    let mut alphabets = store.alphabets().iter();
    let made_up = alphabets.any(|a| a.name.starts_with(SYNTHETIC_NAME));
    let evaluation = Evaluation {
        provenance: Provenance {
            program: PROGRAM.to_owned(),
            store: store.digest().to_string(),
            made_up,
            seed: plan.seed,
            ties: plan.ties,
            networks,
        },
        protocols: (questions.one_shot.iter())
            .map(|asked| asked.scores(plan.seed))
            .collect(),
        curve: questions.curve.map(|(_, curve)| curve),
        verification: questions.pairs.map(|(_, verification)| verification),
        digits: asked_digits.map(|(_, asked)| asked.scores(plan.seed)),
        training: Vec::new(),
    };
    Ok((evaluation, gallery))
}

fn scored(store: &Store, entrant: &Entrant) -> ScoredNetwork {
    let card = &entrant.model.card;
    let alphabets = store.alphabets().iter();
    let trainable = entrant.model.weights().trainable_variables();
    ScoredNetwork {
        name: entrant.name.clone(),
        digest: entrant.digest.clone(),
        parameters: trainable.iter().map(|tensor| tensor.numel() as u64).sum(),
        card: card.clone(),
        seen: (alphabets.filter(|a| a.split == Split::Evaluation))
            .map(|a| a.name.clone())
            .filter(|name| card.training.contains(name) || card.validation.contains(name))
            .collect(),
    }
}
