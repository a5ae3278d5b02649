//! Odd files: what is read of them, and what is named.

use std::io::Write;

use bartizan_spend::{BillProblemKind, BillReader, ChargeKind, Ledger, amount, day_text};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::bills;
use crate::made_bills::shared;

fn read(texts: &[&[u8]]) -> Ledger {
    let mut reader = BillReader::default();
    for (n, text) in texts.iter().enumerate() {
        reader.read(&format!("file-{n}"), &mut &text[..]);
    }
    reader.finish()
}

fn total(ledger: &Ledger) -> String {
    ledger
        .costs()
        .map(|(_, d)| d.cost)
        .sum::<Decimal>()
        .normalize()
        .to_string()
}

fn kinds(ledger: &Ledger) -> Vec<(u64, BillProblemKind)> {
    ledger
        .problems
        .first
        .iter()
        .map(|p| (p.line, p.kind))
        .collect()
}

const HEAD: &str = "line_item_usage_start_date,line_item_unblended_cost,line_item_usage_account_id,\
                    line_item_product_code,line_item_usage_type,line_item_line_item_type\n";

#[test]
fn the_odd_lines_of_a_bill_are_summed() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/faults/35-odd-lines-of-a-bill");
    for name in ["cur2.csv", "cur1.csv.gz", "cur2-columns-moved.csv"] {
        let mut reader = BillReader::default();
        reader.read(name, &mut std::fs::File::open(folder.join(name)).unwrap());
        let ledger = reader.finish();
        assert_eq!((ledger.rows(), ledger.problems.count), (11, 0), "{name}");
        assert_eq!(total(&ledger), "2467.35000012", "{name}");
        let days: Vec<(String, String)> = bills::totals_by_day(&ledger)
            .into_iter()
            .map(|(day, sum)| (day, sum.to_string()))
            .collect();
        let wanted = [
            ("2026-03-01", "99.8"),
            ("2026-03-05", "-1.25"),
            ("2026-03-10", "9.50000012"),
            ("2026-03-11", "2359.3"),
        ];
        assert_eq!(
            days,
            wanted.map(|(d, s)| (d.to_owned(), s.to_owned())),
            "{name}"
        );
        let regionless = ledger
            .costs()
            .filter(|(l, _)| l.region == Some("global"))
            .count();
        assert!(regionless >= 6, "{name}: lines without a region are kept");
    }
}

#[test]
fn public_samples_are_read_whole() {
    let Some(shared) = shared() else { return };
    let mut reader = BillReader::default();
    let focus = shared.join("data/spend/focus/focus_sample.csv");
    reader.read("focus", &mut std::fs::File::open(focus).unwrap());
    let ledger = reader.finish();
    // The sums of the file's own text: 942 rows of AWS, 58 of other clouds.
    assert_eq!((ledger.files[0].rows, ledger.files[0].left_out), (942, 58));
    assert_eq!(total(&ledger), "18.0066386184");
    let mut reader = BillReader::default();
    let cur = shared.join("data/spend/cur/june-2026-sample.csv");
    reader.read("cur", &mut std::fs::File::open(cur).unwrap());
    let ledger = reader.finish();
    assert_eq!((ledger.rows(), ledger.problems.count), (5000, 0));
    assert_eq!(total(&ledger), "128078.7407522437687990271");
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    let text = format!(
        "\u{feff}{HEAD}2026-03-10T00:00:00Z,1.50,111122223333,AmazonEC2,BoxUsage:t3.medium,Usage\r\n\
         2026-03-10T01:00:00Z,\"2\",111122223333\n\
         yesterday,3,111122223333,AmazonEC2,BoxUsage:t3.medium,Usage\n\
         {HEAD}\
         3/11/2026,NULL,111122223333,AmazonEC2,BoxUsage:t3.medium,Usage\n\
         3/11/2026,\"1,000.25\",1.11122E+11,AmazonEC2,BoxUsage:t3.medium,Usage\n\
         3/11/2026,\"1,000.25\",111122223333,AmazonEC2,\"BoxUsage:\nt3.medium\",Usage\n"
    );
    let ledger = read(&[text.as_bytes()]);
    assert_eq!(total(&ledger), "1001.75");
    assert_eq!(
        kinds(&ledger),
        [
            (3, BillProblemKind::CutRow),
            (4, BillProblemKind::Date),
            (6, BillProblemKind::Cost),
            (7, BillProblemKind::Account),
        ]
    );
    assert_eq!((ledger.files[0].rows, ledger.files[0].left_out), (2, 1));
    let unread: Vec<&str> = ledger.unread.iter().map(|u| u.period.as_str()).collect();
    assert_eq!(
        unread,
        ["2026-03"],
        "a month of which rows are missing is unknown"
    );
}

#[test]
fn a_half_written_file_leaves_its_month_unknown() {
    let rows: String = (0..2000)
        .map(|n| {
            format!(
                "2026-03-{:02},1,111122223333,AmazonEC2,Box{n},Usage\n",
                n % 28 + 1
            )
        })
        .collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(format!("{HEAD}{rows}").as_bytes())
        .unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(total(&read(&[&packed])), "2000");
    let ledger = read(&[&packed[..packed.len() - 20]]);
    assert!(
        ledger.unread.iter().any(|u| u.period == "2026-03"),
        "{:?}",
        ledger.unread
    );
    let found = bartizan_spend::judge(&ledger, &bartizan_spend::JudgeOptions::default());
    assert!(found.iter().any(|f| f.finding.rule == "spend-unread"));
}

