//! The report of an evaluation: page, terminal text and CSV files.
#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod sample;
mod well_formed;

use omnishot::eval::{
    Curve, CurveLine, Evaluation, Gallery, Role, Score, TrainingRecord, Verification,
};
use omnishot::report::{Task, page, tables, text};

#[test]
#[ignore = "writes a page to look at: OMNISHOT_PAGE=FILE"]
fn a_page_to_look_at() {
    let file = std::env::var("OMNISHOT_PAGE").unwrap();
    let html = page(&sample::evaluation(), &sample::gallery(24));
    std::fs::write(file, html).unwrap();
    println!("{}", text(&sample::evaluation()));
}

/// The section of a page with this id.
fn section<'a>(html: &'a str, id: &str) -> &'a str {
    let start = html.find(&format!("<section id=\"{id}\"")).unwrap();
    let end = html[start..].find("</section>").unwrap();
    &html[start..start + end]
}

#[test]
fn the_same_evaluation_gives_the_same_bytes() {
    let page = || page(&sample::evaluation(), &sample::gallery(3));
    assert_eq!(page(), page());
}

#[test]
fn a_page_is_well_formed_and_small() {
    let html = page(&sample::evaluation(), &sample::gallery(24));
    well_formed::check(&html);
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}

#[test]
fn a_page_fetches_nothing_and_runs_nothing() {
    let html = page(&sample::evaluation(), &sample::gallery(1));
    for (attribute, value) in well_formed::attributes(&html) {
        let inside = value.starts_with('#') || value.starts_with("data:");
        let loads = [
            "src",
            "href",
            "xlink:href",
            "action",
            "srcset",
            "data",
            "poster",
        ];
        assert!(!loads.contains(&attribute) || inside, "{attribute}={value}");
        assert!(!attribute.starts_with("on"), "{attribute} is a script");
    }
    for word in ["http://", "https://", "<script", "@import", "url("] {
        assert!(!html.contains(word), "{word}");
    }
}

#[test]
fn names_are_escaped_wherever_they_stand() {
    let evil = "<script>alert(\"1\" & '2')</script>";
    let mut evaluation = sample::evaluation();
    let provenance = &mut evaluation.provenance;
    provenance.program = evil.to_owned();
    provenance.store = evil.to_owned();
    for network in &mut provenance.networks {
        network.name = evil.to_owned();
        network.digest = evil.to_owned();
        network.card.training = vec![evil.to_owned()];
        network.seen = vec![evil.to_owned()];
    }
    for protocol in evaluation
        .protocols
        .iter_mut()
        .chain(&mut evaluation.digits)
    {
        protocol.title = evil.to_owned();
        for system in &mut protocol.systems {
            system.system = evil.to_owned();
            system
                .groups
                .iter_mut()
                .for_each(|group| group.name = evil.to_owned());
        }
        for test in &mut protocol.comparisons {
            (test.first, test.second) = (evil.to_owned(), evil.to_owned());
        }
    }
    let curve = evaluation.curve.as_mut().unwrap();
    curve
        .lines
        .iter_mut()
        .for_each(|line| line.name = evil.to_owned());
    let verification = evaluation.verification.as_mut().unwrap();
    verification.scored_on = evil.to_owned();
    verification.chosen_on = evil.to_owned();
    verification
        .systems
        .iter_mut()
        .for_each(|system| system.system = evil.to_owned());
    evaluation
        .training
        .iter_mut()
        .for_each(|record| record.network = evil.to_owned());
    for system in &mut evaluation.episodes.as_mut().unwrap().systems {
        evil.clone_into(&mut system.system);
    }
    let mut gallery = sample::gallery(2);
    gallery.network = evil.to_owned();
    (gallery.failures.iter_mut())
        .chain(&mut gallery.shared)
        .for_each(|failure| failure.place = evil.to_owned());
    for row in &mut gallery.neighbours {
        row.label = evil.to_owned();
        row.nearest
            .iter_mut()
            .for_each(|near| near.label = evil.to_owned());
    }
    let map = gallery.map.as_mut().unwrap();
    map.alphabet = evil.to_owned();
    map.characters
        .iter_mut()
        .for_each(|name| *name = evil.to_owned());
    let html = page(&evaluation, &gallery);
    assert!(!html.contains("<script"));
    assert!(html.matches("&lt;script&gt;").count() > 100);
    well_formed::check(&html);
}

