//! Watching: the story is told right, the quiet weeks are quiet, and nothing is lost, doubled or
//! dependent on order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::{Home, Server, free_port, root, shared, venv};

pub(crate) fn example(name: &str) -> PathBuf {
    root().join("examples").join(name)
}

/// Copies a folder, changing the place of each file, or leaving it out.
pub(crate) fn copy(from: &Path, to: &Path, place: &mut dyn FnMut(&str) -> Vec<String>) {
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for name in place(path.strip_prefix(from).unwrap().to_str().unwrap()) {
                let target = to.join(name);
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                fs::copy(&path, target).unwrap();
            }
        }
    }
}

fn whole(from: &Path, to: &Path) {
    copy(from, to, &mut |name| vec![name.to_owned()]);
}

/// A home with an example in `in`.
pub(crate) fn home_with(name: &str) -> Home {
    let home = Home::new();
    whole(&example(name), &home.path("in"));
    home
}

fn watch(home: &Home) -> Value {
    home.json(&["watch", "--once", "in"])
}

fn strings(value: &Value) -> BTreeSet<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect()
}

/// What a store knows, but for what is random: rows of the tables, by table.
pub(crate) fn state(home: &Home) -> BTreeMap<&'static str, Vec<String>> {
    let connection = rusqlite::Connection::open(home.path("bartizan-store/state.sqlite")).unwrap();
    let mut all = BTreeMap::new();
    for (table, query) in [
        (
            "finding",
            "select id || ' ' || json from finding order by id",
        ),
        (
            "incident",
            "select id || ' ' || json from incident order by id",
        ),
        (
            "merge",
            "select into_id || ' ' || from_id from merge order by 1",
        ),
        (
            "object",
            "select name || ' ' || bytes || ' ' || learned from object order by 1",
        ),
    ] {
        let mut statement = connection.prepare(query).unwrap();
        let rows = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        all.insert(table, rows.map(Result::unwrap).collect());
    }
    all
}

