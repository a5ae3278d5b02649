//! `bartizan verify`.

mod trail;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use bartizan_cloud::write_once::{AttemptOutcome, verify_bucket};
use bartizan_evidence::{FactProof, VerifyReport};
use bartizan_inventory::fact::{FactLine, escape};
use jiff::Timestamp;
use serde_json::json;

use crate::cli::{Format, Global, VerifyCommand};
use crate::files::read_text;
use crate::outcome::Outcome;
use crate::render::Out;
use crate::store;

pub(in crate::command) fn run(global: &Global, args: &VerifyCommand) -> Result<Outcome> {
    match args {
        VerifyCommand::Evidence { public_key, head } => {
            evidence(global, public_key.as_deref(), head)
        }
        VerifyCommand::Fact { kind, id, on } => fact(global, kind, id, *on),
        VerifyCommand::Proof { file, public_key } => proof(global, file, public_key),
        VerifyCommand::Trail(args) => trail::run(global, args),
        VerifyCommand::Bucket { profile } => bucket(global, profile.clone()),
    }
}

fn evidence(
    global: &Global,
    public_key: Option<&str>,
    heads: &[std::path::PathBuf],
) -> Result<Outcome> {
    let storage = store::open(global)?;
    let key = public_key.map(key_text).transpose()?;
    let mut remembered = Vec::new();
    for path in heads {
        let head = std::fs::read(path)
            .with_context(|| format!("cannot read the head {}", path.display()))?;
        // A wrong file says nothing of the evidence. A head that another key signed does.
        if !bartizan_evidence::is_head(&head) {
            bail!(
                "{} is no signed head: give a copy of the checkpoint file of this log",
                path.display()
            );
        }
        remembered.push(head);
    }
    let public = storage
        .read("log.pub")
        .map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned());
    let own = public
        .ok()
        .and_then(|public| store::remembered(key.as_deref().unwrap_or(&public)));
    let knew = own.is_some();
    remembered.extend(own);
    let report = bartizan_evidence::verify(storage.as_ref(), key.as_deref(), &remembered)?;
    if report.files == 0 && report.problems.is_empty() {
        bail!(
            "no evidence log in {}: take a snapshot with bartizan snapshot, or name another \
            --store",
            storage.place()
        );
    }
    let holds = report.problems.is_empty();
    if holds {
        store::remember(&report.log_key, report.checkpoint.as_bytes());
    }
    let mut out = Out::new();
    if global.format != Format::Human {
        out.json(global.format, vec![serde_json::to_value(&report)?])?;
    } else {
        print_evidence(&mut out, &report, knew)?;
    }
    Ok(if holds { Outcome::Done } else { Outcome::Bad })
}

/// `knew`: whether an earlier head is remembered on this machine.
fn print_evidence(out: &mut Out, report: &VerifyReport, knew: bool) -> Result<()> {
    let words = if report.problems.is_empty() {
        "the evidence is what was signed"
    } else {
        "THE EVIDENCE IS NOT WHAT WAS SIGNED"
    };
    out.line(&format!(
        "{words}: {} problems, {} entries, {} snapshots, {} facts, {} files",
        report.problems.len(),
        report.entries,
        report.snapshots,
        report.facts,
        report.files
    ))?;
    for problem in &report.problems {
        out.line(&format!("  {problem}"))?;
    }
    for gap in &report.gaps {
        out.line(&format!("  gap {gap}"))?;
    }
    for name in &report.unexpected {
        out.line(&format!(
            "  not in the log, as a run that was cut short leaves it: {name}"
        ))?;
    }
    let since = if knew {
        "continues the head that this machine remembers"
    } else {
        "no earlier head is remembered on this machine: compare with one kept elsewhere \
        (--head)"
    };
    out.line(&format!(
        "  head {} of size {}, {since}",
        &report.root[..report.root.len().min(16)],
        report.entries
    ))?;
    out.line(&format!("  key  {}", report.log_key))?;
    Ok(())
}

