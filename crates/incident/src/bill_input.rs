//! The bill, as incidents need it.

use std::collections::BTreeMap;

use bartizan_spend::{BilledUsage, SpendSubject};

/// Findings and usage of the bill. By default there is none.
#[derive(Default)]
pub struct BillInput<'a> {
    /// Rule and place of each finding of the bill, by the finding's id.
    pub subjects: BTreeMap<&'a str, &'a SpendSubject>,
    pub usage: &'a [BilledUsage],
    /// Last day whose charges are all there, in days since 1970.
    pub through_day: i32,
}
