//! Whom of outside a statement lets in: the one place that decides whether a condition keeps strangers out.
//!
//! A stranger is tried as AWS would see him: unsigned, a principal of another account, a service that acts for another
//! account, somebody whom an identity provider vouches for. What a condition key can be for each of them is data
//! ([`keys`], [`issuers`]); whether the conditions of a statement can all hold for him is decided on the languages of their
//! patterns ([`values`]). A condition silences nothing unless it is proved that no stranger can meet it.
//!
//! Sources: IAM user guide, "AWS global condition context keys" (which requests have a key), "Single-valued vs. multivalued
//! context keys" (`ForAllValues` holds without the key), "The confused deputy problem"; S3 user guide, "The meaning of
//! public".

mod issuers;
mod keys;
mod values;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use self::issuers::Issuer;
use self::values::{Held, Wishes};
use crate::policy::{Block, Policy, Principal, Statement};
use crate::arn::Arn;
use crate::tri::Tri;
use crate::value::Operator;

/// Accounts and organizations that one statement is tried with. A policy document has at most 20 KB in S3, so what has more
/// of them is judged as if some of them were anybody.
const NAMED_MAX: usize = 1_000;

/// Places in automata that the patterns of all statements of a policy may cost.
const WORK_MAX: usize = 20_000_000;

/// Those of one statement, at least and at most.
const WORK_OF_ONE: (usize, usize) = (100_000, 5_000_000);

/// Who somebody outside is.
///
/// ```
/// use bartizan_iam::ExternalPrincipal;
/// assert!(ExternalPrincipal::Account("999988887777".into(), String::new()).sentence().contains("999988887777"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExternalPrincipal {
    /// Anybody, without signing.
    Anybody,
    /// Anybody who has an AWS account.
    AnyAccount,
    /// An organization, by its id.
    Organization(String),
    /// An account, and who in it: an ARN, or the whole account.
    Account(String, String),
    /// An identity provider; whether the statement says for whom it may vouch (audience, subject). Otherwise anybody who has
    /// an account there comes in.
    Federated(String, bool),
    /// A service of AWS (`sns.amazonaws.com`; `*` for each of them), and for whom it acts.
    Service(String, OnBehalfOf),
    /// A principal that was deleted: its unique id is left.
    Deleted(String),
    /// Somebody whose account cannot be told: a unique id that is not known here, `CanonicalUser …`.
    Unidentified(String),
}

/// For whom a service acts when it comes.
///
/// ```
/// use bartizan_iam::{OnBehalfOf, ExternalPrincipal};
/// let deputy = ExternalPrincipal::Service("sns.amazonaws.com".into(), OnBehalfOf::Account("999988887777".into()));
/// assert_eq!(deputy.sentence(), "sns.amazonaws.com on behalf of account 999988887777");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnBehalfOf {
    /// Anybody.
    Anybody,
    /// An account.
    Account(String),
    /// An organization.
    Organization(String),
    /// Whoever owns a resource whose ARN has no account: `arn:aws:s3:::bucket`.
    Owner(String),
}

impl ExternalPrincipal {
    /// For people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Anybody => "anybody".to_owned(),
            Self::AnyAccount => "anybody who has an AWS account".to_owned(),
            Self::Organization(id) => format!("organization {id}"),
            Self::Account(id, who) if who.is_empty() => format!("account {id}"),
            Self::Account(_, who) => who.clone(),
            Self::Federated(provider, true) => provider.clone(),
            Self::Federated(provider, false) => format!("anybody whom {provider} vouches for"),
            Self::Service(service, behalf) => {
                let service = if service == "*" { "an AWS service" } else { service };
                match behalf {
                    OnBehalfOf::Anybody => format!("{service} on behalf of anybody"),
                    OnBehalfOf::Account(id) => format!("{service} on behalf of account {id}"),
                    OnBehalfOf::Organization(id) => format!("{service} on behalf of organization {id}"),
                    OnBehalfOf::Owner(arn) => format!("{service} on behalf of the owner of {arn}"),
                }
            }
            Self::Deleted(id) => format!("a deleted principal {id}"),
            Self::Unidentified(id) => format!("{id}, whose account is not known"),
        }
    }
}

