//! Facts that a call may have changed since they were read: by the map of calls, the parts of
//! accounts that are worth reading at once.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_detect::ScanPlan;
use bartizan_detect::attribution::{CallMap, MutatingCall};
use jiff::Timestamp;

use super::super::inputs::WatchInputs;
use crate::collect::PartOfAccount;

/// Parts that were touched, by account.
pub(super) struct TouchedParts {
    map: CallMap,
    parts: BTreeMap<String, PartOfAccount>,
}

impl TouchedParts {
    pub(super) fn new(plan: &ScanPlan) -> Self {
        let map = plan.calls.as_ref().map(|_| CallMap::builtin());
        Self {
            map: map.unwrap_or_default(),
            parts: BTreeMap::new(),
        }
    }

    /// Adds the facts that calls may have changed. Calls before the last snapshot of the account
    /// are in it; accounts without one are read whole first.
    pub(super) fn see(&mut self, inputs: &WatchInputs<'_>, calls: &[MutatingCall]) {
        if inputs.config.account.iter().all(|a| a.from.is_some()) {
            return;
        }
        for call in calls {
            let Some(account) = &call.call.account else {
                continue;
            };
            let of_account =
                |k: &&bartizan_evidence::LoggedSnapshot| k.snapshot.account == *account;
            let last = inputs.history.iter().rev().find(of_account);
            let taken = last.and_then(|k| k.snapshot.taken.0.parse::<Timestamp>().ok());
            if taken.is_none_or(|taken| call.time_s < taken.as_second()) {
                continue;
            }
            let part = self.parts.entry(account.clone());
            let part = part.or_insert_with(|| PartOfAccount {
                account: account.clone(),
                kinds: BTreeSet::new(),
                regions: BTreeSet::new(),
            });
            let kinds = call
                .touched
                .iter()
                .map(|t| self.map.kind(t.kind).to_owned());
            part.kinds.extend(kinds);
            part.regions.extend(call.call.region.clone());
        }
    }

    /// Parts since the last question.
    pub(super) fn take(&mut self) -> Vec<PartOfAccount> {
        std::mem::take(&mut self.parts).into_values().collect()
    }
}
