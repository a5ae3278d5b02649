//! With whom a request shares something, and whose key it uses.

use super::is_account;
use crate::trail::json::Value;
use crate::trail::{Event, Field};

/// Accounts of KMS keys in the request that are not the account that was called.
pub(super) fn outside_keys(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else { return Vec::new() };
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = std::collections::BTreeSet::new();
    let text = request.compact();
    for (at, _) in text.match_indices(":kms:") {
        let account = text[at..].split(':').nth(3).unwrap_or_default();
        if is_account(account) && account != own {
            found.insert(account.to_owned());
        }
    }
    found.into_iter().collect()
}

/// Whom a snapshot or image is shared with, over the shapes that EC2 and RDS have for it.
pub(super) fn shared_with(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else { return Vec::new() };
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = std::collections::BTreeSet::new();
    let mut add = |value: &str| match value {
        "all" => found.extend(["all".to_owned()]),
        account if is_account(account) && account != own => found.extend([format!("account:{account}")]),
        _ => {}
    };
    for list in ["launchPermission", "createVolumePermission", "loadPermission"] {
        let added = request.get(list).and_then(|p| p.get("add")).and_then(|a| a.get("items"));
        for item in added.into_iter().flat_map(Value::elements) {
            for (_, value) in item.members() {
                if let Some(text) = value.text() {
                    add(&text);
                }
            }
        }
    }
    for list in ["valuesToAdd", "accountsToAdd", "accountIds", "targetAccounts"] {
        for item in request.get(list).into_iter().flat_map(Value::elements) {
            if let Some(text) = item.text() {
                add(&text);
            }
        }
    }
    found.into_iter().collect()
}