/// What a condition that leaves it open is about.
///
/// ```
/// use bartizan_iam::{ConditionSubject, PolicyLocation, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*",
///         "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1a2b"}}}}"#,
/// )?;
/// let found = admitted(&policy, &policy.statements[0], &PolicyLocation::default());
/// assert_eq!(found[0].open, [(0, ConditionSubject::Endpoint)]);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionSubject {
    /// An address: `aws:SourceIp`.
    Network,
    /// A VPC or an endpoint in one, named by its id; whose it is cannot be told from the id.
    Endpoint,
    /// Something else.
    Other,
}

/// Somebody who is let in.
///
/// ```
/// use bartizan_iam::{ExternalPrincipal, PolicyLocation, Tri, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*",
///         "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}}}"#,
/// )?;
/// let found = admitted(&policy, &policy.statements[0], &PolicyLocation { account: "111122223333", ..PolicyLocation::default() });
/// assert_eq!((&found[0].to, found[0].verdict), (&ExternalPrincipal::Anybody, Tri::Yes));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdmittedPrincipal {
    /// Who.
    pub to: ExternalPrincipal,
    /// Yes: everybody of that name comes in. Maybe: it hangs on `open`, or on what is not understood.
    pub verdict: Tri,
    /// Conditions that leave it open, by their number in the statement.
    pub open: Vec<(usize, ConditionSubject)>,
    /// Conditions that say under what choice of his own he comes in (`aws:PrincipalTag/team` is `blue`), by number.
    pub chosen: Vec<usize>,
}

/// Where a statement stands and what is known there.
///
/// ```
/// use bartizan_iam::{PolicyLocation, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
///         "Condition": {"StringEquals": {"kms:callerAccount": "111122223333"}}}}"#,
/// )?;
/// let at = |account| admitted(&policy, &policy.statements[0], &PolicyLocation { account, ..PolicyLocation::default() }).len();
/// // Of the own account is nobody from outside.
/// assert_eq!((at("111122223333"), at("999988887777")), (0, 1));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicyLocation<'a> {
    /// The account that owns it: nobody in there is a stranger.
    pub account: &'a str,
    /// Its organization, where that is known.
    pub organization: Option<&'a str>,
    /// It is the trust policy of a role: nobody assumes one without signing or a token.
    pub trust: bool,
    /// Seconds since 1970, for conditions on the time. None: every time is looked at.
    pub now_s: Option<f64>,
    /// The buckets of the account, where its list was read.
    pub buckets: Option<&'a BTreeSet<String>>,
    /// Unique ids of its users and roles.
    pub ids: Option<&'a BTreeSet<String>>,
}

/// Who of outside is let in by one statement, the widest first. Nothing: it is proved that nobody is.
///
/// ```
/// use bartizan_iam::{ExternalPrincipal, PolicyLocation, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*",
///         "Condition": {"StringEquals": {"aws:PrincipalAccount": ["111122223333", "999988887777"]}}}}"#,
/// )?;
/// let found = admitted(&policy, &policy.statements[0], &PolicyLocation { account: "111122223333", ..PolicyLocation::default() });
/// let to: Vec<_> = found.iter().map(|a| &a.to).collect();
/// assert_eq!(to, [&ExternalPrincipal::Account("999988887777".into(), String::new())]);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn admitted(policy: &Policy, statement: &Statement, place: &PolicyLocation<'_>) -> Vec<AdmittedPrincipal> {
    if statement.effect == "Deny" {
        return Vec::new();
    }
    let trial = Trial::new(policy, statement, *place);
    let mut found = Vec::new();
    match &statement.principal {
        None => {}
        // An Allow for all but some is one for everybody else. AWS does not support it in trust policies.
        Some(Block::Not(list)) if list.iter().any(crate::service::is_everybody) => {}
        Some(Block::Not(_)) => {
            found = trial.everybody();
            if place.trust {
                found.iter_mut().for_each(|a| a.verdict = a.verdict.and(Tri::Maybe));
            }
        }
        Some(Block::Is(list)) => {
            for principal in list {
                found.extend(trial.principal(principal));
            }
        }
    }
    let understood =
        statement.effect == "Allow" && statement.unknown.is_empty() && policy.unknown.is_empty() && statement.action.is_some();
    if !understood {
        found.iter_mut().for_each(|a| a.verdict = a.verdict.and(Tri::Maybe));
    }
    let mut seen = BTreeSet::new();
    found.retain(|a| seen.insert(a.clone()));
    found
}

