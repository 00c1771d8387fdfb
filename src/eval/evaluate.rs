//! An evaluation from end to end: every system on every protocol that was asked for.

use std::sync::Arc;

use super::error::EvalError;
use super::gallery::Gallery;
use super::plan::{DigitPlan, Entrant, Event, Plan};
use super::protocols::Protocols;
use super::scores::{Evaluation, Provenance, Role, ScoredNetwork};
use super::systems::{
    Assigned, DigitPixels, Ensemble, FineTuned, Hausdorff, Network, Pixel, PixelScorer, Rules,
    System,
};
use super::tasks::DigitTasks;
use crate::archive::{Digits, Split};
use crate::embed::Embeddings;
use crate::ranks::{RankError, Ranks};
use crate::sample::{alphabets_of, characters_of};
use crate::store::{DrawingId, PageCache, Store};
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
    let networks: Vec<ScoredNetwork> = entrants.iter().map(|each| scored(store, each)).collect();
    if let Some(network) = networks.iter().find(|n| !n.seen.is_empty() && !allow_seen) {
        return Err(EvalError::Seen {
            network: network.name.clone(),
            alphabet: network.seen[0].clone(),
        });
    }
    agree(store, entrants, plan, digits, ranks)?;
    let pages = PageCache::new(Arc::clone(store));
    let asking = Asking {
        pages: &pages,
        plan,
        rules: Rules {
            ties: plan.ties,
            ranks,
        },
    };
    let mut protocols = Protocols::draw(store, plan, entrants.first(), &mut watch)?;
    let mut turned = Protocols::turned(store, plan)?;
    asking.baselines(&mut protocols, &mut watch)?;
    let mut digits = match digits {
        Some(DigitPlan { digits, trials }) => {
            let mut protocol = Protocols::of([DigitTasks::new(digits, *trials)?.set()]);
            for pixels in DigitPixels::baselines(digits) {
                protocol.ask(&[&pixels], asking.rules)?;
            }
            Some((digits, protocol))
        }
        None => None,
    };
    let mut gallery = Gallery::default();
    for (place, entrant) in entrants.iter().enumerate() {
        let shown = (plan.gallery && place == 0).then_some(&mut gallery);
        asking.entrant(entrant, &mut protocols, shown, &mut watch)?;
        asking.copies(entrant, &mut protocols, &mut watch)?;
        asking.turned(entrant, &mut turned, &mut watch)?;
        if let Some((digits, protocol)) = &mut digits {
            watch(Event::Begins(format!("{}: digits", entrant.name)));
            asking.digits(entrant, digits, protocol)?;
        }
    }
    if plan.ensemble {
        asking.ensemble(entrants, &mut protocols, &mut watch)?;
    }
    if plan.gallery {
        gallery.add_shared(&pages, &protocols.one_shot)?;
    }
    let mut found = protocols.found(plan.seed);
    found.one_shot.extend(turned.found(plan.seed).one_shot);
    let digits = digits.and_then(|(_, protocol)| protocol.found(plan.seed).one_shot.pop());
    let evaluation = Evaluation {
        provenance: provenance(store, plan, networks),
        protocols: found.one_shot,
        curve: found.curve,
        episodes: found.episodes,
        verification: found.verification,
        digits,
        training: Vec::new(),
    };
    Ok((evaluation, gallery))
}

/// Fails unless all ranks are to do the same.
fn agree(
    store: &Store,
    entrants: &[Entrant],
    plan: &Plan,
    digits: Option<&DigitPlan>,
    ranks: &Ranks,
) -> Result<(), RankError> {
    let digests: Vec<&str> = entrants.iter().map(|entrant| &*entrant.digest).collect();
    let trials = digits.map(|digits| digits.trials);
    ranks.agree(&[
        ("a program", PROGRAM.to_owned()),
        ("a store", store.digest().to_string()),
        ("networks", digests.join(", ")),
        ("a plan", format!("{plan:?}, {trials:?}")),
    ])
}

/// What is scored, on what, and how.
fn provenance(store: &Store, plan: &Plan, networks: Vec<ScoredNetwork>) -> Provenance {
    let mut alphabets = store.alphabets().iter();
    Provenance {
        program: PROGRAM.to_owned(),
        store: store.digest().to_string(),
        made_up: alphabets.any(|a| a.name.starts_with(SYNTHETIC_NAME)),
        seed: plan.seed,
        ties: plan.ties,
        networks,
    }
}

/// What it takes to ask a system.
struct Asking<'a> {
    pages: &'a PageCache,
    plan: &'a Plan,
    rules: Rules<'a>,
}

