//! Files in archives: ZIP and tar.

use std::cell::Cell;
use std::io::{self, Cursor, Read};

use super::again::Sink;
use super::content::Foreign;
use super::inflate::Reader;
use super::shape::{Item, Problem};
use bartizan_model::limits::{ARCHIVE_FILES_MAX, INFLATE_RATIO_BYTES_MIN, INFLATE_RATIO_MAX, INFLATED_BYTES_MAX, ZIP_BYTES_MAX};

/// Reads every file of a ZIP archive. Gives the bytes that they hold.
pub(super) fn zip(reader: &mut Reader, source: &mut dyn Read, sink: &mut dyn Sink, depth: usize) -> u64 {
    let mut bytes = Vec::new();
    if source.take(ZIP_BYTES_MAX + 1).read_to_end(&mut bytes).is_err() {
        problem(sink, Problem::Unreadable);
        return 0;
    }
    if bytes.len() as u64 > ZIP_BYTES_MAX {
        problem(sink, Problem::ArchiveTooLarge);
        return 0;
    }
    let budget = Budget::new(bytes.len() as u64);
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        problem(sink, Problem::Archive);
        return 0;
    };
    let is = |name: &str| archive.file_names_raw().any(|n| n == name.as_bytes());
    if is("[Content_Types].xml") {
        problem(sink, Problem::Foreign(Foreign::Spreadsheet));
        return 0;
    }
    for number in 0..archive.len() {
        if number >= ARCHIVE_FILES_MAX || budget.is_spent() {
            problem(sink, if budget.is_spent() { Problem::Bomb } else { Problem::ArchiveTooLarge });
            break;
        }
        match archive.by_index(number) {
            Ok(file) if file.is_dir() || is_litter(file.name_raw()) => {}
            Ok(file) => reader.read_file(&mut budget.reading(file), sink, depth),
            Err(zip::result::ZipError::UnsupportedArchive(_) | zip::result::ZipError::InvalidPassword) => {
                problem(sink, Problem::Locked);
            }
            Err(zip::result::ZipError::CompressionMethodNotSupported(_)) => problem(sink, Problem::Foreign(Foreign::Packed)),
            Err(_) => problem(sink, Problem::Archive),
        }
    }
    budget.taken.get()
}

/// Reads every file of a tar archive. Gives the bytes that they hold.
pub(super) fn tar(reader: &mut Reader, source: &mut dyn Read, sink: &mut dyn Sink, depth: usize) -> u64 {
    let budget = Budget::new(u64::MAX);
    let mut archive = tar::Archive::new(source);
    let Ok(files) = archive.entries() else {
        problem(sink, Problem::Archive);
        return 0;
    };
    for (number, file) in files.enumerate() {
        let Ok(file) = file else {
            problem(sink, Problem::Archive);
            break;
        };
        if number >= ARCHIVE_FILES_MAX || budget.is_spent() {
            problem(sink, if budget.is_spent() { Problem::Bomb } else { Problem::ArchiveTooLarge });
            break;
        }
        let kind = file.header().entry_type();
        if (kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) && !is_litter(&file.path_bytes()) {
            reader.read_file(&mut budget.reading(file), sink, depth);
        }
    }
    budget.taken.get()
}

/// What macOS puts into archives beside the files.
fn is_litter(name: &[u8]) -> bool {
    let file = name.rsplit(|b| *b == b'/').next().unwrap_or_default();
    name.starts_with(b"__MACOSX/") || file == b".DS_Store" || file.starts_with(b"._")
}

fn problem(sink: &mut dyn Sink, problem: Problem) {
    sink.item(Item::Problem { offset: 0, problem });
}

/// How much all files of one archive may hold together.
struct Budget {
    stored: u64,
    taken: Cell<u64>,
}

impl Budget {
    fn new(stored: u64) -> Self {
        Self { stored, taken: Cell::new(0) }
    }

    fn is_spent(&self) -> bool {
        let taken = self.taken.get();
        let ratio = taken / self.stored.max(1);
        taken > INFLATED_BYTES_MAX || taken > INFLATE_RATIO_BYTES_MIN && ratio > INFLATE_RATIO_MAX as u64
    }

    fn reading<R: Read>(&self, file: R) -> Bounded<'_, R> {
        Bounded { file, budget: self }
    }
}

struct Bounded<'b, R> {
    file: R,
    budget: &'b Budget,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.budget.is_spent() {
            return Err(io::Error::other("more than an archive may hold"));
        }
        let n = self.file.read(out)?;
        self.budget.taken.set(self.budget.taken.get() + n as u64);
        Ok(n)
    }
}