/// A stranger who tries.
#[derive(Debug, Clone, Copy)]
enum Who<'w> {
    /// Without signing.
    Unsigned,
    /// A principal of an account, which may be in an organization.
    Principal { account: &'w str, organization: Option<&'w str> },
    /// A service of AWS for somebody.
    Service { name: Option<&'w str>, account: &'w str, organization: Option<&'w str> },
    /// Somebody with a token of an identity provider.
    Token { issuer: &'w Issuer<'w>, bearer: Bearer },
}

/// Who holds a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bearer {
    /// Somebody whom the statement does not name.
    Stranger,
    /// Anybody, those who are named among them.
    Named,
    /// A guest of an identity pool of Cognito.
    Guest,
}

/// One statement with all strangers that its values speak of.
struct Trial<'a> {
    place: PolicyLocation<'a>,
    /// Conditions by key in lower case, with their number; those of unknown operators apart.
    wishes: BTreeMap<String, Wishes<'a>>,
    not_understood: Vec<usize>,
    /// Accounts that are named, save the own one.
    accounts: Vec<String>,
    organizations: Vec<String>,
    /// An account and an organization that nothing in the statement speaks of.
    nobody: String,
    nowhere: String,
    /// What is left to be spent on patterns, in the measure of [`WORK_MAX`].
    work: Cell<usize>,
}

/// How a trial of one stranger ended.
#[derive(Debug, Clone)]
struct Tried {
    verdict: Tri,
    open: Vec<(usize, ConditionSubject)>,
    chosen: Vec<usize>,
}

impl Tried {
    const NO: Self = Self { verdict: Tri::No, open: Vec::new(), chosen: Vec::new() };

    fn to(self, to: ExternalPrincipal) -> Option<AdmittedPrincipal> {
        let Self { verdict, open, chosen } = self;
        (verdict != Tri::No).then_some(AdmittedPrincipal { to, verdict, open, chosen })
    }

    /// The surer one.
    fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.verdict == Tri::Yes {
            return self;
        }
        let other = other();
        if other.verdict > self.verdict { other } else { self }
    }
}

/// Every account that is not named: its ids that match a pattern stand for some of them.
const WILD: &str = "????????????";

/// Every organization that is not named.
const WILD_ORGANIZATION: &str = "o-?*";

/// The organization of the account itself, where its id is not known: what `${aws:ResourceOrgID}` stands for.
pub(crate) const OWN_ORGANIZATION: &str = "of its own";

