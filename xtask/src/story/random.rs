//! Two hundred random stories: every change must be attributed to its true origin.

use std::collections::BTreeMap;

use bartizan_detect::attribution::{AttributionIndex, CallMap};
use bartizan_detect::{Evaluator, Networks, Rules, ScanPlan, Scanner};
use bartizan_incident::attribution::{Attribution, explain};
use bartizan_inventory::diff::{SnapshotVersion, diff};
use bartizan_inventory::fact::{Fact, FactKinds, FactSource, Hash};
use bartizan_inventory::snapshot::{
    CallStatus, Collection, Coverage, RecordedSnapshot, side_lines,
};
use serde_json::{Value, json};

use super::world::{ACCOUNT, Caller, HOME, World, allow, trust};

const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/jobs";

/// Snapshot of the account.
fn snapshot(world: &World, time_s: i64) -> RecordedSnapshot {
    let kinds = FactKinds::builtin();
    let fact = |(place, document): (&super::world::Place, &Value)| {
        let (kind, region, id) = place;
        let seen = FactSource {
            account: ACCOUNT,
            region,
            time_ms: time_s * 1000,
        };
        if kind.ends_with("policy") {
            Fact::from_policy(&kinds, kind, id.clone(), &document.to_string(), seen)
        } else {
            Fact::from_json(&kinds, kind, id.clone(), document.clone(), seen)
        }
    };
    let row = |region: &str| Coverage {
        region: region.to_owned(),
        call: "all:Read".to_owned(),
        status: CallStatus::Ok,
        answers: 1,
        kinds: vec!["*".to_owned()],
        detail: String::new(),
        unread: Vec::new(),
    };
    let collection = Collection {
        account: ACCOUNT.to_owned(),
        time_ms: (time_s * 1000, time_s * 1000),
        tool: "test".to_owned(),
        table: Hash::of(b""),
        source: "import".to_owned(),
        coverage: vec![row("global"), row(HOME)],
        new_fields: std::collections::BTreeSet::new(),
        facts: world.facts.iter().map(fact).collect(),
    };
    collection.record()
}

/// Account with several resources of each kind.
fn account(seed: u64) -> World {
    let mut w = World::new(seed, "2026-05-01T00:00:00Z");
    for name in ["ann", "bob", "cid", "dot"] {
        let user = w.user_document(name, 1_700_000_000);
        w.set("iam:user", "global", name, user);
        w.set(
            "iam:userpolicy",
            "global",
            &format!("{name}/own"),
            allow(
                json!("s3:GetObject"),
                json!(format!("arn:aws:s3:::{name}/*")),
            ),
        );
        w.set(
            "iam:accesskey",
            "global",
            &format!("{name}/AKIA{}0000000000000", name.to_uppercase()),
            json!({"UserName": name, "Status": "Active"}),
        );
    }
    w.set("iam:useringroup", "global", "ann/devs", json!("devs"));
    for name in ["admin", "build", "ops", "api", "AWSReservedSSO_Dev_1"] {
        let role = w.role_document(name, 1_700_000_000);
        w.set("iam:role", "global", name, role);
        w.set(
            "iam:assumerolepolicy",
            "global",
            name,
            trust(json!({"AWS": ACCOUNT}), "sts:AssumeRole"),
        );
        w.set(
            "iam:rolepolicy",
            "global",
            &format!("{name}/main"),
            allow(json!("sqs:*"), json!("*")),
        );
    }
    for group in ["sg-1", "sg-2"] {
        w.set(
            "ec2:security_group",
            HOME,
            group,
            json!({"GroupId": group, "GroupName": group, "IpPermissions": []}),
        );
    }
    for snapshot in ["snap-1", "snap-2"] {
        w.set("ec2:snapshotpermission", HOME, snapshot, json!([]));
    }
    for function in ["f", "g"] {
        w.set(
            "lambda:function",
            HOME,
            function,
            json!({
                "FunctionName": function,
                "CodeSha256": "x",
                "LastModified": "2026-01-01T00:00:00+00:00",
            }),
        );
    }
    w.set(
        "s3:bucketpolicy",
        "global",
        "logs",
        allow(json!("s3:GetObject"), json!("*")),
    );
    w.set(
        "sqs:queuepolicy",
        HOME,
        QUEUE,
        allow(json!("sqs:SendMessage"), json!("*")),
    );
    w
}

