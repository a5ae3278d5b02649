//! Questions about access: whether they can be asked, and of which account.

use anyhow::Result;
use bartizan_cloud::live::distance;
use bartizan_iam::{Account, Actions, Arn};

/// The message for a missing principal: it may be on a page that was not read.
pub(crate) fn nobody(account: &Account<'_>, error: String) -> String {
    match account.principals_cut() {
        Some(why) => format!(
            "{error} as far as it was read: the list of users and roles is not whole ({why})"
        ),
        None => error,
    }
}

/// Refuses what is no action, or no resource: every answer about it would be a no.
pub(crate) fn check_question(actions: &Actions, action: &str, resource: &str) -> Result<()> {
    let named = action
        .split_once(':')
        .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    anyhow::ensure!(
        named && !action.contains(['*', '?', ' ']),
        "{action:?} is no action: expected one such as s3:GetObject"
    );
    let Some(known) = actions.find(action) else {
        let (all, lower) = (actions.all(), action.to_ascii_lowercase());
        let names = actions.known(&all).map(|a| actions.name(a));
        let near = names
            .map(|name| (distance(&name.to_ascii_lowercase(), &lower), name))
            .min();
        let hint = near
            .filter(|(edits, _)| *edits <= 4)
            .map(|(_, name)| format!(": did you mean {name}?"))
            .unwrap_or_default();
        anyhow::bail!(
            "AWS has no action {action} (list of {}; a newer one with --iam-data){hint}",
            actions.date
        );
    };
    if resource == "*" || Arn::parse(resource).is_some() {
        return Ok(());
    }
    // `arn:${Partition}:s3:::${BucketName}/${ObjectName}` with the name in place of the first
    // variable that is the thing's own.
    let fill = |arn: &str| {
        let (mut text, mut name) = (
            arn.replace("${Partition}", "aws")
                .replace("${Region}", "REGION"),
            Some(resource),
        );
        text = text.replace("${Account}", "ACCOUNT");
        while let Some((before, rest)) = text.split_once("${") {
            let Some((variable, after)) = rest.split_once('}') else {
                break;
            };
            text = format!("{before}{}{after}", name.take().unwrap_or(variable));
        }
        text
    };
    let hint = actions
        .resource_arns(known)
        .min_by_key(|arn| arn.len())
        .map(|arn| format!(", such as {}", fill(arn)))
        .unwrap_or_default();
    anyhow::bail!(
        "{resource:?} is no ARN: {} asks for one{hint}",
        actions.name(known)
    )
}

/// Whether a question is about all that a pattern matches.
pub(crate) fn is_of_many(resource: &str) -> bool {
    resource != "*" && resource.contains(['*', '?'])
}

/// The account at hand that a resource belongs to.
pub(crate) fn owner<'x, 'a>(
    accounts: &'x [Account<'a>],
    resource: &str,
) -> Option<&'x Account<'a>> {
    let arn = Arn::parse(resource)?;
    let bucket = || {
        arn.resource
            .split('/')
            .next()
            .filter(|_| arn.service == "s3" && arn.region.is_empty())
    };
    accounts
        .iter()
        .find(|a| a.id == arn.account || bucket().is_some_and(|b| a.has_bucket(b)))
}
