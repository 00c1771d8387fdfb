//! `siamese-embed`: the same vectors in every format, in order, whatever they are embedded with.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use crate::common::{self, drawings, page, store_bytes, text};
use assert_cmd::assert::Assert;
use omnishot::archive::{ScanOptions, Scanned, page_to_png, scan};
use omnishot::eval::Embeddings;
use omnishot::model::Model;
use tch::Device;

fn embed(folder: &Path, arguments: &str) -> Assert {
    common::program(env!("CARGO_BIN_EXE_siamese-embed"), folder, arguments)
}

/// A folder with `in/b/9.png`, `in/a.png`, `in/notes.txt` and so many more in `in/c`.
fn pictures(more: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    for inside in ["b", "c"] {
        fs::create_dir_all(input.join(inside)).unwrap();
    }
    fs::write(input.join("b/9.png"), page_to_png(&page(1))).unwrap();
    fs::write(input.join("a.png"), page_to_png(&page(2))).unwrap();
    fs::write(input.join("notes.txt"), "no picture").unwrap();
    for kind in 0..more {
        let bytes = page_to_png(&page(40 + kind));
        fs::write(input.join(format!("c/{kind:04}.png")), bytes).unwrap();
    }
    folder
}

/// Paths and embeddings of lines of JSON.
fn rows(lines: &str) -> Vec<(String, Vec<f32>)> {
    let row = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let numbers = line["embedding"].as_array().unwrap().iter();
        let numbers = numbers
            .map(|number| number.as_f64().unwrap() as f32)
            .collect();
        (line["path"].as_str().unwrap().to_owned(), numbers)
    };
    lines.lines().map(row).collect()
}

