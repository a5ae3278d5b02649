//! What each condition key can be for a stranger: whether his request has it, which values, and who decides that.
//!
//! Sources: IAM user guide, "AWS global condition context keys" (the *Availability* of each); service authorization
//! reference for keys of services; KMS developer guide, "Condition keys for AWS KMS" (`kms:CallerAccount` is the account of
//! the caller, `kms:ViaService` is there when a service passes the call on).

use super::{Bearer, ConditionSubject, OWN_ORGANIZATION, Trial, Who};
use crate::pattern::Pattern;

/// What a key can be.
pub(super) struct Slot {
    pub(super) absent: Absent,
    pub(super) values: Range,
    pub(super) control: Control,
    pub(super) guard: ConditionSubject,
    /// Values that are no stranger's.
    pub(super) not: Vec<Pattern>,
}

/// When a request is without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Always,
    Never,
    /// When he likes.
    Chosen,
    /// Some services do not send it.
    Seldom,
    /// Nobody knows.
    Perhaps,
}

/// Which values it has when it is there.
pub(super) enum Range {
    /// Texts of any of these patterns.
    Texts(Vec<Pattern>),
    /// Addresses.
    Address,
    /// The time of the request, as text or number: now, in seconds since 1970, or later.
    Time(Option<f64>),
}

/// Who decides which of these values it is.
pub(super) enum Control {
    /// He who calls.
    Chosen,
    /// Not he: a value must be his already.
    ContextValue,
    /// He, but what is written out without a wildcard is somebody else's already (a bucket, an endpoint, a secret); also
    /// where that is an ARN which says by itself whose it is.
    Taken { with_account: bool },
    /// Likewise for the start of a value that names a tenant of an identity provider: `repo:acme/`.
    Tenant(Vec<super::issuers::Shape>, /* Strangers only. */ bool),
}

/// What a key tells of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// The account of a principal.
    Account,
    /// Of a principal, and of whom a service acts for (`aws:SourceOwner` in default policies of SNS topics).
    AccountOfEither,
    Arn,
    UserId,
    UserName,
    Organization,
    OrganizationPath,
    SourceAccount,
    SourceArn,
    SourceOrganization,
    SourceOrganizationPath,
    IsService,
    ServiceName,
    Type,
    /// His address on the internet.
    Address,
    /// The id of a VPC or an endpoint.
    Endpoint,
    /// The account or organization that an endpoint belongs to.
    EndpointAccount,
    EndpointArn,
    EndpointOrganization,
    EndpointOrganizationPath,
    /// The account of an S3 access point, or its ARN.
    AccessPointAccount,
    AccessPointArn,
    /// A way into a VPC that is not named.
    InsideVpc,
    /// There for everybody, and he chooses: true or false.
    Switch,
    /// He may send it or not, with any value.
    Chosen,
    /// Likewise, where he signs.
    ChosenSigned,
    /// A secret that is agreed upon.
    Secret,
    Time,
    UrlAuth,
    ViaService,
    /// The account of the resource.
    OwnAccount,
    OwnOrganization,
}

const TAKEN: Control = Control::Taken { with_account: true };

