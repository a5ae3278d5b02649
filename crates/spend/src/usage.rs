//! Usage by place and day, as evidence beside calls and snapshots.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::ledger::Ledger;

/// Usage of a service in a region by day. Days without charges are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct BilledUsage {
    pub account: Option<String>,
    /// Product code, e.g. `AmazonEC2`.
    pub service: String,
    /// Region, or `global`.
    pub region: String,
    /// Usage type without region and instance size, e.g. `BoxUsage:p4d`.
    pub family: Option<String>,
    pub currency: String,
    /// Price list cost by day.
    pub days: BTreeMap<i32, f64>,
}

type UsageKey = (Option<String>, String, String, Option<String>, String);

/// Usage of everything that the bill gives a service and a region.
#[must_use]
pub fn billed_usage(ledger: &Ledger) -> Vec<BilledUsage> {
    let mut found: BTreeMap<UsageKey, BTreeMap<i32, f64>> = BTreeMap::new();
    for (label, day) in ledger.costs().filter(|(l, _)| l.kind.is_usage()) {
        let (Some(service), Some(region)) = (label.service, label.region) else {
            continue;
        };
        if day.listed <= Decimal::ZERO && day.quantity <= Decimal::ZERO {
            continue;
        }
        let text = |name: Option<&str>| name.map(str::to_owned);
        let key = (
            text(label.account),
            service.to_owned(),
            region.to_owned(),
            text(label.family),
            label.currency.to_owned(),
        );
        let cost = day.listed.to_f64().unwrap_or(0.0).max(0.0);
        *found.entry(key).or_default().entry(day.day).or_default() += cost;
    }
    let usage = |(key, days): (UsageKey, BTreeMap<i32, f64>)| {
        let (account, service, region, family, currency) = key;
        BilledUsage {
            account,
            service,
            region,
            family,
            currency,
            days,
        }
    };
    found.into_iter().map(usage).collect()
}
