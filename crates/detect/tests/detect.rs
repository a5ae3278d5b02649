//! Findings depend on the events, and on nothing else: not on their order, their files,
//! threads or routes.

use bartizan_detect::{
    AttemptPolicy, CallerFilter, DetectionResult, Evaluator, EventView, FirstSeenMemory, Networks,
    RuleFile, Rules, ScanPlan, Scanner, builtin_files, matching,
};
use bartizan_model::{Finding, Severity};
use bartizan_trail::{CallerIdentity, CallerType, TrailItem, TrailReader};
use rsigma_eval::{JsonEvent, evaluate_rule};
use serde_json::{Value, json};

use crate::common::{gzip, shared};
use crate::rules::fixture;

fn plan(files: &[RuleFile]) -> ScanPlan {
    ScanPlan {
        rules: Rules::load(files),
        networks: Networks::builtin(),
        memory: FirstSeenMemory::default(),
        tally: false,
        calls: None,
    }
}

fn yaml(text: &str) -> RuleFile {
    RuleFile {
        name: "test.yml".to_owned(),
        text: text.to_owned(),
        builtin: false,
    }
}

fn judge(plan: &ScanPlan, objects: &[Vec<u8>]) -> DetectionResult {
    let mut judge = Evaluator::new(plan);
    // Two scanners in turns, as two threads would have it.
    let mut scanners = [Scanner::new(plan), Scanner::new(plan)];
    for (n, object) in objects.iter().enumerate() {
        let spare = judge.take("object", scanners[n % 2].scan(&mut object.as_slice()));
        scanners[n % 2].reuse(spare);
    }
    scanners
        .into_iter()
        .for_each(|mut s| judge.take_rest(s.finish()));
    judge.finish(false, &|id| id.to_owned())
}

fn findings(plan: &ScanPlan, objects: &[Vec<u8>]) -> Vec<Finding> {
    judge(plan, objects).findings
}

fn records(events: &[Value]) -> Vec<u8> {
    json!({"Records": events}).to_string().into_bytes()
}

/// Events of all fixtures that are not long bursts, each with an id of its own, and real ones where
/// they are.
fn many_events() -> Vec<Value> {
    let mut events = Vec::new();
    for (n, file) in builtin_files().iter().enumerate() {
        for case in fixture(&file.name)
            .cases()
            .into_iter()
            .filter(|c| c.len() <= 60)
        {
            // Each file has a user of its own, so that cases do not disturb each other's groups too
            // much.
            events.extend(case.into_iter().map(|mut event| {
                if event["userIdentity"]["userName"] == "alice" {
                    event["userIdentity"]["arn"] =
                        json!(format!("arn:aws:iam::111122223333:user/alice{}", n % 40));
                }
                event
            }));
        }
    }
    for (n, event) in events.iter_mut().enumerate() {
        event["eventID"] = json!(format!("10000000-0000-4000-8000-{n:012}"));
    }
    events
}

fn real_events() -> Option<Vec<Value>> {
    let mut events = Vec::new();
    for folder in ["invictus", "stratus"] {
        for file in std::fs::read_dir(shared(&format!("data/cloudtrail/{folder}"))?).unwrap() {
            let value: Value =
                serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
            events.extend(
                value["Records"]
                    .as_array()
                    .or(value.as_array())
                    .unwrap()
                    .iter()
                    .cloned(),
            );
        }
    }
    Some(events)
}

