//! Accounts and roles named in a request.

use std::borrow::Cow;
use std::collections::BTreeSet;

use memchr::memmem::find as memmem;

use super::action::is_change;
use super::shape::{is_named, leaves, text};
use super::text::{api, is_account};
use bartizan_model::limits::NAME_BYTES_MAX;
use bartizan_trail::json::JsonKind;
use bartizan_trail::{CallerIdentity, Event, Field};

/// AWS-owned accounts that anyone's requests name: publishers of layers, images and agents, and the
/// accounts from which load balancers in older regions write logs (ELB user guide, "Enable access
/// logs"; EKS, Lambda and SageMaker guides).
const OF_AWS: &[&str] = &[
    // Lambda layers: Powertools, Insights, AppConfig and secrets extensions, ADOT, SDK for pandas.
    "017000801446",
    "580247275435",
    "027255383542",
    "177933569100",
    "901920570463",
    "336392948345",
    "184161586896",
    // Container images: EKS, ECS agent, deep learning, FireLens, App Mesh, CodeBuild.
    "602401143452",
    "591542846629",
    "763104351884",
    "906394416424",
    "840364872350",
    "683313688378",
    "246618743249",
    // Machine images.
    "137112412989",
    "801119661308",
    "099720109477",
    "679593333241",
    // Load balancer access logs.
    "127311923021",
    "033677994240",
    "027434742980",
    "797873946194",
    "098369216593",
    "754344448648",
    "718504428378",
    "582318560864",
    "600734575887",
    "383597477331",
    "114774131450",
    "783225319266",
    "985666609251",
    "054676820928",
    "156460612806",
    "652711504416",
    "009996457667",
    "897822967062",
    "635631232127",
    "076674570225",
    "507241528517",
];

/// Accounts named by a mutating call, other than the caller's, the called one, and AWS's own.
pub(super) fn names_account(event: &Event<'_>, actor: &CallerIdentity) -> Vec<String> {
    let call = api(event);
    if !is_change(&call) || takes_away(&call) {
        return Vec::new();
    }
    let Some(request) = event
        .field(Field::RequestParameters)
        .filter(|r| has_account(r.raw()))
    else {
        return Vec::new();
    };
    if text(request, "operationType").is_some_and(|t| t.eq_ignore_ascii_case("remove")) {
        return Vec::new();
    }
    let called = event.text(Field::RecipientAccountId).unwrap_or_default();
    let known = |account: &str| {
        account == called || actor.account.as_deref() == Some(account) || OF_AWS.contains(&account)
    };
    let mut found = BTreeSet::new();
    leaves(request, &mut |names, value| {
        let Some(text) = value.text().filter(|t| t.len() <= NAME_BYTES_MAX) else {
            return;
        };
        if names
            .iter()
            .any(|n| n.to_ascii_lowercase().contains("remove"))
        {
            return;
        }
        // Twelve digits are an account only if the field name says so; sizes have as many.
        let says = || names.last().is_some_and(|n| says_account(n));
        let account = account_in(&text)
            .filter(|account| *account != &*text || value.kind() == JsonKind::String || says());
        found.extend(account.filter(|account| !known(account)).map(str::to_owned));
    });
    found.into_iter().collect()
}

/// Whether the request can contain a role.
fn names_role(raw: &[u8]) -> bool {
    memmem(raw, b":iam:").is_some() || memmem(raw, b"nstanceProfile").is_some()
}

/// Whether the request contains twelve digits in a row; without them there is no account.
fn has_account(raw: &[u8]) -> bool {
    raw.split(|b| !b.is_ascii_digit())
        .any(|digits| digits.len() == 12)
}

/// Whether a call only removes access or resources.
fn takes_away(call: &str) -> bool {
    let name = call.split_once(':').map_or(call, |(_, name)| name);
    [
        "Delete",
        "Remove",
        "Revoke",
        "Disassociate",
        "Detach",
        "Deregister",
        "Deauthorize",
        "Reject",
        "Cancel",
        "Terminate",
    ]
    .iter()
    .any(|verb| name.starts_with(verb))
}

fn says_account(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["account", "owner", "principal", "userid"]
        .iter()
        .any(|word| lower.contains(word))
}

/// Account in a name: the text itself, the account of an ARN, a registry host, or the path of a
/// queue. Twelve digits elsewhere are ignored.
fn account_in(text: &str) -> Option<&str> {
    if is_account(text) {
        return Some(text);
    }
    if text.starts_with("arn:") {
        return text.split(':').nth(4).filter(|a| is_account(a));
    }
    if let Some((account, host)) = text.split_once(".dkr.ecr.") {
        return Some(account).filter(|a| is_account(a) && host.contains(".amazonaws.com"));
    }
    let (host, path) = text.strip_prefix("https://")?.split_once('/')?;
    let account = path.split('/').next()?;
    (host.starts_with("sqs.") || host.contains(".queue."))
        .then_some(account)
        .filter(|a| is_account(a))
}

/// Members that name a role as a principal to let in, rather than as a role to run with.
const PRINCIPALS: &[&str] = &[
    "principal",
    "principalArn",
    "granteePrincipal",
    "dataLakePrincipalIdentifier",
    "principals",
    "principalId",
    "resourceArn",
];

/// Roles and instance profiles of the called account that a mutating call passes to a service.
pub(super) fn role_passed(event: &Event<'_>) -> Vec<String> {
    let call = api(event);
    if !may_pass_role(&call) {
        return Vec::new();
    }
    let Some(request) = event
        .field(Field::RequestParameters)
        .filter(|r| names_role(r.raw()))
    else {
        return Vec::new();
    };
    let called = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = BTreeSet::new();
    leaves(request, &mut |names, value| {
        let Some(text) = value.text().filter(|t| t.len() <= NAME_BYTES_MAX) else {
            return;
        };
        let name = |back: usize| {
            names
                .iter()
                .rev()
                .nth(back)
                .map_or("", |n: &Cow<'_, str>| n)
        };
        if PRINCIPALS.iter().any(|p| is_named(name(0).as_bytes(), p)) {
            return;
        }
        if is_named(name(1).as_bytes(), "iamInstanceProfile")
            && name(0).eq_ignore_ascii_case("name")
        {
            found.insert(format!("instance-profile/{text}"));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        if let ["arn", _, "iam", "", account, role] = parts[..]
            && account == called
            && (role.starts_with("role/") || role.starts_with("instance-profile/"))
            && !role.starts_with("role/aws-service-role/")
        {
            found.insert(text.into_owned());
        }
    });
    found.into_iter().collect()
}

/// Whether a call may pass a role to a service: calls of IAM and STS are about roles themselves.
pub(super) fn may_pass_role(call: &str) -> bool {
    is_change(call) && !call.starts_with("iam:") && !call.starts_with("sts:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_stand_in_names() {
        for (text, account) in [
            ("999988887777", Some("999988887777")),
            (
                "arn:aws:s3:us-east-1:999988887777:accesspoint/x",
                Some("999988887777"),
            ),
            (
                "999988887777.dkr.ecr.us-east-1.amazonaws.com/x:latest",
                Some("999988887777"),
            ),
            (
                "https://sqs.us-east-1.amazonaws.com/999988887777/q",
                Some("999988887777"),
            ),
            ("arn:aws:s3:::b", None),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", None),
            ("vol-0999988887777abcd", None),
            ("9999888877771", None),
            ("https://example.com/999988887777/q", None),
        ] {
            assert_eq!(account_in(text), account, "{text}");
        }
    }
}
