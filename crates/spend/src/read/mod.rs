//! Bills as AWS writes them, told apart by content: cost and usage reports, FOCUS, detailed billing
//! reports, CloudWatch metrics, Cost Explorer, anomalies and budgets.

mod answer;
mod bill_reader;
mod columns;
mod csv_rows;
mod manifest;
#[cfg(feature = "parquet")]
mod parquet_rows;
mod row_taker;

pub use bill_reader::BillReader;
pub use manifest::{Manifest, PlannedFile, plan};

/// Parts that benchmarks and property tests hold against others.
#[doc(hidden)]
pub mod for_tests {
    use std::io::Read;

    use super::csv_rows::{CsvRows, NextRow};

    /// Cells of a CSV text, as our reader separates them.
    pub fn cells(text: &mut dyn Read, columns: usize) -> Vec<Vec<String>> {
        let mut rows = CsvRows::new(text, b',');
        rows.want(&(0..columns).map(Some).collect::<Vec<_>>());
        let mut found = Vec::new();
        while let Ok(NextRow::Row(_)) = rows.next() {
            let cell = |n| super::csv_rows::unescaped(rows.cell(n));
            found.push((0..columns).map(cell).collect());
        }
        found
    }
}