/// Cached results of one event hold for those that repeat it: a trail full of repeats
/// gives what it gives when each event meets a scanner that knows nothing.
#[test]
fn what_repeats_is_judged_as_if_it_were_new() {
    let addresses = [
        "203.0.113.9",
        "18.236.253.47",
        "10.1.2.3",
        "2600:1f18::1",
        "ec2.amazonaws.com",
    ];
    let mut events = Vec::new();
    for round in 0..5usize {
        for (n, event) in many_events()
            .into_iter()
            .chain(real_events().unwrap_or_default())
            .enumerate()
        {
            let mut event = event;
            let time: jiff::Timestamp = event["eventTime"].as_str().unwrap().parse().unwrap();
            event["eventTime"] = json!(bartizan_model::time_text(
                time.as_second() + 90 * round as i64
            ));
            event["eventID"] = json!(format!("3000000{round}-0000-4000-8000-{n:012}"));
            event["requestID"] = json!(format!("4000000{round}-0000-4000-8000-{n:012}"));
            // Some come from elsewhere, and from another address kind.
            if (n + round) % 3 == 0 {
                event["sourceIPAddress"] = json!(addresses[(n / 3 + round) % addresses.len()]);
            }
            events.push(event);
        }
    }
    let plan = plan(&builtin_files());
    let repeated = findings(&plan, &events.chunks(997).map(records).collect::<Vec<_>>());
    let mut judge = Evaluator::new(&plan);
    for event in &events {
        let mut scanner = Scanner::new(&plan);
        judge.take(
            "object",
            scanner.scan(&mut records(std::slice::from_ref(event)).as_slice()),
        );
        judge.take_rest(scanner.finish());
    }
    let new = judge.finish(false, &|id| id.to_owned()).findings;
    assert!(new.len() > 100, "{} findings", new.len());
    for (a, b) in repeated.iter().zip(&new) {
        assert_eq!(a, b);
    }
    assert_eq!(repeated.len(), new.len());
}

/// A scanner forgets combinations when there are too many. When their keys were seen last is
/// remembered all the same.
#[test]
fn last_times_outlive_what_a_scanner_forgets() {
    let plan = plan(&builtin_files());
    let who = json!({
        "type": "IAMUser",
        "arn": "arn:aws:iam::111122223333:user/a",
        "userName": "a",
        "accountId": "111122223333",
        "accessKeyId": "AKIAA",
    });
    let more = |n: usize| {
        json!({
            "awsRegion": "us-east-1",
            "sourceIPAddress": "203.0.113.9",
            "userAgent": format!("agent/{n}"),
            "userIdentity": who,
        })
    };
    let agent =
        |n: usize, time_s: i64| event(["GetBucketAcl", "ListBuckets"][n.min(1)], time_s, more(n));
    let mut events: Vec<Value> = (0..4).map(|n| agent(0, n * 60)).collect();
    events.extend((1..17_000).map(|n| agent(n, 300)));
    events.push(agent(0, 20 * 86_400));
    for (n, event) in events.iter_mut().enumerate() {
        event["eventID"] = json!(format!("50000000-0000-4000-8000-{n:012}"));
    }
    let (before, last) = events.split_at(events.len() - 1);
    let objects = [records(before), records(last)];
    let memory = |scanners: usize| {
        let mut judge = Evaluator::new(&plan);
        let mut scanners: Vec<Scanner<'_>> = (0..scanners).map(|_| Scanner::new(&plan)).collect();
        for (n, object) in objects.iter().enumerate() {
            let of = n % scanners.len();
            judge.take("object", scanners[of].scan(&mut object.as_slice()));
        }
        scanners
            .into_iter()
            .for_each(|mut s| judge.take_rest(s.finish()));
        judge.finish(true, &|id| id.to_owned()).memory.to_bytes()
    };
    // The second scanner has nothing to forget.
    assert!(memory(2).len() > 32, "nothing is remembered");
    assert_eq!(memory(1), memory(2));
}

