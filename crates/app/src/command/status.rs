//! `bartizan status`.

use anyhow::Result;
use jiff::Timestamp;

use crate::cli::{Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, status, status_json};
use crate::watch_health::{AlarmState, WatchHealth};

/// Prints the health of the watch of the store. Exit codes: 0 on, 11 on and blind somewhere, 1 off.
pub(super) fn run(global: &Global) -> Result<Outcome> {
    let now_s = Timestamp::now().as_second();
    let mut out = Out::new();
    let Some(health) = WatchHealth::load(&global.store)? else {
        match global.format {
            Format::Human => out.line(&format!(
                "THE ALARM IS OFF: no bartizan watch ever ran with the store {}",
                global.store
            ))?,
            format => out.json(format, vec![serde_json::json!({"state": AlarmState::Off})])?,
        }
        out.flush()?;
        return Ok(Outcome::Bad);
    };
    match global.format {
        Format::Human => status(&mut out, &health, now_s)?,
        format => out.json(format, vec![status_json(&health, now_s)?])?,
    }
    out.flush()?;
    Ok(match health.state(now_s) {
        AlarmState::On => Outcome::Done,
        AlarmState::Partly => Outcome::Incomplete,
        AlarmState::Off => Outcome::Bad,
    })
}
