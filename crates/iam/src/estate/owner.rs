//! Owner of a resource: the account of its ARN, or the one in whose list it is.

use super::model::Estate;
use crate::account::Account;
use crate::arn::Arn;

/// Account that a resource belongs to.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Estate, Owner};
/// let accounts = [AccountBuilder::new("111122223333", Actions::builtin()).build()];
/// let owners = Estate::new(&accounts).owners(None, "arn:aws:sqs:us-east-1:444455556666:orders");
/// assert!(matches!(&owners[..], [Owner::NotRead(id)] if id == "444455556666"));
/// ```
pub enum Owner<'x, 'a> {
    /// An account that was read.
    Read(&'x Account<'a>),
    /// An account that was not read, by its id.
    NotRead(String),
    /// An account that nobody knows, none of those whose lists are complete.
    Unknown,
}

/// Bucket that an ARN names, or the object in it.
pub(super) fn bucket_of(resource: &str) -> Option<&str> {
    let arn = Arn::parse(resource)
        .filter(|a| a.service == "s3" && a.region.is_empty() && a.account.is_empty())?;
    arn.resource.split('/').next()
}

impl<'x, 'a> Estate<'x, 'a> {
    /// Accounts that a resource may belong to: one, where that is known. `caller`: account of the
    /// caller, which owns what has no account in its ARN.
    pub fn owners(&self, caller: Option<&str>, resource: &str) -> Vec<Owner<'x, 'a>> {
        let by_id = |id: &str| match self.account(id) {
            Some(account) => Owner::Read(account),
            None => Owner::NotRead(id.to_owned()),
        };
        let named = Arn::parse(resource).map(|a| a.account);
        if let Some(id) = named.filter(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit())) {
            return vec![by_id(id)];
        }
        if let Some(bucket) = bucket_of(resource) {
            return self.bucket_owners(caller, bucket);
        }
        match caller {
            Some(id) => vec![by_id(id)],
            None => vec![Owner::Unknown],
        }
    }

    fn bucket_owners(&self, caller: Option<&str>, bucket: &str) -> Vec<Owner<'x, 'a>> {
        let holders = || self.accounts.iter().filter(|a| a.owns_bucket(bucket));
        let held: Vec<Owner<'x, 'a>> = holders().map(Owner::Read).collect();
        if !held.is_empty() {
            return held;
        }
        let own = caller.and_then(|id| self.account(id));
        // A pattern, and an account put together by hand: nothing says that it is another's.
        let is_hand_made = |account: &Account<'_>| account.knows_buckets().is_none();
        let is_pattern = bucket.contains(['*', '?']);
        if let Some(own) = own.filter(|own| is_pattern || is_hand_made(own)) {
            return vec![Owner::Read(own)];
        }
        if let [only] = self.accounts
            && is_hand_made(only)
        {
            return vec![Owner::Read(only)];
        }
        let open = self
            .accounts
            .iter()
            .filter(|a| a.knows_buckets() == Some(false));
        let mut owners: Vec<&'x Account<'a>> = open.collect();
        owners.sort_by_key(|a| Some(a.id.as_str()) != caller);
        let owners = owners.into_iter().map(Owner::Read);
        owners.chain([Owner::Unknown]).collect()
    }
}