/// A trail of many hours, delivered in small objects by time: with little room, windows are judged
/// and forgotten on the way.
#[test]
fn room_for_windows_changes_nothing_that_is_found() {
    let mut events = Vec::new();
    for round in 0..3 {
        for (n, event) in many_events().into_iter().enumerate() {
            let mut event = event;
            // Fixtures stand minutes apart; rounds of them, days.
            let time: jiff::Timestamp = event["eventTime"].as_str().unwrap().parse().unwrap();
            event["eventTime"] = json!(bartizan_model::time_text(
                time.as_second() + round * 5 * 86_400
            ));
            event["eventID"] = json!(format!("2000000{round}-0000-4000-8000-{n:012}"));
            events.push(event);
        }
    }
    events.sort_by_key(|e| e["eventTime"].as_str().unwrap().to_owned());
    let objects: Vec<Vec<u8>> = events.chunks(25).map(records).collect();
    let plan = plan(&builtin_files());
    let run = |bytes_max| {
        let mut judge = Evaluator::new(&plan).with_window_bytes(bytes_max);
        let mut scanner = Scanner::new(&plan);
        for object in &objects {
            let spare = judge.take("object", scanner.scan(&mut object.as_slice()));
            scanner.reuse(spare);
        }
        judge.take_rest(scanner.finish());
        judge.finish(false, &|id| id.to_owned())
    };
    let (roomy, tight, starved) = (run(64 << 20), run(TIGHT_BYTES), run(8 << 10));
    assert_eq!(
        (roomy.totals.window_evicted, tight.totals.window_evicted),
        (0, 0)
    );
    assert!(
        starved.totals.window_evicted > 0,
        "the trail needs more room than that"
    );
    for (a, b) in roomy.findings.iter().zip(&tight.findings) {
        assert_eq!(a, b);
    }
    assert_eq!(roomy.findings.len(), tight.findings.len());

    // A part that comes days late is judged without the events evicted of its time: that is
    // reported.
    let mut judge = Evaluator::new(&plan).with_window_bytes(TIGHT_BYTES);
    let mut scanner = Scanner::new(&plan);
    for object in objects[1..].iter().chain(&objects[..1]) {
        judge.take("object", scanner.scan(&mut object.as_slice()));
    }
    let late = judge.finish(false, &|id| id.to_owned());
    assert_eq!((roomy.totals.window_late, tight.totals.window_late), (0, 0));
    assert!(late.totals.window_late > 0);
    assert!(late.findings.iter().any(|f| f.rule == "window-late"));
}

/// Room for far fewer events than the trail has for rules with windows, and yet for those of one
/// window.
const TIGHT_BYTES: usize = 768 << 10;

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 6, max_shrink_iters: 0, ..Default::default() })]
    #[test]
    fn order_files_and_duplicates_change_nothing(seed in proptest::prelude::any::<u64>(), cuts in 1..40usize, again in 0..20usize) {
        let mut events = many_events();
        events.extend(real_events().unwrap_or_default());
        let plan = plan(&builtin_files());
        let straight = findings(&plan, &[records(&events)]);
        proptest::prop_assert!(straight.len() > 100, "{} findings", straight.len());
        // A shuffle that the seed decides, then objects of uneven sizes, some of them delivered
        // twice.
        let mut state = seed | 1;
        let mut random = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; state as usize };
        for n in (1..events.len()).rev() {
            events.swap(n, random() % (n + 1));
        }
        let mut objects: Vec<Vec<u8>> = events.chunks(events.len() / cuts + 1).map(records).collect();
        for _ in 0..again {
            let copy = objects[random() % objects.len()].clone();
            let place = random() % objects.len();
            objects.insert(place, if random() % 2 == 0 { gzip(&copy) } else { copy });
        }
        let shuffled = findings(&plan, &objects);
        // The first difference alone, for there are hundreds of findings.
        let text = |f: Option<&Finding>| f.map(|f| serde_json::to_string_pretty(f).unwrap()).unwrap_or_default();
        for n in 0..straight.len().max(shuffled.len()) {
            proptest::prop_assert_eq!(text(straight.get(n)), text(shuffled.get(n)));
        }
    }
}

