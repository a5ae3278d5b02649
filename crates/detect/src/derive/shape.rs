//! Reads a request by member names, independent of the form of its lists.
//!
//! CloudTrail writes the same list as `[…]`, as `{"items": […]}` (EC2), as `{"member": […]}` (query
//! protocol) or as a single object (`ModifySecurityGroupRulesRequest.SecurityGroupRule`), and the
//! same name as `cidrIp`, `CidrIp` or `cidr_ip`.

use std::borrow::Cow;

use bartizan_model::limits::{LISTS_DEPTH_MAX, REQUEST_DEPTH_MAX};
use bartizan_trail::json::{JsonKind, JsonValue};

/// Whether two names are equal except for case, `_` and `-`: `dBInstanceIdentifier` equals
/// `DBInstanceIdentifier`.
pub(super) fn is_named(member: &[u8], name: &str) -> bool {
    fn letters(text: &[u8]) -> impl Iterator<Item = u8> {
        text.iter()
            .filter(|b| !matches!(b, b'_' | b'-'))
            .map(u8::to_ascii_lowercase)
    }
    letters(member).eq(letters(name.as_bytes()))
}

/// Elements of a list in any of its forms; any other value is its own single element.
pub(super) fn each(value: JsonValue<'_>) -> Vec<JsonValue<'_>> {
    let mut out = Vec::new();
    unfold(value, 0, &mut out);
    out
}

fn unfold<'a>(value: JsonValue<'a>, depth: usize, out: &mut Vec<JsonValue<'a>>) {
    let inside = match value.kind() {
        JsonKind::Array if depth < LISTS_DEPTH_MAX => {
            return value.elements().for_each(|e| unfold(e, depth + 1, out));
        }
        JsonKind::Object if depth < LISTS_DEPTH_MAX => {
            // Exports write names in any case.
            let wrapper = |name: &[u8]| {
                ["items", "item", "member", "members"]
                    .iter()
                    .any(|w| name.eq_ignore_ascii_case(w.as_bytes()))
            };
            value
                .raw_members()
                .find(|(name, _)| wrapper(name))
                .map(|(_, v)| v)
        }
        _ => None,
    };
    match inside {
        Some(list) => unfold(list, depth + 1, out),
        None if value.is_null() => {}
        None => out.push(value),
    }
}

/// Values at a dotted path, through all lists on the way. The empty path is the value itself.
pub(super) fn at<'a>(value: JsonValue<'a>, path: &str) -> Vec<JsonValue<'a>> {
    let mut found = each(value);
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let members = found
            .iter()
            .flat_map(|v| v.raw_members())
            .filter(|(member, _)| is_named(member, name));
        found = members.flat_map(|(_, v)| each(v)).collect();
    }
    found
}

/// First text at a path.
pub(super) fn text<'a>(value: JsonValue<'a>, path: &str) -> Option<Cow<'a, str>> {
    at(value, path).into_iter().find_map(JsonValue::text)
}

/// Visits every string, number and boolean of a value, with the names on its path, innermost last.
pub(super) fn leaves<'a>(
    value: JsonValue<'a>,
    see: &mut dyn FnMut(&[Cow<'a, str>], JsonValue<'a>),
) {
    fn walk<'a>(
        value: JsonValue<'a>,
        names: &mut Vec<Cow<'a, str>>,
        depth: usize,
        see: &mut dyn FnMut(&[Cow<'a, str>], JsonValue<'a>),
    ) {
        match value.kind() {
            JsonKind::Object if depth < REQUEST_DEPTH_MAX => {
                for (name, inner) in value.members() {
                    names.push(name);
                    walk(inner, names, depth + 1, see);
                    names.pop();
                }
            }
            JsonKind::Array if depth < REQUEST_DEPTH_MAX => value
                .elements()
                .for_each(|e| walk(e, names, depth + 1, see)),
            JsonKind::String | JsonKind::Scalar => see(names, value),
            JsonKind::Object | JsonKind::Array => {}
        }
    }
    walk(value, &mut Vec::new(), 0, see);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_shape_are_read() {
        for text in [
            r#"{"Rule": [{"CidrIp": "a"}, {"CidrIp": "b"}]}"#,
            r#"{"rule": {"items": [{"cidrIp": "a"}, {"cidrIp": "b"}]}}"#,
            r#"{"rule": {"member": [{"cidr_ip": "a"}, {"cidrIP": "b"}]}}"#,
            r#"{"rule": [[{"cidrIp": "a"}], {"cidrIp": ["b"]}]}"#,
        ] {
            let value = JsonValue::new(text.as_bytes(), 0).unwrap();
            let found: Vec<_> = at(value, "rule.cidrIp")
                .into_iter()
                .filter_map(JsonValue::text)
                .collect();
            assert_eq!(found, ["a", "b"], "{text}");
        }
        let one = JsonValue::new(br#"{"rule": {"cidrIp": "a"}, "other": null}"#, 0).unwrap();
        assert_eq!(text(one, "rule.cidrIp").as_deref(), Some("a"));
        assert!(at(one, "other").is_empty() && at(one, "rule.x").is_empty());
    }
}
