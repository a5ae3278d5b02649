//! External access: principals outside of an account who can do something in it, by resource
//! policies, trust policies, ACLs and shares.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{Account, CANONICAL_USER, Grant, Membership, Share};
use crate::arn::{Arn, is_unique_id};
use crate::engine::{Compiled, CompiledStatement, ResourcePattern, StatementEffect};
use crate::organization::Organization;
use crate::pattern::Pattern;
use crate::policy::{Block, Statement};
use crate::stranger::{AdmittedPrincipal, ExternalPrincipal, OnBehalfOf, PolicyLocation, admitted};
use crate::tri::Tri;

/// How well an outsider is known.
///
/// ```
/// use bartizan_iam::{AccountRelationship, ExternalPrincipal, KnownAccounts};
/// let known_accounts = KnownAccounts {
///     vendors: [("999988887777".to_owned(), "Scanner Inc.".to_owned())].into(),
///     ..KnownAccounts::default()
/// };
/// let known = known_accounts.class(
///     &ExternalPrincipal::Account("999988887777".into(), String::new()),
///     "111122223333",
/// );
/// assert_eq!(
///     known,
///     (AccountRelationship::Vendor, Some("Scanner Inc.".to_owned()))
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountRelationship {
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

impl AccountRelationship {
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

/// Other accounts that are known: id and name.
///
/// ```
/// use bartizan_iam::{AccountRelationship, ExternalPrincipal, KnownAccounts};
/// let friends = KnownAccounts {
///     friendly: [("444455556666".to_owned(), "backup".to_owned())].into(),
///     ..KnownAccounts::default()
/// };
/// let (class, _) = friends.class(
///     &ExternalPrincipal::Account("444455556666".into(), String::new()),
///     "111122223333",
/// );
/// assert_eq!(class, AccountRelationship::Friendly);
/// assert_eq!(
///     friends.class(&ExternalPrincipal::Anybody, "111122223333").0,
///     AccountRelationship::Unknown
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct KnownAccounts {
    /// Accounts of the organization.
    pub org: BTreeMap<String, String>,
    /// Ids of the own organization.
    pub org_ids: BTreeSet<String>,
    /// Friends.
    pub friendly: BTreeMap<String, String>,
    /// Vendors.
    pub vendors: BTreeMap<String, String>,
}

/// Access of one external principal to one resource.
///
/// ```
/// use bartizan_iam::{
///     AccountBuilder, Actions, ExternalPrincipal, KnownAccounts, Tri, external_access,
/// };
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.fact(
///     "ec2:imagepermission",
///     "us-east-1",
///     "ami-1",
///     r#"[{"UserId": "999988887777"}]"#,
/// );
/// let opening = &external_access(&builder.build(), &KnownAccounts::default())[0];
/// assert_eq!(
///     opening.to,
///     ExternalPrincipal::Account("999988887777".into(), String::new())
/// );
/// assert_eq!(
///     (opening.verdict, opening.actions.as_slice()),
///     (Tri::Yes, ["copy".to_owned()].as_slice())
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExternalAccess {
    /// ARN of the resource or role, e.g. `arn:aws:s3:::site`.
    pub arn: String,
    /// Kind of fact that gives it, e.g. `s3:bucketpolicy`, `iam:assumerolepolicy`.
    pub by: String,
    /// Principal who has it.
    pub to: ExternalPrincipal,
    /// Relationship of the account to that principal.
    pub class: AccountRelationship,
    /// Name of the account, for friends and vendors.
    pub name: Option<String>,
    /// Actions, as written.
    pub actions: Vec<String>,
    /// Whether it is open for sure; perhaps, where conditions or denies narrow it.
    pub verdict: Tri,
    /// Conditions that narrow it, e.g. `aws:SourceIp IpAddress 203.0.113.0/24`.
    pub conditions: Vec<String>,
    /// Statement in the policy, from 1, with its Sid.
    pub statement: Option<String>,
}

/// All external access to an account, sorted by resource.
///
/// ```
/// use bartizan_iam::{
///     AccountBuilder, AccountRelationship, Actions, ExternalPrincipal, KnownAccounts,
///     external_access,
/// };
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.resource(
///     "s3:bucketpolicy",
///     "arn:aws:s3:::site",
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
///     "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}}"#,
/// );
/// let found = external_access(&builder.build(), &KnownAccounts::default());
/// assert_eq!(
///     (&found[0].to, found[0].class),
///     (&ExternalPrincipal::Anybody, AccountRelationship::Unknown)
/// );
/// ```
pub fn external_access(
    account: &Account<'_>,
    known_accounts: &KnownAccounts,
) -> Vec<ExternalAccess> {
    let mut found = Vec::new();
    for resource in &account.resources {
        found.extend(of_policy(
            account,
            known_accounts,
            &resource.arn,
            &resource.kind,
            resource.policy,
        ));
    }
    for role in &account.principals {
        if let Some(trust) = role.trust {
            found.extend(of_policy(
                account,
                known_accounts,
                &role.arn,
                "iam:assumerolepolicy",
                trust,
            ));
        }
    }
    found.extend(of_shares(account, known_accounts));
    found.extend(of_grants(account, known_accounts));
    close_urls(account, &mut found);
    found.retain(|o| o.class != AccountRelationship::Same);
    found.sort();
    found.dedup();
    found
}

/// Shares without a policy: ACLs, attributes of snapshots, copies that go elsewhere.
fn of_shares(account: &Account<'_>, known_accounts: &KnownAccounts) -> Vec<ExternalAccess> {
    let counts = |share: &&Share| match share.kind.as_str() {
        // IgnorePublicAcls is about grants to groups that anybody is in; BucketOwnerEnforced about
        // all of them.
        "s3:bucketacl" => {
            let bucket = share.arn.trim_start_matches("arn:aws:s3:::");
            !account.acls_off.contains(bucket)
                && (share.with.starts_with(CANONICAL_USER) || !account.ignores_acls(bucket))
        }
        "ec2:snapshotpermission" if share.with == "*" => Arn::parse(&share.arn)
            .is_none_or(|arn| !account.snapshots_not_public.contains(arn.region)),
        _ => true,
    };
    let access = |share: &Share| {
        let to = match share.with.as_str() {
            "*" => ExternalPrincipal::Anybody,
            "authenticated" => ExternalPrincipal::AnyAccount,
            with if with.starts_with(CANONICAL_USER) => {
                ExternalPrincipal::Unidentified(with.to_owned())
            }
            with => outsider_of(with),
        };
        by_itself(
            account,
            known_accounts,
            (&share.arn, &share.kind),
            to,
            share.what.clone(),
        )
    };
    account.shares.iter().filter(counts).map(access).collect()
}

/// Principal that an account, an ARN or the name of a service means.
fn outsider_of(with: &str) -> ExternalPrincipal {
    match Arn::parse(with) {
        Some(arn) if arn.service == "organizations" => {
            let id = arn.resource.rsplit('/').next().unwrap_or_default();
            ExternalPrincipal::Organization(id.to_owned())
        }
        Some(arn) => ExternalPrincipal::Account(arn.account.to_owned(), with.to_owned()),
        None if with.ends_with(".amazonaws.com") => {
            ExternalPrincipal::Service(with.to_owned(), OnBehalfOf::Anybody)
        }
        None => ExternalPrincipal::Account(with.to_owned(), String::new()),
    }
}

/// Grants of keys to principals of other accounts. A service that has one got it from the account.
fn of_grants(account: &Account<'_>, known_accounts: &KnownAccounts) -> Vec<ExternalAccess> {
    let others = account
        .grants
        .iter()
        .filter(|grant| Arn::parse(&grant.grantee).is_some_and(|arn| arn.account.len() == 12));
    let access = |grant: &Grant| {
        let place = (grant.key.as_str(), "kms:grant");
        let to = outsider_of(&grant.grantee);
        let mut access = by_itself(account, known_accounts, place, to, String::new());
        access.actions = grant
            .operations
            .iter()
            .map(|o| format!("kms:{o}"))
            .collect();
        if grant.constrained {
            access.verdict = Tri::Maybe;
            access
                .conditions
                .push("within an encryption context".to_owned());
        }
        access
    };
    others.map(access).collect()
}

/// The URL of a function lets somebody in only where the policy of the function does (Lambda
/// developer guide, "Control access to Lambda function URLs").
fn close_urls(account: &Account<'_>, found: &mut Vec<ExternalAccess>) {
    let calls_url = |action: &String| {
        let covers = Pattern::text(&action.to_ascii_lowercase());
        covers.matches("lambda:invokefunctionurl")
    };
    let open: Vec<(String, Tri)> = found
        .iter()
        .filter(|o| o.to == ExternalPrincipal::Anybody && o.by.starts_with("lambda:"))
        .filter(|o| o.by != "lambda:functionurl" && o.actions.iter().any(calls_url))
        .map(|o| (o.arn.clone(), o.verdict))
        .collect();
    found.retain_mut(|o| {
        if o.by != "lambda:functionurl" {
            return true;
        }
        if account.unread_policy(&o.arn).is_some() {
            o.verdict = Tri::Maybe;
            o.conditions.push("its policy was not read".to_owned());
            return true;
        }
        let by_policy = open.iter().filter(|(arn, _)| *arn == o.arn);
        o.verdict = by_policy
            .map(|(_, verdict)| *verdict)
            .max()
            .unwrap_or(Tri::No);
        o.verdict != Tri::No
    });
}

/// Access by something that is no policy: a share, a grant. `place`: resource, and kind of fact.
fn by_itself(
    account: &Account<'_>,
    known_accounts: &KnownAccounts,
    place: (&str, &str),
    to: ExternalPrincipal,
    what: String,
) -> ExternalAccess {
    let (class, name) = known_accounts.class(&to, &account.id);
    ExternalAccess {
        arn: place.0.to_owned(),
        by: place.1.to_owned(),
        to,
        class,
        name,
        actions: vec![what],
        verdict: Tri::Yes,
        conditions: Vec::new(),
        statement: None,
    }
}

/// Conditions that an admitted principal meets by choice or that leave its verdict open.
fn conditions_of(statement: &Statement, one: &AdmittedPrincipal) -> Vec<String> {
    let open = one.open.iter().map(|(number, _)| *number);
    let mut numbers: Vec<usize> = open.chain(one.chosen.iter().copied()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let text = |number: usize| {
        let condition = &statement.conditions[number];
        format!(
            "{} {} {}",
            condition.key,
            condition.operator,
            condition.values.join("|")
        )
    };
    numbers.into_iter().map(text).collect()
}

/// AWS shows the ARN of a principal that exists: one that it shows as an id was deleted, if all
/// were read.
fn deleted_or(to: ExternalPrincipal, account: &Account<'_>) -> ExternalPrincipal {
    match to {
        ExternalPrincipal::Unidentified(id) if is_unique_id(&id) && account.knows_principals() => {
            ExternalPrincipal::Deleted(id)
        }
        to => to,
    }
}

/// Whether denies of the same policy take back what a statement allows: all of it, for everybody
/// and without a condition; some of it; or none.
fn taken_back(allow: &CompiledStatement, policy: &Compiled) -> Tri {
    let denies = policy
        .statements
        .iter()
        .filter(|s| s.effect != StatementEffect::Allow);
    let patterns = |statement: &CompiledStatement| match &statement.resource {
        Some(Block::Is(list)) => list
            .iter()
            .map(|r| match r {
                ResourcePattern::Pattern(pattern) => Some(pattern.clone()),
                ResourcePattern::Template(_) => None,
            })
            .collect(),
        _ => None::<Vec<Pattern>>,
    };
    let mut found = Tri::No;
    for deny in denies {
        if allow.actions.intersection(&deny.actions).is_empty() {
            continue;
        }
        let (from, to) = (patterns(deny), patterns(allow));
        let is_own_resource = allow.is_without_resource && deny.is_without_resource;
        let is_all = is_own_resource
            || from.as_ref().zip(to.as_ref()).is_some_and(|(from, to)| {
                to.iter()
                    .all(|part| from.iter().any(|whole| whole.covers(part)))
            });
        let apart = from.as_ref().zip(to.as_ref()).is_some_and(|(from, to)| {
            to.iter()
                .all(|part| from.iter().all(|other| other.meets(part).is_none()))
        });
        let everybody = match &deny.principal {
            Some(Block::Is(list)) => list.iter().any(crate::service::is_everybody),
            Some(Block::Not(_)) | None => false,
        };
        let whole = is_all
            && everybody
            && deny.is_understood()
            && deny.effect == StatementEffect::Deny
            && deny.conditions.is_empty()
            && deny.actions.covers(&allow.actions);
        if whole {
            return Tri::Yes;
        }
        if !apart {
            found = Tri::Maybe;
        }
    }
    found
}

fn of_policy(
    account: &Account<'_>,
    known_accounts: &KnownAccounts,
    arn: &str,
    by: &str,
    document: u32,
) -> Vec<ExternalAccess> {
    let document = &account.documents[document as usize];
    let restricted = by == "s3:bucketpolicy"
        && account.restricts_public_buckets(arn)
        && crate::service::is_public_policy(&document.policy);
    let location = PolicyLocation {
        account: &account.id,
        organization: account.organization.1.as_deref(),
        trust: by == "iam:assumerolepolicy",
        now_s: account.time_s,
        buckets: account.buckets.as_ref(),
        ids: Some(&account.ids),
    };
    let mut found = Vec::new();
    for (n, statement) in document.policy.statements.iter().enumerate() {
        // In the policy of a key a statement without Resource or Action does nothing (KMS,
        // `PutKeyPolicy`).
        if crate::service::is_key(arn)
            && (statement.resource.is_none() || statement.action.is_none())
        {
            continue;
        }
        let actions = match &statement.action {
            Some(Block::Is(list)) => list.clone(),
            Some(Block::Not(list)) => vec![format!("all but {}", list.join(", "))],
            None => Vec::new(),
        };
        let sid = statement
            .sid
            .as_deref()
            .map(|s| format!(" ({s})"))
            .unwrap_or_default();
        let denied = document
            .compiled
            .statements
            .get(n)
            .map_or(Tri::Maybe, |allow| taken_back(allow, &document.compiled));
        if denied == Tri::Yes {
            continue;
        }
        let denies = denied == Tri::Maybe;
        for one in admitted(&document.policy, statement, &location) {
            let mut conditions = conditions_of(statement, &one);
            if denies {
                conditions.push("denied in part by another statement".to_owned());
            }
            let to = deleted_or(one.to, account);
            // Such a bucket is for its own account, and for services that a statement names (S3
            // user guide, "Blocking public access": RestrictPublicBuckets).
            if restricted && !matches!(&to, ExternalPrincipal::Service(name, _) if name != "*") {
                continue;
            }
            let (class, name) = known_accounts.class(&to, &account.id);
            found.push(ExternalAccess {
                arn: arn.to_owned(),
                by: by.to_owned(),
                to,
                class,
                name,
                actions: actions.clone(),
                verdict: if denies {
                    one.verdict.and(Tri::Maybe)
                } else {
                    one.verdict
                },
                conditions,
                statement: Some(format!("{}{sid}", n + 1)),
            });
        }
    }
    found
}

impl KnownAccounts {
    /// Adds the accounts of an account's organization.
    pub fn learn(&mut self, account: &Account<'_>) {
        let (accounts, id) = &account.organization;
        self.org
            .extend(accounts.iter().map(|(id, name)| (id.clone(), name.clone())));
        self.org_ids.extend(id.iter().cloned());
        // The list of accounts is in the management account's snapshot only.
        if let Membership::Member { organization, .. } = &account.membership {
            self.org.entry(account.id.clone()).or_default();
            self.org_ids.insert(organization.clone());
        }
    }

    /// Adds the accounts of an organization. Its names are in other lists.
    pub fn learn_members(&mut self, organization: &Organization) {
        for id in organization.members() {
            self.org.entry(id.to_owned()).or_default();
        }
        self.org_ids.extend(organization.id().map(str::to_owned));
    }

    /// Relationship of an account to an external principal, and the name of a known account.
    pub fn class(
        &self,
        outsider: &ExternalPrincipal,
        own: &str,
    ) -> (AccountRelationship, Option<String>) {
        match outsider {
            ExternalPrincipal::Deleted(_) => (AccountRelationship::Deleted, None),
            ExternalPrincipal::Organization(id) if self.org_ids.contains(id) => {
                (AccountRelationship::Org, None)
            }
            ExternalPrincipal::Service(_, OnBehalfOf::Organization(id))
                if self.org_ids.contains(id) =>
            {
                (AccountRelationship::Org, None)
            }
            // The organization of the account, whose id was not read.
            ExternalPrincipal::Organization(id)
            | ExternalPrincipal::Service(_, OnBehalfOf::Organization(id))
                if id == crate::stranger::OWN_ORGANIZATION =>
            {
                (AccountRelationship::Org, None)
            }
            ExternalPrincipal::Account(id, _)
            | ExternalPrincipal::Service(_, OnBehalfOf::Account(id))
                if id == own =>
            {
                (AccountRelationship::Same, None)
            }
            ExternalPrincipal::Account(id, _)
            | ExternalPrincipal::Service(_, OnBehalfOf::Account(id)) => [
                (&self.org, AccountRelationship::Org),
                (&self.friendly, AccountRelationship::Friendly),
                (&self.vendors, AccountRelationship::Vendor),
            ]
            .into_iter()
            .find_map(|(list, class)| {
                let name = list.get(id)?;
                Some((class, Some(name.clone()).filter(|name| !name.is_empty())))
            })
            .unwrap_or((AccountRelationship::Unknown, None)),
            // A provider of the account itself is known, when the statement names the tenant.
            ExternalPrincipal::Federated(provider, true)
                if Arn::parse(provider).is_some_and(|a| a.account == own) =>
            {
                (AccountRelationship::Friendly, None)
            }
            _ => (AccountRelationship::Unknown, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountBuilder;
    use crate::actions::Actions;

    /// Relationship and verdict of each access by one bucket policy.
    fn classes(principal: &str, condition: &str) -> Vec<(AccountRelationship, Tri)> {
        let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
        builder.fact(
            "organizations:account",
            "global",
            "444455556666",
            r#"{"Id": "444455556666", "Name": "build"}"#,
        );
        builder.fact(
            "organizations:organization",
            "global",
            "o-1",
            r#"{"Id": "o-1"}"#,
        );
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
                "Principal": {principal}, "Action": "s3:GetObject", "Resource": "*",
                "Condition": {condition}}}}}"#
        );
        builder.resource("s3:bucketpolicy", "arn:aws:s3:::b", &policy);
        let account = builder.build();
        let mut known_accounts = KnownAccounts::default();
        known_accounts.learn(&account);
        external_access(&account, &known_accounts)
            .into_iter()
            .map(|o| (o.class, o.verdict))
            .collect()
    }

    #[test]
    fn an_id_is_whoever_has_it() {
        let details = r#"{"RoleDetailList": [{"RoleName": "r", "RoleId": "AROANEW",
            "Arn": "arn:aws:iam::111122223333:role/r",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}],
            "UserDetailList": [{"UserName": "ann", "UserId": "AIDAANN",
                "Arn": "arn:aws:iam::111122223333:user/ann", "UserPolicyList": [
            {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement":
                {"Effect": "Allow", "Action": "*", "Resource": "*"}}}]}]}"#;
        let built = |effect: &str, element: &str, id: &str| {
            let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
            // The policy comes before those whom it names.
            let policy = format!(
                r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "{effect}",
                    "{element}": {{"AWS": "{id}"}}, "Action": "s3:GetObject", "Resource": "*"}}}}"#
            );
            builder.resource("s3:bucketpolicy", "arn:aws:s3:::b", &policy);
            builder.authorization_details(details).unwrap();
            builder.build()
        };
        let may = |account: &Account<'_>, who: &str| {
            account
                .may(
                    account.principal(who).unwrap(),
                    "s3:GetObject",
                    "arn:aws:s3:::b/k",
                )
                .verdict
        };
        let here = built("Allow", "Principal", "AROANEW");
        assert_eq!(
            (
                external_access(&here, &KnownAccounts::default()).len(),
                may(&here, "r")
            ),
            (0, Tri::Yes)
        );
        // Made again under the same name: the id of the first is nobody's.
        let gone = built("Allow", "Principal", "AROAOLD");
        let found = external_access(&gone, &KnownAccounts::default());
        assert_eq!(
            (&found[0].to, found[0].verdict),
            (&ExternalPrincipal::Deleted("AROAOLD".into()), Tri::Maybe)
        );
        assert_eq!(may(&gone, "r"), Tri::No);
        assert_eq!(may(&built("Deny", "Principal", "AIDAANN"), "ann"), Tri::No);
        assert_eq!(may(&built("Deny", "Principal", "AIDAOLD"), "ann"), Tri::Yes);
        assert_eq!(
            may(&built("Deny", "NotPrincipal", "AROANEW"), "ann"),
            Tri::No
        );
    }

    #[test]
    fn a_restricted_bucket_is_open_to_services_only() {
        let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
        builder.fact(
            "s3:bucketpublicaccessblock",
            "us-east-1",
            "b",
            r#"{"RestrictPublicBuckets": true}"#,
        );
        let policy = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "s3:PutObject", "Resource": "*"}]}"#;
        builder.resource("s3:bucketpolicy", "arn:aws:s3:::b", policy);
        let found = external_access(&builder.build(), &KnownAccounts::default());
        let to: Vec<String> = found.iter().map(|o| o.to.sentence()).collect();
        assert_eq!(to, ["sns.amazonaws.com on behalf of anybody"]);
    }

    #[test]
    fn a_share_is_a_way_in_for_each_who_has_it() {
        let mut builder =
            crate::account::AccountBuilder::new("111122223333", crate::actions::Actions::builtin());
        builder.fact(
            "ec2:snapshotpermission",
            "us-east-1",
            "snap-1",
            r#"[{"UserId": "999988887777"}, {"Group": "all"}]"#,
        );
        builder.fact("ec2:imagepermission", "us-east-1", "ami-1", "[]");
        let found = external_access(&builder.build(), &KnownAccounts::default());
        let to: Vec<&ExternalPrincipal> = found.iter().map(|o| &o.to).collect();
        assert_eq!(
            to,
            [
                &ExternalPrincipal::Anybody,
                &ExternalPrincipal::Account("999988887777".to_owned(), String::new())
            ]
        );
        assert!(found.iter().all(|o| o.arn.ends_with(":snapshot/snap-1")));
    }

    #[test]
    fn outsiders_are_told_apart() {
        assert_eq!(
            classes(r#""*""#, "{}"),
            [(AccountRelationship::Unknown, Tri::Yes)]
        );
        assert_eq!(
            classes(r#"{"AWS": "444455556666"}"#, "{}"),
            [(AccountRelationship::Org, Tri::Yes)]
        );
        assert_eq!(
            classes(r#"{"AWS": "arn:aws:iam::777788889999:role/r"}"#, "{}"),
            [(AccountRelationship::Unknown, Tri::Yes)]
        );
        assert_eq!(
            classes(r#"{"AWS": "arn:aws:iam::111122223333:role/r"}"#, "{}"),
            []
        );
        // Whether it is gone is not known where users and roles were not read.
        assert_eq!(
            classes(r#"{"AWS": "AROAEXAMPLE"}"#, "{}"),
            [(AccountRelationship::Unknown, Tri::Maybe)]
        );
        assert_eq!(
            classes(
                r#""*""#,
                r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#
            ),
            [(AccountRelationship::Org, Tri::Yes)]
        );
        assert_eq!(
            classes(
                r#""*""#,
                r#"{"StringEquals": {"aws:PrincipalOrgID": "o-2"}}"#
            ),
            [(AccountRelationship::Unknown, Tri::Yes)]
        );
        assert_eq!(
            classes(
                r#""*""#,
                r#"{"StringEquals": {"aws:PrincipalAccount": "111122223333"}}"#
            ),
            []
        );
        assert_eq!(
            classes(
                r#""*""#,
                r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#
            ),
            [(AccountRelationship::Unknown, Tri::Maybe)]
        );
        // A service for anybody, and for one account of ours.
        assert_eq!(
            classes(r#"{"Service": "sns.amazonaws.com"}"#, "{}"),
            [(AccountRelationship::Unknown, Tri::Yes)]
        );
        assert_eq!(
            classes(
                r#"{"Service": "sns.amazonaws.com"}"#,
                r#"{"StringEquals": {"aws:SourceAccount": "111122223333"}}"#
            ),
            []
        );
    }
}
