//! Actions and resources that a question about a set is asked of, in pieces that the side of the
//! resource does not tell apart by rules of its service.

use std::collections::BTreeMap;

use crate::account::{Account, PrincipalKind};
use crate::actions::Actions;
use crate::arn::Arn;
use crate::bits::Bits;
use crate::engine::CompiledStatement;
use crate::estate::model::Estate;
use crate::estate::owner::{Owner, bucket_of};
use crate::pattern::Pattern;
use crate::service::rule_group;

/// Piece of a set: actions for one kind of resource, in one account.
pub(super) struct AskedPiece<'x, 'a> {
    /// Account of the resources, as far as it was read.
    pub(super) side: Option<&'x Account<'a>>,
    pub(super) actions: Bits,
    /// Patterns that its resources all match; empty for actions that are about none.
    pub(super) within: Vec<Pattern>,
    pub(super) without: Vec<Pattern>,
    /// Buckets of the account that have nothing of their own: its resources are in these.
    pub(super) plain_buckets: Option<Vec<String>>,
    /// Resources that are asked one by one, as each has something of its own.
    pub(super) singles: Vec<String>,
    /// Resources that tags may tell apart.
    pub(super) tagged: Vec<String>,
    /// Whether there may be others than `singles`.
    pub(super) is_open: bool,
    /// Resources with nothing empty in their names, for examples that read well.
    pub(super) readable: Option<Pattern>,
}

impl<'x, 'a> AskedPiece<'x, 'a> {
    /// Statements of the resource's side that are about some of its actions.
    pub(super) fn statements(&self) -> Vec<&'x CompiledStatement> {
        let Some(side) = self.side else {
            return Vec::new();
        };
        let about = |d: u32| {
            let statements = side.documents[d as usize].compiled.statements.iter();
            statements.filter(|s| s.actions.meets(&self.actions))
        };
        let held = side.resources.iter().filter(|r| self.may_hold(&r.arn));
        let mut found: Vec<&CompiledStatement> = held.flat_map(|r| about(r.policy)).collect();
        found.extend(side.rcp.iter().flatten().flat_map(|d| about(*d)));
        found
    }

    /// Whether a resource, or something within it, may be of this piece.
    fn may_hold(&self, arn: &str) -> bool {
        let within = |text: &Pattern| self.within.iter().all(|w| w.meets(text).is_some());
        within(&Pattern::exact(arn)) || within(&Pattern::arn(&format!("{arn}*")))
    }
}

impl<'x, 'a> Estate<'x, 'a> {
    /// Pieces of the set of all actions and resources that two patterns match. `caller`: account of
    /// the caller, which owns what has no account in its ARN.
    pub(super) fn asked_pieces(
        &self,
        caller: Option<&str>,
        action: &str,
        resource: &str,
    ) -> Vec<AskedPiece<'x, 'a>> {
        let asked = Pattern::arn(resource);
        let groups = groups(self.actions, &self.actions.matching(action), &asked);
        let sides = self.asked_sides(caller, resource);
        let mut pieces = Vec::new();
        for ((template, _, _), actions) in groups {
            let own = caller.and_then(|id| self.account(id));
            let piece = |side, within: Vec<Pattern>| AskedPiece {
                side,
                actions: actions.clone(),
                within,
                without: Vec::new(),
                plain_buckets: None,
                singles: Vec::new(),
                tagged: Vec::new(),
                is_open: true,
                readable: None,
            };
            if template == NO_RESOURCE {
                pieces.push(piece(own.or(self.accounts.first()), Vec::new()));
                continue;
            }
            if !names_account(&template) && !template.starts_with(BUCKET) {
                let kind = Pattern::arn(&as_pattern(&template, "*", "*"));
                pieces.push(piece(own, vec![asked.clone(), kind]));
                continue;
            }
            for (side, id) in &sides {
                let id = id.as_deref().unwrap_or("*");
                let kind = Pattern::arn(&as_pattern(&template, id, "*"));
                if asked.meets(&kind).is_none() {
                    continue;
                }
                let mut one = piece(*side, vec![asked.clone(), kind]);
                one.readable = Some(Pattern::arn(&as_pattern(&template, id, "?*")));
                if template.starts_with(BUCKET) {
                    of_buckets(one, template.contains('/'), resource, &mut pieces);
                } else {
                    pieces.push(with_singles(one, self.actions));
                }
            }
        }
        pieces
    }

