//! Requests that open, share, hide or leave something out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::input;
use crate::common::Home;

/// For each record of an input by the end of its id, the findings that name it: rule file and
/// severity.
fn told(name: &str) -> BTreeMap<u32, Vec<(String, String)>> {
    let findings = Home::new().json(&["detect", &input(name)])["findings"]
        .as_array()
        .unwrap()
        .clone();
    let mut told: BTreeMap<u32, Vec<(String, String)>> = BTreeMap::new();
    for finding in findings {
        for event in finding["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|e| e["id"].as_str())
        {
            let number = event[event.len() - 2..].parse().unwrap();
            let text = |field: &Value| field.as_str().unwrap().to_owned();
            told.entry(number)
                .or_default()
                .push((text(&finding["title"]), text(&finding["severity"])));
        }
    }
    told
}

fn severity(word: &str) -> usize {
    ["info", "low", "medium", "high", "critical"]
        .iter()
        .position(|s| *s == word)
        .unwrap()
}

/// The worst that is said of a record.
fn worst(told: &BTreeMap<u32, Vec<(String, String)>>, number: u32) -> usize {
    told.get(&number)
        .into_iter()
        .flatten()
        .map(|(_, s)| severity(s))
        .max()
        .unwrap_or_default()
}

/// CloudTrail user guide, "CloudTrail record contents": a field above its limit is replaced by
/// `omitted`, `originalSize` and `reason`. White space of a policy counts for that limit and not
/// for IAM's quota.
#[test]
fn a_policy_that_nobody_can_read_is_not_harmless() {
    let told = told("23-left-out-requests/trail.json");
    for number in [1, 2, 3, 6, 7, 8, 9] {
        assert!(
            worst(&told, number) >= severity("medium"),
            "{number}: {:?}",
            told.get(&number)
        );
    }
    // Refused: something is said, and less.
    let refused = worst(&told, 4);
    assert!(
        refused > 0 && refused < worst(&told, 1),
        "{:?}",
        told.get(&4)
    );
    // It grants nothing.
    assert!(worst(&told, 5) < severity("medium"), "{:?}", told.get(&5));
}

/// EC2 API, `LaunchPermissionModifications`: an image is shared with accounts, with all, with
/// organizations and units.
#[test]
fn sharing_with_an_organization_is_sharing() {
    let told = told("25-shared-with-organization/trail.json");
    for number in [1, 2, 4, 5] {
        assert!(
            worst(&told, number) >= severity("high"),
            "{number}: {:?}",
            told.get(&number)
        );
    }
    assert!(worst(&told, 3) <= severity("low"), "{:?}", told.get(&3));
}

/// EC2 API, `IpPermission`: -1 is all protocols, from and to are a range of TCP or UDP ports; other
/// protocols have none.
#[test]
fn a_port_is_a_number_and_a_block_is_a_range() {
    let told = told("26-port-ranges-and-protocols/trail.json");
    let administration = |number: u32| {
        told.get(&number)
            .into_iter()
            .flatten()
            .any(|(t, _)| t.contains("port for administration"))
    };
    for (number, right) in [
        (1, true),
        (2, true),
        (3, true),
        (4, false),
        (5, true),
        (6, true),
        (7, false),
        (8, true),
        (9, true),
        (10, true),
        (11, true),
        (12, true),
        (13, false),
        (14, false),
        (15, false),
    ] {
        assert_eq!(
            administration(number),
            right,
            "{number}: {:?}",
            told.get(&number)
        );
    }
}

/// CloudTrail API, `AdvancedEventSelector`: an event is recorded if any selector fits; management
/// events only where one says so.
#[test]
fn what_selectors_leave_out_follows_from_all_of_them() {
    let told = told("29-advanced-selectors/trail.json");
    for number in [1, 2, 4, 6] {
        assert_eq!(
            worst(&told, number),
            severity("high"),
            "{number}: {:?}",
            told.get(&number)
        );
    }
    for number in [3, 5] {
        assert_eq!(
            worst(&told, number),
            severity("low"),
            "{number}: {:?}",
            told.get(&number)
        );
    }
    assert!(worst(&told, 7) >= severity("medium"), "{:?}", told.get(&7));
}
