//! Detection rule: texts for people, and conditions on events.

use rsigma_eval::{CompiledCondition, CompiledRule};
use rsigma_parser::{ConditionExpr, ConditionOperator, CorrelationType, WindowMode};
use serde::Deserialize;

use super::condition::{DetectionItems, RuleCondition};
use super::rate::Rate;
use bartizan_model::{Confidence, Severity, Stage};
use bartizan_trail::{Field, FieldSet};

/// Texts of a rule, and how its matches become findings.
#[derive(Debug, Clone)]
pub struct Rule {
    /// `id`, or else `name`, or else the title.
    pub id: String,
    pub title: String,
    /// `description`: why it matters.
    pub why: String,
    /// `bartizan.do`: recommended response.
    pub advice: String,
    /// `level`.
    pub severity: Severity,
    /// `bartizan.confidence`.
    pub confidence: Confidence,
    /// `bartizan.stage`, or else derived from the tactic in `tags`.
    pub stage: Stage,
    /// ATT&CK techniques in `tags`, e.g. `T1098`.
    pub attack: Vec<String>,
    /// `falsepositives`.
    pub false_positives: Vec<String>,
    /// Path of the rule file.
    pub file: String,
    /// Shipped with Bartizan.
    pub builtin: bool,
    pub callers: CallerFilter,
    pub attempts: AttemptPolicy,
    pub kind: RuleKind,
}

/// Callers that a rule applies to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallerFilter {
    /// Principals only, not AWS services that act on their own.
    Principals,
    /// All callers.
    #[default]
    Any,
}

/// Meaning of a failed call to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptPolicy {
    /// Separate finding of lower severity.
    Lower,
    /// Equal to a successful call: the rule is about errors, or does not care.
    Same,
    /// No match: only successful calls count.
    Skip,
}

/// Condition of a rule on events.
#[derive(Debug, Clone)]
pub enum RuleKind {
    /// Every matching event is a finding.
    Single,
    /// Building block of other rules, without findings of its own.
    Part,
    /// Key that was not seen before.
    FirstSeen(FirstSeenRule),
    /// Several events of one group.
    Window(WindowRule),
}

/// Condition on a key that was not seen within the history.
#[derive(Debug, Clone)]
pub struct FirstSeenRule {
    /// Fields that make up the key.
    pub key: Vec<String>,
    /// Fields that make up the scope in which a key is new. A scope must be known for `learning_s`
    /// before any key is new in it.
    pub scope: Vec<String>,
    /// Seconds for which a key is remembered after it was last seen.
    pub history_s: i64,
    /// Learning period of a scope, in seconds.
    pub learning_s: i64,
    /// Number of new keys of one actor that make a finding; 1 by default.
    pub at_least: usize,
    /// Seconds within which they must come.
    pub within_s: i64,
    pub known_since: KnownSince,
}

/// Start of a scope's learning period in a first-seen rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownSince {
    /// First match of the rule in the scope.
    #[default]
    Match,
    /// First mutating call in the scope, so that even the first user of a service in an account is
    /// reported.
    Change,
}

/// Condition on several events of one group.
#[derive(Debug, Clone)]
pub struct WindowRule {
    /// Group-by fields for each part of the rule, with aliases resolved.
    pub group_by: Vec<Vec<String>>,
    /// Length of the window in seconds.
    pub span_s: i64,
    pub test: WindowTest,
    /// Part whose values, seen within a day before in the same group, do not count.
    pub unless_part: Option<usize>,
}

impl FirstSeenRule {
    /// Record fields that key and scope depend on.
    pub(super) fn reads(&self) -> FieldSet {
        reads_all(self.key.iter().chain(&self.scope))
    }
}

impl WindowRule {
    /// Record fields that group and value of a part depend on.
    pub(super) fn reads(&self, part: usize) -> FieldSet {
        let group = reads_all(&self.group_by[part]);
        match &self.test {
            WindowTest::Sigma { .. } => group.with(reads_all(self.counted().unwrap_or_default())),
            WindowTest::Travel { .. } => group.with(FieldSet::of(&[Field::SourceIpAddress])),
            WindowTest::Rate(rate) => group.with(reads_all(rate.measure.fields())),
            WindowTest::Absence { .. } => group,
        }
    }

    /// Length in seconds of the buckets in which the rule needs only the first and last event of
    /// each value; `None` for rules that do not count many distinct values.
    ///
    /// A window with any event of a bucket no longer than itself also holds the first or the last
    /// event of that value, because it starts before the bucket or ends after it.
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

    /// Number of distinct values per bucket that such a rule needs: four times the threshold. A
    /// window that covers the whole bucket then holds more than enough of them, whichever they are;
    /// those with the smallest hashes are kept.
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

/// Test on the events of a window.
#[derive(Debug, Clone)]
pub enum WindowTest {
    /// Sigma correlation.
    Sigma {
        /// `type`, e.g. `value_count`.
        kind: CorrelationType,
        condition: CompiledCondition,
        /// Boolean expression over parts, in place of the threshold.
        expression: Option<ConditionExpr>,
        /// Names of the parts in the expression.
        parts: Vec<String>,
        mode: WindowMode,
        /// Longest pause within a session window, in seconds.
        gap_s: i64,
        /// Number of events of each part that an ordered correlation needs.
        at_least: Vec<usize>,
    },
    /// First part without the second part in the span after it, or before it.
    Absence {
        /// Look for the second part before the first.
        before: bool,
    },
    /// Much higher rate than in earlier spans of the group.
    Rate(Rate),
    /// Two places too far apart for the time between them.
    Travel {
        /// Highest plausible speed in km/h.
        speed_kmh: f64,
    },
}

/// Compiled detection, with the rules that use its matches.
pub struct Detection {
    /// Index of its rule.
    pub rule: usize,
    /// Compiled Sigma rule.
    pub compiled: CompiledRule,
    /// Same condition over items shared between detections.
    pub condition: RuleCondition,
    /// Fields that the condition reads.
    pub reads: FieldSet,
    pub callers: CallerFilter,
    pub attempts: AttemptPolicy,
    /// Rules that use its matches, each with the part that it fills.
    pub uses: Vec<(usize, usize)>,
}

/// `bartizan:` block of a rule file.
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
    /// For ordered correlations: number of events per part name; 1 by default.
    #[serde(default)]
    pub(super) at_least: std::collections::BTreeMap<String, usize>,
    /// For correlations that count values: name of the part whose values do not count for a day.
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
    /// `id` or `name` of the rule whose match is expected.
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

/// Detections with their shared items: everything that deciding a route needs.
#[derive(Clone, Copy)]
pub(super) struct DetectionSet<'r> {
    pub(super) detections: &'r [Detection],
    pub(super) items: &'r DetectionItems,
}
