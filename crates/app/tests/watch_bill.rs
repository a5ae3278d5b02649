//! The bill as part of a watch: in the story of an incident, reported once, and never quiet where
//! it could not be read.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::{Home, root, venv};
use crate::watch::home_with;

const BILL: &str = "in/bill/2026-03.csv";

fn watch(home: &Home) -> Value {
    home.json(&["watch", "--once", "in"])
}

/// Findings of the bill.
fn of_bill(told: &Value) -> Vec<&Value> {
    let findings = told["findings"].as_array().unwrap().iter();
    findings
        .filter(|f| f["rule"].as_str().unwrap().starts_with("spend-"))
        .collect()
}

/// News of the bill, by the rule of their finding.
fn news(told: &Value) -> Vec<String> {
    let rule = |id: &Value| {
        let of_id = told["findings"].as_array().unwrap().iter();
        let finding = of_id.into_iter().find(|f| f["id"] == *id);
        finding
            .map_or("?", |f| f["rule"].as_str().unwrap())
            .to_owned()
    };
    let all = told["bill"]["news"].as_array().unwrap().iter();
    all.map(|n| format!("{} {}", n["news"].as_str().unwrap(), rule(&n["finding"])))
        .collect()
}

fn bill_of(home: &Home) -> String {
    fs::read_to_string(home.path(BILL)).unwrap()
}

/// Writes the bill again, as a delivery does.
fn deliver(home: &Home, text: &str) {
    fs::write(home.path(BILL), text).unwrap();
}

