//! Alerts: what waits, what was sent, silences.

use anyhow::Result;
use bartizan_model::AlertSilence;
use jiff::Timestamp;

use super::words::minute;
use super::{Out, note};
use crate::alerting::SinkState;
use crate::cli::Global;
use crate::store::{ListedEntry, SinkBacklog};

/// Characters of an error.
const WHY_SHOWN: usize = 200;

/// A note for each sink that did not get everything.
pub(crate) fn undelivered(global: &Global, states: &[SinkState]) {
    for state in states.iter().filter(|s| s.backlog.waiting > 0) {
        let why = state.last_error.as_deref();
        let why = why.map(|w| format!(": {}", cut(w))).unwrap_or_default();
        let what = counted(state.backlog.waiting, "alert waits", "alerts wait");
        note(
            global,
            &format!("{what} for sink {}{why}", state.backlog.sink),
        );
    }
}

/// Depth of each sink, then the entries, newest first.
pub(crate) fn alert_list(
    out: &mut Out,
    backlogs: &[SinkBacklog],
    entries: &[ListedEntry],
) -> Result<()> {
    for sink in backlogs {
        let oldest = match sink.oldest_s {
            Some(seconds) => format!(", the oldest since {} min", seconds / 60),
            None => String::new(),
        };
        out.line(&format!(
            "{}  {} waiting{oldest} · {} sent · {} dead · {} silenced · {} in digests",
            sink.sink, sink.waiting, sink.sent, sink.dead, sink.silenced, sink.folded
        ))?;
    }
    for entry in entries {
        out.line("")?;
        out.line(&format!(
            "{}  {:8}  {}  {}  {}",
            minute(&entry.created),
            entry.severity,
            entry.state,
            entry.sink,
            entry.title
        ))?;
        let mut particulars = format!("    {}  {}", entry.key, entry.kind);
        if entry.attempts > 0 {
            let attempts = counted(u64::from(entry.attempts), "attempt", "attempts");
            particulars.push_str(&format!("  {attempts}"));
        }
        if let Some(time) = &entry.next_try {
            particulars.push_str(&format!("  next {time}"));
        }
        if let Some(text) = &entry.note {
            particulars.push_str(&format!("  {}", cut(text)));
        }
        out.line(&particulars)?;
    }
    if entries.is_empty() {
        out.line("no alerts")?;
    }
    Ok(())
}

/// Silences with the entries of the log that hold them.
pub(crate) fn silence_list(
    out: &mut Out,
    silences: &[(u64, AlertSilence)],
    now: Timestamp,
) -> Result<()> {
    for (entry, silence) in silences {
        let end = if silence.is_over(now) {
            format!("over since {}", silence.until)
        } else {
            format!("until {}", silence.until)
        };
        out.line(&format!("{entry}  {}  {end}", matched(silence)))?;
        out.line(&format!("   {}  (by {})", silence.reason, silence.author))?;
    }
    if silences.is_empty() {
        out.line("nothing is silenced")?;
    }
    Ok(())
}

/// Matchers, e.g. `rule iam-create-user account 111122223333`.
pub(crate) fn matched(silence: &AlertSilence) -> String {
    let stage = silence.stage.map(|s| s.to_string());
    [
        ("subject", &silence.subject),
        ("rule", &silence.rule),
        ("account", &silence.account),
        ("stage", &stage),
    ]
    .iter()
    .filter_map(|(label, value)| value.as_ref().map(|v| format!("{label} {v}")))
    .collect::<Vec<_>>()
    .join(" ")
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn cut(text: &str) -> String {
    bartizan_alert::plain(text, WHY_SHOWN)
}
