//! All that is worked out once for an account.

use std::collections::{BTreeMap, HashMap};

use super::index::PrincipalIndex;
use super::sets::{set_of, union};
use super::techniques::{ORGANIZATION_TECHNIQUES, TECHNIQUES};
use super::trust::TrustIndex;
use super::unrestricted::UnrestrictedActions;
use crate::account::{Account, DocumentId, PrincipalKind};
use crate::bits::Bits;
use crate::engine::{CompiledStatement, StatementEffect};
use crate::pattern::Pattern;
use crate::service::is_reserved_role;

/// Actions of which each is enough to get any other.
const GRANTS: &[&str] = &[
    "iam:CreatePolicyVersion",
    "iam:PutUserPolicy",
    "iam:PutRolePolicy",
    "iam:PutGroupPolicy",
    "iam:AttachUserPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachGroupPolicy",
    "iam:PassRole",
];

/// Tables of an account, worked out once.
pub(super) struct EscalationTables {
    /// All actions that techniques need.
    pub(super) any_need: Bits,
    /// Needs that the table of actions does not know.
    pub(super) unlisted: Vec<u16>,
    /// All actions that techniques need; a technique names them by number.
    pub(super) needs: Vec<RequiredAction>,
    pub(super) technique_needs: Vec<Vec<u16>>,
    /// Likewise for techniques over an organization.
    pub(super) organization_needs: Vec<Vec<u16>>,
    /// `sts:AssumeRole` among the needs.
    pub(super) assume: u16,
    /// For each document: need and statement, sorted.
    pub(super) touched: Vec<Vec<(u16, u16)>>,
    /// For statements about principals: which.
    pub(super) about: HashMap<(DocumentId, u16), Bits>,
    pub(super) users: Bits,
    pub(super) roles: Bits,
    pub(super) trust: TrustIndex,
    /// By document.
    pub(super) wide: Vec<UnrestrictedActions>,
    /// Principals whom nothing would keep from everything, if their own policies allowed it.
    pub(super) free: Bits,
    pub(super) all: Bits,
    pub(super) grants: Bits,
    pub(super) by_arn: HashMap<String, u32>,
    /// EdgeTarget find users and roles by patterns.
    pub(super) index: PrincipalIndex,
}

/// Action that techniques need, with the resources it is about.
pub(super) struct RequiredAction {
    /// Bits of the actions: one, or those of a pattern.
    pub(super) actions: Bits,
    /// Service and name, in lower case, of an action that the table does not know.
    pub(super) unlisted: Option<(String, String)>,
    /// Whether it is about users or roles.
    pub(super) of_principals: bool,
    pub(super) wildcard_only: bool,
    /// Patterns for the ARNs of its resource types.
    pub(super) arns: Vec<Pattern>,
}

impl EscalationTables {
    /// All but `free`, which [`super::limits::prepare`] adds.
    pub(super) fn new(account: &Account<'_>) -> Self {
        let mut numbers: BTreeMap<&str, u16> = BTreeMap::new();
        let of_organizations = ORGANIZATION_TECHNIQUES.iter().flat_map(|row| row.needs);
        let needs = TECHNIQUES.iter().flat_map(|row| row.needs);
        for need in needs.chain(of_organizations) {
            let next = numbers.len() as u16;
            numbers.entry(need).or_insert(next);
        }
        let mut names: Vec<_> = numbers.iter().map(|(name, n)| (*n, *name)).collect();
        names.sort_unstable();
        let needs: Vec<RequiredAction> = names
            .iter()
            .map(|(_, name)| RequiredAction::new(name, account))
            .collect();
        let kind = |wanted: PrincipalKind| {
            let numbered = account.principals.iter().enumerate();
            let of_kind = numbered.filter(|(_, p)| p.kind == wanted && !is_reserved_role(&p.arn));
            set_of(of_kind.map(|(n, _)| n as u32))
        };
        let mut tables = Self {
            any_need: union(needs.iter().map(|n| &n.actions)),
            unlisted: (0..needs.len() as u16)
                .filter(|n| needs[*n as usize].unlisted.is_some())
                .collect(),
            technique_needs: TECHNIQUES
                .iter()
                .map(|row| row.needs.iter().map(|n| numbers[n]).collect())
                .collect(),
            organization_needs: ORGANIZATION_TECHNIQUES
                .iter()
                .map(|row| row.needs.iter().map(|n| numbers[n]).collect())
                .collect(),
            assume: numbers["sts:AssumeRole"],
            needs,
            touched: Vec::new(),
            about: HashMap::new(),
            wide: Vec::new(),
            users: kind(PrincipalKind::User),
            roles: kind(PrincipalKind::Role),
            trust: TrustIndex::new(account),
            free: Bits::default(),
            all: account.actions.all(),
            grants: GRANTS.iter().fold(Bits::default(), |all, name| {
                all.union(&account.actions.matching(name))
            }),
            by_arn: account
                .principals
                .iter()
                .enumerate()
                .map(|(n, p)| (p.arn.clone(), n as u32))
                .collect(),
            index: PrincipalIndex::new(
                account.principals.iter().map(|p| p.arn.as_str()),
                &account.id,
            ),
        };
        (0..account.documents.len()).for_each(|d| tables.enter(account, d));
        tables
    }

