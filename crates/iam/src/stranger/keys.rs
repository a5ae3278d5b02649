//! Possibilities of each condition key for an external requester: presence, values, and who decides
//! them.
//!
//! Sources: IAM user guide, "AWS global condition context keys" (the *Availability* of each);
//! service authorization reference for keys of services; KMS developer guide, "Condition keys for
//! AWS KMS" (`kms:CallerAccount` is the account of the caller, `kms:ViaService` is there when a
//! service passes the call on).

use super::model::ConditionSubject;
use super::possibilities::{KeyAbsence, KeyPossibilities, ValueControl, ValueRange};
use super::requester::{
    ExternalRequester, NamedParties, OWN_ORGANIZATION, WILD, WILD_ORGANIZATION,
};
use crate::pattern::Pattern;

/// Meaning of a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyMeaning {
    /// The account of a principal.
    Account,
    /// Of a principal, and of whom a service acts for (`aws:SourceOwner` in default policies of SNS
    /// topics).
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
    /// Address of the requester on the internet.
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
    /// Present in every request: true or false, as the requester chooses.
    Switch,
    /// Sent or not, with any value, as the requester chooses.
    Chosen,
    /// Likewise, in signed requests only.
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

const TAKEN: ValueControl = ValueControl::Taken { with_account: true };

/// Keys by name in lower case, up to a slash. What is not here may be anything.
const KEYS: &[(&str, KeyMeaning)] = &[
    ("aws:principalaccount", KeyMeaning::Account),
    ("kms:calleraccount", KeyMeaning::Account),
    ("aws:sourceowner", KeyMeaning::AccountOfEither),
    ("aws:principalarn", KeyMeaning::Arn),
    ("aws:userid", KeyMeaning::UserId),
    ("aws:username", KeyMeaning::UserName),
    ("aws:principalorgid", KeyMeaning::Organization),
    ("aws:principalorgpaths", KeyMeaning::OrganizationPath),
    ("aws:sourceaccount", KeyMeaning::SourceAccount),
    ("aws:sourcearn", KeyMeaning::SourceArn),
    ("aws:sourceorgid", KeyMeaning::SourceOrganization),
    ("aws:sourceorgpaths", KeyMeaning::SourceOrganizationPath),
    ("aws:principalisawsservice", KeyMeaning::IsService),
    ("aws:principalservicename", KeyMeaning::ServiceName),
    ("aws:principaltype", KeyMeaning::Type),
    ("aws:sourceip", KeyMeaning::Address),
    ("aws:sourcevpc", KeyMeaning::Endpoint),
    ("aws:sourcevpce", KeyMeaning::Endpoint),
    ("aws:sourcevpcarn", KeyMeaning::EndpointArn),
    ("aws:vpceaccount", KeyMeaning::EndpointAccount),
    ("aws:vpceorgid", KeyMeaning::EndpointOrganization),
    ("aws:vpceorgpaths", KeyMeaning::EndpointOrganizationPath),
    ("s3:dataaccesspointaccount", KeyMeaning::AccessPointAccount),
    ("s3:dataaccesspointarn", KeyMeaning::AccessPointArn),
    (
        "elasticfilesystem:accessedviamounttarget",
        KeyMeaning::InsideVpc,
    ),
    ("aws:securetransport", KeyMeaning::Switch),
    ("aws:currenttime", KeyMeaning::Time),
    ("aws:epochtime", KeyMeaning::Time),
    // An address within a VPC of the requester.
    ("aws:vpcsourceip", KeyMeaning::Chosen),
    ("aws:useragent", KeyMeaning::Chosen),
    ("aws:referer", KeyMeaning::Chosen),
    ("aws:requesttag", KeyMeaning::Chosen),
    ("aws:tagkeys", KeyMeaning::Chosen),
    ("s3:prefix", KeyMeaning::Chosen),
    ("s3:delimiter", KeyMeaning::Chosen),
    ("s3:max-keys", KeyMeaning::Chosen),
    ("s3:versionid", KeyMeaning::Chosen),
    ("s3:x-amz-acl", KeyMeaning::Chosen),
    ("s3:x-amz-content-sha256", KeyMeaning::Chosen),
    ("s3:x-amz-storage-class", KeyMeaning::Chosen),
    ("s3:x-amz-server-side-encryption", KeyMeaning::Chosen),
    ("s3:tlsversion", KeyMeaning::Chosen),
    ("sns:protocol", KeyMeaning::Chosen),
    ("lambda:invokedviafunctionurl", KeyMeaning::Chosen),
    ("sts:rolesessionname", KeyMeaning::Chosen),
    ("sts:sourceidentity", KeyMeaning::Chosen),
    ("sts:transitivetagkeys", KeyMeaning::Chosen),
    ("aws:principaltag", KeyMeaning::ChosenSigned),
    ("aws:multifactorauthpresent", KeyMeaning::ChosenSigned),
    ("aws:multifactorauthage", KeyMeaning::ChosenSigned),
    ("aws:tokenissuetime", KeyMeaning::ChosenSigned),
    ("aws:federatedprovider", KeyMeaning::ChosenSigned),
    ("aws:viaawsservice", KeyMeaning::ChosenSigned),
    ("aws:calledvia", KeyMeaning::ChosenSigned),
    ("aws:calledviafirst", KeyMeaning::ChosenSigned),
    ("aws:calledvialast", KeyMeaning::ChosenSigned),
    ("s3:authtype", KeyMeaning::ChosenSigned),
    ("s3:signatureversion", KeyMeaning::ChosenSigned),
    ("s3:signatureage", KeyMeaning::ChosenSigned),
    ("sts:externalid", KeyMeaning::Secret),
    ("lambda:functionurlauthtype", KeyMeaning::UrlAuth),
    ("kms:viaservice", KeyMeaning::ViaService),
    ("aws:resourceaccount", KeyMeaning::OwnAccount),
    ("s3:resourceaccount", KeyMeaning::OwnAccount),
    ("aws:resourceorgid", KeyMeaning::OwnOrganization),
];

