//! Which management events a trail or an event data store still records after a request.
//!
//! An event is recorded if any selector fits (CloudTrail API, `EventSelector` and
//! `AdvancedEventSelector`): what is left out follows from all of them together.

use std::collections::BTreeSet;

use super::shape::{at, each, text};
use super::text::api;
use bartizan_trail::json::JsonValue;
use bartizan_trail::{Event, Field};

/// Calls that set selectors.
const CALLS: &[&str] = &[
    "cloudtrail:PutEventSelectors",
    "cloudtrail:UpdateEventDataStore",
    "cloudtrail:CreateEventDataStore",
];

/// Categories of event data stores that are for no CloudTrail events: they never held what a rule
/// may miss.
const OTHER_CATEGORIES: &[&str] = &["ConfigurationItem", "Evidence", "ActivityAuditLog"];

/// Management events that one selector records.
struct RecordedEvents {
    reads: bool,
    writes: bool,
    /// Sources and other things that it leaves out, `eventSource kms.amazonaws.com`.
    without: BTreeSet<String>,
    /// It names what it takes, so that all else is left out.
    only_some: bool,
}

/// Whether a call may set selectors.
pub(super) fn may_select(call: &str) -> bool {
    CALLS.contains(&call)
}

/// What a request leaves out: `none`, `no-management`, `writes-left-out`, `reads-left-out`,
/// `sources-left-out`, `only-some`.
pub(super) fn selectors(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event
        .field(Field::RequestParameters)
        .filter(|_| may_select(&api(event)))
    else {
        return Vec::new();
    };
    let (old, advanced) = (
        at(request, "eventSelectors"),
        at(request, "advancedEventSelectors"),
    );
    if old.is_empty() && advanced.is_empty() {
        return Vec::new();
    }
    let categories = |selector: &JsonValue<'_>| {
        let fields = at(*selector, "fieldSelectors")
            .into_iter()
            .filter(|f| is_field(*f, "eventCategory"));
        fields
            .flat_map(|f| at(f, "equals"))
            .filter_map(JsonValue::text)
            .map(|c| c.into_owned())
            .collect::<Vec<_>>()
    };
    let other = |c: &String| {
        OTHER_CATEGORIES
            .iter()
            .any(|other| c.eq_ignore_ascii_case(other))
    };
    if old.is_empty() && advanced.iter().flat_map(categories).any(|c| other(&c)) {
        return Vec::new();
    }
    let recorded: Vec<_> = old
        .into_iter()
        .filter_map(old_form)
        .chain(advanced.into_iter().filter_map(advanced_form))
        .collect();
    left_out(&recorded).into_iter().map(str::to_owned).collect()
}

fn is_field(selector: JsonValue<'_>, name: &str) -> bool {
    text(selector, "field").is_some_and(|f| f.eq_ignore_ascii_case(name))
}

/// `{"readWriteType": "All", "includeManagementEvents": true, "excludeManagementEventSources":
/// []}`; what is absent is all.
fn old_form(selector: JsonValue<'_>) -> Option<RecordedEvents> {
    if text(selector, "includeManagementEvents").is_some_and(|t| t.eq_ignore_ascii_case("false")) {
        return None;
    }
    let kind = text(selector, "readWriteType")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let without = at(selector, "excludeManagementEventSources")
        .into_iter()
        .filter_map(JsonValue::text);
    Some(RecordedEvents {
        reads: kind != "writeonly",
        writes: kind != "readonly",
        without: without
            .map(|s| format!("eventsource {}", s.to_ascii_lowercase()))
            .collect(),
        only_some: false,
    })
}

