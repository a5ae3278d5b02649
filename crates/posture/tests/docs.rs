//! `docs/checks.md` is made of the checks: `BARTIZAN_WRITE=1 cargo test -p bartizan-posture docs`
//! rewrites it.

use std::fmt::Write;
use std::path::Path;

use bartizan_posture::{CHECKS, Check, Source};

/// Prowler's critical and high checks for the services that are read: name, severity, ours, why.
const PROWLER: &str = include_str!("../prowler.tsv");

/// A row of the table of Prowler's checks.
struct PeerRow {
    name: &'static str,
    severity: &'static str,
    ours: Vec<&'static str>,
    why: &'static str,
}

fn peer_rows() -> Vec<PeerRow> {
    let row = |line: &'static str| {
        let mut fields = line.split('\t');
        let mut field = || {
            fields
                .next()
                .unwrap_or_else(|| panic!("four fields: {line}"))
        };
        let (name, severity, ours, why) = (field(), field(), field(), field());
        PeerRow {
            name,
            severity,
            ours: ours.split(' ').filter(|id| *id != "-").collect(),
            why,
        }
    };
    PROWLER.lines().skip(1).map(row).collect()
}

fn source(source: Source) -> String {
    match source {
        Source::Talk => "the talk (SEC402, 2013)".to_owned(),
        Source::TrustedAdvisor(id) => format!("Trusted Advisor `{id}`"),
        Source::Cis(number) => format!("CIS 3.0 {number}"),
        Source::Fsbp(control) => format!("FSBP {control}"),
    }
}

fn section(check: &Check, peers: &[PeerRow]) -> String {
    let mut text = format!("## {}: {}\n\n", check.id, check.title);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "- **{name}** {value}");
    };
    line("Severity", &check.severity.to_string());
    line("Why", check.why);
    line("How judged", check.judged);
    if !check.needs.is_empty() {
        let kinds: Vec<String> = check.needs.iter().map(|kind| format!("`{kind}`")).collect();
        line(
            "Unknown",
            &format!(
                "where facts that decide were not read: {}",
                kinds.join(", ")
            ),
        );
    }
    line("Fix", &format!("`{}`", check.fix));
    let sources: Vec<String> = check.sources.iter().map(|s| source(*s)).collect();
    if !sources.is_empty() {
        line("Sources", &sources.join(", "));
    }
    let same = peers.iter().filter(|row| row.ours.contains(&check.id));
    let same: Vec<String> = same.map(|row| format!("`{}`", row.name)).collect();
    if !same.is_empty() {
        line("Prowler", &same.join(", "));
    }
    text
}

fn page() -> String {
    let peers = peer_rows();
    let mut text = format!(
        "# Posture checks\n\n`bartizan check` judges a snapshot by {} checks. Each gives fail, pass or unknown for each \
         resource. What was not read never passes.\nThis page is made of the checks themselves; `bartizan check \
         --explain ID` prints one.\n\n| check | severity | fails if |\n|---|---|---|\n",
        CHECKS.len()
    );
    for check in CHECKS {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            check.id, check.severity, check.title
        );
    }
    for check in CHECKS {
        let _ = write!(text, "\n{}", section(check, &peers));
    }
    let covered = peers.iter().filter(|row| !row.ours.is_empty()).count();
    let _ = write!(
        text,
        "\n## Prowler's checks\n\nCritical and high checks of Prowler 5.46 for the services that are read: {covered} of {} are \
         covered, wholly or in part.\n\n| Prowler | severity | ours | why |\n|---|---|---|---|\n",
        peers.len()
    );
    for row in &peers {
        let ours = if row.ours.is_empty() {
            "none".to_owned()
        } else {
            row.ours.join(", ")
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {ours} | {} |",
            row.name, row.severity, row.why
        );
    }
    text
}

#[test]
fn docs_show_the_checks_as_they_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks.md");
    if std::env::var_os("BARTIZAN_WRITE").is_some() {
        std::fs::write(&file, page()).expect("docs/checks.md can be written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == page(),
        "docs/checks.md is stale: run this test with BARTIZAN_WRITE=1"
    );
}

#[test]
fn the_table_of_prowler_names_checks_that_exist() {
    let rows = peer_rows();
    assert!(rows.len() > 150);
    for row in &rows {
        assert!(
            matches!(row.severity, "critical" | "high") && !row.why.is_empty(),
            "{}",
            row.name
        );
        for id in &row.ours {
            assert!(CHECKS.iter().any(|c| c.id == *id), "{}: {id}", row.name);
        }
    }
    assert!(rows.is_sorted_by(|a, b| a.name < b.name));
}
