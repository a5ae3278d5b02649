//! Questions about sets: `s3:*` on `arn:aws:s3:::payroll/*` is asked of every action and resource
//! that the two patterns match.
//!
//! | file | |
//! |---|---|
//! | `model` | the answer: all, some or none, part by part |
//! | `asked` | actions and resources that a question is about |
//! | `cells` | resources that no policy tells apart, as languages |
//! | `answer` | one question to each part, and like parts put together |
//! | `holders` | everybody who may do something of it |

mod answer;
mod asked;
mod cells;
mod holders;
mod model;

pub use holders::SetHolder;
pub use model::{Extent, ResourceCell, SetAnswer, SetPart};
