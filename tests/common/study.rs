//! A search over four settings of nobody's.

use omnishot::tune::{JOURNAL_VERSION, Study};

pub const SPACE: &str = "
    a.rate = { low = 1e-4, high = 1e-1, log = true }
    a.share = { low = 0, high = 1 }
    [b]
    width = { low = 16, high = 250, step = 16 }
    kind = { choices = ['x', 'y', 'z'] }
";

pub fn study(seed: u64) -> Study {
    Study {
        version: JOURNAL_VERSION,
        seed,
        random: false,
        stopping: true,
        store: "none".to_owned(),
        preset: String::new(),
        space: SPACE.to_owned(),
        ways: 20,
    }
}
