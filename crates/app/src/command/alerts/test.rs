//! `bartizan alerts test`.

use anyhow::{Result, bail};
use bartizan_alert::test_alert;
use jiff::Timestamp;
use serde_json::json;

use super::super::watch::configured_sinks;
use crate::alerting::Sink;
use crate::cli::{AlertsTestArgs, Format, Global};
use crate::import::runtime;
use crate::outcome::Outcome;
use crate::render::Out;

pub(super) fn run(global: &Global, args: &AlertsTestArgs) -> Result<Outcome> {
    let configs = configured_sinks(args.config.as_deref())?;
    let sinks = Sink::all(&configs)?;
    let Some(sink) = sinks.iter().find(|s| s.name() == args.sink) else {
        let names: Vec<&str> = sinks.iter().map(Sink::name).collect();
        bail!(
            "no [[sink]] is called {:?}; there is {}",
            args.sink,
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        )
    };
    let now = Timestamp::now();
    let alert = test_alert(sink.name(), now);
    let failure = runtime()?.block_on(sink.try_once(&alert, now.as_second()));
    let mut out = Out::new();
    if global.format != Format::Human {
        let row = json!({
            "sink": sink.name(),
            "key": alert.key,
            "delivered": failure.is_none(),
            "problem": failure,
        });
        out.json(global.format, vec![row])?;
    } else {
        match &failure {
            None => out.line(&format!("delivered to {} as {}", sink.name(), alert.key))?,
            Some(why) => out.line(&format!("not delivered to {}: {why}", sink.name()))?,
        }
        out.flush()?;
    }
    Ok(match failure {
        None => Outcome::Done,
        Some(_) => Outcome::Bad,
    })
}
