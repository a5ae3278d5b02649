//! Findings of other systems: samples in the shapes that their makers document.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails should panic, and says what it saw"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bartizan_model::{Severity, Stage};
use bartizan_sensors::{SensorFinding, SensorPlace, SensorProblemKind, SensorReader, SensorReport};

fn samples(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    files
}

fn read(files: &[PathBuf]) -> SensorReport {
    let mut reader = SensorReader::default();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        reader.add(name, &std::fs::read(file).unwrap(), &SensorPlace::default());
    }
    reader.finish()
}

fn of<'a>(report: &'a SensorReport, rule: &str) -> &'a SensorFinding {
    let found = report.findings.iter().find(|f| f.finding.rule == rule);
    found.unwrap_or_else(|| {
        let rules: Vec<&str> = report
            .findings
            .iter()
            .map(|f| f.finding.rule.as_str())
            .collect();
        panic!("{rule} is not among {rules:?}")
    })
}

#[test]
fn each_system_is_read_as_its_maker_documents_it() {
    let report = read(&samples("joins"));
    assert_eq!(report.findings.len(), 6);
    assert_eq!(
        (report.problem_count, report.other_count),
        (1, 1),
        "{:?}",
        report.problems
    );
    assert_eq!(report.problems[0].kind, SensorProblemKind::NoRow);
    for (rule, severity, stage, first, count) in [
        (
            "sensor-guardduty-UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
            Severity::Medium,
            Stage::Gain,
            "2026-03-11T02:19:07Z",
            4,
        ),
        (
            "sensor-guardduty-CryptoCurrency:EC2/BitcoinTool.B-DNS",
            Severity::High,
            Stage::Steal,
            "2026-03-11T04:40:00Z",
            120,
        ),
        (
            "sensor-securityhub-Effects/Resource-Consumption/UnusualFleet",
            Severity::High,
            Stage::Steal,
            "2026-03-11T04:18:08Z",
            1,
        ),
        (
            "sensor-securityhub-TTPs/Credential-Access/SecretsRead",
            Severity::High,
            Stage::Gain,
            "2026-03-11T03:56:00Z",
            1,
        ),
        (
            "sensor-suricata-1:2024364",
            Severity::Medium,
            Stage::Gain,
            "2026-03-11T03:57:01Z",
            2,
        ),
        (
            "sensor-zeek-SSH::Password_Guessing",
            Severity::Medium,
            Stage::Gain,
            "2026-03-11T04:35:00Z",
            1,
        ),
    ] {
        let found = &of(&report, rule).finding;
        let is = (
            found.severity,
            found.stage,
            found.first_time.as_deref(),
            found.count,
        );
        assert_eq!(is, (severity, stage, Some(first), count), "{rule}");
        assert_eq!(found.evidence.len(), 1);
        assert!(!found.show.is_empty());
    }
    let key = of(
        &report,
        "sensor-guardduty-UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
    );
    assert_eq!(
        key.subject.access_keys,
        BTreeSet::from(["AKIAHEISTCIDEPLOY77".to_owned()])
    );
    let user = "arn:aws:iam::111122223333:user/ci-deploy".to_owned();
    assert_eq!(key.subject.principals, BTreeSet::from([user]));
    let actor = key.finding.actor.as_ref().unwrap();
    assert_eq!(actor.source_ip.as_deref(), Some("198.51.100.23"));
    let miner = of(
        &report,
        "sensor-guardduty-CryptoCurrency:EC2/BitcoinTool.B-DNS",
    );
    assert_eq!(miner.finding.resources, ["i-0b86314c0b3248d0e"]);
    assert_eq!(miner.subject.instances.len(), 1);
    let fleet = of(
        &report,
        "sensor-securityhub-Effects/Resource-Consumption/UnusualFleet",
    );
    assert!(fleet.subject.access_keys.contains("ASIAFR4KCSHZAOVKIFMQ"));
    assert_eq!(fleet.finding.because, ["Stop the instances."]);
}

