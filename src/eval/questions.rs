//! What an evaluation asks of every system, and asking it.

use super::error::EvalError;
use super::gallery::Gallery;
use super::oneshot::answer_embedded;
use super::plan::{Entrant, Event, Plan};
use super::scores::{
    Curve, CurveLine, PairSet, ProtocolRun, Role, Verification, VerificationScore,
};
use super::systems::{
    Answers, Embeddings, FineTuned, Hausdorff, Pixel, PixelScorer, assign, similarities,
};
use super::tasks::{CurveTasks, Protocol, TaskSet};
use crate::archive::Split;
use crate::ranks::Ranks;
use crate::sample::{Scope, TaskShape, alphabets_of, characters_of};
use crate::store::{AlphabetId, DrawingId, PageCache, Store, StoreError};

/// What all systems are asked.
pub(super) struct Questions<'a> {
    /// Who shares the work.
    ranks: &'a Ranks,
    pub one_shot: Vec<ProtocolRun>,
    pub curve: Option<(CurveTasks, Curve)>,
    pub pairs: Option<(PairSet, Verification)>,
}

/// What one network is asked beside that: it depends on what it was trained on.
struct Own {
    /// Whether it has a curve: baselines have none.
    has_curve: bool,
    /// Curves over alphabets that it knows, and which they are; of the first network alone, or
    /// the plot would be a thicket.
    curves: Vec<(CurveTasks, &'static str)>,
    /// Pairs to choose its threshold by.
    choice: Option<PairSet>,
}

/// The store's background alphabets of these names.
fn background_named(store: &Store, names: &[String]) -> Vec<AlphabetId> {
    let background = alphabets_of(store, Split::Background).into_iter();
    background
        .filter(|&id| names.contains(&store.alphabet(id).name))
        .collect()
}

/// The one-shot questions of a plan.
fn one_shot(
    store: &Store,
    plan: &Plan,
    evaluation: &[AlphabetId],
) -> Result<Vec<ProtocolRun>, EvalError> {
    let random = |&(protocol, _): &(Protocol, usize)| {
        matches!(protocol, Protocol::Within | Protocol::Between)
    };
    if evaluation.is_empty() && (plan.curve_trials > 0 || plan.protocols.iter().any(random)) {
        return Err(EvalError::NothingToEvaluate);
    }
    let mut one_shot = Vec::new();
    for &(protocol, shots) in &plan.protocols {
        let random = |scope| {
            let shape = TaskShape {
                ways: plan.ways,
                shots,
                scope,
            };
            TaskSet::random(store, evaluation, shape, plan.seed, plan.trials)
        };
        let set = match protocol {
            Protocol::LakeRuns => TaskSet::lake_runs(store).ok_or(EvalError::NoRuns)?,
            Protocol::Within => random(Scope::Within)?,
            Protocol::Between => random(Scope::Between)?,
            Protocol::Digits => return Err(EvalError::NoDigits),
        };
        one_shot.push(ProtocolRun::new(set));
    }
    Ok(one_shot)
}

impl<'a> Questions<'a> {
    /// The questions of a plan.
    pub fn draw(
        store: &Store,
        plan: &Plan,
        ranks: &'a Ranks,
        watch: &mut impl FnMut(Event),
    ) -> Result<Questions<'a>, EvalError> {
        let evaluation = alphabets_of(store, Split::Evaluation);
        let one_shot = one_shot(store, plan, &evaluation)?;
        let mut curve = None;
        if plan.curve_trials > 0 {
            let tasks = CurveTasks::draw(store, &evaluation, plan.seed, plan.curve_trials)?;
            let ways = tasks.ways();
            let lines = Vec::new();
            let trials = plan.curve_trials;
            curve = Some((
                tasks,
                Curve {
                    trials,
                    ways,
                    lines,
                },
            ));
        }
        let mut pairs = None;
        if plan.verification {
            match PairSet::test(store, plan.seed) {
                Ok(test) => {
                    let verification = Verification {
                        pairs: test.pairs.len() as u64,
                        scored_on: test.source.clone(),
                        chosen_on: "the background alphabets that each network held out (all of \
                                    them for pixels, and where none were), drawers 13 to 16"
                            .to_owned(),
                        systems: Vec::new(),
                    };
                    pairs = Some((test, verification));
                }
                Err(error) => watch(Event::LeftOut(format!("verification: {error}"))),
            }
        }
        Ok(Questions {
            ranks,
            one_shot,
            curve,
            pairs,
        })
    }

