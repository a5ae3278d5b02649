//! Properties of the canonical form: what AWS ignores keeps it, any change of grant alters it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails should panic, and says what it saw"
)]

use bartizan_iam::{PolicyType, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

fn canonical(policy: &Value) -> String {
    parse(&policy.to_string())
        .unwrap()
        .canonical(PolicyType::Resource)
}

fn texts(pool: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(pool, 1..=pool.len())
        .prop_map(|v| v.into_iter().map(str::to_owned).collect())
}

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:Put*",
    "iam:PassRole",
    "*",
    "ec2:RunInstances",
];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::Bucket/*",
    "arn:aws:s3:::bucket/*",
    "arn:aws:iam::123456789012:role/X",
];
const PRINCIPALS: &[&str] = &[
    "123456789012",
    "210987654321",
    "arn:aws:iam::123456789012:user/bob",
    "*",
];
const OPERATORS: &[&str] = &["StringEquals", "Bool", "ForAnyValue:StringLike"];
const KEYS: &[&str] = &[
    "aws:SourceVpc",
    "aws:MultiFactorAuthPresent",
    "aws:ResourceTag/Team",
];
const VALUES: &[&str] = &["true", "Vpc-1", "vpc-1", "7"];

fn statement() -> impl Strategy<Value = Value> {
    let condition = (0..OPERATORS.len(), 0..KEYS.len(), texts(VALUES));
    (
        (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        (texts(ACTIONS), texts(RESOURCES), texts(PRINCIPALS)),
        proptest::option::of(condition),
    )
        .prop_map(
            |(
                (allow, not_action, not_resource, not_principal),
                (actions, resources, principals),
                condition,
            )| {
                let mut s = json!({
                    "Effect": if allow { "Allow" } else { "Deny" },
                    (if not_action { "NotAction" } else { "Action" }): actions,
                    (if not_resource { "NotResource" } else { "Resource" }): resources,
                    (if not_principal { "NotPrincipal" } else { "Principal" }): {"AWS": principals},
                });
                if let Some((operator, key, values)) = condition {
                    s["Condition"] = json!({OPERATORS[operator]: {KEYS[key]: values}});
                }
                s
            },
        )
}

fn policy() -> impl Strategy<Value = Value> {
    proptest::collection::vec(statement(), 1..4)
        .prop_map(|s| json!({"Version": "2012-10-17", "Statement": s}))
}

/// Rewrites a policy in every way that AWS ignores, steered by `seed`.
fn disguise(value: &Value, path: &str, seed: &mut u64) -> Value {
    fn coin(seed: &mut u64) -> bool {
        *seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (*seed >> 40) & 1 == 1
    }
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> =
                map.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            if coin(seed) {
                entries.reverse();
            }
            let condition = path.ends_with("/Condition") || path.contains("/Condition/");
            let mut out = serde_json::Map::new();
            for (k, v) in entries {
                let flip = condition && coin(seed);
                let v = disguise(&v, &format!("{path}/{k}"), seed);
                out.insert(if flip { k.to_uppercase() } else { k }, v);
            }
            if path == "/Statement" {
                out.insert("Sid".into(), json!(seed.to_string()));
            }
            Value::Object(out)
        }
        Value::Array(list) => {
            let mut list: Vec<Value> = list.clone();
            if coin(seed) {
                list.reverse();
            }
            if coin(seed) {
                list.push(list[0].clone());
            }
            let one = list.len() == 1 && coin(seed);
            let list: Vec<Value> = list.iter().map(|v| disguise(v, path, seed)).collect();
            if one {
                list[0].clone()
            } else {
                Value::Array(list)
            }
        }
        Value::String(s) if path.ends_with("Action") && coin(seed) => json!(s.to_uppercase()),
        Value::String(s) if path.ends_with("/AWS") && s == "123456789012" && coin(seed) => {
            json!("arn:aws:iam::123456789012:root")
        }
        Value::String(s) if path.contains("/Condition/") && s == "true" && coin(seed) => {
            json!(true)
        }
        Value::String(s) if path.contains("/Condition/") && s == "7" && coin(seed) => json!(7),
        other => other.clone(),
    }
}

/// Every policy that differs from this one by a single grant.
fn known_accounts(policy: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    for i in 0..policy["Statement"].as_array().unwrap().len() {
        let mut change = |f: &dyn Fn(&mut Value)| {
            let mut p = policy.clone();
            f(&mut p["Statement"][i]);
            out.push(p);
        };
        change(&|s| {
            s["Effect"] = json!(if s["Effect"] == "Allow" {
                "Deny"
            } else {
                "Allow"
            })
        });
        for (plain, not, extra) in [
            ("Action", "NotAction", "new:Action"),
            ("Resource", "NotResource", "arn:new"),
            ("Principal", "NotPrincipal", "999999999999"),
        ] {
            change(&|s| {
                let map = s.as_object_mut().unwrap();
                let (from, to) = if map.contains_key(plain) {
                    (plain, not)
                } else {
                    (not, plain)
                };
                let v = map.remove(from).unwrap();
                map.insert(to.into(), v);
            });
            change(&|s| {
                let name = if s.get(plain).is_some() { plain } else { not };
                let list = if plain == "Principal" {
                    &mut s[name]["AWS"]
                } else {
                    &mut s[name]
                };
                list.as_array_mut().unwrap().push(json!(extra));
            });
            change(&|s| {
                let name = if s.get(plain).is_some() { plain } else { not };
                let list = if plain == "Principal" {
                    &mut s[name]["AWS"]
                } else {
                    &mut s[name]
                };
                list.as_array_mut().unwrap().remove(0);
            });
        }
        change(&|s| {
            let map = s.as_object_mut().unwrap();
            if map.remove("Condition").is_none() {
                map.insert(
                    "Condition".into(),
                    json!({"Bool": {"aws:SecureTransport": "true"}}),
                );
            }
        });
        change(&|s| {
            if let Some(operators) = s.get_mut("Condition").and_then(Value::as_object_mut) {
                let keys = operators
                    .values_mut()
                    .next()
                    .unwrap()
                    .as_object_mut()
                    .unwrap();
                keys.values_mut()
                    .next()
                    .unwrap()
                    .as_array_mut()
                    .unwrap()
                    .push(json!("another"));
            } else {
                s["NewElement"] = json!("x");
            }
        });
    }
    let mut version = policy.clone();
    version.as_object_mut().unwrap().remove("Version");
    out.push(version);
    out
}

/// Whether two policies say the same before any disguise: random policies can hold a statement
/// twice.
fn trivially_same(a: &Value, b: &Value) -> bool {
    let set = |p: &Value| {
        let mut s: Vec<String> = p["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string)
            .collect();
        s.sort();
        s.dedup();
        (p.get("Version").cloned(), s)
    };
    set(a) == set(b)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_aws_ignores_keeps_the_form(policy in policy(), mut seed in any::<u64>()) {
        let disguised = disguise(&policy, "", &mut seed);
        prop_assert_eq!(canonical(&policy), canonical(&disguised), "{}", disguised);
        let spaced = serde_json::to_string_pretty(&disguised).unwrap();
        prop_assert_eq!(canonical(&policy), parse(&spaced).unwrap().canonical(PolicyType::Resource));
    }

    #[test]
    fn any_change_of_grant_alters_the_form(policy in policy()) {
        let form = canonical(&policy);
        for neighbour in known_accounts(&policy) {
            if !trivially_same(&policy, &neighbour) {
                prop_assert_ne!(&form, &canonical(&neighbour), "{}", neighbour);
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }
}

#[test]
fn anyone_is_one_principal_in_a_resource_policy_and_two_in_a_trust_policy() {
    let star = parse(r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"a:b"}}"#).unwrap();
    let aws = parse(r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"a:b"}}"#)
        .unwrap();
    assert_eq!(
        star.canonical(PolicyType::Resource),
        aws.canonical(PolicyType::Resource)
    );
    assert_ne!(
        star.canonical(PolicyType::Trust),
        aws.canonical(PolicyType::Trust)
    );
}

#[test]
fn an_absent_version_is_the_old_one_and_never_the_new() {
    let form = |v: &str| {
        parse(&format!(r#"{{{v}"Statement":[]}}"#))
            .unwrap()
            .canonical(PolicyType::Identity)
    };
    assert_eq!(form(""), form(r#""Version":"2008-10-17","#));
    assert_ne!(form(""), form(r#""Version":"2012-10-17","#));
}
