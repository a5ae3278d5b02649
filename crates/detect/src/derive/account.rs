//! Accounts and roles that a request names.

use std::borrow::Cow;
use std::collections::BTreeSet;

use memchr::memmem::find as memmem;

use super::action::is_change;
use super::shape::{is_named, leaves, text};
use super::text::{api, is_account};
use bartizan_trail::json::JsonKind;
use bartizan_trail::{CallerIdentity, Event, Field};

/// Accounts of AWS that requests of everybody name: publishers of layers, images and agents, and
/// those to which load balancers of older regions write their logs from (ELB user guide, "Enable
/// access logs"; EKS, Lambda and SageMaker guides).
const OF_AWS: &[&str] = &[
    // Layers of Lambda: Powertools, Insights, AppConfig and secrets extensions, ADOT, SDK for
    // pandas.
    "017000801446",
    "580247275435",
    "027255383542",
    "177933569100",
    "901920570463",
    "336392948345",
    "184161586896",
    // Images: EKS, ECS agent, deep learning, FireLens, App Mesh, CodeBuild.
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
    // Access logs of load balancers.
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

/// Bytes of the longest text that may be a name: an ARN has at most 2,048 characters.
const NAME_BYTES_MAX: usize = 2048;

/// Accounts that a change names and that are neither the caller's, nor the called one, nor AWS's
/// own.
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
        // A number of twelve digits is an account only where its name says so; a size has as many.
        let says = || names.last().is_some_and(|n| says_account(n));
        let account = account_in(&text)
            .filter(|account| *account != &*text || value.kind() == JsonKind::String || says());
        found.extend(account.filter(|account| !known(account)).map(str::to_owned));
    });
    found.into_iter().collect()
}

/// Whether a role may be named at all.
fn names_role(raw: &[u8]) -> bool {
    memmem(raw, b":iam:").is_some() || memmem(raw, b"nstanceProfile").is_some()
}

/// Whether twelve digits stand together: without them there is nothing to look for.
fn has_account(raw: &[u8]) -> bool {
    raw.split(|b| !b.is_ascii_digit())
        .any(|digits| digits.len() == 12)
}

/// Whether a call only takes away: whom it names has less than before.
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

/// The account of a text that names a thing: the text itself, the account of an ARN, the host of a
/// registry of images, the path of a queue. Twelve digits anywhere else mean nothing.
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

/// Members that name a role as somebody who is let in, not as what something will run with.
const PRINCIPALS: &[&str] = &[
    "principal",
    "principalArn",
    "granteePrincipal",
    "dataLakePrincipalIdentifier",
    "principals",
    "principalId",
    "resourceArn",
];

/// Roles and instance profiles of the called account that a change hands to a service.
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

/// Whether a call may hand a role to a service: IAM's and STS's own are about roles.
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
