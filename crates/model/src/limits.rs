//! Every bound in the program, in one table. What exceeds a bound is reported, never dropped in
//! silence.

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
/// Bundles of 256 entries that are searched from the end of the log for an account's last snapshot:
/// for 200 accounts every hour, three days.
pub const HISTORY_BUNDLES_MAX: usize = 64;
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
/// Bytes of one object of a trail that are read whole; a larger one is streamed.
pub const OBJECT_WHOLE_BYTES_MAX: usize = 8 << 20;
/// Bytes that an object may inflate to in one piece; above it is streamed.
pub const INFLATED_WHOLE_BYTES_MAX: usize = 8 << 20;
/// Bytes of a streamed object that are at hand at once.
pub const WINDOW_BYTES: usize = 1 << 20;
/// Bytes that one object may inflate to.
pub const INFLATED_BYTES_MAX: u64 = 64 << 30;
/// How much larger an inflated object may be than the stored one, once it is above
/// [`INFLATE_RATIO_BYTES_MIN`]. Real trails are at 8 to 20.
pub const INFLATE_RATIO_MAX: usize = 100;
/// Bytes of an inflated object from which its ratio counts.
pub const INFLATE_RATIO_BYTES_MIN: u64 = 64 << 20;
/// Bytes of one record. CloudTrail's own limit is 256 KiB.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Envelopes inside of envelopes (EventBridge in a log message in a subscription).
pub const UNWRAP_DEPTH_MAX: usize = 4;
/// Bytes of one ZIP file, which is held in memory because its list stands at its end.
pub const ZIP_BYTES_MAX: u64 = 1 << 30;
/// Files in one archive.
pub const ARCHIVE_FILES_MAX: usize = 1_000_000;
/// Records that may be read and not judged, in each so many, before silence is no all-clear any
/// more: one in a hundred.
pub const UNJUDGED_ONE_IN: u64 = 100;
/// Seconds after a call until its record is delivered at the latest. AWS says "about 5 minutes"; an
/// hour leaves room.
pub const DELIVERY_SECONDS_MAX: i64 = 3600;
/// Folders below each other that are walked for the objects of a trail.
pub const FOLDER_DEPTH_MAX: usize = 256;
/// Findings of one run.
pub const FINDINGS_MAX: usize = 20_000;
/// Events that one finding names; it counts the others.
pub const EVIDENCE_MAX: usize = 10;
/// Resources that one finding names.
pub const RESOURCES_MAX: usize = 10;
/// Different calls that one finding counts one by one.
pub const CALLS_MAX: usize = 64;
/// Earliest events of one call, of those that worked and of those that failed, that name what the
/// call was about.
pub const SIGHTINGS_OF_CALL_MAX: usize = 5;
/// Scalars of a request or an answer that are looked at for what a call touched.
pub const TOUCHED_LEAVES_MAX: usize = 400;
/// Depth to which they are.
pub const TOUCHED_DEPTH_MAX: usize = 16;
/// JSON in a string that is looked into for that.
pub const TOUCHED_TEXT_BYTES_MAX: usize = 64 << 10;
/// Bytes of a command that a finding tells.
pub const TOUCHED_COMMAND_BYTES_MAX: usize = 200;
/// Counterparties that one finding names.
pub const COUNTERPARTIES_MAX: usize = 20;
/// Bytes of a text from a log (user agent, resource, group) that findings and state keep.
pub const LOG_TEXT_BYTES_MAX: usize = 512;
/// Event ids in each of two generations in which duplicates are looked for.
pub const EVENT_IDS_MAX: usize = 225_000;
/// Bytes of what rules with windows remember.
pub const WINDOW_STATE_BYTES_MAX: usize = 16 << 20;
/// Distinct values of one span that a rule counts: a secret a second for an hour is beyond what any
/// rule asks for.
pub const RATE_VALUES_MAX: usize = 4096;
/// What one event may add to a sum: DeleteObjects takes at most 1,000 keys.
pub const RATE_SUMMAND_MAX: u64 = 10_000;
/// Seconds that an event may be late when state has to be given up.
pub const LATE_SECONDS: i64 = 3600;
/// Keys of first-seen memory.
pub const FIRST_SEEN_KEYS_MAX: usize = 1_000_000;
/// New keys of one run of which first-seen rules remember the event.
pub const FIRST_SEEN_FRESH_MAX: usize = 100_000;
/// Entries of each cache of a scanning thread.
pub const SCAN_CACHE_MAX: usize = 16_384;
/// Bytes of one rule file.
pub const RULE_FILE_BYTES_MAX: usize = 1 << 20;
/// Rules in all.
pub const RULES_MAX: usize = 20_000;
/// Aliases of YAML (`*name`) in one rule file; real rules have none.
pub const YAML_ALIASES_MAX: usize = 64;
/// Bytes of one pattern in a rule.
pub const PATTERN_BYTES_MAX: usize = 8192;
/// Values of one event that a rule with a window counts: EC2 ends as many instances with one call.
pub const COUNTED_VALUES_MAX: usize = 1000;
/// Calls that may have changed something, kept of a trail for the join.
pub const DEEDS_MAX: usize = 200_000;
/// Bytes of a policy in a call that the join keeps; a longer one is compared by time only.
pub const DEED_TEXT_BYTES_MAX: usize = 32 << 10;
/// Values of one call that the join keeps, as hashes.
pub const LEAVES_MAX: usize = 512;
/// Credentials whose issue is kept of a trail.
pub const ISSUED_MAX: usize = 300_000;
/// Addresses, and user agents, whose first and last call are kept of a trail.
pub const ADDRESSES_MAX: usize = 200_000;
/// Combinations of actor, call and error that are counted.
pub const CALL_TALLIES_MAX: usize = 100_000;
/// Regions, and accounts, that are named of one of them.
pub const REGIONS_NAMED_MAX: usize = 64;
/// Calls that made something or took it away that are kept, the earliest ones.
pub const ACTS_MAX: usize = 100_000;
/// Things that one call makes or takes away.
pub const THINGS_OF_CALL_MAX: usize = 100;
/// Different calls that are told of one actor.
pub const CALLS_OF_ACTOR_MAX: usize = 1_000;
/// Things that are told of one actor.
pub const MADE_OF_ACTOR_MAX: usize = 1_000;
/// Commands that one incident advises.
pub const ADVICE_MAX: usize = 300;
/// Bytes of one case of `access eval`.
pub const CASE_BYTES_MAX: u64 = 16 << 20;
/// Bytes of policy text that `access eval` keeps compiled: cases repeat their policies.
pub const COMPILED_BYTES_MAX: usize = 8 << 20;
