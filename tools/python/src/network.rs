//! A network without libtorch, and what a caller asks of it: embeddings, and answers.
//!
//! Each process has the threads and the network that come with the library to itself, made when it
//! first asks: a forked child has none of its parent's threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail, ensure};
use omnishot::archive::{Class, ScanOptions, Scanned, read_classes};
use omnishot::embed::{
    Answer, Embedder, Embeddings, OtherPictures, Ranked, RejectionPlan, Support, Threshold,
};
use omnishot::onnx::Session;
use omnishot::store::Store;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::lease::{Lease, Values};
use crate::pictures::{Input, Pictures, read};

/// Pictures that are asked about at once, and those of a support: so no number overflows.
const MOST_PICTURES: usize = 1 << 24;

/// What one process asks by.
#[derive(Default)]
pub struct Engine {
    threads: OnceLock<Result<ThreadPool, String>>,
    pretrained: OnceLock<Arc<Session>>,
}

impl Engine {
    /// Does work on this process's own threads.
    ///
    /// # Errors
    /// If the work fails, or the threads cannot be had.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let build = || ThreadPoolBuilder::new().build().map_err(|e| e.to_string());
        match self.threads.get_or_init(build) {
            Ok(threads) => threads.install(work),
            Err(why) => bail!("no threads to work with: {why}"),
        }
    }

    /// The network of a file, or that which comes with the library.
    fn network(&self, weights: Option<&Path>) -> Result<Arc<Session>> {
        Ok(match weights {
            Some(weights) => Arc::new(Session::load(weights)?),
            None => Arc::clone((self.pretrained).get_or_init(|| Arc::new(Session::pretrained()))),
        })
    }
}

/// Which network, and how pictures are made for it; as siamese-classify's options.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    weights: Option<PathBuf>,
    cut: Option<bool>,
    grey: Option<bool>,
}

impl Setup {
    /// As asked for, or else as usual.
    fn scan(&self, usual: ScanOptions) -> ScanOptions {
        ScanOptions {
            cut: self.cut.unwrap_or(usual.cut),
            grey: self.grey.unwrap_or(usual.grey),
        }
    }
}

/// What is to be warned of: pictures that are made otherwise than those of the training.
fn warning(session: &Session, scan: ScanOptions) -> Option<String> {
    let trained = session.card().pictures.filter(|trained| *trained != scan)?;
    Some(format!(
        "the network was trained on pictures made {trained}, these are made {scan}: expect worse \
         answers"
    ))
}

/// What a caller wants, as JSON.
pub trait Request: DeserializeOwned {
    /// What is made of it.
    ///
    /// # Errors
    /// If something that it names cannot be read, or does not fit together.
    fn answer(&self, engine: &Engine, arrays: Pictures<'_>) -> Result<Lease>;
}

/// What a caller wants embedded.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedRequest {
    network: Setup,
    pictures: Vec<Input>,
}

impl Request for EmbedRequest {
    /// `embeddings` [n, dimensions] of all pictures in their order, and a `report`.
    ///
    /// # Errors
    /// If the network or one of the pictures cannot be read, or there are none.
    fn answer(&self, engine: &Engine, arrays: Pictures<'_>) -> Result<Lease> {
        let session = engine.network(self.network.weights.as_deref())?;
        let scan = (self.network).scan(session.card().pictures.unwrap_or_default());
        let pictures = read(&self.pictures, arrays, scan)?;
        ensure!(!pictures.is_empty(), "there are no pictures to embed");
        check_number(pictures.len())?;
        let scanned: Vec<Scanned> = pictures.into_iter().map(|(_, picture)| picture).collect();
        let embeddings = Embeddings::of_pictures(&*session, &scanned);
        let shape = vec![scanned.len(), embeddings.dimensions()];
        let values = Values::Floats(embeddings.values().to_vec());
        let report = json!({ "warning": warning(&session, scan) });
        Ok(Lease::of_numbers(vec![
            (c"embeddings", shape, values),
            report_of(&report),
        ]))
    }
}

/// The classes to choose among: a folder or zip of them, or each with its pictures.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Known {
    Path(PathBuf),
    Classes(Vec<(String, Vec<Input>)>),
}

/// What a caller wants classified.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifyRequest {
    network: Setup,
    support: Known,
    queries: Vec<Input>,
    threshold: Option<f64>,
    calibrate: Option<PathBuf>,
    strangers: f64,
}

