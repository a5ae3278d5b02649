//! `bartizan snapshots`.

use anyhow::Result;
use serde_json::json;

use crate::cli::{Format, Global};
use crate::outcome::Outcome;
use crate::render::Out;
use crate::store;

pub(super) fn run(global: &Global) -> Result<Outcome> {
    let storage = store::open(global)?;
    let mut out = Out::new();
    let mut rows = Vec::new();
    for kept in bartizan_evidence::snapshots(&store::log(storage.as_ref())?)? {
        let (id, s) = (kept.index, &kept.snapshot);
        let (ok, calls) = s.coverage;
        if global.format == Format::Human {
            out.line(&format!(
                "snapshot {id}  account {}  {}  {} facts  {ok} of {calls} calls read",
                s.account, s.taken.0, s.count
            ))?;
        } else {
            rows.push(json!({
                "snapshot": id,
                "account": s.account,
                "first_time": s.taken.0,
                "last_time": s.taken.1,
                "facts": s.count,
                "coverage": {"ok": ok, "total": calls},
            }));
        }
    }
    if global.format != Format::Human {
        out.rows(global.format, &rows)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