#[test]
fn published_figures_stand_only_beside_tasks_of_their_kind() {
    let evaluation = sample::evaluation();
    let html = page(&evaluation, &Gallery::default());
    let shown = |part: &str, task: Task| {
        let sources = task.figures().iter();
        let sources = sources.filter(|figure| part.contains(&format!(">{}<", figure.system)));
        sources
            .filter(|figure| part.contains(&format!(">{:.2}%<", figure.percent)))
            .count()
    };
    // Which protocol is which: tests/report/sample.rs. All within, or not 1-shot, have none.
    let parts = [
        ("protocol-1", Some(Task::Runs)),
        ("protocol-2", None),
        ("protocol-3", None),
        ("protocol-4", Some(Task::Between)),
        ("protocol-5", None),
        ("episodes", Some(Task::Episodes)),
        ("verification", Some(Task::Verification)),
        ("digits", Some(Task::Digits)),
    ];
    for (id, own) in parts {
        for task in Task::ALL {
            let expected = if own == Some(task) {
                task.figures().len()
            } else {
                0
            };
            assert_eq!(
                shown(section(&html, id), task),
                expected,
                "{task:?} in {id}"
            );
        }
    }
    // Runs that are not Lake's 400 questions compare with nothing.
    let mut other = evaluation;
    other.protocols[0].trials = 399;
    assert!(!page(&other, &Gallery::default()).contains("ConvARC"));
    assert!(!text(&other).contains("ConvARC"));
}

#[test]
fn made_up_alphabets_are_said_loudly_and_compare_with_nothing() {
    let mut evaluation = sample::evaluation();
    let (before, printed) = (page(&evaluation, &Gallery::default()), text(&evaluation));
    assert!(!before.contains("MADE UP") && !printed.contains("MADE UP"));
    assert!(before.contains("Salakhutdinov") && printed.contains("published: ConvARC"));
    evaluation.provenance.made_up = true;
    let (html, printed) = (page(&evaluation, &Gallery::default()), text(&evaluation));
    assert!(html.contains("MADE UP") && printed.contains("MADE UP"));
    for figure in Task::ALL.iter().flat_map(|task| task.figures()) {
        let source = format!(">{}<", figure.source.replace('&', "&amp;"));
        assert!(before.contains(&source) && !html.contains(&source));
        assert!(!printed.contains(&format!("{} {:.2}", figure.system, figure.percent)));
    }
}

#[test]
fn networks_that_have_seen_the_questions_are_void() {
    let mut evaluation = sample::evaluation();
    let clean = page(&evaluation, &Gallery::default());
    assert!(!clean.contains("VOID") && !clean.contains("mark void"));
    evaluation.provenance.networks[0].seen = vec!["Keble".to_owned()];
    let html = page(&evaluation, &Gallery::default());
    assert!(html.contains("THE SCORES OF compact, seed 1 ARE VOID"));
    // The network and its variant, as rows and as columns, and the table of networks.
    let runs = section(&html, "protocol-1");
    assert_eq!(runs.matches("mark void").count(), 4);
    let printed = text(&evaluation);
    assert!(printed.starts_with("!! THE SCORES OF compact, seed 1 ARE VOID"));
    assert!(printed.contains("compact, seed 1 [VOID]"));
    assert!(!printed.contains("compact, seed 2 [VOID]"));
}

#[test]
fn variants_stand_apart_and_never_lead() {
    let mut evaluation = sample::evaluation();
    // Even where a variant comes first.
    evaluation.protocols[0].systems.swap(0, 2);
    evaluation.protocols[0].spread = None;
    let html = page(&evaluation, &Gallery::default());
    let opening = &html[..html.find("<nav").unwrap()];
    assert!(opening.contains("seed 2 has 96.50% right") && !opening.contains("8 copies"));
    let runs = section(&html, "protocol-1");
    let apart = runs.find("<tbody class=\"variants\">").unwrap();
    assert!(runs.find("8 copies").unwrap() > apart);
    let row = &runs[apart..][..runs[apart..].find("</tbody>").unwrap()];
    assert!(row.contains("8 copies <span class=\"mark\">variant</span>"));
    assert!(!row.contains("Guessing"));
    assert!(text(&evaluation).contains("8 copies [variant]"));
}

#[test]
fn what_is_missing_empty_or_no_number_breaks_nothing() {
    let check = |evaluation: &Evaluation, gallery: &Gallery| {
        let html = page(evaluation, gallery);
        well_formed::check(&html);
        for word in ["NaN", "inf", "Infinity"] {
            let wrong = |(_, value): &(&str, &str)| value.split([' ', ',', '%']).any(|v| v == word);
            let found = well_formed::attributes(&html).into_iter().find(wrong);
            assert_eq!(found, None);
        }
        assert!(!text(evaluation).contains("NaN"));
        assert_eq!(tables(evaluation).len(), 7);
    };
    let nothing = sample::empty();
    check(&nothing, &Gallery::default());
    assert!(text(&nothing).contains("Nothing was asked"));

    // Protocols without systems, with one group, without questions.
    let mut evaluation = sample::evaluation();
    evaluation.protocols[0].systems.clear();
    evaluation.protocols[1].systems.truncate(1);
    evaluation.protocols[1].systems[0].groups.truncate(1);
    evaluation.protocols[1].systems[0].group_interval = None;
    evaluation.protocols[2].trials = 0;
    for system in &mut evaluation.protocols[2].systems {
        system.score = Score::default();
        system.percent = f64::NAN;
        system.interval = [f64::NAN, f64::INFINITY];
        system.groups.clear();
    }
    let mut gallery = sample::gallery(1);
    gallery.failures[0].similarities = vec![f64::NAN];
    gallery.failures[0].answer = 99;
    let map = gallery.map.as_mut().unwrap();
    map.points[0].at = [f64::NAN, 1e300];
    map.points[1].character = 999;
    // Charts of no point, one point, equal points, and points that are no numbers.
    for points in [
        vec![],
        vec![3.0],
        vec![3.0; 4],
        vec![f64::NAN, f64::INFINITY, 1e308, -1e308],
    ] {
        let numbered = |value: &f64| (7, *value);
        evaluation.training = vec![TrainingRecord {
            network: "n".to_owned(),
            loss: points.iter().map(numbered).collect(),
            validation: points.iter().map(numbered).collect(),
            validation_ways: None,
        }];
        evaluation.curve = Some(Curve {
            trials: 0,
            ways: (0..points.len()).collect(),
            lines: vec![CurveLine {
                name: "n".to_owned(),
                percent: points.clone(),
            }],
        });
        let verification: &mut Verification = evaluation.verification.as_mut().unwrap();
        for system in &mut verification.systems {
            system.auc = f64::NAN;
            system.roc = points.iter().map(|&value| [value, value]).collect();
        }
        check(&evaluation, &gallery);
    }
}

