//! The protocols of an evaluation, and putting them to systems.

mod curve;
mod episodes;
mod verification;

use self::curve::CurveRun;
use self::episodes::EpisodeRun;
use self::verification::VerificationRun;
use super::error::EvalError;
use super::plan::{Entrant, Event, Plan};
use super::scores::{Curve, Episodes, ProtocolRun, ProtocolScores, Verification};
use super::systems::{Rules, System};
use super::tasks::{Protocol, TaskSet};
use crate::archive::Split;
use crate::sample::alphabets_of;
use crate::store::{AlphabetId, DrawingId, Store};

/// A protocol that systems are asked by, one after the other.
trait Run {
    /// Asks a system, if it takes part.
    fn ask(&mut self, system: &dyn System, rules: Rules<'_>) -> Result<(), EvalError>;

    /// The drawings that a network is asked about, some of them many times.
    fn drawings(&self, entrant: &Entrant) -> Result<Vec<DrawingId>, EvalError>;
}

impl Run for ProtocolRun {
    fn ask(&mut self, system: &dyn System, rules: Rules<'_>) -> Result<(), EvalError> {
        ProtocolRun::ask(self, system, rules)
    }

    fn drawings(&self, _: &Entrant) -> Result<Vec<DrawingId>, EvalError> {
        Ok(self.set.drawings().collect())
    }
}

/// All protocols of a plan, with what they found so far.
pub(super) struct Protocols<'a> {
    /// Those of one-shot questions.
    pub one_shot: Vec<ProtocolRun>,
    curve: Option<CurveRun>,
    episodes: Option<EpisodeRun>,
    verification: Option<VerificationRun<'a>>,
}

impl<'a> Protocols<'a> {
    /// The protocols of a plan; `first` is the network that the plan's plots are about.
    pub fn draw(
        store: &'a Store,
        plan: &Plan,
        first: Option<&Entrant>,
        watch: &mut impl FnMut(Event),
    ) -> Result<Protocols<'a>, EvalError> {
        let random = plan
            .protocols
            .iter()
            .any(|(protocol, _)| protocol.is_random());
        let (curve, episodes) = (plan.curve_trials > 0, plan.episodes > 0);
        if (random || curve || episodes) && alphabets_of(store, Split::Evaluation).is_empty() {
            return Err(EvalError::NothingToEvaluate);
        }
        let one_shot = task_sets(store, plan, |protocol| !protocol.is_turned())?;
        let curve = curve
            .then(|| CurveRun::draw(store, plan, first))
            .transpose()?;
        let episodes = episodes
            .then(|| EpisodeRun::draw(store, plan))
            .transpose()?;
        let mut verification = None;
        if plan.verification {
            match VerificationRun::draw(store, plan.seed) {
                Ok(run) => verification = Some(run),
                Err(error) => watch(Event::LeftOut(format!("verification: {error}"))),
            }
        }
        Ok(Protocols {
            curve,
            episodes,
            verification,
            ..Protocols::of(one_shot)
        })
    }

    /// The protocols of a plan whose drawings are turned, of which there may be none.
    pub fn turned(store: &Store, plan: &Plan) -> Result<Protocols<'a>, EvalError> {
        let sets = task_sets(store, plan, Protocol::is_turned)?;
        Ok(Protocols::of(sets))
    }

    /// Protocols of one-shot questions, and no others.
    pub fn of(sets: impl IntoIterator<Item = TaskSet>) -> Protocols<'a> {
        Protocols {
            one_shot: sets.into_iter().map(ProtocolRun::new).collect(),
            curve: None,
            episodes: None,
            verification: None,
        }
    }

    fn runs(&self) -> impl Iterator<Item = &dyn Run> {
        let one_shot = self.one_shot.iter().map(|run| run as &dyn Run);
        let curve = self.curve.iter().map(|run| run as &dyn Run);
        let episodes = self.episodes.iter().map(|run| run as &dyn Run);
        let verification = self.verification.iter().map(|run| run as &dyn Run);
        one_shot.chain(curve).chain(episodes).chain(verification)
    }

    fn runs_mut(&mut self) -> impl Iterator<Item = &mut dyn Run> {
        let one_shot = self.one_shot.iter_mut().map(|run| run as &mut dyn Run);
        let curve = self.curve.iter_mut().map(|run| run as &mut dyn Run);
        let episodes = self.episodes.iter_mut().map(|run| run as &mut dyn Run);
        let verification = self.verification.iter_mut();
        one_shot
            .chain(curve)
            .chain(episodes)
            .chain(verification.map(|run| run as &mut dyn Run))
    }

    /// Puts every protocol to every system.
    pub fn ask(&mut self, systems: &[&dyn System], rules: Rules<'_>) -> Result<(), EvalError> {
        for &system in systems {
            for run in self.runs_mut() {
                run.ask(system, rules)?;
            }
        }
        Ok(())
    }

    /// All drawings that a network is asked about, ascending and each once.
    pub fn drawings(&self, entrant: &Entrant) -> Result<Vec<DrawingId>, EvalError> {
        let each = self.runs().map(|run| run.drawings(entrant));
        let mut drawings = each.collect::<Result<Vec<_>, _>>()?.concat();
        drawings.sort_unstable();
        drawings.dedup();
        Ok(drawings)
    }

    /// The drawings of the one-shot questions, some of them many times.
    pub fn one_shot_drawings(&self) -> impl Iterator<Item = DrawingId> {
        self.one_shot.iter().flat_map(|run| run.set.drawings())
    }

    /// What each found. The seed is that of resampling.
    pub fn found(self, seed: u64) -> Found {
        Found {
            one_shot: self.one_shot.iter().map(|run| run.scores(seed)).collect(),
            curve: self.curve.map(CurveRun::found),
            episodes: self.episodes.map(EpisodeRun::found),
            verification: self.verification.map(VerificationRun::found),
        }
    }
}

/// What protocols found; none of those that were not asked for.
pub(super) struct Found {
    pub one_shot: Vec<ProtocolScores>,
    pub curve: Option<Curve>,
    pub episodes: Option<Episodes>,
    pub verification: Option<Verification>,
}

/// The questions of those of a plan's protocols that are wanted.
fn task_sets(
    store: &Store,
    plan: &Plan,
    wanted: impl Fn(Protocol) -> bool,
) -> Result<Vec<TaskSet>, EvalError> {
    let protocols = plan.protocols.iter().filter(|(which, _)| wanted(*which));
    let draw = |&(protocol, shots): &(Protocol, usize)| {
        TaskSet::of_protocol(store, protocol, (plan.ways, shots), plan.seed, plan.trials)
    };
    protocols.map(draw).collect()
}

/// The store's background alphabets of these names.
fn background_named(store: &Store, names: &[String]) -> Vec<AlphabetId> {
    let background = alphabets_of(store, Split::Background).into_iter();
    background
        .filter(|&id| names.contains(&store.alphabet(id).name))
        .collect()
}
