//! Accuracy over the number of ways, of every system that has a curve.

use super::{Run, background_named};
use crate::archive::Split;
use crate::eval::error::EvalError;
use crate::eval::plan::{Entrant, Plan};
use crate::eval::scores::{Curve, CurveLine, Role};
use crate::eval::systems::{Rules, System};
use crate::eval::tasks::{CurveTasks, TaskSet};
use crate::sample::alphabets_of;
use crate::store::{DrawingId, Store};

/// The tasks of a curve, and its lines so far.
pub(super) struct CurveRun {
    tasks: CurveTasks,
    /// Tasks over alphabets that the first network knows, and which they are; of no other, or
    /// the plot would be a thicket.
    known: Vec<(CurveTasks, &'static str)>,
    /// The first network's name.
    first: Option<String>,
    curve: Curve,
}

impl CurveRun {
    /// The tasks of a plan, over the evaluation alphabets and those that the network `first`
    /// knows.
    pub fn draw(
        store: &Store,
        plan: &Plan,
        first: Option<&Entrant>,
    ) -> Result<CurveRun, EvalError> {
        let draw =
            |alphabets: &[_]| CurveTasks::draw(store, alphabets, plan.seed, plan.curve_trials);
        let tasks = draw(&alphabets_of(store, Split::Evaluation))?;
        let first = first.filter(|entrant| entrant.role == Role::Network);
        let mut known = Vec::new();
        if let Some(entrant) = first {
            let card = &entrant.model.card;
            for (names, which) in [(&card.validation, "held-out"), (&card.training, "training")] {
                // An alphabet or two may be too few; then the line is left out.
                let tasks = draw(&background_named(store, names));
                known.extend(tasks.ok().map(|tasks| (tasks, which)));
            }
        }
        let curve = Curve {
            trials: plan.curve_trials,
            ways: tasks.ways(),
            lines: Vec::new(),
        };
        Ok(CurveRun {
            tasks,
            known,
            first: first.map(|entrant| entrant.name.clone()),
            curve,
        })
    }

    /// The tasks that a system of this name is asked, and over which alphabets they are.
    fn lines(&self, name: &str) -> impl Iterator<Item = (&CurveTasks, &'static str)> {
        let is_first = self.first.as_deref() == Some(name);
        let known = self.known.iter().filter(move |_| is_first);
        let known = known.map(|(tasks, which)| (tasks, *which));
        [(&self.tasks, "evaluation")].into_iter().chain(known)
    }

    /// A system's line, as long as the evaluation alphabets have characters at most.
    fn line(
        &self,
        system: &dyn System,
        rules: Rules<'_>,
        (tasks, which): (&CurveTasks, &str),
    ) -> Result<CurveLine, EvalError> {
        let percent = |set: &TaskSet| {
            let answers = system.answers(set, rules)?;
            Ok(answers.map(|answers| answers.score(set).percent()))
        };
        let sets = tasks.sets().iter().take(self.curve.ways.len());
        let percent = sets.filter_map(|set| percent(set).transpose());
        Ok(CurveLine {
            name: format!("{}, {which} alphabets", system.name()),
            percent: percent.collect::<Result<_, EvalError>>()?,
        })
    }

    pub fn found(self) -> Curve {
        self.curve
    }
}

impl Run for CurveRun {
    fn ask(&mut self, system: &dyn System, rules: Rules<'_>) -> Result<(), EvalError> {
        if system.has_curve() {
            let lines = self.lines(system.name());
            let lines = lines.map(|line| self.line(system, rules, line));
            let lines = lines.collect::<Result<Vec<_>, _>>()?;
            self.curve.lines.extend(lines);
        }
        Ok(())
    }

    fn drawings(&self, entrant: &Entrant) -> Result<Vec<DrawingId>, EvalError> {
        if entrant.role != Role::Network {
            return Ok(Vec::new());
        }
        let sets = self
            .lines(&entrant.name)
            .flat_map(|(tasks, _)| tasks.sets());
        Ok(sets.flat_map(TaskSet::drawings).collect())
    }
}
