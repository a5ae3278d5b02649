//! Every bound in the program, in one table. What exceeds a bound is reported, never dropped in silence.

/// Bytes of one answer of AWS, and of one file of a dump, that are read.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Nesting of JSON or XML in an answer.
pub const NESTING_MAX: usize = 64;
/// Pages of one call.
pub const PAGES_MAX: usize = 10_000;
/// Calls in flight at once, unless `--in-flight` says otherwise.
pub const CALLS_IN_FLIGHT: usize = 32;
/// Accounts read at once.
pub const ACCOUNTS_AT_ONCE: usize = 4;
/// Accounts whose snapshots wait in memory to be signed together.
pub const ACCOUNTS_PER_COMMIT: usize = 16;
/// Attempts at one call, the first included.
pub const ATTEMPTS_MAX: u32 = 6;
/// Seconds until an attempt is given up.
pub const ATTEMPT_SECONDS_MAX: u64 = 60;
/// Files of one dump.
pub const DUMP_FILES_MAX: usize = 2_000_000;
/// Bytes of a dump of AWS CLI output in one file.
pub const DUMP_FILE_BYTES_MAX: usize = 2 << 30;
/// Bytes of one file of the evidence log.
pub const EVIDENCE_FILE_BYTES_MAX: usize = 2 << 30;
/// Bytes of one log entry (tlog-tiles has a 16-bit length).
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Bytes of documents that one frame of a pack holds before it is compressed.
pub const PACK_FRAME_BYTES: usize = 256 << 10;
/// Bytes that one frame of a pack may inflate to.
pub const PACK_FRAME_BYTES_MAX: usize = 256 << 20;
/// Bytes of inflated documents that are kept at hand while a store is read.
pub const DOCUMENTS_BYTES_MAX: usize = 128 << 20;
/// Failing items that one coverage row names; further ones make the whole row unknown.
pub const COVERAGE_ITEMS_MAX: usize = 1_000;
/// Characters of an error text kept in coverage.
pub const ERROR_TEXT_MAX: usize = 300;
/// Lines of old and new that a human diff prints for one change; `--fact` prints them all.
pub const DIFF_LINES_MAX: usize = 12;
