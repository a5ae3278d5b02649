//! Answers of the AWS CLI: Cost Explorer, CloudWatch, Cost Anomaly Detection, and notifications of
//! AWS Budgets.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value;

use super::manifest::Manifest;
use crate::charge::{ChargeKey, ChargeKind};
use crate::day;
use crate::ledger::{Amounts, BillProblemKind, BudgetNotice, Ledger, ReportedAnomaly};
use crate::money::{amount, of_double};
use crate::place::{self, GLOBAL};
use crate::service;

/// Use of a JSON text.
pub(crate) enum WhatWasRead {
    Bill,
    /// Manifests, metric queries and lists: no amounts.
    Metadata,
    NotABill,
    NoJson,
}

/// Dimensions of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct MetricDimensions {
    account: Option<String>,
    service: Option<String>,
    currency: Option<String>,
}

/// Values of a metric by time; the file is the first that has one.
#[derive(Default)]
struct Metric {
    file: u32,
    points: BTreeMap<i64, Decimal>,
}

/// Month-to-date metrics become days when all files are read.
#[derive(Default)]
pub(crate) struct Answers {
    /// Metrics with known dimensions.
    metrics: BTreeMap<MetricDimensions, Metric>,
    /// Results of GetMetricData whose label says nothing, by id.
    unnamed: BTreeMap<String, Vec<(u32, i64, Decimal)>>,
    /// Queries of GetMetricData by id.
    queries: BTreeMap<String, MetricDimensions>,
}

impl Answers {
    pub(crate) fn take(
        &mut self,
        ledger: &mut Ledger,
        name: &str,
        file: u32,
        text: &[u8],
    ) -> WhatWasRead {
        let json: Value = match serde_json::from_slice(text) {
            Ok(json) => json,
            Err(_) => return WhatWasRead::NoJson,
        };
        if Manifest::parse(name, text).is_some() || json["Metrics"].is_array() {
            return WhatWasRead::Metadata;
        }
        if let Some(queries) = queries_of(&json) {
            self.queries.extend(queries);
            return WhatWasRead::Metadata;
        }
        if let Some(days) = json["ResultsByTime"].as_array() {
            cost_explorer(ledger, name, file, &json, days);
        } else if let Some(results) = json["MetricDataResults"].as_array() {
            self.metric_data(ledger, file, results);
        } else if let Some(points) = json["Datapoints"].as_array() {
            self.metric_statistics(ledger, name, file, &json, points);
        } else if let Some(anomalies) = json["Anomalies"].as_array() {
            let rows = anomalies.iter().filter_map(|a| anomaly(a, file));
            ledger.reported.extend(rows);
            ledger.files[file as usize].rows = anomalies.len() as u64;
        } else if let Some(notice) = budget(&json, file) {
            ledger.budgets.push(notice);
            ledger.files[file as usize].rows = 1;
        } else {
            return WhatWasRead::NotABill;
        }
        WhatWasRead::Bill
    }

    fn metric_data(&mut self, ledger: &mut Ledger, file: u32, results: &[Value]) {
        for result in results {
            let label = result["Label"].as_str().unwrap_or_default();
            let named = labelled(label);
            let values = result["Values"].as_array().into_iter().flatten();
            let times = result["Timestamps"].as_array().into_iter().flatten();
            for (time, value) in times.zip(values) {
                let Some((time, value)) = seconds(time).zip(value.as_f64().and_then(of_double))
                else {
                    continue;
                };
                ledger.files[file as usize].rows += 1;
                match (&named, result["Id"].as_str()) {
                    (Some(named), _) => self.point(named.clone(), file, time, value),
                    (None, id) => {
                        let id = id.unwrap_or_default().to_owned();
                        self.unnamed
                            .entry(id)
                            .or_default()
                            .push((file, time, value));
                    }
                }
            }
        }
    }

    /// `get-metric-statistics` does not repeat its dimensions: the label may, and the file's name.
    fn metric_statistics(
        &mut self,
        ledger: &mut Ledger,
        name: &str,
        file: u32,
        json: &Value,
        points: &[Value],
    ) {
        let label = json["Label"].as_str().unwrap_or_default();
        let named = labelled(label).unwrap_or_else(|| named_by_file(name));
        for point in points {
            let value = point["Maximum"].as_f64().and_then(of_double);
            if let Some((time, value)) = seconds(&point["Timestamp"]).zip(value) {
                ledger.files[file as usize].rows += 1;
                self.point(named.clone(), file, time, value);
            }
        }
    }

