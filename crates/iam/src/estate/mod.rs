//! Accounts as one estate: a question is asked of both sides, the account of the caller and the
//! account of the resource ("Cross-account policy evaluation logic", IAM user guide).
//!
//! | file | |
//! |---|---|
//! | `model` | the accounts, by id |
//! | `question` | who asks for what, and what is known of the request |
//! | `owner` | the account that a resource belongs to |
//! | `parties` | the caller, and the resource with its policy, as far as they were read |
//! | `keys` | condition keys that follow from what was read |
//! | `answer` | answers, with their reasons |
//! | `ask` | one question: the sides put together and decided |
//! | `beside` | ways beside policies: grants of keys, ACLs of buckets |
//! | `set` | all actions and resources that patterns match |
//! | `holders` | everybody who may |
//! | `folded` | effective access of a principal, as policies |
//! | `reach` | everything that a principal can read, change and become |

mod answer;
mod ask;
mod beside;
mod folded;
mod holders;
mod keys;
mod model;
mod owner;
mod parties;
mod question;
mod reach;
mod set;

pub use answer::AccessAnswer;
pub use folded::{EffectivePolicies, LeftOut, LeftOutReason};
pub use holders::AccessHolder;
pub use model::Estate;
pub use owner::Owner;
pub use question::{AccessQuestion, PrincipalId, QuestionCaller};
pub use reach::{ReachKind, ReachRow};
pub use set::{Extent, ResourceCell, SetAnswer, SetHolder, SetPart};
