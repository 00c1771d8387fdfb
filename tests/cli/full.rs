//! Disks that are full or read-only, and folders that vanish: real ones, mounted in a namespace
//! of their own.

use crate::common;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::drawings::made_up;
use tempfile::TempDir;

const PACK: &str = env!("CARGO_BIN_EXE_omni-pack");

/// Runs a script of bash in `folder` whose folder `disk` is a file system of its own, of `kib`
/// KiB. Nothing, and a loud word, where the system allows no such thing.
fn on_a_small_disk(folder: &Path, kib: usize, script: &str) -> Option<Output> {
    fs::create_dir(folder.join("disk")).unwrap();
    let unshare = |script: &str| {
        Command::new("unshare")
            .args(["-Urm", "bash", "-euc", script])
            .current_dir(folder)
            .output()
    };
    let mount = format!("mount -t tmpfs -o size={kib}k none disk");
    match unshare(&mount) {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            eprintln!("SKIPPED: no file system can be mounted here: {why}");
            return None;
        }
        Err(error) => {
            eprintln!("SKIPPED: no file system can be mounted here: unshare: {error}");
            return None;
        }
    }
    let output = unshare(&format!("{mount}; {script}")).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    Some(output)
}

/// A store and its drawings as files.
fn prepared() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bytes = common::store_bytes(&common::unpack(&made_up()));
    fs::write(folder.path().join("s.omni"), bytes).unwrap();
    fs::write(
        folder.path().join("old.omni"),
        common::store_bytes(&common::small_archive()),
    )
    .unwrap();
    folder
}

/// Each of these needs more room than there is: what `refused` says of it, the old file is as it
/// was, and nothing is beside it.
fn every_writer_is_refused(before: &str, refused: &str) {
    let folder = prepared();
    let script = format!(
        r#"
        pack={PACK}
        cp old.omni disk/s.omni; cp old.omni disk/a.npz; cp old.omni disk/t.pairs
        mkdir disk/out; echo mine >disk/out/mine
        $pack export s.omni whole
        {before}
        fails() {{
            code=0; "$@" >>said 2>&1 || code=$?
            [[ $code == 1 ]] || {{ echo "$*: code $code" >&2; cat said >&2; exit 9; }}
            tail -n 1 said | grep -qF "{refused}" || {{ cat said >&2; exit 8; }}
            tail -n 1 said | grep -qF disk || {{ cat said >&2; exit 7; }}
            [[ $(find disk -mindepth 1 -printf '%P ' | tr ' ' '\n' | sort | xargs) \
                == "$(echo a.npz ${{FILL-}} out out/mine s.omni t.pairs)" ]] || {{ find disk >&2; exit 6; }}
            for file in s.omni a.npz t.pairs; do cmp old.omni "disk/$file"; done
        }}
        fails $pack build --force disk/s.omni whole --allow-missing --level 1
        fails $pack build disk/new.omni whole --allow-missing --level 1
        fails $pack export --force s.omni disk/a.npz
        fails $pack export --force s.omni disk/out
        fails $pack export s.omni disk/new
        fails $pack table s.omni disk/t.pairs --force --set training --pairs 12000 --copies 1
        "#
    );
    if let Some(output) = on_a_small_disk(folder.path(), 128, &script) {
        assert!(output.status.success());
    }
}

#[test]
fn a_full_disk_leaves_every_old_file_and_nothing_else() {
    let fill = "FILL=fill; dd if=/dev/zero of=disk/fill bs=4k count=20 status=none";
    every_writer_is_refused(fill, "No space left on device (os error 28)");
}

#[test]
fn a_read_only_disk_leaves_every_old_file_and_nothing_else() {
    every_writer_is_refused(
        "mount -o remount,ro disk",
        "Read-only file system (os error 30)",
    );
}

#[cfg(feature = "torch")]
mod training {
    //! Runs whose folder is such a disk, or goes away.

    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use super::*;

    const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");
    const SMALL: &str = "--preset compact --seed 5 --threads 1 --set batch.drawings=16 \
        --set batch.alphabet_characters=6 --set network.side=32 --set network.width=2 \
        --set network.dimensions=8 --set validation_alphabets=0 --checkpoint-every 2";

    /// The first checkpoint fits, and a second one beside it does not.
    #[test]
    fn a_run_on_a_disk_that_is_full_keeps_its_last_checkpoint_and_goes_on_from_it() {
        let folder = prepared();
        let script = format!(
            r#"
            train={TRAIN}
            $train s.omni --out whole {SMALL} --set steps=6 >&2
            bytes=$(stat -c %s whole/checkpoint.safetensors)
            mount -o remount,size=$((bytes + bytes / 2 + 20480)) disk
            code=0; $train s.omni --out disk/run {SMALL} --set steps=6 2>said >&2 || code=$?
            [[ $code == 1 ]] || {{ cat said >&2; exit 9; }}
            grep -qF 'No space left on device (os error 28)' said || {{ cat said >&2; exit 8; }}
            grep -qF disk/run/checkpoint.safetensors said || {{ cat said >&2; exit 7; }}
            [[ -z $(find disk -name '.omnishot-*') && ! -e disk/run/weights.safetensors ]]
            mount -o remount,size=8m disk
            $train s.omni --out disk/run --resume --checkpoint-every 2 >&2
            cmp whole/weights.safetensors disk/run/weights.safetensors
            "#
        );
        on_a_small_disk(folder.path(), 4096, &script);
    }

    #[test]
    fn a_run_whose_folder_goes_away_says_so() {
        let folder = prepared();
        let mut child = Command::new(TRAIN)
            .current_dir(folder.path())
            .args(["s.omni", "--out", "run", "--set", "steps=1000000", "--json"])
            .args(SMALL.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
        records.next().unwrap().unwrap();
        fs::rename(folder.path().join("run"), folder.path().join("gone")).unwrap();
        while let Some(Ok(_)) = records.next() {}
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("run/checkpoint.safetensors: cannot be written"),
            "{said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }

    #[test]
    fn a_run_goes_on_whatever_becomes_of_its_store() {
        let folder = prepared();
        let store = fs::read(folder.path().join("s.omni")).unwrap();
        let mut weights = Vec::new();
        for (name, change) in [("none", 0), ("cut", 1), ("rewritten", 2), ("removed", 3)] {
            let path = folder.path().join("s.omni");
            fs::write(&path, &store).unwrap();
            let mut child = Command::new(TRAIN)
                .current_dir(folder.path())
                .args(["s.omni", "--out", name, "--set", "steps=12", "--json"])
                .args(SMALL.split_whitespace())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut records = BufReader::new(child.stdout.take().unwrap()).lines();
            records.next().unwrap().unwrap();
            match change {
                1 => fs::OpenOptions::new()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_len(0)
                    .unwrap(),
                2 => {
                    use std::io::Write;
                    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                    file.write_all(&vec![0; store.len()]).unwrap();
                }
                3 => fs::remove_file(&path).unwrap(),
                _ => {}
            }
            while let Some(Ok(_)) = records.next() {}
            assert!(child.wait().unwrap().success(), "{name}");
            weights.push(fs::read(folder.path().join(name).join("weights.safetensors")).unwrap());
        }
        assert!(weights.windows(2).all(|two| two[0] == two[1]));
    }
}
