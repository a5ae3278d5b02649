//! Parquet files of data exports. Only the columns that are read are decoded, and rows are taken a
//! batch at a time, without Arrow.

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;
use rust_decimal::Decimal;

use super::columns::{BillHeader, COLUMNS, Column};
use super::row_taker::{Cells, RowTaker, listed};
use crate::ledger::{Amounts, BillProblemKind, Ledger};
use crate::money::of_double;

/// Rows decoded at once.
const BATCH: usize = 8192;

/// Values of one column of a batch; `None` for null.
enum Batch {
    Text(Vec<Option<ByteArray>>),
    Double(Vec<Option<f64>>),
    /// Microseconds since 1970.
    Time(Vec<Option<i64>>),
}

/// Reads a file into the sums.
pub(crate) fn read(
    ledger: &mut Ledger,
    name: &str,
    file: u32,
    bytes: Vec<u8>,
) -> Result<(), BillProblemKind> {
    let damaged = |_| BillProblemKind::Damaged;
    let reader = SerializedFileReader::new(Bytes::from(bytes)).map_err(damaged)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let leaves: Vec<ColumnDescPtr> = schema.columns().to_vec();
    // A nested column counts under its own path: `product.key_value.key`.
    let names: Vec<String> = leaves.iter().map(|c| c.path().string()).collect();
    let header = BillHeader::of(&names).ok_or(BillProblemKind::NotABill)?;
    let mut taker = RowTaker::new(&header, file);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(damaged)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut columns = Vec::new();
        for (slot, position) in header.positions.iter().enumerate() {
            let Some(position) = position else { continue };
            if leaves[*position].max_rep_level() == 0 {
                let reader = group.get_column_reader(*position).map_err(damaged)?;
                columns.push((slot, leaves[*position].clone(), reader));
            }
        }
        let products = ProductNames::of(&names, &leaves, group.as_ref(), rows)?;
        let mut done = 0;
        while done < rows {
            let count = BATCH.min(rows - done);
            let mut batch: [Option<Batch>; COLUMNS] = [const { None }; COLUMNS];
            for (slot, leaf, reader) in &mut columns {
                batch[*slot] = Some(next_batch(reader, leaf, count)?);
            }
            for row in 0..count {
                let product = products.at(done + row);
                if let Err(problem) = take(&mut taker, ledger, &batch, row, product) {
                    ledger.problems.add(name, (done + row + 1) as u64, problem);
                }
            }
            done += count;
        }
    }
    let of_file = &mut ledger.files[file as usize];
    (of_file.rows, of_file.left_out) = (taker.rows, taker.left_out);
    Ok(())
}

/// Names of products in a map column, for CUR 2.0, which has no other. Read only where there is
/// one.
struct ProductNames(Vec<Option<ByteArray>>);

impl ProductNames {
    fn of(
        names: &[String],
        leaves: &[ColumnDescPtr],
        group: &dyn RowGroupReader,
        rows: usize,
    ) -> Result<Self, BillProblemKind> {
        let damaged = |_| BillProblemKind::Damaged;
        let place = |end: &str| {
            names
                .iter()
                .position(|n| n.starts_with("product.") && n.ends_with(end))
        };
        let has_name = names.iter().any(|n| n == "product_product_name");
        let (Some(key), Some(value), false) = (place(".key"), place(".value"), has_name) else {
            return Ok(Self(Vec::new()));
        };
        let leaf = |n: usize| {
            map_leaf(
                group.get_column_reader(n).map_err(damaged)?,
                leaves[n].max_def_level(),
            )
        };
        let (keys, values) = (leaf(key)?, leaf(value)?);
        let mut found = Vec::with_capacity(rows);
        for ((key, starts), (value, _)) in keys.into_iter().zip(values) {
            if starts {
                found.push(None);
            }
            if key.is_some_and(|k| k.data() == b"product_name")
                && let Some(last) = found.last_mut()
            {
                *last = value;
            }
        }
        Ok(Self(found))
    }

    fn at(&self, row: usize) -> &[u8] {
        match self.0.get(row) {
            Some(Some(name)) => name.data(),
            _ => b"",
        }
    }
}

/// Texts of a repeated column, each with whether it begins a row. A value is there where its
/// definition level is the deepest.
fn map_leaf(
    reader: ColumnReader,
    deepest: i16,
) -> Result<Vec<(Option<ByteArray>, bool)>, BillProblemKind> {
    if !matches!(reader, ColumnReader::ByteArrayColumnReader(_)) {
        return Ok(Vec::new());
    }
    let mut reader = get_typed_column_reader::<ByteArrayType>(reader);
    let mut found = Vec::new();
    loop {
        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        let (_, _, levels) = reader
            .read_records(
                BATCH,
                Some(&mut definitions),
                Some(&mut repetitions),
                &mut values,
            )
            .map_err(|_| BillProblemKind::Damaged)?;
        if levels == 0 {
            return Ok(found);
        }
        let mut values = values.into_iter();
        for (definition, repetition) in definitions.iter().zip(&repetitions) {
            let value = if *definition == deepest {
                values.next()
            } else {
                None
            };
            found.push((value, *repetition == 0));
        }
    }
}

