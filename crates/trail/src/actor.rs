//! Caller of a record: `userIdentity` of every type (CloudTrail user guide, "userIdentity
//! element").

use serde::{Deserialize, Serialize};

use super::behalf;
use super::event::{Event, Field};
use super::json::JsonValue;
use bartizan_model::limits::IDENTITY_TEXT_BYTES_MAX;

/// Caller of a record, with its session and the service that it acted through.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallerIdentity {
    /// `userIdentity.type`, or `Unknown` if the record has none.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable key of the actor: ARN of a user or role, or name of a service. Includes the session
    /// name only where the session's owner cannot choose it (IAM Identity Center).
    pub key: String,
    /// Short name, e.g. `user alice`, `role build`, `root`.
    pub name: String,
    /// `userIdentity.arn`.
    pub arn: Option<String>,
    /// Account of the identity, which may differ from the called account.
    pub account: Option<String>,
    /// Access key id, e.g. `AKIAIOSFODNN7EXAMPLE`.
    pub access_key_id: Option<String>,
    /// Name of the role session.
    pub session: Option<String>,
    /// Origin of the session: a role, a federation provider, or a user of IAM Identity Center.
    pub through: Option<String>,
    /// `sourceIdentity`: a name that persists through role chaining. The requester of the session
    /// may choose it, unless the trust policy requires one.
    pub source_identity: Option<String>,
    /// Service through which the call was made, e.g. `cloudformation.amazonaws.com`,
    /// `signin.amazonaws.com`.
    pub invoked_by: Option<String>,
    /// Whether the session was authenticated with MFA, if the record says so.
    pub mfa: Option<bool>,
    /// Principal or AWS service, by the identity alone. [`CallerIdentity::caller_of`] also
    /// considers the call.
    pub caller: CallerType,
}

/// Kind of caller: a principal, or an AWS service on its own behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallerType {
    /// Person, program or another account.
    Principal,
    /// AWS service.
    Service,
}

impl CallerIdentity {
    /// Caller of a record. If the identity names no account (SAML users), the called account is
    /// used.
    pub fn of_event(event: &Event<'_>) -> Self {
        let here = event.text(Field::RecipientAccountId);
        Self::read(
            event.field(Field::UserIdentity),
            here.as_deref().filter(|a| !a.is_empty()),
        )
    }

    /// Whether the principal made this call, or AWS on its own behalf with the principal's
    /// credentials.
    pub fn caller_of(&self, event: &Event<'_>) -> CallerType {
        let Some(service) = self
            .invoked_by
            .as_deref()
            .filter(|_| self.caller == CallerType::Principal)
        else {
            return self.caller;
        };
        let text = |field| event.text(field).unwrap_or_default();
        let by_itself =
            behalf::is_by_itself(service, &text(Field::EventSource), &text(Field::EventName));
        if by_itself {
            CallerType::Service
        } else {
            CallerType::Principal
        }
    }

    /// Parses `userIdentity`; a missing one gives an actor of type `Unknown`.
    pub fn of(identity: Option<JsonValue<'_>>) -> Self {
        Self::read(identity, None)
    }

    fn read(identity: Option<JsonValue<'_>>, called: Option<&str>) -> Self {
        let field = |path: &[&str]| {
            let value = path.iter().try_fold(identity?, |v, name| v.get(name))?;
            value.text().map(|t| cut(&t)).filter(|t| !t.is_empty())
        };
        let kind = field(&["type"]).unwrap_or_else(|| "Unknown".to_owned());
        let kind = match field(&["sessionContext", "assumedRoot"]) {
            Some(assumed) if kind == "Root" && assumed.eq_ignore_ascii_case("true") => {
                // Root session that the management account assumed for a task (CloudTrail user
                // guide, "userIdentity": `assumedRoot`).
                "AssumedRoot".to_owned()
            }
            _ => kind,
        };
        let arn = field(&["arn"]);
        let account = field(&["accountId"])
            .or_else(|| arn.as_deref().and_then(account_of).map(str::to_owned));
        // Accounts of others and AWS services are never the called account.
        let called = called.filter(|_| {
            !matches!(kind.as_str(), "AWSAccount" | "AWSService") && identity.is_some()
        });
        let account = account.or_else(|| called.map(str::to_owned));
        let issuer = field(&["sessionContext", "sessionIssuer", "arn"]);
        let invoked_by = field(&["invokedBy"]);
        let provider = field(&["identityProvider"])
            .or_else(|| field(&["sessionContext", "webIdFederationData", "federatedProvider"]));
        let person = field(&["onBehalfOf", "userId"]);
        let last = arn.as_deref().and_then(|a| a.rsplit_once('/'));
        let last = last.map(|(_, name)| name.to_owned());
        let is_session = matches!(kind.as_str(), "AssumedRole" | "FederatedUser");
        let session = last.clone().filter(|_| is_session);
        let user = field(&["userName"]).or(last);
        let somebody = user
            .clone()
            .or_else(|| field(&["principalId"]))
            .unwrap_or_else(|| "?".to_owned());
        let names = NameParts {
            kind: &kind,
            arn: &arn,
            here: account.as_deref().unwrap_or("?"),
            somebody,
            principal: field(&["principalId"]),
            issuer: &issuer,
            session: &session,
            provider: &provider,
            person: &person,
            invoked_by: &invoked_by,
        };
        let (key, name) = names.key_and_name();
        let linked = is_service_linked(issuer.as_deref().or(arn.as_deref()));
        let named = arn.is_some()
            || user.is_some()
            || field(&["principalId"]).is_some()
            || field(&["accessKeyId"]).is_some();
        let itself = kind == "AWSService" || linked || invoked_by.is_some() && !named;
        Self {
            caller: if itself {
                CallerType::Service
            } else {
                CallerType::Principal
            },
            through: person
                .filter(|_| kind != "IdentityCenterUser")
                .or(issuer)
                .or(provider),
            access_key_id: field(&["accessKeyId"]),
            source_identity: field(&["sessionContext", "sourceIdentity"]),
            mfa: field(&["sessionContext", "attributes", "mfaAuthenticated"]).map(|t| t == "true"),
            kind,
            key,
            name,
            arn,
            account,
            session,
            invoked_by,
        }
    }
}