/// Keys by name in lower case, up to a slash. What is not here may be anything.
const KEYS: &[(&str, Sort)] = &[
    ("aws:principalaccount", Sort::Account),
    ("kms:calleraccount", Sort::Account),
    ("aws:sourceowner", Sort::AccountOfEither),
    ("aws:principalarn", Sort::Arn),
    ("aws:userid", Sort::UserId),
    ("aws:username", Sort::UserName),
    ("aws:principalorgid", Sort::Organization),
    ("aws:principalorgpaths", Sort::OrganizationPath),
    ("aws:sourceaccount", Sort::SourceAccount),
    ("aws:sourcearn", Sort::SourceArn),
    ("aws:sourceorgid", Sort::SourceOrganization),
    ("aws:sourceorgpaths", Sort::SourceOrganizationPath),
    ("aws:principalisawsservice", Sort::IsService),
    ("aws:principalservicename", Sort::ServiceName),
    ("aws:principaltype", Sort::Type),
    ("aws:sourceip", Sort::Address),
    ("aws:sourcevpc", Sort::Endpoint),
    ("aws:sourcevpce", Sort::Endpoint),
    ("aws:sourcevpcarn", Sort::EndpointArn),
    ("aws:vpceaccount", Sort::EndpointAccount),
    ("aws:vpceorgid", Sort::EndpointOrganization),
    ("aws:vpceorgpaths", Sort::EndpointOrganizationPath),
    ("s3:dataaccesspointaccount", Sort::AccessPointAccount),
    ("s3:dataaccesspointarn", Sort::AccessPointArn),
    ("elasticfilesystem:accessedviamounttarget", Sort::InsideVpc),
    ("aws:securetransport", Sort::Switch),
    ("aws:currenttime", Sort::Time),
    ("aws:epochtime", Sort::Time),
    // An address within a VPC of his own.
    ("aws:vpcsourceip", Sort::Chosen),
    ("aws:useragent", Sort::Chosen),
    ("aws:referer", Sort::Chosen),
    ("aws:requesttag", Sort::Chosen),
    ("aws:tagkeys", Sort::Chosen),
    ("s3:prefix", Sort::Chosen),
    ("s3:delimiter", Sort::Chosen),
    ("s3:max-keys", Sort::Chosen),
    ("s3:versionid", Sort::Chosen),
    ("s3:x-amz-acl", Sort::Chosen),
    ("s3:x-amz-content-sha256", Sort::Chosen),
    ("s3:x-amz-storage-class", Sort::Chosen),
    ("s3:x-amz-server-side-encryption", Sort::Chosen),
    ("s3:tlsversion", Sort::Chosen),
    ("sns:protocol", Sort::Chosen),
    ("lambda:invokedviafunctionurl", Sort::Chosen),
    ("sts:rolesessionname", Sort::Chosen),
    ("sts:sourceidentity", Sort::Chosen),
    ("sts:transitivetagkeys", Sort::Chosen),
    ("aws:principaltag", Sort::ChosenSigned),
    ("aws:multifactorauthpresent", Sort::ChosenSigned),
    ("aws:multifactorauthage", Sort::ChosenSigned),
    ("aws:tokenissuetime", Sort::ChosenSigned),
    ("aws:federatedprovider", Sort::ChosenSigned),
    ("aws:viaawsservice", Sort::ChosenSigned),
    ("aws:calledvia", Sort::ChosenSigned),
    ("aws:calledviafirst", Sort::ChosenSigned),
    ("aws:calledvialast", Sort::ChosenSigned),
    ("s3:authtype", Sort::ChosenSigned),
    ("s3:signatureversion", Sort::ChosenSigned),
    ("s3:signatureage", Sort::ChosenSigned),
    ("sts:externalid", Sort::Secret),
    ("lambda:functionurlauthtype", Sort::UrlAuth),
    ("kms:viaservice", Sort::ViaService),
    ("aws:resourceaccount", Sort::OwnAccount),
    ("s3:resourceaccount", Sort::OwnAccount),
    ("aws:resourceorgid", Sort::OwnOrganization),
];

impl Sort {
    /// Whether its values belong to an account or an organization.
    fn is_of_somebody(self) -> bool {
        matches!(
            self,
            Self::Account
                | Self::AccountOfEither
                | Self::Arn
                | Self::Organization
                | Self::OrganizationPath
                | Self::SourceAccount
                | Self::SourceArn
                | Self::SourceOrganization
                | Self::SourceOrganizationPath
                | Self::EndpointAccount
                | Self::EndpointArn
                | Self::EndpointOrganization
                | Self::EndpointOrganizationPath
                | Self::AccessPointAccount
                | Self::AccessPointArn
        )
    }
}

impl Slot {
    pub(super) fn new(absent: Absent, values: Vec<Pattern>, control: Control) -> Self {
        Self { absent, values: Range::Texts(values), control, guard: ConditionSubject::Other, not: Vec::new() }
    }

    /// No request of his has it.
    pub(super) fn none() -> Self {
        Self::new(Absent::Always, Vec::new(), Control::ContextValue)
    }

    /// It may be there or not, with any value.
    pub(super) fn unknown() -> Self {
        Self::new(Absent::Perhaps, vec![Pattern::text("*")], Control::ContextValue)
    }

    /// Always this value; [`super::WILD`] stands for those that are not named.
    fn is(value: &str) -> Self {
        Self::new(Absent::Never, vec![Pattern::text(value)], Control::ContextValue)
    }

    fn seldom(value: &str) -> Self {
        Self { absent: Absent::Seldom, ..Self::is(value) }
    }

    /// What he likes, or nothing.
    pub(super) fn chosen(values: &[&str]) -> Self {
        Self::new(Absent::Chosen, values.iter().map(|v| Pattern::text(v)).collect(), Control::Chosen)
    }

    fn guarded(self, guard: ConditionSubject) -> Self {
        Self { guard, ..self }
    }

    fn but(self, not: impl IntoIterator<Item = Pattern>) -> Self {
        Self { not: not.into_iter().collect(), ..self }
    }
}