impl<'a> Trial<'a> {
    fn new(policy: &'a Policy, statement: &'a Statement, place: PolicyLocation<'a>) -> Self {
        let variables = policy.version == "2012-10-17";
        let mut wishes: BTreeMap<String, Wishes<'a>> = BTreeMap::new();
        let (mut not_understood, mut named) = (Vec::new(), BTreeSet::new());
        let mut organizations = BTreeSet::new();
        for (number, condition) in statement.conditions.iter().enumerate() {
            let Some(operator) = Operator::parse(&condition.operator) else {
                not_understood.push(number);
                continue;
            };
            let key = condition.key.to_ascii_lowercase();
            for value in &condition.values {
                named.extend(accounts_in(value));
                // `o-exampleorg1`, and the start of `o-exampleorg1/r-ab12/ou-ab12-11111111/`.
                if key.contains("org") {
                    let id = value.split('/').next().unwrap_or_default();
                    organizations
                        .insert(if id.contains("${") { place.organization.unwrap_or(OWN_ORGANIZATION) } else { id }.to_owned());
                }
            }
            wishes.entry(key).or_insert_with(|| Wishes::new(variables)).add(number, operator, condition);
        }
        named.remove(place.account);
        organizations.retain(|o| !o.contains(['*', '?']));
        let free =
            |taken: &dyn Fn(&str) -> bool, of: &dyn Fn(u32) -> String| (0..).map(of).find(|one| !taken(one)).unwrap_or_default();
        let text = |needle: &str| statement.conditions.iter().any(|c| c.values.iter().any(|v| v.contains(needle)));
        let nobody = free(&|a| a == place.account || named.contains(a) || text(a), &|n| {
            format!("{:012}", 835_271_946_013_u64 + u64::from(n))
        });
        let nowhere = free(&|o| organizations.contains(o) || text(o), &|n| format!("o-qzj{n:08}"));
        Self {
            place,
            wishes,
            not_understood,
            accounts: named.into_iter().take(NAMED_MAX).collect(),
            organizations: organizations.into_iter().take(NAMED_MAX).collect(),
            nobody,
            nowhere,
            work: Cell::new((WORK_MAX / policy.statements.len().max(1)).clamp(WORK_OF_ONE.0, WORK_OF_ONE.1)),
        }
    }

    /// Tries one stranger.
    fn tried(&self, who: &Who<'_>) -> Tried {
        let mut tried = Tried { verdict: Tri::Yes, open: Vec::new(), chosen: Vec::new() };
        for (key, wishes) in &self.wishes {
            let slot = keys::slot(key, who, self);
            match wishes.held(&slot, |variable| keys::slot(variable, who, self), &self.work) {
                Held::Never => return Tried::NO,
                Held::Always => {}
                Held::Chosen => tried.chosen.extend(wishes.numbers()),
                Held::Sometimes => {
                    tried.verdict = Tri::Maybe;
                    tried.open.extend(wishes.numbers().map(|n| (n, slot.guard)));
                }
            }
        }
        if !self.not_understood.is_empty() {
            tried.verdict = Tri::Maybe;
            tried.open.extend(self.not_understood.iter().map(|n| (*n, ConditionSubject::Other)));
        }
        tried.open.sort_unstable();
        tried.chosen.sort_unstable();
        tried
    }

    /// An account that is not named, in no organization or in one that is not named either.
    fn anybody(&self, who: impl Fn(&'_ str, Option<&'_ str>) -> Tried) -> Tried {
        who(&self.nobody, None).or(|| who(&self.nobody, Some(&self.nowhere)))
    }

