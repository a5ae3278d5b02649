//! Thresholds: whether the events of one window are enough for a finding.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use rsigma_eval::CompiledCondition;
use rsigma_parser::{ConditionExpr, ConditionOperator, CorrelationType};

use crate::window_event::{WindowEvent, span_text};

/// Condition of a correlation rule on the events of one window.
pub(super) struct Threshold<'a> {
    pub(super) kind: CorrelationType,
    pub(super) condition: &'a CompiledCondition,
    pub(super) expression: Option<&'a ConditionExpr>,
    pub(super) parts: &'a [String],
}

/// Distinct values of the last window, updated from window to window.
#[derive(Default)]
pub(super) struct DistinctCounts {
    from: usize,
    to: usize,
    values: HashMap<u64, u32, RandomState>,
}

impl Threshold<'_> {
    /// Whether the threshold holds in a window.
    pub(super) fn holds(
        &self,
        seen: &[WindowEvent],
        (from, to): (usize, usize),
        with_tried: bool,
        counts: &mut DistinctCounts,
    ) -> bool {
        let window = || seen[from..=to].iter().filter(|s| with_tried || !s.tried);
        let numbers = || window().map(|s| f64::from_bits(s.value));
        let value = match self.kind {
            CorrelationType::EventCount => counts.events(seen, from, to, with_tried) as f64,
            // There are at most as many values as events.
            CorrelationType::ValueCount
                if self
                    .condition
                    .predicates
                    .iter()
                    .any(|p| fewer(p, to + 1 - from)) =>
            {
                return false;
            }
            CorrelationType::ValueCount => {
                counts.distinct(seen, from, to, with_tried, |s| s.value) as f64
            }
            CorrelationType::Temporal | CorrelationType::TemporalOrdered => {
                if let Some(expression) = self.expression {
                    let present: HashSet<&str> = window()
                        .map(|s| self.parts[s.part as usize].as_str())
                        .collect();
                    return expression_holds(expression, &present);
                }
                counts.distinct(seen, from, to, with_tried, |s| u64::from(s.part)) as f64
            }
            CorrelationType::ValueSum => numbers().sum(),
            CorrelationType::ValueAvg => numbers().sum::<f64>() / window().count().max(1) as f64,
            CorrelationType::ValuePercentile | CorrelationType::ValueMedian
                if window().next().is_none() =>
            {
                return false;
            }
            CorrelationType::ValuePercentile | CorrelationType::ValueMedian => {
                let rank = if self.kind == CorrelationType::ValueMedian {
                    50
                } else {
                    self.condition.percentile.unwrap_or(50)
                };
                percentile(numbers().collect(), rank as f64)
            }
        };
        self.condition.check(value)
    }

    /// Text of a finding, e.g. `5 or more events within 10 minutes`.
    pub(super) fn sentence(&self, span_s: i64) -> String {
        let span = span_text(span_s);
        let field = self
            .condition
            .field
            .as_ref()
            .map(|f| f.join(", "))
            .unwrap_or_default();
        let bound = |(operator, n): &(ConditionOperator, f64)| match operator {
            ConditionOperator::Gte => format!("{n} or more"),
            ConditionOperator::Gt => format!("more than {n}"),
            ConditionOperator::Lte => format!("{n} or fewer"),
            ConditionOperator::Lt => format!("fewer than {n}"),
            ConditionOperator::Eq => format!("exactly {n}"),
            ConditionOperator::Neq => format!("not {n}"),
        };
        let bounds = self
            .condition
            .predicates
            .iter()
            .map(bound)
            .collect::<Vec<_>>()
            .join(" and ");
        match (self.kind, self.expression) {
            (_, Some(expression)) => format!("{expression} within {span}"),
            (CorrelationType::EventCount, _) => format!("{bounds} events within {span}"),
            (CorrelationType::ValueCount, _) => format!("{bounds} different {field} within {span}"),
            (CorrelationType::Temporal | CorrelationType::TemporalOrdered, _) => {
                format!("{bounds} different steps within {span}")
            }
            (kind, _) => format!(
                "{} of {field} {bounds} within {span}",
                kind.as_str().trim_start_matches("value_")
            ),
        }
    }
}

/// Whether the count is below the lower bound of the condition.
fn fewer((operator, bound): &(ConditionOperator, f64), count: usize) -> bool {
    matches!(operator, ConditionOperator::Gte | ConditionOperator::Gt) && (count as f64) < *bound
}

impl DistinctCounts {
    /// Number of events in `from..=to`, updated in the same way.
    fn events(&mut self, seen: &[WindowEvent], from: usize, to: usize, with_tried: bool) -> usize {
        if with_tried {
            return to + 1 - from;
        }
        self.distinct(seen, from, to, false, |_| 0);
        self.values.get(&0).map_or(0, |n| *n as usize)
    }

    /// Number of distinct values in `from..=to`. Windows must come in order, so that each event is
    /// added and removed once.
    fn distinct(
        &mut self,
        seen: &[WindowEvent],
        from: usize,
        to: usize,
        with_tried: bool,
        value: impl Fn(&WindowEvent) -> u64,
    ) -> usize {
        if self.to < from {
            self.values.clear();
            (self.from, self.to) = (from, from);
        }
        let counts = |s: &WindowEvent| with_tried || !s.tried;
        while self.to <= to {
            if counts(&seen[self.to]) {
                *self.values.entry(value(&seen[self.to])).or_default() += 1;
            }
            self.to += 1;
        }
        while self.from < from {
            if !counts(&seen[self.from]) {
                self.from += 1;
                continue;
            }
            let old = value(&seen[self.from]);
            if let Some(count) = self.values.get_mut(&old) {
                *count -= 1;
                if *count == 0 {
                    self.values.remove(&old);
                }
            }
            self.from += 1;
        }
        self.values.len()
    }
}

fn expression_holds(expression: &ConditionExpr, present: &HashSet<&str>) -> bool {
    match expression {
        ConditionExpr::Identifier(name) => present.contains(name.as_str()),
        ConditionExpr::And(inner) => inner.iter().all(|e| expression_holds(e, present)),
        ConditionExpr::Or(inner) => inner.iter().any(|e| expression_holds(e, present)),
        ConditionExpr::Not(inner) => !expression_holds(inner, present),
        ConditionExpr::Selector { .. } => false,
    }
}

/// Percentile by linear interpolation between the two nearest ranks.
fn percentile(mut values: Vec<f64>, rank: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = rank / 100.0 * (values.len() - 1) as f64;
    let (low, high) = (
        values[at.floor() as usize],
        values[(at.ceil() as usize).min(values.len() - 1)],
    );
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_between_its_nearest_ranks() {
        assert_eq!(percentile(vec![4.0, 1.0, 3.0, 2.0], 50.0), 2.5);
        assert_eq!(percentile(vec![7.0], 99.0), 7.0);
    }
}