/// Fields of `userIdentity` that name the caller.
struct NameParts<'a> {
    kind: &'a str,
    arn: &'a Option<String>,
    /// Account, or `?`.
    here: &'a str,
    /// User name or principal id, or `?`.
    somebody: String,
    principal: Option<String>,
    /// ARN of the role that issued the session.
    issuer: &'a Option<String>,
    session: &'a Option<String>,
    provider: &'a Option<String>,
    person: &'a Option<String>,
    invoked_by: &'a Option<String>,
}

impl NameParts<'_> {
    /// [`CallerIdentity::key`] and [`CallerIdentity::name`].
    fn key_and_name(self) -> (String, String) {
        let Self {
            kind,
            arn,
            here,
            somebody,
            principal,
            issuer,
            session,
            provider,
            person,
            invoked_by,
        } = self;
        match kind {
            "Root" => (format!("arn:aws:iam::{here}:root"), "root".to_owned()),
            "AssumedRoot" => (
                format!("assumed-root:{here}"),
                format!("borrowed root session in account {here}"),
            ),
            "IAMUser" => (
                arn.clone()
                    .unwrap_or_else(|| format!("arn:aws:iam::{here}:user/{somebody}")),
                format!("user {somebody}"),
            ),
            "AssumedRole" | "Role" => {
                let role = issuer
                    .clone()
                    .or_else(|| arn.as_deref().and_then(role_of_session))
                    .or_else(|| arn.clone());
                let role = role.unwrap_or_else(|| format!("arn:aws:iam::{here}:role/{somebody}"));
                role_key_and_name(role, session.as_deref())
            }
            "FederatedUser" => (
                arn.clone().unwrap_or_else(|| somebody.clone()),
                format!("federated user {}", session.as_deref().unwrap_or(&somebody)),
            ),
            "WebIdentityUser" | "SAMLUser" => {
                let provider = provider.as_deref().unwrap_or("?");
                // Records have the provider's ARN; users know it by its host name.
                let known = provider
                    .rsplit_once("-provider/")
                    .map_or(provider, |(_, name)| name);
                (
                    format!("{provider}/{somebody}"),
                    format!("{somebody} of {known}"),
                )
            }
            "IdentityCenterUser" => {
                let person = person.as_deref().unwrap_or(&somebody);
                (
                    format!("identity-center:{person}"),
                    format!("Identity Center user {person}"),
                )
            }
            "AWSService" => {
                let service = invoked_by.clone().unwrap_or(somebody);
                (service.clone(), service)
            }
            "AWSAccount" => (
                format!("account:{here}:{}", principal.unwrap_or_default()),
                format!("account {here}"),
            ),
            _ => match &invoked_by {
                Some(service) => (service.clone(), service.clone()),
                None => (
                    format!("{kind}:{here}:{somebody}"),
                    if somebody == "?" {
                        "unknown".to_owned()
                    } else {
                        somebody
                    },
                ),
            },
        }
    }
}

/// Key and name of a role session: the owner of an IAM Identity Center session cannot choose its
/// name, so that it is part of both.
fn role_key_and_name(role: String, session: Option<&str>) -> (String, String) {
    let short = role.rsplit('/').next().unwrap_or(&role).to_owned();
    match session {
        Some(session) if short.starts_with("AWSReservedSSO_") => {
            (format!("{role}/{session}"), format!("{session} as {short}"))
        }
        _ => (role, format!("role {short}")),
    }
}

/// Whether a role is linked to a service: only AWS creates roles below this path, and only that
/// service can use them.
fn is_service_linked(arn: Option<&str>) -> bool {
    arn.is_some_and(|arn| arn.contains(":role/aws-service-role/"))
}

/// Account id in an ARN.
fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|a| !a.is_empty())
}

