//! An evaluation from end to end: every system on every protocol that was asked for.

use std::sync::Arc;

use super::asked::Asked;
use super::curve::CurveTasks;
use super::embedding::Embeddings;
use super::error::EvalError;
use super::finetune::FineTuned;
use super::gallery::Gallery;
use super::hausdorff::Hausdorff;
use super::judge::PixelJudge;
use super::mnist::{DigitTasks, DigitTrials, ask_digit_pixels};
use super::pixel::Pixel;
use super::results::{
    Curve, CurveLine, Evaluation, Provenance, Role, ScoredNetwork, Verification, VerificationScore,
};
use super::score::Ties;
use super::task_set::{Protocol, TaskSet};
use super::verification::PairSet;
use crate::archive::{Digits, Split};
use crate::model::Model;
use crate::sample::{Scope, TaskShape, alphabets_of};
use crate::store::{AlphabetId, DrawingId, PageCache, Store, StoreError};

/// What to evaluate, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// One-shot protocols with their shots, in the order of the report.
    pub protocols: Vec<(Protocol, usize)>,
    /// Ways of random tasks.
    pub ways: usize,
    /// Tasks of each random protocol.
    pub trials: u64,
    /// Tasks for each number of ways of the curve; no curve with 0.
    pub curve_trials: u64,
    /// Whether to take the verification task.
    pub verification: bool,
    /// The seed of all random tasks and pairs.
    pub seed: u64,
    /// What a tie counts for.
    pub ties: Ties,
    /// Distorted copies of each drawing that a variant of each network averages over; 0 for none.
    pub copies: usize,
    /// Whether a variant answers all queries of a run together.
    pub joint: bool,
    /// Whether a variant of each network has its last layer trained on the support.
    pub fine_tuned: bool,
}

/// MNIST's digits, and what to ask about them.
pub struct DigitPlan {
    /// The digits.
    pub digits: Digits,
    /// The tasks.
    pub trials: DigitTrials,
}

/// A network that takes part.
pub struct Contestant {
    /// What the report calls it.
    pub name: String,
    /// Whether it is one of those that the evaluation is about, or a baseline.
    pub role: Role,
    /// The network.
    pub model: Model,
    /// BLAKE3 of its file.
    pub digest: String,
}

/// What goes on in an evaluation, for whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Begins(String),
    /// So many drawings of so many are embedded.
    Embedded(usize, usize),
    /// A part that was asked for cannot be had, and why.
    LeftOut(String),
}

/// What all systems are asked.
struct Questions {
    one_shot: Vec<Asked>,
    curve: Option<(CurveTasks, Curve)>,
    pairs: Option<(PairSet, Verification)>,
}

