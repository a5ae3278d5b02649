//! One statement tried with everybody from outside: who is let in.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::issuers::{TokenBearer, TokenIssuer};
use super::keys;
use super::model::{
    AdmittedPrincipal, ConditionSubject, ExternalPrincipal, OnBehalfOf, PolicyLocation,
};
use super::requester::{
    ExternalRequester, NamedParties, OWN_ORGANIZATION, WILD, WILD_ORGANIZATION,
};
use super::values::{KeyConditions, KeyOutcome};
use crate::arn::Arn;
use crate::policy::{Block, Policy, Principal, Statement};
use crate::tri::Tri;
use crate::value::ConditionOperator;

/// Accounts and organizations that one statement is tried with. A policy document has at most 20 KB
/// in S3, so what has more of them is judged as if some of them were anybody.
const NAMED_MAX: usize = 1_000;

/// Places in automata that the patterns of all statements of a policy may cost.
const WORK_MAX: usize = 20_000_000;

/// Those of one statement, at least and at most.
const WORK_OF_ONE: (usize, usize) = (100_000, 5_000_000);

/// External principals whom one statement admits, the widest first. Empty: it is proved that there
/// is none.
///
/// ```
/// use bartizan_iam::{ExternalPrincipal, PolicyLocation, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
///     "Action": "s3:GetObject", "Resource": "*",
///     "Condition": {"StringEquals": {"aws:PrincipalAccount": ["111122223333",
///         "999988887777"]}}}}"#,
/// )?;
/// let found = admitted(
///     &policy,
///     &policy.statements[0],
///     &PolicyLocation {
///         account: "111122223333",
///         ..PolicyLocation::default()
///     },
/// );
/// let to: Vec<_> = found.iter().map(|a| &a.to).collect();
/// assert_eq!(
///     to,
///     [&ExternalPrincipal::Account(
///         "999988887777".into(),
///         String::new()
///     )]
/// );
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn admitted(
    policy: &Policy,
    statement: &Statement,
    place: &PolicyLocation<'_>,
) -> Vec<AdmittedPrincipal> {
    if statement.effect == "Deny" {
        return Vec::new();
    }
    let trial = AdmissionTest::new(policy, statement, *place);
    let mut found = Vec::new();
    match &statement.principal {
        None => {}
        // An Allow for all but some is one for everybody else. AWS does not support it in trust
        // policies.
        Some(Block::Not(list)) if list.iter().any(crate::service::is_everybody) => {}
        Some(Block::Not(_)) => {
            found = trial.everybody();
            if place.trust {
                found
                    .iter_mut()
                    .for_each(|a| a.verdict = a.verdict.and(Tri::Maybe));
            }
        }
        Some(Block::Is(list)) => {
            for principal in list {
                found.extend(trial.principal(principal));
            }
        }
    }
    let understood = statement.effect == "Allow"
        && statement.unknown.is_empty()
        && policy.unknown.is_empty()
        && statement.action.is_some();
    if !understood {
        found
            .iter_mut()
            .for_each(|a| a.verdict = a.verdict.and(Tri::Maybe));
    }
    let mut seen = BTreeSet::new();
    found.retain(|a| seen.insert(a.clone()));
    found
}

/// One statement with all external parties that its values name.
struct AdmissionTest<'a> {
    parties: NamedParties<'a>,
    /// Conditions by key in lower case, with their number; those of unknown operators apart.
    wishes: BTreeMap<String, KeyConditions<'a>>,
    not_understood: Vec<usize>,
    /// An account and an organization that nothing in the statement speaks of.
    nobody: String,
    nowhere: String,
    /// Work left for patterns, in the measure of [`WORK_MAX`].
    work: Cell<usize>,
}

/// Outcome for one requester.
#[derive(Debug, Clone)]
struct AdmissionOutcome {
    verdict: Tri,
    open: Vec<(usize, ConditionSubject)>,
    chosen: Vec<usize>,
}

impl AdmissionOutcome {
    const NO: Self = Self {
        verdict: Tri::No,
        open: Vec::new(),
        chosen: Vec::new(),
    };

    fn to(self, to: ExternalPrincipal) -> Option<AdmittedPrincipal> {
        let Self {
            verdict,
            open,
            chosen,
        } = self;
        (verdict != Tri::No).then_some(AdmittedPrincipal {
            to,
            verdict,
            open,
            chosen,
        })
    }

    /// The surer one.
    fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.verdict == Tri::Yes {
            return self;
        }
        let other = other();
        if other.verdict > self.verdict {
            other
        } else {
            self
        }
    }
}

