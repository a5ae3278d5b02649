//! Questions about access: whether they can be asked, and of which account.

use anyhow::Result;
use bartizan_cloud::live::distance;
use bartizan_iam::{Account, Action, Actions, Arn, Pattern};

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
    if action.contains(['*', '?']) {
        return check_set(actions, action, resource);
    }
    let named = action
        .split_once(':')
        .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    anyhow::ensure!(
        named && !action.contains(' '),
        "{action:?} is no action: expected one such as s3:GetObject, or s3:Get*"
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
    if resource == "*" {
        return Ok(());
    }
    let name = actions.name(known);
    anyhow::ensure!(
        !actions.is_wildcard_only(known),
        "{name} is about no resource: ask it on '*'"
    );
    let is_arn = Arn::parse(resource).is_some();
    if is_arn && has_resource(actions, known, resource) {
        return Ok(());
    }
    let hint = actions
        .resource_arns(known)
        .min_by_key(|arn| arn.len())
        .map(|arn| {
            format!(
                ", such as {}",
                filled(arn, if is_arn { None } else { Some(resource) })
            )
        })
        .unwrap_or_default();
    if is_arn {
        anyhow::bail!("{name} is not asked on {resource}: it asks for another resource{hint}");
    }
    anyhow::bail!("{resource:?} is no ARN: {name} asks for one{hint}")
}

/// Refuses a pattern of actions that matches none, or none that is for such resources.
fn check_set(actions: &Actions, pattern: &str, resource: &str) -> Result<()> {
    let service = pattern.split(':').next().unwrap_or_default();
    let is_pattern = pattern == "*" || !service.contains(['*', '?']) && pattern.contains(':');
    anyhow::ensure!(
        is_pattern,
        "{pattern:?} is no pattern of actions: expected one such as s3:Get*, s3:* or *"
    );
    let set = actions.matching(pattern);
    anyhow::ensure!(
        actions.known(&set).next().is_some(),
        "AWS has no action that {pattern} matches (list of {}; a newer one with --iam-data)",
        actions.date
    );
    if resource == "*" {
        return Ok(());
    }
    anyhow::ensure!(
        Arn::parse(resource).is_some(),
        "{resource:?} is no ARN: expected one such as arn:aws:s3:::bucket/*, or '*'"
    );
    let is_for_such = |action: Action| {
        !actions.is_wildcard_only(action) && has_resource(actions, action, resource)
    };
    let mut known = actions.known(&set);
    anyhow::ensure!(
        known.any(is_for_such),
        "no action that {pattern} matches is asked on {resource}: they ask for other resources"
    );
    Ok(())
}

/// Whether an action is for resources such as this one, or for some of a pattern's.
fn has_resource(actions: &Actions, action: Action, resource: &str) -> bool {
    let mut kinds = actions.resource_arns(action).peekable();
    let asked = Pattern::arn(resource);
    kinds.peek().is_none()
        || kinds.any(|template| {
            let mut pattern = String::new();
            for (n, part) in template.split("${").enumerate() {
                let rest = part.split_once('}').filter(|_| n > 0).map(|(_, rest)| rest);
                pattern.push_str(&rest.map_or(part.to_owned(), |rest| format!("*{rest}")));
            }
            Pattern::arn(&pattern).meets(&asked).is_some()
        })
}

/// ARN of a kind of resource, such as `arn:aws:s3:::BucketName/ObjectName`, with a name in place of
/// the first variable that is the resource's own.
fn filled(arn: &str, mut name: Option<&str>) -> String {
    let mut text = arn
        .replace("${Partition}", "aws")
        .replace("${Region}", "REGION")
        .replace("${Account}", "ACCOUNT");
    while let Some((before, rest)) = text.split_once("${") {
        let Some((variable, after)) = rest.split_once('}') else {
            break;
        };
        text = format!("{before}{}{after}", name.take().unwrap_or(variable));
    }
    text
}

/// Whether a question is about a set: of actions, or of resources.
pub(crate) fn is_of_set(actions: &Actions, action: &str, resource: &str) -> bool {
    let is_bare = || {
        actions
            .find(action)
            .is_some_and(|a| actions.is_wildcard_only(a))
    };
    action.contains(['*', '?'])
        || if resource == "*" {
            !is_bare()
        } else {
            resource.contains(['*', '?'])
        }
}
