//! Words of an alert, for a person who was just woken up. Plain text: each sink escapes it for its
//! medium.

use bartizan_model::{Finding, Stage};

use crate::alert::{Alert, AlertKind, AlertSubject, EndReason, StormDigest};
use crate::brief::IncidentBrief;
use crate::escape::plain;

/// Characters of a title.
const TITLE_MAX: usize = 240;
/// Characters of a line.
const LINE_MAX: usize = 480;
/// Characters of a command; a longer one is left out, because a cut command does something else.
const COMMAND_MAX: usize = 1_200;
/// Lines of each list.
const LINES_SHOWN: usize = 12;

/// Words of an alert: hidden characters are visible escapes, and every text is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// One line, e.g. `critical incident: key AKIA… of ci-deploy became administrator`.
    pub title: String,
    /// Whether somebody is in: yes, no, cannot tell; or the finding in one sentence.
    pub answer: String,
    /// Label and text, e.g. `who` and `user ci-deploy`.
    pub fields: Vec<(&'static str, String)>,
    /// What happened, a line each.
    pub moments: Vec<String>,
    /// Commands for the reader to run: reason and command.
    pub commands: Vec<(String, String)>,
    /// Command that shows the evidence; changes nothing.
    pub show: String,
}

/// Words of an alert.
#[must_use]
pub fn wording(alert: &Alert) -> Wording {
    let mut words = match &alert.about {
        AlertSubject::Finding { finding, ended } => of_finding(alert, finding, ended.as_ref()),
        AlertSubject::Incident { incident, ended } => of_incident(alert, incident, ended.as_ref()),
        AlertSubject::Digest(digest) => of_digest(alert, digest),
        AlertSubject::Test => of_test(alert),
    };
    words.title = plain(&words.title, TITLE_MAX);
    words.answer = plain(&words.answer, 2 * LINE_MAX);
    for (_, text) in &mut words.fields {
        *text = plain(text, LINE_MAX);
    }
    words.fields.retain(|(_, text)| !text.is_empty());
    words.moments.truncate(LINES_SHOWN);
    for line in &mut words.moments {
        *line = plain(line, LINE_MAX);
    }
    let fits = |command: &String| command.chars().nth(COMMAND_MAX).is_none();
    words.commands.retain(|(_, command)| fits(command));
    words.commands.truncate(LINES_SHOWN);
    for (why, command) in &mut words.commands {
        (*why, *command) = (plain(why, LINE_MAX), plain(command, 4 * COMMAND_MAX));
    }
    if !fits(&words.show) {
        words.show = "bartizan report -o report.html".to_owned();
    }
    words.show = plain(&words.show, 4 * COMMAND_MAX);
    words
}

impl Wording {
    /// All of it as lines of plain text, without the title.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.answer.clone()];
        let field = |(label, text): &(&str, String)| format!("{label:<9} {text}");
        lines.extend(self.fields.iter().map(field));
        if !self.moments.is_empty() {
            lines.push(String::new());
            lines.extend(self.moments.iter().map(|m| format!("  {m}")));
        }
        if !self.commands.is_empty() {
            lines.push(String::new());
            lines.push("to do first, for you to run (Bartizan changes nothing):".to_owned());
            for (why, command) in &self.commands {
                lines.push(format!("  {why}"));
                lines.push(format!("    {command}"));
            }
        }
        lines.push(String::new());
        lines.push(format!("show      {}", self.show));
        lines
    }
}

fn of_finding(alert: &Alert, finding: &Finding, ended: Option<&EndReason>) -> Wording {
    let actor = finding.actor.as_ref();
    let by = actor
        .map(|a| format!(", by {}", a.name))
        .unwrap_or_default();
    let severity = finding.severity;
    let title = match alert.kind {
        AlertKind::SensorBlind => format!("{severity}, not seen any more: {}", finding.title),
        AlertKind::FindingEnded => format!("ended: {}{by}", finding.title),
        AlertKind::StillOpen => format!("{severity}, still open: {}{by}", finding.title),
        _ => format!("{severity}: {}{by}", finding.title),
    };
    let from = actor.and_then(|a| a.source_ip.clone());
    let key = actor.and_then(|a| a.access_key_id.clone());
    let place = [&finding.account, &finding.region];
    let place: Vec<&str> = place.iter().filter_map(|p| p.as_deref()).collect();
    Wording {
        title,
        answer: match ended {
            Some(reason) => format!("{}. It was: {}", end_words(reason), finding.summary),
            None => finding.summary.clone(),
        },
        fields: vec![
            ("severity", severity.to_string()),
            ("who", actor.map(|a| a.name.clone()).unwrap_or_default()),
            ("key", key.unwrap_or_default()),
            ("from", from.unwrap_or_default()),
            (
                "when",
                span(
                    finding.first_time.as_deref().unwrap_or_default(),
                    finding.last_time.as_deref().unwrap_or_default(),
                ),
            ),
            ("where", place.join(" ")),
            ("what", finding.resources.join(", ")),
            ("stage", finding.stage.to_string()),
            ("ATT&CK", finding.attack.join(", ")),
            ("events", events(finding)),
            ("finding", finding.id.clone()),
        ],
        moments: finding.because.clone(),
        commands: Vec::new(),
        show: finding.show.clone(),
    }
}