/// Random caller: an access key, a role chain, a pipeline, a person at the console, or a machine.
fn caller(w: &mut World) -> Caller {
    let address = format!("203.0.113.{}", w.dice.below(250));
    match w.dice.below(6) {
        0 => {
            let name = ["ann", "bob", "cid", "dot"][w.dice.below(4)];
            w.user(
                name,
                &format!("AKIA{}0000000000000", name.to_uppercase()),
                &address,
                "aws-cli/2",
            )
        }
        1 => {
            let user = w.user("ann", "AKIAANN0000000000000", &address, "aws-cli/2");
            let session = format!("s{}", w.dice.below(1000));
            w.assume(&user, "ops", &session)
        }
        2 => {
            // Role chain of three.
            let user = w.user("bob", "AKIABOB0000000000000", &address, "aws-cli/2");
            let first = w.assume(&user, "build", "one");
            let second = w.assume(&first, "ops", "two");
            w.assume(&second, "admin", "three")
        }
        3 => {
            let branch = ["main", "release"][w.dice.below(2)];
            let job = w.job(
                &format!("repo:acme/app:ref:refs/heads/{branch}"),
                &address,
                "terraform",
            );
            w.assume(&job, "build", "GitHubActions")
        }
        4 => {
            let mail = ["eve@acme.example", "flo@acme.example"][w.dice.below(2)];
            let saml = json!({"type": "SAMLUser", "userName": mail, "identityProvider": "AWSSSO"});
            let browser = Caller {
                identity: saml,
                address,
                agent: "Mozilla/5.0".into(),
                origin: String::new(),
            };
            w.assume(&browser, "AWSReservedSSO_Dev_1", mail)
        }
        _ => {
            let (service, session) =
                [("lambda", "worker"), ("ec2", "i-0123456789abcdef0")][w.dice.below(2)];
            let service = w.service(service);
            w.assume(&service, "api", session)
        }
    }
}

/// Random change by a caller.
fn act(w: &mut World, by: &Caller) {
    let user = ["ann", "bob", "cid", "dot"][w.dice.below(4)];
    let role = ["admin", "build", "ops", "api"][w.dice.below(4)];
    let (number, two) = (w.dice.below(100_000), w.dice.below(2));
    let policy = allow(
        json!(["s3:GetObject", "sqs:SendMessage"][two]),
        json!(format!("arn:aws:s3:::b{number}/*")),
    );
    match w.dice.below(17) {
        0 => drop(w.put_user_policy(by, user, "own", &policy)),
        1 => drop(w.put_user_policy(by, user, &format!("p{two}"), &policy)),
        2 => w.put_role_policy(by, role, "main", &policy),
        3 => w.delete_role_policy(by, role, "main"),
        4 => w.create_user(by, &format!("new{number}")),
        5 => {
            let key = w.create_access_key(by, user);
            if w.dice.below(3) == 0 {
                w.delete_access_key(by, user, &key);
            }
        }
        6 => drop(w.create_login_profile(by, user)),
        7 => w.join_group(by, user, "admins"),
        8 => w.leave_group(by, "ann", "devs"),
        9 => w.create_role(
            by,
            &format!("role{number}"),
            &trust(
                json!({"AWS": format!("arn:aws:iam::{:012}:root", number)}),
                "sts:AssumeRole",
            ),
        ),
        10 => w.update_trust(
            by,
            role,
            &trust(
                json!({"AWS": format!("arn:aws:iam::{:012}:root", number)}),
                "sts:AssumeRole",
            ),
        ),
        11 => w.attach_user_policy(by, user, "ReadOnlyAccess"),
        12 => w.put_bucket_policy(by, "logs", &policy),
        13 => w.set_queue_policy(by, QUEUE, &policy),
        14 => {
            let (group, port) = (["sg-1", "sg-2"][two], 1000 + (number % 500) as u16);
            w.ingress(by, group, port, "198.51.100.0/24", true);
            if w.dice.below(3) == 0 {
                w.ingress(by, group, port, "198.51.100.0/24", false);
                // The existing content is from earlier changes.
                w.deeds.truncate(w.deeds.len() - 2);
            }
        }
        15 => w.share_snapshot(by, ["snap-1", "snap-2"][two], &format!("{number:012}")),
        _ => w.update_function(by, ["f", "g"][two]),
    }
}

/// Attribution index of the trail, read as several objects in random order.
fn testimony(w: &mut World) -> AttributionIndex {
    let plan = ScanPlan {
        rules: Rules::load(&[]),
        networks: Networks::builtin(),
        memory: bartizan_detect::FirstSeenMemory::default(),
        tally: false,
        calls: Some(CallMap::builtin()),
    };
    let mut records: Vec<Value> = w.records.iter().map(|(_, r)| r.clone()).collect();
    for n in (1..records.len()).rev() {
        let m = w.dice.below(n + 1);
        records.swap(n, m);
    }
    // Some records are duplicated.
    let twice: Vec<Value> = records.iter().take(20).cloned().collect();
    records.extend(twice);
    let mut judge = Evaluator::new(&plan);
    let mut scanner = Scanner::new(&plan);
    for (n, some) in records.chunks(50).enumerate() {
        let text = json!({ "Records": some }).to_string();
        judge.take(&n.to_string(), scanner.scan(&mut text.as_bytes()));
    }
    judge.take_rest(scanner.finish());
    judge.finish(false, &|_| String::new()).attribution
}