    fn point(&mut self, dimensions: MetricDimensions, file: u32, time: i64, value: Decimal) {
        let metric = self.metrics.entry(dimensions).or_insert_with(|| Metric {
            file,
            points: BTreeMap::new(),
        });
        metric.points.insert(time, value);
    }

    pub(crate) fn finish(mut self, ledger: &mut Ledger) {
        for (id, points) in std::mem::take(&mut self.unnamed) {
            match self.queries.get(&id).cloned() {
                Some(dimensions) => {
                    for (file, time, value) in points {
                        self.point(dimensions.clone(), file, time, value);
                    }
                }
                None => {
                    let file = points.first().map_or(0, |p| p.0) as usize;
                    let name = ledger.files[file].name.clone();
                    ledger
                        .problems
                        .add(&name, 0, BillProblemKind::UnnamedMetric);
                }
            }
        }
        let times = self.metrics.values().filter_map(|m| m.points.keys().next());
        let first = times.min().copied().unwrap_or(0);
        let stale = stale_days(&self.metrics);
        for (dimensions, metric) in &self.metrics {
            month_to_date(ledger, dimensions, metric, first, &stale);
        }
    }
}

/// Day to which a value belongs: one at midnight is the day's before.
fn day_at(time: i64) -> i32 {
    i32::try_from((time - 1).div_euclid(86_400)).unwrap_or(0)
}

/// Days on which no metric moved although there were values: AWS did not update them, and the day
/// after has the charges of both.
fn stale_days(metrics: &BTreeMap<MetricDimensions, Metric>) -> BTreeSet<i32> {
    let (mut moved, mut seen) = (BTreeSet::new(), BTreeMap::<i32, usize>::new());
    for metric in metrics.values() {
        let mut counts: BTreeMap<i32, (usize, Decimal)> = BTreeMap::new();
        for (time, value) in &metric.points {
            let day = day_at(*time);
            let (count, first) = counts.entry(day).or_insert((0, *value));
            *count += 1;
            if first != value {
                moved.insert(day);
            }
        }
        for (day, (count, _)) in counts {
            let most = seen.entry(day).or_default();
            *most = count.max(*most);
        }
    }
    let still = seen
        .into_iter()
        .filter(|(day, most)| *most >= 3 && !moved.contains(day));
    still.map(|(day, _)| day).collect()
}

/// Days of a metric that counts from the first of the month. The first value of all is left out
/// unless its month began with it: nobody knows what was before.
fn month_to_date(
    ledger: &mut Ledger,
    dimensions: &MetricDimensions,
    metric: &Metric,
    first_time: i64,
    stale: &BTreeSet<i32>,
) {
    let service = dimensions
        .service
        .as_deref()
        .map(|s| service::canonical(s, ""));
    let kind = match service {
        Some(service) if service::is_fee(service) => ChargeKind::Fee,
        _ => ChargeKind::Usage,
    };
    let key = ChargeKey {
        account: dimensions
            .account
            .as_deref()
            .map(|a| ledger.names.intern(a)),
        service: service.map(|s| ledger.names.intern(s)),
        region: None,
        family: None,
        kind,
        currency: ledger
            .names
            .intern(dimensions.currency.as_deref().unwrap_or("USD")),
    };
    let mut last_of_day: BTreeMap<i32, Decimal> = BTreeMap::new();
    for (time, value) in &metric.points {
        last_of_day.insert(day_at(*time), *value);
    }
    let mut costs: BTreeMap<i32, Decimal> = BTreeMap::new();
    let mut before: Option<(i32, Decimal)> = None;
    for (day, value) in last_of_day {
        let month = day::month_start(day);
        let since = match before {
            Some((last, value)) if day::month_start(last) == month => Some(value),
            Some(_) => Some(Decimal::ZERO),
            None => (day == month || day > day_at(first_time)).then_some(Decimal::ZERO),
        };
        before = Some((day, value));
        if let Some(since) = since {
            costs.insert(day, value - since);
        }
    }
    for day in stale {
        let both = costs
            .get(day)
            .zip(costs.get(&(day + 1)))
            .map(|(a, b)| *a + *b);
        if let Some(both) = both.filter(|_| day::month_start(*day) == day::month_start(day + 1)) {
            let half = both / Decimal::TWO;
            costs.insert(*day, half);
            costs.insert(day + 1, both - half);
        }
    }
    let (series, _) = ledger.series_of(key);
    for (day, cost) in costs {
        let amounts = Amounts {
            cost,
            listed: cost,
            quantity: Decimal::ZERO,
        };
        ledger.add(series, day, 0, metric.file, &amounts);
    }
}