#[test]
fn order_and_repetition_of_files_change_nothing() {
    let mut files = [samples("joins"), samples("apart")].concat();
    let once = read(&files);
    files.reverse();
    let backwards = read(&files);
    assert_eq!(once.findings, backwards.findings);
    let twice = read(&[files.clone(), files].concat());
    assert_eq!(once.findings, twice.findings);
}

#[test]
fn a_type_that_nobody_placed_is_for_the_record() {
    let report = read(&samples("apart"));
    let novel = of(&report, "sensor-guardduty-Novelty:EC2/NobodyKnows");
    assert_eq!(
        (novel.finding.severity, novel.finding.stage),
        (Severity::Info, Stage::Hygiene)
    );
    assert_eq!(report.unknown_types["guardduty Novelty:EC2/NobodyKnows"], 1);
    // Addresses of our own side are not the intruder's.
    let local = of(&report, "sensor-guardduty-Backdoor:EC2/C-CActivity.B");
    let addresses: Vec<String> = local
        .subject
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(addresses, ["192.0.2.77"]);
}

#[test]
fn the_other_aws_sensors_are_read() {
    let mut reader = SensorReader::default();
    let text = r#"
{"schemaVersion":"1.0","id":"m1","accountId":"111122223333","region":"us-east-1","type":"Policy:IAMUser/S3BucketSharedExternally","title":"t","description":"d","severity":{"score":3,"description":"High"},"createdAt":"2026-03-11T03:00:00Z","updatedAt":"2026-03-11T03:00:00Z","count":1,"category":"POLICY","resourcesAffected":{"s3Bucket":{"arn":"arn:aws:s3:::b","name":"b"}},"policyDetails":{"actor":{"userIdentity":{"type":"IAMUser","iamUser":{"arn":"arn:aws:iam::111122223333:user/eve","accessKeyId":"AKIAEVE"}},"ipAddressDetails":{"ipAddressV4":"192.0.2.9"}}}}
{"awsAccountId":"111122223333","findingArn":"arn:aws:inspector2:us-east-1:111122223333:finding/f1","type":"PACKAGE_VULNERABILITY","severity":"CRITICAL","status":"ACTIVE","title":"CVE-2021-44228","description":"d","firstObservedAt":"2026-03-11T03:00:00Z","lastObservedAt":"2026-03-11T03:00:00Z","resources":[{"id":"i-0123456789abcdef0","type":"AWS_EC2_INSTANCE","region":"us-east-1"}]}
{"version":"0","detail-type":"Access Analyzer Finding","source":"aws.access-analyzer","account":"111122223333","time":"2026-03-11T03:00:00Z","region":"us-east-1","detail":{"version":"1.0","id":"x1","status":"ACTIVE","resourceType":"AWS::S3::Bucket","resource":"arn:aws:s3:::b","createdAt":"2026-03-11T03:00:00Z","analyzedAt":"2026-03-11T03:00:00Z","updatedAt":"2026-03-11T03:00:00Z","accountId":"111122223333","region":"us-east-1","principal":{"AWS":"*"},"action":["s3:GetObject"],"condition":{},"isDeleted":false,"isPublic":true}}
{"version":"0","detail-type":"Anomaly Detected","source":"aws.ce","account":"111122223333","time":"2026-03-11T03:00:00Z","region":"us-east-1","detail":{"anomalyId":"c1","anomalyStartDate":"2026-03-10T00:00:00Z","anomalyEndDate":"2026-03-11T00:00:00Z","impact":{"maxImpact":1200.0,"totalImpact":2359.3},"rootCauses":[{"linkedAccount":"111122223333","region":"sa-east-1","service":"Amazon EC2","usageType":"SAE1-BoxUsage:p4d"}]}}
{"ts":1773203700.5,"uid":"C1","id.orig_h":"192.0.2.4","id.resp_h":"10.0.0.1","note":"Scan::Port_Scan","msg":"m"}
"#;
    reader.add("mixed.jsonl", text.as_bytes(), &SensorPlace::default());
    let report = reader.finish();
    assert_eq!(report.problems, []);
    for (rule, severity) in [
        (
            "sensor-macie-Policy:IAMUser/S3BucketSharedExternally",
            Severity::High,
        ),
        ("sensor-inspector-PACKAGE_VULNERABILITY", Severity::Critical),
        ("sensor-access-analyzer-ExternalAccess", Severity::High),
        ("sensor-cost-anomaly-Anomaly", Severity::High),
        ("sensor-zeek-Scan::Port_Scan", Severity::Low),
    ] {
        assert_eq!(of(&report, rule).finding.severity, severity, "{rule}");
    }
    let macie = of(
        &report,
        "sensor-macie-Policy:IAMUser/S3BucketSharedExternally",
    );
    assert!(macie.subject.access_keys.contains("AKIAEVE"));
}

