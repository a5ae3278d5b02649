//! Kinds of detection rules, from the `bartizan` block of a rule.

use rsigma_parser::Timespan;
use serde::Deserialize;

use crate::rate::{Measure, Rate};
use crate::rule::{
    FirstSeenBlock, FirstSeenRule, RateBlock, RuleExtension, RuleKind, WindowRule, WindowTest,
};

/// The `bartizan` block of a rule.
pub(super) fn extension(block: Option<&yaml_serde::Value>) -> Result<RuleExtension, String> {
    block.map_or_else(
        || Ok(RuleExtension::default()),
        |b| RuleExtension::deserialize(b.clone()).map_err(|e| format!("bartizan: {e}")),
    )
}

fn seconds(text: &str) -> Result<i64, String> {
    let span = Timespan::parse(text).map_err(|e| e.to_string())?;
    i64::try_from(span.seconds).map_err(|e| e.to_string())
}

/// Kind of a detection rule.
pub(super) fn single_kind(extension: &RuleExtension) -> Result<RuleKind, String> {
    let kinds = [
        extension.first_seen.is_some(),
        extension.absence.is_some(),
        extension.rate.is_some(),
        extension.travel.is_some(),
        extension.part,
    ];
    if kinds.iter().filter(|k| **k).count() > 1 {
        return Err("bartizan: only one of part, first-seen, absence, rate and travel".to_owned());
    }
    if extension.part {
        return Ok(RuleKind::Part);
    }
    if let Some(block) = &extension.first_seen {
        return first_seen(block);
    }
    if let Some(block) = &extension.absence {
        return window(
            &block.group_by,
            2,
            seconds(&block.within)?,
            WindowTest::Absence {
                before: block.before,
            },
        );
    }
    if let Some(block) = &extension.rate {
        return rate(block);
    }
    if let Some(block) = &extension.travel {
        return window(
            &block.group_by,
            1,
            0,
            WindowTest::Travel {
                speed_kmh: block.speed_kmh,
            },
        );
    }
    Ok(RuleKind::Single)
}

fn first_seen(block: &FirstSeenBlock) -> Result<RuleKind, String> {
    let (history_s, learning_s) = (seconds(&block.history)?, seconds(&block.learning)?);
    let (at_least, within_s) = match (block.at_least, &block.within) {
        (Some(at_least), Some(within)) => (at_least, seconds(within)?),
        (None, None) => (1, 0),
        _ => {
            return Err(
                "bartizan: first-seen has at-least and within together, or neither".to_owned(),
            );
        }
    };
    let FirstSeenBlock {
        key,
        scope,
        known_since,
        ..
    } = block;
    let (key, scope, known_since) = (key.clone(), scope.clone(), *known_since);
    Ok(RuleKind::FirstSeen(FirstSeenRule {
        key,
        scope,
        history_s,
        learning_s,
        at_least,
        within_s,
        known_since,
    }))
}

fn rate(block: &RateBlock) -> Result<RuleKind, String> {
    let span_s = seconds(&block.per)?.max(1);
    let learning_spans = seconds(&block.learning)? / span_s;
    let measure = match (&block.distinct[..], &block.sum) {
        ([], None) => Measure::Events,
        ([], Some(field)) => Measure::Sum(vec![field.clone()]),
        (fields, None) => Measure::Distinct(fields.to_vec()),
        _ => {
            return Err("bartizan: a rate counts distinct values or a sum, not both".to_owned());
        }
    };
    let &RateBlock {
        factor,
        at_least,
        at_least_new,
        ..
    } = block;
    let rate = Rate {
        measure,
        factor,
        at_least,
        learning_spans,
        at_least_new,
    };
    window(&block.group_by, 1, span_s, WindowTest::Rate(rate))
}

/// Window rule whose parts are all grouped by the same fields.
fn window(
    group_by: &[String],
    parts: usize,
    span_s: i64,
    test: WindowTest,
) -> Result<RuleKind, String> {
    Ok(RuleKind::Window(WindowRule {
        group_by: vec![group_by.to_vec(); parts],
        span_s,
        test,
        unless_part: None,
    }))
}
