//! `bartizan access public`.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_cloud::collect::GLOBAL;
use bartizan_iam::{
    Account, ExternalAccess, KnownAccounts, UnreadFact, UnreadReason, external_access,
    external_access_kinds,
};
use serde_json::{Value, json};

use crate::access::{accounts, actions, vendors};
use crate::cli::{AccessPublicArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, assumptions, note_unread, outsider, some, word};

pub(super) fn run(global: &Global, args: &AccessPublicArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let mut neighbours = KnownAccounts::default();
    accounts
        .iter()
        .for_each(|account| neighbours.learn(account));
    neighbours
        .friendly
        .extend(args.friendly.iter().map(|id| (id.clone(), id.clone())));
    if let Some(file) = &args.vendors {
        neighbours.vendors = vendors(file)?;
    }
    let mut out = Out::new();
    let mut rows = Vec::new();
    let mut open = false;
    for account in &accounts {
        let found = external_access(account, &neighbours);
        let unread = unread(account);
        open |= !unread.is_empty();
        if global.format == Format::Human {
            human(&mut out, account, &found, &unread)?;
        } else {
            rows.extend(found.iter().map(|o| row(&account.id, o)));
            rows.extend(unread.iter().map(|u| u.row(&account.id)));
        }
    }
    if global.format != Format::Human {
        out.rows(global.format, &rows)?;
    }
    out.flush()?;
    Ok(if args.on.require_complete && open {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

fn human(
    out: &mut Out,
    account: &Account<'_>,
    found: &[ExternalAccess],
    unread: &[UnreadEntryKinds],
) -> Result<()> {
    for opening in found {
        let name = opening
            .name
            .as_ref()
            .map(|n| format!(" {n}"))
            .unwrap_or_default();
        let conditions = if opening.conditions.is_empty() {
            String::new()
        } else {
            format!("  if {}", opening.conditions.join(" and "))
        };
        out.line(&format!(
            "{:4}  {:8}{name}  {} for {}: {}{conditions}",
            word(opening.verdict),
            opening.class.word(),
            opening.arn,
            opening.to.sentence(),
            opening.actions.join(", ")
        ))?;
    }
    let id = &account.id;
    let count = if found.len() == 1 {
        "1 external access path".to_owned()
    } else {
        format!("{} external access paths", found.len())
    };
    out.line(&match (found.len(), unread.is_empty()) {
        (_, true) => format!("account {id}: {count}"),
        (0, false) => {
            format!(
                "account {id}: UNKNOWN: none in what was read, but not everything \
            that can let somebody in was read"
            )
        }
        (_, false) => format!(
            "account {id}: {count}, and not everything that can let \
        somebody in was read"
        ),
    })?;
    unread
        .iter()
        .try_for_each(|u| out.line(&format!("  not read: {}", u.sentence())))?;
    assumptions(account)
        .iter()
        .try_for_each(|a| out.line(&format!("  {a}")))
}

/// Names that one line shows.
const NAMES_SHOWN: usize = 6;

/// Ways in that were not read, for one reason.
struct UnreadEntryKinds {
    /// `s3:bucketpolicy` ….
    kinds: Vec<String>,
    /// Of which things; empty for all.
    ids: Vec<String>,
    regions: Vec<String>,
    /// Call that failed; none where nobody tried.
    call: Option<String>,
    reason: UnreadReason,
}

impl UnreadEntryKinds {
    fn sentence(&self) -> String {
        let of = if self.ids.is_empty() {
            String::new()
        } else {
            format!(" of {}", some(&self.ids, NAMES_SHOWN))
        };
        let regions: Vec<String> = self
            .regions
            .iter()
            .filter(|r| !r.is_empty() && *r != GLOBAL)
            .cloned()
            .collect();
        let regions = if regions.is_empty() {
            String::new()
        } else {
            format!(" in {}", some(&regions, NAMES_SHOWN))
        };
        let most = if self.ids.is_empty() {
            usize::MAX
        } else {
            NAMES_SHOWN
        };
        format!("{}{of}{regions} ({})", some(&self.kinds, most), self.why())
    }

    /// Call and reason, e.g. `s3:GetBucketPolicy denied`.
    fn why(&self) -> String {
        let call = self.call.as_ref().map(|call| format!("{call} "));
        format!("{}{}", call.unwrap_or_default(), self.reason)
    }

    fn row(&self, account: &str) -> Value {
        json!({
            "account": account,
            "verdict": "unknown",
            "resource": null,
            "by": self.kinds,
            "ids": self.ids,
            "regions": self.regions,
            "unread_call": self.call,
            "unread_reason": self.reason.word(),
            "because": [format!("not read: {}", self.why())],
        })
    }
}

/// The ways in of an account that were not read, those with one reason together.
fn unread(account: &Account<'_>) -> Vec<UnreadEntryKinds> {
    let mut holes: Vec<UnreadFact> = external_access_kinds()
        .flat_map(|kind| account.unread_facts_of(kind))
        .collect();
    holes.sort();
    // What nobody saved is one reason, whatever the call; a call that failed is one for itself.
    let call = |hole: &UnreadFact| {
        let named = hole.why != UnreadReason::NotInDump && !hole.call.is_empty();
        named.then(|| hole.call.clone())
    };
    let mut grouped: BTreeMap<(bool, String, bool), UnreadEntryKinds> = BTreeMap::new();
    for hole in holes {
        let unread = UnreadEntryKinds {
            kinds: Vec::new(),
            ids: Vec::new(),
            regions: Vec::new(),
            call: call(&hole),
            reason: hole.why,
        };
        // A call that was refused comes before one that nobody tried.
        let key = (
            unread.reason.is_never_tried(),
            unread.why(),
            hole.id.is_empty(),
        );
        let unread = grouped.entry(key).or_insert(unread);
        for (list, value) in [
            (&mut unread.kinds, hole.kind),
            (&mut unread.ids, hole.id),
            (&mut unread.regions, hole.region),
        ] {
            if !value.is_empty() && !list.contains(&value) {
                list.push(value);
            }
        }
    }
    grouped.into_values().collect()
}

fn row(account: &str, opening: &ExternalAccess) -> Value {
    json!({
        "account": account,
        "resource": opening.arn,
        "by": opening.by,
        "to": opening.to.sentence(),
        "outsider": outsider(&opening.to),
        "class": opening.class.word(),
        "name": opening.name,
        "actions": opening.actions,
        "verdict": word(opening.verdict),
        "conditions": opening.conditions,
        "statement": opening.statement,
    })
}