/// The answer of rsigma to every event and every detection, with nothing routed and nothing cached,
/// is what we say.
#[test]
fn routes_give_what_rsigma_gives() {
    let mut events = many_events();
    events.extend(real_events().unwrap_or_default());
    // Random events: fields of one with values of another.
    for n in 0..events.len() / 4 {
        let (mut a, b) = (
            events[n * 7 % events.len()].clone(),
            &events[(n * 13 + 5) % events.len()],
        );
        for field in [
            ["eventName", "errorCode"],
            ["userAgent", "requestParameters"],
            ["sourceIPAddress", "userIdentity"],
        ][n % 3]
        {
            a[field] = b[field].clone();
        }
        events.push(a);
    }
    let mut plan = plan(&builtin_files());
    plan.rules = Rules::load(&[builtin_files(), sigma_shapes()].concat());
    let bytes = records(&events);
    let routed = matching(&plan, &mut bytes.as_slice());
    assert_eq!(routed.len(), events.len());
    let (mut n, mut matches, mut compared) = (0, 0, 0);
    TrailReader::new().read(&mut bytes.as_slice(), &mut |item| {
        let TrailItem::Event(event) = item else {
            return;
        };
        let actor = std::sync::Arc::new(CallerIdentity::of_event(&event));
        let view = EventView::new(&event, &actor, &plan.networks);
        let failed = event.error().is_some();
        for (number, detection) in plan.rules.detections.iter().enumerate() {
            let skipped = detection.attempts == AttemptPolicy::Skip && failed;
            let other_caller = detection.callers == CallerFilter::Principals
                && actor.caller_of(&event) == CallerType::Service;
            let asked = !(detection.uses.is_empty() || skipped || other_caller);
            let plain = asked && evaluate_rule(&detection.compiled, &view).is_some();
            assert_eq!(
                routed[n].1.contains(&number),
                plain,
                "{} on {}",
                detection.compiled.title,
                events[n]
            );
            matches += usize::from(plain);
            // rsigma's own reading of the JSON too, for rules without fields of ours or texts of
            // objects. What an error is we say ourselves: a message without a code is one.
            let same_error = event.error().as_deref() == events[n]["errorCode"].as_str();
            if asked
                && same_error
                && small_keys(&events[n]["requestParameters"])
                && detection.compiled.title.starts_with("shape")
            {
                assert_eq!(
                    plain,
                    evaluate_rule(&detection.compiled, &JsonEvent::borrow(&events[n])).is_some(),
                    "{}",
                    events[n]
                );
                compared += 1;
            }
        }
        n += 1;
    });
    assert!(
        matches > 1000 && compared > 10_000,
        "{matches} matches, {compared} compared"
    );
}

/// Whether no key begins with a capital. Some services and exports write them so; our view finds
/// them whatever their case, rsigma does not.
fn small_keys(value: &Value) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .all(|(key, v)| !key.starts_with(|c: char| c.is_ascii_uppercase()) && small_keys(v)),
        Value::Array(list) => list.iter().all(small_keys),
        _ => true,
    }
}

/// Rules of every modifier, of the form that people write, which never mean an object.
fn sigma_shapes() -> Vec<RuleFile> {
    let selections = [
        "eventName: ConsoleLogin",
        "eventName|startswith: [Get, List]",
        "eventName|cased: consolelogin",
        "userAgent|contains|all: [aws, python]",
        "userAgent|re: '^aws-cli/[0-9.]+'",
        "userAgent|re|i: BOTO3",
        "sourceIPAddress|cidr: 192.168.0.0/16",
        "errorCode: null",
        "errorCode|exists: true",
        "errorCode|endswith: Denied",
        "readOnly: true",
        "requestParameters.maxResults|gte: 100",
        "requestParameters.instanceId|re: 'i-[0-9a-f]+'",
        "resources.ARN|contains: secret",
        "requestParameters.filterSet.items.valueSet.items.value|contains: '*'",
        "eventTime|hour: 12",
        "userIdentity.userName|fieldref: userIdentity.userName",
        "userIdentity.type|neq: IAMUser",
        "eventName: ['*Bucket*', 'De?cribeVpcs']",
    ];
    let rule = |n: usize, condition: &str, selection: &str| {
        yaml(&format!(
            "title: shape {n}\nid: shape-{n}\nlogsource: \
            {{product: aws, service: cloudtrail}}\ndetection:\n  selection:\n    {selection}\n  \
            filter:\n    eventSource: ec2.amazonaws.com\n  condition: {condition}\nlevel: low\n"
        ))
    };
    let plain = selections
        .iter()
        .enumerate()
        .map(|(n, s)| rule(n, "selection", s));
    let negated = selections
        .iter()
        .enumerate()
        .map(|(n, s)| rule(n + 100, "not selection and filter", s));
    let filtered = selections
        .iter()
        .enumerate()
        .map(|(n, s)| rule(n + 200, "selection and not filter", s));
    plain
        .chain(negated)
        .chain(filtered)
        .chain([
            rule(300, "1 of sel*", "eventName: X"),
            rule(301, "all of them", "eventName: DescribeVpcs"),
        ])
        .collect()
}

