//! `bartizan detect` as a user runs it, on real trails.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Home, Server, free_port, root, shared, valid_ocsf_lines, venv};

fn findings(home: &Home, path: &str) -> Vec<Value> {
    home.json(&["detect", path])["findings"]
        .as_array()
        .unwrap()
        .clone()
}

fn severity(finding: &Value) -> usize {
    ["info", "low", "medium", "high", "critical"]
        .iter()
        .position(|s| finding["severity"] == *s)
        .unwrap()
}

/// A stage that a finding may have for a tactic of Stratus Red Team.
const STAGES: &[(&str, &[&str])] = &[
    ("initial-access", &["gain"]),
    ("credential-access", &["gain", "steal"]),
    ("discovery", &["gain"]),
    ("lateral-movement", &["gain"]),
    ("execution", &["maintain"]),
    ("persistence", &["maintain"]),
    ("privilege-escalation", &["maintain"]),
    ("defense-evasion", &["blind"]),
    ("exfiltration", &["steal"]),
];

/// ATT&CK technique of each sample, by the documentation of Stratus Red Team and ATT&CK itself.
const TECHNIQUES: &[(&str, &str)] = &[
    ("ec2-steal-instance-credentials", "T1552.005"),
    ("secretsmanager-retrieve-secrets", "T1555.006"),
    ("cloudtrail-delete", "T1562.008"),
    ("cloudtrail-stop", "T1562.008"),
    ("organizations-leave", "T1562.001"),
    ("ec2-download-user-data", "T1552.005"),
    ("ec2-user-data", "T1059"),
    ("ssm-start-session", "T1021.007"),
    ("ec2-share-ami", "T1537"),
    ("rds-share-snapshot", "T1537"),
    ("console-login-without-mfa", "T1078.004"),
    ("ec2-serial-console-send-ssh-public-key", "T1021"),
    ("iam-backdoor-user", "T1098.001"),
    ("iam-create-backdoor-role", "T1098"),
    ("lambda-backdoor-function", "T1546"),
    ("lambda-overwrite-code", "T1648"),
    ("sts-federation-token", "T1550.001"),
];

#[test]
fn every_detonated_technique_is_found() {
    let Some(folder) = shared("data/cloudtrail/stratus") else {
        return;
    };
    let home = Home::new();
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut parts = name.splitn(3, '.').skip(1);
        let (tactic, technique) = (parts.next().unwrap(), parts.next().unwrap());
        let stages = STAGES
            .iter()
            .find(|(t, _)| *t == tactic)
            .unwrap_or_else(|| panic!("{tactic}"))
            .1;
        let wanted = TECHNIQUES
            .iter()
            .find(|(t, _)| *t == technique)
            .unwrap_or_else(|| panic!("{technique}"))
            .1;
        let found = findings(&home, path.to_str().unwrap());
        let hit = |f: &Value| {
            stages.iter().any(|s| f["stage"] == **s)
                || f["attack"].as_array().unwrap().iter().any(|t| t == wanted)
        };
        assert!(found.iter().any(hit), "{name}: {found:#?}");
        let exact = found
            .iter()
            .any(|f| f["attack"].as_array().unwrap().iter().any(|t| t == wanted));
        println!(
            "{} {name}: {} findings",
            if exact { "technique" } else { "stage    " },
            found.len()
        );
        seen += 1;
    }
    assert_eq!(seen, 17);
}

/// Ids of Stratus Red Team runs in the Invictus data that did something hostile (the first eight
/// digits of each), with what it was. The others only asked for account attributes, failed to make
/// a network, or took down what a run had made.
pub(crate) const HOSTILE: &[(&str, &str)] = &[
    ("39f95f43", "read instance passwords"),
    (
        "6a7ec681",
        "ran a command on an instance to steal its credentials",
    ),
    ("561fe49b", "read many secrets"),
    ("11a6ef34", "read many parameters"),
    ("7d2a6913", "tried to leave the organization"),
    ("20f9795b", "deleted flow logs"),
    ("3a63b39c", "ran a command on an instance"),
    ("e27c7b82", "tried to stop a trail"),
    ("1e5be608", "tried to stop a trail"),
    ("717d4d39", "tried to stop a trail"),
    ("99607e74", "tried to delete a trail"),
    ("1d949e3e", "narrowed event selectors"),
    ("4990da05", "set a short lifecycle on the bucket of a trail"),
    ("9cbca289", "read user data"),
    ("bc31c885", "started large instances"),
    ("d0fe321d", "started large instances"),
    ("36659dd6", "shared a snapshot"),
    ("b47d6b97", "shared an image"),
    ("06a62bf9", "shared a database snapshot"),
    ("2142a106", "opened SSH to the internet"),
    ("8f96a106", "opened a role to another account"),
    ("e1bd4d05", "made an administrator with a key"),
    ("61e3765a", "made a key for another user"),
    ("9f92f988", "made a password for another user"),
    ("01190e38", "signed in without MFA as a new user"),
    ("1222242e", "opened a function to everybody"),
    ("7e61c71f", "replaced the code of a function"),
    ("d42001c7", "let a certificate authority hand out roles"),
    ("0362e208", "opened a bucket to another account"),
    ("f771f4ac", "replaced the code of a function"),
];

