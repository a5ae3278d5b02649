//! Rows of a bill into sums. What identifies a charge is compared as bytes; its meaning is looked
//! up once for each combination.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use rust_decimal::Decimal;

use super::columns::{BillHeader, COLUMNS, Column, Layout};
use super::csv_rows::unescaped;
use crate::charge::{self, ChargeKey, ChargeKind, FocusKind};
use crate::day;
use crate::ledger::{Amounts, BillProblemKind, Ledger};
use crate::money::amount;
use crate::place::{self, GLOBAL};
use crate::service;
use bartizan_model::limits::{BILL_CACHE_MAX, LOG_TEXT_BYTES_MAX};

/// Cells of a row by column; empty where the bill has none.
pub(crate) type Cells<'a> = [&'a [u8]; COLUMNS];

/// Takes the rows of one file.
pub(crate) struct RowTaker<'h> {
    header: &'h BillHeader,
    file: u32,
    key: Vec<u8>,
    last_key: Vec<u8>,
    last_series: Option<u32>,
    series: HashMap<Vec<u8>, Option<u32>, RandomState>,
    times: [(Vec<u8>, (i32, u8)); 2],
    pub(crate) rows: u64,
    pub(crate) left_out: u64,
}

/// Columns whose bytes identify a charge.
const IDENTITY: [Column; 13] = [
    Column::Account,
    Column::Code,
    Column::Region,
    Column::Zone,
    Column::UsageType,
    Column::Kind,
    Column::BillType,
    Column::Class,
    Column::Pricing,
    Column::Frequency,
    Column::Currency,
    Column::Reserved,
    Column::Provider,
];

/// Words that mean "nothing".
const ABSENT: [&[u8]; 9] = [
    b"NULL", b"null", b"Null", b"None", b"none", b"NaN", b"nan", b"N/A", b"n/a",
];

/// Usage of more days than this is not of one day.
const DAY_SPAN: i32 = 2;

impl<'h> RowTaker<'h> {
    pub(crate) fn new(header: &'h BillHeader, file: u32) -> Self {
        Self {
            header,
            file,
            key: Vec::with_capacity(512),
            last_key: Vec::new(),
            last_series: None,
            series: HashMap::default(),
            times: Default::default(),
            rows: 0,
            left_out: 0,
        }
    }

    /// Adds a row to the sums. Amounts that are no text are given as such.
    pub(crate) fn take(
        &mut self,
        ledger: &mut Ledger,
        cells: &Cells<'_>,
        doubles: Option<(Amounts, (i32, u8), i32)>,
    ) -> Result<(), BillProblemKind> {
        let cell = |column: Column| present(cells[column as usize]);
        // Totals have no dates.
        if !matches!(cell(Column::RecordType), b"" | b"LineItem") {
            self.left_out += 1;
            return Ok(());
        }
        let (amounts, (day, hour), end) = match doubles {
            Some(read) => read,
            None => {
                let start = self
                    .time(0, cell(Column::Start))
                    .ok_or(BillProblemKind::Date)?;
                let end = match cell(Column::End) {
                    [] => start.0,
                    end => self.time(1, end).map_or(start.0, |e| e.0),
                };
                (amounts(cells)?, start, end)
            }
        };
        let monthly = end - day > DAY_SPAN;
        let series = self.series_of(ledger, cells, monthly, amounts.cost.is_sign_negative())?;
        let Some(series) = series else {
            self.left_out += 1;
            return Ok(());
        };
        self.rows += 1;
        match ledger.add(series, day, hour, self.file, &amounts) {
            true => Ok(()),
            false => Err(BillProblemKind::Inexact),
        }
    }

    /// Time of a cell, which mostly repeats the row before.
    fn time(&mut self, slot: usize, text: &[u8]) -> Option<(i32, u8)> {
        let (last, time) = &mut self.times[slot];
        if last != text || text.is_empty() {
            *time = day::time(text)?;
            last.clear();
            last.extend_from_slice(text);
        }
        Some(*time)
    }

