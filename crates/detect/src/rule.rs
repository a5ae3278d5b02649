//! A detection rule: what people read of it, and what it asks of events.

use rsigma_eval::{CompiledCondition, CompiledRule};
use rsigma_parser::{ConditionExpr, ConditionOperator, CorrelationType, WindowMode};
use serde::Deserialize;

use super::condition::{DetectionItems, RuleCondition};
use super::rate::Rate;
use bartizan_model::{Confidence, Severity, Stage};
use bartizan_trail::{Field, FieldSet};

/// What people read of a rule, and how its matches become findings.
#[derive(Debug, Clone)]
pub struct Rule {
    /// `id`, or else `name`, or else the title.
    pub id: String,
    /// `title`.
    pub title: String,
    /// `description`: why it matters.
    pub why: String,
    /// `bartizan.do`: what to do about it.
    pub advice: String,
    /// `level`.
    pub severity: Severity,
    /// `bartizan.confidence`.
    pub confidence: Confidence,
    /// `bartizan.stage`, or else by the tactic in `tags`.
    pub stage: Stage,
    /// ATT&CK techniques in `tags`.
    pub attack: Vec<String>,
    /// `falsepositives`.
    pub false_positives: Vec<String>,
    /// File that it came from.
    pub file: String,
    /// One of ours.
    pub builtin: bool,
    /// Which callers it is about.
    pub callers: CallerFilter,
    /// What a call that failed is to it.
    pub attempts: AttemptPolicy,
    /// What it asks of events.
    pub kind: RuleKind,
}

/// Which callers a rule is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallerFilter {
    /// Principals only; what AWS services do for themselves is nothing to it.
    Principals,
    /// Everybody.
    #[default]
    Any,
}

/// What a call that failed is to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptPolicy {
    /// A finding of its own, less severe.
    Lower,
    /// The same as a call that did not fail: the rule is about errors, or does not care.
    Same,
    /// Nothing: only what worked counts.
    Skip,
}

/// What a rule asks of events.
#[derive(Debug, Clone)]
pub enum RuleKind {
    /// One event that matches is a finding.
    Single,
    /// Only other rules ask for it.
    Part,
    /// A key that was not seen before.
    FirstSeen(FirstSeenRule),
    /// Several events of one group.
    Window(WindowRule),
}

/// A key that was not seen in the history.
#[derive(Debug, Clone)]
pub struct FirstSeenRule {
    /// Fields that make the key.
    pub key: Vec<String>,
    /// Fields that say for whom it is new; one is known for `learning_s` before anything is new for
    /// it.
    pub scope: Vec<String>,
    /// How long a key is remembered after it was last seen.
    pub history_s: i64,
    /// How long a scope is only learned.
    pub learning_s: i64,
    /// How many new keys of one actor make a finding; one where it is not said.
    pub at_least: usize,
    /// Within how long they must come.
    pub within_s: i64,
    /// Since when a scope is known.
    pub known_since: KnownSince,
}

/// Since when the scope of a first-seen rule is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownSince {
    /// Since the rule matched in it for the first time.
    #[default]
    Match,
    /// Since anything was changed in it: so that the first one in an account who uses a service is
    /// told, too.
    Change,
}

/// Several events of one group.
#[derive(Debug, Clone)]
pub struct WindowRule {
    /// Fields that make the group, for each part of the rule (aliases resolved).
    pub group_by: Vec<Vec<String>>,
    /// Length of the window.
    pub span_s: i64,
    /// What must hold in it.
    pub test: WindowTest,
    /// Values that this part had within a day before, in the same group, do not count.
    pub unless_part: Option<usize>,
}

impl FirstSeenRule {
    /// The fields of a record that key and scope follow from.
    pub(super) fn reads(&self) -> FieldSet {
        reads_all(self.key.iter().chain(&self.scope))
    }
}

impl WindowRule {
    /// The fields of a record that group and value of a part follow from.
    pub(super) fn reads(&self, part: usize) -> FieldSet {
        let group = reads_all(&self.group_by[part]);
        match &self.test {
            WindowTest::Sigma { .. } => group.with(reads_all(self.counted().unwrap_or_default())),
            WindowTest::Travel { .. } => group.with(FieldSet::of(&[Field::SourceIpAddress])),
            WindowTest::Rate(rate) => group.with(reads_all(rate.measure.fields())),
            WindowTest::Absence { .. } => group,
        }
    }

    /// Seconds of a bucket of which a rule that asks for many distinct values needs only the first
    /// and the last event of each value; none for other rules.
    ///
    /// A window that holds any event of a bucket that is no longer than itself holds the first or
    /// the last one of that value too, for it begins before the bucket or ends behind it.
    pub(super) fn bucket_s(&self) -> Option<i64> {
        let WindowTest::Sigma {
            kind,
            condition,
            expression: None,
            mode: WindowMode::Sliding,
            ..
        } = &self.test
        else {
            return None;
        };
        let grows = condition
            .predicates
            .iter()
            .all(|(op, _)| matches!(op, ConditionOperator::Gt | ConditionOperator::Gte));
        let distinct = matches!(
            kind,
            CorrelationType::ValueCount | CorrelationType::Temporal
        );
        (grows && distinct && self.span_s >= 1).then_some(self.span_s)
    }

