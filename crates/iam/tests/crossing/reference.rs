//! Random small estates against a plain fixpoint over all pairs: every pair of a principal and a
//! role is asked, and who becomes whom is followed until nothing is new.

use bartizan_iam::{
    AccessQuestion, Account, Crossing, CrossingNode, Escalations, Estate, PrincipalId,
    QuestionCaller, RequestCaller, Tri, escalations, estate_escalations,
};
use serde_json::{Value, json};

use super::{Made, allow, policy, trust};
use crate::random::Random;

const IDS: [&str; 4] = [
    "111111111111",
    "222222222222",
    "333333333333",
    "444444444444",
];

fn statements(random: &mut Random) -> Value {
    let mut list = Vec::new();
    for _ in 0..1 + random.below(2) {
        let action = random.pick(&[
            "*",
            "sts:AssumeRole",
            "sts:AssumeRole",
            "sts:AssumeRole",
            "s3:*",
            "iam:PutUserPolicy",
            "iam:PutRolePolicy",
        ]);
        let mut statement = allow(json!(action));
        if action == "sts:AssumeRole" && random.chance(50) {
            let id = random.pick(&IDS);
            let name = random.pick(&["*", "r0", "r1"]);
            statement["Resource"] = json!(format!("arn:aws:iam::{id}:role/{name}"));
        }
        if random.chance(20) {
            let is_present = json!({"aws:MultiFactorAuthPresent": "true"});
            statement["Condition"] = json!({"Bool": is_present});
        }
        list.push(statement);
    }
    if random.chance(15) {
        list.push(json!({"Effect": "Deny", "Action": "sts:AssumeRole",
            "Resource": format!("arn:aws:iam::{}:role/*", random.pick(&IDS))}));
    }
    json!(list)
}

/// A trust policy. The analysis of one account leaves open what conditions and denies of trust
/// policies say of its own principals, so that those who are trusted at home are trusted plainly.
fn trusted(random: &mut Random, home: &str) -> Value {
    let is_at_home = random.chance(40);
    let abroad: Vec<&str> = IDS.into_iter().filter(|id| *id != home).collect();
    let mut list = Vec::new();
    for _ in 0..1 + random.below(2) {
        let id = if is_at_home && random.chance(60) {
            home
        } else {
            random.pick(&abroad)
        };
        let principal = match random.below(8) {
            0 if is_at_home => json!("*"),
            0..=2 => json!({"AWS": id}),
            3 => json!({"AWS": format!("arn:aws:iam::{id}:root")}),
            4 => json!({"Service": "ec2.amazonaws.com"}),
            5 => json!({"AWS": format!("arn:aws:iam::{id}:role/r{}", random.below(2))}),
            _ => json!({"AWS": format!("arn:aws:iam::{id}:user/u{}", random.below(2))}),
        };
        let mut statement = trust(principal);
        if !is_at_home && random.chance(35) {
            let (operator, key, value) = match random.below(4) {
                0 => ("StringEquals", "sts:ExternalId", "secret".to_owned()),
                1 => (
                    "StringEquals",
                    "aws:PrincipalAccount",
                    random.pick(&IDS).to_owned(),
                ),
                2 => ("StringLike", "aws:PrincipalArn", "*/u0".to_owned()),
                _ => ("StringEquals", "aws:PrincipalTag/x", "true".to_owned()),
            };
            statement["Condition"] = json!({operator: {key: value}});
        }
        list.push(statement);
    }
    if !is_at_home && random.chance(15) {
        list.push(json!({"Effect": "Deny", "Action": "sts:AssumeRole",
            "Principal": {"AWS": random.pick(&abroad)}}));
    }
    json!(list)
}

fn generate(random: &mut Random) -> Vec<Account<'static>> {
    let count = 2 + random.below(3);
    let mut accounts = Vec::new();
    for id in &IDS[..count] {
        let mut made = Made::new(id);
        for n in 0..2 {
            let own = statements(random);
            made = made.user(&format!("u{n}"), own);
            let (own, trust) = (statements(random), trusted(random, id));
            made = made.role(&format!("r{n}"), own, trust);
        }
        let is_limited = random.chance(20);
        let deny = json!({"Effect": "Deny", "Action": "sts:AssumeRole",
            "Resource": format!("arn:aws:iam::{}:role/*", random.pick(&IDS))});
        accounts.push(made.with(|builder| {
            if is_limited {
                let text = policy(json!([allow(json!("*")), deny])).to_string();
                builder.scp_level(&[("p", &text)]);
            }
        }));
    }
    accounts
}

/// Who becomes whom at once: principals, and administrators of accounts behind them.
struct Pairs {
    /// By pair of nodes.
    verdicts: Vec<Vec<Tri>>,
    principals: Vec<PrincipalId>,
}