    /// Series of a row; `None` if the row is left out.
    fn series_of(
        &mut self,
        ledger: &mut Ledger,
        cells: &Cells<'_>,
        monthly: bool,
        negative: bool,
    ) -> Result<Option<u32>, BillProblemKind> {
        self.key.clear();
        for column in IDENTITY {
            self.key.extend_from_slice(cells[column as usize]);
            self.key.push(0x1f);
        }
        let committed = !present(cells[Column::Commitment as usize]).is_empty();
        self.key
            .extend([u8::from(monthly), u8::from(negative), u8::from(committed)]);
        for column in self.further() {
            self.key.extend_from_slice(cells[*column as usize]);
        }
        if self.key == self.last_key {
            return Ok(self.last_series);
        }
        std::mem::swap(&mut self.key, &mut self.last_key);
        if let Some(series) = self.series.get(&self.last_key) {
            self.last_series = *series;
            return Ok(*series);
        }
        let mut fits = true;
        self.last_series = match self.resolve(ledger, cells, monthly, negative) {
            Ok(key) => key.map(|key| {
                let (series, within) = ledger.series_of(key);
                fits = within;
                series
            }),
            Err(problem) => {
                self.last_key.clear();
                return Err(problem);
            }
        };
        if self.series.len() >= BILL_CACHE_MAX {
            self.series.clear();
        }
        self.series.insert(self.last_key.clone(), self.last_series);
        match fits {
            true => Ok(self.last_series),
            false => Err(BillProblemKind::TooManyKeys),
        }
    }