impl Request for ClassifyRequest {
    /// A `report` with the classes ranked for each query.
    ///
    /// # Errors
    /// If the network, the store or one of the pictures cannot be read, or there are none; if the
    /// network is a matching network, or no threshold can be found.
    fn answer(&self, engine: &Engine, arrays: Pictures<'_>) -> Result<Lease> {
        let session = engine.network(self.network.weights.as_deref())?;
        let store = self.calibrate.as_deref().map(Store::open).transpose()?;
        let scan = self.preparation(&session, store.as_ref())?;
        let classes = self.classes(arrays, scan)?;
        let queries = read(&self.queries, arrays, scan)?;
        ensure!(!queries.is_empty(), "there are no pictures to classify");
        check_number(queries.len())?;
        let support = Support::new(&*session, &classes)?;
        let threshold = match &store {
            Some(store) => Some(self.calibrated(store, &session, &classes)?),
            None => self.threshold,
        };
        let (names, queries): (Vec<String>, Vec<Scanned>) = queries.into_iter().unzip();
        let embeddings = Embeddings::of_pictures(&*session, &queries);
        let each = names.iter().zip((0..).map(|id| embeddings.row(id)));
        let answers = each.map(|(name, query)| {
            let ranked = support.rank(query);
            as_json(name, &ranked, threshold, &classes)
        });
        let report = json!({
            "warning": warning(&session, scan),
            "threshold": threshold,
            "answers": answers.collect::<Vec<_>>(),
        });
        Ok(Lease::of_numbers(vec![report_of(&report)]))
    }
}

impl ClassifyRequest {
    /// How pictures are made into pages: as asked for, or else as those of the training or of the
    /// store that a threshold is found on.
    fn preparation(&self, session: &Session, known: Option<&Store>) -> Result<ScanOptions> {
        let store = known.and_then(Store::pictures);
        let usual = session.card().pictures.or(store).unwrap_or_default();
        let scan = self.network.scan(usual);
        if let Some(known) = known {
            OtherPictures::refuse(known, scan)?;
        }
        Ok(scan)
    }

    fn classes(&self, arrays: Pictures<'_>, scan: ScanOptions) -> Result<Vec<Class>> {
        let classes = match &self.support {
            Known::Path(path) => read_classes(path, scan)?,
            Known::Classes(classes) => {
                let read = |(name, inputs): &(String, Vec<Input>)| {
                    let pictures = read(inputs, arrays, scan)?;
                    ensure!(!pictures.is_empty(), "class {name:?} has no pictures");
                    Ok(Class {
                        name: name.clone(),
                        pictures: pictures.into_iter().map(|(_, picture)| picture).collect(),
                    })
                };
                classes.iter().map(read).collect::<Result<Vec<_>>>()?
            }
        };
        ensure!(!classes.is_empty(), "there are no classes to choose among");
        check_number(classes.iter().map(|class| class.pictures.len()).sum())?;
        Ok(classes)
    }

    /// A threshold for as many classes, and as many pictures of each, as the support has.
    fn calibrated(&self, store: &Store, session: &Session, support: &[Class]) -> Result<f64> {
        let strangers = self.strangers;
        ensure!(
            (0.0..=100.0).contains(&strangers),
            "strangers is {strangers}; a share is 0 to 100 percent"
        );
        let seed = session.card().seed;
        let plan = RejectionPlan::of_classes(support, strangers / 100.0, seed);
        let found = Threshold::find(session, store, plan)
            .with_context(|| store.path().display().to_string())?;
        Ok(found.score)
    }
}

fn check_number(pictures: usize) -> Result<()> {
    ensure!(
        pictures <= MOST_PICTURES,
        "{pictures} pictures at once; at most {MOST_PICTURES} may be given"
    );
    Ok(())
}

fn as_json(name: &str, ranked: &[Ranked], threshold: Option<f64>, support: &[Class]) -> Value {
    let answer = Answer::of(ranked, threshold);
    let why = answer.why();
    let answer = answer.class().map(|class| &support[class].name);
    let ranked = ranked
        .iter()
        .map(|one| json!([support[one.class].name, one.score]));
    json!({ "query": name, "answer": answer, "why": why, "ranked": ranked.collect::<Vec<_>>() })
}

fn report_of(report: &Value) -> (&'static std::ffi::CStr, Vec<usize>, Values) {
    let text = report.to_string().into_bytes();
    (c"report", vec![text.len()], Values::Bytes(text))
}