fn events(finding: &Finding) -> String {
    match (finding.count, finding.refused) {
        (0 | 1, 0) => String::new(),
        (count, 0) => count.to_string(),
        (count, refused) => format!("{count}, {refused} of them refused"),
    }
}

fn of_incident(alert: &Alert, incident: &IncidentBrief, ended: Option<&EndReason>) -> Wording {
    let (severity, headline) = (incident.severity, &incident.headline);
    let title = match alert.kind {
        AlertKind::IncidentEscalated => format!("{severity} incident, worse now: {headline}"),
        AlertKind::IncidentUpdated => {
            let count = alert.findings.len();
            let more = if count == 1 { "finding" } else { "findings" };
            format!("{severity} incident, {count} more {more}: {headline}")
        }
        AlertKind::IncidentEnded => format!("incident ended: {headline}"),
        AlertKind::StillOpen => format!("{severity} incident, still open: {headline}"),
        _ => format!("{severity} incident: {headline}"),
    };
    let stages: Vec<String> = incident.stages.iter().map(Stage::to_string).collect();
    let moment = |(time, severity, line): &(String, _, String)| {
        format!("{}  {severity}  {line}", minute(time))
    };
    let more = incident
        .standing_count
        .saturating_sub(incident.standing.len());
    let mut standing = incident.standing.join("; ");
    if more > 0 {
        standing.push_str(&format!("; {more} more"));
    }
    Wording {
        title,
        answer: match ended {
            Some(reason) => end_words(reason),
            None => inside(incident),
        },
        fields: vec![
            ("severity", severity.to_string()),
            ("who", incident.suspects.join(", ")),
            ("from", incident.addresses.join(", ")),
            ("when", span(&incident.first_time, &incident.last_time)),
            ("accounts", incident.accounts.join(", ")),
            ("stages", stages.join(" ▸ ")),
            ("findings", incident.findings.to_string()),
            ("standing", standing),
            ("incident", incident.id.clone()),
        ],
        moments: incident.moments.iter().map(moment).collect(),
        commands: if ended.is_none() {
            incident.todo.clone()
        } else {
            Vec::new()
        },
        show: "bartizan report -o report.html".to_owned(),
    }
}

/// Whether the intruder is still inside.
fn inside(incident: &IncidentBrief) -> String {
    match (incident.standing.first(), incident.standing_known) {
        (Some(first), _) => format!("INTRUDER, still inside: {first}"),
        (None, true) => "INTRUDER, no remaining access found in the latest snapshot".to_owned(),
        (None, false) => {
            "INTRUDER, persistence unknown: no later configuration snapshot".to_owned()
        }
    }
}

fn end_words(reason: &EndReason) -> String {
    match reason {
        EndReason::Cleared => "It is no longer so".to_owned(),
        EndReason::Accepted => "Somebody accepted it".to_owned(),
        EndReason::LeftLookback => "It is older than the lookback".to_owned(),
        EndReason::Joined(incident) => format!("It is part of incident {incident} now"),
        EndReason::Quiet => "Nothing of it stands, and nothing happened for 24 h".to_owned(),
    }
}

fn of_digest(alert: &Alert, digest: &StormDigest) -> Wording {
    let counts = |pairs: Vec<(String, usize)>| {
        let mut pairs = pairs;
        pairs.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let texts: Vec<String> = pairs
            .iter()
            .take(LINES_SHOWN)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        texts.join(", ")
    };
    let by_severity: Vec<String> = digest
        .severities
        .iter()
        .rev()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let named = |names: &std::collections::BTreeMap<String, usize>| {
        counts(names.iter().map(|(n, c)| (n.clone(), *c)).collect())
    };
    let kinds = digest.kinds.iter().map(|(k, c)| (k.to_string(), *c));
    let worst = |(severity, title): &(_, String)| format!("{severity}  {title}");
    Wording {
        title: format!(
            "storm: {} more alerts, worst {}",
            digest.alerts, alert.severity
        ),
        answer: format!(
            "{} alerts were not sent one by one: {}",
            digest.alerts,
            by_severity.join(", ")
        ),
        fields: vec![
            ("kinds", counts(kinds.collect())),
            ("accounts", named(&digest.accounts)),
            ("rules", named(&digest.rules)),
        ],
        moments: digest.worst.iter().map(worst).collect(),
        commands: Vec::new(),
        show: format!("bartizan alerts list --digest {}", alert.key),
    }
}

fn of_test(alert: &Alert) -> Wording {
    Wording {
        title: "test of the alarm".to_owned(),
        answer: "This is a test. Nothing happened, and nobody needs to do anything".to_owned(),
        fields: vec![("when", minute(&alert.time)), ("key", alert.key.clone())],
        moments: Vec::new(),
        commands: Vec::new(),
        show: "bartizan alerts list".to_owned(),
    }
}

/// `2026-03-11 02:14 → 06:40 UTC`.
fn span(first: &str, last: &str) -> String {
    let (from, to) = (minute(first), minute(last));
    match (from.is_empty(), from == to || to.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!("{from} UTC"),
        (false, false) => {
            let same_day = from.get(..10) == to.get(..10);
            let to = if same_day {
                to.get(11..).unwrap_or(&to)
            } else {
                &to
            };
            format!("{from} → {to} UTC")
        }
    }
}

/// `2026-03-11 02:14` of RFC 3339.
fn minute(time: &str) -> String {
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => time.to_owned(),
    }
}
