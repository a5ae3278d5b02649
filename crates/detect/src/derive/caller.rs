//! Derived fields about the caller.

use super::text::{cut, is_account};
use bartizan_trail::{CallerIdentity, CallerType, Event, Field};

pub(super) fn other_user(event: &Event<'_>, actor: &CallerIdentity) -> Option<bool> {
    let target = event
        .field(Field::RequestParameters)?
        .get("userName")?
        .text()?;
    let own = actor.kind == "IAMUser"
        && actor
            .arn
            .as_deref()
            .is_some_and(|arn| arn.rsplit('/').next() == Some(&*target));
    Some(!own)
}

pub(super) fn outside_account(event: &Event<'_>, actor: &CallerIdentity) -> Option<String> {
    let called = event.text(Field::RecipientAccountId)?;
    actor.account.clone().filter(|own| {
        *own != called && is_account(own) && actor.caller_of(event) == CallerType::Principal
    })
}

/// Instance that a session belongs to: EC2 names the session of an instance's role after the
/// instance.
pub(super) fn instance(actor: &CallerIdentity) -> Option<String> {
    let session = actor
        .session
        .as_deref()
        .filter(|_| actor.kind == "AssumedRole")?;
    let hex = session.strip_prefix("i-")?;
    (matches!(hex.len(), 8 | 17) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| session.to_owned())
}

/// Client family: `aws-cli` for `aws-cli/2.13 Python/3.11`, `Boto3` for `Boto3/1.26`, `Mozilla` for
/// browsers.
pub(super) fn family(user_agent: &str) -> String {
    let word = user_agent
        .trim_start_matches('[')
        .split(['/', ' ', ']'])
        .next()
        .unwrap_or_default();
    cut(word)
}