    /// Columns that identify a charge in some formats only.
    fn further(&self) -> &'static [Column] {
        match self.header.layout.layout {
            Layout::CostAndUsage => &[],
            Layout::Focus if self.header.has(Column::Code) => &[],
            Layout::Focus => &[Column::Name],
            Layout::Detailed => &[Column::Name, Column::RecordType, Column::Description],
        }
    }

    /// Key of a row; `None` if the row is left out: totals, other clouds, repeated headers.
    fn resolve(
        &self,
        ledger: &mut Ledger,
        cells: &Cells<'_>,
        monthly: bool,
        negative: bool,
    ) -> Result<Option<ChargeKey>, BillProblemKind> {
        let text = |column: Column| {
            let cell = present(cells[column as usize]);
            unescaped(&cell[..cell.len().min(LOG_TEXT_BYTES_MAX)])
        };
        let record = text(Column::RecordType);
        let provider = text(Column::Provider);
        let foreign = !provider.is_empty() && !["AWS", "Amazon Web Services"].contains(&&*provider);
        if foreign || !record.is_empty() && record != "LineItem" {
            return Ok(None);
        }
        let kind = match self.kind(&text, negative) {
            ChargeKind::Usage if monthly => ChargeKind::Monthly,
            kind => kind,
        };
        let account = match text(Column::Account) {
            own if own.is_empty() => text(Column::Payer),
            own => own,
        };
        let account = account_id(&account)?;
        let usage_type = text(Column::UsageType);
        let family = place::family(&usage_type);
        let (code, name) = (text(Column::Code), self.product_name(cells, &text));
        let service = match service::is_model(&family, &name) {
            true => "AmazonBedrock".to_owned(),
            false => service::canonical(&code, &name).to_owned(),
        };
        let region = self.region(&text, &usage_type, &service);
        let header = self.header;
        let mut intern = |has: bool, text: &str| has.then(|| ledger.names.intern(text));
        let has_account = header.has(Column::Account) || header.has(Column::Payer);
        Ok(Some(ChargeKey {
            account: intern(has_account, &account),
            service: intern(
                header.has(Column::Code) || header.has(Column::Name),
                &service,
            ),
            region: intern(true, &region),
            family: intern(header.has(Column::UsageType), &family),
            kind,
            currency: ledger.names.intern(&match text(Column::Currency) {
                none if none.is_empty() => "USD".to_owned(),
                currency => currency,
            }),
        }))
    }

    fn kind(&self, text: &dyn Fn(Column) -> String, negative: bool) -> ChargeKind {
        match self.header.layout.layout {
            Layout::CostAndUsage if !self.header.has(Column::Kind) => ChargeKind::Usage,
            Layout::CostAndUsage => {
                charge::of_line_item(&text(Column::Kind), &text(Column::BillType))
            }
            Layout::Focus => charge::of_focus(&FocusKind {
                category: &text(Column::Kind),
                class: &text(Column::Class),
                pricing: &text(Column::Pricing),
                frequency: &text(Column::Frequency),
                commitment: &text(Column::Commitment),
            }),
            Layout::Detailed => charge::of_detailed(
                &text(Column::UsageType),
                &text(Column::Description),
                text(Column::Reserved) == "Y",
                negative,
            ),
        }
    }

    /// Name of the product, from its column or from the map that CUR 2.0 has in its place.
    fn product_name(&self, cells: &Cells<'_>, text: &dyn Fn(Column) -> String) -> String {
        let name = text(Column::Name);
        let map = present(cells[Column::Product as usize]);
        if !name.is_empty() || map.is_empty() || service::is_known(&text(Column::Code)) {
            return name;
        }
        let map: Option<serde_json::Value> = serde_json::from_str(&unescaped(map)).ok();
        let name = map.as_ref().and_then(|m| m["product_name"].as_str());
        name.unwrap_or_default().to_owned()
    }

    /// Region from its columns, else from the usage type. Where a bill has no column for regions,
    /// usage types without a prefix are of `us-east-1`.
    fn region(&self, text: &dyn Fn(Column) -> String, usage_type: &str, service: &str) -> String {
        let named = text(Column::Region);
        if !named.is_empty() {
            return named;
        }
        if service::is_global(service) {
            return GLOBAL.to_owned();
        }
        if let Some(region) = place::region_of_zone(&text(Column::Zone)) {
            return region.to_owned();
        }
        let prefix = place::split_region(usage_type).0;
        let silent = self.header.has(Column::Region) || usage_type.is_empty();
        let silent = silent || usage_type.starts_with("MP:");
        prefix
            .unwrap_or(if silent { GLOBAL } else { "us-east-1" })
            .to_owned()
    }
}

/// Cell without the words for nothing.
#[inline]
pub(crate) fn present(cell: &[u8]) -> &[u8] {
    match cell {
        [b'n' | b'N', _, _] | [b'n' | b'N', _, _, _] if ABSENT.contains(&cell) => b"",
        _ => cell,
    }
}

fn amounts(cells: &Cells<'_>) -> Result<Amounts, BillProblemKind> {
    let cell = |column: Column| present(cells[column as usize]);
    let cost = amount(cell(Column::Cost)).ok_or(BillProblemKind::Cost)?;
    let quantity = match cell(Column::Quantity) {
        [] => Decimal::ZERO,
        text => amount(text).ok_or(BillProblemKind::Quantity)?,
    };
    let listed = match cell(Column::Listed) {
        [] => cost,
        text => listed(amount(text).unwrap_or(cost), cost),
    };
    Ok(Amounts {
        cost,
        listed,
        quantity,
    })
}

/// Price list cost, or the cost where the list has none.
pub(crate) fn listed(listed: Decimal, cost: Decimal) -> Decimal {
    if listed.is_zero() { cost } else { listed }
}

/// Account id with the zeros that spreadsheets drop.
fn account_id(text: &str) -> Result<String, BillProblemKind> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if !digits && text.contains(['+', '.']) && text.contains('E') {
        return Err(BillProblemKind::Account);
    }
    let short = digits && !text.is_empty() && text.len() < 12;
    Ok(if short && text.len() >= 9 {
        format!("{text:0>12}")
    } else {
        text.to_owned()
    })
}