    /// Accounts that resources of a pattern may belong to: those that were read, where the pattern
    /// leaves it open.
    fn asked_sides(
        &self,
        caller: Option<&str>,
        resource: &str,
    ) -> Vec<(Option<&'x Account<'a>>, Option<String>)> {
        let read = |account: &'x Account<'a>| (Some(account), Some(account.id.clone()));
        let account = Arn::parse(resource).map_or("*", |arn| arn.account);
        let is_one_bucket = bucket_of(resource).is_some_and(|b| !b.contains(['*', '?']));
        if !is_one_bucket && (account.is_empty() || account.contains(['*', '?'])) {
            let named = Pattern::text(if account.is_empty() { "*" } else { account });
            let here = self.accounts.iter().filter(|a| named.matches(&a.id));
            return here.map(read).collect();
        }
        let owners = self.owners(caller, resource).into_iter();
        // Of several that may own a bucket, the question itself puts the answers together.
        let first = owners.take(1).map(|owner| match owner {
            Owner::Read(account) => read(account),
            Owner::NotRead(id) => (None, Some(id)),
            Owner::Unknown => (None, None),
        });
        first.collect()
    }
}

/// In place of a template, for actions that are about no resource.
const NO_RESOURCE: &str = "";

/// How the template of buckets and objects begins.
const BUCKET: &str = "arn:${Partition}:s3:::";

/// For an action whose resources nobody lists.
const ANY_RESOURCE: &str = "arn:${Partition}:${Any}:${Region}:${Account}:${Any}";

/// Actions of a set by what they are about (a template of ARNs), their service, and rules of the
/// service.
fn groups(
    actions: &Actions,
    wanted: &Bits,
    asked: &Pattern,
) -> BTreeMap<(String, String, String), Bits> {
    let mut groups: BTreeMap<(String, String, String), Bits> = BTreeMap::new();
    for action in actions.known(wanted) {
        let name = actions.name(action);
        let (service, short) = name.split_once(':').unwrap_or_default();
        let rules = rule_group(service, short);
        let mut add = |template: &str| {
            let key = (template.to_owned(), service.to_owned(), rules.clone());
            groups.entry(key).or_default().insert(action.0);
        };
        if actions.is_wildcard_only(action) {
            if asked.is_all() {
                add(NO_RESOURCE);
            }
            continue;
        }
        let mut templates = actions.resource_arns(action).peekable();
        if templates.peek().is_none() {
            add(ANY_RESOURCE);
        }
        for template in templates {
            if Pattern::arn(&as_pattern(template, "*", "*"))
                .meets(asked)
                .is_some()
            {
                add(template);
            }
        }
    }
    groups
}

/// Whether the ARNs of a template name their account.
fn names_account(template: &str) -> bool {
    template.split(':').nth(4) == Some("${Account}")
}

/// Template of ARNs as a pattern, `arn:aws*:sqs:*:111122223333:*`. `name`: in place of names.
fn as_pattern(template: &str, account: &str, name: &str) -> String {
    let mut pattern = String::new();
    for (n, part) in template.split("${").enumerate() {
        let Some((variable, rest)) = part.split_once('}').filter(|_| n > 0) else {
            pattern.push_str(part);
            continue;
        };
        pattern.push_str(match variable {
            "Account" => account,
            "Partition" => "aws*",
            _ => name,
        });
        pattern.push_str(rest);
    }
    pattern
}