/// Dimensions of a label that names them: `ServiceName=AmazonEC2 LinkedAccount=111122223333`,
/// `USD AmazonEC2 111122223333`, `Total`.
fn labelled(label: &str) -> Option<MetricDimensions> {
    let mut dimensions = MetricDimensions::default();
    let mut named = label == "Total";
    for word in label.split([' ', ',', ';']) {
        let (name, value) = word.split_once('=').unwrap_or(("", word));
        let value = value.to_owned();
        match name {
            "ServiceName" => dimensions.service = Some(value),
            "LinkedAccount" => dimensions.account = Some(value),
            "Currency" => dimensions.currency = Some(value),
            "" => match word {
                _ if is_account(word) => dimensions.account = Some(value),
                "USD" | "CNY" | "EUR" | "GBP" | "JPY" | "INR" => dimensions.currency = Some(value),
                _ if service::is_known(word) => dimensions.service = Some(value),
                _ => continue,
            },
            _ => continue,
        }
        named = true;
    }
    named.then_some(dimensions)
}

/// Dimensions of `…/111122223333-AmazonEC2.json`; of anything else, the total.
fn named_by_file(path: &str) -> MetricDimensions {
    let file = path.rsplit(['/', '!']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let mut dimensions = MetricDimensions::default();
    for word in stem.split('-') {
        match word {
            "USD" | "CNY" => dimensions.currency = Some(word.to_owned()),
            _ if is_account(word) => dimensions.account = Some(word.to_owned()),
            "total" | "" => {}
            _ => dimensions.service = Some(word.to_owned()),
        }
    }
    dimensions
}

fn is_account(word: &str) -> bool {
    word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit())
}

/// Queries of GetMetricData, or `None` if the text is something else.
fn queries_of(json: &Value) -> Option<BTreeMap<String, MetricDimensions>> {
    let list = json
        .as_array()
        .or_else(|| json["MetricDataQueries"].as_array())?;
    let mut queries = BTreeMap::new();
    for query in list {
        let mut found = MetricDimensions::default();
        for dimension in query["MetricStat"]["Metric"]["Dimensions"].as_array()? {
            let value = dimension["Value"].as_str().map(str::to_owned);
            match dimension["Name"].as_str() {
                Some("ServiceName") => found.service = value,
                Some("LinkedAccount") => found.account = value,
                Some("Currency") => found.currency = value,
                _ => {}
            }
        }
        queries.insert(query["Id"].as_str()?.to_owned(), found);
    }
    (!queries.is_empty()).then_some(queries)
}

/// Seconds since 1970 of a timestamp, which the AWS CLI prints as text or as a number.
fn seconds(time: &Value) -> Option<i64> {
    match time {
        Value::Number(number) => number.as_f64().map(|s| s as i64),
        Value::String(text) => text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(jiff::Timestamp::as_second),
        _ => None,
    }
}

