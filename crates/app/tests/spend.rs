//! `bartizan spend`: the bill of the example, in every form of output.

use crate::common::{Home, root};

const AS_OF: [&str; 2] = ["--as-of", "2026-03-20"];

#[test]
fn the_heist_is_on_the_bill() {
    let (home, bill) = (Home::new(), root().join("examples/heist/bill"));
    let bill = bill.to_str().unwrap();
    let base = ["spend", bill, AS_OF[0], AS_OF[1]];
    let human = home.must(0, &base);
    assert!(
        human.starts_with("LOOK NOW  1 high or critical finding\n"),
        "{human}"
    );
    assert!(human.contains("ap-south-1"), "{human}");
    assert!(
        human.contains("aws ec2 describe-instances --region ap-south-1"),
        "{human}"
    );
    let json = home.json(&base);
    let finding = &json["findings"][0];
    assert_eq!(finding["rule"], "spend-new-region");
    assert_eq!(finding["severity"], "critical");
    assert_eq!(finding["account"], "111122223333");
    assert_eq!(finding["evidence"][0]["kind"], "cost");
    assert_eq!(finding["evidence"][0]["amount"], "612.40 USD");
    home.must(10, &[&base[..], &["--fail-on", "high"]].concat());
    for format in ["ndjson", "ocsf", "csv"] {
        let text = home.must(0, &[&base[..], &["--format", format]].concat());
        assert!(
            text.contains("612.40 USD on 2026-03-11"),
            "{format}: {text}"
        );
    }
    let announced = home.must(0, &[&base[..], &["--announced", "ap-south-1"]].concat());
    assert!(announced.starts_with("QUIET"), "{announced}");
}

#[test]
fn sums_and_a_ladder_are_printed() {
    let home = Home::new();
    let mut text = "line_item_usage_start_date,line_item_unblended_cost,\
                    line_item_usage_account_id,line_item_product_code,line_item_usage_type\n"
        .to_owned();
    for day in 1..=31 {
        text += &format!("2026-01-{day:02},10,111122223333,AmazonEC2,EU-BoxUsage:m5.large\n");
    }
    std::fs::write(home.path("bill.csv"), text).unwrap();
    let summary = home.must(0, &["spend", "bill.csv", "--summary"]);
    assert!(summary.contains("eu-west-1"), "{summary}");
    assert!(summary.contains("310.00"), "{summary}");
    let commands = home.must(0, &["spend", "ladder", "bill.csv"]);
    assert_eq!(commands.lines().count(), 10, "{commands}");
    assert!(
        commands
            .lines()
            .all(|l| l.starts_with("aws cloudwatch put-metric-alarm --region us-east-1"))
    );
    let terraform = home.must(0, &["spend", "ladder", "bill.csv", "--form", "terraform"]);
    assert_eq!(
        terraform
            .matches("resource \"aws_cloudwatch_metric_alarm\"")
            .count(),
        10
    );
    let stack = home.must(
        0,
        &["spend", "ladder", "bill.csv", "--form", "cloudformation"],
    );
    let stack: serde_json::Value = serde_json::from_str(&stack).unwrap();
    assert_eq!(stack["Resources"].as_object().unwrap().len(), 10);
}

#[test]
fn what_could_not_be_read_is_no_all_clear() {
    let home = Home::new();
    std::fs::write(home.path("a.txt"), "nothing of the kind\n").unwrap();
    let text = home.must(1, &["spend", "a.txt"]);
    assert!(text.starts_with("CANNOT TELL"), "{text}");
    home.must(11, &["spend", "a.txt", "--require-complete"]);
}