/// Runs that changed something and harmed nobody.
const HARMLESS: &[(&str, &str)] = &[
    (
        "21f6594c",
        "prepared an instance and could not make its network",
    ),
    ("7e9e073f", "could not make a network"),
    ("6a2e41bc", "could not make a network"),
    ("bc09c9aa", "tried to start a trail again"),
    ("cf435b7d", "tried to start a trail again"),
    ("018e6dc0", "tried to start a trail again"),
    ("c00af10e", "put event selectors back"),
    ("1807d824", "put a lifecycle back"),
    ("4277e8d8", "closed a port"),
    ("9e44f427", "took a share back"),
    ("8bec4cee", "took a share back"),
    ("dfe006ac", "took a share back"),
    ("ab44e842", "put a trust policy back"),
    ("22fd7cec", "removed the trust anchor"),
    ("21b27090", "removed the user that a run had made"),
    ("2a9377af", "removed the key that a run had made"),
    ("0dca585f", "removed the password that a run had made"),
    ("b1d7e3ac", "removed a bucket policy"),
    ("a2b12a28", "removed a permission"),
];

#[test]
fn the_attack_is_found_and_its_surroundings_are_quiet() {
    let Some(folder) = shared("data/cloudtrail/invictus") else {
        return;
    };
    let home = Home::new();
    let mut runs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut rest = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let value: Value =
            serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        for event in value["Records"].as_array().unwrap() {
            match event["userAgent"]
                .as_str()
                .and_then(|ua| ua.split("stratus-red-team_").nth(1))
            {
                Some(id) => runs
                    .entry(id[..8].to_owned())
                    .or_default()
                    .push(event.clone()),
                None => rest.push(event.clone()),
            }
        }
    }
    let write = |name: &str, events: &[Value]| {
        let path = home.path(name);
        std::fs::write(&path, json!({"Records": events}).to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let known: BTreeSet<&str> = HOSTILE.iter().map(|(id, _)| *id).collect();
    let mut missed = Vec::new();
    for (id, what) in HOSTILE {
        if findings(&home, &write("run.json", &runs[*id])).is_empty() {
            missed.push(format!("{id}: {what}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    // Every other run either changed nothing or is named here with what it did.
    for (id, events) in runs.iter().filter(|(id, _)| !known.contains(id.as_str())) {
        let changed = events.iter().any(|e| e["readOnly"] == false);
        assert_eq!(
            changed,
            HARMLESS.iter().any(|(h, _)| h == id),
            "{id}: {:?}",
            events.iter().map(|e| &e["eventName"]).collect::<Vec<_>>()
        );
    }
    let loud: Vec<Value> = findings(&home, &write("rest.json", &rest))
        .into_iter()
        .filter(|f| severity(f) >= 2)
        .collect();
    println!(
        "{} findings at or above medium in {} events of operators and services",
        loud.len(),
        rest.len()
    );
    assert!(
        loud.len() * 200 <= rest.len(),
        "{:#?}",
        loud.iter()
            .map(|f| f["summary"].as_str())
            .collect::<Vec<_>>()
    );
}

/// 20,000 lines with everything that an attacker can put into a record.
#[test]
fn hostile_strings_reach_no_terminal_spreadsheet_or_line() {
    let home = Home::new();
    let nasty = "\u{1b}[2J\u{1b}]0;owned\u{7}\n=cmd|'/c \
    calc'!A1\r\u{202e}\u{2066}<script>alert(1)</script>@everyone,\"x\"";
    let event = json!({
        "eventVersion": "1.08",
        "eventTime": "2026-03-11T02:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey",
        "awsRegion": nasty,
        "sourceIPAddress": nasty,
        "userAgent": nasty,
        "recipientAccountId": nasty,
        "eventID": nasty,
        "userIdentity": {
            "type": "IAMUser",
            "userName": nasty,
            "arn": format!("arn:aws:iam::1:user/{nasty}"),
            "accessKeyId": nasty,
        },
        "requestParameters": {"userName": format!("={nasty}")},
    });
    std::fs::write(home.path("t.json"), event.to_string()).unwrap();
    for args in [
        vec![],
        vec!["--summary"],
        vec!["--format", "ndjson"],
        vec!["--format", "json"],
        vec!["--format", "csv"],
        vec!["--format", "ocsf"],
    ] {
        for color in ["never", "always"] {
            let text = home.must(
                0,
                &[&["detect", "t.json", "--color", color], args.as_slice()].concat(),
            );
            assert!(
                text.contains("CreateAccessKey") || args.contains(&"--summary"),
                "{text}"
            );
            let bare = text
                .chars()
                .filter(|c| {
                    (c.is_control() && *c != '\n' && *c != '\u{1b}')
                        || "\u{202e}\u{2066}".contains(*c)
                })
                .count();
            assert_eq!(bare, 0, "{args:?}: {text:?}");
            // Our own colours are the only escapes, and only where colour was asked for.
            assert!(
                !text.contains("\u{1b}[2J") && !text.contains("\u{1b}]0"),
                "{args:?}"
            );
            assert!(color == "always" || !text.contains('\u{1b}'), "{args:?}");
        }
    }
    let csv = home.must(0, &["detect", "t.json", "--format", "csv"]);
    for cell in csv.lines().skip(1).flat_map(|l| l.split(',')) {
        assert!(
            !cell.trim_matches('"').starts_with(['=', '@', '+', '-']),
            "{cell}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_said_and_never_an_all_clear() {
    let Some(edge) = shared("data/cloudtrail/edge") else {
        return;
    };
    let home = Home::new();
    let truncated = edge.join("02_truncated.json.gz");
    let text = home.must(0, &["detect", truncated.to_str().unwrap()]);
    assert!(
        text.starts_with("LOOK NOW") && text.contains("could not be read")
            || text.starts_with("CANNOT TELL"),
        "{text}"
    );
    assert!(
        text.contains("broken compressed data") && text.contains("at byte"),
        "{text}"
    );
    assert!(
        findings(&home, truncated.to_str().unwrap())
            .iter()
            .any(|f| f["stage"] == "blind" && f["verdict"] == "unknown")
    );
    home.must(
        11,
        &["detect", truncated.to_str().unwrap(), "--require-complete"],
    );
    std::fs::write(home.path("empty"), "").unwrap();
    assert!(
        home.must(1, &["detect", "empty"])
            .starts_with("CANNOT TELL")
    );
    std::fs::write(home.path("one.json"), r#"{"eventVersion": "1.08", "eventID": "e", "eventTime": "2026-03-01T00:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets"}"#).unwrap();
    let whole = home.json(&["detect", edge.to_str().unwrap()]);
    assert_eq!(whole["apart"]["digests"], 1);
    assert!(
        home.fails(1, &["detect", "nowhere.json"])
            .contains("no such file, folder or glob")
    );
    assert!(
        home.fails(1, &["detect", "empty", "--rules", "nowhere"])
            .contains("cannot read nowhere")
    );
    assert!(
        home.fails(2, &["diff", "--format", "ocsf"])
            .contains("detect")
    );
    std::fs::write(
        home.path("bad.yml"),
        "title: x\nlogsource: {product: windows}\ndetection: {s: {a: b}, condition: s}\n",
    )
    .unwrap();
    let with_bad = findings_of(&home, &["detect", "one.json", "--rules", "bad.yml"]);
    assert!(
        with_bad
            .iter()
            .any(|f| f["stage"] == "blind" && f["summary"].as_str().unwrap().contains("bad.yml")),
        "{with_bad:?}"
    );
    let lint = home.must(1, &["rules", "lint", "bad.yml"]);
    assert!(
        lint.contains("windows") && lint.contains("bad.yml"),
        "{lint}"
    );
}

fn findings_of(home: &Home, args: &[&str]) -> Vec<Value> {
    home.json(args)["findings"].as_array().unwrap().clone()
}

#[test]
fn sources_and_threads_give_the_same_bytes() {
    let Some(folder) = shared("data/cloudtrail/invictus") else {
        return;
    };
    let home = Home::new();
    let folder = folder.to_str().unwrap();
    let wanted = home.must(
        0,
        &["detect", folder, "--format", "ndjson", "--threads", "1"],
    );
    let strip = |text: &str| {
        text.replace(folder, "F")
            .replace("F/*.json", "F")
            .replace("'F'", "F")
    };
    for args in [
        vec![folder, "--threads", "2"],
        vec![folder, "--threads", "7"],
    ] {
        assert_eq!(
            wanted,
            home.must(
                0,
                &[&["detect", "--format", "ndjson"], args.as_slice()].concat()
            ),
            "{args:?}"
        );
    }
    let glob = format!("{folder}/*.json");
    assert_eq!(
        strip(&wanted),
        strip(&home.must(0, &["detect", &glob, "--format", "ndjson"]))
    );
    let mut all = Vec::new();
    let mut list = String::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        list += &format!("{}\n", path.display());
        all.extend(std::fs::read(&path).unwrap());
    }
    std::fs::write(home.path("all"), &all).unwrap();
    std::fs::write(home.path("list"), &list).unwrap();
    let pipe = |args: &[&str], input: &str| {
        let output = home
            .command(args)
            .stdin(std::fs::File::open(home.path(input)).unwrap())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let show = |text: &str| {
        text.lines()
            .map(|l| l.split("\"show\":").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        show(&wanted),
        show(&pipe(&["detect", "-", "--format", "ndjson"], "all"))
    );
    assert_eq!(
        show(&wanted),
        show(&pipe(
            &["detect", "--list", "-", "--format", "ndjson"],
            "list"
        ))
    );
    // The command that a finding ends with shows its evidence.
    let finding: Value = serde_json::from_str(wanted.lines().next().unwrap()).unwrap();
    let id = finding["evidence"][0]["id"].as_str().unwrap();
    assert_eq!(
        finding["show"],
        format!("bartizan detect {folder} --event {id}")
    );
    assert_eq!(home.json(&["detect", folder, "--event", id])["eventID"], id);
    home.must(10, &["detect", folder, "--fail-on", "high"]);
    let later = home.json(&["detect", folder, "--since", "2023-07-10T12:30:00Z"]);
    assert_eq!(
        later["objects_left_out"].as_u64().unwrap() as usize,
        delivered_before(folder, "20230710T1230Z")
    );
    let summary = home.must(0, &["detect", folder, "--summary"]);
    assert!(
        summary.contains("events by actor")
            && summary.contains("user bert-jan")
            && summary.contains("events by error"),
        "{summary}"
    );
}

/// Files whose name has an earlier time than this.
fn delivered_before(folder: &str, stamp: &str) -> usize {
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.split('_').nth(3).unwrap() < stamp)
        .count()
}

#[test]
fn what_was_seen_is_remembered_in_the_store() {
    let home = Home::new();
    let event = |n: u32, day: u32, ip: &str| {
        json!({
            "eventVersion": "1.08",
            "eventID": format!("00000000-0000-4000-8000-{n:012}"),
            "eventTime": format!("2026-03-{day:02}T02:00:00Z"),
            "eventSource": "s3.amazonaws.com",
            "eventName": "ListBuckets",
            "sourceIPAddress": ip,
            "awsRegion": "us-east-1",
            "recipientAccountId": "111122223333",
            "userIdentity": {
                "type": "IAMUser",
                "arn": "arn:aws:iam::111122223333:user/ci",
                "userName": "ci",
                "accessKeyId": "AKIAEXAMPLECI0000001",
            },
        })
        .to_string()
    };
    let new_network = |text: &Value| {
        text["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| {
                f["title"]
                    .as_str()
                    .unwrap()
                    .contains("network it was never used from")
            })
            .count()
    };
    std::fs::write(home.path("a.json"), event(1, 1, "198.51.100.1")).unwrap();
    std::fs::write(home.path("b.json"), event(2, 20, "203.0.113.1")).unwrap();
    std::fs::write(home.path("c.json"), event(3, 21, "203.0.113.2")).unwrap();
    // Alone it is only learned, whatever it is.
    assert_eq!(new_network(&home.json(&["detect", "b.json"])), 0);
    assert!(
        !home.path("bartizan-store").exists(),
        "no store is made beside logs unasked"
    );
    assert!(
        home.must(0, &["detect", "a.json", "--learn", "--store", "s"])
            .contains("learned from 1 events")
    );
    let bytes = std::fs::read(home.path("s/detect/first-seen")).unwrap();
    assert_eq!(
        new_network(&home.json(&["detect", "b.json", "--store", "s"])),
        1
    );
    // What was first seen at an event stays first seen at it; for what comes later it is known.
    assert_eq!(
        new_network(&home.json(&["detect", "b.json", "--store", "s"])),
        1
    );
    assert_eq!(
        new_network(&home.json(&["detect", "c.json", "--store", "s"])),
        0
    );
    assert_ne!(
        bytes,
        std::fs::read(home.path("s/detect/first-seen")).unwrap()
    );
    std::fs::remove_file(home.path("s/detect/first-seen")).unwrap();
    std::fs::write(home.path("s/detect/first-seen"), &bytes[..bytes.len() - 1]).unwrap();
    assert!(
        home.fails(1, &["detect", "a.json", "--store", "s"])
            .contains("first-seen memory")
    );
}

#[test]
fn the_memory_beside_the_evidence_leaves_it_whole() {
    let home = Home::new();
    let heist = root().join("examples/heist");
    home.must(
        0,
        &[
            "snapshot",
            "--from",
            heist.join("config/20260301T000000Z").to_str().unwrap(),
            "--store",
            "s",
        ],
    );
    home.must(
        0,
        &[
            "detect",
            heist.join("trail").to_str().unwrap(),
            "--store",
            "s",
        ],
    );
    assert!(home.path("s/detect/first-seen").exists());
    let text = home.must(0, &["verify", "evidence", "--store", "s"]);
    assert!(
        text.contains("0 problems") && !text.contains("first-seen"),
        "{text}"
    );
    home.must(
        0,
        &[
            "snapshot",
            "--from",
            heist.join("config/20260315T000000Z").to_str().unwrap(),
            "--store",
            "s",
        ],
    );
    home.must(0, &["verify", "evidence", "--store", "s"]);
}

#[test]
fn ocsf_is_valid_by_the_schema() {
    let (Some(python), Some(folder)) = (venv("BARTIZAN_VENV"), shared("data/cloudtrail/invictus"))
    else {
        return;
    };
    let home = Home::new();
    let edge = folder.parent().unwrap().join("edge");
    let text = home.must(
        0,
        &[
            "detect",
            folder.to_str().unwrap(),
            edge.to_str().unwrap(),
            "--format",
            "ocsf",
        ],
    );
    std::fs::write(home.path("findings.ndjson"), &text).unwrap();
    let valid = valid_ocsf_lines(&python, "detection_finding", &home.path("findings.ndjson"));
    assert_eq!(valid, text.lines().count());
}

#[test]
fn a_trail_in_s3_is_read_by_prefix_date_and_list() {
    let (Some(venv), Some(folder)) = (venv("BARTIZAN_VENV"), shared("data/cloudtrail/invictus"))
    else {
        return;
    };
    let port = free_port();
    let mut command = Command::new(venv.join("bin/moto_server"));
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let server = Server::start(command, port);
    let home = Home::with_aws(&server.url).set("AWS_ALLOW_HTTP", "true");
    let script = format!(
        "import boto3, os, sys\ns3 = boto3.client('s3', endpoint_url={:?}, \
        region_name='us-east-1', aws_access_key_id='x', aws_secret_access_key='y')\n\
         s3.create_bucket(Bucket='trail')\n\
         for name in sorted(os.listdir(sys.argv[1])):\n    \
         s3.upload_file(os.path.join(sys.argv[1], name), 'trail', \
         'AWSLogs/1/CloudTrail/us-east-1/2023/07/10/' + name)\n",
        server.url
    );
    let output = Command::new(venv.join("bin/python"))
        .args(["-c", &script])
        .arg(&folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let here = home.json(&["detect", folder.to_str().unwrap()]);
    let there = home.json(&["detect", "s3://trail/AWSLogs"]);
    assert_eq!(
        (&here["events"], &here["bytes_inflated"], &here["by_stage"]),
        (
            &there["events"],
            &there["bytes_inflated"],
            &there["by_stage"]
        )
    );
    let part = home.json(&[
        "detect",
        "s3://trail/AWSLogs",
        "--since",
        "2023-07-10T12:30:00Z",
        "--until",
        "2023-07-11",
    ]);
    let left_out = delivered_before(folder.to_str().unwrap(), "20230710T1230Z");
    assert!(
        left_out > 0 && part["objects_left_out"].as_u64().unwrap() as usize == left_out,
        "{part}"
    );
    let name = std::fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .file_name()
        .into_string()
        .unwrap();
    std::fs::write(
        home.path("list"),
        format!("s3://trail/AWSLogs/1/CloudTrail/us-east-1/2023/07/10/{name}\n"),
    )
    .unwrap();
    assert_eq!(home.json(&["detect", "--list", "list"])["objects"], 1);
    assert!(
        home.fails(1, &["detect", "s3://trail/nothing"])
            .contains("nothing under")
    );
}

#[test]
fn rules_can_be_listed_linted_and_tried() {
    let home = Home::new();
    let list = home.must(0, &["rules", "list"]);
    assert!(
        list.lines().count() > 150 && list.contains("T1562.008"),
        "{list}"
    );
    assert!(home.must(0, &["rules", "lint"]).contains(", 0 problems"));
    let rules = root().join("rules");
    let stages = ["gain", "maintain", "steal", "blind"]
        .map(|stage| std::fs::read_dir(rules.join(stage)).unwrap());
    let is_rule = |file: &std::io::Result<std::fs::DirEntry>| {
        file.as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|e| e == "yml")
    };
    let files = stages.into_iter().flatten().filter(is_rule).count();
    assert!(
        files >= 200
            && home
                .must(0, &["rules", "test"])
                .contains(&format!("{files} hold, 0 do not"))
    );
    let one = rules.join("blind/trail-stopped.yml");
    assert!(
        home.must(0, &["rules", "test", one.to_str().unwrap()])
            .contains("1 hold, 0 do not")
    );
    std::fs::copy(&one, home.path("r.yml")).unwrap();
    assert!(
        home.must(1, &["rules", "test", "r.yml"])
            .contains("no fixture")
    );
    std::fs::write(
        home.path("r.json"),
        r#"{"match": [{"eventSource": "cloudtrail.amazonaws.com", "eventName": "StartLogging"}], "miss": []}"#,
    )
    .unwrap();
    let text = home.must(1, &["rules", "test", "r.yml"]);
    assert!(
        text.contains("match 1 gives no finding") && text.contains("fewer than two"),
        "{text}"
    );
}

/// docs/detections.md is what the rules say. `BARTIZAN_WRITE=1` writes it anew.
#[test]
fn the_table_of_detections_is_fresh() {
    let home = Home::new();
    let rules: Vec<Value> =
        serde_json::from_str(&home.must(0, &["rules", "list", "--format", "json"])).unwrap();
    let mut text = format!(
        "# Detections\n\nGenerated from `rules/` by the test `the_table_of_detections_is_fresh` \
        (`BARTIZAN_WRITE=1 cargo test -p bartizan detections`). \
         {} rules. How to write one: [rules.md](rules.md).\n",
        rules.len()
    );
    for (stage, what) in [
        ("gain", "getting in"),
        ("maintain", "staying in"),
        ("steal", "taking and breaking"),
        ("blind", "switching the alarm off"),
    ] {
        text += &format!(
            "\n## {stage}: {what}\n\n| rule | severity | ATT&CK | why | what to do | false \
            positives |\n|---|---|---|---|---|---|\n"
        );
        for rule in rules.iter().filter(|r| r["stage"] == stage) {
            let get = |name: &str| rule[name].as_str().unwrap_or_default().replace('|', "\\|");
            let list = |name: &str, with: &str| {
                rule[name]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(with)
            };
            text += &format!(
                "| [{}](../rules/{}) | {} | {} | {} | {} | {} |\n",
                get("title"),
                get("file"),
                get("severity"),
                list("attack", " "),
                get("why"),
                get("do"),
                list("false_positives", "; ")
            );
        }
    }
    let path = root().join("docs/detections.md");
    if std::env::var_os("BARTIZAN_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/detections.md is stale: BARTIZAN_WRITE=1 cargo test -p bartizan detections"
    );
}
