//! Questions about sets against questions about each of their members.

use bartizan_iam::{
    AccessQuestion, Account, Actions, Estate, Extent, Owner, Pattern, ResourceCell, SetAnswer, Tri,
};

use super::generate::{ACTIONS, PlainEstate};
use super::{caller_of, question};
use crate::differential::Random;

/// Patterns of actions and of resources, with `{ID}` for an account and `{B}` for a bucket of it.
const SETS: &[(&str, &str)] = &[
    ("*", "*"),
    ("*", "arn:aws:*:*:{ID}:*"),
    ("*", "arn:aws:s3:::{B}/*"),
    ("iam:*", "arn:aws:iam::*:*"),
    ("iam:*", "arn:aws:iam::{ID}:user/a*"),
    ("iam:PassRole", "*"),
    ("iam:PassRole", "arn:aws:iam::{ID}:role/*"),
    ("kms:*", "arn:aws:kms:*:{ID}:key/*"),
    ("kms:Decrypt", "*"),
    ("s3:*", "*"),
    ("s3:*", "arn:aws:s3:::*"),
    ("s3:*", "arn:aws:s3:::{B}"),
    ("s3:*", "arn:aws:s3:::{B}*"),
    ("s3:*Object", "arn:aws:s3:::*/a*"),
    ("s3:Get*", "arn:aws:s3:::{B}/*"),
    ("s3:GetObject", "arn:aws:s3:::{B}/*"),
    ("s3:GetObject", "arn:aws:s3:::{B}/al*"),
    ("s3:List*", "*"),
    ("s3:ListAllMyBuckets", "*"),
    ("sqs:*", "arn:aws:sqs:us-east-1:{ID}:*"),
    ("sqs:SendMessage", "arn:aws:sqs:*:*:*"),
    ("sts:*", "arn:aws:iam::{ID}:role/*"),
    ("sts:AssumeRole", "*"),
];

/// Every member of the sets: an action, and a resource of one of its kinds.
fn members(estate: &PlainEstate) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for (action, kind) in ACTIONS {
        if *kind == "nothing" {
            all.push((*action, "*".to_owned()));
            continue;
        }
        for account in &estate.accounts {
            let buckets = account.resources[..2].iter().map(|r| r.arn.clone());
            let resources: Vec<String> = match *kind {
                "bucket" => buckets.collect(),
                "object" => buckets
                    .flat_map(|b| {
                        ["a", "alice/x", "blue/y", "al/secret", "zz"].map(|k| format!("{b}/{k}"))
                    })
                    .collect(),
                "key" => vec![account.resources[2].arn.clone()],
                "queue" => vec![account.resources[3].arn.clone()],
                _ => account
                    .principals
                    .iter()
                    .filter(|p| p.is_role == (*kind == "role"))
                    .map(|p| p.arn.clone())
                    .collect(),
            };
            all.extend(resources.into_iter().map(|r| (*action, r)));
        }
    }
    all
}

/// The verdicts of all parts that a member is in.
fn verdicts(estate: &Estate<'_, '_>, said: &SetAnswer, action: &str, resource: &str) -> Vec<Tri> {
    let bit = Actions::builtin().bit(action);
    let owner = |account: &Account<'_>| {
        let owners = estate.owners(None, resource);
        owners
            .iter()
            .any(|o| matches!(o, Owner::Read(a) if a.id == account.id))
    };
    let has_own_policy = |account: &Account<'_>| {
        let bucket = resource.split('/').next().unwrap_or_default();
        account.resources.iter().any(|r| r.arn == bucket)
    };
    let parts = said.parts.iter().filter(|part| part.actions.contains(bit));
    let holds = |cell: &ResourceCell| {
        let account = cell.account.as_ref().and_then(|id| estate.account(id));
        cell.contains(resource)
            && account.is_none_or(owner)
            && !(cell.without_own_policy && account.is_some_and(has_own_policy))
    };
    parts
        .filter(|part| part.cells.iter().any(holds))
        .map(|part| part.said.verdict)
        .collect()
}

/// Asks so many sets; how many members were compared, and how many answers were all, some, none.
fn compare(seed: u64, sets: usize) -> (usize, [usize; 3]) {
    let mut random = Random(seed | 1);
    let (mut compared, mut extents, mut asked) = (0, [0; 3], 0);
    while asked < sets {
        let plain = PlainEstate::generate(&mut random);
        let accounts = plain.read();
        let estate = Estate::new(&accounts);
        let members = members(&plain);
        for _ in 0..4 {
            let caller = caller_of(&plain, &estate, &question(&plain, &mut random).caller);
            let at = &plain.accounts[random.below(plain.accounts.len())];
            let bucket = at.resources[random.below(2)]
                .arn
                .trim_start_matches("arn:aws:s3:::");
            let (actions, resources) = *random.pick_of(SETS);
            let resources = resources.replace("{ID}", &at.id).replace("{B}", bucket);
            let set = AccessQuestion::new(caller.clone(), actions, &resources);
            let said = estate.ask_set(&set);
            asked += 1;
            if said.cut {
                continue;
            }
            extents[said.extent as usize] += 1;
            let wanted = Actions::builtin().matching(actions);
            let pattern = Pattern::arn(&resources);
            for (action, resource) in &members {
                let is_asked =
                    wanted.contains(Actions::builtin().bit(action)) && (pattern.matches(resource));
                let found = verdicts(&estate, &said, action, resource);
                if !is_asked {
                    assert_eq!(
                        found,
                        [],
                        "{action} on {resource} is not in {actions} on {resources}"
                    );
                    continue;
                }
                let one = estate.ask(&AccessQuestion::new(caller.clone(), action, resource));
                assert_eq!(
                    found,
                    [one.verdict],
                    "{caller:?} {action} on {resource} in {actions} on {resources}: {said:#?}\n{one:#?}\n{plain:#?}"
                );
                let fits = match said.extent {
                    Extent::All => one.verdict != Tri::No,
                    Extent::None => one.verdict == Tri::No,
                    Extent::Some => true,
                };
                assert!(fits, "{actions} on {resources}: {:?}", said.extent);
                compared += 1;
            }
        }
    }
    (compared, extents)
}

#[test]
fn a_set_is_answered_as_each_of_its_members() {
    let (compared, extents) = compare(19, 90);
    println!("{compared} members; none, some, all: {extents:?}");
    assert!(compared > 900 && extents.iter().all(|n| *n > 1));
}

#[test]
#[ignore = "minutes"]
fn ten_thousand_sets() {
    let (compared, extents) = compare(20, 10_000);
    println!("{compared} members; none, some, all: {extents:?}");
}
