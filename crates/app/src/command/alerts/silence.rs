//! `bartizan alerts silence`.

use anyhow::{Context, Result, ensure};
use bartizan_evidence::EntryKind;
use bartizan_model::AlertSilence;
use jiff::Timestamp;
use serde_json::json;

use crate::cli::{AlertsSilenceArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, matched, silence_list};
use crate::store::{self, Outbox};

pub(super) fn run(global: &Global, args: &AlertsSilenceArgs) -> Result<Outcome> {
    let storage = store::open(global)?;
    let now = Timestamp::now();
    let mut out = Out::new();
    if args.list {
        let silences = store::silences(storage.as_ref())?;
        if global.format == Format::Human {
            silence_list(&mut out, &silences, now)?;
        } else {
            let row = |(entry, silence): &(u64, AlertSilence)| {
                let is_over = silence.is_over(now);
                json!({"entry": entry, "silence": silence, "over": is_over})
            };
            out.rows(global.format, &silences.iter().map(row).collect::<Vec<_>>())?;
        }
        out.flush()?;
        return Ok(Outcome::Done);
    }
    let reason = args.reason.clone().unwrap_or_default();
    ensure!(
        !reason.trim().is_empty(),
        "--reason is empty: say why, for whoever reads it in a year"
    );
    let (index, text) = match args.end {
        Some(entry) => end(global, args, entry, reason, now)?,
        None => begin(global, args, reason, now)?,
    };
    if global.format == Format::Human {
        out.line(&text)?;
        out.line(&format!("  entry {index} of the log, signed"))?;
        out.flush()?;
    } else {
        let until = args.until.map(|t| t.to_string());
        out.json(
            global.format,
            vec![json!({"entry": index, "until": until, "ended": args.end})],
        )?;
    }
    Ok(Outcome::Done)
}

fn begin(
    global: &Global,
    args: &AlertsSilenceArgs,
    reason: String,
    now: Timestamp,
) -> Result<(u64, String)> {
    let until = args.until.context("say when it ends: --until TIME")?;
    ensure!(until > now, "--until is over already");
    let silence = AlertSilence {
        subject: args.subject.clone(),
        rule: args.rule.clone(),
        account: args.account.clone(),
        stage: args.stage,
        author: args.author.clone(),
        reason,
        until: until.to_string(),
    };
    ensure!(
        silence.has_matcher(),
        "say what is silenced: --subject, --rule, --account or --stage"
    );
    let storage = store::open(global)?;
    let what = EntryKind::Silence(silence.clone());
    let index = store::silence(global, storage.as_ref(), what, now)?;
    // Where nobody has watched yet, the first watch reads it from the log.
    if let Ok(outbox) = Outbox::open(&global.store) {
        outbox.silence(index, &silence)?;
    }
    let text = format!("silenced until {until}: {}", matched(&silence));
    Ok((index, text))
}

fn end(
    global: &Global,
    args: &AlertsSilenceArgs,
    entry: u64,
    reason: String,
    now: Timestamp,
) -> Result<(u64, String)> {
    let storage = store::open(global)?;
    let silences = store::silences(storage.as_ref())?;
    let (_, silence) = silences
        .iter()
        .find(|(index, _)| *index == entry)
        .with_context(|| format!("entry {entry} of the log holds no silence that is open"))?;
    let what = EntryKind::SilenceEnded {
        entry,
        author: args.author.clone(),
        reason,
    };
    let index = store::silence(global, storage.as_ref(), what, now)?;
    if let Ok(outbox) = Outbox::open(&global.store) {
        outbox.end_silence(entry)?;
    }
    Ok((index, format!("ended: {}", matched(silence))))
}
