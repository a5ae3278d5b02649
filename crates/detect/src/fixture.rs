//! Fixtures of rules in `NAME.json` next to `NAME.yml`: cases that must match, and near misses that
//! must not.
//!
//! A case is an event or a list of events in order of time. An event is a patch (RFC 7396) on
//! [`BASE`], so that it shows only what the rule is about. `at` is its time in seconds after the
//! base; `{"repeat": n, "step_s": s, "event": …}` stands for n events in which `{n}` is their
//! number.
//!
//! For a single-event rule two more near misses are generated: the same call denied must give a
//! lower finding, and the same call by an AWS service on its own behalf none.

use serde::Deserialize;
use serde_json::{Value, json};

use super::FirstSeenMemory;
use super::evaluator::Evaluator;
use super::load::{RuleFile, Rules};
use super::networks::Networks;
use super::rule::{AttemptPolicy, CallerFilter, Rule, RuleKind};
use super::scan::Scanner;
use super::scan_plan::ScanPlan;
use bartizan_model::Finding;
use bartizan_model::time_text;
use bartizan_trail::parse_time;

/// Event that all fixtures patch. Addresses are from RFC 5737, accounts from the AWS documentation.
const BASE: &str = r#"{
    "eventVersion": "1.09",
    "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLEALICE00001", "arn": "arn:aws:iam::111122223333:user/alice",
        "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLEALICE0001", "userName": "alice"},
    "eventTime": "2026-03-11T02:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "awsRegion": "us-east-1",
    "sourceIPAddress": "198.51.100.23", "userAgent": "aws-cli/2.15.30 Python/3.11.8 Linux/6.1 exe/x86_64",
    "requestParameters": null, "responseElements": null, "requestID": "EXAMPLE", "eventID": "", "readOnly": false,
    "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333", "eventCategory": "Management"
}"#;

/// Geolocation of the documentation networks, for rules that need it.
const PLACES: &[u8] = include_bytes!("../../../rules/places.mmdb");

/// Cases of one rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// Each must give a finding.
    #[serde(rename = "match")]
    pub matches: Vec<Value>,
    /// None may give a finding.
    #[serde(rename = "miss")]
    pub misses: Vec<Value>,
}

/// Failures of variations of a matching case: the call denied, and the call made by an AWS service
/// for itself.
fn variations(
    rule: &Rule,
    found: &dyn Fn(&Value, &Value) -> Vec<Finding>,
    case: &Value,
    findings: &[Finding],
    number: usize,
) -> Vec<String> {
    let mut failures = Vec::new();
    if rule.attempts == AttemptPolicy::Lower {
        let refused = found(case, &json!({"errorCode": "AccessDenied"}));
        let lesser = |a: &Finding| {
            findings.iter().all(|f| {
                a.id != f.id
                    && (a.severity < f.severity || f.severity <= bartizan_model::Severity::Low)
            })
        };
        if refused.is_empty() || !refused.iter().all(lesser) {
            failures.push(format!(
                "match {} refused is not a lesser finding of its own",
                number
            ));
        }
    }
    if rule.callers == CallerFilter::Principals
        && !found(
            case,
            &json!({
                "userIdentity": {
                    "type": "AWSService",
                    "invokedBy": "autoscaling.amazonaws.com",
                },
            }),
        )
        .is_empty()
    {
        failures.push(format!(
            "match {} by an AWS service for itself gives a finding",
            number
        ));
    }
    failures
}

impl Fixture {
    /// Runs the file's rule over its cases and returns the failures.
    pub fn check(&self, file: &RuleFile) -> Vec<String> {
        let rules = Rules::load(std::slice::from_ref(file));
        if let Some(problem) = rules.problems.first() {
            return vec![problem.text.clone()];
        }
        let Some(rule) = rules
            .rules
            .iter()
            .rfind(|r| !matches!(r.kind, RuleKind::Part))
            .cloned()
        else {
            return vec!["no rule in it".to_owned()];
        };
        let networks = match Networks::builtin().with_database(PLACES.to_vec()) {
            Ok(networks) => networks,
            Err(e) => return vec![e],
        };
        let plan = ScanPlan {
            rules,
            networks,
            memory: FirstSeenMemory::default(),
            tally: false,
            calls: None,
        };
        let mut failures = Vec::new();
        let found = |case: &Value, patch: &Value| -> Vec<Finding> {
            run(&plan, &events(case, patch))
                .into_iter()
                .filter(|f| f.rule == rule.id)
                .collect()
        };
        for (n, case) in self.matches.iter().enumerate() {
            let findings = found(case, &Value::Null);
            if findings.is_empty() {
                failures.push(format!("match {} gives no finding", n + 1));
            }
            if !matches!(rule.kind, RuleKind::Single) {
                continue;
            }
            failures.extend(variations(&rule, &found, case, &findings, n + 1));
        }
        for (n, case) in self.misses.iter().enumerate() {
            if let Some(finding) = found(case, &Value::Null).first() {
                failures.push(format!(
                    "near miss {} gives a finding: {}",
                    n + 1,
                    finding.summary
                ));
            }
        }
        if self.matches.len() < 2 || self.misses.len() < 2 {
            failures.push("fewer than two matches and two near misses".to_owned());
        }
        failures
    }