/// Attributions compared with the true history: (attribution, right, description).
fn story(seed: u64, lose: usize) -> Vec<(Attribution, bool, String)> {
    let mut w = account(seed);
    let kinds = FactKinds::builtin();
    let old = snapshot(&w, w.now_s);
    // Machines produce events around the clock, so that silence would be noticed.
    for hour in 0..72 {
        for quarter in 0..4 {
            w.now_s = 1_777_593_600 + hour * 3600 + quarter * 900 + 60;
            let lambda = w.service("lambda");
            w.assume(&lambda, "api", "worker");
        }
        if hour > 1 && hour < 68 && w.dice.below(4) == 0 {
            w.now_s += 120;
            let by = caller(&mut w);
            for _ in 0..=w.dice.below(3) {
                act(&mut w, &by);
            }
        }
    }
    w.records.sort_by_key(|(time_s, _)| *time_s);
    let new = snapshot(&w, 1_777_593_600 + 69 * 3600);
    // Lost links: the record that issued a session is missing.
    let mut lost = 0;
    w.records.retain(|(_, r)| {
        let link =
            r["eventSource"] == "sts.amazonaws.com" && r["userIdentity"]["type"] != "AWSService";
        let drop = link && lost < lose;
        lost += usize::from(drop);
        !drop
    });
    let truth = w.truth();
    let testimony = testimony(&mut w);
    let (a, b) = (old.snapshot().unwrap(), new.snapshot().unwrap());
    let documents =
        |recorded: &RecordedSnapshot| -> BTreeMap<Hash, Vec<u8>> { recorded.documents.clone() };
    let (old_documents, new_documents) = (documents(&old), documents(&new));
    let before = |h: &Hash| old_documents.get(h).cloned();
    let after = |h: &Hash| new_documents.get(h).cloned();
    let versions = (
        SnapshotVersion {
            snapshot: &a,
            side: side_lines(&old.side).collect(),
            documents: &before,
        },
        SnapshotVersion {
            snapshot: &b,
            side: side_lines(&new.side).collect(),
            documents: &after,
        },
    );
    let difference = diff(&kinds, &versions.0, &versions.1);
    let explained = explain(
        &CallMap::builtin(),
        &kinds,
        &difference.changes,
        (&versions.0, &versions.1),
        &testimony,
    );
    let one = |e: &bartizan_incident::attribution::AttributedChange| {
        let change = &difference.changes[e.change];
        let real = truth
            .iter()
            .find(|((kind, id), _)| *kind == change.kind && *id == change.id)
            .map(|(_, d)| d);
        let said = e.origin.as_ref().map(|o| o.key.as_str());
        // After a lost link the last known one is the right result, if it is not reported as the
        // start.
        let honest = e.origin.as_ref().is_some_and(|o| !o.whole && lose > 0);
        let right = real.is_some_and(|r| Some(r.origin.as_str()) == said) || honest;
        let text = format!(
            "seed {seed}: {} {} {:?}: said {said:?}, was {:?} at {:?}",
            change.kind,
            change.id,
            e.matched,
            real.map(|r| &r.origin),
            real.map(|r| &r.time)
        );
        (e.matched, right, text)
    };
    explained.changes.iter().map(one).collect()
}

#[test]
fn two_hundred_stories_are_attributed() {
    let (mut all, mut right, mut exact, mut wrong_exact) = (0, 0, 0, Vec::new());
    let mut missed = Vec::new();
    for seed in 1..=200 {
        for (matched, ok, text) in story(seed, 0) {
            all += 1;
            right += usize::from(ok);
            exact += usize::from(matched == Attribution::Exact);
            if !ok {
                missed.push(text.clone());
            }
            if !ok && matched == Attribution::Exact {
                wrong_exact.push(text);
            }
        }
    }
    println!(
        "{all} changes: {right} right, {exact} exact, {} exact and wrong",
        wrong_exact.len()
    );
    assert!(all > 2000, "{all}");
    assert_eq!(wrong_exact, Vec::<String>::new());
    assert!(
        right * 100 >= all * 99,
        "{right} of {all}: {:#?}",
        &missed[..missed.len().min(10)]
    );
}

#[test]
fn lost_links_end_the_chain_and_say_so() {
    let mut incomplete = 0;
    for seed in 1..=40 {
        for (matched, ok, text) in story(seed, 4) {
            assert!(ok || matched != Attribution::Exact, "{text}");
            incomplete += usize::from(!ok);
        }
    }
    assert!(incomplete < 20, "{incomplete}");
}
