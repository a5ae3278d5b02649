//! What a watch that goes on finds, a line each as it comes.

use anyhow::Result;
use bartizan_incident::Incident;
use bartizan_model::Finding;
use serde_json::json;

use super::style::{painted, severity_style, stage_style};
use super::{Out, clean};
use crate::cli::Format;

/// Characters of an id that are shown.
const ID_SHOWN: usize = 12;

/// Prints incidents and findings that are new or worse than they were.
pub(crate) fn live_news(
    format: Format,
    incidents: &[&Incident],
    findings: &[&Finding],
) -> Result<()> {
    let mut out = Out::new();
    if !matches!(format, Format::Human) {
        let incidents = incidents.iter().map(|i| json!({ "incident": i }));
        let findings = findings.iter().map(|f| json!({ "finding": f }));
        for row in incidents.chain(findings) {
            out.row(&row)?;
        }
        return out.flush();
    }
    for incident in incidents {
        let severity = format!("{:<8}", incident.severity.to_string());
        out.line(&format!(
            "{}  incident  {} · incident {}",
            painted(severity_style(incident.severity), &severity),
            clean(&incident.headline),
            incident.id
        ))?;
    }
    for finding in findings {
        let severity = format!("{:<8}", finding.severity.to_string());
        let stage = format!("{:<8}", finding.stage.to_string());
        let time = finding.first_time.as_deref().and_then(|t| t.get(..16));
        let id: String = finding.id.chars().take(ID_SHOWN).collect();
        out.line(&format!(
            "{}  {}  {} {} · {id}",
            painted(severity_style(finding.severity), &severity),
            painted(stage_style(finding.stage), &stage),
            time.unwrap_or("-").replace('T', " "),
            clean(&finding.summary),
        ))?;
    }
    out.flush()
}