fn next_batch(
    reader: &mut ColumnReader,
    leaf: &ColumnDescPtr,
    count: usize,
) -> Result<Batch, BillProblemKind> {
    macro_rules! values {
        ($reader:expr) => {{
            let (mut values, mut levels) = (Vec::with_capacity(count), Vec::with_capacity(count));
            let mut read = 0;
            while read < count {
                let levels_out = (leaf.max_def_level() > 0).then_some(&mut levels);
                let (records, _, _) = $reader
                    .read_records(count - read, levels_out, None, &mut values)
                    .map_err(|_| BillProblemKind::Damaged)?;
                if records == 0 {
                    return Err(BillProblemKind::Damaged);
                }
                read += records;
            }
            spread(values, &levels, leaf.max_def_level(), count)
        }};
    }
    Ok(match reader {
        ColumnReader::ByteArrayColumnReader(reader) => Batch::Text(values!(reader)),
        ColumnReader::DoubleColumnReader(reader) => Batch::Double(values!(reader)),
        ColumnReader::FloatColumnReader(reader) => Batch::Double(
            values!(reader)
                .into_iter()
                .map(|v| v.map(f64::from))
                .collect(),
        ),
        ColumnReader::Int64ColumnReader(reader) => {
            let unit = per_microsecond(leaf);
            let times: Vec<Option<i64>> = values!(reader);
            Batch::Time(
                times
                    .into_iter()
                    .map(|t| t.map(|t| unit.apply(t)))
                    .collect(),
            )
        }
        ColumnReader::Int96ColumnReader(reader) => Batch::Time(
            values!(reader)
                .into_iter()
                .map(|v: Option<parquet::data_type::Int96>| v.map(|v| v.to_nanos() / 1000))
                .collect(),
        ),
        _ => return Err(BillProblemKind::Damaged),
    })
}

/// Values with a `None` for each null.
fn spread<T>(values: Vec<T>, levels: &[i16], deepest: i16, count: usize) -> Vec<Option<T>> {
    if deepest == 0 {
        return values.into_iter().map(Some).collect();
    }
    let mut values = values.into_iter();
    let row = |n: usize| levels.get(n).is_some_and(|l| *l == deepest);
    (0..count)
        .map(|n| if row(n) { values.next() } else { None })
        .collect()
}

/// Factor from a column's unit of time to microseconds.
struct TimeFactor {
    times: i64,
    by: i64,
}

impl TimeFactor {
    fn apply(&self, time: i64) -> i64 {
        time.saturating_mul(self.times) / self.by
    }
}

fn per_microsecond(leaf: &ColumnDescPtr) -> TimeFactor {
    match (leaf.logical_type_ref(), leaf.converted_type()) {
        (Some(LogicalType::Timestamp(t)), _) if t.unit == TimeUnit::MILLIS => {
            TimeFactor { times: 1000, by: 1 }
        }
        (Some(LogicalType::Timestamp(t)), _) if t.unit == TimeUnit::NANOS => {
            TimeFactor { times: 1, by: 1000 }
        }
        (_, ConvertedType::TIMESTAMP_MILLIS) => TimeFactor { times: 1000, by: 1 },
        _ => TimeFactor { times: 1, by: 1 },
    }
}

/// One row of a batch into the sums.
fn take(
    taker: &mut RowTaker<'_>,
    ledger: &mut Ledger,
    batch: &[Option<Batch>; COLUMNS],
    row: usize,
    product: &[u8],
) -> Result<(), BillProblemKind> {
    let mut cells: Cells<'_> = [b""; COLUMNS];
    let mut typed = false;
    for (cell, column) in cells.iter_mut().zip(batch) {
        match column {
            Some(Batch::Text(texts)) => {
                *cell = texts[row].as_ref().map_or(b"", ByteArray::data);
            }
            Some(_) => typed = true,
            None => {}
        }
    }
    if cells[Column::Name as usize].is_empty() {
        cells[Column::Name as usize] = product;
    }
    if !typed {
        return taker.take(ledger, &cells, None);
    }
    let number = |column: Column| -> Option<Option<Decimal>> {
        match &batch[column as usize] {
            Some(Batch::Double(values)) => values[row].map(of_double),
            Some(Batch::Text(_)) => match cells[column as usize] {
                [] => None,
                text => Some(crate::money::amount(text)),
            },
            _ => None,
        }
    };
    let time = |column: Column| -> Option<(i32, u8)> {
        match &batch[column as usize] {
            Some(Batch::Time(values)) => values[row].and_then(|t| {
                let hours = t.div_euclid(3_600_000_000);
                let day = i32::try_from(hours.div_euclid(24)).ok()?;
                Some((day, hours.rem_euclid(24) as u8))
            }),
            _ => crate::day::time(cells[column as usize]),
        }
    };
    let cost = number(Column::Cost)
        .flatten()
        .ok_or(BillProblemKind::Cost)?;
    let quantity = match number(Column::Quantity) {
        None => Decimal::ZERO,
        Some(quantity) => quantity.ok_or(BillProblemKind::Quantity)?,
    };
    let listed = listed(number(Column::Listed).flatten().unwrap_or(cost), cost);
    let start = time(Column::Start).ok_or(BillProblemKind::Date)?;
    let end = time(Column::End).map_or(start.0, |e| e.0);
    taker.take(
        ledger,
        &cells,
        Some((
            Amounts {
                cost,
                listed,
                quantity,
            },
            start,
            end,
        )),
    )
}
