//! Who outside of an account can do what in it: by resource policies, trust policies, ACLs and shares.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::engine::Effect;
use crate::policy::{Block, Principal, Statement};
use crate::request::Arn;
use crate::tri::Tri;
use crate::value::{Operator, Test};

/// Who somebody outside is.
///
/// ```
/// use bartizan_iam::Outsider;
/// assert!(Outsider::Account("999988887777".into(), String::new()).sentence().contains("999988887777"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outsider {
    /// Anybody, without signing.
    Anybody,
    /// Anybody who has an AWS account.
    AnyAccount,
    /// An organization, by its id.
    Organization(String),
    /// An account, and who in it: an ARN, or the whole account.
    Account(String, String),
    /// An identity provider; whether the statement says for whom it may vouch (audience, subject).
    Federated(String, bool),
    /// A service of AWS that acts for anybody: the statement does not say for which account or resource.
    Service(String),
    /// A principal that was deleted: its unique id is left.
    Deleted(String),
}

/// How well an outsider is known.
///
/// ```
/// use bartizan_iam::{Class, Neighbours, Outsider};
/// let neighbours = Neighbours { vendors: [("999988887777".to_owned(), "Scanner Inc.".to_owned())].into(), ..Neighbours::default() };
/// let known = neighbours.class(&Outsider::Account("999988887777".into(), String::new()), "111122223333");
/// assert_eq!(known, (Class::Vendor, Some("Scanner Inc.".to_owned())));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The account itself.
    Same,
    /// An account of the organization.
    Org,
    /// An account that the configuration calls a friend.
    Friendly,
    /// An account of a known vendor.
    Vendor,
    /// Anybody else.
    Unknown,
    /// Nobody any more.
    Deleted,
}

impl Class {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Org => "org",
            Self::Friendly => "friendly",
            Self::Vendor => "vendor",
            Self::Unknown => "unknown",
            Self::Deleted => "deleted",
        }
    }
}

/// What is known about other accounts: id, and a name.
///
/// ```
/// use bartizan_iam::{Class, Neighbours, Outsider};
/// let friends = Neighbours { friendly: [("444455556666".to_owned(), "backup".to_owned())].into(), ..Neighbours::default() };
/// let (class, _) = friends.class(&Outsider::Account("444455556666".into(), String::new()), "111122223333");
/// assert_eq!(class, Class::Friendly);
/// assert_eq!(friends.class(&Outsider::Anybody, "111122223333").0, Class::Unknown);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    /// Accounts of the organization.
    pub org: BTreeMap<String, String>,
    /// Ids of the own organization.
    pub org_ids: BTreeSet<String>,
    /// Friends.
    pub friendly: BTreeMap<String, String>,
    /// Vendors.
    pub vendors: BTreeMap<String, String>,
}

/// One way in.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Neighbours, Outsider, Tri, openings};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.fact("ec2:imagepermission", "us-east-1", "ami-1", r#"[{"UserId": "999988887777"}]"#);
/// let opening = &openings(&builder.build(), &Neighbours::default())[0];
/// assert_eq!(opening.to, Outsider::Account("999988887777".into(), String::new()));
/// assert_eq!((opening.verdict, opening.actions.as_slice()), (Tri::Yes, ["copy".to_owned()].as_slice()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// What is open.
    pub arn: String,
    /// By what: kind of fact, `s3:bucketpolicy`, `iam:assumerolepolicy`.
    pub by: String,
    /// To whom.
    pub to: Outsider,
    /// How well that one is known, and its name if it has one.
    pub class: Class,
    /// Name of the account, for friends and vendors.
    pub name: Option<String>,
    /// Actions, as written.
    pub actions: Vec<String>,
    /// Whether it is open for sure; perhaps, where conditions or denies narrow it.
    pub verdict: Tri,
    /// What narrows it.
    pub conditions: Vec<String>,
    /// Statement in the policy, from 1, with its Sid.
    pub statement: Option<String>,
}

impl Outsider {
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
            Self::Service(service) => format!("{service} on behalf of anybody"),
            Self::Deleted(id) => format!("a deleted principal {id}"),
        }
    }
}

