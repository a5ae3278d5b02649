//! Every record that was read is judged, or counted as not judged: a finding does not depend on the
//! form in which a record was exported.
//!
//! Every field of every event that a built-in rule matches is written in other forms: times, text
//! for structures and numbers, capitals, suffixes, whitespace, empty codes. There is no third
//! outcome.

use bartizan_detect::{
    Evaluator, FirstSeenMemory, Networks, RuleFile, RuleKind, Rules, ScanPlan, Scanner, Totals,
    builtin_files,
};
use bartizan_model::Finding;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::rules::fixture;

/// A way to write the same in another form.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// The time of the event, in one of [`times`].
    Time(usize),
    /// A structure as JSON in a text.
    Text,
    /// A structure as Athena prints it.
    Row,
    /// The name in lower case.
    LowerName,
    /// The name as `snake_case`.
    SnakeName,
    /// The name in capitals.
    UpperName,
    /// The service in another partition, without suffix, or in capitals.
    Suffix(usize),
    /// A number or truth value for a text, or the other way round.
    Swapped,
    /// Whitespace around a text.
    Blanks,
    /// `errorCode` and `errorMessage` that say nothing.
    Empty,
    Null,
}

const FORMS: [Form; 24] = [
    Form::Time(0),
    Form::Time(1),
    Form::Time(2),
    Form::Time(3),
    Form::Time(4),
    Form::Time(5),
    Form::Time(6),
    Form::Time(7),
    Form::Time(8),
    Form::Time(9),
    Form::Time(10),
    Form::Text,
    Form::Row,
    Form::LowerName,
    Form::SnakeName,
    Form::UpperName,
    Form::Suffix(0),
    Form::Suffix(1),
    Form::Suffix(2),
    Form::Suffix(3),
    Form::Swapped,
    Form::Blanks,
    Form::Empty,
    Form::Null,
];

