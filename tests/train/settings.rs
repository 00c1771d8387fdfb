//! Settings: what ships, what can be changed, and what is refused.

use crate::common::drawings::made_up;
use crate::common::small::{run, with};
use omnishot::sample::Composition;
use omnishot::train::Preset;

#[test]
fn settings_can_be_changed_and_mistakes_are_told() {
    let change = |change: &str| {
        Preset::parse(Preset::shipped_text("koch").unwrap(), &[change.to_owned()])
            .map_err(|error| format!("{:#}", anyhow::Error::from(error)))
    };
    let changed = change("optimizer.layers.fc.momentum=0").unwrap();
    assert!(format!("{changed:?}").contains("momentum: 0.0"));
    assert_eq!(
        change("keep=last").unwrap().keep,
        omnishot::train::Keep::Last
    );
    let listed = change("network.filters.1=32").unwrap();
    assert!(format!("{listed:?}").contains("filters: [64, 32, 128, 256]"));
    for (mistake, says) in [
        ("steps", "is no setting"),
        ("network.filters.4=32", "is no setting"),
        ("network.filters.one=32", "is no setting"),
        ("network.filters.0.0=32", "is no setting"),
        ("no.such=1", "is no setting"),
        ("stepps=1", "unknown field `stepps`"),
        ("steps=many", "invalid type"),
        ("batch.pairs=1", "batch.pairs is 1"),
        (
            "network.kernels=[90,90,1,1]",
            "network's kernels is [90, 90",
        ),
        ("optimizer.decay=0", "optimizer.decay is 0"),
        (
            "optimizer.layers.fd={ learning_rate=1, momentum=0, l2=0 }",
            "conv1 to conv4",
        ),
        (
            "batch={ kind=\"classes\", drawings=8, alphabet_characters=4, poses=4, shards=1 }",
            "and verification",
        ),
        ("distortion.soften=2", "soften is 2"),
        ("distortion.ink_side=20", "ink_side is 20"),
        ("precision=f16", "unknown variant `f16`"),
    ] {
        let text = change(mistake).unwrap_err();
        assert!(text.contains(says), "{mistake}: {text}");
    }
    for (name, _) in Preset::SHIPPED {
        let preset = Preset::shipped(name).unwrap();
        let text = toml::to_string(&preset).unwrap();
        assert_eq!(
            Preset::parse(&text, &[]).unwrap(),
            preset,
            "{name} survives its own text"
        );
    }
}

#[test]
fn baselines_that_cannot_be_trained_are_refused() {
    for (name, mistake, says) in [
        ("softmax", "objective.scale=0", "objective.scale is 0"),
        ("softmax", "objective.scale=nan", "objective.scale is NaN"),
        ("softmax", "objective.margin=0.1", "unknown field `margin`"),
        ("softmax", "objective={ kind=\"matching\" }", "and matching"),
        ("compact", "objective={ kind=\"matching\" }", "and matching"),
        (
            "matching",
            "objective={ kind=\"verification\" }",
            "and matching",
        ),
        ("matching", "network.steps=0", "network's steps is 0"),
        ("matching", "network.side=32", "unknown field `side`"),
        ("matching", "precision=bf16", "precision is bf16"),
        ("matching", "batch.shards=2", "batch.shards is 2"),
        ("compact", "batch.shards=3", "batch.shards is 3"),
        ("compact", "batch.shards=128", "batch.shards is 128"),
        ("fast", "batch.shards=0", "batch.shards is 0"),
        ("compact", "batch.poses=9", "batch.poses is 9"),
        (
            "matching",
            "batch.composed={ classes=400, drawings=8 }",
            "batch.composed is ComposedBatch",
        ),
        (
            "compact",
            "batch.composed={ classes=401, drawings=8 }",
            "401 composed classes: give a multiple of 4",
        ),
        (
            "compact",
            "batch.composed={ classes=400, drawings=8, kinds=[] }",
            "no kind of composition",
        ),
        (
            "compact",
            "batch.composed={ classes=400, drawings=8, kinds=[\"twice\"] }",
            "unknown variant `twice`",
        ),
        (
            "compact",
            "batch.composed={ classes=400, drawings=128 }",
            "batch.composed.drawings is 128",
        ),
        (
            "compact",
            "batch.composed={ classes=400, drawings=64 }",
            "batch.alphabet_characters is 40",
        ),
    ] {
        let text = Preset::shipped_text(name).unwrap();
        let refused = Preset::parse(text, &[mistake.to_owned()]).unwrap_err();
        let text = format!("{:#}", anyhow::Error::from(refused));
        assert!(text.contains(says), "{mistake}: {text}");
    }
}

/// So that a new distortion is no change of the presets that do not use it.
#[test]
fn a_distortion_that_is_off_can_be_left_out() {
    let text = Preset::shipped_text("keras").unwrap();
    let (before, _) = text.split_once("[distortion]").unwrap();
    let short = format!("{before}[distortion]\nsource_side = 105\n");
    assert_eq!(
        Preset::parse(&short, &[]).unwrap(),
        Preset::shipped("keras").unwrap()
    );
}

/// So that runs without them keep the settings that they had.
#[test]
fn composed_classes_are_off_until_they_are_asked_for() {
    let fast = Preset::shipped("fast").unwrap();
    assert_eq!(fast.batch.composed(), None);
    assert!(!toml::to_string(&fast).unwrap().contains("composed"));
    let change = "batch.composed={ classes=6000, drawings=32, kinds=[\"parts\", \"marked\"] }";
    let text = Preset::shipped_text("fast").unwrap();
    let changed = Preset::parse(text, &[change.to_owned()]).unwrap();
    let composed = changed.batch.composed().unwrap();
    let kinds: Vec<_> = composed.kinds.iter().collect();
    assert_eq!(kinds, [Composition::Marked, Composition::Parts]);
    assert_eq!((composed.classes, composed.drawings), (6000, 32));
    assert_eq!(changed.batch.drawings(), fast.batch.drawings());
    let text = toml::to_string(&changed).unwrap();
    assert_eq!(Preset::parse(&text, &[]).unwrap(), changed);
    let more = Preset::parse(&text, &["batch.composed.classes=8000".to_owned()]).unwrap();
    assert_eq!(more.batch.composed().unwrap().classes, 8000);
}

/// The table has 20 pairs and two copies of each, an epoch of 8 batches.
#[test]
fn a_schedule_may_have_shorter_epochs_than_its_table() {
    let store = made_up();
    let losses = |epoch: &str| {
        let changes = ["batch.table_pairs=20", "optimizer.decay=0.5", epoch];
        let preset = with("koch", 12, &changes);
        run(&store, &preset, 7, 1).0
    };
    let own = losses("epoch_steps=0");
    assert_eq!(own, losses("epoch_steps=8"));
    let shorter = losses("epoch_steps=2");
    assert_eq!(own[..2], shorter[..2]);
    assert_ne!(own[3..], shorter[3..]);
}