/// All ways into an account, sorted by what is open.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Class, Neighbours, Outsider, openings};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.resource(
///     "s3:bucketpolicy",
///     "arn:aws:s3:::site",
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}}"#,
/// );
/// let found = openings(&builder.build(), &Neighbours::default());
/// assert_eq!((&found[0].to, found[0].class), (&Outsider::Anybody, Class::Unknown));
/// ```
pub fn openings(account: &Account<'_>, neighbours: &Neighbours) -> Vec<Opening> {
    let mut found = Vec::new();
    for resource in &account.resources {
        found.extend(of_policy(account, neighbours, &resource.arn, &resource.kind, resource.policy));
    }
    for role in &account.principals {
        if let Some(trust) = role.trust {
            found.extend(of_policy(account, neighbours, &role.arn, "iam:assumerolepolicy", trust));
        }
    }
    for share in &account.shares {
        let bucket = share.arn.trim_start_matches("arn:aws:s3:::");
        let ignored = share.kind == "s3:bucketacl" && account.ignores_acls(bucket);
        let to = match share.with.as_str() {
            "*" => Outsider::Anybody,
            "authenticated" => Outsider::AnyAccount,
            with => match Arn::parse(with) {
                Some(arn) if arn.service == "organizations" => {
                    Outsider::Organization(arn.resource.rsplit('/').next().unwrap_or_default().to_owned())
                }
                _ => Outsider::Account(with.to_owned(), String::new()),
            },
        };
        if ignored {
            continue;
        }
        let (class, name) = neighbours.class(&to, &account.id);
        let (arn, by, actions) = (share.arn.clone(), share.kind.clone(), vec![share.what.clone()]);
        found.push(Opening { arn, by, to, class, name, actions, verdict: Tri::Yes, conditions: Vec::new(), statement: None });
    }
    found.retain(|o| o.class != Class::Same);
    found.sort();
    found.dedup();
    found
}

fn of_policy(account: &Account<'_>, neighbours: &Neighbours, arn: &str, by: &str, document: u32) -> Vec<Opening> {
    let document = &account.documents[document as usize];
    let restricted = by == "s3:bucketpolicy"
        && account.restricts_public_buckets(arn)
        && crate::service::is_public_bucket_policy(&document.policy);
    if restricted {
        return Vec::new();
    }
    // A deny may take back some of it.
    let denies = document.compiled.statements.iter().any(|s| s.effect != Effect::Allow);
    let mut found = Vec::new();
    for (n, (statement, compiled)) in document.policy.statements.iter().zip(&document.compiled.statements).enumerate() {
        if compiled.effect != Effect::Allow {
            continue;
        }
        let narrowed = Narrowed::of(statement);
        let mut conditions: Vec<String> = compiled.conditions.iter().map(|c| c.text.clone()).collect();
        let certain = conditions.len() == narrowed.used && compiled.understood;
        if denies {
            conditions.push("denied in part by another statement".to_owned());
        }
        let verdict = if certain && !denies { Tri::Yes } else { Tri::Maybe };
        let actions = match &statement.action {
            Some(Block::Is(list)) => list.clone(),
            Some(Block::Not(list)) => vec![format!("all but {}", list.join(", "))],
            None => Vec::new(),
        };
        let sid = statement.sid.as_deref().map(|s| format!(" ({s})")).unwrap_or_default();
        for to in outsiders(statement, &narrowed, by) {
            let (class, name) = neighbours.class(&to, &account.id);
            found.push(Opening {
                arn: arn.to_owned(),
                by: by.to_owned(),
                to,
                class,
                name,
                actions: actions.clone(),
                verdict,
                conditions: conditions.clone(),
                statement: Some(format!("{}{sid}", n + 1)),
            });
        }
    }
    found
}

/// What conditions say about who may come.
#[derive(Default)]
struct Narrowed {
    organizations: Vec<String>,
    accounts: Vec<String>,
    /// The statement says for whom a provider or a service may act.
    for_somebody: bool,
    /// A network or address is asked for.
    used: usize,
}

