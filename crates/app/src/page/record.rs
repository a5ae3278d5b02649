//! One finding with its evidence, and one record of the trail.

use anyhow::Result;
use bartizan_model::Finding;
use bartizan_model::limits::EVENT_ID_MAX;
use maud::{Markup, html};
use serde::Serialize;
use serde_json::Value;

use super::live::{LiveStore, Seen};
use crate::render::html::{brief, command, evidence, text, word};
use crate::render::{minute, shell};
use crate::store::StoreState;
use crate::trail::{WantedObjects, objects};
use crate::trail_records::each_record;

/// Characters of a record that the page shows.
const RECORD_SHOWN: usize = 40_000;

/// A finding, and the incident that it belongs to.
#[derive(Serialize)]
pub(super) struct FindingPage {
    finding: Finding,
    incident: Option<String>,
}

impl FindingPage {
    pub(super) fn of(live: &LiveStore, seen: &Seen, id: &str) -> Result<Option<Self>> {
        let Some(state) = StoreState::read(&live.global().store)? else {
            return Ok(None);
        };
        let Some(finding) = state.finding(id)?.into_iter().find(|f| f.id == id) else {
            return Ok(None);
        };
        let incidents = seen.watched.iter().flat_map(|w| &w.incidents);
        let incident = incidents.clone().find(|i| i.findings.contains(&finding.id));
        Ok(Some(Self {
            incident: incident.map(|i| i.id.clone()),
            finding,
        }))
    }

    /// The page.
    pub(super) fn markup(&self, seen: &Seen) -> Markup {
        let f = &self.finding;
        html! {
            h1 { (text(&f.title)) }
            p {
                (word(f.severity)) " · " (f.stage) " · "
                (f.first_time.as_deref().map(minute).unwrap_or_default()) " → "
                (f.last_time.as_deref().map(minute).unwrap_or_default()) " UTC"
                @if let Some(incident) = &self.incident {
                    " · " a href=(format!("/incident/{incident}")) { "its incident" }
                }
            }
            p { (text(&f.summary)) }
            h2 { "Evidence" }
            @if let Some(watched) = &seen.watched { (evidence(f, watched)) }
            @else { (command(&f.show)) }
        }
    }
}

/// A record of the trail as CloudTrail wrote it.
#[derive(Serialize)]
pub(super) struct RecordPage {
    event: String,
    record: Option<Value>,
    /// Objects that could not be read.
    unread: usize,
    /// Whether there is a trail to look in.
    has_trail: bool,
}

impl RecordPage {
    /// Looks in the trail that `--trail` names.
    pub(super) fn of(trail: &[String], id: &str) -> Result<Self> {
        let mut page = Self {
            event: id.chars().take(EVENT_ID_MAX).collect(),
            record: None,
            unread: 0,
            has_trail: !trail.is_empty(),
        };
        if !page.has_trail || id.is_empty() {
            return Ok(page);
        }
        let wanted = WantedObjects {
            paths: trail,
            list: None,
            since: None,
            until: None,
            profile: None,
        };
        let (objects, _) = objects(&wanted)?;
        let mut found = None;
        page.unread = each_record(&objects, &[page.event.clone()], &mut |record| {
            found = Some(record);
            Ok(false)
        })?;
        page.record = found;
        Ok(page)
    }

    /// The page.
    pub(super) fn markup(&self) -> Markup {
        let record = self
            .record
            .as_ref()
            .map(|r| serde_json::to_string_pretty(r).unwrap_or_default());
        html! {
            h1 { "Record " (brief(&self.event)) }
            @match record {
                Some(record) => pre { (shown(&record)) },
                None if self.has_trail => p {
                    "No record with that event id in the trail"
                    @if self.unread > 0 { ", of which " (self.unread) " objects could not be read" }
                    "."
                },
                None => {
                    p { "This page was started without --trail. The command that shows it:" }
                    (command(&format!("bartizan detect TRAIL --event {}", shell(&self.event))))
                }
            }
        }
    }
}

fn shown(record: &str) -> String {
    let lines: Vec<String> = record.lines().map(text).collect();
    lines.join("\n").chars().take(RECORD_SHOWN).collect()
}
