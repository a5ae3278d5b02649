//! CloudTrail reader: from the bytes of an object to events, near the speed of decompression.

mod actor;
mod archive;
mod behalf;
mod bits;
mod content;
pub mod digest;
mod event;
mod inflate;
pub mod json;
mod lookahead;
mod loose;
mod normal;
pub mod notice;
mod shape;
mod split;
mod structure;
mod table;
mod time;
mod wrapped;

pub use actor::{CallerIdentity, CallerType};
pub use content::ForeignFile;
pub use event::{Event, EventId, Field, FieldSet};
pub use event::{TimeReader, mark};
pub use inflate::{ReadBytes, TrailReader};
pub use lookahead::{Candidate, ItemSink, RecordTemplate};
pub use shape::{NonEvent, ReadProblem, TrailItem};
pub use split::Splitter;
pub use time::parse_time;
