//! `bartizan credentials`.

use anyhow::Result;

use crate::access::actions;
use crate::cli::{CredentialSort, CredentialsArgs, Global};
use crate::outcome::Outcome;
use crate::posture::{AccountCredentials, credentials};
use crate::render::{self, Out};

pub(super) fn run(global: &Global, args: &CredentialsArgs) -> Result<Outcome> {
    let actions = actions(&args.table)?;
    let mut accounts = credentials(global, args.on.as_deref(), &actions)?;
    for account in &mut accounts {
        narrow(account, args);
    }
    let mut out = Out::new();
    render::credentials(&mut out, global, &accounts)?;
    out.flush()?;
    let is_incomplete = accounts.iter().any(|a| !a.credentials.unread.is_empty());
    Ok(if args.require_complete && is_incomplete {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// Leaves what is asked for, in the order that is asked for.
fn narrow(account: &mut AccountCredentials, args: &CredentialsArgs) {
    let list = &mut account.credentials.list;
    let all = list.len();
    if let Some(days) = args.unused {
        // One whose use is not known is no proof of disuse.
        list.retain(|c| c.unused_days.is_some_and(|unused| unused >= days));
    }
    if let Some(of) = &args.of {
        list.retain(|c| c.owner.contains(of.as_str()));
    }
    account.hidden = all - list.len();
    match args.sort {
        CredentialSort::Owner => {
            list.sort_by(|a, b| (&a.owner, a.kind, &a.id).cmp(&(&b.owner, b.kind, &b.id)))
        }
        CredentialSort::Age => list.sort_by_key(|c| std::cmp::Reverse(c.age_days)),
        CredentialSort::Used => list.sort_by_key(|c| std::cmp::Reverse(c.unused_days)),
        CredentialSort::Kind => {}
    }
}
