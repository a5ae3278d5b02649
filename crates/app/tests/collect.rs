//! The engine against the canned server: paging, hostile answers, and never a removal that was not
//! seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use bartizan_cloud::client::{Answer, CallError, Client};
use bartizan_cloud::collect::{Ask, CallSource, CollectionPlan, collect};
use bartizan_cloud::endpoint::Endpoints;
use bartizan_cloud::model::Model;
use bartizan_inventory::diff::{ChangeVerdict, SnapshotVersion, diff};
use bartizan_inventory::fact::{FactKinds, Hash};
use bartizan_inventory::snapshot::{CallStatus, RecordedSnapshot, side_lines};
use futures::future::{FutureExt, LocalBoxFuture};
use serde_json::{Map, Value};

use crate::canned::{Canned, Fault};
use crate::common::{Home, facts};

/// The canned server over HTTP, without the pace that the real AWS deserves.
struct Unpaced {
    client: Client,
    model: Model,
}

impl Unpaced {
    fn with(url: &str, provider: SharedCredentialsProvider) -> Self {
        let model = Model::builtin();
        let endpoints = Endpoints::of(
            &model,
            "us-east-1",
            Some(url.to_owned()),
            std::iter::empty(),
        );
        Self {
            client: Client::new(provider, endpoints),
            model,
        }
    }

    fn new(url: &str) -> Self {
        let credentials = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "canary-secret-key",
            None,
            None,
            "test",
        );
        Self::with(url, SharedCredentialsProvider::new(credentials))
    }
}

impl CallSource for Unpaced {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        self.client
            .call(
                &self.model,
                (&ask.service.name, &ask.call.operation),
                &ask.region,
                &ask.params,
            )
            .boxed_local()
    }
    fn now_ms(&self) -> i64 {
        0
    }
    fn left(&self) -> Vec<(usize, usize, String, Map<String, Value>)> {
        Vec::new()
    }
    fn paced(&self) -> bool {
        false
    }
    fn pages(&self) -> bool {
        true
    }
}

/// The canned answers without HTTP, one operation denied.
struct Direct<'a> {
    canned: &'a Canned,
    denied: &'a str,
}

impl CallSource for Direct<'_> {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        let result = if ask.call.operation == self.denied {
            Err(CallError::new(
                CallStatus::Denied,
                "AccessDenied",
                "AccessDenied",
            ))
        } else {
            let value = self
                .canned
                .answer(&ask.service.name, &ask.call.operation, &ask.params);
            Ok(Answer {
                value,
                new_fields: BTreeSet::new(),
                incomplete: None,
            })
        };
        futures::future::ready(result).boxed_local()
    }
    fn now_ms(&self) -> i64 {
        0
    }
    fn left(&self) -> Vec<(usize, usize, String, Map<String, Value>)> {
        Vec::new()
    }
    fn paced(&self) -> bool {
        false
    }
    fn pages(&self) -> bool {
        true
    }
}