impl Narrowed {
    fn of(statement: &Statement) -> Self {
        let mut narrowed = Self::default();
        for condition in &statement.conditions {
            let Some(operator) = Operator::parse(&condition.operator) else { continue };
            let key = condition.key.to_ascii_lowercase();
            let exact = !operator.negated
                && !operator.if_exists
                && matches!(operator.test, Test::Equals | Test::Like | Test::Arn | Test::EqualsIgnoreCase);
            if !exact || condition.values.iter().any(|v| v == "*") {
                continue;
            }
            match key.as_str() {
                "aws:principalorgid" | "aws:sourceorgid" => narrowed.organizations.extend(condition.values.iter().cloned()),
                "aws:principalorgpaths" => {
                    narrowed.organizations.extend(condition.values.iter().filter_map(|v| v.split('/').next()).map(str::to_owned));
                }
                "aws:principalaccount" | "aws:sourceaccount" | "aws:sourceowner" => {
                    narrowed.accounts.extend(condition.values.iter().cloned());
                    narrowed.for_somebody = true;
                }
                "aws:principalarn" | "aws:sourcearn" => {
                    let account = |v: &String| Arn::parse(v).map(|a| a.account.to_owned()).filter(|a| a.len() == 12);
                    match condition.values.iter().map(account).collect::<Option<Vec<_>>>() {
                        Some(accounts) => narrowed.accounts.extend(accounts),
                        // Bucket ARNs have no account, but they are somebody's.
                        None if key == "aws:sourcearn" => narrowed.for_somebody = true,
                        None => continue,
                    }
                    narrowed.for_somebody = true;
                }
                _ if key.ends_with(":sub") || key.ends_with(":aud") || key == "saml:aud" || key.ends_with(":amr") => {
                    narrowed.for_somebody |= key.ends_with(":sub") || key == "saml:aud" || key.starts_with("cognito");
                    continue;
                }
                _ => continue,
            }
            narrowed.used += 1;
        }
        narrowed
    }
}

fn outsiders(statement: &Statement, narrowed: &Narrowed, by: &str) -> Vec<Outsider> {
    let everybody = || -> Vec<Outsider> {
        if !narrowed.organizations.is_empty() {
            return narrowed.organizations.iter().cloned().map(Outsider::Organization).collect();
        }
        if !narrowed.accounts.is_empty() {
            return narrowed.accounts.iter().map(|a| Outsider::Account(a.clone(), String::new())).collect();
        }
        // Nobody assumes a role without signing.
        vec![if by == "iam:assumerolepolicy" { Outsider::AnyAccount } else { Outsider::Anybody }]
    };
    let list = match &statement.principal {
        None => return Vec::new(),
        Some(Block::Not(_)) => return everybody(),
        Some(Block::Is(list)) => list,
    };
    let mut found = Vec::new();
    for principal in list {
        match principal {
            _ if crate::service::is_everybody(principal) => found.extend(everybody()),
            Principal::Star => {}
            Principal::Of(kind, value) => match kind.as_str() {
                "AWS" => found.push(aws(value)),
                "Federated" => found.push(Outsider::Federated(value.clone(), narrowed.for_somebody)),
                // A service alone is AWS; one that may act for anybody is a way in ("confused deputy"), but not for roles
                // that it assumes to work for this account.
                "Service" if by != "iam:assumerolepolicy" && !narrowed.for_somebody && narrowed.organizations.is_empty() => {
                    found.push(Outsider::Service(value.clone()));
                }
                "Service" => {}
                _ => found.push(Outsider::Account(String::new(), format!("{kind} {value}"))),
            },
        }
    }
    found
}

fn aws(value: &str) -> Outsider {
    match Arn::parse(value) {
        Some(arn) if arn.resource == "root" => Outsider::Account(arn.account.to_owned(), String::new()),
        Some(arn) => Outsider::Account(arn.account.to_owned(), value.to_owned()),
        None if value.len() == 12 && value.bytes().all(|b| b.is_ascii_digit()) => {
            Outsider::Account(value.to_owned(), String::new())
        }
        None if ["AROA", "AIDA", "AGPA", "ANPA"].iter().any(|p| value.starts_with(p)) => Outsider::Deleted(value.to_owned()),
        None => Outsider::Account(String::new(), value.to_owned()),
    }
}

impl Neighbours {
    /// Adds what an account knows of its organization.
    pub fn learn(&mut self, account: &Account<'_>) {
        let (accounts, id) = &account.organization;
        self.org.extend(accounts.iter().map(|(id, name)| (id.clone(), name.clone())));
        self.org_ids.extend(id.iter().cloned());
    }