fn event(name: &str, time_s: i64, more: Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/a", "userName": "a"},
        "eventTime": bartizan_model::time_text(1_700_000_000 + time_s),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "recipientAccountId": "1",
        "eventID": format!("20000000-0000-4000-8000-{:06}{:06}", time_s, name.len()),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        event[key.as_str()] = value.clone();
    }
    event
}

fn correlation(kind: &str, rest: &str) -> ScanPlan {
    let base = |name: &str| {
        format!(
            "title: {name}\nname: {name}\nlogsource: \
            {{product: aws, service: cloudtrail}}\ndetection:\n  s: {{eventName: {name}}}\n  \
            condition: s\n---\n"
        )
    };
    let rules = if kind.starts_with("temporal") {
        "[A, B]"
    } else {
        "[A]"
    };
    plan(&[yaml(&format!(
        "{}{}title: C\nid: c\ncorrelation:\n  type: {kind}\n  rules: {rules}\n  group-by: \
        [userIdentity.userName]\n{rest}level: high\n",
        base("A"),
        base("B"),
    ))])
}

fn fires(plan: &ScanPlan, events: &[Value]) -> u64 {
    assert_eq!(plan.rules.problems, []);
    let found = findings(plan, &[records(events)]);
    let mut backwards = events.to_vec();
    backwards.reverse();
    assert_eq!(
        found,
        findings(plan, &[records(&backwards)]),
        "the order of arrival"
    );
    found
        .iter()
        .filter(|f| f.rule == "c")
        .map(|f| f.count)
        .sum()
}

