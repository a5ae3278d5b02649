//! Attributes that detection and correlation rules share.

use rsigma_parser::Level;

use crate::rule::{AttemptPolicy, CallerFilter, Rule, RuleExtension, RuleKind};
use bartizan_model::{Confidence, Severity, Stage};

/// File of a rule.
#[derive(Clone)]
pub(super) struct RuleOrigin {
    pub(super) file: String,
    pub(super) builtin: bool,
}

/// Attributes shared by detection and correlation rules.
pub(super) struct RuleHead {
    pub(super) id: Option<String>,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) level: Option<Level>,
    pub(super) tags: Vec<String>,
    pub(super) false_positives: Vec<String>,
}

impl RuleHead {
    pub(super) fn rule(
        self,
        extension: &RuleExtension,
        origin: &RuleOrigin,
        callers: CallerFilter,
        attempts: AttemptPolicy,
        kind: RuleKind,
    ) -> Rule {
        let tags: Vec<String> = self.tags.iter().map(|t| t.to_lowercase()).collect();
        let techniques = tags
            .iter()
            .filter_map(|t| t.strip_prefix("attack.t"))
            .filter(|t| t.starts_with(|c: char| c.is_ascii_digit()));
        let attack: Vec<String> = techniques.map(|t| format!("T{t}")).collect();
        Rule {
            id: self.id.unwrap_or_else(|| self.title.clone()),
            title: self.title,
            why: one_line(self.description.as_deref().unwrap_or_default()),
            advice: one_line(extension.advice.as_deref().unwrap_or_default()),
            severity: match self.level {
                Some(Level::Critical) => Severity::Critical,
                Some(Level::High) => Severity::High,
                Some(Level::Medium) | None => Severity::Medium,
                Some(Level::Low) => Severity::Low,
                Some(Level::Informational) => Severity::Info,
            },
            confidence: extension.confidence.unwrap_or(Confidence::Medium),
            stage: extension.stage.unwrap_or_else(|| stage_of(&tags)),
            attack,
            false_positives: self.false_positives,
            file: origin.file.clone(),
            builtin: origin.builtin,
            callers,
            attempts,
            kind,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Stage of the first tactic among the tags.
fn stage_of(tags: &[String]) -> Stage {
    const STAGES: [(&str, Stage); 16] = [
        ("reconnaissance", Stage::Gain),
        ("resource-development", Stage::Gain),
        ("initial-access", Stage::Gain),
        ("credential-access", Stage::Gain),
        ("discovery", Stage::Gain),
        ("lateral-movement", Stage::Gain),
        ("execution", Stage::Maintain),
        ("persistence", Stage::Maintain),
        ("privilege-escalation", Stage::Maintain),
        ("command-and-control", Stage::Maintain),
        ("collection", Stage::Steal),
        ("exfiltration", Stage::Steal),
        ("impact", Stage::Steal),
        ("defense-evasion", Stage::Blind),
        ("defense-impairment", Stage::Blind),
        ("stealth", Stage::Blind),
    ];
    let tactics = tags
        .iter()
        .filter_map(|t| t.strip_prefix("attack."))
        .map(|t| t.replace('_', "-"));
    tactics
        .filter_map(|t| STAGES.iter().find(|(name, _)| *name == t))
        .map(|(_, s)| *s)
        .next()
        .unwrap_or(Stage::Hygiene)
}
