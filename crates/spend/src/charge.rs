//! Kinds of charges and the key under which charges are summed.

use serde::Serialize;

/// Kind of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    /// Metered usage of an hour or a day.
    Usage,
    /// Usage that a savings plan or reservation pays for.
    Covered,
    /// Counter entry of usage that a savings plan covers.
    Negation,
    /// Usage billed for a whole month, e.g. hosted zones.
    Monthly,
    /// Support plans and subscriptions.
    Fee,
    /// Reservation, savings plan or contract paid at once.
    Upfront,
    /// Regular payment for a reservation or savings plan.
    Recurring,
    Tax,
    Credit,
    Refund,
    /// Enterprise and bundled discounts.
    Discount,
    /// Type that this program does not know.
    Other,
}

impl ChargeKind {
    /// Whether charges of this kind follow what is running, so that a rise means more runs.
    #[must_use]
    pub fn is_usage(self) -> bool {
        matches!(self, Self::Usage | Self::Covered)
    }
}

/// Index of an interned text.
pub(crate) type Name = u32;

/// Dimensions of a sum. A source without a dimension (CloudWatch has no region) leaves it `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChargeKey {
    pub(crate) account: Option<Name>,
    pub(crate) service: Option<Name>,
    pub(crate) region: Option<Name>,
    /// Usage type without region and instance size, e.g. `BoxUsage:p4d`.
    pub(crate) family: Option<Name>,
    pub(crate) kind: ChargeKind,
    pub(crate) currency: Name,
}

/// Dimensions that a source has, as bits: account 1, service 2, region 4, family 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View(pub(crate) u8);

impl ChargeKey {
    pub(crate) fn view(&self) -> View {
        let bit = |present: bool, value: u8| if present { value } else { 0 };
        View(
            bit(self.account.is_some(), 1)
                | bit(self.service.is_some(), 2)
                | bit(self.region.is_some(), 4)
                | bit(self.family.is_some(), 8),
        )
    }
}

/// `lineItem/LineItemType` of cost and usage reports.
const LINE_ITEM_TYPES: [(&str, ChargeKind); 18] = [
    ("Usage", ChargeKind::Usage),
    ("DiscountedUsage", ChargeKind::Covered),
    ("SavingsPlanCoveredUsage", ChargeKind::Covered),
    ("SavingsPlanNegation", ChargeKind::Negation),
    ("SavingsPlanRecurringFee", ChargeKind::Recurring),
    ("RIFee", ChargeKind::Recurring),
    ("SavingsPlanUpfrontFee", ChargeKind::Upfront),
    ("Fee", ChargeKind::Fee),
    ("Tax", ChargeKind::Tax),
    ("Credit", ChargeKind::Credit),
    ("Refund", ChargeKind::Refund),
    ("EdpDiscount", ChargeKind::Discount),
    ("EDPDiscount", ChargeKind::Discount),
    ("BundledDiscount", ChargeKind::Discount),
    ("PrivateRateDiscount", ChargeKind::Discount),
    ("RiVolumeDiscount", ChargeKind::Discount),
    ("DistributorDiscount", ChargeKind::Discount),
    ("SppDiscount", ChargeKind::Discount),
];

/// Kind of a line of a cost and usage report.
pub(crate) fn of_line_item(line_item_type: &str, bill_type: &str) -> ChargeKind {
    let known = LINE_ITEM_TYPES.iter().find(|(t, _)| *t == line_item_type);
    match known {
        Some((_, ChargeKind::Fee)) if bill_type == "Purchase" => ChargeKind::Upfront,
        Some((_, kind)) => *kind,
        None if line_item_type.ends_with("Discount") => ChargeKind::Discount,
        None => ChargeKind::Other,
    }
}

/// Columns of a FOCUS row that decide its kind.
pub(crate) struct FocusKind<'a> {
    pub(crate) category: &'a str,
    pub(crate) class: &'a str,
    pub(crate) pricing: &'a str,
    pub(crate) frequency: &'a str,
    pub(crate) commitment: &'a str,
}

/// Kind of a FOCUS row (FOCUS 1.2, "Charge Category", "Charge Class", "Pricing Category").
pub(crate) fn of_focus(row: &FocusKind) -> ChargeKind {
    match (row.category, row.class) {
        ("Usage", _) if row.pricing == "Committed" => ChargeKind::Covered,
        ("Usage", _) => ChargeKind::Usage,
        ("Purchase", _) if row.frequency == "One-Time" => ChargeKind::Upfront,
        ("Purchase", _) if !row.commitment.is_empty() => ChargeKind::Recurring,
        ("Purchase", _) => ChargeKind::Fee,
        ("Tax", _) => ChargeKind::Tax,
        ("Credit", "Correction") => ChargeKind::Refund,
        ("Credit", _) => ChargeKind::Credit,
        ("Adjustment", _) => ChargeKind::Discount,
        _ => ChargeKind::Other,
    }
}

/// Kind of a line of a detailed billing report, which has no column for it.
pub(crate) fn of_detailed(
    usage_type: &str,
    description: &str,
    reserved: bool,
    negative: bool,
) -> ChargeKind {
    let words = description.to_ascii_lowercase();
    if usage_type.is_empty() {
        return match () {
            () if words.starts_with("tax ") => ChargeKind::Tax,
            () if words.starts_with("sign up charge") => ChargeKind::Upfront,
            () if words.contains("discount") => ChargeKind::Discount,
            () if words.contains("refund") => ChargeKind::Refund,
            () if negative => ChargeKind::Credit,
            () => ChargeKind::Fee,
        };
    }
    match () {
        () if words.starts_with("sign up charge") => ChargeKind::Upfront,
        () if usage_type.contains("HeavyUsage") || usage_type.starts_with("ComputeSP:") => {
            ChargeKind::Recurring
        }
        () if negative => ChargeKind::Negation,
        () if reserved => ChargeKind::Covered,
        () => ChargeKind::Usage,
    }
}