/// `arn:aws:iam::1:role/build` for `arn:aws:sts::1:assumed-role/build/session`; the role's path is
/// not included.
fn role_of_session(arn: &str) -> Option<String> {
    let (prefix, rest) = arn.split_once(":assumed-role/")?;
    let role = rest.split('/').next()?;
    Some(format!(
        "{}:role/{role}",
        prefix.replacen(":sts:", ":iam:", 1)
    ))
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(IDENTITY_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(json: &str) -> CallerIdentity {
        CallerIdentity::of(JsonValue::new(json.as_bytes(), 0))
    }

    #[test]
    fn every_kind_has_a_key_that_lasts() {
        // Shapes of the user guide's examples, with the fields that distinguish actors.
        for (json, key, name, caller) in [
            (
                r#"{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"}"#,
                "arn:aws:iam::111122223333:root",
                "root",
                CallerType::Principal,
            ),
            (
                r#"{"type":"Root","arn":"arn:aws:iam::1:root","accountId":"1","accessKeyId":"ASIA","sessionContext":{"assumedRoot":"true"}}"#,
                "assumed-root:1",
                "borrowed root session in account 1",
                CallerType::Principal,
            ),
            (
                r#"{"type":"IAMUser","arn":"arn:aws:iam::1:user/x/alice","accountId":"1","accessKeyId":"AKIA","userName":"alice"}"#,
                "arn:aws:iam::1:user/x/alice",
                "user alice",
                CallerType::Principal,
            ),
            (
                r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/build/s1","accountId":"1","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/ci/build"}}}"#,
                "arn:aws:iam::1:role/ci/build",
                "role build",
                CallerType::Principal,
            ),
            (
                r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/build/s1"}"#,
                "arn:aws:iam::1:role/build",
                "role build",
                CallerType::Principal,
            ),
            (
                r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_0a/al@x.org","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0a"}}}"#,
                "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0a/al@x.org",
                "al@x.org as AWSReservedSSO_Admin_0a",
                CallerType::Principal,
            ),
            (
                r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/AWSServiceRoleForRDS/x","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"}}}"#,
                "arn:aws:iam::1:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",
                "role AWSServiceRoleForRDS",
                CallerType::Service,
            ),
            (
                r#"{"type":"Role","arn":"arn:aws:iam::1:role/r"}"#,
                "arn:aws:iam::1:role/r",
                "role r",
                CallerType::Principal,
            ),
            (
                r#"{"type":"FederatedUser","arn":"arn:aws:sts::1:federated-user/fed","sessionContext":{"sessionIssuer":{"type":"IAMUser","arn":"arn:aws:iam::1:user/alice"}}}"#,
                "arn:aws:sts::1:federated-user/fed",
                "federated user fed",
                CallerType::Principal,
            ),
            (
                r#"{"type":"Directory","accountId":"1","userName":"dan"}"#,
                "Directory:1:dan",
                "dan",
                CallerType::Principal,
            ),
            (
                r#"{"type":"AWSAccount","accountId":"2","principalId":"AROAX:s"}"#,
                "account:2:AROAX:s",
                "account 2",
                CallerType::Principal,
            ),
            (
                r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#,
                "ec2.amazonaws.com",
                "ec2.amazonaws.com",
                CallerType::Service,
            ),
            (
                r#"{"type":"IdentityCenterUser","accountId":"1","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:x"},"credentialId":"c"}"#,
                "identity-center:u-1",
                "Identity Center user u-1",
                CallerType::Principal,
            ),
            (
                r#"{"type":"WebIdentityUser","principalId":"p","userName":"repo:o/r:ref","identityProvider":"token.actions.githubusercontent.com"}"#,
                "token.actions.githubusercontent.com/repo:o/r:ref",
                "repo:o/r:ref of token.actions.githubusercontent.com",
                CallerType::Principal,
            ),
            (
                r#"{"type":"SAMLUser","userName":"bob","identityProvider":"idp"}"#,
                "idp/bob",
                "bob of idp",
                CallerType::Principal,
            ),
            (
                r#"{"accountId":"1","invokedBy":"secretsmanager.amazonaws.com"}"#,
                "secretsmanager.amazonaws.com",
                "secretsmanager.amazonaws.com",
                CallerType::Service,
            ),
            (
                r#"{"type":"IAMUser","arn":"arn:aws:iam::1:user/alice","userName":"alice","invokedBy":"AWS Internal"}"#,
                "arn:aws:iam::1:user/alice",
                "user alice",
                CallerType::Principal,
            ),
            (
                r#"{"type":"IAMUser","arn":"arn:aws:iam::1:user/alice","userName":"alice","invokedBy":"cloudformation.amazonaws.com"}"#,
                "arn:aws:iam::1:user/alice",
                "user alice",
                CallerType::Principal,
            ),
            ("{}", "Unknown:?:?", "unknown", CallerType::Principal),
            ("null", "Unknown:?:?", "unknown", CallerType::Principal),
        ] {
            let actor = actor(json);
            assert_eq!(
                (actor.key.as_str(), actor.name.as_str(), actor.caller),
                (key, name, caller),
                "{json}"
            );
        }
        assert_eq!(CallerIdentity::of(None).kind, "Unknown");
    }
}