/// The cases in which an engine that counts by order of arrival is wrong, among them.
#[test]
fn windows_lie_in_the_time_of_the_events() {
    let count = correlation("event_count", "  timespan: 60s\n  condition: {gte: 3}\n");
    let at = |times: &[i64]| {
        times
            .iter()
            .map(|t| event("A", *t, json!({})))
            .collect::<Vec<_>>()
    };
    for (times, wanted) in [
        (&[0, 30, 60][..], 3),
        (&[0, 30, 61], 0),
        (&[5000, 100, 900], 0),
        (&[5000, 5010, 100, 5020], 3),
        (&[0, 1000, 2000], 0),
        (&[0, 1, 2, 40, 62, 500], 5),
    ] {
        assert_eq!(fires(&count, &at(times)), wanted, "{times:?}");
    }
    let tumbling = correlation(
        "event_count",
        "  timespan: 60s\n  window: tumbling\n  condition: {gte: 3}\n",
    );
    assert_eq!(fires(&tumbling, &at(&[40, 41, 42])), 3);
    let session = correlation(
        "event_count",
        "  timespan: 600s\n  window: session\n  gap: 30s\n  condition: {gte: 3}\n",
    );
    assert_eq!(fires(&session, &at(&[0, 25, 50])), 3);
    assert_eq!(fires(&session, &at(&[0, 25, 60])), 0);

    let ordered = correlation("temporal_ordered", "  timespan: 60s\n");
    let steps =
        |pairs: &[(&str, i64)]| {
            pairs
            .iter()
            .map(|(n, t)| event(n, *t, json!({
                "eventID": format!("30000000-0000-4000-8000-{t:010}{:02}", n.as_bytes()[0]),
            })))
            .collect::<Vec<_>>()
        };
    assert_eq!(fires(&ordered, &steps(&[("A", 0), ("B", 60)])), 2);
    assert_eq!(fires(&ordered, &steps(&[("A", 10), ("B", 5000)])), 0);
    assert_eq!(fires(&ordered, &steps(&[("B", 0), ("A", 10)])), 0);
    assert_eq!(
        fires(&ordered, &steps(&[("A", 10), ("A", 500), ("B", 20)])),
        2
    );
    let together = correlation("temporal", "  timespan: 60s\n");
    assert_eq!(fires(&together, &steps(&[("B", 0), ("A", 10)])), 2);
    assert_eq!(fires(&together, &steps(&[("B", 0), ("A", 100)])), 0);
    let expression = correlation("temporal", "  timespan: 60s\n  condition: A and not B\n");
    assert_eq!(fires(&expression, &steps(&[("A", 0)])), 1);

    let bytes = |values: &[(i64, f64)]| {
        values
            .iter()
            .map(|(t, v)| {
                event(
                    "A",
                    *t,
                    json!({"additionalEventData": {"n": v, "k": v.to_string()}}),
                )
            })
            .collect::<Vec<_>>()
    };
    let sum = correlation(
        "value_sum",
        "  timespan: 60s\n  condition: {gte: 100, field: additionalEventData.n}\n",
    );
    assert_eq!(fires(&sum, &bytes(&[(0, 60.0), (30, 40.0)])), 2);
    assert_eq!(fires(&sum, &bytes(&[(0, 60.0), (61, 40.0)])), 0);
    let average = correlation(
        "value_avg",
        "  timespan: 60s\n  condition: {gt: 10, field: additionalEventData.n}\n",
    );
    assert_eq!(fires(&average, &bytes(&[(0, 5.0), (1, 14.0)])), 0);
    assert_eq!(fires(&average, &bytes(&[(0, 5.0), (100, 14.0)])), 1);
    let distinct = correlation(
        "value_count",
        "  timespan: 60s\n  condition: {gte: 3, field: additionalEventData.k}\n",
    );
    assert_eq!(
        fires(
            &distinct,
            &bytes(&[(0, 1.0), (1, 2.0), (2, 2.0), (50, 3.0)])
        ),
        3
    );
    assert_eq!(
        fires(&distinct, &bytes(&[(0, 1.0), (30, 2.0), (61, 3.0)])),
        0
    );
}

proptest::proptest! {
    /// Of distinct values only some events are remembered; whether the rule fires is what
    /// remembering all of them gives.
    #[test]
    fn thinning_never_changes_whether_a_rule_fires(events in proptest::collection::vec((0..400i64, 0..12u8), 1..80), wanted in 2..6usize) {
        let plan = correlation("value_count", &format!("  timespan: 60s\n  condition: \
        {{gte: {wanted}, field: additionalEventData.k}}\n"));
        let trail: Vec<_> = events.iter().enumerate().map(|(n, (t, v))| event("A", *t, json!({
            "eventID": format!("40000000-0000-4000-8000-{n:012}"),
            "additionalEventData": {"k": v.to_string()},
        }))).collect();
        let naive = events.iter().any(|(end, _)| {
            let inside: std::collections::BTreeSet<u8> = events.iter().filter(|(t, _)| (end - 60..=*end).contains(t)).map(|(_, v)| *v).collect();
            inside.len() >= wanted
        });
        proptest::prop_assert_eq!(fires(&plan, &trail) > 0, naive);
    }
}

/// More state than there is room for: the windows of a trail in its order are found all the same,
/// and evictions are counted.
#[test]
fn memory_is_bounded_and_what_is_given_up_is_counted() {
    let plan = correlation("event_count", "  timespan: 60s\n  condition: {gte: 50}\n");
    let mut objects = Vec::new();
    let mut id = 0u64;
    for hour in 0..60i64 {
        let burst = hour % 10 == 0;
        let events: Vec<Value> = (0..5000i64)
            .map(|n| {
                id += 1;
                let user = if burst && n < 60 {
                    "burst".to_owned()
                } else {
                    format!("u{}", n % 500)
                };
                let more = json!({
                    "eventID": format!("50000000-0000-4000-8000-{id:012}"),
                    "userIdentity": {
                        "type": "IAMUser",
                        "userName": user,
                        "arn": format!("arn:aws:iam::1:user/{user}"),
                    },
                });
                event(
                    "A",
                    hour * 7200 + if burst && n < 60 { n } else { n * 7200 / 5000 },
                    more,
                )
            })
            .collect();
        objects.push(records(&events));
    }
    let verdicts = judge(&plan, &objects);
    let bursts = verdicts
        .findings
        .iter()
        .filter(|f| f.rule == "c")
        .map(|f| f.count)
        .sum::<u64>();
    assert_eq!(bursts, 6 * 60, "{:?}", verdicts.totals);
    assert_eq!(verdicts.totals.window_evicted, 0);
}