/// A piece with the resources of its account that have something of their own.
fn with_singles<'x, 'a>(mut piece: AskedPiece<'x, 'a>, actions: &Actions) -> AskedPiece<'x, 'a> {
    let Some(side) = piece.side else {
        return piece;
    };
    let is_in = |arn: &str| piece.within.iter().all(|w| w.matches(arn));
    let first = actions.known(&piece.actions).next();
    let name = first.map(|a| actions.name(a).to_ascii_lowercase());
    let is_trust = name.is_some_and(|name| name.starts_with("sts:assumerole"));
    let principals = side.principals.iter().filter(|p| is_in(&p.arn));
    if is_trust {
        // Each role has a trust policy of its own, and there are no others.
        let roles = principals.filter(|p| p.kind == PrincipalKind::Role);
        piece.singles = roles.map(|p| p.arn.clone()).collect();
        piece.is_open = !side.knows_principals();
        return piece;
    }
    let tagged: Vec<String> = principals.map(|p| p.arn.clone()).collect();
    let mut singles: Vec<String> = side
        .resources
        .iter()
        .map(|r| &r.arn)
        .chain(side.grants.iter().map(|g| &g.key))
        .filter(|arn| is_in(arn))
        .cloned()
        .collect();
    singles.sort();
    singles.dedup();
    (piece.singles, piece.tagged) = (singles, tagged);
    piece
}

/// Adds a piece for each bucket that has something of its own, and one for all others.
fn of_buckets<'x, 'a>(
    piece: AskedPiece<'x, 'a>,
    is_of_objects: bool,
    resource: &str,
    pieces: &mut Vec<AskedPiece<'x, 'a>>,
) {
    // `*` in place of the name of a bucket is no object in it.
    let not_objects = || Pattern::arn("arn:aws*:s3:::*/*");
    let without = |mut piece: AskedPiece<'x, 'a>| {
        if !is_of_objects {
            piece.without.push(not_objects());
        }
        piece
    };
    let names_one = bucket_of(resource).is_some_and(|b| !b.contains(['*', '?']));
    let known = piece
        .side
        .and_then(|side| side.buckets.as_ref().map(|buckets| (side, buckets)));
    let Some((side, buckets)) = known.filter(|_| !names_one) else {
        pieces.push(without(piece));
        return;
    };
    let mut plain = Vec::new();
    for bucket in buckets {
        let tail = if is_of_objects { "/*" } else { "" };
        let here = Pattern::arn(&format!("arn:aws:s3:::{bucket}{tail}"));
        if piece.within.iter().any(|w| w.meets(&here).is_none()) {
            continue;
        }
        if !has_something_of_its_own(side, bucket) {
            plain.push(bucket.clone());
            continue;
        }
        let mut within = piece.within.clone();
        within.push(here);
        pieces.push(without(AskedPiece {
            side: piece.side,
            actions: piece.actions.clone(),
            within,
            without: Vec::new(),
            plain_buckets: None,
            singles: Vec::new(),
            tagged: Vec::new(),
            is_open: true,
            readable: piece.readable.clone(),
        }));
    }
    if !plain.is_empty() {
        pieces.push(without(AskedPiece {
            plain_buckets: Some(plain),
            ..piece
        }));
    }
}

/// Whether something tells a bucket from others of its account: a policy, an ACL, a switch, tags,
/// or that one of these was not read.
fn has_something_of_its_own(side: &Account<'_>, bucket: &str) -> bool {
    let arn = format!("arn:aws:s3:::{bucket}");
    side.resources.iter().any(|r| r.arn == arn)
        || side.shares.iter().any(|s| s.arn == arn)
        || side.restricted_buckets.iter().any(|b| b == bucket)
        || side.acls_ignored.iter().any(|b| b == bucket)
        || side.abac_buckets.get(bucket) == Some(&true)
        || !side.abac_buckets.is_empty() && !side.abac_buckets.contains_key(bucket)
        || side
            .unread_facts
            .iter()
            .any(|f| f.kind.starts_with("s3:") && !f.id.is_empty() && f.is_about(bucket))
}
