//! Charges that are not usage: reservations and savings plans bought, subscriptions, refunds.

use std::collections::{BTreeMap, BTreeSet};

use super::options::JudgeOptions;
use super::series::{OtherCharge, SpendPlace, SpendSeries};
use crate::charge::ChargeKind;

/// First charge of its kind for an account and service.
#[derive(Clone, Debug)]
pub(super) struct Commitment {
    pub(super) place: SpendPlace,
    pub(super) kind: ChargeKind,
    pub(super) day: i32,
    pub(super) cost: f64,
    /// The account's normal day before it.
    pub(super) normal_day: f64,
    pub(super) file: u32,
}

/// Purchases and fees of a kind that an account has not had for a service, and every payment at
/// once.
pub(super) fn commitments(estate: &SpendSeries, options: &JudgeOptions) -> Vec<Commitment> {
    let accounts = estate.account_days();
    let mut known: BTreeSet<(Option<String>, Option<String>, ChargeKind)> = BTreeSet::new();
    let mut found: Vec<Commitment> = Vec::new();
    let mut by_day: BTreeMap<(i32, SpendPlace, ChargeKind), (f64, u32)> = BTreeMap::new();
    for OtherCharge {
        place,
        kind,
        day,
        cost,
        file,
    } in &estate.other
    {
        let told = matches!(
            kind,
            ChargeKind::Upfront | ChargeKind::Recurring | ChargeKind::Fee | ChargeKind::Refund
        );
        if told {
            let place = SpendPlace {
                family: None,
                region: None,
                ..place.clone()
            };
            by_day.entry((*day, place, *kind)).or_insert((0.0, *file)).0 += cost;
        }
    }
    for ((day, place, kind), (cost, file)) in by_day {
        let is_new = known.insert((place.account.clone(), place.service.clone(), kind));
        let learning = day < estate.first + options.learning_days;
        if learning || !is_new && kind != ChargeKind::Upfront || cost.abs() < options.money_floor {
            continue;
        }
        let at = usize::try_from(day - estate.first).unwrap_or(0);
        let empty = Vec::new();
        let account = accounts.get(&place.bill()).unwrap_or(&empty);
        let normal_day = super::episode::normal_day(account, at);
        found.push(Commitment {
            place,
            kind,
            day,
            cost,
            normal_day,
            file,
        });
    }
    found
}