#[test]
fn a_service_that_is_refused_ten_thousand_times_is_nothing() {
    let plan = plan(&builtin_files());
    let events: Vec<Value> = (0..10_000i64)
        .map(|n| {
            event("PutObject", n / 10, json!({
                "eventID": format!("60000000-0000-4000-8000-{n:012}"),
                "errorCode": "AccessDenied",
                "errorMessage": "Access Denied",
                "userIdentity": {"type": "AWSService", "invokedBy": "delivery.logs.amazonaws.com"},
                "sourceIPAddress": "delivery.logs.amazonaws.com",
                "userAgent": "delivery.logs.amazonaws.com",
                "awsRegion": "us-east-1",
                "readOnly": false,
                "eventType": "AwsApiCall",
                "requestParameters": {"bucketName": "logs", "key": format!("k{n}")},
            }))
        })
        .collect();
    let above_low: Vec<_> = findings(&plan, &[records(&events)])
        .into_iter()
        .filter(|f| f.severity > Severity::Low)
        .collect();
    assert_eq!(above_low, []);
}

#[test]
fn hostile_rules_are_refused_and_the_others_run() {
    let good = |id: &str| {
        format!(
            "title: good {id}\nid: {id}\nlogsource: \
            {{product: aws, service: cloudtrail}}\ndetection:\n  s: {{eventName: A}}\n  \
            condition: s\n"
        )
    };
    let bomb = format!(
        "a: &a [x,x,x,x,x,x,x,x,x]\n{}",
        (0..200)
            .map(|n| format!("b{n}: [*a,*a,*a,*a,*a,*a,*a,*a]\n"))
            .collect::<String>()
    );
    let huge = format!(
        "title: r\nlogsource: {{product: aws}}\ndetection:\n  s:\n    eventName|re: '{}'\n  \
        condition: s\n",
        "(a|b)*".repeat(5000)
    );
    let repeat = "title: r\nlogsource: {product: aws}\ndetection:\n  s:\n    eventName|re: \
    '((a{1000}){1000}){1000}'\n  condition: s\n";
    let modifier = "title: m\nlogsource: {product: aws}\ndetection:\n  s:\n    \
    eventName|nonsense: x\n  condition: s\n";
    let files: Vec<RuleFile> = [
        good("one"),
        bomb,
        huge,
        repeat.to_owned(),
        modifier.to_owned(),
        good("one"),
        "[".repeat(10_000),
        format!("title: deep\nx: {}", "{a: ".repeat(1000)),
        "\u{0}\u{1}".to_owned(),
        "just text".to_owned(),
        good("windows").replace("product: aws, service: cloudtrail", "product: windows"),
        good("typo") + "bartizan: {stag: gain}\n",
        good("span") + "bartizan: {first-seen: {key: [x], history: soon, learning: 1d}}\n",
        "title: c\nid: c\ncorrelation: \
        {type: event_count, rules: [nowhere], group-by: [x], timespan: 1m, condition: {gte: 1}}\n"
            .to_owned(),
        "x".repeat(2 << 20),
        good("two"),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, text)| RuleFile {
        name: format!("{n}.yml"),
        text,
        builtin: false,
    })
    .collect();
    let plan = plan(&files);
    let named: std::collections::BTreeSet<&str> = plan
        .rules
        .problems
        .iter()
        .map(|p| p.file.as_str())
        .collect();
    let all: std::collections::BTreeSet<String> = (1..15).map(|n| format!("{n}.yml")).collect();
    assert_eq!(
        named
            .into_iter()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>(),
        all,
        "{:#?}",
        plan.rules.problems
    );
    let found = findings(&plan, &[records(&[event("A", 0, json!({}))])]);
    let rules: Vec<_> = found
        .iter()
        .filter(|f| f.rule != "rule-not-running")
        .map(|f| f.rule.as_str())
        .collect();
    assert_eq!(rules.len(), 2, "{found:#?}");
    assert!(
        found
            .iter()
            .filter(|f| f.rule == "rule-not-running")
            .count()
            >= 14
    );
}

