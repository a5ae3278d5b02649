//! For whom a statement of a policy is, and how principals of two statements compare.

use crate::arn::Arn;
use crate::engine::CompiledStatement;
use crate::policy::{Block, Principal};
use crate::request::PolicyGrammar;
use crate::service::is_everybody;

/// Grantee of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GrantedTo {
    /// The principal who has the policy.
    RoleConsumer,
    /// One principal.
    One(Principal),
    /// `NotPrincipal`: everybody else.
    AllBut(Vec<Principal>),
}

impl GrantedTo {
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::RoleConsumer => None,
            Self::One(principal) => Some(principal_text(principal)),
            Self::AllBut(list) => Some(format!(
                "anybody but {}",
                list.iter()
                    .map(principal_text)
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        }
    }

    /// Whether a principal element names all of these. What is not certain is no.
    pub(super) fn is_within(&self, element: &Option<Block<Vec<Principal>>>) -> bool {
        match (self, element) {
            (Self::RoleConsumer, _) => true,
            (_, None) => false,
            (Self::One(one), Some(Block::Is(list))) => list.iter().any(|p| is_named_by(one, p)),
            (Self::One(one), Some(Block::Not(list))) => list.iter().all(|p| is_apart(one, p)),
            (Self::AllBut(_), Some(Block::Is(list))) => list.iter().any(is_everybody),
            // Who is left out there is left out here.
            (Self::AllBut(own), Some(Block::Not(list))) => {
                list.iter().all(|p| own.iter().any(|o| is_same(o, p)))
            }
        }
    }
}

/// Grantees of a statement, one by one.
pub(super) fn whom(statement: &CompiledStatement, side: PolicyGrammar) -> Vec<GrantedTo> {
    match (side, &statement.principal) {
        (PolicyGrammar::Identity | PolicyGrammar::Scp, _) => vec![GrantedTo::RoleConsumer],
        (_, Some(Block::Is(list))) => list.iter().cloned().map(GrantedTo::One).collect(),
        (_, Some(Block::Not(list))) => vec![GrantedTo::AllBut(list.clone())],
        (_, None) => Vec::new(),
    }
}

/// The account that a principal stands for: its id and the ARN of its root are one (IAM user guide,
/// "Principal").
pub(super) fn account_of(principal: &Principal) -> Option<&str> {
    let Principal::Of(kind, value) = principal else {
        return None;
    };
    let is_id = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if kind != "AWS" {
        return None;
    }
    if is_id(value) {
        return Some(value);
    }
    Arn::parse(value)
        .filter(|a| a.service == "iam" && a.resource == "root" && is_id(a.account))
        .map(|a| a.account)
}

pub(super) fn is_same(a: &Principal, b: &Principal) -> bool {
    a == b
        || (is_everybody(a) && is_everybody(b))
        || account_of(a).is_some_and(|account| account_of(b) == Some(account))
}

/// Whether whoever is `one` is named by `by` as well: the same, everybody, or its account. The
/// resource of a comparison is in another account than all of its principals, where naming an
/// account is as good as naming its users.
pub(super) fn is_named_by(one: &Principal, by: &Principal) -> bool {
    is_same(one, by)
        || is_everybody(by)
        || account_of(by).is_some_and(|account| aws_account(one) == Some(account))
}

/// Whether two principals have nobody in common.
pub(super) fn is_apart(a: &Principal, b: &Principal) -> bool {
    match (a, b) {
        (Principal::Of(x, own), Principal::Of(y, other)) => {
            let known = |kind: &str| matches!(kind, "AWS" | "Service" | "Federated");
            let both = known(x) && known(y) && !is_everybody(a) && !is_everybody(b);
            match (aws_account(a), aws_account(b)) {
                _ if !both => false,
                (Some(one), Some(two)) => one != two,
                _ => x != y || own != other && x != "AWS",
            }
        }
        _ => false,
    }
}

/// Account of a principal of an account.
pub(super) fn aws_account(principal: &Principal) -> Option<&str> {
    let Principal::Of(kind, value) = principal else {
        return None;
    };
    account_of(principal).or_else(|| {
        Arn::parse(value)
            .filter(|_| kind == "AWS")
            .map(|a| a.account)
    })
}

pub(super) fn principal_text(principal: &Principal) -> String {
    match principal {
        Principal::Star => "anybody".to_owned(),
        Principal::Of(kind, value) if kind == "AWS" && value == "*" => "anybody".to_owned(),
        Principal::Of(kind, value) if kind == "AWS" => {
            account_of(principal).unwrap_or(value).to_owned()
        }
        Principal::Of(kind, value) => format!("{kind} {value}"),
    }
}
