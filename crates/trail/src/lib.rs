//! Reading CloudTrail: from the bytes of an object to events, near the speed of inflating them.

mod actor;
mod again;
mod archive;
mod behalf;
mod content;
mod event;
mod inflate;
pub mod json;
mod loose;
mod normal;
mod shape;
mod split;
mod structure;
mod table;
mod time;
mod wrapped;

pub use actor::{Actor, Caller};
pub use again::{Again, Lasting, Sink};
pub use content::Foreign;
pub use event::{Clock, mark};
pub use event::{Event, EventId, Field, Fields};
pub use inflate::{ReadBytes, Reader};
pub use shape::{Apart, Item, Problem};
pub use split::Splitter;
pub use time::parse_time;