fn run(canned: &Canned, source: &dyn CallSource) -> RecordedSnapshot {
    let plan = CollectionPlan {
        account: "123456789012",
        regions: vec!["us-east-1".into(), "eu-west-1".into()],
        regions_off: vec![],
        home: "us-east-1",
        in_flight: 8,
        rps_max: None,
        tool: "test",
        source: "aws",
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(collect(
            &canned.model,
            &FactKinds::builtin(),
            &canned.table,
            &plan,
            source,
            &|_| {},
        ))
        .record()
}

fn coverage(recorded: &RecordedSnapshot) -> BTreeMap<String, (CallStatus, String)> {
    let snapshot = recorded.snapshot().unwrap();
    snapshot
        .header
        .coverage
        .into_iter()
        .map(|c| (format!("{} {}", c.call, c.region), (c.status, c.detail)))
        .collect()
}

#[test]
fn one_item_a_page_gives_the_same_facts_as_no_pages() {
    let whole = Canned::new(3);
    let (url, server) = Canned {
        paged: true,
        ..Canned::new(3)
    }
    .serve();
    let paged = run(&server, &Unpaced::new(&url));
    let (url, plain) = Canned::new(3).serve();
    let unpaged = run(&plain, &Unpaced::new(&url));
    let calls = |c: &Arc<Canned>| c.calls.load(std::sync::atomic::Ordering::SeqCst);
    assert!(
        calls(&server) > calls(&plain) * 5 / 4,
        "{} calls with pages, {} without",
        calls(&server),
        calls(&plain)
    );
    let not_ok: Vec<_> = coverage(&paged)
        .into_iter()
        .filter(|(_, (s, _))| *s != CallStatus::Ok)
        .collect();
    assert!(not_ok.is_empty(), "{not_ok:?}");
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (
        facts(&paged.text).into_iter().collect(),
        facts(&unpaged.text).into_iter().collect(),
    );
    assert_eq!(
        a.symmetric_difference(&b).collect::<Vec<_>>(),
        Vec::<&(String, String, String, String)>::new()
    );
    // Every kind of the table is there, so every row was walked.
    let kinds: BTreeSet<String> = facts(&paged.text).into_iter().map(|f| f.0).collect();
    let wanted: BTreeSet<String> = whole
        .table
        .services
        .iter()
        .flat_map(|s| {
            s.calls
                .iter()
                .flat_map(|c| c.facts.iter().map(|f| f.kind.clone()))
        })
        .collect();
    assert_eq!(
        wanted.difference(&kinds).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    println!(
        "{} facts of {} kinds; {} calls with pages, {} without",
        facts(&paged.text).len(),
        kinds.len(),
        calls(&server),
        calls(&plain)
    );
}

#[test]
fn denying_each_api_in_turn_never_removes_a_fact() {
    let canned = Canned::new(2);
    let kinds = FactKinds::builtin();
    let all = run(
        &canned,
        &Direct {
            canned: &canned,
            denied: "",
        },
    );
    let all_snapshot = all.snapshot().unwrap();
    let documents = |h: &Hash| all.documents.get(h).cloned();
    let mut operations: Vec<String> = canned
        .table
        .services
        .iter()
        .flat_map(|s| s.calls.iter().map(|c| c.operation.clone()))
        .collect();
    operations.sort();
    operations.dedup();
    let mut unknown_in_all = 0;
    for denied in &operations {
        let less = run(
            &canned,
            &Direct {
                canned: &canned,
                denied,
            },
        );
        let less_snapshot = less.snapshot().unwrap();
        let less_documents = |h: &Hash| less.documents.get(h).cloned();
        let whole = || SnapshotVersion {
            snapshot: &all_snapshot,
            side: side_lines(&all.side).collect(),
            documents: &documents,
        };
        let holed = || SnapshotVersion {
            snapshot: &less_snapshot,
            side: side_lines(&less.side).collect(),
            documents: &less_documents,
        };
        let lost = diff(&kinds, &whole(), &holed());
        assert_eq!(
            lost.changes
                .iter()
                .map(|c| (c.verdict, &c.kind, &c.id))
                .collect::<Vec<_>>(),
            vec![],
            "{denied} denied"
        );
        let back = diff(&kinds, &holed(), &whole());
        assert!(
            !back
                .changes
                .iter()
                .any(|c| c.verdict == ChangeVerdict::Added),
            "{denied} denied, then allowed: {:?}",
            back.changes
        );
        unknown_in_all += lost.unknown.iter().map(|u| u.ids.len()).sum::<usize>();
        let gone = all_snapshot.facts.len() - less_snapshot.facts.len();
        assert_eq!(
            lost.unknown.iter().map(|u| u.ids.len()).sum::<usize>(),
            gone,
            "{denied}: each fact that is not there is unknown"
        );
    }
    println!(
        "{} operations denied in turn: 0 removed, {unknown_in_all} unknown",
        operations.len()
    );
}

#[test]
fn hostile_answers_cost_a_line_and_the_rest_is_collected() {
    let faults = [
        ("ListUsers", Fault::Html500, CallStatus::Failed, "HTTP 500"),
        (
            "DescribeSecurityGroups",
            Fault::Truncated,
            CallStatus::Failed,
            "broken XML",
        ),
        (
            "ListKeys",
            Fault::Truncated,
            CallStatus::Failed,
            "broken JSON",
        ),
        ("ListTopics", Fault::Empty, CallStatus::Failed, "empty"),
        ("ListSecrets", Fault::Empty, CallStatus::Failed, "empty"),
        (
            "ListFunctions",
            Fault::WrongType,
            CallStatus::Failed,
            "broken JSON",
        ),
        (
            "DescribeDBInstances",
            Fault::WrongType,
            CallStatus::Failed,
            "broken XML",
        ),
        (
            "ListDistributions",
            Fault::Html200,
            CallStatus::Failed,
            "web page",
        ),
        (
            "DescribeTrails",
            Fault::Denied,
            CallStatus::Denied,
            "AccessDenied",
        ),
        (
            "DescribeVolumes",
            Fault::Hangup,
            CallStatus::Failed,
            "broke off",
        ),
        (
            "DescribeVpcs",
            Fault::Huge,
            CallStatus::Failed,
            "larger than",
        ),
        ("DescribeSubnets", Fault::Throttled(3), CallStatus::Ok, ""),
    ];
    let canned = faults
        .iter()
        .fold(Canned::new(1), |c, (operation, fault, _, _)| {
            c.fault(operation, *fault)
        });
    let (url, server) = canned.serve();
    let recorded = run(&server, &Unpaced::new(&url));
    let rows = coverage(&recorded);
    for (operation, fault, status, part) in faults {
        let of: Vec<_> = rows
            .iter()
            .filter(|(call, _)| call.split([':', ' ']).nth(1) == Some(operation))
            .collect();
        assert!(!of.is_empty());
        for (call, (have, detail)) in of {
            assert!(
                *have == status && detail.contains(part),
                "{call} with {fault:?}: {have} {detail:?}"
            );
        }
    }
    let ok = rows.values().filter(|(s, _)| *s == CallStatus::Ok).count();
    let broken: BTreeSet<&str> = rows
        .iter()
        .filter(|(_, (s, _))| *s != CallStatus::Ok)
        .map(|(call, _)| call.as_str())
        .collect();
    assert!(
        ok > 250 && facts(&recorded.text).len() > 250,
        "{ok} ok; not: {broken:?}"
    );
}

#[test]
fn credentials_that_run_out_midway_leave_a_snapshot_that_says_so() {
    let canned = Canned {
        expires_after: Some(150),
        ..Canned::new(1)
    };
    let (url, server) = canned.serve();
    let recorded = run(&server, &Unpaced::new(&url));
    let rows = coverage(&recorded);
    let count = |status| rows.values().filter(|(s, _)| *s == status).count();
    assert!(
        count(CallStatus::Ok) > 50 && count(CallStatus::Expired) > 50,
        "{} ok, {} expired",
        count(CallStatus::Ok),
        count(CallStatus::Expired)
    );
    assert!(rows.values().any(|(_, d)| d.contains("ExpiredToken")));
}

/// Old credentials first, new ones when asked again.
#[derive(Debug, Default, Clone)]
struct Renewed(Arc<std::sync::atomic::AtomicUsize>);

impl ProvideCredentials for Renewed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let asked = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let key = if asked == 0 {
            "AKIAIOSFODNN7EXAMPLE".to_owned()
        } else {
            format!("AKIANEW{asked}")
        };
        future::ProvideCredentials::ready(Ok(Credentials::new(
            key,
            "canary-secret-key",
            None,
            None,
            "test",
        )))
    }
}