/// Real events of EventBridge, where they are at hand.
#[test]
fn real_findings_are_read() {
    let shared = std::env::var_os("BARTIZAN_SHARED").map(PathBuf::from);
    let folder = shared.map(|s| s.join("data/cloudtrail/eventbridge"));
    let Some(folder) = folder.filter(|f| f.exists()) else {
        eprintln!("skipped: eventbridge samples are absent (set BARTIZAN_SHARED)");
        return;
    };
    let real = |name: &str| folder.join(name);
    let report = read(&[
        real("ec2-duty-event.json"),
        real("iam-duty-event.json"),
        real("event-securityhub-iamkey-finding-action.json"),
        real("event-securityhub-cloudtrail-finding-action.json"),
        real("event-securityhub-lambda-cross.json"),
    ]);
    assert_eq!(report.problems, []);
    let rules: Vec<&str> = report
        .findings
        .iter()
        .map(|f| f.finding.rule.as_str())
        .collect();
    assert_eq!(rules.len(), 5, "{rules:?}");
    assert!(
        report
            .findings
            .iter()
            .all(|f| f.finding.last_time.is_some())
    );
    let login = "sensor-guardduty-UnauthorizedAccess:IAMUser-ConsoleLogin";
    let addresses = &of(&report, login).subject.addresses;
    assert!(addresses.contains(&"208.115.85.104".parse().unwrap()));
    // A state change of an instance is no finding.
    let other = read(&[real("event-instance-state.json")]);
    assert_eq!(other.problems[0].kind, SensorProblemKind::UnknownShape);
}

#[test]
fn hostile_text_is_bounded_and_counted() {
    let mut reader = SensorReader::default();
    let long = "x".repeat(100_000);
    let deep = "[".repeat(100_000);
    let place = SensorPlace::default();
    let text = format!(
        "{{\"service\":{{}},\"severity\":9,\"type\":\"Impact:{long}\",\"resource\":{{}},\
        \"id\":\"{long}\",\"updatedAt\":\"9999999-01-01\",\"title\":\"{long}\"}}\n{deep}\nnull\n\
        {{\"event_type\":\"alert\",\"timestamp\":1}}\n"
    );
    reader.add("f", text.as_bytes(), &place);
    reader.add("g", &[0xff, 0xfe, 0x00], &place);
    reader.add("h", b"#fields\ta\tb\n1\n", &place);
    let report = reader.finish();
    let kinds: Vec<SensorProblemKind> = report.problems.iter().map(|p| p.kind).collect();
    for kind in [
        SensorProblemKind::NoTime,
        SensorProblemKind::NotJson,
        SensorProblemKind::UnknownShape,
        SensorProblemKind::NoId,
        SensorProblemKind::NoRow,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} is not in {kinds:?}");
    }
    let text = serde_json::to_string(&report.findings[0].finding).unwrap();
    assert!(text.len() < 8192, "{}", text.len());
}
