//! BILL-01: nobody is told early when the bill grows.

use std::collections::BTreeSet;

use crate::missing::{GLOBAL, MissingFact};
use bartizan_model::Severity;
use bartizan_model::limits::BILL_STEPS_MIN;
use serde_json::Value;

use crate::check::{Check, Source};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "BILL-01",
    title: "No ladder of billing alarms tells early that the bill grows",
    severity: Severity::Medium,
    why: "Money leaves before anybody looks: the bill is the simplest alarm, and it needs steps to ring early.",
    judged: "Billing alarms of us-east-1 with actions on, notifications of budgets, and anomaly monitors: three steps or more.",
    fix: "bartizan spend ladder",
    sources: &[Source::Talk],
    needs: &[
        "cloudwatch:alarm",
        "budgets:budget",
        "budgets:notification",
        "ce:anomalymonitor",
    ],
    judge,
};

/// Region of the metrics of bills.
const BILLING_REGION: &str = "us-east-1";

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let mut unread: Vec<MissingFact> = Vec::new();
    let mut steps = BTreeSet::new();
    match view.all("cloudwatch:alarm", BILLING_REGION) {
        Ok(alarms) => steps.extend(alarms.into_iter().filter_map(alarm_step)),
        Err(fact) => unread.push(fact),
    }
    for kind in ["budgets:notification", "ce:anomalymonitor"] {
        let list = view.list(kind);
        steps.extend(list.facts.iter().map(|fact| format!("{kind} {}", fact.id)));
        unread.extend(list.unread);
    }
    if steps.len() >= BILL_STEPS_MIN {
        return verdicts.pass(view.id, GLOBAL);
    }
    if !unread.is_empty() {
        return verdicts.judge(view.id, GLOBAL, unread.into_iter().map(Err));
    }
    let reason = match steps.len() {
        0 => "no billing alarm with actions in us-east-1, no budget with notifications, no anomaly monitor".to_owned(),
        n => format!("{n} of {BILL_STEPS_MIN} steps: {}", steps.into_iter().collect::<Vec<_>>().join(", ")),
    };
    verdicts.fail(view.id, GLOBAL, reason);
}

/// The step of a billing alarm that tells somebody: its metric's dimensions and its threshold.
fn alarm_step(alarm: &FactView<'_>) -> Option<String> {
    let is_billing = |metric: &Value| {
        metric["Namespace"] == "AWS/Billing" && metric["MetricName"] == "EstimatedCharges"
    };
    let in_math = |m: &Value| is_billing(&m["MetricStat"]["Metric"]);
    let is_one = is_billing(alarm.json()) || alarm.list("/Metrics").iter().any(in_math);
    let tells = alarm.is("/ActionsEnabled") && !alarm.list("/AlarmActions").is_empty();
    (is_one && tells).then(|| {
        let threshold = alarm.json()["Threshold"].as_f64().unwrap_or_default();
        format!("alarm at {threshold} {}", alarm.json()["Dimensions"])
    })
}
