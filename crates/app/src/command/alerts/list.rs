//! `bartizan alerts list`.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::json;

use crate::cli::{AlertsListArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, alert_list};
use crate::store::{EntryFilter, Outbox};

pub(super) fn run(global: &Global, args: &AlertsListArgs) -> Result<Outcome> {
    let outbox = Outbox::open(&global.store)?;
    let entries = outbox.list(&EntryFilter {
        sink: args.sink.as_deref(),
        state: args.state.map(|s| s.name()),
        digest: args.digest.as_deref(),
        limit: args.limit,
    })?;
    let backlogs = outbox.backlog(&[], Timestamp::now().as_millisecond())?;
    let mut out = Out::new();
    match global.format {
        Format::Human => alert_list(&mut out, &backlogs, &entries)?,
        Format::Ndjson => {
            let rows = entries.iter().map(serde_json::to_value);
            out.rows(Format::Ndjson, &rows.collect::<Result<Vec<_>, _>>()?)?;
        }
        _ => out.document(&json!({"sinks": backlogs, "alerts": entries}))?,
    }
    out.flush()?;
    Ok(Outcome::Done)
}
