//! Lint: rejects rules that can never match, or that contain a filter that never does. Loading such
//! a rule would give the impression that it watches something.
//!
//! Source: Sigma specification, "Detection" (fields are named with dots), "Conditions", and
//! "Modifiers" (`expand` needs a pipeline that fills the placeholder; there is none here).

use rsigma_parser::detection_name_matches;
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
    SigmaValue,
};

use super::derive::FIELDS;
use super::rule::RuleExtension;

/// Fields of a CloudTrail record and of its `userIdentity`, as CloudTrail writes them (CloudTrail
/// user guide, "record contents" and "userIdentity element").
const WRITTEN: &[&str] = &[
    "additionalEventData",
    "addendum",
    "apiVersion",
    "awsRegion",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventContext",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "tlsDetails",
    "userAgent",
    "userIdentity",
    "vpcEndpointAccountId",
    "vpcEndpointId",
    "userIdentity.accessKeyId",
    "userIdentity.accountId",
    "userIdentity.arn",
    "userIdentity.credentialId",
    "userIdentity.identityProvider",
    "userIdentity.inScopeOf",
    "userIdentity.invokedBy",
    "userIdentity.onBehalfOf",
    "userIdentity.principalId",
    "userIdentity.sessionContext",
    "userIdentity.type",
    "userIdentity.userName",
];

/// Checks that a rule can match.
///
/// # Errors
/// First reason why it cannot, for users: `selection: bartizan.polcy is no field of ours
/// (bartizan.policy?)`.
pub(super) fn check(detections: &Detections) -> Result<(), String> {
    let mut named: Vec<_> = detections.named.iter().collect();
    named.sort_by_key(|(name, _)| *name);
    for (name, detection) in &named {
        self::detection(detection).map_err(|why| format!("{name}: {why}"))?;
    }
    let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    detections
        .conditions
        .iter()
        .try_for_each(|c| condition(c, &names))
}

/// Checks that a field that a rule uses, in a selection or for grouping, can exist.
pub(super) fn field(name: &str) -> Result<(), String> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("bartizan.") {
        if FIELDS.iter().any(|(known, _)| *known == name) {
            return Ok(());
        }
        let near = FIELDS
            .iter()
            .map(|(known, _)| (distance(known, &lower), *known))
            .min();
        let guess = near
            .filter(|(n, _)| *n <= 3)
            .map(|(_, known)| format!(" ({known}?)"))
            .unwrap_or_default();
        return Err(format!(
            "{name} is no field of ours{guess}: bartizan rules list and docs/rules.md name them"
        ));
    }
    // Check the first part of the name, and below `userIdentity` the second: deeper names depend on
    // the call.
    for depth in [1, 2] {
        let part: Vec<&str> = name.split('.').take(depth).collect();
        let part = part.join(".");
        let part = part.split('[').next().unwrap_or_default();
        if let Some(known) = WRITTEN.iter().find(|w| w.eq_ignore_ascii_case(part))
            && *known != part
        {
            return Err(format!("{name} is in no record: CloudTrail writes {known}"));
        }
    }
    Ok(())
}

/// Checks the fields by which the `bartizan:` block groups matches.
///
/// # Errors
/// First field that no record has.
pub(super) fn check_extension(extension: &RuleExtension) -> Result<(), String> {
    let first_seen = extension
        .first_seen
        .iter()
        .flat_map(|b| b.key.iter().chain(&b.scope));
    let absence = extension.absence.iter().flat_map(|b| &b.group_by);
    let rate = extension.rate.iter().flat_map(|b| &b.group_by);
    let travel = extension.travel.iter().flat_map(|b| &b.group_by);
    let mut fields = first_seen.chain(absence).chain(rate).chain(travel);
    fields
        .try_for_each(|name| field(name))
        .map_err(|why| format!("bartizan: {why}"))
}

