//! Meta-Dataset's episodes, put to every network that compares a drawing with a class.

use super::Run;
use crate::archive::Split;
use crate::embed::{Score, Ties, leaders};
use crate::eval::error::EvalError;
use crate::eval::plan::{Entrant, Plan};
use crate::eval::scores::{EpisodeScore, Episodes, mean_interval};
use crate::eval::systems::{ClassSimilarity, Rules, System};
use crate::eval::tasks::{Episode, EpisodeSet};
use crate::sample::alphabets_of;
use crate::store::{DrawingId, Store};

/// The episodes of a plan, and what systems made of them so far.
pub(super) struct EpisodeRun {
    set: EpisodeSet,
    found: Episodes,
}

impl EpisodeRun {
    /// The episodes of a plan, over the evaluation alphabets.
    pub fn draw(store: &Store, plan: &Plan) -> Result<EpisodeRun, EvalError> {
        let alphabets = alphabets_of(store, Split::Evaluation);
        let set = EpisodeSet::draw(store, &alphabets, plan.seed, plan.episodes)?;
        let found = Episodes {
            episodes: plan.episodes,
            queries: set.queries(),
            ways: set.ways(),
            seed: plan.seed,
            chance: set.chance(),
            systems: Vec::new(),
        };
        Ok(EpisodeRun { set, found })
    }

    pub fn found(self) -> Episodes {
        self.found
    }
}

/// The score of one episode. `first` is the number of its first query among all.
fn score(
    episode: &Episode,
    similarity: &ClassSimilarity<'_>,
    ties: Ties,
    (seed, first): (u64, u64),
) -> Score {
    let mut score = Score::default();
    for (index, &(query, answer)) in (first..).zip(&episode.queries) {
        let ways = episode.support.iter();
        let alike: Vec<f64> = ways.map(|way| similarity(query, way)).collect();
        let chosen = ties.settle(&leaders(&alike), seed, index);
        score.count(chosen == Some(answer));
    }
    score
}

impl Run for EpisodeRun {
    fn ask(&mut self, system: &dyn System, rules: Rules<'_>) -> Result<(), EvalError> {
        let Some(similarity) = system.class_similarity() else {
            return Ok(());
        };
        let (mut all, mut shares) = (Score::default(), Vec::new());
        for episode in &self.set.episodes {
            let at = (self.set.seed, all.asked);
            let score = score(episode, &similarity, rules.ties, at);
            shares.push(score.percent());
            all.right += score.right;
            all.asked += score.asked;
        }
        let (percent, interval) = mean_interval(&shares);
        self.found.systems.push(EpisodeScore {
            system: system.name().to_owned(),
            role: system.role(),
            percent,
            interval,
            score: all,
        });
        Ok(())
    }

    fn drawings(&self, _: &Entrant) -> Result<Vec<DrawingId>, EvalError> {
        Ok(self.set.drawings().collect())
    }
}
