//! Correlation rules.

use std::collections::HashMap;

use rsigma_eval::correlation::{CompiledCorrelation, GroupByField, compile_correlation};
use rsigma_parser::{ConditionOperator, CorrelationRule, CorrelationType};

use super::head::{RuleHead, RuleOrigin};
use super::rules::Rules;
use crate::rule::{AttemptPolicy, CallerFilter, RuleExtension, RuleKind, WindowRule, WindowTest};

/// Adds a correlation and returns the detections that it refers to.
pub(super) fn correlate(
    rule: CorrelationRule,
    extension: &RuleExtension,
    origin: &RuleOrigin,
    named: &HashMap<String, usize>,
    out: &mut Rules,
) -> Result<Vec<usize>, String> {
    let mut compiled = compile_correlation(&rule).map_err(|e| e.to_string())?;
    demand_all_steps(&mut compiled);
    let mut parts = Vec::new();
    for name in &compiled.rule_refs {
        parts.push(
            *named
                .get(name)
                .ok_or_else(|| format!("it refers to {name:?}, and no rule has that id or name"))?,
        );
    }
    let window = window(compiled, extension)?;
    let number = out.rules.len();
    for (part, detection) in parts.iter().enumerate() {
        out.detections[*detection].uses.push((number, part));
    }
    let head = RuleHead {
        id: rule.id.or(rule.name),
        title: rule.title,
        description: rule.description,
        level: rule.level,
        tags: rule.tags,
        false_positives: rule.falsepositives,
    };
    // For parts that are about errors, or do not care, a denied call is no lesser match.
    let cares = parts
        .iter()
        .all(|d| out.detections[*d].attempts != AttemptPolicy::Same);
    let attempts = if cares {
        AttemptPolicy::Lower
    } else {
        AttemptPolicy::Same
    };
    out.rules.push(head.rule(
        extension,
        origin,
        CallerFilter::Any,
        attempts,
        RuleKind::Window(window),
    ));
    Ok(parts)
}

/// Without a condition, a temporal correlation needs every rule that it names (Sigma specification,
/// "temporal").
fn demand_all_steps(compiled: &mut CompiledCorrelation) {
    let temporal = matches!(
        compiled.correlation_type,
        CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    if temporal
        && compiled
            .condition
            .predicates
            .iter()
            .all(|(op, n)| *op == ConditionOperator::Gte && *n <= 1.0)
    {
        compiled.condition.predicates =
            vec![(ConditionOperator::Gte, compiled.rule_refs.len() as f64)];
    }
}

/// Window of a correlation.
fn window(compiled: CompiledCorrelation, extension: &RuleExtension) -> Result<WindowRule, String> {
    let counted = matches!(
        compiled.correlation_type,
        CorrelationType::EventCount | CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    if !counted && compiled.condition.field.is_none() {
        return Err(format!(
            "{} needs a field in its condition",
            compiled.correlation_type.as_str()
        ));
    }
    let group_by = compiled.rule_refs.iter().map(|name| {
        let resolve = |field: &GroupByField| field.resolve(&[name.as_str()]).to_owned();
        compiled.group_by.iter().map(resolve).collect()
    });
    let unless_part = match &extension.unless {
        None => None,
        Some(name) => {
            let part = compiled.rule_refs.iter().position(|r| r == name);
            Some(part.ok_or_else(|| {
                format!("bartizan: unless names {name:?}, which is none of its rules")
            })?)
        }
    };
    Ok(WindowRule {
        unless_part,
        group_by: group_by.collect(),
        span_s: i64::try_from(compiled.timespan_secs).map_err(|e| e.to_string())?,
        test: WindowTest::Sigma {
            kind: compiled.correlation_type,
            condition: compiled.condition,
            expression: compiled.extended_expr,
            parts: compiled.rule_refs.clone(),
            mode: compiled.window_mode,
            at_least: compiled
                .rule_refs
                .iter()
                .map(|name| {
                    extension
                        .at_least
                        .get(name)
                        .copied()
                        .unwrap_or(1)
                        .clamp(1, 1000)
                })
                .collect(),
            gap_s: compiled
                .gap_secs
                .and_then(|g| i64::try_from(g).ok())
                .unwrap_or(0),
        },
    })
}