impl<'a> AdmissionTest<'a> {
    fn new(policy: &'a Policy, statement: &'a Statement, place: PolicyLocation<'a>) -> Self {
        let variables = policy.version == "2012-10-17";
        let mut wishes: BTreeMap<String, KeyConditions<'a>> = BTreeMap::new();
        let (mut not_understood, mut named) = (Vec::new(), BTreeSet::new());
        let mut organizations = BTreeSet::new();
        for (number, condition) in statement.conditions.iter().enumerate() {
            let Some(operator) = ConditionOperator::parse(&condition.operator) else {
                not_understood.push(number);
                continue;
            };
            let key = condition.key.to_ascii_lowercase();
            for value in &condition.values {
                named.extend(accounts_in(value));
                // `o-exampleorg1`, and the start of `o-exampleorg1/r-ab12/ou-ab12-11111111/`.
                if key.contains("org") {
                    let id = value.split('/').next().unwrap_or_default();
                    organizations.insert(
                        if id.contains("${") {
                            place.organization.unwrap_or(OWN_ORGANIZATION)
                        } else {
                            id
                        }
                        .to_owned(),
                    );
                }
            }
            wishes
                .entry(key)
                .or_insert_with(|| KeyConditions::new(variables))
                .add(number, operator, condition);
        }
        named.remove(place.account);
        organizations.retain(|o| !o.contains(['*', '?']));
        let free = |taken: &dyn Fn(&str) -> bool, of: &dyn Fn(u32) -> String| {
            (0..).map(of).find(|one| !taken(one)).unwrap_or_default()
        };
        let text = |needle: &str| {
            statement
                .conditions
                .iter()
                .any(|c| c.values.iter().any(|v| v.contains(needle)))
        };
        let nobody = free(
            &|a| a == place.account || named.contains(a) || text(a),
            &|n| format!("{:012}", 835_271_946_013_u64 + u64::from(n)),
        );
        let nowhere = free(&|o| organizations.contains(o) || text(o), &|n| {
            format!("o-qzj{n:08}")
        });
        Self {
            parties: NamedParties {
                place,
                accounts: named.into_iter().take(NAMED_MAX).collect(),
                organizations: organizations.into_iter().take(NAMED_MAX).collect(),
            },
            wishes,
            not_understood,
            nobody,
            nowhere,
            work: Cell::new(
                (WORK_MAX / policy.statements.len().max(1)).clamp(WORK_OF_ONE.0, WORK_OF_ONE.1),
            ),
        }
    }

    /// Tries one requester.
    fn tried(&self, who: &ExternalRequester<'_>) -> AdmissionOutcome {
        let mut tried = AdmissionOutcome {
            verdict: Tri::Yes,
            open: Vec::new(),
            chosen: Vec::new(),
        };
        for (key, wishes) in &self.wishes {
            let slot = keys::slot(key, who, &self.parties);
            match wishes.held(
                &slot,
                |variable| keys::slot(variable, who, &self.parties),
                &self.work,
            ) {
                KeyOutcome::Never => return AdmissionOutcome::NO,
                KeyOutcome::Always => {}
                KeyOutcome::Chosen => tried.chosen.extend(wishes.numbers()),
                KeyOutcome::Sometimes => {
                    tried.verdict = Tri::Maybe;
                    tried.open.extend(wishes.numbers().map(|n| (n, slot.guard)));
                }
            }
        }
        if !self.not_understood.is_empty() {
            tried.verdict = Tri::Maybe;
            tried.open.extend(
                self.not_understood
                    .iter()
                    .map(|n| (*n, ConditionSubject::Other)),
            );
        }
        tried.open.sort_unstable();
        tried.chosen.sort_unstable();
        tried
    }

    /// An account that is not named, in no organization or in one that is not named either.
    fn anybody(
        &self,
        who: impl Fn(&'_ str, Option<&'_ str>) -> AdmissionOutcome,
    ) -> AdmissionOutcome {
        who(&self.nobody, None).or(|| who(&self.nobody, Some(&self.nowhere)))
    }