    /// `*`.
    fn everybody(&self) -> Vec<AdmittedPrincipal> {
        let unsigned = if self.place.trust { Tried::NO } else { self.tried(&Who::Unsigned) };
        let signed = |account: &str, organization: Option<&str>| {
            // `Who` borrows for as long as both.
            self.tried(&Who::Principal { account, organization })
        };
        let any = self.anybody(signed);
        let widest = |one: Tried, to| one.to(to).into_iter().collect::<Vec<_>>();
        if unsigned.verdict == Tri::Yes {
            return widest(unsigned, ExternalPrincipal::Anybody);
        }
        if any.verdict == Tri::Yes {
            let mut found = widest(any, ExternalPrincipal::AnyAccount);
            found.extend(unsigned.to(ExternalPrincipal::Anybody));
            return found;
        }
        let least = unsigned.verdict.or(any.verdict);
        let mut found =
            if unsigned.verdict == Tri::Maybe { widest(unsigned, ExternalPrincipal::Anybody) } else { widest(any, ExternalPrincipal::AnyAccount) };
        if least == Tri::No {
            found.extend(self.of_a_pattern(signed).and_then(|tried| tried.to(ExternalPrincipal::AnyAccount)));
        }
        found.extend(
            self.named(least, signed)
                .into_iter()
                .map(|(whose, tried)| match whose {
                    OnBehalfOf::Organization(id) => (ExternalPrincipal::Organization(id), tried),
                    OnBehalfOf::Account(id) => (ExternalPrincipal::Account(id, String::new()), tried),
                    OnBehalfOf::Anybody | OnBehalfOf::Owner(_) => (ExternalPrincipal::AnyAccount, tried),
                })
                .filter_map(|(to, tried)| tried.to(to)),
        );
        // `*` is for services of AWS, too.
        if !self.place.trust {
            let there = |a: &AdmittedPrincipal| found.iter().any(|f| f.to == a.to && f.verdict >= a.verdict);
            let whole = |a: &AdmittedPrincipal| match &a.to {
                ExternalPrincipal::Service(_, OnBehalfOf::Account(id)) => {
                    there(&AdmittedPrincipal { to: ExternalPrincipal::Account(id.clone(), String::new()), ..a.clone() })
                }
                ExternalPrincipal::Service(_, OnBehalfOf::Organization(id)) => {
                    there(&AdmittedPrincipal { to: ExternalPrincipal::Organization(id.clone()), ..a.clone() })
                }
                _ => a.verdict <= least,
            };
            let services: Vec<_> = self.service(None).into_iter().filter(|a| !whole(a)).collect();
            found.extend(services);
        }
        found
    }

    /// Those whom values name and who come in more surely than anybody.
    fn named(&self, least: Tri, who: impl Fn(&'_ str, Option<&'_ str>) -> Tried) -> Vec<(OnBehalfOf, Tried)> {
        let mut found = Vec::new();
        for organization in &self.organizations {
            let tried = who(&self.nobody, Some(organization));
            if tried.verdict > least {
                found.push((OnBehalfOf::Organization(organization.clone()), tried));
            }
        }
        for account in &self.accounts {
            let tried = self.of_account(account, &who);
            if tried.verdict > least {
                found.push((OnBehalfOf::Account(account.clone()), tried));
            }
        }
        found
    }

    /// One account: where it comes in only as a member of an organization that is named, it may.
    fn of_account(&self, account: &str, who: impl Fn(&'_ str, Option<&'_ str>) -> Tried) -> Tried {
        let mut tried = who(account, None).or(|| who(account, Some(&self.nowhere)));
        if tried.verdict == Tri::No {
            let member = self.organizations.iter().map(|o| who(account, Some(o))).find(|t| t.verdict != Tri::No);
            if let Some(member) = member {
                let of_organization = self.wishes.iter().filter(|(key, _)| key.contains("org")).flat_map(|(_, w)| w.numbers());
                tried = Tried { verdict: Tri::Maybe, ..member };
                tried.open.extend(of_organization.map(|n| (n, ConditionSubject::Other)));
                tried.open.sort_unstable();
            }
        }
        tried
    }

    /// Accounts whose ids happen to match a pattern.
    fn of_a_pattern(&self, who: impl Fn(&'_ str, Option<&'_ str>) -> Tried) -> Option<Tried> {
        let any = who(WILD, None).or(|| who(WILD, Some(WILD_ORGANIZATION)));
        (any.verdict != Tri::No).then_some(Tried { verdict: Tri::Maybe, ..any })
    }