#[test]
fn the_story_is_told_right() {
    let home = home_with("heist");
    let told = watch(&home);
    let truth: Value =
        serde_json::from_str(&fs::read_to_string(example("heist").join("truth.json")).unwrap())
            .unwrap();
    let mutations: BTreeMap<(&str, &str), &Value> = truth["deeds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| ((d["kind"].as_str().unwrap(), d["id"].as_str().unwrap()), d))
        .collect();
    // Every change has its call, but for the one whose record was taken out.
    let changes = told["changes"].as_array().unwrap();
    let mut attacks = 0;
    for change in changes {
        let mutation = mutations[&(
            change["kind"].as_str().unwrap(),
            change["id"].as_str().unwrap(),
        )];
        attacks += usize::from(mutation["attack"] == true);
        if mutation["record_removed"] == true {
            assert_eq!(change["attributed"], "without-call", "{change}");
            assert!(
                change["because"][0]
                    .as_str()
                    .unwrap()
                    .starts_with("no call on record made it"),
                "{change}"
            );
            continue;
        }
        assert_eq!(
            (&change["attributed"], &change["event"], &change["call"]),
            (&json!("exact"), &mutation["event"], &mutation["call"]),
            "{change}"
        );
        let origin = mutation["origin"].as_str().unwrap();
        let by = change["by"][0].as_str().unwrap();
        let name = origin.rsplit('/').next().unwrap().to_owned();
        assert!(
            by.contains(&name)
                || origin.contains("oidc-provider") && by.contains("repo:acme/infra"),
            "{by} is not {origin}"
        );
    }
    assert_eq!((changes.len(), attacks), (10, 5));

    // One incident holds every act.
    let incidents = told["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1);
    let incident = &incidents[0];
    assert_eq!(
        (&incident["severity"], &incident["stages"]),
        (
            &json!("critical"),
            &json!(["gain", "maintain", "steal", "blind"])
        )
    );
    assert_eq!(incident["actor"][0]["access_key_id"], truth["thief"]["key"]);
    let held = strings(&incident["findings"]);
    for change in changes.iter().filter(|c| {
        mutations[&(c["kind"].as_str().unwrap(), c["id"].as_str().unwrap())]["attack"] == true
    }) {
        assert!(
            held.contains(change["finding"].as_str().unwrap()),
            "{change}"
        );
    }
    let address = &truth["thief"]["address"];
    for finding in told["findings"].as_array().unwrap() {
        let loud = !matches!(finding["severity"].as_str(), Some("info"));
        let theirs = finding["actor"]["source_ip"] == *address;
        assert!(
            !(loud && theirs) || held.contains(finding["id"].as_str().unwrap()),
            "{finding}"
        );
    }
    // What they hold, in the words of a person.
    let standing: Vec<&str> = incident["standing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        standing[0],
        "role support-readonly trusts account 999988887777"
    );
    assert_eq!(standing.len(), 5, "{standing:?}");
    let text = incident.to_string();
    for said in [
        "reverted after 2 h",
        "silent for 58 min",
        "999988887777",
        "GPU or very large instances launched",
    ] {
        assert!(text.contains(said), "{said}");
    }
    let todo = incident["todo"][0]["command"].as_str().unwrap();
    assert_eq!(
        todo,
        "aws iam update-access-key --user-name ci-deploy --access-key-id AKIAIHEISTCIDEPLOY77 \
        --status Inactive"
    );
    // The key and the door that the thief made, the stranger who came through it, the chain of the
    // session.
    assert!(incident["actor"].as_array().unwrap().iter().any(|a| {
        a["key"]
            .as_str()
            .unwrap()
            .starts_with("account:999988887777")
    }));
    assert!(text.contains("session render of role batch by AssumeRole"));
}

/// A key that a call made is gone and no call took it; a password came in the hour that the trail
/// was off.
#[test]
fn what_is_gone_without_a_call_and_what_nobody_could_see() {
    let home = home_with("heist");
    let after = home.path("in/config/20260315T000000Z/111122223333/us-east-1");
    let keys = after.join("iam-list-access-keys/backup");
    let mut list: Value = serde_json::from_str(&fs::read_to_string(&keys).unwrap()).unwrap();
    list["AccessKeyMetadata"]
        .as_array_mut()
        .unwrap()
        .retain(|k| k["AccessKeyId"] == "AKIAIHEISTBACKUPAAA7");
    fs::write(&keys, list.to_string()).unwrap();
    let profile = after.join("iam-get-login-profile/backup");
    let text = fs::read_to_string(&profile)
        .unwrap()
        .replace("2026-03-11T03:47:40", "2026-03-11T02:50:00");
    fs::write(&profile, text).unwrap();
    let told = watch(&home);
    let of = |rule: &str| {
        told["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| f["rule"] == rule)
            .cloned()
            .collect::<Vec<_>>()
    };
    let gone = of("made-and-gone");
    assert_eq!(gone.len(), 1, "{gone:#?}");
    assert!(
        gone[0]["summary"]
            .as_str()
            .unwrap()
            .contains("iam:CreateAccessKey on iam:accesskey backup/AKIA"),
        "{}",
        gone[0]
    );
    let unseen = of("changed-unseen");
    assert_eq!(unseen.len(), 1, "{unseen:#?}");
    assert_eq!(
        (&unseen[0]["verdict"], &unseen[0]["resources"][0]),
        (&json!("unknown"), &json!("backup"))
    );
    assert!(
        unseen[0]["because"]
            .to_string()
            .contains("cloudtrail:StopLogging"),
        "{}",
        unseen[0]
    );
    // Both belong to the night.
    let held = strings(&told["incidents"][0]["findings"]);
    assert_eq!(told["incidents"].as_array().unwrap().len(), 1);
    assert!(
        [&gone[0], &unseen[0]]
            .iter()
            .all(|f| held.contains(f["id"].as_str().unwrap()))
    );
}

#[test]
fn quiet_weeks_are_quiet() {
    let home = home_with("quiet");
    let told = watch(&home);
    assert_eq!(told["incidents"], json!([]));
    let loud: Vec<&Value> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| !matches!(f["severity"].as_str(), Some("info" | "low")))
        .collect();
    assert!(loud.is_empty(), "{loud:#?}");
    let attributed: Vec<&Value> = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["attributed"])
        .collect();
    assert_eq!(attributed, vec!["exact"; 5]);
    assert!(
        home.must(0, &["watch", "--once", "in"])
            .contains("QUIET  no intrusion found in the data read")
    );
}

/// Leaves keys and signatures of digests out of a configuration.
pub(crate) fn without_digests(home: &Home) {
    let file = home.path("in/bartizan.toml");
    let text = fs::read_to_string(&file).unwrap();
    let is_other = |line: &&str| !line.starts_with("keys") && !line.starts_with("signatures");
    let kept: Vec<&str> = text.lines().filter(is_other).collect();
    assert_eq!(kept.len() + 2, text.lines().count());
    fs::write(&file, kept.join("\n")).unwrap();
    for name in ["in/digest-key.json", "in/digest-signatures.txt"] {
        let _ = fs::remove_file(home.path(name));
    }
}

/// Objects in another order, twice, and late: the same incidents.
#[test]
fn the_order_of_the_trail_does_not_matter() {
    let tell = |place: &mut dyn FnMut(&str) -> Vec<String>| {
        let home = Home::new();
        copy(&example("heist"), &home.path("in"), place);
        // Logs under other names are not those that the digests name.
        without_digests(&home);
        let told = watch(&home);
        (told["incidents"].clone(), told["changes"].clone())
    };
    let plain = tell(&mut |name| vec![name.to_owned()]);
    let mut number = 0;
    let shuffled = tell(&mut |name| {
        number += 7919;
        match name.strip_prefix("trail/") {
            // The time of delivery is in the name: late, early, and some twice.
            Some(rest) if rest.contains("/CloudTrail/") => {
                let late = format!(
                    "trail/late/111122223333_CloudTrail_us-east-1_202603{:02}T{:02}{:02}Z_{number}.json.gz",
                    1 + number % 28,
                    number % 24,
                    number % 60
                );
                if number % 3 == 0 {
                    vec![late, format!("trail/again/{number}.json.gz")]
                } else {
                    vec![late]
                }
            }
            _ => vec![name.to_owned()],
        }
    });
    assert_eq!(plain, shuffled);
}

#[test]
fn twice_or_in_halves_it_is_the_same() {
    let once = home_with("heist");
    let told = watch(&once);
    assert_eq!(told["new"], true);
    let first = state(&once);
    assert!(
        first["finding"].len() > 30 && first["incident"].len() == 1,
        "{}",
        first["finding"].len()
    );
    let again = watch(&once);
    assert_eq!(
        (&again["new"], &again["incidents"]),
        (&json!(false), &told["incidents"])
    );
    assert!(
        once.must(0, &["watch", "--once", "in"])
            .starts_with("nothing new since the last watch")
    );
    assert_eq!(state(&once), first);

    // The first week with the first snapshot, then the rest.
    let halves = Home::new();
    let early = |name: &str| {
        name.split('/')
            .find_map(|p| p.split("_202603").nth(1))
            .is_none_or(|day| &day[..2] <= "08")
    };
    let first_half = |name: &str| {
        !name.contains("20260315T000000Z")
            && !name.starts_with("bill/")
            && (!name.starts_with("trail/") || early(name))
    };
    copy(&example("heist"), &halves.path("in"), &mut |name| {
        if first_half(name) {
            vec![name.to_owned()]
        } else {
            Vec::new()
        }
    });
    let bill = fs::read_to_string(example("heist/bill/2026-03.csv")).unwrap();
    let early_rows = bill.lines().filter(|l| {
        l.split(',')
            .nth(1)
            .is_none_or(|day| day <= "2026-03-08" || day > "2027")
    });
    let early_bill: String = early_rows.map(|l| format!("{l}\n")).collect();
    assert!(early_bill.lines().count() > 30 && early_bill.starts_with("line_item"));
    fs::create_dir_all(halves.path("in/bill")).unwrap();
    fs::write(halves.path("in/bill/2026-03.csv"), early_bill).unwrap();
    // The list of signatures names digests of the second week.
    without_digests(&halves);
    let half = watch(&halves);
    assert_eq!(half["incidents"], json!([]));
    assert!(
        half["coverage"]["events"].as_u64() > Some(1000),
        "{}",
        half["coverage"]
    );
    whole(&example("heist"), &halves.path("in"));
    watch(&halves);
    assert_eq!(state(&halves), first);

    // Cut in the middle of the night: the incident that was begun keeps its id.
    let night = Home::new();
    copy(&example("heist"), &night.path("in"), &mut |name| {
        let late = name.contains("_20260311T1")
            || name.contains("_20260312")
            || name.contains("_20260313")
            || name.contains("_20260314")
            || name.contains("_20260315");
        if late || name.contains("20260315T000000Z") {
            Vec::new()
        } else {
            vec![name.to_owned()]
        }
    });
    let begun = watch(&night);
    whole(&example("heist"), &night.path("in"));
    let ended = watch(&night);
    assert_eq!(begun["incidents"][0]["id"], ended["incidents"][0]["id"]);
}

#[test]
fn two_hundred_kills_lose_and_double_nothing() {
    let clean = home_with("heist");
    let start = std::time::Instant::now();
    watch(&clean);
    let took = start.elapsed();
    let home = home_with("heist");
    let mut dice: u64 = 88_172_645_463_325_252;
    let mut killed = 0;
    for n in 0..200 {
        // Something is new each time until the end, so that each run has work to do.
        fs::write(
            home.path("in/trail/extra.json"),
            format!("[{}]", " ".repeat(n % 7)),
        )
        .unwrap();
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let mut child = home
            .command(&["watch", "--once", "in"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(took.mul_f64(1.1 * (dice % 1000) as f64 / 1000.0));
        let _ = child.kill();
        killed += usize::from(!child.wait().unwrap().success());
    }
    fs::remove_file(home.path("in/trail/extra.json")).unwrap();
    watch(&home);
    println!("{killed} of 200 runs were killed");
    assert!(killed > 50, "{killed}");
    let (mut ours, theirs) = (state(&home), state(&clean));
    ours.get_mut("object")
        .unwrap()
        .retain(|row| !row.contains("extra.json"));
    assert_eq!(ours, theirs);
    let text = home.must(0, &["verify", "evidence"]);
    assert!(
        text.contains("0 problems, 3 entries, 2 snapshots") && !text.contains("state.sqlite"),
        "{text}"
    );
}

#[test]
fn two_at_once_do_not_mix() {
    let home = home_with("quiet");
    watch(&home);
    let lock = fs::File::create(home.path("bartizan-store/.watching")).unwrap();
    lock.lock().unwrap();
    assert!(
        home.fails(1, &["watch", "--once", "in"])
            .contains("another bartizan")
    );
    drop(lock);
    home.must(0, &["watch", "--once", "in"]);
    assert!(
        home.fails(1, &["watch", "--once", "in", "--store", "s3://bucket/x"])
            .contains("needs a folder")
    );
}

#[test]
fn what_is_accepted_is_the_grant_and_not_the_name() {
    let home = home_with("heist");
    let told = watch(&home);
    let share = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["kind"] == "ec2:snapshotpermission")
        .unwrap();
    let id = share["finding"].as_str().unwrap();
    assert!(
        home.fails(1, &["accept", "ffffffffffffffff", "--reason", "x"])
            .contains("no finding")
    );
    assert!(
        home.fails(1, &["accept", id, "--reason", " "])
            .contains("--reason is empty")
    );
    assert!(
        home.fails(1, &["accept", id, "--reason", "x", "--until", "2020-01-01"])
            .contains("over already")
    );
    home.fails(2, &["accept", id]);
    let said = home.must(
        0,
        &[
            "accept",
            &id[..10],
            "--reason",
            "sold the company; \u{1b}[2J ticket 7",
            "--until",
            "2999-01-01",
        ],
    );
    assert!(
        said.contains("accepted until 2999-01-01") && !said.contains('\u{1b}'),
        "{said}"
    );
    let list = home.must(0, &["accept", "--list"]);
    assert!(
        list.contains(id) && list.contains("sold the company") && !list.contains('\u{1b}'),
        "{list}"
    );
    assert!(
        home.must(0, &["verify", "evidence"])
            .contains("0 problems, 4 entries")
    );

    // It is no alarm any more, and can still be seen.
    let after = watch(&home);
    assert_eq!(
        (&after["new"], &after["coverage"]["accepted"]),
        (&json!(true), &json!(1))
    );
    let finding = |told: &Value| {
        told["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["resources"][0] == share["id"] && f["rule"] == "changed")
            .cloned()
    };
    let accepted = finding(&after).unwrap();
    assert_eq!(accepted["severity"], "info");
    assert!(
        accepted["because"][0]
            .as_str()
            .unwrap()
            .starts_with("accepted until 2999"),
        "{accepted}"
    );
    assert!(!strings(&after["incidents"][0]["findings"]).contains(id));

    // A third snapshot, where it is shared with one more: the alarm is back.
    let third = home.path("in/config/20260316T000000Z");
    whole(&home.path("in/config/20260315T000000Z"), &third);
    let file =
        third.join("111122223333/us-east-1/ec2-describe-snapshot-attribute/snap-0a12b3c4d5e6f7089");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replacen(
            "\"CreateVolumePermissions\": [",
            "\"CreateVolumePermissions\": [{\"UserId\": \"222233334444\"},",
            1,
        ),
    )
    .unwrap();
    let grown = watch(&home);
    let loud: Vec<&str> = grown["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| {
            f["resources"][0] == share["id"]
                && f["evidence"][0]["kind"] == "change"
                && f["severity"] != "info"
        })
        .map(|f| f["summary"].as_str().unwrap())
        .collect();
    assert_eq!(loud.len(), 1, "{loud:?}");
    // The configuration can say it too, and an unknown word in it is an error.
    let config = format!(
        "[[account]]\nfrom = \"config\"\n[trail]\nsources = [\"trail\"]\n[[accept]]\nfinding \
        = \"{id}\"\nreason = \"known\"\n"
    );
    fs::write(home.path("in/bartizan.toml"), &config).unwrap();
    home.must(0, &["watch", "--once", "in"]);
    fs::write(
        home.path("in/bartizan.toml"),
        config.replace("reason", "raeson"),
    )
    .unwrap();
    assert!(home.fails(1, &["watch", "--once", "in"]).contains("raeson"));
    fs::write(home.path("in/bartizan.toml"), "[output]\n").unwrap();
    assert!(
        home.fails(1, &["watch", "--once", "in"])
            .contains("nothing to watch")
    );
}

/// How bad a change is follows from what it gave: an edit of an administrator's policy that gives
/// nothing is for the record, one word that makes a way is critical.
#[test]
fn severity_is_what_was_gained() {
    let home = Home::new();
    let policies = |time: &str, admin: Value, clerk: Value| {
        let user = |name: &str, document: &Value| {
            json!({
                "Path": "/",
                "UserName": name,
                "UserId": format!("AIDA{name}"),
                "Arn": format!("arn:aws:iam::111122223333:user/{name}"),
                "CreateDate": "2025-01-01T00:00:00Z",
                "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": document}],
                "GroupList": [],
                "AttachedManagedPolicies": [],
                "Tags": [],
            })
        };
        let details = json!({
            "UserDetailList": [user("admin", &admin), user("clerk", &clerk)],
            "GroupDetailList": [],
            "RoleDetailList": [],
            "Policies": [],
        });
        let folder = home.path(&format!("in/config/{time}/111122223333/us-east-1"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join("iam-get-account-authorization-details.json"),
            details.to_string(),
        )
        .unwrap();
    };
    let allow = |action: Value, resource: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}],
        })
    };
    policies(
        "20260301T000000Z",
        allow(json!("*"), "*"),
        allow(json!("iam:GetUserPolicy"), "*"),
    );
    policies(
        "20260302T000000Z",
        allow(json!(["*", "s3:*"]), "*"),
        allow(json!("iam:PutUserPolicy"), "*"),
    );
    let told = watch(&home);
    let severity = |id: &str| {
        told["changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["id"] == id)
            .unwrap()["severity"]
            .clone()
    };
    assert_eq!(
        (
            severity("clerk/own"),
            told["changes"][0]["because"][0]
                .as_str()
                .unwrap()
                .contains("become administrator")
        ),
        (json!("critical"), true)
    );
    let admin = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["resources"][0] == "admin/own")
        .unwrap();
    assert!(
        !admin["because"]
            .to_string()
            .contains("become administrator"),
        "{admin}"
    );
    // Nobody is known to have made it, as there is no trail: that is said once, and not for every
    // change.
    assert_eq!(
        (&admin["severity"], &admin["rule"]),
        (&json!("info"), &json!("changed-unseen"))
    );
    assert!(
        told["coverage"]["holes"]
            .to_string()
            .contains("no trail: who did it is not known")
    );
    // With a trail that shows who, it is for the record.
    let record = |n: u32, user: &str, document: Value| {
        json!({
            "eventVersion": "1.11",
            "eventTime": format!("2026-03-01T12:0{n}:00Z"),
            "eventSource": "iam.amazonaws.com",
            "eventName": "PutUserPolicy",
            "awsRegion": "us-east-1",
            "sourceIPAddress": "203.0.113.9",
            "userAgent": "x",
            "recipientAccountId": "111122223333",
            "eventID": format!("00000000-0000-4000-8000-00000000000{n}"),
            "requestParameters": {
                "userName": user,
                "policyName": "own",
                "policyDocument": document.to_string(),
            },
            "userIdentity": {
                "type": "IAMUser",
                "userName": "admin",
                "arn": "arn:aws:iam::111122223333:user/admin",
                "accountId": "111122223333",
                "accessKeyId": "AKIAADMIN",
            },
        })
    };
    fs::create_dir_all(home.path("in/trail")).unwrap();
    let records = [record(1, "admin", allow(json!(["*", "s3:*"]), "*"))];
    fs::write(
        home.path("in/trail/t.json"),
        json!({ "Records": records }).to_string(),
    )
    .unwrap();
    let told = watch(&home);
    let admin = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["id"] == "admin/own")
        .unwrap()
        .clone();
    assert_eq!(
        (&admin["severity"], &admin["attributed"], &admin["access"]),
        (
            &json!("info"),
            &json!("exact"),
            &json!("access is the same")
        )
    );
}

