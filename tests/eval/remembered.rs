//! How pictures were made into pages is remembered: in a store, in weights, and by whoever asks.

use crate::common::pictures;
use crate::common::pictures::{evaluating, grouped};
use crate::common::{sha256, store_bytes, unpack};
use omnishot::archive::{Archive, ScanOptions, read_groups};
use omnishot::store::{self, Store, StoreError, WriteOptions};

/// A small archive of pictures made so, packed.
fn packed(options: Option<ScanOptions>, folder: &std::path::Path) -> Store {
    let groups = read_groups(pictures::folder(&grouped()).path(), &{
        let mut all = evaluating(&["marks"]);
        all.scan = options.unwrap_or_default();
        all
    });
    let path = folder.join("s.omni");
    let options = WriteOptions {
        overwrite: true,
        pictures: options,
        ..WriteOptions::default()
    };
    store::write(&path, &groups.unwrap().archive, options, |_| ()).unwrap();
    Store::read(&path).unwrap()
}

#[test]
fn a_store_says_how_its_pictures_were_made() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(packed(None, folder.path()).pictures(), None);
    for cut in [false, true] {
        for grey in [false, true] {
            let made = Some(ScanOptions { cut, grey });
            assert_eq!(packed(made, folder.path()).pictures(), made);
        }
    }
}

#[test]
fn a_byte_that_says_nothing_sensible_is_refused() {
    let archive: Archive = unpack(&packed(None, tempfile::tempdir().unwrap().path()));
    let sound = store_bytes(&archive);
    for byte in 0..=255u8 {
        let mut bytes = sound.clone();
        bytes[56] = byte;
        let front = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
        let sum = sha256(&[&bytes[..64], &bytes[96..front]].concat());
        let sum: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&sum[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        bytes[64..96].copy_from_slice(&sum);
        let read = Store::from_bytes("changed", bytes);
        // Shades are there in version 2 alone.
        let whole = [0, 1, 3].contains(&byte);
        match read {
            Ok(_) => assert!(whole, "{byte}"),
            Err(StoreError::Damaged { offset, .. }) => assert!(!whole && offset == 56, "{byte}"),
            Err(other) => panic!("{byte}: {other}"),
        }
    }
}

/// The program takes flags that are not given from the weights, and says what does not fit.
#[test]
#[cfg(all(feature = "cli", feature = "torch"))]
fn pictures_are_classified_as_those_that_were_learned_from_were_made() {
    use crate::common::untrained;
    use assert_cmd::Command;

    let made = Some(ScanOptions {
        cut: true,
        grey: false,
    });
    let here = tempfile::tempdir().unwrap();
    let mut model = untrained::compact(&[]);
    let plain = here.path().join("plain.safetensors");
    model.save(&plain).unwrap();
    model.card.pictures = made;
    let weights = here.path().join("weights.safetensors");
    model.save(&weights).unwrap();
    let known = pictures::folder(&pictures::files(&["a/1.png", "b/1.png", "c/1.png"]));
    let query = known.path().join("b/1.png");
    packed(made, here.path());
    let run = |weights: &std::path::Path, flags: &[&str]| {
        let mut command = Command::cargo_bin("siamese-classify").unwrap();
        let output = (command.arg("--support").arg(known.path()))
            .arg("--weights")
            .arg(weights)
            .args(flags)
            .arg(&query)
            .current_dir(here.path())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, cut, said) = run(&plain, &["--json", "--cut"]);
    assert_eq!((code, &*said), (Some(0), ""));
    let whole = run(&plain, &["--json"]).1;
    assert_ne!(cut, whole, "the pictures are such that it matters");
    assert_eq!(
        run(&weights, &["--json"]),
        (Some(0), cut.clone(), String::new())
    );
    let (code, got, said) = run(&weights, &["--json", "--cut=false"]);
    assert_eq!((code, got), (Some(0), whole));
    assert!(
        said.contains("trained on pictures made with --cut"),
        "{said}"
    );
    // A threshold holds for pictures that are made as those that it is found on.
    let (code, _, said) = run(&plain, &["--calibrate", "s.omni", "--cut=false"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("s.omni: its pictures were made with --cut")
            && said.contains("does not hold"),
        "{said}"
    );
}