/// What a key, in lower case, can be for somebody.
pub(super) fn slot(key: &str, who: &Who<'_>, trial: &Trial<'_>) -> Slot {
    if let Who::Token { issuer, bearer } = who
        && let Some(slot) = issuer.slot(key, *bearer)
    {
        return slot;
    }
    let name = key.split('/').next().unwrap_or_default();
    let Some((_, sort)) = KEYS.iter().find(|(known, _)| *known == name) else { return Slot::unknown() };
    let own = trial.place.account;
    let slot = of(*sort, who, trial);
    if !sort.is_of_somebody() {
        return slot;
    }
    // Nobody else's is what belongs to the account itself; and who stands for all that are not named is none of those.
    let mut not = slot.not;
    let (account, organization) = match who {
        Who::Principal { account, organization } | Who::Service { account, organization, .. } => (*account, *organization),
        Who::Unsigned | Who::Token { .. } => ("", None),
    };
    if account.is_empty() || account == super::WILD {
        not.extend([own].into_iter().filter(|a| !a.is_empty()).flat_map(of_account));
    }
    if account == super::WILD {
        not.extend(trial.accounts.iter().flat_map(|a| of_account(a)));
    }
    if organization == Some(super::WILD_ORGANIZATION) {
        not.extend(trial.organizations.iter().flat_map(|o| [Pattern::exact(o), Pattern::text(&format!("{o}/*"))]));
    }
    Slot { not, ..slot }
}

/// An account by its id, and in an ARN.
fn of_account(id: &str) -> [Pattern; 2] {
    [Pattern::exact(id), Pattern::text(&format!("arn:*:{id}:*"))]
}