    /// Asks what needs no network.
    pub fn ask_baselines(
        &mut self,
        pages: &PageCache,
        plan: &Plan,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let store = pages.store();
        let pixels = [
            ("pixel 1-NN, L2", Pixel::L2),
            ("pixel 1-NN, cosine", Pixel::Cosine),
        ];
        watch(Event::Begins("nearest neighbours in pixels".to_owned()));
        for (name, pixel) in pixels {
            let scorer = PixelScorer::new(pages, pixel);
            for asked in &mut self.one_shot {
                asked.deal((name, Role::Baseline), &scorer, plan.ties, self.ranks)?;
            }
            if let (Pixel::L2, Some((tasks, curve))) = (pixel, &mut self.curve) {
                let name = format!("{name}, evaluation alphabets");
                curve.lines.push(tasks.line(name, &scorer, plan.ties)?);
            }
        }
        watch(Event::Begins("modified Hausdorff distance".to_owned()));
        let scorer = Hausdorff::new(pages); // for all, since it keeps what it has read
        for asked in self
            .one_shot
            .iter_mut()
            .filter(|asked| asked.set.shots == 1)
        {
            asked.deal((HAUSDORFF, Role::Baseline), &scorer, plan.ties, self.ranks)?;
        }
        if let Some((test, verification)) = &mut self.pairs {
            let choice = PairSet::choice(store, &[], "all background", plan.seed)
                .map_err(EvalError::Pairs)?;
            for (name, pixel) in pixels {
                let alike = |a, b| Ok(pixel.similarity(pages.drawn(a)?, pages.drawn(b)?));
                let score = verify(name, Role::Baseline, test, &choice, plan, alike)?;
                verification.systems.push(score);
            }
        }
        Ok(())
    }

    /// Asks a network everything, and shows what it did in the gallery; `first` says that it is
    /// the first.
    pub fn ask(
        &mut self,
        entrant: &Entrant,
        pages: &PageCache,
        plan: &Plan,
        first: bool,
        mut gallery: Option<&mut Gallery>,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let Entrant {
            name, role, model, ..
        } = entrant;
        let store = pages.store();
        let own = self.own(entrant, first, store, plan)?;
        let needed = self.drawings(&own, store, gallery.is_some());
        watch(Event::Begins(format!("{name}: {} drawings", needed.len())));
        let done = |done, all| watch(Event::Embedded(done, all));
        let embeddings = Embeddings::watched(model, store, needed, self.ranks, done)?;
        watch(Event::Begins(format!("{name}: scores")));
        for asked in &mut self.one_shot {
            let ways = similarities(model, &embeddings, &asked.set)?;
            let answers = Answers::by(&ways, &asked.set, plan.ties);
            if let Some(gallery) = &mut gallery {
                gallery.add_failures(pages, &asked.set, &answers, &ways)?;
            }
            asked.systems.push((name.clone(), *role, answers));
            if plan.fine_tuned && model.network.context().is_none() {
                let label = format!("{name}, last layer fine-tuned on the support");
                let scorer = FineTuned::new(&embeddings);
                asked.deal((&label, variant(*role)), &scorer, plan.ties, self.ranks)?;
            }
            let assigned = plan.assignment && *role == Role::Network;
            if let (true, Some(answers)) = (assigned, assign(&ways, &asked.set)) {
                let label = format!("{name}, all queries of a run answered together");
                asked.systems.push((label, variant(*role), answers));
            }
        }
        if let (Some((test, verification)), Some(choice)) = (&mut self.pairs, &own.choice) {
            let alike = |a, b| Ok(embeddings.similarity(a, b));
            let score = verify(name, *role, test, choice, plan, alike)?;
            verification.systems.push(score);
        }
        if let (Some((tasks, curve)), true) = (&mut self.curve, own.has_curve) {
            let line = |tasks: &CurveTasks, which: &str| -> Result<CurveLine, StoreError> {
                let mut line = tasks.line_by(format!("{name}, {which} alphabets"), |set| {
                    answer_embedded(model, &embeddings, set, plan.ties)
                })?;
                line.percent.truncate(curve.ways.len());
                Ok(line)
            };
            let lines = [line(tasks, "evaluation")].into_iter();
            let own = own.curves.iter().map(|(tasks, which)| line(tasks, which));
            let lines: Vec<CurveLine> = lines.chain(own).collect::<Result<_, StoreError>>()?;
            curve.lines.extend(lines);
        }
        if let Some(gallery) = gallery {
            let evaluation = alphabets_of(store, Split::Evaluation);
            gallery.network.clone_from(name);
            gallery.add_neighbours(pages, &embeddings, Split::Evaluation, plan.seed)?;
            gallery.add_map(pages, &embeddings, &evaluation, plan.seed)?;
        }
        drop(embeddings);
        self.ask_copies(entrant, store, plan, watch)
    }