#[test]
fn csv_files_give_the_figures_back_whatever_the_names() {
    let mut evaluation = sample::evaluation();
    let odd = "a \"name\",\nwith; everything\t";
    evaluation.protocols[0].systems[0].system = odd.to_owned();
    evaluation.protocols[0].systems[0].group_interval = None;
    let files = tables(&evaluation);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "scores",
        "groups",
        "curve",
        "roc",
        "episodes",
        "verification",
        "comparisons",
    ];
    assert_eq!(names, expected.map(|name| format!("{name}.csv")));
    let rows = |file: usize| -> Vec<csv::StringRecord> {
        let mut reader = csv::Reader::from_reader(files[file].1.as_bytes());
        reader.records().map(Result::unwrap).collect()
    };
    let protocols = || evaluation.protocols.iter().chain(&evaluation.digits);
    let systems = protocols().flat_map(|p| p.systems.iter().map(move |system| (p, system)));
    let scores = rows(0);
    assert_eq!(scores.len(), systems.clone().count());
    for (row, (protocol, system)) in scores.iter().zip(systems) {
        assert_eq!(&row[0], protocol.protocol.name());
        assert_eq!(&row[5], system.system);
        assert_eq!(row[6] == *"variant", system.role == Role::Variant);
        assert_eq!(row[7].parse::<u64>().unwrap(), system.score.right);
        assert_eq!(row[9].parse::<f64>().unwrap(), system.percent);
        assert_eq!(row[11].parse::<f64>().unwrap(), system.interval[1]);
        assert_eq!(
            row[12].parse::<f64>().ok(),
            system.group_interval.map(|ends| ends[0])
        );
        assert_eq!(row[4].parse::<u64>().ok(), protocol.seed);
    }
    assert_eq!(&scores[0][5], odd);
    assert_eq!(
        rows(1).len(),
        protocols()
            .map(|p| p.systems.len() * p.systems[0].groups.len())
            .sum::<usize>()
    );
    assert_eq!(rows(2).len(), 4 * 12);
    assert_eq!(rows(3).len(), 3 * 101);
    assert_eq!(rows(4)[1][5].parse::<f64>().unwrap(), 93.25);
    assert_eq!(
        rows(5)[0][7].parse::<f64>().unwrap(),
        evaluation.verification.as_ref().unwrap().systems[0].auc
    );
    assert_eq!(
        rows(6).len(),
        protocols().map(|p| p.comparisons.len()).sum::<usize>()
    );
    // Without anything, the headers still stand.
    assert!(
        tables(&sample::empty())
            .iter()
            .all(|(_, text)| text.lines().count() == 1)
    );
}

#[test]
fn the_terminal_has_every_headline_figure() {
    let mut evaluation = sample::evaluation();
    let printed = text(&evaluation);
    for figure in [
        "96.00%",
        "93.6 to 97.5",
        "96.38%",
        "deviation 0.53",
        "20 19 18 20 19",
        "97.31%",
        "0.9881",
        "mnist",
        "95.50%  95.2 to 95.8",
        "TSA 94.96",
        "one and the same wrong answer: 1.75%",
        "People 95.5",
        "SNAIL 97.64",
        "70.3",
        "93.42",
        "a tie is a wrong answer",
        "< 0.001",
    ] {
        assert!(printed.contains(figure), "{figure} is not in\n{printed}");
    }
    assert!(
        printed.lines().all(|line| line.chars().count() <= 120),
        "{printed}"
    );
    // A name cannot steer the terminal.
    evaluation.protocols[0].systems[0].system = "\u{1b}[2Jgone\n".to_owned();
    let printed = text(&evaluation);
    assert!(!printed.contains('\u{1b}') && printed.contains("[2Jgone"));
}
