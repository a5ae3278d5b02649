//! Reading CloudTrail: from the bytes of an object to events, near the speed of inflating them.

mod actor;
mod again;
mod behalf;
mod event;
mod inflate;
pub mod json;
mod shape;
mod split;
mod structure;

pub use actor::{Actor, Caller};
pub(crate) use again::{Again, Lasting, Sink};
pub(crate) use event::Clock;
pub use event::{Event, EventId, Field, Fields, parse_time};
pub use inflate::{ReadBytes, Reader};
pub use shape::{Apart, Item, Problem};
pub use split::Splitter;
