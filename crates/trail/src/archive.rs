//! Files in archives: ZIP and tar.

use std::cell::Cell;
use std::io::{self, Cursor, Read};

use super::content::ForeignFile;
use super::lookahead::ItemSink;
use super::shape::{ReadProblem, TrailItem};
use bartizan_model::limits::{
    ARCHIVE_FILES_MAX, INFLATE_RATIO_BYTES_MIN, INFLATE_RATIO_MAX, INFLATED_BYTES_MAX,
    ZIP_BYTES_MAX,
};

/// Reads every file of a ZIP archive with `read_file`. Gives the bytes that they hold.
pub(super) fn zip(
    read_file: &mut dyn FnMut(&mut dyn Read, &mut dyn ItemSink),
    source: &mut dyn Read,
    sink: &mut dyn ItemSink,
) -> u64 {
    let mut bytes = Vec::new();
    if source
        .take(ZIP_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .is_err()
    {
        problem(sink, ReadProblem::Unreadable);
        return 0;
    }
    if bytes.len() as u64 > ZIP_BYTES_MAX {
        problem(sink, ReadProblem::ArchiveTooLarge);
        return 0;
    }
    let budget = ArchiveBudget::new(bytes.len() as u64);
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        problem(sink, ReadProblem::Archive);
        return 0;
    };
    let is = |name: &str| archive.file_names_raw().any(|n| n == name.as_bytes());
    if is("[Content_Types].xml") {
        problem(sink, ReadProblem::Foreign(ForeignFile::Spreadsheet));
        return 0;
    }
    for number in 0..archive.len() {
        if number >= ARCHIVE_FILES_MAX || budget.is_spent() {
            problem(
                sink,
                if budget.is_spent() {
                    ReadProblem::Bomb
                } else {
                    ReadProblem::ArchiveTooLarge
                },
            );
            break;
        }
        match archive.by_index(number) {
            Ok(file) if file.is_dir() || is_litter(file.name_raw()) => {}
            Ok(file) => read_file(&mut budget.reading(file), sink),
            Err(
                zip::result::ZipError::UnsupportedArchive(_)
                | zip::result::ZipError::InvalidPassword,
            ) => {
                problem(sink, ReadProblem::Locked);
            }
            Err(zip::result::ZipError::CompressionMethodNotSupported(_)) => {
                problem(sink, ReadProblem::Foreign(ForeignFile::Packed))
            }
            Err(_) => problem(sink, ReadProblem::Archive),
        }
    }
    budget.taken.get()
}

/// Reads every file of a tar archive. Gives the bytes that they hold.
pub(super) fn tar(
    read_file: &mut dyn FnMut(&mut dyn Read, &mut dyn ItemSink),
    source: &mut dyn Read,
    sink: &mut dyn ItemSink,
) -> u64 {
    let budget = ArchiveBudget::new(u64::MAX);
    let mut archive = tar::Archive::new(source);
    let Ok(files) = archive.entries() else {
        problem(sink, ReadProblem::Archive);
        return 0;
    };
    for (number, file) in files.enumerate() {
        let Ok(file) = file else {
            problem(sink, ReadProblem::Archive);
            break;
        };
        if number >= ARCHIVE_FILES_MAX || budget.is_spent() {
            problem(
                sink,
                if budget.is_spent() {
                    ReadProblem::Bomb
                } else {
                    ReadProblem::ArchiveTooLarge
                },
            );
            break;
        }
        let kind = file.header().entry_type();
        if (kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse())
            && !is_litter(&file.path_bytes())
        {
            read_file(&mut budget.reading(file), sink);
        }
    }
    budget.taken.get()
}

/// What macOS puts into archives beside the files.
fn is_litter(name: &[u8]) -> bool {
    let file = name.rsplit(|b| *b == b'/').next().unwrap_or_default();
    name.starts_with(b"__MACOSX/") || file == b".DS_Store" || file.starts_with(b"._")
}

fn problem(sink: &mut dyn ItemSink, problem: ReadProblem) {
    sink.item(TrailItem::Problem { offset: 0, problem });
}

/// How much all files of one archive may hold together.
struct ArchiveBudget {
    stored: u64,
    taken: Cell<u64>,
}

impl ArchiveBudget {
    fn new(stored: u64) -> Self {
        Self {
            stored,
            taken: Cell::new(0),
        }
    }

    fn is_spent(&self) -> bool {
        let taken = self.taken.get();
        let ratio = taken / self.stored.max(1);
        taken > INFLATED_BYTES_MAX
            || taken > INFLATE_RATIO_BYTES_MIN && ratio > INFLATE_RATIO_MAX as u64
    }

    fn reading<R: Read>(&self, file: R) -> BudgetedReader<'_, R> {
        BudgetedReader { file, budget: self }
    }
}

struct BudgetedReader<'b, R> {
    file: R,
    budget: &'b ArchiveBudget,
}

impl<R: Read> Read for BudgetedReader<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.budget.is_spent() {
            return Err(io::Error::other("more than an archive may hold"));
        }
        let n = self.file.read(out)?;
        self.budget.taken.set(self.budget.taken.get() + n as u64);
        Ok(n)
    }
}
