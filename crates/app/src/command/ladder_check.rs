//! `bartizan spend ladder --check`: proposed alarms against those of a snapshot.

use anyhow::Result;
use bartizan_inventory::fact::{Hash, unescape};
use bartizan_inventory::snapshot::{CallStatus, Snapshot};
use bartizan_spend::{AlarmProposal, ExistingAlarm, check_alarms};
use serde_json::Value;

use crate::cli::{Format, Global, LadderArgs};
use crate::named_snapshots::named;
use crate::outcome::Outcome;
use crate::render::{self, LadderCheck, Out};
use crate::store::Loaded;

/// Region of alarms on the bill.
const BILLING_REGION: &str = "us-east-1";

/// Kinds of facts that answer, and the region of their calls; empty for any.
const KINDS: [(&str, &str); 4] = [
    ("cloudwatch:alarm", BILLING_REGION),
    ("budgets:budget", ""),
    ("budgets:notification", ""),
    ("ce:anomalymonitor", ""),
];

pub(super) fn run(
    global: &Global,
    args: &LadderArgs,
    proposals: &[AlarmProposal],
) -> Result<Outcome> {
    let (mut alarms, mut check) = (Vec::new(), LadderCheck::default());
    for loaded in named(global, args.on.as_deref())? {
        let snapshot =
            Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))?;
        take(&loaded, &snapshot, &mut alarms, &mut check);
    }
    check.alarms = check_alarms(proposals, &alarms);
    let mut out = Out::new();
    match global.format {
        Format::Human => render::ladder_check(&mut out, &check, &args.topic, args.form)?,
        _ => out.document(&check)?,
    }
    Ok(match check.unread.is_empty() {
        true => Outcome::Done,
        false => Outcome::Bad,
    })
}

/// Adds the alarms, budgets and monitors of one account.
fn take(
    loaded: &Loaded,
    snapshot: &Snapshot<'_>,
    alarms: &mut Vec<ExistingAlarm>,
    check: &mut LadderCheck,
) {
    let account = &snapshot.header.account;
    for fact in &snapshot.facts {
        match fact.kind {
            "cloudwatch:alarm" if fact.region == BILLING_REGION => {
                let name = unescape(fact.id).into_owned();
                match document(loaded, &fact.raw) {
                    Some(document) => alarms.extend(billing_alarm(name, &document)),
                    None => check
                        .unread
                        .push(format!("alarm {name} of account {account}")),
                }
            }
            "budgets:budget" => check.budgets += 1,
            "budgets:notification" => check.budget_notifications += 1,
            "ce:anomalymonitor" => check.anomaly_monitors += 1,
            _ => {}
        }
    }
    for (kind, region) in KINDS {
        let rows = || {
            snapshot.header.coverage.iter().filter(|c| {
                c.kinds.iter().any(|k| k == kind) && (region.is_empty() || c.region == region)
            })
        };
        // Without budgets nobody was asked for their notifications.
        let is_asked = kind != "budgets:notification" || check.budgets > 0;
        if is_asked && rows().next().is_none() || rows().any(|c| c.status != CallStatus::Ok) {
            check.unread.push(format!("{kind} of account {account}"));
        }
    }
}

fn document(loaded: &Loaded, hash: &Hash) -> Option<Value> {
    serde_json::from_slice(&(loaded.documents)(hash)?).ok()
}

/// Alarm on the estimate of the month's charges; none if it is about something else.
fn billing_alarm(name: String, alarm: &Value) -> Option<ExistingAlarm> {
    if alarm["Namespace"] != "AWS/Billing" || alarm["MetricName"] != "EstimatedCharges" {
        return None;
    }
    let dimension = |name: &str| {
        let all = alarm["Dimensions"].as_array().into_iter().flatten();
        let found = all.into_iter().find(|d| d["Name"] == name)?;
        found["Value"].as_str().map(str::to_owned)
    };
    let has_action = alarm["AlarmActions"]
        .as_array()
        .is_some_and(|a| !a.is_empty());
    Some(ExistingAlarm {
        name,
        service: dimension("ServiceName"),
        account: dimension("LinkedAccount"),
        currency: dimension("Currency").unwrap_or_default(),
        threshold: alarm["Threshold"].as_f64()?,
        tells: has_action && alarm["ActionsEnabled"] != false,
    })
}