    /// API calls that the rule matches in its fixture, as `service:Call`.
    pub fn fired(&self, file: &RuleFile) -> Vec<String> {
        let rules = Rules::load(std::slice::from_ref(file));
        let Some(id) = rules
            .rules
            .iter()
            .rfind(|r| !matches!(r.kind, RuleKind::Part))
            .map(|r| r.id.clone())
        else {
            return Vec::new();
        };
        let Ok(networks) = Networks::builtin().with_database(PLACES.to_vec()) else {
            return Vec::new();
        };
        let plan = ScanPlan {
            rules,
            networks,
            memory: FirstSeenMemory::default(),
            tally: false,
            calls: None,
        };
        let findings = self
            .matches
            .iter()
            .flat_map(|case| run(&plan, &events(case, &Value::Null)));
        findings
            .filter(|f| f.rule == id)
            .flat_map(|f| f.calls)
            .map(|c| c.call)
            .collect()
    }

    /// All cases as lists of full records, matches first.
    pub fn cases(&self) -> Vec<Vec<Value>> {
        self.matches
            .iter()
            .chain(&self.misses)
            .map(|case| events(case, &Value::Null))
            .collect()
    }
}

/// Findings for some events.
fn run(plan: &ScanPlan, events: &[Value]) -> Vec<Finding> {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let mut judge = Evaluator::new(plan);
    let mut scanner = Scanner::new(plan);
    judge.take("fixture", scanner.scan(&mut lines.join("\n").as_bytes()));
    judge.take_rest(scanner.finish());
    judge.finish(false, &|_| String::new()).findings
}

fn events(case: &Value, patch: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    expand(case, &mut out);
    for event in &mut out {
        merge(event, patch);
    }
    for (n, event) in out.iter_mut().enumerate() {
        event["eventID"] = json!(format!("00000000-0000-4000-8000-{n:012}"));
    }
    out
}

fn expand(case: &Value, out: &mut Vec<Value>) {
    if let Some(list) = case.as_array() {
        list.iter().for_each(|one| expand(one, out));
        return;
    }
    let Some(times) = case["repeat"].as_u64() else {
        return out.push(event(case, 0.0, None));
    };
    for n in 0..times {
        let after = case["step_s"].as_f64().unwrap_or(0.0) * n as f64;
        out.push(event(&case["event"], after, Some(n)));
    }
}

fn event(patch: &Value, after_s: f64, number: Option<u64>) -> Value {
    let mut event: Value = serde_json::from_str(BASE).unwrap_or_default();
    merge(&mut event, patch);
    let at = patch["at"].as_f64().unwrap_or(0.0) + after_s;
    if let Some(fields) = event.as_object_mut() {
        fields.shift_remove("at");
    }
    let base = parse_time(b"2026-03-11T02:00:00Z").unwrap_or_default();
    event["eventTime"] = json!(time_text(base + at as i64));
    if let Some(number) = number {
        fill(&mut event, &number.to_string());
    }
    event
}

/// Replaces `{n}` by the number of a repeated event.
fn fill(value: &mut Value, number: &str) {
    match value {
        Value::String(text) if text.contains("{n}") => *text = text.replace("{n}", number),
        Value::Array(list) => list.iter_mut().for_each(|v| fill(v, number)),
        Value::Object(map) => map.values_mut().for_each(|v| fill(v, number)),
        _ => {}
    }
}

/// JSON Merge Patch (RFC 7396), except that a null at the top is not a patch.
fn merge(value: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    for (name, change) in patch {
        let Some(fields) = value.as_object_mut() else {
            return;
        };
        match change {
            Value::Null => {
                fields.shift_remove(name);
            }
            Value::Object(_) => merge(fields.entry(name).or_insert(Value::Null), change),
            other => {
                fields.insert(name.clone(), other.clone());
            }
        }
    }
}