    /// `*`.
    fn everybody(&self) -> Vec<AdmittedPrincipal> {
        let unsigned = if self.parties.place.trust {
            AdmissionOutcome::NO
        } else {
            self.tried(&ExternalRequester::Unsigned)
        };
        let signed = |account: &str, organization: Option<&str>| {
            // `Who` borrows for as long as both.
            self.tried(&ExternalRequester::Principal {
                account,
                organization,
            })
        };
        let any = self.anybody(signed);
        let widest = |one: AdmissionOutcome, to| one.to(to).into_iter().collect::<Vec<_>>();
        if unsigned.verdict == Tri::Yes {
            return widest(unsigned, ExternalPrincipal::Anybody);
        }
        if any.verdict == Tri::Yes {
            let mut found = widest(any, ExternalPrincipal::AnyAccount);
            found.extend(unsigned.to(ExternalPrincipal::Anybody));
            return found;
        }
        let least = unsigned.verdict.or(any.verdict);
        let mut found = if unsigned.verdict == Tri::Maybe {
            widest(unsigned, ExternalPrincipal::Anybody)
        } else {
            widest(any, ExternalPrincipal::AnyAccount)
        };
        if least == Tri::No {
            found.extend(
                self.of_a_pattern(signed)
                    .and_then(|tried| tried.to(ExternalPrincipal::AnyAccount)),
            );
        }
        found.extend(
            self.named(least, signed)
                .into_iter()
                .map(|(whose, tried)| match whose {
                    OnBehalfOf::Organization(id) => (ExternalPrincipal::Organization(id), tried),
                    OnBehalfOf::Account(id) => {
                        (ExternalPrincipal::Account(id, String::new()), tried)
                    }
                    OnBehalfOf::Anybody | OnBehalfOf::Owner(_) => {
                        (ExternalPrincipal::AnyAccount, tried)
                    }
                })
                .filter_map(|(to, tried)| tried.to(to)),
        );
        // `*` admits services of AWS, too.
        if !self.parties.place.trust {
            let there = |a: &AdmittedPrincipal| {
                found.iter().any(|f| f.to == a.to && f.verdict >= a.verdict)
            };
            let whole = |a: &AdmittedPrincipal| match &a.to {
                ExternalPrincipal::Service(_, OnBehalfOf::Account(id)) => {
                    there(&AdmittedPrincipal {
                        to: ExternalPrincipal::Account(id.clone(), String::new()),
                        ..a.clone()
                    })
                }
                ExternalPrincipal::Service(_, OnBehalfOf::Organization(id)) => {
                    there(&AdmittedPrincipal {
                        to: ExternalPrincipal::Organization(id.clone()),
                        ..a.clone()
                    })
                }
                _ => a.verdict <= least,
            };
            let services: Vec<_> = self
                .service(None)
                .into_iter()
                .filter(|a| !whole(a))
                .collect();
            found.extend(services);
        }
        found
    }

    /// Named parties who are admitted more surely than anybody.
    fn named(
        &self,
        least: Tri,
        who: impl Fn(&'_ str, Option<&'_ str>) -> AdmissionOutcome,
    ) -> Vec<(OnBehalfOf, AdmissionOutcome)> {
        let mut found = Vec::new();
        for organization in &self.parties.organizations {
            let tried = who(&self.nobody, Some(organization));
            if tried.verdict > least {
                found.push((OnBehalfOf::Organization(organization.clone()), tried));
            }
        }
        for account in &self.parties.accounts {
            let tried = self.of_account(account, &who);
            if tried.verdict > least {
                found.push((OnBehalfOf::Account(account.clone()), tried));
            }
        }
        found
    }

    /// One account: where it comes in only as a member of an organization that is named, it may.
    fn of_account(
        &self,
        account: &str,
        who: impl Fn(&'_ str, Option<&'_ str>) -> AdmissionOutcome,
    ) -> AdmissionOutcome {
        let mut tried = who(account, None).or(|| who(account, Some(&self.nowhere)));
        if tried.verdict == Tri::No {
            let member = self
                .parties
                .organizations
                .iter()
                .map(|o| who(account, Some(o)))
                .find(|t| t.verdict != Tri::No);
            if let Some(member) = member {
                let of_organization = self
                    .wishes
                    .iter()
                    .filter(|(key, _)| key.contains("org"))
                    .flat_map(|(_, w)| w.numbers());
                tried = AdmissionOutcome {
                    verdict: Tri::Maybe,
                    ..member
                };
                tried
                    .open
                    .extend(of_organization.map(|n| (n, ConditionSubject::Other)));
                tried.open.sort_unstable();
            }
        }
        tried
    }

    /// Accounts whose ids happen to match a pattern.
    fn of_a_pattern(
        &self,
        who: impl Fn(&'_ str, Option<&'_ str>) -> AdmissionOutcome,
    ) -> Option<AdmissionOutcome> {
        let any = who(WILD, None).or(|| who(WILD, Some(WILD_ORGANIZATION)));
        (any.verdict != Tri::No).then_some(AdmissionOutcome {
            verdict: Tri::Maybe,
            ..any
        })
    }

    fn principal(&self, principal: &Principal) -> Vec<AdmittedPrincipal> {
        if crate::service::is_everybody(principal) {
            return self.everybody();
        }
        let Principal::Of(kind, value) = principal else {
            return Vec::new();
        };
        match kind.as_str() {
            "AWS" => self.aws(value).into_iter().collect(),
            "Service" => self.service(Some(value)),
            "Federated" => self.federated(value),
            _ => self
                .unidentified(format!("{kind} {value}"))
                .into_iter()
                .collect(),
        }
    }