/// Page of GetCostAndUsage.
fn cost_explorer(ledger: &mut Ledger, name: &str, file: u32, json: &Value, days: &[Value]) {
    let groups: Vec<&str> = json["GroupDefinitions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|g| g["Key"].as_str())
        .collect();
    for day in days {
        let time = |end: &str| {
            day["TimePeriod"][end]
                .as_str()
                .and_then(|t| day::time(t.as_bytes()))
        };
        let Some((start, end)) = time("Start").zip(time("End")) else {
            ledger.problems.add(name, 0, BillProblemKind::Date);
            continue;
        };
        let monthly = end.0 - start.0 > 2;
        let rows = day["Groups"].as_array().filter(|g| !g.is_empty());
        let total = [serde_json::json!({"Keys": [], "Metrics": day["Total"]})];
        let none_but_total =
            rows.is_none() && day["Total"].as_object().is_some_and(|t| !t.is_empty());
        let rows = match (rows, none_but_total) {
            (Some(rows), _) => rows.as_slice(),
            (None, true) => &total,
            (None, false) => continue,
        };
        for row in rows {
            let metric = |names: &[&str], part: &str| {
                let found = names.iter().find_map(|n| row["Metrics"][n][part].as_str());
                found.map(str::to_owned)
            };
            let costs = [
                "UnblendedCost",
                "NetUnblendedCost",
                "BlendedCost",
                "AmortizedCost",
            ];
            let Some(cost) = metric(&costs, "Amount").and_then(|a| amount(a.as_bytes())) else {
                ledger.problems.add(name, 0, BillProblemKind::Cost);
                continue;
            };
            let quantity = metric(&["UsageQuantity"], "Amount");
            let quantity = quantity
                .and_then(|q| amount(q.as_bytes()))
                .unwrap_or_default();
            let currency = metric(&costs, "Unit").unwrap_or_else(|| "USD".to_owned());
            let keys = row["Keys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let key = explorer_key(ledger, &groups, keys, &currency, monthly);
            let (series, _) = ledger.series_of(key);
            let amounts = Amounts {
                cost,
                listed: cost,
                quantity,
            };
            ledger.files[file as usize].rows += 1;
            if !ledger.add(series, start.0, start.1, file, &amounts) {
                ledger.problems.add(name, 0, BillProblemKind::Inexact);
            }
        }
    }
}

/// Key of a group of Cost Explorer.
fn explorer_key<'k>(
    ledger: &mut Ledger,
    groups: &[&str],
    keys: impl Iterator<Item = &'k str>,
    currency: &str,
    monthly: bool,
) -> ChargeKey {
    let currency = ledger.names.intern(currency);
    let kind = if monthly {
        ChargeKind::Monthly
    } else {
        ChargeKind::Usage
    };
    let mut key = ChargeKey {
        account: None,
        service: None,
        region: None,
        family: None,
        kind,
        currency,
    };
    for (group, value) in groups.iter().zip(keys) {
        // Prefixes of cost categories and tags: `SERVICE$…` is not one of them.
        match *group {
            "LINKED_ACCOUNT" => key.account = Some(ledger.names.intern(value)),
            "REGION" => {
                let region = if value == "NoRegion" { GLOBAL } else { value };
                key.region = Some(ledger.names.intern(region));
            }
            "USAGE_TYPE" => {
                let usage_type = if value == "NoUsageType" { "" } else { value };
                if usage_type.is_empty() {
                    key.kind = ChargeKind::Fee;
                }
                key.family = Some(ledger.names.intern(&place::family(usage_type)));
                if key.region.is_none()
                    && let Some(region) = place::split_region(usage_type).0
                {
                    key.region = Some(ledger.names.intern(region));
                }
            }
            "SERVICE" => {
                if value == "Tax" {
                    key.kind = ChargeKind::Tax;
                }
                let service = match service::is_model("", value) {
                    true => "AmazonBedrock",
                    false => service::canonical("", value),
                };
                if service::is_fee(service) {
                    key.kind = ChargeKind::Fee;
                }
                key.service = Some(ledger.names.intern(service));
            }
            _ => {}
        }
    }
    key
}

/// Entry of GetAnomalies.
fn anomaly(json: &Value, file: u32) -> Option<ReportedAnomaly> {
    let cause = &json["RootCauses"][0];
    let word = |value: &Value| value.as_str().filter(|w| !w.is_empty()).map(str::to_owned);
    let first_day = word(&json["AnomalyStartDate"])?;
    Some(ReportedAnomaly {
        id: word(&json["AnomalyId"])?,
        last_day: word(&json["AnomalyEndDate"]).unwrap_or_else(|| first_day.clone()),
        first_day,
        account: word(&cause["LinkedAccount"]),
        service: word(&cause["Service"]).map(|s| service::canonical("", &s).to_owned()),
        region: word(&cause["Region"]),
        usage_type: word(&cause["UsageType"]),
        impact: json["Impact"]["TotalImpact"].as_f64().and_then(of_double),
        file,
    })
}

/// Notification of AWS Budgets, as Amazon SNS delivers it: lines of `Name: value`.
fn budget(json: &Value, file: u32) -> Option<BudgetNotice> {
    let message = json["Message"].as_str()?;
    let value = |name: &str| {
        let line = message.lines().find_map(|l| l.trim().strip_prefix(name))?;
        Some(line.trim_start_matches(':').trim().to_owned())
    };
    Some(BudgetNotice {
        budget: value("Budget Name")?,
        account: json["TopicArn"]
            .as_str()
            .and_then(|a| a.split(':').nth(4))
            .map(str::to_owned),
        limit: value("Budgeted Amount").and_then(|a| amount(a.as_bytes())),
        actual: value("ACTUAL Amount")
            .or_else(|| value("FORECASTED Amount"))
            .and_then(|a| amount(a.as_bytes())),
        file,
    })
}
