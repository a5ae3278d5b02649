//! Formats of bills as tables: which columns tell which, and which are read.

/// Column of a bill, whatever the format calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Column {
    Start,
    End,
    Account,
    Payer,
    Code,
    Name,
    Region,
    Zone,
    UsageType,
    Kind,
    BillType,
    Class,
    Pricing,
    Frequency,
    Commitment,
    Quantity,
    Cost,
    Listed,
    Currency,
    Description,
    RecordType,
    Reserved,
    Provider,
    Product,
    Invoice,
}

/// Number of columns.
pub(crate) const COLUMNS: usize = 25;

/// Format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Legacy cost and usage report, and CUR 2.0: the same names, but for slashes.
    CostAndUsage,
    Focus,
    /// Detailed billing report of 2013.
    Detailed,
}

/// Format, its name, and its columns.
pub(crate) struct LayoutColumns {
    pub(crate) layout: Layout,
    pub(crate) name: &'static str,
    /// Folded names by column; the first that is there is read.
    pub(crate) columns: &'static [(Column, &'static [&'static str])],
}

/// Names are folded: `lineItem/UsageType` and `line_item_usage_type` are `lineitemusagetype`.
pub(crate) const LAYOUTS: [LayoutColumns; 3] = [
    LayoutColumns {
        layout: Layout::CostAndUsage,
        name: "cost and usage report",
        columns: &[
            (Column::Start, &["lineitemusagestartdate"]),
            (Column::Cost, &["lineitemunblendedcost"]),
            (Column::End, &["lineitemusageenddate"]),
            (Column::Account, &["lineitemusageaccountid"]),
            (Column::Payer, &["billpayeraccountid"]),
            (Column::Code, &["lineitemproductcode", "productservicecode"]),
            (Column::Name, &["productproductname", "productservicename"]),
            (Column::Product, &["product"]),
            (Column::Region, &["productregioncode", "productregion"]),
            (Column::Zone, &["lineitemavailabilityzone"]),
            (
                Column::UsageType,
                &["lineitemusagetype", "productusagetype"],
            ),
            (Column::Kind, &["lineitemlineitemtype"]),
            (Column::BillType, &["billbilltype"]),
            (Column::Quantity, &["lineitemusageamount"]),
            (Column::Listed, &["pricingpublicondemandcost"]),
            (Column::Currency, &["lineitemcurrencycode"]),
            (Column::Invoice, &["billinvoiceid"]),
        ],
    },
    LayoutColumns {
        layout: Layout::Focus,
        name: "FOCUS",
        columns: &[
            (Column::Start, &["chargeperiodstart"]),
            (Column::Cost, &["billedcost"]),
            (Column::End, &["chargeperiodend"]),
            (Column::Account, &["subaccountid"]),
            (Column::Payer, &["billingaccountid"]),
            (Column::Code, &["xservicecode"]),
            (Column::Name, &["servicename"]),
            (Column::Region, &["regionid"]),
            (Column::Zone, &["availabilityzone"]),
            (Column::UsageType, &["skumeter", "xusagetype"]),
            (Column::Kind, &["chargecategory"]),
            (Column::Class, &["chargeclass"]),
            (Column::Pricing, &["pricingcategory"]),
            (Column::Frequency, &["chargefrequency"]),
            (Column::Commitment, &["commitmentdiscountid"]),
            (Column::Quantity, &["consumedquantity", "usagequantity"]),
            (Column::Listed, &["listcost"]),
            (Column::Currency, &["billingcurrency"]),
            (Column::Provider, &["providername", "serviceprovidername"]),
            (Column::Invoice, &["invoiceid"]),
        ],
    },
    LayoutColumns {
        layout: Layout::Detailed,
        name: "detailed billing report",
        columns: &[
            (Column::Start, &["usagestartdate"]),
            (Column::Cost, &["unblendedcost", "cost"]),
            (Column::End, &["usageenddate"]),
            (Column::Account, &["linkedaccountid"]),
            (Column::Payer, &["payeraccountid"]),
            (Column::Name, &["productname"]),
            (Column::Zone, &["availabilityzone"]),
            (Column::UsageType, &["usagetype"]),
            (Column::Quantity, &["usagequantity"]),
            (Column::Description, &["itemdescription"]),
            (Column::RecordType, &["recordtype"]),
            (Column::Reserved, &["reservedinstance"]),
            (Column::Invoice, &["invoiceid"]),
        ],
    },
];

/// Name without punctuation, in lower case.
pub(crate) fn fold(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Format of a header, and the position of each column.
pub(crate) struct BillHeader {
    pub(crate) layout: &'static LayoutColumns,
    pub(crate) positions: [Option<usize>; COLUMNS],
    /// Whether a column that is read stands twice.
    pub(crate) repeated: bool,
}

impl BillHeader {
    /// BillHeader with these column names; `None` if they are no bill's.
    pub(crate) fn of(names: &[String]) -> Option<Self> {
        let folded: Vec<String> = names.iter().map(|n| fold(n)).collect();
        let has = |any: &[&str]| any.iter().any(|n| folded.iter().any(|f| f == n));
        let layout = LAYOUTS.iter().find(|l| {
            let needed = l.columns.iter().take(2).all(|(_, names)| has(names));
            needed && (l.layout != Layout::Detailed || has(&["productname"]) && has(&["usagetype"]))
        })?;
        let mut positions = [None; COLUMNS];
        let mut repeated = false;
        for (column, names) in layout.columns {
            let found = names.iter().find(|n| folded.iter().any(|f| f == *n));
            let Some(name) = found else { continue };
            positions[*column as usize] = folded.iter().position(|f| f == name);
            repeated |= folded.iter().filter(|f| f == name).count() > 1;
        }
        Some(Self {
            layout,
            positions,
            repeated,
        })
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.positions[column as usize].is_some()
    }
}