    /// A principal or an account by its ARN or id.
    fn aws(&self, value: &str) -> Option<AdmittedPrincipal> {
        let arn = Arn::parse(value);
        let (account, who) = match &arn {
            Some(arn) if arn.resource == "root" => (arn.account, ""),
            Some(arn) => (arn.account, value),
            None if is_account(value) => (value, ""),
            None => return self.unidentified(value.to_owned()),
        };
        if account == self.parties.place.account {
            return None;
        }
        let tried = self.of_account(account, |account, organization| {
            self.tried(&ExternalRequester::Principal {
                account,
                organization,
            })
        });
        tried.to(ExternalPrincipal::Account(
            account.to_owned(),
            who.to_owned(),
        ))
    }

    /// Principal of whom no account is known: it may be in any, so conditions on accounts may hold.
    fn unidentified(&self, id: String) -> Option<AdmittedPrincipal> {
        let signed = |account: &str, organization: Option<&str>| {
            self.tried(&ExternalRequester::Principal {
                account,
                organization,
            })
        };
        let mut best = self.anybody(signed);
        for account in &self.parties.accounts {
            best = best.or(|| self.of_account(account, signed));
        }
        best = best.or(|| self.of_a_pattern(signed).unwrap_or(AdmissionOutcome::NO));
        for organization in &self.parties.organizations {
            best = best.or(|| signed(&self.nobody, Some(organization)));
        }
        AdmissionOutcome {
            verdict: best.verdict.and(Tri::Maybe),
            ..best
        }
        .to(ExternalPrincipal::Unidentified(id))
    }

    /// A service of AWS; none: each of them.
    fn service(&self, name: Option<&str>) -> Vec<AdmittedPrincipal> {
        let of = |behalf| ExternalPrincipal::Service(name.unwrap_or("*").to_owned(), behalf);
        let acting = |account: &str, organization: Option<&str>| {
            self.tried(&ExternalRequester::Service {
                name,
                account,
                organization,
            })
        };
        let any = self.anybody(acting);
        let mut found = Vec::new();
        let least = any.verdict;
        let source = self
            .wishes
            .get("aws:sourcearn")
            .filter(|wishes| !wishes.hold_without());
        let owners: Vec<&String> = source.map(|wishes| wishes.ownerless()).unwrap_or_default();
        // A value that matches only because a bucket is named belongs to its owner, which may be
        // the account itself.
        let strange = |arn: &&String| {
            let bucket = arn.rsplit(':').next().unwrap_or_default();
            !self
                .parties
                .place
                .buckets
                .is_some_and(|own| own.contains(bucket))
        };
        let by_source = |n: &usize| source.is_some_and(|wishes| wishes.numbers().any(|m| m == *n));
        if least == Tri::Maybe && !owners.is_empty() && any.open.iter().any(|(n, _)| by_source(n)) {
            found.extend(
                owners
                    .into_iter()
                    .filter(strange)
                    .filter_map(|arn| any.clone().to(of(OnBehalfOf::Owner(arn.clone())))),
            );
        } else {
            found.extend(any.to(of(OnBehalfOf::Anybody)));
        }
        if least == Tri::No {
            found.extend(
                self.of_a_pattern(acting)
                    .and_then(|tried| tried.to(of(OnBehalfOf::Anybody))),
            );
        }
        // A role that a service assumes to work for this account gives no external access.
        if self.parties.place.trust {
            found.clear();
        }
        found.extend(
            self.named(least, acting)
                .into_iter()
                .filter_map(|(behalf, tried)| tried.to(of(behalf))),
        );
        found
    }

    /// An identity provider.
    fn federated(&self, provider: &str) -> Vec<AdmittedPrincipal> {
        let issuer = TokenIssuer::of(provider);
        let tried = |bearer| {
            self.tried(&ExternalRequester::Token {
                issuer: &issuer,
                bearer,
            })
        };
        let strangers = tried(TokenBearer::Stranger);
        let strangers = if strangers.verdict == Tri::No && issuer.has_guests() {
            // Whether its pool lets guests in stands elsewhere.
            let guests = tried(TokenBearer::Guest);
            AdmissionOutcome {
                verdict: guests.verdict.and(Tri::Maybe),
                ..guests
            }
        } else {
            strangers
        };
        let named = || {
            tried(TokenBearer::Named).to(ExternalPrincipal::Federated(provider.to_owned(), true))
        };
        strangers
            .to(ExternalPrincipal::Federated(provider.to_owned(), false))
            .or_else(named)
            .into_iter()
            .collect()
    }
}

/// `111122223333`.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Every run of exactly twelve digits.
fn accounts_in(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_ascii_digit())
        .filter(|run| is_account(run))
        .map(str::to_owned)
}
