//! AWS API access: which calls to make and how, without any interpretation of the responses.

pub mod bill;
pub mod bucket;
pub mod canary;
pub mod client;
pub mod collect;
pub mod decode;
pub mod dump;
pub mod endpoint;
pub mod live;
pub mod model;
pub mod pace;
pub mod ping;
pub mod prefix;
pub mod public_keys;
pub mod queue;
pub mod request;
pub mod role;
pub mod sink_calls;
pub mod table;
pub mod template;
pub mod write_once;