impl Asking<'_> {
    /// Asks what needs no network.
    fn baselines(
        &self,
        protocols: &mut Protocols<'_>,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let pixels = [Pixel::L2, Pixel::Cosine].map(|pixel| PixelScorer::new(self.pages, pixel));
        watch(Event::Begins("nearest neighbours in pixels".to_owned()));
        protocols.ask(&[&pixels[0], &pixels[1]], self.rules)?;
        let hausdorff = Hausdorff::new(self.pages);
        watch(Event::Begins(hausdorff.name().to_owned()));
        protocols.ask(&[&hausdorff], self.rules)
    }

    /// Asks a network, and what is made of its embeddings, and shows in a gallery what it did.
    fn entrant(
        &self,
        entrant: &Entrant,
        protocols: &mut Protocols<'_>,
        gallery: Option<&mut Gallery>,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let (name, store) = (&entrant.name, self.pages.store());
        let mut needed = protocols.drawings(entrant)?;
        if gallery.is_some() {
            needed.extend(of_evaluation(store));
            needed.sort_unstable();
            needed.dedup();
        }
        watch(Event::Begins(format!("{name}: {} drawings", needed.len())));
        let done = |done, all| watch(Event::Embedded(done, all));
        let embeddings =
            Embeddings::watched(&entrant.model, store, needed, self.rules.ranks, done)?;
        watch(Event::Begins(format!("{name}: scores")));
        let network = Network::new(entrant, embeddings);
        let fine_tuned = self.plan.fine_tuned.then(|| FineTuned::of(&network));
        let assigned = self.plan.assignment.then(|| Assigned::of(&network));
        let mut systems: Vec<&dyn System> = vec![&network];
        systems.extend(
            fine_tuned
                .iter()
                .flatten()
                .map(|system| system as &dyn System),
        );
        systems.extend(
            assigned
                .iter()
                .flatten()
                .map(|system| system as &dyn System),
        );
        protocols.ask(&systems, self.rules)?;
        match gallery {
            Some(gallery) => self.show(&network, protocols, gallery),
            None => Ok(()),
        }
    }

    /// Shows a network's wrong answers, and how it sees drawings.
    fn show(
        &self,
        network: &Network<'_>,
        protocols: &Protocols<'_>,
        gallery: &mut Gallery,
    ) -> Result<(), EvalError> {
        let (pages, seed) = (self.pages, self.plan.seed);
        for run in &protocols.one_shot {
            gallery.add_failures(pages, run, network)?;
        }
        let evaluation = alphabets_of(pages.store(), Split::Evaluation);
        network.name().clone_into(&mut gallery.network);
        gallery.add_neighbours(pages, network.embeddings(), Split::Evaluation, seed)?;
        gallery.add_map(pages, network.embeddings(), &evaluation, seed)?;
        Ok(())
    }

    /// Asks a network that takes the mean over distorted copies of each drawing.
    fn copies(
        &self,
        entrant: &Entrant,
        protocols: &mut Protocols<'_>,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let Plan { copies, seed, .. } = *self.plan;
        if copies == 0 || entrant.role != Role::Network {
            return Ok(());
        }
        let name = &entrant.name;
        watch(Event::Begins(format!(
            "{name}: {copies} copies of each drawing"
        )));
        let drawings = protocols.one_shot_drawings();
        let (store, ranks) = (self.pages.store(), self.rules.ranks);
        let network = Network::averaged(entrant, store, drawings, copies, seed, ranks)?;
        protocols.ask(&[&network], self.rules)
    }

    /// Asks a network by the protocols whose drawings are turned, if there are any.
    fn turned(
        &self,
        entrant: &Entrant,
        protocols: &mut Protocols<'_>,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let drawings: Vec<u32> = protocols.one_shot_drawings().collect();
        if drawings.is_empty() {
            return Ok(());
        }
        watch(Event::Begins(format!("{}: turned drawings", entrant.name)));
        let (model, store) = (&entrant.model, self.pages.store());
        let embeddings = Embeddings::turned(model, store, drawings, self.rules.ranks)?;
        protocols.ask(&[&Network::new(entrant, embeddings)], self.rules)
    }

    /// Asks a network about digits.
    fn digits(
        &self,
        entrant: &Entrant,
        digits: &Digits,
        protocol: &mut Protocols<'_>,
    ) -> Result<(), EvalError> {
        let drawings = protocol.one_shot_drawings();
        let embeddings = Embeddings::of_digits(&entrant.model, digits, drawings);
        protocol.ask(&[&Network::new(entrant, embeddings)], self.rules)
    }

    /// Asks the ensemble of all networks that compare embeddings by their cosine, if there are
    /// two or more.
    fn ensemble(
        &self,
        entrants: &[Entrant],
        protocols: &mut Protocols<'_>,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let members = Ensemble::members(entrants);
        if members.len() < 2 {
            watch(Event::LeftOut(
                "networks together: fewer than two compare drawings by a cosine".to_owned(),
            ));
            return Ok(());
        }
        watch(Event::Begins(Ensemble::name_of(members.len())));
        let drawings: Vec<DrawingId> = protocols.one_shot_drawings().collect();
        let (store, ranks) = (self.pages.store(), self.rules.ranks);
        let ensemble = Ensemble::embed(&members, store, &drawings, ranks)?;
        protocols.ask(&[&ensemble], self.rules)
    }
}

/// All drawings of a store's evaluation set.
fn of_evaluation(store: &Store) -> impl Iterator<Item = DrawingId> {
    let characters = characters_of(store, &alphabets_of(store, Split::Evaluation));
    let characters = characters.into_iter().flatten();
    characters.flat_map(|id| store.character(id).drawings.clone())
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
