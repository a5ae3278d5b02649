//! `bartizan verify trail`.

use anyhow::Result;
use bartizan_trail::digest::{CheckReason, CheckedObject, TrailCheck, TrailEvidence, TrailVerdict};
use jiff::Timestamp;

use crate::cli::{DEFAULT_STORE, Format, Global, VerifyTrailArgs};
use crate::detection::thread_count;
use crate::outcome::Outcome;
use crate::render::{self, Bytes, Out, TrailCheckDocument};
use crate::store::{self, TrailLedger};
use crate::trail::{TrailObject, WantedObjects, objects};
use crate::trail_check::{KeySource, check_trail, read_signatures};

pub(super) fn run(global: &Global, args: &VerifyTrailArgs) -> Result<Outcome> {
    let wanted = WantedObjects {
        paths: &args.paths,
        list: None,
        since: None,
        until: None,
        profile: args.profile.as_deref(),
    };
    let (mut files, _) = objects(&wanted)?;
    files.retain(|o| !is_input(args, o));
    let storage = store::open(global)?;
    let ledger = store::trail_ledger(storage.as_ref())?;
    // The default store is used where it is; another one was asked for.
    let remembers = ledger.is_some() || global.store != DEFAULT_STORE;
    let ledger = ledger.unwrap_or_default();
    let evidence = evidence(args, &ledger)?;
    let keys = match &args.keys {
        Some(file) => KeySource::File(file),
        None => KeySource::Live(args.profile.as_deref()),
    };
    let bar = Bytes::new(global, files.iter().map(|o| o.bytes).sum());
    let threads = thread_count(args.threads);
    let checked = check_trail(&files, evidence, keys, threads, &|bytes| bar.add(bytes));
    bar.clear();
    let mut checked = checked?;
    for (region, why) in &checked.keyless {
        render::note(global, &format!("no public keys of {region}: {why}"));
    }
    match ledger.rolled_back {
        Some(counts) => checked
            .report
            .checks
            .push(rolled_back(storage.place(), counts)),
        None if remembers => store::record_trail(
            global,
            storage.as_ref(),
            &checked.report,
            &checked.signatures,
            Timestamp::now(),
        )?,
        None => {}
    }
    let document = TrailCheckDocument {
        checks: &checked.report.checks,
        digests: checked.report.digests,
        remembers,
    };
    let mut out = Out::new();
    match global.format {
        Format::Human => render::trail_checked(&mut out, &document)?,
        format => out.rows(format, &document.rows()?)?,
    }
    out.flush()?;
    Ok(outcome(&document))
}

/// Keys and signatures may lie among the files.
fn is_input(args: &VerifyTrailArgs, object: &TrailObject) -> bool {
    let same = |path: &std::path::Path| {
        std::fs::canonicalize(path)
            .ok()
            .is_some_and(|path| std::fs::canonicalize(&object.name).ok() == Some(path))
    };
    object.in_bucket().is_none()
        && args
            .keys
            .iter()
            .chain(&args.signatures)
            .any(|path| same(path))
}

fn evidence(args: &VerifyTrailArgs, ledger: &TrailLedger) -> Result<TrailEvidence> {
    Ok(TrailEvidence {
        signatures: match &args.signatures {
            Some(file) => read_signatures(file)?,
            None => ledger.signatures.clone(),
        },
        heads: ledger.heads.clone(),
        verified: if args.all {
            Default::default()
        } else {
            ledger.verified.clone()
        },
        ..TrailEvidence::default()
    })
}

fn rolled_back(place: String, (entries, remembered): (u64, u64)) -> TrailCheck {
    TrailCheck {
        account: String::new(),
        region: String::new(),
        first_s: None,
        last_s: None,
        about: CheckedObject::Other,
        object: place,
        kind: TrailVerdict::Tampered,
        because: CheckReason::StoreRolledBack {
            entries,
            remembered,
        },
        recorded: None,
        trail: String::new(),
    }
}

fn outcome(document: &TrailCheckDocument<'_>) -> Outcome {
    if document.checks.iter().any(TrailCheck::is_alarm) {
        Outcome::Findings
    } else if document.digests == 0
        || document
            .checks
            .iter()
            .any(|c| c.kind == TrailVerdict::Unchecked)
    {
        Outcome::Incomplete
    } else {
        Outcome::Done
    }
}
