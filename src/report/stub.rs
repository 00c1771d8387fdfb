//! Stub.
use crate::eval::{Evaluation, Gallery};
/// x
pub fn page(_: &Evaluation, _: &Gallery) -> String {
    String::new()
}
/// x
pub fn text(e: &Evaluation) -> String {
    let mut out = String::new();
    for p in &e.protocols {
        out += &format!("{} {}\n", p.protocol, p.title);
        for s in &p.systems {
            out += &format!(
                "  {:<60} {:.2} {:?} {:?} ties {}\n",
                s.system, s.percent, s.interval, s.group_interval, s.tied
            );
        }
        for c in &p.comparisons {
            out += &format!("    {c:?}\n");
        }
    }
    if let Some(v) = &e.verification {
        for s in &v.systems {
            out += &format!(
                "{} {:.2} auc {:.4} {:?} eer {:.2} {:?} roc {}\n",
                s.system,
                s.percent,
                s.auc,
                s.auc_interval,
                s.equal_error,
                s.equal_error_interval,
                s.roc.len()
            );
        }
    }
    if let Some(c) = &e.curve {
        for l in &c.lines {
            out += &format!("{} {:?}\n", l.name, l.percent);
        }
    }
    out
}
/// x
pub fn tables(_: &Evaluation) -> Vec<(String, String)> {
    Vec::new()
}
