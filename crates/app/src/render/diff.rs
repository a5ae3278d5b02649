//! A diff for people, and its JSON twins.

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use bartizan_inventory::diff::{AccessVerdict, Change, ChangeVerdict, Folded, SnapshotDiff};
use bartizan_inventory::snapshot::Snapshot;
use bartizan_model::Severity;
use bartizan_model::limits::DIFF_LINES_MAX;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Out, clean, shell, store_option};
use crate::cli::Global;
use crate::store::Loaded;
use crate::watch_result::ChangeLine;

/// Names, account and times of the two snapshots of a diff.
pub(crate) struct SnapshotPair {
    before: String,
    after: String,
    account: String,
    taken_ms: (i64, i64),
    /// ` --store DIR`, where the commands need it.
    store: String,
}

impl SnapshotPair {
    pub(crate) fn new(global: &Global, before: &Loaded, after: &Loaded) -> Result<Self> {
        let header =
            |l: &Loaded| Snapshot::parse(&l.text).map(|s| (s.header.account, s.header.time_ms.0));
        let (account, old) = header(before)?;
        // Ids of snapshots are those of one store.
        let store = if before.id.is_some() || after.id.is_some() {
            store_option(global)
        } else {
            String::new()
        };
        let taken_ms = (old, header(after)?.1);
        Ok(Self {
            before: before.name.clone(),
            after: after.name.clone(),
            account,
            taken_ms,
            store,
        })
    }

    fn arguments(&self) -> String {
        format!(
            "{} {}{}",
            shell(&self.before),
            shell(&self.after),
            self.store
        )
    }
}

/// Prints a diff, worst first. `access`: what it means for who can do what. `whole`: all lines,
/// whatever their number.
pub(crate) fn diff(
    out: &mut Out,
    pair: &SnapshotPair,
    diff: &SnapshotDiff,
    access: &[String],
    whole: bool,
) -> Result<()> {
    let is_folded = |c: &Change| is_folded(c, whole);
    let shown: Vec<&Change> = diff.changes.iter().filter(|c| !is_folded(c)).collect();
    out.line(&first_line(pair, diff, &shown))?;
    for change in shown {
        let name = format!("{} {}", change.kind, change.id);
        let with: Vec<&str> = diff
            .changes
            .iter()
            .filter(|c| is_folded(c) && c.part_of.as_ref() == Some(&name))
            .map(|c| c.title.as_str())
            .collect();
        print_change(out, pair, change, &with, whole)?;
    }
    access
        .iter()
        .try_for_each(|line| out.line(&format!("access    {line}")))?;
    out.line(&format!("folded    {}", folded(&diff.folded)))?;
    unknown(out, diff, whole)?;
    coverage(out, diff)
}

/// Whether a change is listed with the thing that it is a part of: it came or went with it, and is
/// not bad in itself.
fn is_folded(change: &Change, whole: bool) -> bool {
    change.part_of.is_some()
        && !whole
        && (change.verdict == ChangeVerdict::Removed || change.severity < Severity::High)
}

/// `2 changes, 1 need you since 2026-03-10 00:00 · account 111122223333 · 3 → 4`.
fn first_line(pair: &SnapshotPair, diff: &SnapshotDiff, shown: &[&Change]) -> String {
    let urgent = shown
        .iter()
        .filter(|c| c.severity >= Severity::High)
        .count();
    let open: usize = diff.unknown.iter().map(|u| u.ids.len()).sum();
    let changes = match (shown.len(), urgent, open) {
        (0, _, 0) => "no change".to_owned(),
        (0, _, n) => format!("no change in what could be read; {n} facts are unknown"),
        (1, 1, _) => "1 change, and it needs you".to_owned(),
        (1, 0, _) => "1 change, not one that must be looked at now".to_owned(),
        (n, 0, _) => format!("{n} changes, none that must be looked at now"),
        (n, m, _) => format!("{n} changes, {m} need you"),
    };
    let since = if pair.taken_ms.0 > 0 {
        format!("since {} ", minute(pair.taken_ms.0))
    } else {
        String::new()
    };
    format!(
        "{changes} {since}· account {} · {} → {}",
        pair.account, pair.before, pair.after
    )
}

