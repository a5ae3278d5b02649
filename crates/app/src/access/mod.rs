//! Accounts of snapshots, for questions about access.

mod account;
mod accounts;
mod change;
mod organization;
mod question;
mod request;
mod used;
mod vendors;

pub(crate) use account::{account, wanted};
pub(crate) use accounts::{accounts, accounts_of, actions};
pub(crate) use change::{StatePair, changed, power, reached};
pub(crate) use organization::organizations;
pub(crate) use question::{check_question, is_of_set, nobody};
pub(crate) use request::{KnownRequest, of_account};
pub(crate) use used::{Use, UsedActions};
pub(crate) use vendors::vendors;