#[test]
fn the_heist_has_its_bill_and_its_twin_has_none() {
    let home = home_with("heist");
    let told = watch(&home);
    let spend = of_bill(&told);
    assert_eq!(spend.len(), 1, "{spend:#?}");
    assert_eq!(spend[0]["rule"], "spend-new-region");
    assert_eq!(spend[0]["region"], "ap-south-1");
    assert_eq!(
        spend[0]["attack"],
        serde_json::json!(["T1496.001", "T1535"])
    );
    let incidents = told["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1);
    let ids = incidents[0]["findings"].as_array().unwrap();
    assert!(ids.contains(&spend[0]["id"]), "{ids:?}");
    assert!(
        incidents[0]["headline"]
            .as_str()
            .unwrap()
            .contains("ran up the bill"),
        "{}",
        incidents[0]["headline"]
    );
    let bill: Vec<&str> = incidents[0]["bill"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_str().unwrap())
        .collect();
    assert!(
        bill[0].contains("612.40 USD") && bill[0].contains("ec2:RunInstances there at"),
        "{bill:?}"
    );
    assert!(
        bill[1].starts_with("AWSCloudTrail is billed every day")
            && bill[1].contains("cloudtrail:StopLogging succeeded at 2026-03-11T02:31:07Z"),
        "{bill:?}"
    );
    let human = home.must(0, &["watch", "--once", "in"]);
    assert!(
        human.contains("    day    steal     Spend in a region"),
        "{human}"
    );
    assert!(
        human.contains("bill      57 charges · 1 file · 2026-03-01 → 2026-03-14"),
        "{human}"
    );

    home.must(0, &["report", "-o", "report.html"]);
    let report = fs::read_to_string(home.path("report.html")).unwrap();
    for part in [
        "<h3>The bill</h3>",
        "cost of each day, with what a day usually costs",
        "2026-03-11: 612.40 USD; usually 0.00 USD a day; 612.40 USD extra so far",
        "<section id=\"bill\">",
        "ap-south-1, 2026-03",
        "month to date and the month before, with the steps of the ladder",
    ] {
        assert!(report.contains(part), "{part}");
    }

    let quiet = watch(&home_with("quiet"));
    assert!(of_bill(&quiet).is_empty());
    assert_eq!(quiet["bill"]["charges"], 56);
}

/// The incident is the same with the bill as without it, and has the bill's finding beside.
#[test]
fn the_bill_adds_to_the_incident_and_does_not_rename_it() {
    let (with, without) = (home_with("heist"), home_with("heist"));
    fs::remove_dir_all(without.path("in/bill")).unwrap();
    let (with, without) = (watch(&with), watch(&without));
    assert_eq!(with["incidents"][0]["id"], without["incidents"][0]["id"]);
    let count = |told: &Value| told["incidents"][0]["findings"].as_array().unwrap().len();
    assert_eq!(count(&with), count(&without) + 1);
    assert!(without["bill"].is_null());
}

#[test]
fn a_delivery_tells_nothing_twice() {
    let home = home_with("heist");
    assert_eq!(news(&watch(&home)), ["new spend-new-region"]);
    let again = watch(&home);
    assert_eq!(
        (again["new"].as_bool(), news(&again).len()),
        (Some(false), 1)
    );
    let bill = bill_of(&home);

    // The same charges, delivered again in another order.
    let (head, rows) = bill.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    deliver(&home, &format!("{head}\n{}\n", rows.join("\n")));
    let same = watch(&home);
    assert_eq!(same["new"], true);
    assert_eq!(news(&same), ["known spend-new-region"]);
    assert_eq!(same["incidents"], again["incidents"]);

    // A correction that makes it small: known. One that takes it away: said once.
    deliver(&home, &bill.replace(",612.40", ",2.40"));
    assert_eq!(news(&watch(&home)), ["known spend-new-region"]);
    let day = |l: &&str| !l.contains("ap-south-1");
    let without: String = bill.lines().filter(day).map(|l| format!("{l}\n")).collect();
    deliver(&home, &without);
    assert_eq!(news(&watch(&home)), ["gone ?"]);
    deliver(&home, &format!("{without}\n"));
    assert!(news(&watch(&home)).is_empty());
    deliver(&home, &bill);
    assert_eq!(news(&watch(&home)), ["known spend-new-region"]);
}

#[test]
fn a_finding_that_grows_is_told_again_once() {
    let home = home_with("quiet");
    let bill = bill_of(&home);
    let with = |cost: &str| {
        let row = format!("111122223333,2026-03-12,AmazonEC2,ap-south-1,BoxUsage:m5.large,{cost}");
        format!("{bill}{row}\n")
    };
    deliver(&home, &with("1.10"));
    assert_eq!(news(&watch(&home)), ["new spend-new-region"]);
    deliver(&home, &with("60.00"));
    assert_eq!(news(&watch(&home)), ["escalated spend-new-region"]);
    deliver(&home, &with("61.00"));
    assert_eq!(news(&watch(&home)), ["known spend-new-region"]);
}

/// Spend that no call explains is an incident of its own, and says so.
#[test]
fn spend_without_calls_is_told_alone() {
    let home = home_with("quiet");
    let bill = bill_of(&home);
    let row = "111122223333,2026-03-12,AmazonEC2,ap-south-1,APS3-BoxUsage:p4d.24xlarge,700.00";
    deliver(&home, &format!("{bill}{row}\n"));
    let told = watch(&home);
    let incidents = told["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1);
    assert!(incidents[0]["actor"].as_array().unwrap().is_empty());
    let headline = incidents[0]["headline"].as_str().unwrap();
    assert!(
        headline.ends_with("no CloudTrail event explains it"),
        "{headline}"
    );
    let human = home.must(0, &["watch", "--once", "in"]);
    assert!(human.contains("LOOK NOW  1 incident"), "{human}");
}

#[test]
fn an_unreadable_bill_is_unknown_and_not_quiet() {
    let home = home_with("quiet");
    let bill = bill_of(&home);
    deliver(&home, &bill.replace(",1.13\n", ",one dollar\n"));
    let human = home.must(0, &["watch", "--once", "in"]);
    assert!(human.starts_with("CANNOT TELL"), "{human}");
    assert!(human.contains("its spend is unknown, not quiet"), "{human}");
    assert!(human.contains("the cost is not understood"), "{human}");
    home.must(11, &["watch", "--once", "in", "--require-complete"]);
    let told = watch(&home);
    assert_eq!(of_bill(&told)[0]["verdict"], "unknown");

    let other = home_with("quiet");
    deliver(&other, "nothing of the kind\n");
    let human = other.must(0, &["watch", "--once", "in"]);
    assert!(human.starts_with("CANNOT TELL"), "{human}");
    assert!(human.contains("the bill: no charge was read"), "{human}");
}

/// Instances on the bill that a complete snapshot does not show; where it was not read, nothing is
/// said.
#[test]
fn spend_that_a_complete_snapshot_does_not_show_is_hidden() {
    let hidden = |instances: Option<&str>| {
        let home = home_with("quiet");
        let mut bill = bill_of(&home);
        for day in 1..=14 {
            bill += &format!(
                "111122223333,2026-03-{day:02},AmazonEC2,us-east-1,BoxUsage:m5.large,2.30\n"
            );
        }
        deliver(&home, &bill);
        for dump in fs::read_dir(home.path("in/config")).unwrap() {
            let file = dump
                .unwrap()
                .path()
                .join("111122223333/us-east-1/ec2-describe-instances.json");
            match instances {
                Some(text) => fs::write(file, text).unwrap(),
                None => fs::remove_file(file).unwrap(),
            }
        }
        let told = watch(&home);
        of_bill(&told)
            .iter()
            .map(|f| f["summary"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let found = hidden(Some(r#"{"Reservations": []}"#));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("the snapshot of 2026-03-15 shows no ec2:instance there"));
    assert!(hidden(None).is_empty());
    let one = r#"{"Reservations": [{"Instances": [{"InstanceId": "i-0123456789abcdef0",
        "State": {"Name": "running"}}]}]}"#;
    assert!(hidden(Some(one)).is_empty());
}

/// CloudTrail that is no longer billed after the intruder stopped it.
#[test]
fn a_sensor_whose_spend_stops_is_a_second_witness() {
    let home = home_with("heist");
    let mut bill = String::from(
        "line_item_usage_account_id,line_item_usage_start_date,product_servicecode,\
         product_region_code,line_item_usage_type,line_item_unblended_cost\n",
    );
    let first = jiff::civil::date(2026, 2, 1);
    for n in 0..45 {
        let day = first.checked_add(jiff::Span::new().days(n)).unwrap();
        let row = |service: &str, usage: &str, cost: f64| {
            format!("111122223333,{day},{service},us-east-1,{usage},{cost:.2}\n")
        };
        bill += &row("AWSLambda", "Lambda-GB-Second", 5.0);
        if day < jiff::civil::date(2026, 3, 12) {
            bill += &row("AWSCloudTrail", "USE1-DataEventsRecorded", 0.5);
        }
    }
    deliver(&home, &bill);
    let told = watch(&home);
    let silent = of_bill(&told);
    assert_eq!(silent.len(), 1, "{silent:#?}");
    assert_eq!(silent[0]["rule"], "spend-sensor-silent");
    let incident = &told["incidents"][0];
    assert!(
        incident["findings"]
            .as_array()
            .unwrap()
            .contains(&silent[0]["id"])
    );
    let note = incident["bill"][0].as_str().unwrap();
    assert!(
        note.contains("second witness of cloudtrail:StopLogging at 2026-03-11T02:31:07Z"),
        "{note}"
    );
    assert_eq!(incident["bill"].as_array().unwrap().len(), 1);
}

/// The talk's slide: steps of the month that were crossed in time, early once, and early again.
#[test]
fn the_report_marks_the_ladder() {
    let home = Home::new();
    let mut bill = String::from(
        "line_item_usage_account_id,line_item_usage_start_date,product_servicecode,\
         product_region_code,line_item_usage_type,line_item_unblended_cost\n",
    );
    for (month, days) in [(1, 31), (2, 28), (3, 25)] {
        for day in 1..=days {
            let cost = if month == 3 && day > 4 { 16 } else { 10 };
            bill += &format!(
                "111122223333,2026-{month:02}-{day:02},AmazonEC2,eu-west-1,EU-BoxUsage:m5.large,{cost}\n"
            );
        }
    }
    fs::create_dir_all(home.path("in/bill")).unwrap();
    deliver(&home, &bill);
    home.must(0, &["watch", "--once", "in", "--report", "report.html"]);
    let report = fs::read_to_string(home.path("report.html")).unwrap();
    for part in [
        "everything, 2026-03 <span class=\"word critical\">Uh-Oh</span>",
        "<span class=\"word good\">OK</span>",
        "<span class=\"word medium\">Hmm</span>",
        "376.00 USD in 25 days; the month before stood at 250.00 USD",
    ] {
        assert!(report.contains(part), "{part}");
    }
}

/// Against moto: CloudWatch's estimate and presets of Cost Explorer, by `spend` and by `watch`.
#[test]
fn the_bill_live() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = crate::live::moto(&venv);
    let home = Home::with_aws(&moto.url);
    let today = jiff::Timestamp::now().to_string();
    let seeded = Command::new(venv.join("bin/python"))
        .arg(root().join("crates/app/tests/live/seed_bill.py"))
        .args([&moto.url, &today[..10]])
        .status();
    assert!(seeded.unwrap().success());

    // CloudWatch has no regions: the service rose.
    let told = home.json(&["spend", "--live"]);
    assert_eq!(told["findings"][0]["rule"], "spend-rise");
    assert_eq!(told["problems"]["count"], 0);
    assert!(told["rows"].as_u64().unwrap() > 500, "{}", told["rows"]);

    // Cost Explorer says where, for a price that is said before.
    let out = home.run(&[
        "spend",
        "--live",
        "--cost-explorer",
        "4",
        "--format",
        "json",
    ]);
    let talk = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        talk.contains("at most 4 requests at 0.01 USD, up to 0.04 USD"),
        "{talk}"
    );
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(told["findings"][0]["rule"], "spend-new-region");
    assert_eq!(told["findings"][0]["region"], "ap-south-1");
    assert_eq!(told["findings"][0]["account"], "123456789012");

    // A cap that is too low leaves the rest unknown.
    let text = home.must(
        11,
        &[
            "spend",
            "--live",
            "--cost-explorer",
            "1",
            "--require-complete",
        ],
    );
    assert!(
        text.contains("UNKNOWN  ce:GetCostAndUsage by account-service"),
        "{text}"
    );

    fs::write(
        home.path("bartizan.toml"),
        "[spend]\nlive = true\ncost_explorer_requests = 4\n",
    )
    .unwrap();
    let told = home.json(&["watch", "--once"]);
    let loud = of_bill(&told)
        .iter()
        .any(|f| f["rule"] == "spend-new-region" && f["severity"] == "critical");
    assert!(loud, "{:#?}", told["findings"]);
    assert!(news(&told).contains(&"new spend-new-region".to_owned()));
    let again = home.json(&["watch", "--once"]);
    assert_eq!(again["new"], false);
}