#[test]
fn credentials_that_run_out_midway_are_renewed_once() {
    let canned = Canned {
        expires_after: Some(150),
        ..Canned::new(1)
    };
    let (url, server) = canned.serve();
    let provider = Renewed::default();
    let recorded = run(
        &server,
        &Unpaced::with(&url, SharedCredentialsProvider::new(provider.clone())),
    );
    assert!(
        coverage(&recorded)
            .values()
            .all(|(status, _)| *status == CallStatus::Ok)
    );
    assert_eq!(provider.0.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[test]
fn a_throttling_storm_slows_us_and_ends() {
    let canned = Canned::new(1)
        .fault("ListQueues", Fault::Throttled(2))
        .fault("DescribeVpcs", Fault::Throttled(1_000_000));
    let (url, _server) = canned.serve();
    let home = Home::with_aws(&url);
    let text = home.must(0, &["snapshot", "--regions", "us-east-1"]);
    assert!(
        text.contains("throttled") && text.contains("ec2:DescribeVpcs in us-east-1 (Throttling"),
        "{text}"
    );
    assert!(!text.contains("ListQueues"), "{text}");
    // What an answer says in an error is shown, and cannot touch the terminal.
    assert!(
        text.contains("\\u{1b}[31m\\u{202e}") && !text.contains('\x1b'),
        "{text}"
    );
}

#[test]
fn control_c_leaves_no_half_snapshot() {
    let canned = Canned {
        delay: std::time::Duration::from_millis(100),
        ..Canned::new(3)
    };
    let (url, server) = canned.serve();
    let home = Home::with_aws(&url);
    let child = home
        .command(&["snapshot"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while server.calls.load(std::sync::atomic::Ordering::SeqCst) < 60 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(child.id().try_into().unwrap()),
        nix::sys::signal::Signal::SIGINT,
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("stopped; what was being read was not stored")
    );
    // The log was begun, for its key hides values that may be secret. It holds nothing.
    assert!(!home.path("bartizan-store/snapshots").exists());
    assert!(
        home.must(0, &["verify", "evidence"])
            .contains("0 entries, 0 snapshots")
    );
}

#[test]
fn accounts_that_cannot_be_reached_are_gaps_in_the_log() {
    // The canned server knows no AssumeRole: it hangs up.
    let (url, _server) = Canned::new(1).serve();
    let home = Home::with_aws(&url);
    let roles = [
        "arn:aws:iam::222222222222:role/x",
        "arn:aws:iam::333333333333:role/x",
    ];
    let said = home.fails(
        1,
        &["snapshot", "--role-arn", roles[0], "--role-arn", roles[1]],
    );
    assert!(
        said.contains("no account could be read; the gap is in the log"),
        "{said}"
    );
    let text = home.must(0, &["verify", "evidence"]);
    assert!(
        text.contains("2 entries, 0 snapshots")
            && text.contains("account 222222222222: ")
            && text.contains("account 333333333333: "),
        "{text}"
    );
    // Alone, it is an error, and nothing is written.
    assert!(
        home.fails(1, &["snapshot", "--role-arn", roles[0]])
            .contains("AWS cannot be reached")
    );
    assert_eq!(home.must(0, &["verify", "evidence"]), text);
}

#[test]
fn several_accounts_are_read_and_each_has_its_own_history() {
    let Some(venv) = crate::common::venv("BARTIZAN_VENV") else {
        return;
    };
    let port = crate::common::free_port();
    let mut command = std::process::Command::new(venv.join("bin/moto_server"));
    command
        .args(["-p", &port.to_string()])
        .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false");
    let moto = crate::common::Server::start(command, port);
    let home = Home::with_aws(&moto.url);
    let roles = [
        "arn:aws:iam::222222222222:role/x",
        "arn:aws:iam::444444444444:role/z",
    ];
    let args = [
        "snapshot",
        "--regions",
        "us-east-1",
        "--external-id",
        "q",
        "--role-arn",
        roles[0],
        "--role-arn",
        roles[1],
    ];
    let text = home.must(0, &args);
    assert!(
        text.contains("snapshot 0  account 222222222222")
            && text.contains("snapshot 1  account 444444444444"),
        "{text}"
    );
    home.must(11, &[args.as_slice(), &["--require-complete"]].concat());
    let text = home.must(0, &["diff"]);
    assert!(text.contains("account 222222222222 · 0 → 2"), "{text}");
    assert!(text.contains("account 444444444444 · 1 → 3"), "{text}");
}
