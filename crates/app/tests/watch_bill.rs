//! The bill as part of a watch: in the story of an incident, told once, and never quiet where it
//! could not be read.

use std::fs;

use serde_json::Value;

use crate::common::Home;
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

    // A correction that makes it small, and takes it back: known. One that takes it away: said once.
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
    deliver(&home, &with("1.60"));
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