#[test]
fn the_ladder_is_compared_with_the_alarms_that_exist() {
    let home = Home::new();
    let mut bill = String::from(
        "line_item_usage_start_date,line_item_unblended_cost,line_item_usage_account_id,\
         line_item_product_code,line_item_usage_type\n",
    );
    for day in 1..=31 {
        bill += &format!("2026-01-{day:02},10,111122223333,AmazonEC2,BoxUsage:m5.large\n");
    }
    fs::write(home.path("bill.csv"), bill).unwrap();
    let dump = home.path("dump/111122223333/us-east-1");
    fs::create_dir_all(&dump).unwrap();
    let alarm = |name: &str, service: Option<&str>, threshold: u32, actions: &[&str]| {
        let mut dimensions = vec![serde_json::json!({"Name": "Currency", "Value": "USD"})];
        dimensions.extend(service.map(|s| serde_json::json!({"Name": "ServiceName", "Value": s})));
        serde_json::json!({"AlarmName": name, "Namespace": "AWS/Billing",
            "MetricName": "EstimatedCharges", "Dimensions": dimensions, "Threshold": threshold,
            "ActionsEnabled": true, "AlarmActions": actions})
    };
    let topic = ["arn:aws:sns:us-east-1:111122223333:billing"];
    let alarms = serde_json::json!({"CompositeAlarms": [], "MetricAlarms": [
        alarm("whole", None, 310, &topic),
        alarm("ec2", Some("AmazonEC2"), 390, &[]),
    ]});
    let write = |name: &str, text: String| fs::write(dump.join(name), text).unwrap();
    write("cloudwatch-describe-alarms.json", alarms.to_string());
    write(
        "budgets-describe-budgets.json",
        r#"{"Budgets": []}"#.to_owned(),
    );
    write(
        "ce-get-anomaly-monitors.json",
        r#"{"AnomalyMonitors": []}"#.to_owned(),
    );
    let args = ["spend", "ladder", "bill.csv", "--check", "--on", "dump"];
    let text = home.must(0, &args);
    assert!(
        text.starts_with("MISSING  8 of 10 alarms; 1 tell nobody\n"),
        "{text}"
    );
    assert!(text.contains("0 budgets · 0 anomaly monitors"), "{text}");
    assert_eq!(
        text.matches("aws cloudwatch put-metric-alarm").count(),
        9,
        "{text}"
    );
    let json = home.json(&args);
    let of = |verdict: &str| {
        let alarms = json["alarms"].as_array().unwrap().iter();
        let found = alarms.filter(|a| a["verdict"] == verdict);
        found
            .map(|a| a["by"].as_str().unwrap_or("-").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("there"), ["whole"]);
    assert_eq!(of("silent"), ["ec2"]);

    fs::remove_file(dump.join("cloudwatch-describe-alarms.json")).unwrap();
    let text = home.must(1, &args);
    assert!(text.starts_with("CANNOT TELL"), "{text}");
    assert!(
        text.contains("not read  cloudwatch:alarm of account 111122223333"),
        "{text}"
    );
}