impl Pairs {
    fn new(estate: &Estate<'_, '_>) -> Self {
        let mut principals = Vec::new();
        for (account, read) in estate.accounts.iter().enumerate() {
            let all = 0..read.principals.len();
            principals.extend(all.map(|principal| PrincipalId { account, principal }));
        }
        let count = principals.len() + estate.accounts.len();
        let mut verdicts = vec![vec![Tri::No; count]; count];
        let assumes = |caller: QuestionCaller, is_granted_all, role: PrincipalId| {
            let read = &estate.accounts[role.account].principals[role.principal];
            if read.trust.is_none() {
                return Tri::No;
            }
            let question = AccessQuestion {
                is_granted_all,
                ..AccessQuestion::new(caller, "sts:AssumeRole", &read.arn)
            };
            estate.ask(&question).verdict
        };
        let own: Vec<Escalations> = estate.accounts.iter().map(|a| escalations(a, 1)).collect();
        for (n, from) in principals.iter().enumerate() {
            let administers = own[from.account]
                .of(from.principal as u32)
                .map_or(Tri::No, |e| e.verdict);
            verdicts[n][principals.len() + from.account] = administers;
            for (m, to) in principals.iter().enumerate().filter(|(m, _)| *m != n) {
                verdicts[n][m] = assumes((*from).into(), false, *to);
            }
        }
        for (account, read) in estate.accounts.iter().enumerate() {
            let n = principals.len() + account;
            let root = RequestCaller::Aws(format!("arn:aws:iam::{}:root", read.id));
            for (m, to) in principals.iter().enumerate() {
                verdicts[n][m] = if to.account == account {
                    Tri::Yes
                } else {
                    let own = principals.iter().filter(|p| p.account == account);
                    own.fold(assumes(root.clone().into(), true, *to), |v, id| {
                        v.or(assumes((*id).into(), true, *to))
                    })
                };
            }
        }
        Self {
            verdicts,
            principals,
        }
    }

    /// How surely each node becomes the last.
    fn reach(&self, last: usize) -> Vec<Tri> {
        let mut found = vec![Tri::No; self.verdicts.len()];
        found[last] = Tri::Yes;
        loop {
            let mut is_new = false;
            for from in 0..found.len() {
                let over = |to: usize| self.verdicts[from][to].and(found[to]);
                let best = (0..found.len()).map(over).fold(found[from], Tri::or);
                is_new |= best != found[from];
                found[from] = best;
            }
            if !is_new {
                return found;
            }
        }
    }
}

/// Every step is one that the pairs have, and they join.
fn hold_path(estate: &Estate<'_, '_>, pairs: &Pairs, way: &Crossing) {
    let administrator = |id: &str| {
        let account = estate.accounts.iter().position(|a| a.id == id).unwrap();
        pairs.principals.len() + account
    };
    let number = |node: &CrossingNode| match node {
        CrossingNode::Principal(id) => pairs.principals.iter().position(|p| p == id).unwrap(),
        CrossingNode::Administrator(id) => administrator(id),
        CrossingNode::Workforce(_) => panic!("{node:?}"),
    };
    let mut at = number(&way.from);
    let mut least = Tri::Yes;
    let mut all = way.steps.clone();
    for step in all.drain(..) {
        let (from, to) = (number(&step.from), number(&step.to));
        // Somebody who is administrator goes on as such.
        if at != from {
            least = least.and(pairs.verdicts[at][from]);
        }
        assert!(
            pairs.verdicts[from][to] >= step.verdict,
            "{step:?} of {way:?}"
        );
        assert!(step.verdict != Tri::No, "{step:?}");
        least = least.and(step.verdict);
        at = to;
    }
    let last = administrator(&way.to);
    if at != last {
        least = least.and(pairs.verdicts[at][last]);
    }
    assert_eq!(least, way.verdict, "{way:?}");
}

#[test]
fn estates_are_walked_as_a_fixpoint_over_all_pairs_says() {
    let mut random = Random(77);
    let (mut counts, mut longest) = ([0usize; 3], 0);
    for _ in 0..120 {
        let accounts = generate(&mut random);
        let estate = Estate::new(&accounts);
        let pairs = Pairs::new(&estate);
        let found = estate_escalations(&estate, 1);
        for (account, read) in estate.accounts.iter().enumerate() {
            let wanted = pairs.reach(pairs.principals.len() + account);
            for (n, id) in pairs.principals.iter().enumerate() {
                let ways = found.of(&estate, *id);
                let ways: Vec<&Crossing> = ways.iter().filter(|w| w.to == read.id).collect();
                let own = found.accounts[id.account].of(id.principal as u32);
                let own = own.filter(|_| id.account == account).map(|e| e.verdict);
                let best = ways.iter().map(|w| w.verdict).chain(own).max();
                let shown = || {
                    let documents: Vec<String> = accounts
                        .iter()
                        .flat_map(|a| &a.documents)
                        .map(|d| format!("{}: {:?}", d.name, d.policy))
                        .collect();
                    format!(
                        "{} to {}\n{}",
                        estate.arn(*id),
                        read.id,
                        documents.join("\n")
                    )
                };
                assert_eq!(best.unwrap_or(Tri::No), wanted[n], "{}", shown());
                counts[wanted[n] as usize] += 1;
                for way in ways {
                    hold_path(&estate, &pairs, way);
                    longest = longest.max(way.steps.len());
                }
            }
            for (other, from) in estate
                .accounts
                .iter()
                .enumerate()
                .filter(|(o, _)| *o != account)
            {
                let from = CrossingNode::Administrator(from.id.clone());
                let is_way = |c: &&Crossing| c.from == from && c.to == read.id;
                let way = found.crossings.iter().find(is_way);
                let verdict = way.map_or(Tri::No, |way| way.verdict);
                assert_eq!(verdict, wanted[pairs.principals.len() + other], "{from:?}");
            }
        }
    }
    println!("{counts:?} of no, may and must; the longest path has {longest} steps");
    assert!(
        counts.iter().all(|n| *n > 150) && longest >= 4,
        "{counts:?} {longest}"
    );
}