#[test]
fn other_separators_and_line_ends_are_read() {
    let wanted = "7.25";
    for (separator, end) in [(';', "\n"), ('\t', "\r\n"), ('|', "\r"), (',', "\n\r\n")] {
        let text =
            format!("{HEAD}2026-03-10,3,1,A,B,Usage\n2026-03-11 05:00:00,4.25,1,A,B,Usage\n");
        let text = text.replace(',', &separator.to_string()).replace('\n', end);
        assert_eq!(
            total(&read(&[text.as_bytes()])),
            wanted,
            "{separator:?} {end:?}"
        );
    }
}

#[test]
fn metrics_become_days() {
    let queries = br#"[{"Id":"m0","MetricStat":{"Metric":{"Dimensions":[
        {"Name":"ServiceName","Value":"AmazonEC2"},{"Name":"Currency","Value":"USD"}]}}}]"#;
    let data = br#"{"MetricDataResults":[{"Id":"m0","Label":"EstimatedCharges","Timestamps":
        ["2026-03-01T12:00:00Z","2026-03-02T00:00:00Z","2026-03-03T00:00:00Z",
        "2026-04-01T00:00:00Z","2026-04-01T18:00:00Z"],"Values":[5.5,10,25.25,90,3]}]}"#;
    for order in [[&queries[..], data], [&data[..], queries]] {
        let ledger = read(&order);
        let days: Vec<(String, String)> = ledger
            .costs()
            .map(|(_, d)| (day_text(d.day), d.cost.normalize().to_string()))
            .collect();
        let wanted = [
            ("2026-03-01", "10"),
            ("2026-03-02", "15.25"),
            ("2026-03-31", "64.75"),
            ("2026-04-01", "3"),
        ];
        assert_eq!(days, wanted.map(|(d, s)| (d.to_owned(), s.to_owned())));
    }
    assert_eq!(kinds(&read(&[data])), [(0, BillProblemKind::UnnamedMetric)]);
}

#[test]
fn anomalies_and_budgets_are_findings() {
    let anomalies = br#"{"Anomalies":[{"AnomalyId":"a-1","AnomalyStartDate":"2026-03-10T00:00:00Z",
        "RootCauses":[{"Service":"Amazon Elastic Compute Cloud - Compute","Region":"ap-south-1",
        "LinkedAccount":"111122223333","UsageType":"APS3-BoxUsage:p4d.24xlarge"}],
        "Impact":{"TotalImpact":786.5}}]}"#;
    let budget = br#"{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:111122223333:b",
        "Message":"Dear customer\nBudget Name: all\nBudgeted Amount: $200.00\nACTUAL Amount: $250.10"}"#;
    let ledger = read(&[anomalies, budget]);
    assert_eq!(ledger.reported[0].service.as_deref(), Some("AmazonEC2"));
    assert_eq!(ledger.reported[0].impact, amount(b"786.5"));
    assert_eq!(ledger.budgets[0].actual, amount(b"250.10"));
}

#[test]
fn kinds_of_charges_are_told_apart() {
    let kind = |row: &str| {
        let ledger = read(&[format!("{HEAD}{row}\n").as_bytes()]);
        ledger.costs().map(|(l, _)| l.kind).next()
    };
    for (row, wanted) in [
        (
            "2026-03-10,1,1,AmazonEC2,BoxUsage:t3.medium,Usage",
            ChargeKind::Usage,
        ),
        (
            "2026-03-10,0,1,AmazonRDS,InstanceUsage:db.t3.small,DiscountedUsage",
            ChargeKind::Covered,
        ),
        (
            "2026-03-10,-1,1,AmazonEC2,BoxUsage:t3.medium,SavingsPlanNegation",
            ChargeKind::Negation,
        ),
        ("2026-03-01,9,1,AmazonEC2,,Tax", ChargeKind::Tax),
        (
            "2026-03-01,-9,1,AmazonEC2,,SomethingDiscount",
            ChargeKind::Discount,
        ),
        ("2026-03-01,9,1,AmazonEC2,,Surprise", ChargeKind::Other),
    ] {
        assert_eq!(kind(row), Some(wanted), "{row}");
    }
}

proptest! {
    /// Sums are those of exact decimals, whatever the order and the number of places.
    #[test]
    fn sums_are_exact(amounts in prop::collection::vec((any::<i32>(), 0u32..10), 1..200)) {
        let text = |a: &(i32, u32)| Decimal::new(i64::from(a.0), a.1).to_string();
        let rows: String = amounts
            .iter()
            .map(|a| format!("2026-03-10,{},111122223333,AmazonS3,X,Usage\n", text(a)))
            .collect();
        let units: i128 =
            amounts.iter().map(|(u, s)| i128::from(*u) * 10i128.pow(10 - s)).sum();
        let wanted = Decimal::from_i128_with_scale(units, 10).normalize().to_string();
        prop_assert_eq!(total(&read(&[format!("{HEAD}{rows}").as_bytes()])), wanted);
    }

    /// Cells are those of a reader that looks at every byte.
    #[test]
    fn cells_are_those_of_a_plain_reader(
        table in prop::collection::vec(prop::collection::vec("[a-c,\"\n\r ]{0,6}", 4), 1..12),
        crlf in any::<bool>(),
    ) {
        let quoted = |cell: &String| match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let end = if crlf { "\r\n" } else { "\n" };
        let text: String = table
            .iter()
            .map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + end)
            .collect();
        let found = bartizan_spend::for_tests::cells(&mut text.as_bytes(), 4);
        prop_assert_eq!(found, table);
    }

    /// No bytes make the readers panic.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400), head in 0usize..4) {
        let head: &[u8] = [HEAD.as_bytes(), b"{\"Anomalies\":[", b"PAR1", b"\x1f\x8b\x08"][head];
        let ledger = read(&[&[head, &bytes].concat()]);
        let _ = bartizan_spend::judge(&ledger, &bartizan_spend::JudgeOptions::default());
    }
}