fn detection(detection: &Detection) -> Result<(), String> {
    match detection {
        Detection::AllOf(items) if items.is_empty() => Err("it asks for nothing".to_owned()),
        Detection::AllOf(items) => items.iter().try_for_each(item),
        Detection::Keywords(values) if values.is_empty() => {
            Err("its list of words is empty".to_owned())
        }
        Detection::Keywords(values) => values.iter().try_for_each(|v| plain(v, "it")),
        Detection::AnyOf(inner) | Detection::And(inner) if inner.is_empty() => {
            Err("it asks for nothing".to_owned())
        }
        Detection::AnyOf(inner) | Detection::And(inner) => {
            inner.iter().try_for_each(self::detection)
        }
        // Names inside are those of the list's members.
        Detection::ArrayMatch { field, body, .. } => {
            self::field(field).and_then(|()| members(body))
        }
        Detection::Conditional { .. } => members(detection),
    }
}

/// Checks a condition on list members, whose fields may have any name.
fn members(body: &Detection) -> Result<(), String> {
    match body {
        Detection::AllOf(items) => items.iter().try_for_each(values),
        Detection::Keywords(values) => values.iter().try_for_each(|v| plain(v, "it")),
        Detection::AnyOf(inner) | Detection::And(inner) => inner.iter().try_for_each(members),
        Detection::ArrayMatch { body, .. } => members(body),
        Detection::Conditional { named, condition } => {
            let mut sorted: Vec<_> = named.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            sorted
                .iter()
                .try_for_each(|(name, d)| members(d).map_err(|why| format!("{name}: {why}")))?;
            let names: Vec<&str> = sorted.iter().map(|(name, _)| name.as_str()).collect();
            self::condition(condition, &names)
        }
    }
}

fn item(item: &DetectionItem) -> Result<(), String> {
    item.field.name.as_deref().map_or(Ok(()), field)?;
    values(item)
}

fn values(item: &DetectionItem) -> Result<(), String> {
    let name = item.field.name.as_deref().unwrap_or("it");
    if item.field.modifiers.contains(&Modifier::Expand) {
        let text = |v: &SigmaValue| v.to_string();
        let placeholders: Vec<String> = item.values.iter().map(text).collect();
        return Err(format!(
            "{name}: nothing here fills the placeholder {}: write the values",
            placeholders.join(", ")
        ));
    }
    if item.values.is_empty() {
        return Err(format!("{name}: its list of values is empty"));
    }
    item.values.iter().try_for_each(|v| plain(v, name))
}

/// Rejects a map or list in place of a value. The parser passes them on as the text of the value.
fn plain(value: &SigmaValue, name: &str) -> Result<(), String> {
    let SigmaValue::String(text) = value else {
        return Ok(());
    };
    let starts = |empty: yaml_serde::Value| {
        let text_of = format!("{empty:?}");
        text.original
            .starts_with(text_of.trim_end_matches([')', ']', '}', ' ']))
    };
    if starts(yaml_serde::Value::Mapping(yaml_serde::Mapping::new())) {
        return Err(format!(
            "{name}: a map stands where a value should: name the field with dots, {name}.FIELD: \
            value"
        ));
    }
    if starts(yaml_serde::Value::Sequence(Vec::new())) {
        return Err(format!("{name}: a list stands within a list of values"));
    }
    Ok(())
}

fn condition(condition: &ConditionExpr, names: &[&str]) -> Result<(), String> {
    match condition {
        ConditionExpr::And(inner) | ConditionExpr::Or(inner) => {
            inner.iter().try_for_each(|c| self::condition(c, names))
        }
        ConditionExpr::Not(inner) => self::condition(inner, names),
        ConditionExpr::Identifier(name) if names.contains(&name.as_str()) => Ok(()),
        ConditionExpr::Identifier(name) => Err(format!(
            "its condition names {name}, and there is no such selection"
        )),
        ConditionExpr::Selector {
            quantifier,
            pattern,
        } => {
            let fits = |name: &&&str| match pattern {
                SelectorPattern::Them => !name.starts_with('_'),
                SelectorPattern::Pattern(pattern) => detection_name_matches(pattern, name),
            };
            let count = names.iter().filter(fits).count();
            match quantifier {
                _ if count == 0 => {
                    Err(format!("its condition says {condition}, and there is none"))
                }
                Quantifier::Count(wanted) if usize::try_from(*wanted).is_ok_and(|n| n > count) => {
                    Err(format!(
                        "its condition says {condition}, and there are {count}"
                    ))
                }
                _ => Ok(()),
            }
        }
    }
}

/// Edit distance: characters to change, add or remove (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (before + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            before = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}