/// Facts of which nobody can tell whether they changed.
fn unknown(out: &mut Out, diff: &SnapshotDiff, whole: bool) -> Result<()> {
    for unknown in &diff.unknown {
        let shown: Vec<&str> = unknown
            .ids
            .iter()
            .take(if whole { usize::MAX } else { 3 })
            .map(String::as_str)
            .collect();
        let more = if unknown.ids.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        out.line(&format!(
            "unknown   {} {} in {}: {}, {}: {}{more}",
            unknown.ids.len(),
            unknown.kind,
            unknown.region,
            unknown.unseen_in,
            unknown.reason,
            shown.join(", ")
        ))?;
    }
    Ok(())
}

/// How many calls were read, and what moved in that.
fn coverage(out: &mut Out, diff: &SnapshotDiff) -> Result<()> {
    let coverage = &diff.coverage;
    let missed = summary(&coverage.not_ok);
    let moved = if coverage.moved.is_empty() {
        "same as before".to_owned()
    } else {
        format!(
            "{} moved: {}",
            coverage.moved.len(),
            first(&coverage.moved, 3)
        )
    };
    let off = if coverage.regions_off.is_empty() {
        String::new()
    } else {
        format!(" · {} regions off", coverage.regions_off.len())
    };
    out.line(&format!(
        "coverage  {} of {} calls{missed}{off} · {moved}",
        coverage.ok, coverage.total
    ))
}

fn print_change(
    out: &mut Out,
    pair: &SnapshotPair,
    change: &Change,
    with: &[&str],
    whole: bool,
) -> Result<()> {
    let region = if change.region == "global" {
        String::new()
    } else {
        format!(" · {}", clean(&change.region))
    };
    let (kind, id) = (clean(&change.kind), clean(&change.id));
    out.styled(&format!(
        "{style}{:<8}{style:#}  {} {kind} {id}  {} {}{region}",
        change.severity.to_string(),
        change.verdict.sign(),
        clean(&change.title),
        verb(change.verdict),
        style = style(change.severity),
    ))?;
    if let Some(access) = change
        .access
        .as_ref()
        .filter(|a| a.verdict != AccessVerdict::Same)
    {
        out.line(&format!("          {}", access.verdict.word()))?;
    }
    let lines = lines_of(change, whole);
    let (red, green) = (
        Style::new().fg_color(Some(AnsiColor::Red.into())),
        Style::new().fg_color(Some(AnsiColor::Green.into())),
    );
    let most = if whole { usize::MAX } else { DIFF_LINES_MAX };
    let more = lines.len().saturating_sub(most);
    for line in lines.into_iter().take(most) {
        let style = match line {
            ChangeLine::Removed(_) => red,
            ChangeLine::Added(_) => green,
        };
        let line = clean(&line.to_string());
        out.styled(&format!("            {style}{line}{style:#}"))?;
    }
    if more > 0 {
        out.line(&format!("            and {more} more lines"))?;
    }
    if !with.is_empty() {
        out.line(&format!("            with it: {}", with.join(", ")))?;
    }
    for reason in &change.because {
        out.line(&format!("            {reason}"))?;
    }
    if !whole {
        let fact = shell(&format!("{} {}", change.kind, change.id));
        out.line(&format!(
            "            {}bartizan diff {} --fact {fact}",
            window(change),
            pair.arguments()
        ))?;
    }
    Ok(())
}

/// Lines of what a change removed and added: grants or rules, then fields, then the whole document.
pub(crate) fn lines_of(change: &Change, whole: bool) -> Vec<ChangeLine> {
    let content = &change.content;
    let mut lines: Vec<ChangeLine> = Vec::new();
    lines.extend(content.removed.iter().cloned().map(ChangeLine::Removed));
    lines.extend(content.added.iter().cloned().map(ChangeLine::Added));
    // Rules of a security group say in one line each what their fields say in many.
    let has_rules = !content.rules_removed.is_empty() || !content.rules_added.is_empty();
    for field in content
        .fields
        .iter()
        .filter(|f| whole || !(has_rules && f.path.starts_with("IpPermissions")))
    {
        let text = |value| format!("{}{}", label(&field.path), shown(value, whole));
        lines.extend(field.before.iter().map(text).map(ChangeLine::Removed));
        lines.extend(field.after.iter().map(text).map(ChangeLine::Added));
    }
    if whole || lines.is_empty() {
        let of = |side: &Option<Value>, when: ChangeVerdict| {
            let value = side.as_ref().filter(|_| whole || change.verdict == when);
            value.map_or_else(Vec::new, |v| document(v, whole))
        };
        let removed = of(&content.before, ChangeVerdict::Removed);
        let added = of(&content.after, ChangeVerdict::Added);
        lines.extend(removed.into_iter().map(ChangeLine::Removed));
        lines.extend(added.into_iter().map(ChangeLine::Added));
    }
    lines
}