fn fact(global: &Global, kind: &str, id: &str, on: Option<u64>) -> Result<Outcome> {
    let storage = store::open(global)?;
    let log = store::log(storage.as_ref())?;
    let history = bartizan_evidence::snapshots(&log)?;
    let kept = match on {
        Some(index) => history
            .iter()
            .find(|k| k.index == index)
            .with_context(|| format!("there is no snapshot {index}"))?,
        None => history.last().context("the log has no snapshot yet")?,
    };
    let text = bartizan_evidence::facts(storage.as_ref(), kept)?;
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with("# ")).collect();
    let (kind, id) = (escape(kind), escape(id));
    let is_it = |line: &&str| FactLine::parse(line).is_ok_and(|f| f.kind == kind && f.id == id);
    let index = lines.iter().position(is_it).with_context(|| {
        format!(
            "snapshot {} has no {kind} {id}: bartizan flat {} lists what it has",
            kept.index, kept.index
        )
    })?;
    let proof = FactProof::make(&log, kept.index, &kept.entry, &lines, index)?;
    proof.check(log.public())?;
    Out::new().raw(&format!("{}\n", serde_json::to_string_pretty(&proof)?))?;
    Ok(Outcome::Done)
}

fn proof(global: &Global, file: &Path, public_key: &str) -> Result<Outcome> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text)?;
    } else {
        text = read_text(file)?;
    }
    let proof: FactProof = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is not a proof that bartizan verify fact printed",
            file.display()
        )
    })?;
    let result = proof.check(&key_text(public_key)?);
    let mut out = Out::new();
    match global.format {
        Format::Human => match &result {
            Ok(()) => out.line(&format!(
                "the fact is in the signed log: {}",
                proof.fact.replace('\t', "  ")
            ))?,
            Err(e) => out.line(&format!("THE PROOF DOES NOT HOLD: {e}"))?,
        },
        format => out.json(
            format,
            vec![json!({
                "holds": result.is_ok(),
                "fact": proof.fact,
                "problem": result.as_ref().err().map(ToString::to_string),
            })],
        )?,
    }
    Ok(if result.is_ok() {
        Outcome::Done
    } else {
        Outcome::Bad
    })
}

fn bucket(global: &Global, profile: Option<String>) -> Result<Outcome> {
    if !global.store.starts_with("s3://") {
        bail!(
            "{} is no bucket: name one with --store s3://bucket/prefix",
            global.store
        );
    }
    let identity = Identity {
        profile,
        ..Identity::default()
    };
    let attempts = verify_bucket(
        &Model::builtin(),
        &global.store,
        &identity,
        Timestamp::now(),
    )
    .context("could not try the bucket")?;
    let broken = attempts
        .iter()
        .filter(|a| a.outcome == AttemptOutcome::Broken)
        .count();
    let unknown = attempts
        .iter()
        .filter(|a| a.outcome == AttemptOutcome::Unknown)
        .count();
    let mut out = Out::new();
    if global.format != Format::Human {
        out.json(
            global.format,
            attempts
                .iter()
                .map(serde_json::to_value)
                .collect::<Result<_, _>>()?,
        )?;
    } else {
        let words = match (broken, unknown) {
            (0, 0) => "the bucket is write-once: every attempt was refused".to_owned(),
            (0, n) => format!(
                "cannot tell whether the bucket is write-once: {n} attempts gave no verdict"
            ),
            (n, _) => format!(
                "THE BUCKET IS NOT WRITE-ONCE: {n} of {} attempts worked",
                attempts.len()
            ),
        };
        out.line(&words)?;
        for a in &attempts {
            let word = match a.outcome {
                AttemptOutcome::Refused => "refused",
                AttemptOutcome::Broken => "WORKED",
                AttemptOutcome::Unknown => "unknown",
            };
            out.line(&format!("  {word:<8} {:<52} {}", a.tried, a.answer))?;
            if a.outcome != AttemptOutcome::Refused {
                out.line(&format!("           {}", a.matters))?;
            }
        }
    }
    Ok(if broken + unknown == 0 {
        Outcome::Done
    } else {
        Outcome::Bad
    })
}

/// A verifier key, given as a text or as a file that holds it.
fn key_text(given: &str) -> Result<String> {
    if given.split('+').count() >= 3 && !Path::new(given).exists() {
        return Ok(given.trim().to_owned());
    }
    Ok(read_text(Path::new(given))
        .context("cannot read the verifier key")?
        .trim()
        .to_owned())
}