#[test]
fn objects_match_as_text_and_filters_apply() {
    let rule = "title: t\nid: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  \
    s:\n    requestParameters|contains: Suspended\n    responseElements.publiclyAccessible: \
    'true'\n    requestParameters|re: '\"Status\":\"Susp'\n  condition: s\n---\ntitle: \
    f\nlogsource: {product: aws, service: cloudtrail}\nfilter:\n  rules: [t]\n  s: \
    {userIdentity.userName: robot}\n  condition: not s\n";
    let plan = plan(&[yaml(rule)]);
    assert_eq!(plan.rules.problems, []);
    let hit = event(
        "PutBucketVersioning",
        0,
        json!({
            "requestParameters": {"VersioningConfiguration": {"Status": "Suspended"}},
            "responseElements": {"publiclyAccessible": true},
        }),
    );
    assert_eq!(
        findings(&plan, &[records(std::slice::from_ref(&hit))]).len(),
        1
    );
    let mut robot = hit;
    robot["userIdentity"]["userName"] = json!("robot");
    assert_eq!(findings(&plan, &[records(&[robot])]), []);
}

/// Events counted by the day take no more room than its counts: a hundred thousand reads a day
/// for a week, in a few kilobytes, give what they give with room for all of them.
#[test]
fn a_day_is_kept_as_a_count() {
    let rule = "title: r\nid: r\nlogsource: {product: aws}\ndetection:\n  s: \
    {eventName: GetObject}\n  condition: s\nbartizan:\n  rate: \
    {group-by: [bartizan.actor], per: 1d, factor: 5, at-least: 2000, learning: 3d, at-least-new: 10000}\n";
    let plan = plan(&[yaml(rule)]);
    let of_day = |day: i64| if day == 5 { 60_000i64 } else { 8_000 };
    let objects: Vec<Vec<u8>> = (0..8i64)
        .flat_map(|day| (0..of_day(day) / 1000).map(move |piece| (day, piece)))
        .map(|(day, piece)| {
            let reads = (0..1000).map(|n| {
                let at = piece * 1000 + n;
                let id = format!("70000000-0000-4000-8000-{:012}", day * 100_000 + at);
                event(
                    "GetObject",
                    6_400 + day * 86_400 + at * 86_400 / of_day(day),
                    json!({
                        "eventID": id,
                        "userIdentity": {
                            "type": "IAMUser",
                            "userName": "u",
                            "arn": "arn:aws:iam::1:user/u",
                        },
                    }),
                )
            });
            records(&reads.collect::<Vec<_>>())
        })
        .collect();
    let run = |bytes_max| {
        let mut judge = Evaluator::new(&plan).with_window_bytes(bytes_max);
        let mut scanner = Scanner::new(&plan);
        for object in &objects {
            judge.take("object", scanner.scan(&mut object.as_slice()));
        }
        judge.take_rest(scanner.finish());
        judge.finish(false, &|id| id.to_owned())
    };
    let (roomy, tight) = (run(64 << 20), run(16 << 10));
    assert_eq!(tight.totals.window_evicted, 0);
    assert_eq!(roomy.findings, tight.findings);
    let counts: Vec<u64> = roomy.findings.iter().map(|f| f.count).collect();
    assert_eq!(
        counts,
        [60_000],
        "the sixth day alone is more than five times the days before"
    );
}
