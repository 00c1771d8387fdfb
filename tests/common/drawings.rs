//! A small store of made-up alphabets, the same in every test.

use std::sync::{Arc, OnceLock};

use omnishot::archive::Archive;
use omnishot::store::Store;
use omnishot::synthetic::{SyntheticOptions, synthesize, synthesize_runs};

/// Six background alphabets and two for evaluation, of 20 to 24 characters by 6 drawers.
pub fn made_up() -> Arc<Store> {
    static STORE: OnceLock<Arc<Store>> = OnceLock::new();
    let store = STORE.get_or_init(|| {
        let options = SyntheticOptions {
            seed: 5,
            background: 6,
            evaluation: 2,
            characters_per_alphabet: 20..=24,
            drawers: 6,
        };
        let alphabets = synthesize(&options);
        let runs = synthesize_runs(&alphabets, 5);
        let bytes = crate::common::store_bytes(&Archive { alphabets, runs });
        Arc::new(Store::from_bytes("made up", bytes).unwrap())
    });
    Arc::clone(store)
}
