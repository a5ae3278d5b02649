//! Shape of the state database.

/// Its name in the store.
pub(super) const FILE: &str = "state.sqlite";
/// Written into the file; another number means another shape. 2 added the outbox.
pub(super) const VERSION: i64 = 2;

/// Tables of version 1.
pub(super) const TABLES: &str = "
create table finding (id text primary key, severity text not null, stage text not null, account \
text, first_time text, last_time text, json text not null) without rowid;
create table incident (id text primary key, score integer not null, first_time text not null, \
headline text not null, json text not null) without rowid;
create table merge (into_id text not null, from_id text not null, primary key (into_id, from_id)) \
without rowid;
create table object (name text primary key, bytes integer, learned integer not null default 0) \
without rowid;
create table kept (key text primary key, value blob not null) without rowid;
";

/// Tables that version 2 added.
pub(super) const OUTBOX_TABLES: &str = "
create table alert (key text primary key, time_ms integer not null, kind text not null, severity \
text not null, subject text not null, json text not null) without rowid;
create table outbox (seq integer primary key autoincrement, key text not null, sink text not null, \
subject text not null, state text not null, attempts integer not null default 0, next_try_ms \
integer not null, created_ms integer not null, sent_ms integer, note text, unique (key, sink));
create index outbox_due on outbox (sink, state, seq);
create index outbox_subject on outbox (sink, subject, state, seq);
create index outbox_time on outbox (created_ms);
create table open_subject (subject text primary key, key text not null) without rowid;
create table sink (name text primary key) without rowid;
create table silence (entry integer primary key, json text not null);
";