/// Whether they are the same but for rounding, which differs with the number of pictures that a
/// network is asked about at once.
fn are_alike(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

/// A file as the library reads it.
fn scanned(folder: &Path, name: &str) -> Scanned {
    scan(
        &fs::read(folder.join(name)).unwrap(),
        ScanOptions::default(),
    )
    .unwrap()
}

#[test]
fn every_format_has_the_librarys_vectors_in_the_order_of_names() {
    let folder = pictures(1);
    let at = folder.path();
    let printed = embed(at, "in --pretrained").success();
    let printed = rows(&text(&printed.get_output().stdout));
    let names = ["in/a.png", "in/b/9.png", "in/c/0000.png"];
    let model = Model::pretrained(Device::Cpu);
    let expected = Embeddings::of_pictures(&model, &names.map(|name| scanned(at, name)));
    assert_eq!(printed.len(), 3);
    for ((id, name), (path, row)) in (0..).zip(names).zip(&printed) {
        assert!(path == name && row == expected.row(id), "{name}");
    }

    for out in ["e.jsonl", "e.npz", "e.safetensors"] {
        embed(at, &format!("in --pretrained --out {out}")).success();
    }
    assert_eq!(
        rows(&fs::read_to_string(at.join("e.jsonl")).unwrap()),
        printed
    );

    let flat: Vec<f32> = printed.iter().flat_map(|(_, row)| row.clone()).collect();
    let mut zip = zip::ZipArchive::new(Cursor::new(fs::read(at.join("e.npz")).unwrap())).unwrap();
    let mut array = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let values = array("embeddings.npy");
    let values = npyz::NpyFile::new(&values[..]).unwrap();
    assert_eq!(values.shape(), [3, model.card.network.dimensions() as u64]);
    assert!(values.into_vec::<f32>().unwrap() == flat);
    let paths = array("paths.npy");
    let paths = npyz::NpyFile::new(&paths[..])
        .unwrap()
        .into_vec::<String>()
        .unwrap();
    assert_eq!(paths, names);

    let bytes = fs::read(at.join("e.safetensors")).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = metadata.metadata().clone().unwrap();
    assert_eq!(metadata["paths"], serde_json::to_string(&names).unwrap());
    assert_eq!(
        metadata["card"],
        serde_json::to_string(&model.card).unwrap()
    );
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor("embeddings").unwrap();
    assert_eq!(
        tensor.shape(),
        [3, model.card.network.dimensions() as usize]
    );
    let flat: Vec<u8> = flat.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert!(tensor.data() == flat);
}

#[test]
fn a_picture_has_one_vector_alone_among_others_in_a_zip_and_in_a_store() {
    let folder = pictures(600); // more than are embedded at once
    let at = folder.path();
    let all = embed(at, "in --pretrained").success();
    let all = rows(&text(&all.get_output().stdout));
    assert_eq!(all.len(), 602);
    let one = embed(at, "in/c/0599.png in/a.png --pretrained").success();
    let one = rows(&text(&one.get_output().stdout));
    for ((name, row), other) in one.iter().zip([&all[601], &all[0]]) {
        assert!(*name == other.0 && are_alike(row, &other.1), "{name}");
    }

    let png = page_to_png(&page(2));
    fs::write(at.join("some.zip"), common::zip(&[("x/a.png", png)])).unwrap();
    let zipped = embed(at, "some.zip --pretrained").success();
    let zipped = rows(&text(&zipped.get_output().stdout));
    let [(name, row)] = &zipped[..] else {
        panic!("{} rows", zipped.len());
    };
    assert!(name == "some.zip/x/a.png" && are_alike(row, &all[0].1));

    let store = drawings::made_up();
    fs::write(at.join("s.omni"), store_bytes(&common::unpack(&store))).unwrap();
    let model = Model::pretrained(Device::Cpu);
    let expected = Embeddings::of(&model, &store, 0..store.drawings()).unwrap();
    let stored = embed(at, "s.omni --pretrained").success();
    let stored = rows(&text(&stored.get_output().stdout));
    assert_eq!(stored.len(), store.drawings() as usize);
    for (id, (_, row)) in (0..).zip(&stored) {
        assert!(are_alike(row, expected.row(id)), "drawing {id}");
    }
    let character = store.character(0);
    let drawer = store.drawers(0).next().unwrap();
    let alphabet = &store.alphabet(character.alphabet).name;
    let first = format!("s.omni/{alphabet}/{}/{drawer:02}", character.name);
    assert_eq!(stored[0].0, first);
}

#[test]
fn what_cannot_be_embedded_is_named_and_costs_nothing_else() {
    let folder = pictures(0);
    let at = folder.path();
    fs::write(at.join("in/broken.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let some = embed(at, "in --pretrained --out e.npz").code(1);
    let said = text(&some.get_output().stderr);
    assert!(
        said.contains("broken.png") && said.contains("2 embeddings"),
        "{said}"
    );
    let old = fs::read(at.join("e.npz")).unwrap();

    fs::create_dir(at.join("empty")).unwrap();
    fs::write(at.join("huge.png"), vec![0; (64 << 20) + 1]).unwrap();
    for (arguments, code, what) in [
        ("in --pretrained --out e.npz", 1, "e.npz"),
        ("in --pretrained --out e.bin", 1, "use --format"),
        ("empty --pretrained", 1, "empty"),
        ("nothing --pretrained", 1, "nothing"),
        ("in/broken.png --pretrained", 1, "no picture could be read"),
        ("huge.png --pretrained", 1, "huge.png"),
        ("in", 2, "--pretrained"),
        ("in --pretrained --force", 2, "--out"),
    ] {
        let refused = embed(at, arguments).code(code);
        let said = text(&refused.get_output().stderr);
        assert!(
            said.contains(what) && !said.contains("panicked"),
            "{arguments}: {said}"
        );
        assert!(
            refused.get_output().stdout.is_empty() || arguments == "in",
            "{arguments}"
        );
    }
    assert_eq!(fs::read(at.join("e.npz")).unwrap(), old);
    assert_eq!(common::listing(at), ["e.npz", "empty", "huge.png", "in"]);
}
