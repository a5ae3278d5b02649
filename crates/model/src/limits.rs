//! All bounds of the program in one table. Exceeding a bound is always reported, never silent.

/// Size in bytes of one AWS response, and of one file in a dump.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Nesting depth of JSON or XML in a response.
pub const NESTING_MAX: usize = 64;
/// Pages per call.
pub const PAGES_MAX: usize = 10_000;
/// Calls in flight, unless set by `--in-flight`.
pub const CALLS_IN_FLIGHT: usize = 32;
/// Accounts collected in parallel.
pub const ACCOUNTS_AT_ONCE: usize = 4;
/// Accounts whose snapshots are kept in memory to be signed together.
pub const ACCOUNTS_PER_COMMIT: usize = 16;
/// Attempts per call, including the first.
pub const ATTEMPTS_MAX: u32 = 6;
/// Timeout of an attempt in seconds.
pub const ATTEMPT_SECONDS_MAX: u64 = 60;
/// Files in one dump.
pub const DUMP_FILES_MAX: usize = 2_000_000;
/// Size in bytes of one file of AWS CLI output.
pub const DUMP_FILE_BYTES_MAX: usize = 2 << 30;
/// Size in bytes of one file of the evidence log.
pub const EVIDENCE_FILE_BYTES_MAX: usize = 2 << 30;
/// Size in bytes of one log entry (tlog-tiles has a 16-bit length).
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Bundles of 256 entries searched from the end of the log for an account's last snapshot: three
/// days for 200 accounts every hour.
pub const HISTORY_BUNDLES_MAX: usize = 64;
/// Uncompressed size in bytes at which a pack frame ends.
pub const PACK_FRAME_BYTES: usize = 256 << 10;
/// Decompressed size in bytes of one pack frame.
pub const PACK_FRAME_BYTES_MAX: usize = 256 << 20;
/// Decompressed documents cached while a store is read, in bytes.
pub const DOCUMENTS_BYTES_MAX: usize = 128 << 20;
/// Failed items listed in a coverage row; more make the whole row unknown.
pub const COVERAGE_ITEMS_MAX: usize = 1_000;
/// Length of an error text in coverage, in characters.
pub const ERROR_TEXT_MAX: usize = 300;
/// Lines of old and new content that a text diff prints per change; `--fact` prints all of them.
pub const DIFF_LINES_MAX: usize = 12;
/// Size in bytes up to which a trail object is read as a whole; larger ones are streamed.
pub const OBJECT_WHOLE_BYTES_MAX: usize = 8 << 20;
/// Decompressed size in bytes up to which an object is decompressed at once; larger ones are
/// streamed.
pub const INFLATED_WHOLE_BYTES_MAX: usize = 8 << 20;
/// Buffer of a streamed object, in bytes.
pub const WINDOW_BYTES: usize = 1 << 20;
/// Decompressed size of one object, in bytes.
pub const INFLATED_BYTES_MAX: u64 = 64 << 30;
/// Compression ratio of an object above [`INFLATE_RATIO_BYTES_MIN`]. Real trails have 8 to 20.
pub const INFLATE_RATIO_MAX: usize = 100;
/// Decompressed size in bytes from which the ratio is checked.
pub const INFLATE_RATIO_BYTES_MIN: u64 = 64 << 20;
/// Size of one record in bytes. CloudTrail's own limit is 256 KiB.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Nested envelopes (EventBridge in a log message in a subscription).
pub const UNWRAP_DEPTH_MAX: usize = 4;
/// Size in bytes of one ZIP file; it is held in memory because its directory is at the end.
pub const ZIP_BYTES_MAX: u64 = 1 << 30;
/// Files in one archive.
pub const ARCHIVE_FILES_MAX: usize = 1_000_000;
/// Length in bytes of one text of `userIdentity`; longer ones are truncated.
pub const IDENTITY_TEXT_BYTES_MAX: usize = 2048;
/// Largest xz dictionary in KiB; `xz -9` uses 64 MiB.
pub const XZ_MEMORY_KIB_MAX: u32 = 256 << 10;
/// Nesting depth of `userIdentity`.
pub const IDENTITY_DEPTH_MAX: usize = 8;
/// Columns read of a table.
pub const TABLE_COLUMNS_MAX: usize = 1024;
/// Nesting depth at which a record inside another document is searched.
pub const WRAPPED_DEPTH_MAX: usize = 4;
/// Size in bytes of a record that is recognized as a repeat without parsing.
pub const REPEATED_RECORD_BYTES_MAX: usize = 64 << 10;
/// Length in bytes of a value that differs between repeats.
pub const REPEATED_TEXT_BYTES_MAX: usize = 128;
/// One in this many records may be read but not evaluated before having no findings is no
/// all-clear.
pub const UNJUDGED_ONE_IN: u64 = 100;
/// Longest delivery delay of a record in seconds. AWS says "about 5 minutes"; an hour leaves room.
pub const DELIVERY_SECONDS_MAX: i64 = 3600;
/// Depth of nested folders searched for trail objects.
pub const FOLDER_DEPTH_MAX: usize = 256;
/// Findings per run.
pub const FINDINGS_MAX: usize = 20_000;
/// Events listed in one finding; the others are only counted.
pub const EVIDENCE_MAX: usize = 10;
/// Resources listed in one finding.
pub const RESOURCES_MAX: usize = 10;
/// API calls counted separately in one finding.
pub const CALLS_MAX: usize = 64;
/// Earliest events per API call that contribute resources, successful and failed ones each.
pub const SIGHTINGS_OF_CALL_MAX: usize = 5;
/// Scalars of a request or response that are inspected for resources.
pub const TOUCHED_LEAVES_MAX: usize = 400;
/// Nesting depth of such scalars.
pub const TOUCHED_DEPTH_MAX: usize = 16;
/// Size in bytes of JSON inside a string that is inspected for resources.
pub const TOUCHED_TEXT_BYTES_MAX: usize = 64 << 10;
/// Length in bytes of a command in a finding.
pub const TOUCHED_COMMAND_BYTES_MAX: usize = 200;
/// Counterparties listed in one finding.
pub const COUNTERPARTIES_MAX: usize = 20;
/// Length in bytes of log texts (user agent, resource, group) in findings and state.
pub const LOG_TEXT_BYTES_MAX: usize = 512;
/// Event ids per generation, of two, for detecting duplicates.
pub const EVENT_IDS_MAX: usize = 225_000;
/// Memory of all window rules, in bytes.
pub const WINDOW_STATE_BYTES_MAX: usize = 16 << 20;
/// Distinct values that a rate rule counts per span: one secret per second for an hour exceeds any
/// rule's threshold.
pub const RATE_VALUES_MAX: usize = 4096;
/// Largest summand from one event: DeleteObjects accepts at most 1,000 keys.
pub const RATE_SUMMAND_MAX: u64 = 10_000;
/// Lateness allowed for an event in seconds, once state must be evicted.
pub const LATE_SECONDS: i64 = 3600;
/// Keys in first-seen memory.
pub const FIRST_SEEN_KEYS_MAX: usize = 1_000_000;
/// New keys per run whose first event is kept.
pub const FIRST_SEEN_FRESH_MAX: usize = 100_000;
/// Networks that a scanning thread has reported for rules on new networks.
pub const REPORTED_NETWORKS_MAX: usize = 43_690;
/// Entries in each cache of a scanning thread.
pub const SCAN_CACHE_MAX: usize = 16_384;
/// Length in bytes of a text that may name a resource: an ARN has at most 2,048 characters.
pub const NAME_BYTES_MAX: usize = 2048;
/// Nesting depth at which a request is searched for policy documents: AWS requests have them in
/// the first levels.
pub const DOCUMENT_DEPTH_MAX: usize = 6;
/// Keys of one DeleteObjects call; AWS accepts no more.
pub const DELETED_KEYS_MAX: u64 = 1000;
/// Action patterns read of one statement: the largest policy in AWS has room for fewer.
pub const STATEMENT_ACTIONS_MAX: usize = 4096;
/// Nesting depth of lists in a request; EC2 has two levels.
pub const LISTS_DEPTH_MAX: usize = 4;
/// Nesting depth of a request that rules read; AWS requests are below it.
pub const REQUEST_DEPTH_MAX: usize = 16;
/// Resources of one call: EC2 accepts a thousand instances.
pub const RESOURCES_OF_CALL_MAX: usize = 1000;
/// Objects with problems that are listed by name.
pub const PROBLEMS_NAMED_MAX: usize = 1000;
/// Explanations of one finding.
pub const BECAUSE_MAX: usize = 3;
/// Fields of a request that make up the id of one resource.
pub const RESOURCE_FIELDS_MAX: usize = 2;
/// Things of one name that are compared when one is removed; beyond it, removed ones are evicted.
pub const SAME_NAME_MAX: usize = 64;
/// Size of one rule file in bytes.
pub const RULE_FILE_BYTES_MAX: usize = 1 << 20;
/// Rules in total.
pub const RULES_MAX: usize = 20_000;
/// YAML aliases (`*name`) in one rule file; real rules have none.
pub const YAML_ALIASES_MAX: usize = 64;
/// Length in bytes of one pattern in a rule.
pub const PATTERN_BYTES_MAX: usize = 8192;
/// Values of one event that a window rule counts: EC2 terminates up to a thousand instances per
/// call.
pub const COUNTED_VALUES_MAX: usize = 1000;
/// Mutating calls kept for attribution.
pub const DEEDS_MAX: usize = 200_000;
/// Size in bytes of a policy that attribution keeps; larger ones are compared by time only.
pub const DEED_TEXT_BYTES_MAX: usize = 32 << 10;
/// Hashed values of one call that attribution keeps.
pub const LEAVES_MAX: usize = 512;
/// Issued credentials kept for attribution.
pub const ISSUED_MAX: usize = 300_000;
/// Facts that one call changed; further ones are not attributed to it.
pub const FACTS_OF_CALL_MAX: usize = 100;
/// Length in bytes of a fact id in a record.
pub const FACT_ID_BYTES_MAX: usize = 2048;
/// Length in bytes of a policy in a call that is kept to be compared.
pub const CALL_POLICY_BYTES_MAX: usize = 256 << 10;
/// Nesting depth of the values of one call that attribution keeps.
pub const LEAVES_DEPTH_MAX: usize = 12;
/// Calls kept for one change.
pub const CALLS_OF_CHANGE_MAX: usize = 10;
/// Role sessions followed back from a caller to its origin.
pub const CHAIN_LINKS_MAX: usize = 16;
/// Addresses, and user agents, whose first and last call are kept.
pub const ADDRESSES_MAX: usize = 200_000;
/// Combinations of actor, API call and error that are counted.
pub const CALL_TALLIES_MAX: usize = 100_000;
/// Regions, and accounts, listed for one such combination.
pub const REGIONS_NAMED_MAX: usize = 64;
/// Calls that created or removed things; the earliest are kept.
pub const ACTS_MAX: usize = 100_000;
/// Things created or removed by one call.
pub const THINGS_OF_CALL_MAX: usize = 100;
/// API calls listed for one actor.
pub const CALLS_OF_ACTOR_MAX: usize = 1_000;
/// Things listed for one actor.
pub const MADE_OF_ACTOR_MAX: usize = 1_000;
/// Commands recommended for one incident.
pub const ADVICE_MAX: usize = 300;
/// Bytes of one case of `access eval`.
pub const CASE_BYTES_MAX: u64 = 16 << 20;
/// Bytes of policy text that `access eval` keeps compiled: cases repeat their policies.
pub const COMPILED_BYTES_MAX: usize = 8 << 20;
/// Documents that are followed from one to the next for the facts that a result is about: an
/// instance names its groups, a group its prefix lists.
pub const GRANT_MENTIONS_MAX: usize = 3;
/// Open sessions of roles that the state keeps of an account, those of one role and one origin
/// together.
pub const SESSIONS_MAX: usize = 1_000;
/// Age in days of an access key, and days without use of a credential, that a check lets pass.
pub const CREDENTIAL_AGE_DAYS: i64 = 90;
/// Days without use of the root user that a check asks for.
pub const ROOT_USED_DAYS: i64 = 30;
/// Age in days of a running instance that a check lets pass.
pub const INSTANCE_AGE_DAYS: i64 = 90;
/// Days that the logs of a trail are kept at least.
pub const LOG_KEPT_DAYS: i64 = 365;
/// Characters of a password at least.
pub const PASSWORD_LENGTH_MIN: i64 = 14;
/// Former passwords that a new one may not repeat.
pub const PASSWORD_REUSE_MIN: i64 = 24;
/// Steps of a ladder of billing alarms at least.
pub const BILL_STEPS_MIN: usize = 3;
/// Attempts at one call on temporary failures of network or service.
pub const ATTEMPTS_TEMPORARY_MAX: u32 = 3;
/// Calls whose facts are asked for at a time, of those that wait for all others: each may lead to a
/// thousand.
pub const DEFERRED_CALLS_AT_ONCE: usize = 8;
/// Pages of one list of the bill that AWS is asked for, live.
pub const BILL_PAGES_MAX: usize = 200;
/// Sums of a bill by account, service, region, family and kind: 500 accounts have 100,000.
pub const BILL_KEYS_MAX: usize = 400_000;
/// Unreadable parts of a bill that are listed; all are counted.
pub const BILL_PROBLEMS_MAX: usize = 1_000;
/// Size in bytes of one row of a bill.
pub const BILL_ROW_BYTES_MAX: usize = 1 << 20;
/// Columns of a bill. Legacy reports have 200 to 400.
pub const BILL_COLUMNS_MAX: usize = 4_096;
/// Combinations of identifying cells that are remembered for each file of a bill.
pub const BILL_CACHE_MAX: usize = 200_000;
/// Size in bytes of one answer of Cost Explorer or CloudWatch.
pub const BILL_ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Size in bytes of one Parquet file of a bill, which is held in memory as it is stored.
pub const BILL_PARQUET_BYTES_MAX: u64 = 1 << 30;
/// Archives inside archives in a bill.
pub const BILL_PACKED_DEPTH_MAX: usize = 3;
/// Size in bytes, stored or inflated, up to which a digest or a log is held whole when it is
/// verified; larger logs are only hashed.
pub const VERIFIED_WHOLE_BYTES_MAX: usize = 64 << 20;
/// Seconds by which the validity of a public key of CloudTrail is widened on both sides: digests of
/// the hours around a change of keys are signed with either.
pub const KEY_SLACK_SECONDS: i64 = 2 * 3600;
/// Calls of one log that switch trails on or off.
pub const TRAIL_SWITCHES_MAX: usize = 1000;
/// Decompressed size in bytes of the list of verified digests and logs; beyond it everything is
/// read again.
pub const VERIFIED_LIST_BYTES_MAX: usize = 1 << 30;
/// Newest digests in one entry of the evidence log: with a signature each has about 1 KB.
pub const TRAIL_HEADS_PER_ENTRY: usize = 32;
/// Objects of a bucket that are fetched at once when a trail is verified.
pub const FETCHES_IN_FLIGHT: usize = 96;