fn of(sort: Sort, who: &Who<'_>, trial: &Trial<'_>) -> Slot {
    let own = trial.place.account;
    let path = |organization: &str| Pattern::text(&format!("{organization}/*"));
    match (sort, who) {
        (Sort::Account | Sort::AccountOfEither, Who::Principal { account, .. }) => Slot::is(account),
        (Sort::AccountOfEither, Who::Service { account, .. }) => Slot::seldom(account),
        // Pages of AWS have an unsigned request without it, and with this word.
        (Sort::Account, Who::Unsigned | Who::Token { .. }) => Slot::chosen(&["anonymous"]),
        (Sort::UserId, Who::Unsigned | Who::Token { .. }) => Slot::chosen(&["anonymous"]),
        (Sort::Arn, Who::Principal { account, .. }) => {
            let forms = ["iam::{}:root", "iam::{}:user/?*", "iam::{}:role/?*", "sts::{}:federated-user/?*"];
            let forms = forms.iter().map(|f| Pattern::arn(&format!("arn:aws*:{}", f.replace("{}", account))));
            Slot::new(Absent::Never, forms.collect(), Control::Chosen)
        }
        (Sort::UserId, Who::Principal { account, .. }) => {
            // Ids of the account itself are nobody else's.
            let ids = trial.place.ids.into_iter().flatten().map(|id| Pattern::text(&format!("{id}*")));
            Slot::new(Absent::Never, vec![Pattern::text("A???????????*"), Pattern::text(account)], TAKEN).but(ids)
        }
        (Sort::UserName, Who::Principal { .. }) => Slot::chosen(&["?*"]),
        (Sort::Organization, Who::Principal { organization: Some(id), .. }) => Slot::is(id),
        (Sort::OrganizationPath, Who::Principal { organization: Some(id), .. }) => {
            Slot::new(Absent::Never, vec![path(id)], Control::Chosen)
        }
        (Sort::SourceAccount, Who::Service { account, .. }) => Slot::seldom(account),
        (Sort::SourceOrganization, Who::Service { organization: Some(id), .. }) => Slot::seldom(id),
        (Sort::SourceOrganizationPath, Who::Service { organization: Some(id), .. }) => {
            Slot::new(Absent::Seldom, vec![path(id)], Control::Chosen)
        }
        (Sort::SourceArn, Who::Service { account, .. }) => {
            // ARNs of buckets and a few other things are without an account.
            let forms = [format!("arn:aws*:*:*:{account}:?*"), "arn:aws*:*:*::?*".to_owned()];
            let others = trial.accounts.iter().map(String::as_str).chain([own]).filter(|a| !a.is_empty() && a != account);
            Slot::new(Absent::Seldom, forms.iter().map(|f| Pattern::arn(f)).collect(), Control::Taken { with_account: false })
                .but(others.flat_map(of_account))
        }
        (Sort::IsService, Who::Service { .. }) => Slot::is("true"),
        (Sort::IsService, Who::Principal { .. }) => Slot::is("false"),
        (Sort::IsService, _) => Slot::chosen(&["false"]),
        (Sort::ServiceName, Who::Service { name: Some(name), .. }) => Slot::is(name),
        (Sort::ServiceName, Who::Service { name: None, .. }) => {
            Slot::new(Absent::Never, vec![Pattern::text("?*.amazonaws.com*")], Control::Chosen)
        }
        (Sort::Type, Who::Principal { .. }) => {
            let words = ["Account", "User", "AssumedRole", "FederatedUser"];
            Slot::new(Absent::Never, words.iter().map(|w| Pattern::exact(w)).collect(), Control::Chosen)
        }
        (Sort::Type, Who::Unsigned | Who::Token { .. }) => Slot::is("Anonymous"),
        (Sort::Address, _) => {
            // Requests through an endpoint of a VPC have none, and everybody may have such an endpoint.
            let absent = if matches!(who, Who::Service { .. }) { Absent::Perhaps } else { Absent::Chosen };
            Slot { absent, values: Range::Address, control: Control::ContextValue, guard: ConditionSubject::Network, not: Vec::new() }
        }
        (Sort::Endpoint, Who::Service { .. }) => Slot::unknown().guarded(ConditionSubject::Endpoint),
        (Sort::Endpoint, _) => Slot::new(Absent::Chosen, vec![Pattern::text("vpc?*")], TAKEN).guarded(ConditionSubject::Endpoint),
        (Sort::EndpointAccount | Sort::AccessPointAccount, Who::Principal { account, .. } | Who::Service { account, .. }) => {
            Slot::chosen(&[account])
        }
        (Sort::AccessPointArn, Who::Principal { account, .. } | Who::Service { account, .. }) => {
            Slot::new(Absent::Chosen, vec![Pattern::arn(&format!("arn:aws*:s3*:*:{account}:?*"))], Control::Chosen)
        }
        (Sort::EndpointArn, Who::Principal { account, .. }) => {
            Slot::new(Absent::Chosen, vec![Pattern::arn(&format!("arn:aws*:ec2:*:{account}:vpc/?*"))], Control::Chosen)
        }
        (Sort::EndpointOrganization, Who::Principal { organization: Some(id), .. }) => Slot::chosen(&[id]),
        (Sort::EndpointOrganizationPath, Who::Principal { organization: Some(id), .. }) => {
            Slot::new(Absent::Chosen, vec![path(id)], Control::Chosen)
        }
        (Sort::EndpointAccount | Sort::AccessPointAccount, Who::Unsigned | Who::Token { .. }) => {
            // Through what any account has, save the own one.
            Slot::new(Absent::Chosen, vec![Pattern::text("????????????")], TAKEN)
        }
        (
            Sort::EndpointArn | Sort::EndpointOrganization | Sort::EndpointOrganizationPath | Sort::AccessPointArn,
            Who::Unsigned | Who::Token { .. },
        ) => Slot::new(Absent::Chosen, vec![Pattern::text("?*")], TAKEN),
        (Sort::EndpointArn | Sort::EndpointOrganization | Sort::EndpointOrganizationPath, _) => {
            Slot::new(Absent::Chosen, Vec::new(), Control::ContextValue)
        }
        (Sort::InsideVpc, _) => Slot::unknown().guarded(ConditionSubject::Endpoint),
        (Sort::Switch, _) => Slot::new(Absent::Never, vec![Pattern::exact("true"), Pattern::exact("false")], Control::Chosen),
        (Sort::Chosen, _) => Slot::chosen(&["*"]),
        (Sort::ChosenSigned, Who::Principal { .. }) => Slot::chosen(&["*"]),
        (Sort::ChosenSigned, Who::Service { .. }) => Slot::unknown(),
        (Sort::Secret, Who::Principal { .. }) => Slot::new(Absent::Chosen, vec![Pattern::text("?*")], TAKEN),
        (Sort::Time, _) => {
            let values = Range::Time(trial.place.now_s);
            Slot { absent: Absent::Never, values, control: Control::ContextValue, guard: ConditionSubject::Other, not: Vec::new() }
        }
        (Sort::UrlAuth, Who::Principal { .. }) => Slot::chosen(&["NONE", "AWS_IAM"]),
        (Sort::UrlAuth, Who::Unsigned) => Slot::chosen(&["NONE"]),
        (Sort::ViaService, Who::Principal { .. }) => Slot::chosen(&["?*.amazonaws.com*"]),
        (Sort::OwnAccount, _) if !own.is_empty() => Slot::is(own),
        (Sort::OwnOrganization, _) => {
            let id = trial.place.organization.unwrap_or(OWN_ORGANIZATION);
            Slot::new(Absent::Never, vec![Pattern::exact(id)], Control::ContextValue)
        }
        (Sort::OwnAccount, _) | (Sort::Type, Who::Service { .. }) => Slot::unknown(),
        _ => Slot::none(),
    }
}

impl Bearer {
    pub(super) fn is_stranger(self) -> bool {
        matches!(self, Self::Stranger)
    }
}
