//! What a page may ask for: classes ranked for a query, thresholds, sets and alphabets.
//!
//! A page's own desk, what is drawn on it, is in the page; each question brings all of it along. A
//! drawing that was embedded before is known by its digest, so that a new query costs the embedding
//! of one drawing.

use rayon::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::alphabets::Alphabets;
use super::drawing::{Classes, Png, SentClass};
use super::known::{Digest, Embedding, Known};
use super::limits::{MOST_CLASSES, MOST_DRAWINGS};
use super::none::Calibration;
use super::refusal::Refusal;
use super::sets::Sets;
use crate::archive::{ScanOptions, scan};
use crate::distort::Distorter;
use crate::embed::{Answer, Embedder, Ranked, distorter};
use crate::onnx::Session;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// What the page begins with: limits, the threshold, names of sets and alphabets.
    Start,
    /// The classes, ranked for a query.
    Rank,
    /// The threshold for a number of classes.
    Threshold,
    /// Classes to be saved.
    Save,
    /// Classes that were saved.
    Load,
    /// Classes of an alphabet.
    Alphabet,
}

impl Ask {
    /// The method that it is asked by.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Ask::Start => "GET",
            _ => "POST",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RankRequest {
    classes: Vec<SentClass>,
    query: String,
    threshold: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdRequest {
    ways: usize,
    shots: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaveRequest {
    name: String,
    classes: Vec<SentClass>,
    replace: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameRequest {
    name: String,
}

/// Everything that the server knows.
pub struct Desk {
    /// The network.
    pub network: Session,
    /// How drawings are made ready for it.
    pub scan: ScanOptions,
    /// The score up to which the answer is none of these, to begin with.
    pub threshold: Option<f64>,
    /// Where thresholds are found.
    pub calibration: Option<Calibration>,
    /// Where sets are saved.
    pub sets: Sets,
    /// What there is to start from.
    pub alphabets: Option<Alphabets>,
    /// Embeddings of drawings, by the digest of their PNG files.
    pub known: Known,
}

impl Desk {
    /// What a path asks for.
    #[must_use]
    pub fn path(path: &str) -> Option<Ask> {
        Some(match path {
            "/api/start" => Ask::Start,
            "/api/rank" => Ask::Rank,
            "/api/threshold" => Ask::Threshold,
            "/api/save" => Ask::Save,
            "/api/load" => Ask::Load,
            "/api/alphabet" => Ask::Alphabet,
            _ => return None,
        })
    }

    /// Answers a request of this body, in JSON.
    ///
    /// # Errors
    /// Whatever is wrong with the request; nothing was changed.
    pub fn answer(&self, ask: Ask, body: &[u8]) -> Result<String, Refusal> {
        let answer = match ask {
            Ask::Start => self.start()?,
            Ask::Rank => self.rank(&taken(body)?)?,
            Ask::Threshold => self.found(&taken(body)?)?,
            Ask::Save => {
                let request: SaveRequest = taken(body)?;
                let classes = Classes::taken(&request.classes)?;
                self.sets.save(&request.name, &classes, request.replace)?;
                json!({ "saved": request.name })
            }
            Ask::Load => {
                let request: NameRequest = taken(body)?;
                json!({ "classes": self.sets.load(&request.name)?.sent() })
            }
            Ask::Alphabet => {
                let NameRequest { name } = taken(body)?;
                let alphabets = self.alphabets.as_ref();
                let classes = match alphabets {
                    Some(alphabets) => alphabets.classes(&name)?,
                    None => return Err(Refusal::NoAlphabet(name)),
                };
                json!({ "classes": classes.sent() })
            }
        };
        Ok(answer.to_string())
    }

    /// Waits until no set is being saved, and lets no other be saved after it.
    pub fn finish_saving(&self) {
        // Whoever would save next waits for the end of the process.
        std::mem::forget(self.sets.lock());
    }

    fn start(&self) -> Result<serde_json::Value, Refusal> {
        let alphabets = self.alphabets.as_ref().map(Alphabets::names);
        Ok(json!({
            "most": { "classes": MOST_CLASSES, "drawings": MOST_DRAWINGS },
            "threshold": self.threshold,
            "calibrated": self.calibration.is_some(),
            "sets": self.sets.names()?,
            "alphabets": alphabets.unwrap_or_default(),
        }))
    }

    fn found(&self, request: &ThresholdRequest) -> Result<serde_json::Value, Refusal> {
        let ThresholdRequest { ways, shots } = *request;
        let calibration = self.calibration.as_ref().ok_or(Refusal::NoCalibration)?;
        let refused = |why| Refusal::Calibration { ways, shots, why };
        if !(1..=MOST_CLASSES).contains(&ways) || !(1..=MOST_DRAWINGS).contains(&shots) {
            return Err(refused("a page has no such classes".to_owned()));
        }
        let found = calibration.find(&self.network, ways, shots);
        let score = found.map_err(|error| refused(error.to_string()))?;
        Ok(json!({ "score": score }))
    }

    /// The classes of a request, the nearest first, as `siamese-classify` ranks them.
    fn rank(&self, request: &RankRequest) -> Result<serde_json::Value, Refusal> {
        let classes = Classes::taken(&request.classes)?.0;
        let query = Png::from_base64(&request.query, "the query".to_owned())?;
        let drawings = classes.iter().flat_map(|class| &class.drawings);
        let pngs: Vec<&Png> = drawings.chain([&query]).collect();
        let mut embedded = self.embed(&pngs)?;
        let query = embedded
            .pop()
            .expect("one for each of the drawings, the query too");
        let mut rows = embedded.iter().map(|row| &**row);
        let comparison = self.network.comparison();
        let ranked = Ranked::nearest_first(classes.iter().map(|drawn| {
            let own: Vec<&[f32]> = rows.by_ref().take(drawn.drawings.len()).collect();
            comparison.class_similarity(&query, &own)
        }));
        let answer = Answer::of(&ranked, request.threshold);
        let name = |class: usize| &classes[class].name;
        let ranked = ranked
            .iter()
            .map(|one| json!({ "class": one.class, "name": name(one.class), "score": one.score }));
        let ranked: Vec<_> = ranked.collect();
        Ok(json!({ "answer": answer.class().map(name), "why": answer.why(), "ranked": ranked }))
    }

    /// The embedding of each drawing.
    fn embed(&self, pngs: &[&Png]) -> Result<Vec<Embedding>, Refusal> {
        let digest = |png: &&Png| *blake3::hash(png.bytes()).as_bytes();
        let digests: Vec<Digest> = pngs.iter().map(digest).collect();
        self.known.embed(&self.network, &digests, |places| {
            let some: Vec<&Png> = places.iter().map(|&place| pngs[place]).collect();
            self.images(&some)
        })
    }

    /// Drawings as the network takes them, `[n, side, side]`: as `siamese-classify` makes its
    /// pictures ready.
    fn images(&self, some: &[&Png]) -> Result<Vec<f32>, Refusal> {
        let side = self.network.card().network.side();
        let mut images = vec![0f32; some.len() * side * side];
        let plain = distorter(self.network.card());
        (some
            .par_iter()
            .zip(images.par_chunks_exact_mut(side * side)))
        .try_for_each_init(
            || plain.clone(),
            |plain: &mut Distorter, (png, image)| {
                let scanned = scan(png.bytes(), self.scan).map_err(|problem| Refusal::Picture {
                    drawing: png.name.clone(),
                    problem,
                })?;
                plain.plain(scanned.drawn(), 0, image);
                Ok::<(), Refusal>(())
            },
        )?;
        Ok(images)
    }
}

fn taken<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    Ok(serde_json::from_slice(body)?)
}