/// Power that comes through a group is the group's change, and no other's; a call that brought
/// something else than what is there explains nothing.
#[test]
fn power_is_told_where_it_came_from() {
    let home = Home::new();
    let allow = |action: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
        })
    };
    let write = |time: &str, group: &str, role: &str, temp: &str| {
        let common = |name: &str, sort: &str| {
            json!({
                "Path": "/",
                "Arn": format!("arn:aws:iam::111122223333:{sort}/{name}"),
                "CreateDate": "2025-01-01T00:00:00Z",
                "AttachedManagedPolicies": [],
                "Tags": [],
            })
        };
        let with = |mut value: Value, more: Value| {
            value
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            value
        };
        let own =
            |document: &str| json!([{"PolicyName": "own", "PolicyDocument": allow(document)}]);
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }],
        });
        let details = json!({
            "UserDetailList": [
                with(common("clerk", "user"), json!({
                    "UserName": "clerk",
                    "UserId": "AIDAC",
                    "UserPolicyList": [],
                    "GroupList": ["devs"],
                })),
                with(common("temp", "user"), json!({
                    "UserName": "temp",
                    "UserId": "AIDAT",
                    "UserPolicyList": own(temp),
                    "GroupList": [],
                })),
            ],
            "GroupDetailList": [with(common("devs", "group"), json!({
                "GroupName": "devs",
                "GroupId": "AGPAD",
                "GroupPolicyList": own(group),
            }))],
            "RoleDetailList": [with(common("api", "role"), json!({
                "RoleName": "api",
                "RoleId": "AROAA",
                "RolePolicyList": own(role),
                "AssumeRolePolicyDocument": trust,
                "InstanceProfileList": [],
            }))],
            "Policies": [],
        });
        let folder = home.path(&format!("in/config/{time}/111122223333/us-east-1"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join("iam-get-account-authorization-details.json"),
            details.to_string(),
        )
        .unwrap();
    };
    write(
        "20260301T000000Z",
        "s3:GetObject",
        "sqs:SendMessage",
        "s3:GetObject",
    );
    write("20260302T000000Z", "iam:*", "sqs:*", "sns:Publish");
    let record = |n: u32, name: &str, request: Value, document: &str| {
        let mut request = request;
        request["policyName"] = "own".into();
        request["policyDocument"] = allow(document).to_string().into();
        json!({
            "eventVersion": "1.11",
            "eventTime": format!("2026-03-01T12:0{n}:00Z"),
            "eventSource": "iam.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": "203.0.113.9",
            "userAgent": "x",
            "recipientAccountId": "111122223333",
            "eventID": format!("00000000-0000-4000-8000-00000000000{n}"),
            "requestParameters": request,
            "userIdentity": {
                "type": "IAMUser",
                "userName": "ops",
                "arn": "arn:aws:iam::111122223333:user/ops",
                "accountId": "111122223333",
                "accessKeyId": "AKIAOPS",
            },
        })
    };
    let records = [
        record(1, "PutGroupPolicy", json!({"groupName": "devs"}), "iam:*"),
        record(2, "PutRolePolicy", json!({"roleName": "api"}), "sqs:*"),
        record(
            3,
            "PutUserPolicy",
            json!({"userName": "temp"}),
            "sqs:SendMessage",
        ),
    ];
    fs::create_dir_all(home.path("in/trail")).unwrap();
    fs::write(
        home.path("in/trail/t.json"),
        json!({ "Records": records }).to_string(),
    )
    .unwrap();
    let told = watch(&home);
    let of = |id: &str| {
        let change = told["changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["id"] == id)
            .unwrap();
        (
            change["severity"].as_str().unwrap().to_owned(),
            change["attributed"].as_str().unwrap().to_owned(),
        )
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(of("devs/own"), pair("critical", "exact"));
    assert_eq!(of("api/own"), pair("low", "exact"));
    assert_eq!(of("temp/own"), pair("medium", "mismatch"));
}

#[test]
fn exit_codes_and_what_is_missing() {
    let home = home_with("heist");
    home.must(10, &["watch", "--once", "in", "--fail-on", "critical"]);
    home.must(11, &["watch", "--once", "in", "--require-complete"]);
    // Without --once it goes on, and has no end whose code could say anything.
    let endless = home.fails(2, &["watch", "in", "--fail-on", "critical"]);
    assert!(endless.contains("--once"), "{endless}");
    assert!(
        home.fails(1, &["watch", "--once"])
            .contains("nothing to watch")
    );
    assert!(
        home.fails(1, &["report", "-o", "r.html", "--store", "nowhere"])
            .contains("nobody has watched")
    );
    fs::create_dir(home.path("empty")).unwrap();
    assert!(
        home.fails(1, &["watch", "--once", "empty"])
            .contains("neither config/")
    );
    // A trail alone, and a snapshot alone: what cannot be known is said.
    fs::create_dir_all(home.path("only/trail")).unwrap();
    whole(&home.path("in/trail"), &home.path("only/trail"));
    let told = home.json(&["watch", "--once", "only", "--store", "s2"]);
    assert_eq!(told["incidents"][0]["standing_known"], false);
    let holes = told["coverage"]["holes"].to_string();
    assert!(
        holes.contains("no snapshot: what changed is not known"),
        "{holes}"
    );
    assert!(
        home.must(0, &["watch", "--once", "only", "--store", "s2"])
            .contains("persistence unknown: no configuration snapshot")
    );
    fs::create_dir_all(home.path("bare/config")).unwrap();
    whole(
        &home.path("in/config/20260301T000000Z"),
        &home.path("bare/config"),
    );
    let text = home.must(0, &["watch", "--once", "bare", "--store", "s3"]);
    assert!(
        text.starts_with("CANNOT TELL")
            && text.contains("one snapshot only")
            && text.contains("no trail: who did it"),
        "{text}"
    );
    // A trail that cannot be read is no all-clear, whatever the snapshots say.
    whole(&home.path("in/config"), &home.path("torn/config"));
    fs::create_dir_all(home.path("torn/trail")).unwrap();
    fs::write(home.path("torn/trail/x.json"), "garbage").unwrap();
    let text = home.must(0, &["watch", "--once", "torn", "--store", "s4"]);
    assert!(
        !text.starts_with("QUIET") && text.contains("not seen  1 × text that is neither JSON"),
        "{text}"
    );
    whole(&example("quiet"), &home.path("half"));
    fs::write(home.path("half/trail/x.json"), "garbage").unwrap();
    assert!(
        home.must(0, &["watch", "--once", "half", "--store", "s5"])
            .starts_with("CANNOT TELL")
    );
    fs::create_dir(home.path("s6")).unwrap();
    fs::write(
        home.path("s6/state.sqlite"),
        "no database, and long enough to be looked at",
    )
    .unwrap();
    assert!(
        home.fails(1, &["watch", "--once", "half", "--store", "s6"])
            .contains("is damaged (")
    );
    fs::write(home.path("bad.toml"), "[trail]\nsources = [").unwrap();
    let said = home.fails(1, &["watch", "--once", "--config", "bad.toml"]);
    assert!(
        said.contains("bad.toml, line 2: ") && said.lines().count() == 1,
        "{said}"
    );
    let rows = home.must(0, &["watch", "--once", "in", "--format", "ndjson"]);
    assert!(
        rows.lines()
            .all(|l| serde_json::from_str::<Value>(l).is_ok())
            && rows.contains("{\"incident\":")
    );
}

/// Real records: the incident of the key that ran the attack names what it did.
#[test]
fn the_real_attack_is_one_incident() {
    let (Some(trail), Some(config)) = (
        shared("data/cloudtrail/invictus"),
        shared("data/config/demo-account/demo"),
    ) else {
        return;
    };
    let home = Home::new();
    whole(&trail, &home.path("in/trail"));
    whole(&config, &home.path("in/config"));
    let told = watch(&home);
    let theirs: Vec<&Value> = told["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|i| i["actor"].to_string().contains("user bert-jan"))
        .collect();
    assert_eq!(theirs.len(), 1);
    let attack = strings(&theirs[0]["attack"]);
    // What each hostile run is by itself must be named in the incident.
    let mut runs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for file in fs::read_dir(&trail).unwrap() {
        let value: Value =
            serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
        for event in value["Records"].as_array().unwrap() {
            if let Some(id) = event["userAgent"]
                .as_str()
                .and_then(|ua| ua.split("stratus-red-team_").nth(1))
            {
                runs.entry(id[..8].to_owned())
                    .or_default()
                    .push(event.clone());
            }
        }
    }
    let mut named = 0;
    for (id, what) in crate::detect::HOSTILE {
        fs::write(
            home.path("run.json"),
            json!({"Records": runs[*id]}).to_string(),
        )
        .unwrap();
        let alone = home.json(&["detect", "run.json"]);
        let mut techniques = BTreeSet::new();
        for finding in alone["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| f["severity"] != "info")
        {
            techniques.extend(strings(&finding["attack"]));
        }
        let missing: Vec<&String> = techniques.difference(&attack).collect();
        assert!(
            missing.is_empty() && !techniques.is_empty(),
            "{id} ({what}): {missing:?} of {techniques:?}"
        );
        named += 1;
    }
    println!(
        "{named} runs of the attack tool, {} techniques in the incident",
        attack.len()
    );
}

/// Against moto: a snapshot, an escalation with boto3 and the records that CloudTrail would write,
/// and who did what.
#[test]
fn live_who_and_what() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let port = free_port();
    let mut command = Command::new(venv.join("bin/moto_server"));
    command
        .args(["-p", &port.to_string()])
        .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false");
    let server = Server::start(command, port);
    let home = Home::with_aws(&server.url);
    let python = |step: &str| {
        let script = root().join("crates/app/tests/live/escalate.py");
        let status = Command::new(venv.join("bin/python"))
            .arg(script)
            .args([step, &server.url])
            .arg(home.path("trail"))
            .status();
        assert!(status.unwrap().success(), "{step}");
    };
    fs::create_dir(home.path("trail")).unwrap();
    fs::write(
        home.path("bartizan.toml"),
        "[[account]]\nregions = [\"us-east-1\"]\n[trail]\nsources = [\"trail\"]\n[output]\nreport \
        = \"live.html\"\n",
    )
    .unwrap();
    python("before");
    let first = home.json(&["watch", "--once"]);
    assert_eq!(first["incidents"], json!([]));
    python("escalate");
    let told = home.json(&["watch", "--once"]);
    let change = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["kind"] == "iam:userpolicy" && c["severity"] == "critical");
    let change = change.unwrap_or_else(|| panic!("{}", told["changes"]));
    assert_eq!(
        (&change["attributed"], &change["call"]),
        (&json!("exact"), &json!("iam:PutUserPolicy"))
    );
    assert!(
        change["by"][0]
            .as_str()
            .unwrap()
            .starts_with("user mallory"),
        "{change}"
    );
    let incident = &told["incidents"][0];
    assert!(
        incident["headline"]
            .as_str()
            .unwrap()
            .contains("user mallory became administrator"),
        "{incident}"
    );
    assert!(
        incident["standing"]
            .to_string()
            .contains("policy own of user mallory"),
        "{incident}"
    );
    assert!(
        fs::read_to_string(home.path("live.html"))
            .unwrap()
            .contains("mallory")
    );
}