/// Evaluates networks and baselines.
///
/// # Errors
/// If a network has seen what it would be asked about, unless `allow_seen`; if the store holds
/// too few characters for a protocol, or cannot be read.
pub fn evaluate(
    store: &Arc<Store>,
    contestants: &[Contestant],
    plan: &Plan,
    digits: Option<&DigitPlan>,
    allow_seen: bool,
    mut watch: impl FnMut(Event),
) -> Result<(Evaluation, Gallery), EvalError> {
    let networks: Vec<ScoredNetwork> = contestants.iter().map(|c| scored(store, c)).collect();
    if let Some(network) = networks.iter().find(|n| !n.seen.is_empty() && !allow_seen) {
        return Err(EvalError::Seen {
            network: network.name.clone(),
            alphabet: network.seen[0].clone(),
        });
    }
    let pages = PageCache::new(Arc::clone(store));
    let mut questions = Questions::draw(store, plan, &mut watch)?;
    questions.ask_baselines(&pages, plan, &mut watch)?;
    let mut asked_digits = match digits {
        Some(DigitPlan { digits, trials }) => {
            let mut asked = Asked::new(DigitTasks::new(digits, *trials)?.set());
            ask_digit_pixels(digits, &mut asked, plan.ties)?;
            Some((digits, asked))
        }
        None => None,
    };
    let mut gallery = Gallery::default();
    for contestant in contestants {
        let shown = gallery.network.is_empty().then_some(&mut gallery);
        questions.ask(contestant, &pages, plan, shown, &mut watch)?;
        if let Some((digits, asked)) = &mut asked_digits {
            let Contestant {
                name, role, model, ..
            } = contestant;
            watch(Event::Begins(format!("{name}: digits")));
            let embeddings = Embeddings::of_digits(model, digits, asked.set.drawings());
            asked.add(name, *role, &embeddings, plan.ties)?;
        }
    }
    let made_up = store
        .alphabets()
        .iter()
        .any(|a| a.name.starts_with(MADE_UP));
    let evaluation = Evaluation {
        provenance: Provenance {
            program: concat!("omnishot ", env!("CARGO_PKG_VERSION")).to_owned(),
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

/// What the names of made-up alphabets begin with.
const MADE_UP: &str = "Synthetic_";

fn scored(store: &Store, contestant: &Contestant) -> ScoredNetwork {
    let card = &contestant.model.card;
    let alphabets = store.alphabets().iter();
    let trainable = contestant.model.weights().trainable_variables();
    ScoredNetwork {
        name: contestant.name.clone(),
        digest: contestant.digest.clone(),
        parameters: trainable.iter().map(|tensor| tensor.numel() as u64).sum(),
        card: card.clone(),
        seen: (alphabets.filter(|a| a.split == Split::Evaluation))
            .map(|a| a.name.clone())
            .filter(|name| card.training.contains(name) || card.validation.contains(name))
            .collect(),
    }
}

/// The store's background alphabets of these names.
fn background_named(store: &Store, names: &[String]) -> Vec<AlphabetId> {
    let background = alphabets_of(store, Split::Background).into_iter();
    background
        .filter(|&id| names.contains(&store.alphabet(id).name))
        .collect()
}

impl Questions {
    fn draw(
        store: &Store,
        plan: &Plan,
        watch: &mut impl FnMut(Event),
    ) -> Result<Questions, EvalError> {
        let evaluation = alphabets_of(store, Split::Evaluation);
        let mut one_shot = Vec::new();
        for &(protocol, shots) in &plan.protocols {
            let random = |scope| {
                let shape = TaskShape {
                    ways: plan.ways,
                    shots,
                    scope,
                };
                TaskSet::random(store, &evaluation, shape, plan.seed, plan.trials)
            };
            let set = match protocol {
                Protocol::LakeRuns => TaskSet::lake_runs(store).ok_or(EvalError::NoRuns)?,
                Protocol::Within => random(Scope::Within)?,
                Protocol::Between => random(Scope::Between)?,
                Protocol::Digits => return Err(EvalError::NoDigits),
            };
            one_shot.push(Asked::new(set));
        }
        let mut curve = None;
        if plan.curve_trials > 0 {
            let tasks = CurveTasks::draw(store, &evaluation, plan.seed, plan.curve_trials)?;
            let ways = tasks.ways();
            let lines = vec![tasks.chance()];
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
                                    them for pixels), drawers 13 to 16"
                            .to_owned(),
                        systems: Vec::new(),
                    };
                    pairs = Some((test, verification));
                }
                Err(error) => watch(Event::LeftOut(format!("verification: {error}"))),
            }
        }
        Ok(Questions {
            one_shot,
            curve,
            pairs,
        })
    }

    fn ask_baselines(
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
            let judge = PixelJudge::new(pages, pixel);
            for asked in &mut self.one_shot {
                asked.add(name, Role::Baseline, &judge, plan.ties)?;
            }
            if let (Pixel::L2, Some((tasks, curve))) = (pixel, &mut self.curve) {
                let name = format!("{name}, evaluation alphabets");
                curve.lines.push(tasks.line(name, &judge, plan.ties)?);
            }
        }
        watch(Event::Begins("modified Hausdorff distance".to_owned()));
        for asked in self
            .one_shot
            .iter_mut()
            .filter(|asked| asked.set.shots == 1)
        {
            let points = Hausdorff::of(pages, asked.set.drawings())?;
            asked.add(HAUSDORFF, Role::Baseline, &points, plan.ties)?;
        }
        if let Some((test, verification)) = &mut self.pairs {
            let choice = PairSet::choice(store, &[], "all background", plan.seed)
                .map_err(EvalError::Pairs)?;
            for (name, pixel) in pixels {
                let alike = |a, b| Ok(pixel.similarity(pages.page(a)?, pages.page(b)?));
                let score = verify(name, Role::Baseline, test, &choice, plan, alike)?;
                verification.systems.push(score);
            }
        }
        Ok(())
    }

    /// Asks a network everything, and shows what it did in the gallery.
    fn ask(
        &mut self,
        contestant: &Contestant,
        pages: &PageCache,
        plan: &Plan,
        gallery: Option<&mut Gallery>,
        watch: &mut impl FnMut(Event),
    ) -> Result<(), EvalError> {
        let Contestant {
            name, role, model, ..
        } = contestant;
        let store = pages.store();
        let evaluation = alphabets_of(store, Split::Evaluation);
        let trained = background_named(store, &model.card.training);
        let held_out = background_named(store, &model.card.validation);
        let mut needed: Vec<DrawingId> = self
            .one_shot
            .iter()
            .flat_map(|asked| asked.set.drawings())
            .collect();
        let mut curves = Vec::new();
        if let Some((tasks, _)) = &self.curve {
            needed.extend(tasks.sets().iter().flat_map(TaskSet::drawings));
            for (alphabets, which) in [(&held_out, "held-out"), (&trained, "training")] {
                // An alphabet or two may be too few; then the line is left out.
                let tasks = CurveTasks::draw(store, alphabets, plan.seed, plan.curve_trials);
                curves.extend(tasks.ok().map(|tasks| (tasks, which)));
            }
            let own = curves.iter().flat_map(|(tasks, _)| tasks.sets());
            needed.extend(own.flat_map(TaskSet::drawings));
        }
        let choice = match &self.pairs {
            Some((test, _)) => {
                let choice = PairSet::choice(store, &held_out, "held-out background", plan.seed)
                    .map_err(EvalError::Pairs)?;
                needed.extend(test.drawings().chain(choice.drawings()));
                Some(choice)
            }
            None => None,
        };
        if gallery.is_some() {
            let all = crate::sample::characters_of(store, &evaluation)
                .into_iter()
                .flatten();
            needed.extend(all.flat_map(|id| store.character(id).drawings.clone()));
        }
        needed.sort_unstable();
        needed.dedup();
        watch(Event::Begins(format!("{name}: {} drawings", needed.len())));
        let done = |done, all| watch(Event::Embedded(done, all));
        let embeddings = Embeddings::watched(model, store, needed, done)?;
        watch(Event::Begins(format!("{name}: scores")));
        for asked in &mut self.one_shot {
            asked.add(name, *role, &embeddings, plan.ties)?;
        }
        if plan.fine_tuned {
            let judge = FineTuned::new(&embeddings);
            let label = format!("{name}, last layer fine-tuned on the support");
            for asked in &mut self.one_shot {
                asked.add(&label, variant(*role), &judge, plan.ties)?;
            }
        }
        if plan.joint {
            for asked in &mut self.one_shot {
                asked.add_joint(name, variant(*role), &embeddings)?;
            }
        }
        if let (Some((test, verification)), Some(choice)) = (&mut self.pairs, &choice) {
            let alike = |a, b| Ok(embeddings.similarity(a, b));
            let score = verify(name, *role, test, choice, plan, alike)?;
            verification.systems.push(score);
        }
        if let Some((tasks, curve)) = &mut self.curve {
            let line = |tasks: &CurveTasks, which: &str| -> Result<CurveLine, StoreError> {
                tasks.line(format!("{name}, {which} alphabets"), &embeddings, plan.ties)
            };
            curve.lines.push(line(tasks, "evaluation")?);
            for (own, which) in &curves {
                let mut own = line(own, which)?;
                own.percent.truncate(curve.ways.len());
                curve.lines.push(own);
            }
        }
        if let Some(gallery) = gallery {
            gallery.network.clone_from(name);
            for asked in &self.one_shot {
                if let Some((_, _, answers)) = asked.systems.iter().find(|s| s.0 == *name) {
                    gallery.add_failures(pages, &embeddings, &asked.set, answers)?;
                }
            }
            gallery.add_neighbours(pages, &embeddings, Split::Evaluation, plan.seed)?;
            gallery.add_map(pages, &embeddings, &evaluation, plan.seed)?;
        }
        drop(embeddings);
        if plan.copies > 0 {
            watch(Event::Begins(format!(
                "{name}: {} copies of each drawing",
                plan.copies
            )));
            let label = format!("{name}, mean over {} distorted copies", plan.copies);
            for asked in &mut self.one_shot {
                let (drawings, copies) = (asked.set.drawings(), plan.copies);
                let judge = Embeddings::averaged(model, store, drawings, copies, plan.seed)?;
                asked.add(&label, variant(*role), &judge, plan.ties)?;
            }
        }
        Ok(())
    }
}

/// Modified Hausdorff distance in tables.
const HAUSDORFF: &str = "modified Hausdorff distance";

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
    likeness: impl Fn(DrawingId, DrawingId) -> Result<f64, StoreError>,
) -> Result<VerificationScore, StoreError> {
    let threshold = choice.judged(&likeness)?.threshold();
    let judged = test.judged(&likeness)?;
    Ok(judged.result(name.to_owned(), role, threshold, plan.seed))
}