    /// How well somebody is known.
    pub fn class(&self, outsider: &Outsider, own: &str) -> (Class, Option<String>) {
        match outsider {
            Outsider::Deleted(_) => (Class::Deleted, None),
            Outsider::Organization(id) if self.org_ids.contains(id) => (Class::Org, None),
            Outsider::Account(id, _) if id == own => (Class::Same, None),
            Outsider::Account(id, _) => {
                [(&self.org, Class::Org), (&self.friendly, Class::Friendly), (&self.vendors, Class::Vendor)]
                    .into_iter()
                    .find_map(|(list, class)| list.get(id).map(|name| (class, Some(name.clone()))))
                    .unwrap_or((Class::Unknown, None))
            }
            // A provider of the account's own vouches for its people, when the statement says for whom.
            Outsider::Federated(provider, true) if Arn::parse(provider).is_some_and(|a| a.account == own) => {
                (Class::Friendly, None)
            }
            _ => (Class::Unknown, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountBuilder;
    use crate::actions::Actions;

    /// The class and the verdict of each way in by one bucket policy.
    fn classes(principal: &str, condition: &str) -> Vec<(Class, Tri)> {
        let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
        builder.fact("organizations:account", "global", "444455556666", r#"{"Id": "444455556666", "Name": "build"}"#);
        builder.fact("organizations:organization", "global", "o-1", r#"{"Id": "o-1"}"#);
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "s3:GetObject", "Resource": "*", "Condition": {condition}}}}}"#
        );
        builder.resource("s3:bucketpolicy", "arn:aws:s3:::b", &policy);
        let account = builder.build();
        let mut neighbours = Neighbours::default();
        neighbours.learn(&account);
        openings(&account, &neighbours).into_iter().map(|o| (o.class, o.verdict)).collect()
    }

    #[test]
    fn a_share_is_a_way_in_for_each_who_has_it() {
        let mut builder = crate::account::AccountBuilder::new("111122223333", crate::actions::Actions::builtin());
        builder.fact("ec2:snapshotpermission", "us-east-1", "snap-1", r#"[{"UserId": "999988887777"}, {"Group": "all"}]"#);
        builder.fact("ec2:imagepermission", "us-east-1", "ami-1", "[]");
        let found = openings(&builder.build(), &Neighbours::default());
        let to: Vec<&Outsider> = found.iter().map(|o| &o.to).collect();
        assert_eq!(to, [&Outsider::Anybody, &Outsider::Account("999988887777".to_owned(), String::new())]);
        assert!(found.iter().all(|o| o.arn.ends_with(":snapshot/snap-1")));
    }

    #[test]
    fn outsiders_are_told_apart() {
        assert_eq!(classes(r#""*""#, "{}"), [(Class::Unknown, Tri::Yes)]);
        assert_eq!(classes(r#"{"AWS": "444455556666"}"#, "{}"), [(Class::Org, Tri::Yes)]);
        assert_eq!(classes(r#"{"AWS": "arn:aws:iam::777788889999:role/r"}"#, "{}"), [(Class::Unknown, Tri::Yes)]);
        assert_eq!(classes(r#"{"AWS": "arn:aws:iam::111122223333:role/r"}"#, "{}"), []);
        assert_eq!(classes(r#"{"AWS": "AROAEXAMPLE"}"#, "{}"), [(Class::Deleted, Tri::Yes)]);
        assert_eq!(classes(r#""*""#, r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#), [(Class::Org, Tri::Yes)]);
        assert_eq!(classes(r#""*""#, r#"{"StringEquals": {"aws:PrincipalOrgID": "o-2"}}"#), [(Class::Unknown, Tri::Yes)]);
        assert_eq!(classes(r#""*""#, r#"{"StringEquals": {"aws:PrincipalAccount": "111122223333"}}"#), []);
        assert_eq!(classes(r#""*""#, r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#), [(Class::Unknown, Tri::Maybe)]);
        // A service for anybody, and for one account of ours.
        assert_eq!(classes(r#"{"Service": "sns.amazonaws.com"}"#, "{}"), [(Class::Unknown, Tri::Yes)]);
        assert_eq!(
            classes(r#"{"Service": "sns.amazonaws.com"}"#, r#"{"StringEquals": {"aws:SourceAccount": "111122223333"}}"#),
            []
        );
    }
}