/// Bytes of one scan result after decompression.
pub const SCAN_RESULT_BYTES_MAX: usize = 512 << 20;
/// Bytes of one scan result as stored.
pub const SCAN_RESULT_STORED_BYTES_MAX: usize = 128 << 20;
/// Size in bytes of one message of a queue: SQS takes up to 1 MiB.
pub const NOTICE_BYTES_MAX: usize = 1 << 20;
/// Entries read of one message; S3 sends one to a few.
pub const NOTICES_MAX: usize = 2_000;
/// Messages received, deleted or extended at once; SQS takes no more.
pub const QUEUE_BATCH_MAX: usize = 10;
/// Size in bytes of one finding of another system; ASFF allows 240 KB.
pub const SENSOR_FINDING_BYTES_MAX: usize = 1 << 20;
/// Findings of other systems read of one file or message.
pub const SENSOR_FINDINGS_MAX: usize = 100_000;
/// Problems of one file of another system's findings that are listed; all are counted.
pub const SENSOR_PROBLEMS_MAX: usize = 100;
/// Size in bytes of one file of another system's findings.
pub const SENSOR_FILE_BYTES_MAX: u64 = 256 << 20;
/// Prefixes of accounts and regions below one prefix of a trail in S3.
pub const TRAIL_PLACES_MAX: usize = 20_000;
/// New objects that one look at a prefix of S3 returns; the next look continues.
pub const NEW_OBJECTS_MAX: usize = 100_000;
/// Places (account and region) that health lists by name; all are counted.
pub const HEALTH_PLACES_MAX: usize = 20_000;
/// Messages of queues that were given up, and deleted objects, that are kept.
pub const QUEUE_LOSSES_MAX: usize = 1_000;
/// Bytes that are kept of a message that was given up.
pub const QUEUE_BODY_BYTES_KEPT: usize = 4096;
/// Characters of a command that a page shows; a longer one is not shown, for a part would do
/// something else. A policy document in it has at most 10,240.
pub const SHOWN_COMMAND_MAX: usize = 12_000;
/// Sessions of the page that are open at once; the oldest ends for another.
pub const PAGE_SESSIONS_MAX: usize = 1000;
/// Attempts to sign in within a minute from one address, or for one name.
pub const SIGN_IN_ATTEMPTS_MAX: u32 = 10;
/// Addresses whose attempts to sign in are counted; beyond it all count as one.
pub const SIGN_IN_ADDRESSES_MAX: usize = 10_000;
/// Characters of a reason or a note about an incident.
pub const NOTE_TEXT_MAX: usize = 4000;
/// Characters of the name of somebody that an incident is assigned to.
pub const NOTE_NAME_MAX: usize = 200;
/// Snapshots whose analysis the page keeps.
pub const ANALYSES_MAX: usize = 6;
/// Signs of life until a stream of events of the page ends, and the browser asks again with its cookie.
pub const PAGE_HEARTBEATS_MAX: u32 = 240;
/// Size in bytes of one answer of an OpenID Connect provider.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 1 << 20;
/// Connections to the page that are open at once; more wait.
pub const PAGE_CONNECTIONS_MAX: usize = 1000;
/// Size in bytes of the head of a request to the page.
pub const REQUEST_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Lines of the head of a request to the page.
pub const REQUEST_HEAD_LINES_MAX: usize = 64;
/// Sign-ins at a provider that were begun and not ended; the oldest makes room.
pub const SIGN_INS_MAX: usize = 1000;
/// Length of an event id that the page looks up.
pub const EVENT_ID_MAX: usize = 128;
/// Size in bytes of the body of a request to the page; forms are small.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024;
/// Size in bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Characters of a search on the page.
pub const SEARCH_TEXT_MAX: usize = 300;
