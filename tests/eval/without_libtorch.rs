//! The programs that ask a network about pictures, and the network that ships, on this program's
//! own runtime: the same in a build with libtorch and in one without.

use std::fs;
use std::path::Path;

use omnishot::archive::{Class, Scanned, page_to_png};
use omnishot::embed::{Comparison, Embedder, Embeddings, RejectionPlan, Support, Threshold};
use omnishot::onnx::Session;
use omnishot::weights::PRETRAINED;
use tempfile::TempDir;

use crate::common::{drawings, page, program, text};

/// A build without libtorch has no choice, and no option for it.
const ENGINE: &str = if cfg!(feature = "torch") {
    "--engine rust"
} else {
    ""
};

/// Known pictures of two classes, and a picture of the second.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("known/round")).unwrap();
    for (name, kind) in [
        ("known/round/1.png", 1),
        ("known/round/2.png", 2),
        ("known/flat.png", 4000),
        ("q.png", 4000),
    ] {
        fs::write(at(name), page_to_png(&page(kind))).unwrap();
    }
    folder
}

fn classify(folder: &Path, arguments: &str) -> assert_cmd::assert::Assert {
    let path = env!("CARGO_BIN_EXE_siamese-classify");
    program(
        path,
        folder,
        &format!("--support known q.png {ENGINE} {arguments}"),
    )
}

#[test]
fn the_network_that_ships_classifies_pictures() {
    let folder = folder();
    let done = classify(folder.path(), "--pretrained --json").success();
    let said: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let answer = &said["answers"][0];
    assert_eq!(
        (&answer["answer"], &answer["why"]),
        (&"flat".into(), &"above all others".into())
    );
    let score = |place: usize| answer["ranked"][place]["score"].as_f64().unwrap();
    assert!((score(0) - 1.0).abs() < 1e-5 && score(1) < 0.9, "{answer}");
    let done = classify(folder.path(), "--pretrained --threshold 1.5").success();
    let said = text(&done.get_output().stdout);
    assert!(said.starts_with("q.png: none of these\n"), "{said}");
}

#[test]
fn embeddings_are_those_of_the_library() {
    let folder = folder();
    let path = env!("CARGO_BIN_EXE_siamese-embed");
    let arguments = format!("q.png known --pretrained {ENGINE}");
    let done = program(path, folder.path(), &arguments).success();
    let said = text(&done.get_output().stdout);
    let rows: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 4);
    let session = Session::pretrained();
    let pictures = [4000, 4000, 1, 2].map(|kind| Scanned::from(page(kind)));
    let expected = Embeddings::of_pictures(&session, &pictures);
    for (row, expected) in rows
        .iter()
        .zip(expected.values().chunks(expected.dimensions()))
    {
        let values = row["embedding"].as_array().unwrap();
        let values = values.iter().map(|value| value.as_f64().unwrap() as f32);
        assert!(values.eq(expected.iter().copied()), "{}", row["path"]);
    }
}

#[test]
fn weights_that_are_none_are_refused_in_a_sentence() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let mut flipped = PRETRAINED.to_vec();
    flipped[20] ^= 0x55; // in the header
    for (name, bytes) in [
        ("empty", &[][..]),
        ("text", b"no weights at all"),
        ("short", &PRETRAINED[..PRETRAINED.len() - 4]),
        ("long", &[&PRETRAINED[..], b"more"].concat()),
        ("flipped", &flipped),
        // Claims a header of 2^40 bytes.
        ("greedy", b"\0\0\0\0\0\x01\0\0{}"),
    ] {
        fs::write(at(name), bytes).unwrap();
        let refused = classify(folder.path(), &format!("--weights {name}")).code(1);
        let output = refused.get_output();
        let said = text(&output.stderr);
        assert!(output.stdout.is_empty());
        assert!(
            said.starts_with(&format!("siamese-classify: {name}: is ")),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let refused = classify(folder.path(), "--weights nowhere").code(1);
    let said = text(&refused.get_output().stderr);
    assert!(said.contains("nowhere: cannot be read"), "{said}");
}

/// A support is embedded once, and ranks as if it were embedded with each query.
#[test]
fn a_support_ranks_any_number_of_queries() {
    let session = Session::pretrained();
    assert_eq!(session.comparison(), Comparison::Cosine);
    let class = |name: &str, kinds: &[u32]| Class {
        name: name.to_owned(),
        pictures: kinds.iter().map(|&kind| page(kind).into()).collect(),
    };
    let classes = [
        class("a", &[1, 2]),
        class("b", &[4000]),
        class("c", &[8000]),
    ];
    let support = Support::new(&session, &classes).unwrap();
    assert_eq!(support.classes(), 3);
    let queries = [4000, 8000, 1].map(|kind| Scanned::from(page(kind)));
    let ranked = support.rank_pictures(&session, &queries);
    let first: Vec<usize> = ranked.iter().map(|ranked| ranked[0].class).collect();
    assert_eq!(first, [1, 2, 0]);
    for (query, ranked) in queries.iter().zip(&ranked) {
        let alone = support.rank_pictures(&session, std::slice::from_ref(query));
        assert_eq!(&alone[0], ranked);
    }
}

#[test]
fn a_threshold_is_found_on_alphabets_that_were_not_seen() {
    let plan = RejectionPlan {
        ways: 5,
        shots: 1,
        accepted: 0.1,
        tasks: 2000,
        seed: 3,
    };
    let found = Threshold::find(&Session::pretrained(), &drawings::made_up(), plan).unwrap();
    assert_eq!((found.ways, found.alphabets.len()), (5, 6));
    // It knows nothing of these hands, and yet tells most characters apart.
    assert!(found.right.percent() > 50.0, "{found:?}");
    assert!(found.unknowns.percent() < 20.0, "{found:?}");
}