/// One JSON object with all that the human form says, and all that it leaves out.
pub(crate) fn diff_json(
    pair: &SnapshotPair,
    diff: &SnapshotDiff,
    access: Option<Value>,
) -> Result<Value> {
    let changes: Vec<Value> = diff
        .changes
        .iter()
        .map(|c| change_json(pair, c))
        .collect::<Result<_>>()?;
    Ok(json!({
        "account": pair.account,
        "before": {"snapshot": pair.before, "taken_ms": pair.taken_ms.0},
        "after": {"snapshot": pair.after, "taken_ms": pair.taken_ms.1},
        "changes": changes,
        "access": access,
        "folded": diff.folded,
        "unknown": diff.unknown,
        "coverage": diff.coverage,
    }))
}

/// One JSON object for each change, and a last one with the rest.
pub(crate) fn diff_rows(
    pair: &SnapshotPair,
    diff: &SnapshotDiff,
    access: Option<Value>,
) -> Result<Vec<Value>> {
    let mut rows: Vec<Value> = diff
        .changes
        .iter()
        .map(|c| change_json(pair, c))
        .collect::<Result<_>>()?;
    let mut whole = diff_json(pair, diff, access)?;
    if let Some(map) = whole.as_object_mut() {
        map.remove("changes");
    }
    rows.push(whole);
    Ok(rows)
}

fn change_json(pair: &SnapshotPair, change: &Change) -> Result<Value> {
    let mut value = serde_json::to_value(change)?;
    let fact = shell(&format!("{} {}", change.kind, change.id));
    value["show"] = format!("bartizan diff {} --fact {fact}", pair.arguments()).into();
    Ok(value)
}

/// Name of a field before its value; a document that is a list has none.
fn label(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}

fn verb(verdict: ChangeVerdict) -> &'static str {
    match verdict {
        ChangeVerdict::Added => "added",
        ChangeVerdict::Removed => "removed",
        ChangeVerdict::Replaced => "REPLACED",
        ChangeVerdict::Changed => "changed",
        ChangeVerdict::Cosmetic => "says the same in another form",
    }
}

fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical => AnsiColor::BrightRed,
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Cyan,
        Severity::Info => AnsiColor::White,
    };
    let style = Style::new().fg_color(Some(color.into()));
    if severity >= Severity::High {
        style.bold()
    } else {
        style
    }
}

fn folded(f: &Folded) -> String {
    let parts = [
        (f.volatile, "volatile"),
        (f.derived, "derived"),
        (f.vendor, "by AWS itself"),
        (f.cosmetic, "reordered, same meaning"),
    ];
    let mut parts: Vec<String> = parts
        .iter()
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    if f.not_comparable > 0 {
        parts.push(format!(
            "{} not comparable, hidden by another key",
            f.not_comparable
        ));
    }
    parts.join(" · ")
}

/// When the fact was read on each side: the change happened between.
fn window(change: &Change) -> String {
    let time = |side: &Option<bartizan_inventory::diff::ChangeSide>| {
        side.as_ref()
            .map(|s| s.read_ms)
            .filter(|ms| *ms > 0)
            .map(minute)
    };
    match (time(&change.before), time(&change.after)) {
        (Some(a), Some(b)) => format!("between {a} and {b} · "),
        (None, Some(b)) => format!("seen {b} · "),
        (Some(a), None) => format!("last seen {a} · "),
        (None, None) => String::new(),
    }
}

fn minute(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| "?".to_owned(),
        |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

fn shown(value: &Value, whole: bool) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    if whole || text.chars().count() <= 160 {
        text
    } else {
        format!("{}…", text.chars().take(160).collect::<String>())
    }
}

/// A whole document: its fields one a line, or all of it when asked.
fn document(value: &Value, whole: bool) -> Vec<String> {
    match value {
        Value::Object(map) if !whole => map
            .iter()
            .map(|(k, v)| format!("{k}: {}", shown(v, false)))
            .collect(),
        other => serde_json::to_string_pretty(other)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}

fn summary(rows: &[String]) -> String {
    if rows.is_empty() {
        String::new()
    } else {
        format!(" ({} not read: {})", rows.len(), first(rows, 3))
    }
}

fn first(rows: &[String], most: usize) -> String {
    let more = if rows.len() > most { ", …" } else { "" };
    format!(
        "{}{more}",
        rows.iter()
            .take(most)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    )
}