/// `{"fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}, {"field": "readOnly",
/// "equals": ["true"]}]}`.
fn advanced_form(selector: JsonValue<'_>) -> Option<RecordedEvents> {
    let fields = at(selector, "fieldSelectors");
    let values = |field: JsonValue<'_>, operator: &str| -> Vec<String> {
        at(field, operator)
            .into_iter()
            .flat_map(each)
            .filter_map(|v| v.text().map(|t| t.to_ascii_lowercase()))
            .collect()
    };
    let category = fields.iter().filter(|f| is_field(**f, "eventCategory"));
    if !category
        .into_iter()
        .any(|f| values(*f, "equals").iter().any(|c| c == "management"))
    {
        return None;
    }
    let mut recorded = RecordedEvents {
        reads: true,
        writes: true,
        without: BTreeSet::new(),
        only_some: false,
    };
    for field in fields {
        let name = text(field, "field")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let equals = values(field, "equals");
        match name.as_str() {
            "eventcategory" => {}
            "readonly" => {
                let not = values(field, "notEquals");
                let takes = |value: &str| {
                    (equals.is_empty() || equals.iter().any(|v| v == value))
                        && !not.iter().any(|v| v == value)
                };
                recorded.reads &= takes("true");
                recorded.writes &= takes("false");
            }
            _ => {
                recorded.only_some |= ["equals", "startsWith", "endsWith"]
                    .iter()
                    .any(|o| !values(field, o).is_empty());
                for operator in ["notEquals", "notStartsWith", "notEndsWith"] {
                    recorded.without.extend(
                        values(field, operator)
                            .into_iter()
                            .map(|v| format!("{name} {v}")),
                    );
                }
            }
        }
    }
    Some(recorded)
}

fn left_out(selectors: &[RecordedEvents]) -> Vec<&'static str> {
    // What is left out of reads, or of writes; none when no selector takes them whole.
    let without = |takes: fn(&RecordedEvents) -> bool| {
        let whole = selectors.iter().filter(|s| takes(s) && !s.only_some);
        whole
            .map(|s| s.without.clone())
            .reduce(|a, b| a.intersection(&b).cloned().collect())
    };
    match (without(|s| s.reads), without(|s| s.writes)) {
        (None, None) if selectors.is_empty() => vec!["no-management"],
        (None, None) => vec!["only-some"],
        (Some(_), None) => vec!["writes-left-out"],
        (None, Some(_)) => vec!["reads-left-out"],
        (Some(a), Some(b)) if a.is_empty() && b.is_empty() => vec!["none"],
        (Some(_), Some(_)) => vec!["sources-left-out"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_follows_from_all_selectors_together() {
        let of = |old: &str, advanced: &str| {
            let (old, advanced) = (
                JsonValue::new(old.as_bytes(), 0).unwrap(),
                JsonValue::new(advanced.as_bytes(), 0).unwrap(),
            );
            let all = each(old)
                .into_iter()
                .filter_map(old_form)
                .chain(each(advanced).into_iter().filter_map(advanced_form));
            left_out(&all.collect::<Vec<_>>())[0]
        };
        let management = r#"{"field": "eventCategory", "equals": ["Management"]}"#;
        let selector = |more: &str| format!(r#"{{"fieldSelectors": [{management}{more}]}}"#);
        let (all, reads) = (
            selector(""),
            selector(r#", {"field": "readOnly", "equals": ["true"]}"#),
        );
        let writes = selector(r#", {"field": "readOnly", "equals": ["false"]}"#);
        let no_kms = selector(r#", {"field": "eventSource", "notEquals": ["kms.amazonaws.com"]}"#);
        let not_me = selector(
            r#", {"field": "userIdentity.arn", "notStartsWith": ["arn:aws:iam::1:user/m"]}"#,
        );
        let some = selector(r#", {"field": "eventName", "equals": ["RunInstances"]}"#);
        let data = r#"{"fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}]}"#;
        for (selectors, wanted) in [
            (format!("[{all}]"), "none"),
            (format!("[{reads}, {writes}]"), "none"),
            (format!("[{no_kms}, {all}, {data}]"), "none"),
            (format!("[{reads}]"), "writes-left-out"),
            (format!("[{reads}, {some}]"), "writes-left-out"),
            (format!("[{writes}]"), "reads-left-out"),
            (format!("[{no_kms}]"), "sources-left-out"),
            (format!("[{not_me}]"), "sources-left-out"),
            (format!("[{some}]"), "only-some"),
            (format!("[{data}]"), "no-management"),
        ] {
            assert_eq!(of("[]", &selectors), wanted, "{selectors}");
        }
        let all = r#"{"readWriteType": "All", "includeManagementEvents": true}"#;
        let data = r#"{"readWriteType": "WriteOnly", "includeManagementEvents": false}"#;
        assert_eq!(of(&format!("[{all}, {data}]"), "[]"), "none");
        assert_eq!(of(&format!("[{data}]"), "[]"), "no-management");
    }
}