/// A time of CloudTrail in other forms; the last ones are no times.
fn times(time: &str) -> [Value; 11] {
    // One that was changed before stays as it is.
    let Ok(at) = time.parse::<jiff::Timestamp>() else {
        return std::array::from_fn(|_| json!(time));
    };
    let (date, clock) = time.trim_end_matches('Z').split_once('T').unwrap();
    [
        json!(format!("{date} {clock}.000000000")),
        json!(format!("{date} {clock}.000 UTC")),
        json!(format!("{date}t{clock}z")),
        json!(format!(" {time} ")),
        json!(at.as_second()),
        json!(at.as_millisecond()),
        json!(at.as_second().to_string()),
        json!(at.as_second() as f64),
        json!(format!("{date}T{clock}+00:00")),
        json!("not a time"),
        Value::Null,
    ]
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (n, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase()
            && n > 0
            && !out.ends_with('_')
            && name.as_bytes()[n - 1].is_ascii_lowercase()
        {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// A structure as Athena prints it.
fn row(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            format!(
                "{{{}}}",
                fields
                    .iter()
                    .map(|(k, v)| format!("{}={}", k.to_lowercase(), row(v)))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        }
        Value::Array(list) => format!("[{}]", list.iter().map(row).collect::<Vec<_>>().join(", ")),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// All members of an event, as paths of names; elements of lists have numbers.
fn paths(value: &Value, above: &[String], all: &mut Vec<Vec<String>>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(n, v)| (n.to_string(), v))
            .collect(),
        _ => return,
    };
    for (name, value) in members {
        let path = [above, &[name]].concat();
        paths(value, &path, all);
        all.push(path);
    }
}

/// Gives a member another name, in its place. False: that name is taken, or the same.
fn rename(fields: &mut Map<String, Value>, name: &str, new: String) -> bool {
    if new == name || fields.contains_key(&new) {
        return false;
    }
    let renamed = std::mem::take(fields)
        .into_iter()
        .map(|(k, v)| if k == name { (new.clone(), v) } else { (k, v) });
    *fields = renamed.collect();
    true
}

/// Writes the member at a path in another form. False: it has no such form.
fn write(event: &mut Value, path: &[String], form: Form) -> bool {
    let (name, above) = path.split_last().unwrap();
    let depth = path.len();
    let mut holder = event;
    for step in above {
        holder = match holder {
            Value::Object(fields) => &mut fields[step.as_str()],
            Value::Array(list) => &mut list[step.parse::<usize>().unwrap()],
            _ => return false,
        };
    }
    if let (Form::LowerName | Form::SnakeName | Form::UpperName, Value::Object(fields)) =
        (form, &mut *holder)
    {
        let new = match form {
            Form::LowerName => name.to_lowercase(),
            Form::SnakeName => snake(name),
            _ => name.to_uppercase(),
        };
        return rename(fields, name, new);
    }
    let value = match holder {
        Value::Object(fields) => &mut fields[name.as_str()],
        Value::Array(list) => &mut list[name.parse::<usize>().unwrap()],
        _ => return false,
    };
    let identity = above.first().is_some_and(|a| a == "userIdentity");
    let new = match (form, &*value) {
        (Form::Time(n), Value::String(time)) if depth == 1 && name == "eventTime" => {
            times(time)[n].clone()
        }
        // Structures that CloudTrail has; what is below a request is the service's.
        (Form::Text, Value::Object(_) | Value::Array(_)) if depth == 1 || identity => {
            json!(value.to_string())
        }
        (Form::Row, Value::Object(_)) if depth == 1 && name == "userIdentity" => json!(row(value)),
        (Form::Suffix(n), Value::String(source)) if depth == 1 && name == "eventSource" => {
            let bare = source.trim_end_matches(".amazonaws.com");
            json!(
                [
                    bare.to_owned(),
                    // Once: no partition has a suffix twice.
                    format!("{}.cn", source.trim_end_matches(".cn")),
                    source.to_uppercase(),
                    format!("{bare}.amazonaws.eu")
                ][n]
            )
        }
        (Form::Swapped, Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Ok(other @ (Value::Number(_) | Value::Bool(_)))
                if format!("{other}").as_str() == text.as_str() =>
            {
                other
            }
            _ => return false,
        },
        (Form::Swapped, Value::Number(_) | Value::Bool(_)) => json!(value.to_string()),
        (Form::Blanks, Value::String(text)) if !text.is_empty() => json!(format!(" {text}\t ")),
        _ => return false,
    };
    *value = new;
    true
}

/// Adds what says that nothing went wrong. False: it went wrong.
fn empty(event: &mut Value, form: Form) -> bool {
    let said = match form {
        Form::Empty => json!(""),
        Form::Null => Value::Null,
        _ => return false,
    };
    let quiet = event.get("errorCode").is_none() && event.get("errorMessage").is_none();
    if quiet {
        event["errorCode"] = said.clone();
        event["errorMessage"] = said;
    }
    quiet
}

struct Tried {
    file: String,
    rule: String,
    plan: ScanPlan,
    /// Events of each case, and what is said of it.
    cases: Vec<(Vec<Value>, Told)>,
}

/// Title and severity of each finding.
type Told = Vec<(String, String)>;

fn judged(plan: &ScanPlan, events: &[Value]) -> (Vec<Finding>, Totals) {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let (mut judge, mut scanner) = (Evaluator::new(plan), Scanner::new(plan));
    judge.take("t", scanner.scan(&mut lines.join("\n").as_bytes()));
    judge.take_rest(scanner.finish());
    let verdicts = judge.finish(false, &|_| String::new());
    (verdicts.findings, verdicts.totals)
}

/// Answer of a rule to a case: title and severity.
fn said(findings: &[Finding], rule: &str) -> Vec<(String, String)> {
    let mut said: Vec<_> = findings
        .iter()
        .filter(|f| f.rule == rule)
        .map(|f| (f.title.clone(), f.severity.to_string()))
        .collect();
    said.sort();
    said.dedup();
    said
}

fn tried(file: &RuleFile) -> Tried {
    let places = std::fs::read(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/places.mmdb"),
    )
    .unwrap();
    let rule = Rules::load(std::slice::from_ref(file))
        .rules
        .iter()
        .rfind(|r| !matches!(r.kind, RuleKind::Part))
        .unwrap()
        .id
        .clone();
    // A policy that is written as no policy is has a finding of its own.
    let unreadable = builtin_files()
        .into_iter()
        .find(|f| f.name == UNREADABLE && f.name != file.name);
    let rules = Rules::load(
        &unreadable
            .into_iter()
            .chain([file.clone()])
            .collect::<Vec<_>>(),
    );
    let networks = Networks::builtin().with_database(places).unwrap();
    let plan = ScanPlan {
        rules,
        networks,
        memory: FirstSeenMemory::default(),
        tally: false,
        calls: None,
    };
    let fixture = fixture(&file.name);
    let matches = fixture.cases().into_iter().take(fixture.matches.len());
    let cases = matches
        .map(|events| {
            let said = said(&judged(&plan, &events).0, &rule);
            assert!(!said.is_empty(), "{}", file.name);
            (events, said)
        })
        .collect();
    Tried {
        file: file.name.clone(),
        rule,
        plan,
        cases,
    }
}

/// The rule about policies whose content is not known.
const UNREADABLE: &str = "blind/policy-left-out.yml";
const UNREADABLE_TITLE: &str = "A policy was set whose content the log does not have";

/// Whether the finding stays, or what was not judged is counted.
fn holds(tried: &Tried, events: &[Value], said_before: &[(String, String)]) -> bool {
    let (findings, totals) = judged(&tried.plan, events);
    let now = said(&findings, &tried.rule);
    let counted = totals.unjudged > 0 || totals.problems.keys().any(|p| p.loses_events());
    let unreadable = findings.iter().any(|f| f.title.contains(UNREADABLE_TITLE));
    counted || unreadable || said_before.iter().all(|one| now.contains(one))
}

/// Whether a change would make another policy of a policy, and not another form of the same: its
/// values and the names of its conditions are compared as they are.
fn is_grammar(path: &[String], form: Form) -> bool {
    let Some(at) = path.iter().position(|step| step == "Statement") else {
        return false;
    };
    let in_condition = path[at..].iter().any(|step| step == "Condition");
    matches!(form, Form::Blanks | Form::Swapped) || in_condition || path.len() > at + 3
}

/// Properties that all events share are tried on some rules each: they are the same in all.
const COMMON_ONE_IN: usize = 8;

/// Every single change of the first event that stands alone, of every rule.
#[test]
fn no_form_of_a_field_silences_a_rule() {
    let files = builtin_files();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let (mut failures, mut runs) = (Vec::new(), 0);
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(file) = files.get(number) else { break };
            let tried = tried(file);
            if let Some((events, said)) = tried.cases.iter().find(|(events, _)| events.len() == 1) {
                let mut all = Vec::new();
                paths(&events[0], &[], &mut all);
                all.push(vec!["errorCode".to_owned()]);
                for (turn, (path, form)) in all
                    .iter()
                    .flat_map(|path| FORMS.map(|form| (path, form)))
                    .enumerate()
                {
                    let own = [
                        "requestParameters",
                        "responseElements",
                        "additionalEventData",
                        "resources",
                    ]
                    .contains(&path[0].as_str());
                    if !own && !(turn + number).is_multiple_of(COMMON_ONE_IN) {
                        continue;
                    }
                    let mut event = events[0].clone();
                    let is_empty = matches!(form, Form::Empty | Form::Null);
                    let absent = path[0] == "errorCode" && event.get("errorCode").is_none();
                    let changed = if is_empty {
                        path[0] == "errorCode" && empty(&mut event, form)
                    } else {
                        !absent && write(&mut event, path, form)
                    };
                    if !changed || is_grammar(path, form) {
                        continue;
                    }
                    runs += 1;
                    if !holds(&tried, std::slice::from_ref(&event), said) {
                        failures.push(format!("{} {form:?} {}", tried.file, path.join(".")));
                    }
                }
            }
        }
        (failures, runs)
    };
    let (failures, runs) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).fold(
            (Vec::new(), 0),
            |(mut all, n), (some, m)| {
                all.extend(some);
                (all, n + m)
            },
        )
    });
    println!("{runs} forms of events tried");
    assert!(runs > 1000);
    assert!(
        failures.is_empty(),
        "{} of {runs}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Several changes at once, of one event or of all, of every kind of rule.
    #[test]
    fn no_forms_together_silence_a_rule(
        pick in any::<prop::sample::Index>(), case in any::<prop::sample::Index>(), which in any::<prop::sample::Index>(), all_of_them: bool,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0..FORMS.len()), 1..8),
    ) {
        let files = builtin_files();
        let tried = tried(pick.get(&files));
        let (events, said) = case.get(&tried.cases);
        let only = which.index(events.len());
        let mut events = events.clone();
        for (n, event) in events.iter_mut().enumerate().filter(|(n, _)| all_of_them || *n == only) {
            let mut all = Vec::new();
            paths(event, &[], &mut all);
            // Inner ones first: what is written as text has no members any more.
            let mut wanted: Vec<_> = changes.iter().map(|(path, form)| (path.get(&all).clone(), FORMS[*form])).collect();
            wanted.sort_by_key(|(path, form)| (std::cmp::Reverse(path.len()), matches!(form, Form::Text | Form::Row | Form::LowerName | Form::SnakeName | Form::UpperName)));
            for (path, form) in wanted.into_iter().filter(|(path, form)| !is_grammar(path, *form)) {
                if path.iter().try_fold(&*event, |v, step| match v {
                    Value::Object(fields) => fields.get(step),
                    Value::Array(list) => list.get(step.parse::<usize>().ok()?),
                    _ => None,
                }).is_some() {
                    write(event, &path, form);
                }
                empty(event, form);
            }
            let _ = n;
        }
        prop_assert!(holds(&tried, &events, said), "{} {}", tried.file, Value::Array(events));
    }
}