impl KeyMeaning {
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

/// Possibilities of a key, in lower case, for a requester.
pub(super) fn slot(
    key: &str,
    who: &ExternalRequester<'_>,
    parties: &NamedParties<'_>,
) -> KeyPossibilities {
    if let ExternalRequester::Token { issuer, bearer } = who
        && let Some(slot) = issuer.slot(key, *bearer)
    {
        return slot;
    }
    let name = key.split('/').next().unwrap_or_default();
    let Some((_, sort)) = KEYS.iter().find(|(known, _)| *known == name) else {
        return KeyPossibilities::unknown();
    };
    let own = parties.place.account;
    let slot = of(*sort, who, parties);
    if !sort.is_of_somebody() {
        return slot;
    }
    // Values of the account itself are nobody else's; and a requester who stands for all that are
    // not named is none of those.
    let mut not = slot.not;
    let (account, organization) = match who {
        ExternalRequester::Principal {
            account,
            organization,
        }
        | ExternalRequester::Service {
            account,
            organization,
            ..
        } => (*account, *organization),
        ExternalRequester::Unsigned | ExternalRequester::Token { .. } => ("", None),
    };
    if account.is_empty() || account == WILD {
        not.extend(
            [own]
                .into_iter()
                .filter(|a| !a.is_empty())
                .flat_map(of_account),
        );
    }
    if account == WILD {
        not.extend(parties.accounts.iter().flat_map(|a| of_account(a)));
    }
    if organization == Some(WILD_ORGANIZATION) {
        not.extend(
            parties
                .organizations
                .iter()
                .flat_map(|o| [Pattern::exact(o), Pattern::text(&format!("{o}/*"))]),
        );
    }
    KeyPossibilities { not, ..slot }
}

/// An account by its id, and in an ARN.
fn of_account(id: &str) -> [Pattern; 2] {
    [Pattern::exact(id), Pattern::text(&format!("arn:*:{id}:*"))]
}

fn of(
    sort: KeyMeaning,
    who: &ExternalRequester<'_>,
    parties: &NamedParties<'_>,
) -> KeyPossibilities {
    let own = parties.place.account;
    let path = |organization: &str| Pattern::text(&format!("{organization}/*"));
    match (sort, who) {
        (
            KeyMeaning::Account | KeyMeaning::AccountOfEither,
            ExternalRequester::Principal { account, .. },
        ) => KeyPossibilities::is(account),
        (KeyMeaning::AccountOfEither, ExternalRequester::Service { account, .. }) => {
            KeyPossibilities::seldom(account)
        }
        // Pages of AWS have an unsigned request without it, and with this word.
        (KeyMeaning::Account, ExternalRequester::Unsigned | ExternalRequester::Token { .. }) => {
            KeyPossibilities::chosen(&["anonymous"])
        }
        (KeyMeaning::UserId, ExternalRequester::Unsigned | ExternalRequester::Token { .. }) => {
            KeyPossibilities::chosen(&["anonymous"])
        }
        (KeyMeaning::Arn, ExternalRequester::Principal { account, .. }) => {
            let forms = [
                "iam::{}:root",
                "iam::{}:user/?*",
                "iam::{}:role/?*",
                "sts::{}:federated-user/?*",
            ];
            let forms = forms
                .iter()
                .map(|f| Pattern::arn(&format!("arn:aws*:{}", f.replace("{}", account))));
            KeyPossibilities::new(KeyAbsence::Never, forms.collect(), ValueControl::Chosen)
        }
        (KeyMeaning::UserId, ExternalRequester::Principal { account, .. }) => {
            // Ids of the account itself are nobody else's.
            let ids = parties
                .place
                .ids
                .into_iter()
                .flatten()
                .map(|id| Pattern::text(&format!("{id}*")));
            KeyPossibilities::new(
                KeyAbsence::Never,
                vec![Pattern::text("A???????????*"), Pattern::text(account)],
                TAKEN,
            )
            .but(ids)
        }
        (KeyMeaning::UserName, ExternalRequester::Principal { .. }) => {
            KeyPossibilities::chosen(&["?*"])
        }
        (
            KeyMeaning::Organization,
            ExternalRequester::Principal {
                organization: Some(id),
                ..
            },
        ) => KeyPossibilities::is(id),
        (
            KeyMeaning::OrganizationPath,
            ExternalRequester::Principal {
                organization: Some(id),
                ..
            },
        ) => KeyPossibilities::new(KeyAbsence::Never, vec![path(id)], ValueControl::Chosen),
        (KeyMeaning::SourceAccount, ExternalRequester::Service { account, .. }) => {
            KeyPossibilities::seldom(account)
        }
        (
            KeyMeaning::SourceOrganization,
            ExternalRequester::Service {
                organization: Some(id),
                ..
            },
        ) => KeyPossibilities::seldom(id),
        (
            KeyMeaning::SourceOrganizationPath,
            ExternalRequester::Service {
                organization: Some(id),
                ..
            },
        ) => KeyPossibilities::new(KeyAbsence::Seldom, vec![path(id)], ValueControl::Chosen),
        (KeyMeaning::SourceArn, ExternalRequester::Service { account, .. }) => {
            // ARNs of buckets and a few other things are without an account.
            let forms = [
                format!("arn:aws*:*:*:{account}:?*"),
                "arn:aws*:*:*::?*".to_owned(),
            ];
            let others = parties
                .accounts
                .iter()
                .map(String::as_str)
                .chain([own])
                .filter(|a| !a.is_empty() && a != account);
            KeyPossibilities::new(
                KeyAbsence::Seldom,
                forms.iter().map(|f| Pattern::arn(f)).collect(),
                ValueControl::Taken {
                    with_account: false,
                },
            )
            .but(others.flat_map(of_account))
        }
        (KeyMeaning::IsService, ExternalRequester::Service { .. }) => KeyPossibilities::is("true"),
        (KeyMeaning::IsService, ExternalRequester::Principal { .. }) => {
            KeyPossibilities::is("false")
        }
        (KeyMeaning::IsService, _) => KeyPossibilities::chosen(&["false"]),
        (
            KeyMeaning::ServiceName,
            ExternalRequester::Service {
                name: Some(name), ..
            },
        ) => KeyPossibilities::is(name),
        (KeyMeaning::ServiceName, ExternalRequester::Service { name: None, .. }) => {
            KeyPossibilities::new(
                KeyAbsence::Never,
                vec![Pattern::text("?*.amazonaws.com*")],
                ValueControl::Chosen,
            )
        }
        (KeyMeaning::Type, ExternalRequester::Principal { .. }) => {
            let words = ["Account", "User", "AssumedRole", "FederatedUser"];
            KeyPossibilities::new(
                KeyAbsence::Never,
                words.iter().map(|w| Pattern::exact(w)).collect(),
                ValueControl::Chosen,
            )
        }
        (KeyMeaning::Type, ExternalRequester::Unsigned | ExternalRequester::Token { .. }) => {
            KeyPossibilities::is("Anonymous")
        }
        (KeyMeaning::Address, _) => {
            // Requests through an endpoint of a VPC have none, and everybody may have such an
            // endpoint.
            let absent = if matches!(who, ExternalRequester::Service { .. }) {
                KeyAbsence::Perhaps
            } else {
                KeyAbsence::Chosen
            };
            KeyPossibilities {
                absent,
                values: ValueRange::Address,
                control: ValueControl::ContextValue,
                guard: ConditionSubject::Network,
                not: Vec::new(),
            }
        }
        (KeyMeaning::Endpoint, ExternalRequester::Service { .. }) => {
            KeyPossibilities::unknown().guarded(ConditionSubject::Endpoint)
        }
        (KeyMeaning::Endpoint, _) => {
            KeyPossibilities::new(KeyAbsence::Chosen, vec![Pattern::text("vpc?*")], TAKEN)
                .guarded(ConditionSubject::Endpoint)
        }
        (
            KeyMeaning::EndpointAccount | KeyMeaning::AccessPointAccount,
            ExternalRequester::Principal { account, .. }
            | ExternalRequester::Service { account, .. },
        ) => KeyPossibilities::chosen(&[account]),
        (
            KeyMeaning::AccessPointArn,
            ExternalRequester::Principal { account, .. }
            | ExternalRequester::Service { account, .. },
        ) => KeyPossibilities::new(
            KeyAbsence::Chosen,
            vec![Pattern::arn(&format!("arn:aws*:s3*:*:{account}:?*"))],
            ValueControl::Chosen,
        ),
        (KeyMeaning::EndpointArn, ExternalRequester::Principal { account, .. }) => {
            KeyPossibilities::new(
                KeyAbsence::Chosen,
                vec![Pattern::arn(&format!("arn:aws*:ec2:*:{account}:vpc/?*"))],
                ValueControl::Chosen,
            )
        }
        (
            KeyMeaning::EndpointOrganization,
            ExternalRequester::Principal {
                organization: Some(id),
                ..
            },
        ) => KeyPossibilities::chosen(&[id]),
        (
            KeyMeaning::EndpointOrganizationPath,
            ExternalRequester::Principal {
                organization: Some(id),
                ..
            },
        ) => KeyPossibilities::new(KeyAbsence::Chosen, vec![path(id)], ValueControl::Chosen),
        (
            KeyMeaning::EndpointAccount | KeyMeaning::AccessPointAccount,
            ExternalRequester::Unsigned | ExternalRequester::Token { .. },
        ) => {
            // Through what any account has, save the own one.
            KeyPossibilities::new(
                KeyAbsence::Chosen,
                vec![Pattern::text("????????????")],
                TAKEN,
            )
        }
        (
            KeyMeaning::EndpointArn
            | KeyMeaning::EndpointOrganization
            | KeyMeaning::EndpointOrganizationPath
            | KeyMeaning::AccessPointArn,
            ExternalRequester::Unsigned | ExternalRequester::Token { .. },
        ) => KeyPossibilities::new(KeyAbsence::Chosen, vec![Pattern::text("?*")], TAKEN),
        (
            KeyMeaning::EndpointArn
            | KeyMeaning::EndpointOrganization
            | KeyMeaning::EndpointOrganizationPath,
            _,
        ) => KeyPossibilities::new(KeyAbsence::Chosen, Vec::new(), ValueControl::ContextValue),
        (KeyMeaning::InsideVpc, _) => {
            KeyPossibilities::unknown().guarded(ConditionSubject::Endpoint)
        }
        (KeyMeaning::Switch, _) => KeyPossibilities::new(
            KeyAbsence::Never,
            vec![Pattern::exact("true"), Pattern::exact("false")],
            ValueControl::Chosen,
        ),
        (KeyMeaning::Chosen, _) => KeyPossibilities::chosen(&["*"]),
        (KeyMeaning::ChosenSigned, ExternalRequester::Principal { .. }) => {
            KeyPossibilities::chosen(&["*"])
        }
        (KeyMeaning::ChosenSigned, ExternalRequester::Service { .. }) => {
            KeyPossibilities::unknown()
        }
        (KeyMeaning::Secret, ExternalRequester::Principal { .. }) => {
            KeyPossibilities::new(KeyAbsence::Chosen, vec![Pattern::text("?*")], TAKEN)
        }
        (KeyMeaning::Time, _) => {
            let values = ValueRange::Time(parties.place.now_s);
            KeyPossibilities {
                absent: KeyAbsence::Never,
                values,
                control: ValueControl::ContextValue,
                guard: ConditionSubject::Other,
                not: Vec::new(),
            }
        }
        (KeyMeaning::UrlAuth, ExternalRequester::Principal { .. }) => {
            KeyPossibilities::chosen(&["NONE", "AWS_IAM"])
        }
        (KeyMeaning::UrlAuth, ExternalRequester::Unsigned) => KeyPossibilities::chosen(&["NONE"]),
        (KeyMeaning::ViaService, ExternalRequester::Principal { .. }) => {
            KeyPossibilities::chosen(&["?*.amazonaws.com*"])
        }
        (KeyMeaning::OwnAccount, _) if !own.is_empty() => KeyPossibilities::is(own),
        (KeyMeaning::OwnOrganization, _) => {
            let id = parties.place.organization.unwrap_or(OWN_ORGANIZATION);
            KeyPossibilities::new(
                KeyAbsence::Never,
                vec![Pattern::exact(id)],
                ValueControl::ContextValue,
            )
        }
        (KeyMeaning::OwnAccount, _) | (KeyMeaning::Type, ExternalRequester::Service { .. }) => {
            KeyPossibilities::unknown()
        }
        _ => KeyPossibilities::none(),
    }
}