    /// How many distinct values of a bucket such a rule needs: four times the threshold. A window
    /// that holds the whole bucket then holds more than enough of them, whichever they are; those
    /// with the smallest hashes stay.
    pub(super) fn values_max(&self) -> usize {
        let WindowTest::Sigma { condition, .. } = &self.test else {
            return usize::MAX;
        };
        let most = condition
            .predicates
            .iter()
            .map(|(_, n)| *n)
            .fold(1.0, f64::max);
        (most as usize).saturating_add(1).saturating_mul(4)
    }

    /// Fields whose values are counted.
    pub(super) fn counted(&self) -> Option<&[String]> {
        match &self.test {
            WindowTest::Sigma { condition, .. } => condition.field.as_deref(),
            _ => None,
        }
    }
}

fn reads_all<'f>(fields: impl IntoIterator<Item = &'f String>) -> FieldSet {
    fields.into_iter().fold(FieldSet::NONE, |all, field| {
        all.with(super::dependency::reads(field))
    })
}

/// What must hold in a window.
#[derive(Debug, Clone)]
pub enum WindowTest {
    /// A Sigma correlation.
    Sigma {
        /// What is counted or ordered.
        kind: CorrelationType,
        /// Threshold.
        condition: CompiledCondition,
        /// Boolean expression over parts, in place of the threshold.
        expression: Option<ConditionExpr>,
        /// Names of the parts, as the expression has them.
        parts: Vec<String>,
        /// How windows lie.
        mode: WindowMode,
        /// Longest pause in a session window.
        gap_s: i64,
        /// How many events of each part an ordered correlation needs.
        at_least: Vec<usize>,
    },
    /// The first part without the second: within the span after it, or before it.
    Absence {
        /// Whether the second part is looked for before the first.
        before: bool,
    },
    /// Much more in a span than the group had in earlier ones.
    Rate(Rate),
    /// Two places too far apart for the time between them.
    Travel {
        /// Faster than this is impossible.
        speed_kmh: f64,
    },
}

/// A compiled detection, and which rules ask for its matches.
pub struct Detection {
    /// Number of the rule that it belongs to.
    pub rule: usize,
    /// The compiled rule of Sigma.
    pub compiled: CompiledRule,
    /// The same over items that detections share.
    pub condition: RuleCondition,
    /// Fields that its condition reads.
    pub reads: FieldSet,
    /// Which callers it is about.
    pub callers: CallerFilter,
    /// What a call that failed is to it.
    pub attempts: AttemptPolicy,
    /// Rules that ask for its matches, and as which of their parts.
    pub uses: Vec<(usize, usize)>,
}

/// The `bartizan:` block of a rule file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RuleExtension {
    pub(super) stage: Option<Stage>,
    pub(super) confidence: Option<Confidence>,
    #[serde(rename = "do")]
    pub(super) advice: Option<String>,
    pub(super) callers: Option<CallerFilter>,
    pub(super) attempts: Option<AttemptPolicy>,
    #[serde(default)]
    pub(super) part: bool,
    pub(super) first_seen: Option<FirstSeenBlock>,
    pub(super) absence: Option<AbsenceBlock>,
    pub(super) rate: Option<RateBlock>,
    pub(super) travel: Option<TravelBlock>,
    /// For ordered correlations: how many events of a part, by its name; one where it is not said.
    #[serde(default)]
    pub(super) at_least: std::collections::BTreeMap<String, usize>,
    /// For correlations that count values: the name of the part whose values do not count for a
    /// day.
    pub(super) unless: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FirstSeenBlock {
    pub(super) key: Vec<String>,
    #[serde(default)]
    pub(super) scope: Vec<String>,
    pub(super) history: String,
    pub(super) learning: String,
    pub(super) at_least: Option<usize>,
    pub(super) within: Option<String>,
    #[serde(default)]
    pub(super) known_since: KnownSince,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AbsenceBlock {
    /// `id` or `name` of the rule whose match should be there.
    pub(super) of: String,
    pub(super) group_by: Vec<String>,
    pub(super) within: String,
    #[serde(default)]
    pub(super) before: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RateBlock {
    pub(super) group_by: Vec<String>,
    pub(super) per: String,
    pub(super) factor: f64,
    pub(super) at_least: u64,
    pub(super) learning: String,
    pub(super) at_least_new: Option<u64>,
    #[serde(default)]
    pub(super) distinct: Vec<String>,
    pub(super) sum: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TravelBlock {
    pub(super) group_by: Vec<String>,
    pub(super) speed_kmh: f64,
}

/// Detections with what they ask of fields: all that deciding a route needs of the rules.
#[derive(Clone, Copy)]
pub(super) struct DetectionSet<'r> {
    pub(super) detections: &'r [Detection],
    pub(super) items: &'r DetectionItems,
}
