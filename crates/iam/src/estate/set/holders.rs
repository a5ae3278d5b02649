//! Everybody who may do something of a set.

use std::collections::BTreeMap;

use super::asked::AskedPiece;
use super::model::{Extent, SetAnswer};
use crate::estate::holders::is_allowed;
use crate::estate::model::Estate;
use crate::estate::question::{AccessQuestion, PrincipalId};
use crate::pattern::Pattern;
use crate::request::RequestCaller;
use crate::tri::Tri;

/// Somebody who may do something of a set.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Estate, Extent};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.resource("s3:bucketpolicy", "arn:aws:s3:::site", r#"{"Version": "2012-10-17",
///     "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
///     "Resource": "arn:aws:s3:::site/public/*"}}"#);
/// let accounts = [builder.build()];
/// let holders = Estate::new(&accounts).who_can_set("s3:Get*", "arn:aws:s3:::site/*");
/// assert_eq!((holders[0].name.as_str(), holders[0].said.extent), ("anybody", Extent::Some));
/// ```
#[derive(Debug, Clone)]
pub struct SetHolder {
    /// ARN, or the outsider in words: `account 999988887777`.
    pub name: String,
    /// Its account, where it was read; otherwise that of the resources.
    pub account: String,
    /// The user or role, if it was read.
    pub principal: Option<PrincipalId>,
    /// Whether it is everybody, unsigned.
    pub is_anybody: bool,
    /// The answer for it.
    pub said: SetAnswer,
}

impl<'x, 'a> Estate<'x, 'a> {
    /// Everybody who may do something of what a pattern of actions and one of resources match, by
    /// account: those who may do most first.
    pub fn who_can_set(&self, action: &str, resource: &str) -> Vec<SetHolder> {
        let anybody = RequestCaller::Anonymous.into();
        self.who_can_set_given(&AccessQuestion::new(anybody, action, resource))
    }

    /// [`Estate::who_can_set`] where more is known of the request. The caller of the question does
    /// not matter.
    pub fn who_can_set_given(&self, asked: &AccessQuestion<'_>) -> Vec<SetHolder> {
        let (action, resource) = (asked.action, asked.resource);
        let mut holders = Vec::new();
        let mut pieces: BTreeMap<Option<&str>, Vec<AskedPiece<'x, 'a>>> = BTreeMap::new();
        for (account, home) in self.accounts.iter().enumerate() {
            let id = Some(home.id.as_str());
            let pieces = pieces
                .entry(id)
                .or_insert_with(|| self.asked_pieces(id, action, resource));
            for (principal, one) in home.principals.iter().enumerate() {
                let id = PrincipalId { account, principal };
                let question = asked.of(id.into());
                let said = self.ask_pieces(&question, &self.asker(&question.caller), pieces);
                if said.extent != Extent::None {
                    holders.push(SetHolder {
                        name: one.arn.clone(),
                        account: home.id.clone(),
                        principal: Some(id),
                        is_anybody: false,
                        said,
                    });
                }
            }
        }
        self.add_outsiders(asked, &mut holders);
        holders.sort_by(|a, b| {
            let rank = |h: &SetHolder| (h.said.extent, h.said.verdict());
            (&a.account, rank(b), &a.name).cmp(&(&b.account, rank(a), &b.name))
        });
        holders
    }

    fn add_outsiders(&self, asked: &AccessQuestion<'_>, holders: &mut Vec<SetHolder>) {
        let resources = Pattern::arn(asked.resource);
        for there in self.accounts {
            for outsider in self.outsiders_on(there, asked.action, &resources) {
                let is_implied = outsider.is_any_service() && holders.iter().any(|h| h.is_anybody);
                if is_implied || holders.iter().any(|h| h.name == outsider.name) {
                    continue;
                }
                let mut said = self.ask_set(&outsider.question(asked));
                // What is only not known of grants is said once, and not of everybody.
                said.parts
                    .retain(|p| p.said.verdict == Tri::No || is_allowed(&p.said));
                if said.parts.iter().all(|p| p.said.verdict == Tri::No) {
                    continue;
                }
                holders.push(SetHolder {
                    is_anybody: outsider.caller == RequestCaller::Anonymous,
                    name: outsider.name,
                    account: there.id.clone(),
                    principal: None,
                    said,
                });
            }
        }
    }
}