    fn principal(&self, principal: &Principal) -> Vec<AdmittedPrincipal> {
        if crate::service::is_everybody(principal) {
            return self.everybody();
        }
        let Principal::Of(kind, value) = principal else { return Vec::new() };
        match kind.as_str() {
            "AWS" => self.aws(value).into_iter().collect(),
            "Service" => self.service(Some(value)),
            "Federated" => self.federated(value),
            _ => self.unidentified(format!("{kind} {value}")).into_iter().collect(),
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
        if account == self.place.account {
            return None;
        }
        let tried = self.of_account(account, |account, organization| self.tried(&Who::Principal { account, organization }));
        tried.to(ExternalPrincipal::Account(account.to_owned(), who.to_owned()))
    }

    /// Somebody of whom no account is known: whoever that is may be in any, so what a condition says of accounts may hold.
    fn unidentified(&self, id: String) -> Option<AdmittedPrincipal> {
        let signed = |account: &str, organization: Option<&str>| self.tried(&Who::Principal { account, organization });
        let mut best = self.anybody(signed);
        for account in &self.accounts {
            best = best.or(|| self.of_account(account, signed));
        }
        best = best.or(|| self.of_a_pattern(signed).unwrap_or(Tried::NO));
        for organization in &self.organizations {
            best = best.or(|| signed(&self.nobody, Some(organization)));
        }
        Tried { verdict: best.verdict.and(Tri::Maybe), ..best }.to(ExternalPrincipal::Unidentified(id))
    }

    /// A service of AWS; none: each of them.
    fn service(&self, name: Option<&str>) -> Vec<AdmittedPrincipal> {
        let of = |behalf| ExternalPrincipal::Service(name.unwrap_or("*").to_owned(), behalf);
        let acting = |account: &str, organization: Option<&str>| self.tried(&Who::Service { name, account, organization });
        let any = self.anybody(acting);
        let mut found = Vec::new();
        let least = any.verdict;
        let source = self.wishes.get("aws:sourcearn").filter(|wishes| !wishes.hold_without());
        let owners: Vec<&String> = source.map(|wishes| wishes.ownerless()).unwrap_or_default();
        // What matches only because a bucket is named belongs to its owner, who may be the account itself.
        let strange = |arn: &&String| {
            let bucket = arn.rsplit(':').next().unwrap_or_default();
            !self.place.buckets.is_some_and(|own| own.contains(bucket))
        };
        let by_source = |n: &usize| source.is_some_and(|wishes| wishes.numbers().any(|m| m == *n));
        if least == Tri::Maybe && !owners.is_empty() && any.open.iter().any(|(n, _)| by_source(n)) {
            found.extend(owners.into_iter().filter(strange).filter_map(|arn| any.clone().to(of(OnBehalfOf::Owner(arn.clone())))));
        } else {
            found.extend(any.to(of(OnBehalfOf::Anybody)));
        }
        if least == Tri::No {
            found.extend(self.of_a_pattern(acting).and_then(|tried| tried.to(of(OnBehalfOf::Anybody))));
        }
        // A role that a service assumes to work for this account is no way in.
        if self.place.trust {
            found.clear();
        }
        found.extend(self.named(least, acting).into_iter().filter_map(|(behalf, tried)| tried.to(of(behalf))));
        found
    }

    /// An identity provider.
    fn federated(&self, provider: &str) -> Vec<AdmittedPrincipal> {
        let issuer = Issuer::of(provider);
        let tried = |bearer| self.tried(&Who::Token { issuer: &issuer, bearer });
        let strangers = tried(Bearer::Stranger);
        let strangers = if strangers.verdict == Tri::No && issuer.has_guests() {
            // Whether its pool lets guests in stands elsewhere.
            let guests = tried(Bearer::Guest);
            Tried { verdict: guests.verdict.and(Tri::Maybe), ..guests }
        } else {
            strangers
        };
        let named = || tried(Bearer::Named).to(ExternalPrincipal::Federated(provider.to_owned(), true));
        strangers.to(ExternalPrincipal::Federated(provider.to_owned(), false)).or_else(named).into_iter().collect()
    }
}

/// `111122223333`.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Every run of exactly twelve digits.
fn accounts_in(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter(|run| is_account(run)).map(str::to_owned)
}