    /// Asks all networks that compare embeddings by their cosine at once, if there are two or
    /// more: the mean of their cosines answers.
    pub fn ask_ensemble(
        &mut self,
        entrants: &[Entrant],
        store: &Store,
        plan: &Plan,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let by_cosine = |entrant: &&Entrant| {
            let shape = &entrant.model.card.network;
            entrant.role == Role::Network && shape.answers_together()
        };
        let networks: Vec<&Entrant> = entrants.iter().filter(by_cosine).collect();
        if networks.len() < 2 {
            watch(Event::LeftOut(
                "networks together: fewer than two compare drawings by a cosine".to_owned(),
            ));
            return Ok(());
        }
        let label = format!("{} {ENSEMBLE}", networks.len());
        watch(Event::Begins(label.clone()));
        let sets = self.one_shot.iter().map(|asked| &asked.set);
        let drawings: Vec<DrawingId> = sets.flat_map(TaskSet::drawings).collect();
        let each = |entrant: &&Entrant| {
            let drawings = drawings.iter().copied();
            Embeddings::watched(&entrant.model, store, drawings, self.ranks, |_, _| ())
        };
        let each = networks.iter().map(each).collect::<Result<Vec<_>, _>>()?;
        let embeddings = Embeddings::ensemble(&each);
        for asked in &mut self.one_shot {
            asked.deal((&label, Role::Variant), &embeddings, plan.ties, self.ranks)?;
        }
        Ok(())
    }

    fn own(
        &self,
        entrant: &Entrant,
        first: bool,
        store: &Store,
        plan: &Plan,
    ) -> Result<Own, EvalError> {
        let card = &entrant.model.card;
        let held_out = background_named(store, &card.validation);
        let mut curves = Vec::new();
        let has_curve = self.curve.is_some() && entrant.role == Role::Network;
        if has_curve && first {
            let trained = background_named(store, &card.training);
            for (alphabets, which) in [(&held_out, "held-out"), (&trained, "training")] {
                // An alphabet or two may be too few; then the line is left out.
                let tasks = CurveTasks::draw(store, alphabets, plan.seed, plan.curve_trials);
                curves.extend(tasks.ok().map(|tasks| (tasks, which)));
            }
        }
        let choice = match self.pairs {
            Some(_) => Some(
                PairSet::choice(store, &held_out, "held-out background", plan.seed)
                    .map_err(EvalError::Pairs)?,
            ),
            None => None,
        };
        Ok(Own {
            has_curve,
            curves,
            choice,
        })
    }

    /// All drawings that a network is asked about, and all of the evaluation set to be shown.
    fn drawings(&self, own: &Own, store: &Store, shown: bool) -> Vec<DrawingId> {
        let own_curves = own.curves.iter().map(|(tasks, _)| tasks);
        let curves = self.curve.iter().map(|(tasks, _)| tasks);
        let curves = curves.filter(|_| own.has_curve).chain(own_curves);
        let sets = self.one_shot.iter().map(|asked| &asked.set);
        let sets = sets.chain(curves.flat_map(|curve| curve.sets()));
        let mut needed: Vec<DrawingId> = sets.flat_map(TaskSet::drawings).collect();
        let pairs = self.pairs.iter().map(|(test, _)| test).chain(&own.choice);
        needed.extend(pairs.flat_map(PairSet::drawings));
        if shown {
            let evaluation = alphabets_of(store, Split::Evaluation);
            let characters = characters_of(store, &evaluation).into_iter().flatten();
            needed.extend(characters.flat_map(|id| store.character(id).drawings.clone()));
        }
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// Asks a network that takes the mean over distorted copies of each drawing.
    fn ask_copies(
        &mut self,
        entrant: &Entrant,
        store: &Store,
        plan: &Plan,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let Plan { copies, ties, .. } = *plan;
        let Entrant {
            name, role, model, ..
        } = entrant;
        if copies == 0 || *role != Role::Network {
            return Ok(());
        }
        watch(Event::Begins(format!(
            "{name}: {copies} copies of each drawing"
        )));
        let drawings = self.one_shot.iter().flat_map(|asked| asked.set.drawings());
        let embeddings =
            Embeddings::averaged(model, store, drawings, copies, plan.seed, self.ranks)?;
        for asked in &mut self.one_shot {
            let label = format!("{name}, mean over {copies} distorted copies");
            let answers = answer_embedded(model, &embeddings, &asked.set, ties)?;
            asked.systems.push((label, variant(*role), answers));
        }
        Ok(())
    }
}

/// Modified Hausdorff distance in tables.
const HAUSDORFF: &str = "modified Hausdorff distance";

/// What several networks that answer together are called in tables, after their number.
const ENSEMBLE: &str = "networks together";

/// Whether a variant of this name is several networks that answer together.
#[must_use]
pub fn is_ensemble(system: &str) -> bool {
    let count = system.strip_suffix(ENSEMBLE).map(str::trim_end);
    count.is_some_and(|count| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
}

/// What a network with something added is.
fn variant(role: Role) -> Role {
    match role {
        Role::Network => Role::Variant,
        other => other,
    }
}

fn verify(
    name: &str,
    role: Role,
    test: &PairSet,
    choice: &PairSet,
    plan: &Plan,
    similarity: impl Fn(DrawingId, DrawingId) -> Result<f64, StoreError>,
) -> Result<VerificationScore, StoreError> {
    let threshold = choice.scored(&similarity)?.threshold();
    let scored = test.scored(&similarity)?;
    Ok(scored.result(name.to_owned(), role, threshold, plan.seed))
}
