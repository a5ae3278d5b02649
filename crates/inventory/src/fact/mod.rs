//! A fact: one thing that is so in an account.

mod document;
mod fields;
mod hash;
mod kinds;
mod line;
mod secret;

pub use document::{Fact, FactSource, absent_code};
pub use fields::{DocumentPaths, FieldClasses, join};
pub use hash::Hash;
pub use kinds::{
    AttackIds, FactKind, FactKinds, FactTemplate, JoinNode, KindRole, OwnerKind, PolicyAttachment,
};
pub use line::{FactLine, LineError, escape, unescape};
pub use secret::SecretKey;
pub(crate) use secret::align;