    /// Works out what is needed of one document, which is the next one or one that changed.
    pub(super) fn enter(&mut self, account: &Account<'_>, d: usize) {
        let statements = &account.documents[d].compiled.statements;
        let mut touched: Vec<(u16, u16)> = Vec::new();
        for (s, statement) in statements.iter().enumerate() {
            if statement.actions.meets(&self.any_need) {
                let needs = (0..self.needs.len() as u16)
                    .filter(|n| self.needs[*n as usize].is_touched_by(statement));
                touched.extend(needs.map(|n| (n, s as u16)));
            }
            let about = |n: &&u16| {
                let unlisted = self.needs[**n as usize].unlisted.as_ref();
                unlisted.is_some_and(|(service, name)| statement.is_about_unlisted(service, name))
            };
            touched.extend(self.unlisted.iter().filter(about).map(|n| (*n, s as u16)));
        }
        touched.sort_unstable();
        for &(_, s) in touched
            .iter()
            .filter(|(need, _)| self.needs[*need as usize].of_principals)
        {
            let key = (d as DocumentId, s);
            if d < self.touched.len() || !self.about.contains_key(&key) {
                self.about
                    .insert(key, self.index.set(&statements[s as usize]));
            }
        }
        let wide = UnrestrictedActions::of(statements);
        if d < self.touched.len() {
            (self.touched[d], self.wide[d]) = (touched, wide);
        } else {
            self.touched.push(touched);
            self.wide.push(wide);
        }
    }
}

impl RequiredAction {
    /// Whether a statement allows all of it, or denies any of it.
    pub(super) fn is_touched_by(&self, statement: &CompiledStatement) -> bool {
        let allows = statement.effect == StatementEffect::Allow;
        // Most statements share no action with most techniques.
        statement.actions.meets(&self.actions)
            && (!allows || statement.actions.covers(&self.actions))
    }

    fn new(name: &str, account: &Account<'_>) -> Self {
        let actions = account.actions.matching(name);
        let first = account.actions.find(name);
        let templates: Vec<&str> = first
            .into_iter()
            .flat_map(|a| account.actions.resource_arns(a))
            .collect();
        let filled = |template: &str, with: &str| -> String {
            let mut text = String::new();
            let mut rest = template;
            while let Some((before, after)) = rest.split_once("${") {
                let (name, behind) = after.split_once('}').unwrap_or((after, ""));
                text.push_str(before);
                text.push_str(match name {
                    "Partition" => "aws",
                    "Account" => &account.id,
                    "Region" if with == "x" => "us-east-1",
                    _ => with,
                });
                rest = behind;
            }
            text + rest
        };
        let of_principals = templates
            .iter()
            .any(|t| t.contains(":iam:") && (t.contains(":role/") || t.contains(":user/")));
        Self {
            of_principals: of_principals || name == "iam:Put*" || name == "iam:*",
            unlisted: actions.is_empty().then(|| {
                let lower = name.to_ascii_lowercase();
                lower
                    .split_once(':')
                    .map(|(service, name)| (service.to_owned(), name.to_owned()))
                    .unwrap_or_default()
            }),
            wildcard_only: first.is_some_and(|a| account.actions.is_wildcard_only(a)),
            arns: templates
                .iter()
                .map(|t| Pattern::arn(&filled(t, "*")))
                .collect(),
            actions,
        }
    }
}
