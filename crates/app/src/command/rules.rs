//! `bartizan rules`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bartizan_detect::{Fixture, RuleFile, RuleKind, Rules, builtin_files, builtin_fixture};
use serde_json::json;

use crate::cli::{Format, Global, RulesCommand};
use crate::detection::rule_files;
use crate::outcome::Outcome;
use crate::render::Out;

pub(super) fn run(global: &Global, command: &RulesCommand) -> Result<Outcome> {
    match command {
        RulesCommand::List {
            paths,
            no_builtin_rules,
        } => list(global, paths, !no_builtin_rules),
        RulesCommand::Lint { paths } => lint(global, paths),
        RulesCommand::Test { paths } => test(global, paths),
    }
}

fn list(global: &Global, paths: &[PathBuf], builtin: bool) -> Result<Outcome> {
    let rules = Rules::load(&rule_files(paths, builtin)?);
    let mut shown: Vec<_> = rules
        .rules
        .iter()
        .filter(|r| !matches!(r.kind, RuleKind::Part))
        .collect();
    shown.sort_by(|a, b| (a.stage, &a.file, &a.title).cmp(&(b.stage, &b.file, &b.title)));
    let mut out = Out::new();
    if global.format == Format::Human {
        for rule in &shown {
            let memory = match rule.kind {
                RuleKind::Single | RuleKind::Part => "",
                RuleKind::FirstSeen(_) => "  (first seen)",
                RuleKind::Window(_) => "  (window)",
            };
            out.line(&format!(
                "{:8}  {:8}  {}{memory}  {}  {}",
                rule.stage,
                rule.severity,
                rule.title,
                rule.attack.join(" "),
                rule.file
            ))?;
        }
        out.line(&format!(
            "{} rules, {} that cannot be used (bartizan rules lint)",
            shown.len(),
            rules.problems.len()
        ))?;
    } else {
        let row = |r: &&bartizan_detect::Rule| {
            json!({
                "id": r.id,
                "title": r.title,
                "stage": r.stage,
                "severity": r.severity,
                "confidence": r.confidence,
                "attack": r.attack,
                "why": r.why,
                "do": r.advice,
                "false_positives": r.false_positives,
                "file": r.file,
                "builtin": r.builtin,
            })
        };
        out.json(global.format, shown.iter().map(row).collect())?;
    }
    Ok(Outcome::Done)
}

fn lint(global: &Global, paths: &[PathBuf]) -> Result<Outcome> {
    let files = if paths.is_empty() {
        builtin_files()
    } else {
        rule_files(paths, false)?
    };
    let rules = Rules::load(&files);
    let mut out = Out::new();
    if global.format == Format::Human {
        for problem in &rules.problems {
            let name = problem
                .rule
                .as_deref()
                .map(|r| format!(" ({r})"))
                .unwrap_or_default();
            out.line(&format!("{}{name}: {}", problem.file, problem.text))?;
        }
        out.line(&format!(
            "{} files, {} rules, {} problems",
            files.len(),
            rules.rules.len(),
            rules.problems.len()
        ))?;
    } else {
        let rows = rules
            .problems
            .iter()
            .map(|p| json!({"file": p.file, "rule": p.rule, "problem": p.text}));
        out.json(Format::Ndjson, rows.collect())?;
    }
    Ok(if rules.problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::Bad
    })
}

fn test(global: &Global, paths: &[PathBuf]) -> Result<Outcome> {
    let files = if paths.is_empty() {
        builtin_files()
    } else {
        rule_files(paths, false)?
    };
    let mut out = Out::new();
    let (mut held, mut failed, mut without) = (0, 0, 0);
    for file in &files {
        match fixture(file)? {
            None => {
                without += 1;
                out.line(&format!(
                    "{}: no fixture beside it ({})",
                    file.name,
                    fixture_path(file).display()
                ))?;
            }
            Some(fixture) => {
                let failures = fixture.check(file);
                for failure in &failures {
                    out.line(&format!("{}: {failure}", file.name))?;
                }
                if failures.is_empty() {
                    held += 1
                } else {
                    failed += 1
                }
            }
        }
    }
    if !global.quiet {
        out.line(&format!(
            "{held} hold, {failed} do not, {without} have no fixture"
        ))?;
    }
    Ok(if failed + without == 0 {
        Outcome::Done
    } else {
        Outcome::Bad
    })
}

fn fixture_path(file: &RuleFile) -> PathBuf {
    Path::new(&file.name).with_extension("json")
}

fn fixture(file: &RuleFile) -> Result<Option<Fixture>> {
    if file.builtin {
        return builtin_fixture(&file.name)
            .map(serde_json::from_str)
            .transpose()
            .context(file.name.clone());
    }
    let path = fixture_path(file);
    if !path.exists() {
        return Ok(None);
    }
    let text = crate::files::read_text(&path)?;
    serde_json::from_str(&text)
        .map(Some)
        .with_context(|| path.display().to_string())
}
