//! Findings and incidents of the tests.

use bartizan_incident::{Advice, Incident, PersistentChange, Remedy, Suspect, TimelineEntry};
use bartizan_model::{Actor, Confidence, Evidence, Finding, Severity, Stage, Verdict};

/// Finding in which every text is `text`.
pub(crate) fn finding(id: &str, severity: Severity, text: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        rule: format!("rule {text}"),
        title: format!("title {text}"),
        summary: format!("summary {text}"),
        severity,
        confidence: Confidence::High,
        stage: Stage::Gain,
        attack: vec!["T1098".to_owned()],
        account: Some("111122223333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        first_time: Some("2026-03-11T02:14:00Z".to_owned()),
        last_time: Some("2026-03-11T02:19:00Z".to_owned()),
        count: 2,
        refused: 1,
        calls: Vec::new(),
        actor: Some(Actor {
            key: text.to_owned(),
            name: format!("user {text}"),
            arn: Some(text.to_owned()),
            kind: "IAMUser".to_owned(),
            account: None,
            access_key_id: Some(text.to_owned()),
            origin: vec![text.to_owned()],
            session_issuer: None,
            source_identity: None,
            source_ip: Some(text.to_owned()),
            user_agent: Some(text.to_owned()),
        }),
        resources: vec![text.to_owned(), format!("arn:aws:s3:::{text}")],
        counterparty: Vec::new(),
        evidence: vec![Evidence::Event {
            id: text.to_owned(),
            time: "2026-03-11T02:14:00Z".to_owned(),
            call: text.to_owned(),
            error: Some(text.to_owned()),
        }],
        verdict: Verdict::Must,
        because: vec![text.to_owned()],
        show: format!("bartizan detect --event {text}"),
    }
}

/// Incident of findings, in which every text is `text`.
pub(crate) fn incident(id: &str, severity: Severity, findings: &[&str], text: &str) -> Incident {
    let moment = |finding: &&str| TimelineEntry {
        time: "2026-03-11T02:14:00Z".to_owned(),
        until: "2026-03-11T02:14:00Z".to_owned(),
        stage: Stage::Gain,
        severity,
        title: text.to_owned(),
        summary: text.to_owned(),
        finding: (*finding).to_owned(),
        rule: format!("rule {text}"),
        event: Some((*finding).to_owned()),
    };
    Incident {
        id: id.to_owned(),
        headline: format!("headline {text}"),
        severity,
        score: 90,
        stages: vec![Stage::Gain],
        first_time: "2026-03-11T02:14:00Z".to_owned(),
        last_time: "2026-03-11T06:40:00Z".to_owned(),
        accounts: vec!["111122223333".to_owned()],
        actor: vec![Suspect {
            key: text.to_owned(),
            name: text.to_owned(),
            access_key_id: None,
            access_keys: Vec::new(),
            chains: Vec::new(),
            whole: true,
            addresses: vec![text.to_owned()],
            user_agents: vec![text.to_owned()],
            findings: findings.len(),
        }],
        timeline: findings.iter().map(moment).collect(),
        standing: vec![PersistentChange {
            what: format!("standing {text}"),
            kind: "iam:role".to_owned(),
            id: "r".to_owned(),
            since: "2026-03-11T02:14:00Z".to_owned(),
            finding: "f".to_owned(),
        }],
        actors: Vec::new(),
        left: Vec::new(),
        taken_away: Vec::new(),
        standing_known: true,
        reached: Vec::new(),
        bill: Vec::new(),
        blast_radius: Vec::new(),
        unknown: Vec::new(),
        todo: vec![Advice {
            why: text.to_owned(),
            command: format!("aws iam delete-role {text}"),
            remedy: Remedy::Undo,
        }],
        attack: Vec::new(),
        findings: findings.iter().map(|f| (*f).to_owned()).collect(),
    }
}
