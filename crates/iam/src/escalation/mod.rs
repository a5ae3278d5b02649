//! Who can become what: the ladder of implicit `*`, and the ways up to everything.
//!
//! Principals are numbered, and sets of them are bits, so that "may pass any role that trusts Lambda" is one set and not
//! thousands of edges. From those who hold everything the walk goes backwards, round by round, to all who reach them.

mod commands;
mod rows;
mod standing;

use std::collections::{BTreeMap, HashMap};

use crate::account::{Account, Controls, DocumentId, PrincipalKind};
use crate::bits::Bits;
use crate::engine::{CompiledStatement, StatementEffect, ResourcePattern};
use crate::pattern::Pattern;
use crate::policy::{Block, Principal};
use crate::arn::Arn;
use crate::request::{Context, Given};
use crate::service::{is_everybody, is_reserved_role};
use crate::tri::Tri;

pub use commands::commands;
pub use rows::{HOLDERS, HolderKind, ROWS, Row, Target, UserWith};
pub use standing::Standing;

/// Rungs of the ladder: in how veiled a way a policy says `*`.
///
/// ```
/// use bartizan_iam::Rung;
/// // The ladder of the implicit `*`: C is who can grant it to itself.
/// assert_eq!(Rung::C.letter(), 'C');
/// assert!(Rung::A < Rung::C);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// It says so.
    A,
    /// Everything but a few actions, and those that grant are left.
    B,
    /// It can grant itself the rest.
    C,
    /// It can take credentials of somebody who has it.
    D,
    /// It can run something with a role that has it.
    E,
    /// It can become a role that has it.
    F,
    /// It can remove what keeps it from it.
    G,
}

impl Rung {
    /// Its letter.
    pub fn letter(self) -> char {
        char::from(b'A' + self as u8)
    }

    /// What it means.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::A => "may do everything",
            Self::B => "may do everything but a few things, and what is left can grant the rest",
            Self::C => "can grant itself everything",
            Self::D => "can take the credentials of somebody who may do everything",
            Self::E => "can run code with a role that may do everything",
            Self::F => "can become a role that may do everything",
            Self::G => "can remove the guard rail that keeps it from everything",
        }
    }
}

/// One step of a path.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Rung, Tri, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let found = escalations(&account, 1);
/// let step = &found.found[0].steps[0];
/// assert_eq!((step.row, step.rung, step.verdict), ("iam-007", Rung::C, Tri::Yes));
/// // It leads to everything, through nobody else.
/// assert_eq!(step.to, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The way.
    pub row: &'static str,
    /// Its rung.
    pub rung: Rung,
    /// Number of the principal whose access this gives; none when it gives everything at once.
    pub to: Option<u32>,
    /// What it goes through: a service, a function, a group.
    pub through: Option<String>,
    /// Whether it works for sure, or only if some condition holds.
    pub verdict: Tri,
}

/// How a principal reaches everything.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let found = escalations(&account, 1);
/// let bob = found.of(0).unwrap();
/// assert!(bob.ways.contains_key("iam-007"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Number of the principal in [`Account::principals`].
    pub principal: u32,
    /// The rung of its first step; A or B when it needs none.
    pub rung: Rung,
    /// Whether every step is sure.
    pub verdict: Tri,
    /// A shortest path, empty for those who hold everything.
    pub steps: Vec<Step>,
    /// Ids of all ways that its first step could take, with their verdicts.
    pub ways: BTreeMap<&'static str, Tri>,
}

/// A grant that a boundary, an SCP or a deny keeps from being everything.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// builder.scp_level(&[("storage-only", r#"{"Version": "2012-10-17", "Statement":
///     {"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"}}"#)]);
/// let found = escalations(&builder.build(), 1);
/// // Whatever Bob grants himself, the organization lets him have little of it.
/// assert!(found.of(0).is_none());
/// assert_eq!((found.limited[0].row, found.limited[0].by.as_str()), ("iam-007", "service control policies of level 1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limited {
    /// Number of the principal.
    pub principal: u32,
    /// The way.
    pub row: &'static str,
    /// What limits it.
    pub by: String,
}

/// What the analysis of an account gives.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let found = escalations(&account, 1);
/// assert_eq!(found.found.len(), 1);
/// assert!(found.of(0).is_some() && found.limited.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Escalations {
    /// By principal.
    pub found: Vec<Escalation>,
    /// Grants that stay within limits.
    pub limited: Vec<Limited>,
}

impl Escalations {
    /// That of a principal.
    pub fn of(&self, principal: u32) -> Option<&Escalation> {
        self.found.binary_search_by_key(&principal, |e| e.principal).ok().map(|n| &self.found[n])
    }
}

/// Actions of which each is enough to get any other.
const GRANTS: &[&str] = &[
    "iam:CreatePolicyVersion",
    "iam:PutUserPolicy",
    "iam:PutRolePolicy",
    "iam:PutGroupPolicy",
    "iam:AttachUserPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachGroupPolicy",
    "iam:PassRole",
];

/// Finds all escalations of an account, with as many threads as asked for. The result does not depend on their number.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Rung, Tri, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let found = escalations(&builder.build(), 1);
/// assert_eq!((found.found[0].rung, found.found[0].verdict), (Rung::C, Tri::Yes));
/// assert_eq!(found.found[0].steps[0].row, "iam-007");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn escalations(account: &Account<'_>, threads: usize) -> Escalations {
    let tables = Tables::new(account);
    let (sets, seen) = Graph { account, tables: &tables }.look_at_all(threads);
    let mut told = told(&sets, &seen, &walk(&sets, &seen));
    // What the organization forbids, and nobody read, may hold each of them back.
    if matches!(account.controls, Controls::Unread(_)) {
        for escalation in &mut told.found {
            escalation.verdict = escalation.verdict.min(Tri::Maybe);
        }
    }
    told
}

/// Where a principal stands: its rung, how sure it is, and its first step.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    rung: Rung,
    verdict: Tri,
    step: Option<Step>,
}

/// Walks from those who hold everything to all who reach them, round by round.
fn walk(sets: &Sets, seen: &[Seen]) -> Vec<Option<Reach>> {
    let mut reach: Vec<Option<Reach>> = vec![None; seen.len()];
    let mut reached = Bits::default();
    // Those who are sure first: a sure path goes before a shorter one that is not.
    for sure in [true, false] {
        for (n, s) in seen.iter().enumerate().filter(|(n, _)| !reached.contains(*n as u32)).collect::<Vec<_>>() {
            if let Some((rung, verdict)) = s.own.filter(|(_, verdict)| *verdict == Tri::Yes || !sure) {
                reach[n] = Some(Reach { rung, verdict, step: None });
                reached.insert(n as u32);
            }
        }
        // The first of each set that is reached.
        let mut hits: Vec<Option<u32>> = vec![None; sets.list.len()];
        let mut left: Vec<usize> = (0..seen.len()).filter(|n| reach[*n].is_none() && !seen[*n].edges.is_empty()).collect();
        loop {
            for (hit, set) in hits.iter_mut().zip(&sets.list).filter(|(hit, _)| hit.is_none()) {
                if set.meets(&reached) {
                    *hit = set.intersection(&reached).iter().next();
                }
            }
            let mut fresh = Vec::new();
            left.retain(|n| match seen[*n].edges.iter().find_map(|edge| edge.step(&hits, sure)) {
                Some(step) => {
                    fresh.push((*n, step));
                    false
                }
                None => true,
            });
            if fresh.is_empty() {
                break;
            }
            for (n, step) in fresh {
                reached.insert(n as u32);
                let behind = step.to.and_then(|to| reach[to as usize].as_ref()).map_or(Tri::Yes, |r| r.verdict);
                reach[n] = Some(Reach { rung: step.rung, verdict: step.verdict.and(behind), step: Some(step) });
            }
        }
    }
    reach
}

/// What a walk found, with whole paths and all first steps.
fn told(sets: &Sets, seen: &[Seen], reach: &[Option<Reach>]) -> Escalations {
    let mut reached = (Bits::default(), Bits::default());
    for (n, r) in reach.iter().enumerate() {
        add(&mut reached, r.as_ref().map_or(Tri::No, |r| r.verdict), n as u32);
    }
    let verdicts: Vec<(bool, bool)> = sets.list.iter().map(|set| (set.meets(&reached.0), set.meets(&reached.1))).collect();
    let mut found = Vec::new();
    for (n, r) in reach.iter().enumerate() {
        let Some(r) = r else { continue };
        let mut ways: BTreeMap<&'static str, Tri> = BTreeMap::new();
        for edge in &seen[n].edges {
            let verdict = match edge.to {
                To::Everything(verdict) => verdict,
                To::Principals { must, .. } if verdicts[must as usize].0 => Tri::Yes,
                To::Principals { may, .. } if verdicts[may as usize].1 => Tri::Maybe,
                To::Principals { .. } => Tri::No,
            };
            if verdict != Tri::No {
                let way = ways.entry(ROWS[edge.row as usize].id).or_insert(verdict);
                *way = (*way).or(verdict);
            }
        }
        found.push(Escalation { principal: n as u32, rung: r.rung, verdict: r.verdict, steps: path(reach, n), ways });
    }
    let mut limited: Vec<Limited> = seen.iter().flat_map(|s| s.limited.iter().cloned()).collect();
    limited.sort();
    Escalations { found, limited }
}

/// The steps of a principal.
fn path(reach: &[Option<Reach>], from: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = Some(from);
    while let Some(step) = at.and_then(|n| reach[n].as_ref()).and_then(|r| r.step.clone()) {
        at = step.to.map(|to| to as usize);
        steps.push(step);
    }
    steps
}

impl Edge {
    /// A step to somebody who reaches everything.
    fn step(&self, hits: &[Option<u32>], sure: bool) -> Option<Step> {
        let row = &ROWS[self.row as usize];
        let step = |to, verdict| Step { row: row.id, rung: row.rung, to, through: self.through.clone(), verdict };
        match self.to {
            To::Everything(verdict) => (verdict == Tri::Yes || !sure).then(|| step(None, verdict)),
            To::Principals { must, may } => match (hits[must as usize], hits[may as usize]) {
                (Some(to), _) => Some(step(Some(to), Tri::Yes)),
                (None, Some(to)) if !sure => Some(step(Some(to), Tri::Maybe)),
                _ => None,
            },
        }
    }
}

/// An edge: a way, and what it gives.
struct Edge {
    row: u16,
    to: To,
    /// What it goes through.
    through: Option<String>,
}

/// What an edge leads to.
#[derive(Clone, Copy)]
enum To {
    Everything(Tri),
    /// The access of one of these principals: for sure, perhaps. Numbers of sets.
    Principals {
        must: u32,
        may: u32,
    },
}

/// What a way gives, as it is worked out.
enum Gives {
    Everything(Tri, Option<String>),
    /// The access of one of these principals: for sure, perhaps.
    Principals(Bits, Bits, Option<String>),
}

/// Sets of principals, each once: thousands of edges lead to the same ones.
#[derive(Default)]
struct Sets {
    list: Vec<Bits>,
    numbers: HashMap<Bits, u32>,
    /// How many there were when all were needed.
    needed: usize,
}

impl Sets {
    fn number(&mut self, set: Bits) -> u32 {
        let next = self.list.len() as u32;
        *self.numbers.entry(set).or_insert_with_key(|set| {
            self.list.push(set.clone());
            next
        })
    }

    /// Puts what was seen of a principal among the others.
    fn enter(&mut self, looked: Looked) -> Seen {
        let edges = looked.gives.into_iter().map(|(row, gives)| match gives {
            Gives::Everything(verdict, through) => Edge { row, to: To::Everything(verdict), through },
            Gives::Principals(must, may, through) => {
                Edge { row, to: To::Principals { must: self.number(must), may: self.number(may) }, through }
            }
        });
        Seen { edges: edges.collect(), own: looked.own, limited: looked.limited }
    }
}

/// An account with what was worked out about it.
#[derive(Clone, Copy)]
struct Graph<'g, 'a> {
    account: &'g Account<'a>,
    tables: &'g Tables,
}

/// What is worked out once for an account.
struct Tables {
    /// All actions that rows need.
    any_need: Bits,
    /// Needs that the table of actions does not know.
    unlisted: Vec<u16>,
    /// All actions that rows need; a row names them by number.
    needs: Vec<Need>,
    row_needs: Vec<Vec<u16>>,
    /// `sts:AssumeRole` among the needs.
    assume: u16,
    /// For each document: need and statement, sorted.
    touched: Vec<Vec<(u16, u16)>>,
    /// For statements about principals: which.
    about: HashMap<(DocumentId, u16), Bits>,
    users: Bits,
    roles: Bits,
    trust: Trust,
    /// By document.
    wide: Vec<Wide>,
    /// Principals whom nothing would keep from everything, if their own policies allowed it.
    free: Bits,
    all: Bits,
    grants: Bits,
    by_arn: HashMap<String, u32>,
    /// To find users and roles by patterns.
    index: Index,
}

struct Need {
    /// Bits of the actions: one, or those of a pattern.
    actions: Bits,
    /// Service and name, in lower case, of an action that the table does not know.
    unlisted: Option<(String, String)>,
    /// Whether it is about users or roles.
    of_principals: bool,
    wildcard_only: bool,
    /// Patterns for the ARNs of its resource types.
    arns: Vec<Pattern>,
}

/// Who is trusted by which roles: for sure, perhaps.
#[derive(Default)]
struct Trust {
    services: HashMap<String, (Bits, Bits)>,
    arns: HashMap<String, (Bits, Bits)>,
    account: (Bits, Bits),
    everybody: (Bits, Bits),
}

fn add(sets: &mut (Bits, Bits), verdict: Tri, number: u32) {
    if verdict == Tri::Yes {
        sets.0.insert(number);
    }
    if verdict != Tri::No {
        sets.1.insert(number);
    }
}

impl Tables {
    fn new(account: &Account<'_>) -> Self {
        let mut numbers: BTreeMap<&str, u16> = BTreeMap::new();
        for need in ROWS.iter().flat_map(|row| row.needs) {
            let next = numbers.len() as u16;
            numbers.entry(need).or_insert(next);
        }
        let mut names: Vec<_> = numbers.iter().map(|(name, n)| (*n, *name)).collect();
        names.sort_unstable();
        let needs: Vec<Need> = names.iter().map(|(_, name)| Need::new(name, account)).collect();
        let kind = |wanted: PrincipalKind| {
            let mut set = Bits::default();
            let of_kind = account.principals.iter().enumerate().filter(|(_, p)| p.kind == wanted && !is_reserved_role(&p.arn));
            of_kind.for_each(|(n, _)| set.insert(n as u32));
            set
        };
        let mut tables = Self {
            any_need: union(needs.iter().map(|n| &n.actions)),
            unlisted: (0..needs.len() as u16).filter(|n| needs[*n as usize].unlisted.is_some()).collect(),
            row_needs: ROWS.iter().map(|row| row.needs.iter().map(|n| numbers[n]).collect()).collect(),
            assume: numbers["sts:AssumeRole"],
            needs,
            touched: Vec::new(),
            about: HashMap::new(),
            wide: Vec::new(),
            users: kind(PrincipalKind::User),
            roles: kind(PrincipalKind::Role),
            trust: Trust::new(account),
            free: Bits::default(),
            all: account.actions.all(),
            grants: GRANTS.iter().fold(Bits::default(), |all, name| all.union(&account.actions.matching(name))),
            by_arn: account.principals.iter().enumerate().map(|(n, p)| (p.arn.clone(), n as u32)).collect(),
            index: Index::new(account.principals.iter().map(|p| p.arn.as_str()), &account.id),
        };
        (0..account.documents.len()).for_each(|d| tables.enter(account, d));
        let graph = Graph { account, tables: &tables };
        let free = (0..account.principals.len() as u32).filter(|n| graph.limit(*n).is_none());
        let mut set = Bits::default();
        free.for_each(|n| set.insert(n));
        tables.free = set;
        tables
    }

    /// Works out what is needed of one document, which is the next one or one that changed.
    fn enter(&mut self, account: &Account<'_>, d: usize) {
        let statements = &account.documents[d].compiled.statements;
        let mut touched: Vec<(u16, u16)> = Vec::new();
        for (s, statement) in statements.iter().enumerate() {
            if statement.actions.meets(&self.any_need) {
                let needs = (0..self.needs.len() as u16).filter(|n| self.needs[*n as usize].is_touched_by(statement));
                touched.extend(needs.map(|n| (n, s as u16)));
            }
            let about =
                |n: &&u16| matches!(&self.needs[**n as usize].unlisted, Some((s, name)) if statement.is_about_unlisted(s, name));
            touched.extend(self.unlisted.iter().filter(about).map(|n| (*n, s as u16)));
        }
        touched.sort_unstable();
        for &(_, s) in touched.iter().filter(|(need, _)| self.needs[*need as usize].of_principals) {
            let key = (d as DocumentId, s);
            if d < self.touched.len() || !self.about.contains_key(&key) {
                self.about.insert(key, self.index.set(&statements[s as usize]));
            }
        }
        let wide = Wide::of(statements);
        if d < self.touched.len() {
            (self.touched[d], self.wide[d]) = (touched, wide);
        } else {
            self.touched.push(touched);
            self.wide.push(wide);
        }
    }
}

impl Graph<'_, '_> {
    /// What each principal holds, and its edges; in pieces, put together in their order.
    fn look_at_all(&self, threads: usize) -> (Sets, Vec<Seen>) {
        let count = self.account.principals.len();
        let piece = count.div_ceil(threads.max(1)).max(1);
        let pieces: Vec<Vec<Looked>> = std::thread::scope(|scope| {
            let run = |from: usize| scope.spawn(move || (from..(from + piece).min(count)).map(|n| self.look(n as u32)).collect());
            let runs: Vec<_> = (0..count).step_by(piece).map(run).collect();
            runs.into_iter().map(|r| r.join().unwrap_or_default()).collect()
        });
        let mut sets = Sets::default();
        let seen = pieces.into_iter().flatten().map(|looked| sets.enter(looked)).collect();
        sets.needed = sets.list.len();
        (sets, seen)
    }

    /// What one principal holds, and where it can go.
    fn look(&self, number: u32) -> Looked {
        let me = &self.account.principals[number as usize];
        let mut seen = Looked::default();
        if is_reserved_role(&me.arn) {
            return seen;
        }
        seen.own = self.holds_everything(number);
        if seen.own.is_some_and(|(_, verdict)| verdict == Tri::Yes) {
            return seen;
        }
        let mut mask = vec![false; self.tables.needs.len()];
        me.policies.iter().flat_map(|d| &self.tables.touched[*d as usize]).for_each(|(need, _)| mask[*need as usize] = true);
        // A trust policy that names the caller needs nothing of it.
        let trusted = self.tables.trust.arns.contains_key(&me.arn) || !self.tables.trust.everybody.1.is_empty();
        let mut mind =
            Mind { graph: *self, number, context: None, somewhere: HashMap::new(), targets: HashMap::new(), limit: None };
        for (r, row) in ROWS.iter().enumerate() {
            let asks = &self.tables.row_needs[r];
            let assume_only = trusted && row.id == "sts-001";
            if !assume_only && !asks.iter().all(|n| mask[*n as usize]) {
                continue;
            }
            for gives in mind.gives(row, asks) {
                match gives {
                    Gives::Everything(Tri::No, _) => {}
                    Gives::Principals(_, may, _) if may.is_empty() => {}
                    // What the caller gives itself or another stays within what limits that one.
                    Gives::Everything(..) if row.rung == Rung::C && row.target != Target::Service && mind.limit().is_some() => {
                        let by = mind.limit().unwrap_or_default();
                        seen.limited.push(Limited { principal: number, row: row.id, by });
                    }
                    gives => seen.gives.push((r as u16, gives)),
                }
            }
        }
        seen
    }

    /// Actions that are allowed on everything by these documents: whatever the request, or (`Maybe`) under conditions.
    fn on_everything(&self, documents: &[DocumentId], at_least: Tri) -> Bits {
        union(documents.iter().map(|d| {
            if at_least == Tri::Yes {
                &self.tables.wide[*d as usize].allowed
            } else {
                &self.tables.wide[*d as usize].perhaps_allowed
            }
        }))
    }

    /// Actions that are denied on everything, for sure or perhaps.
    fn denied_on_everything(&self, documents: &[DocumentId], sure: bool) -> Bits {
        union(
            documents
                .iter()
                .map(|d| if sure { &self.tables.wide[*d as usize].denied } else { &self.tables.wide[*d as usize].perhaps_denied }),
        )
    }

    /// Everything that holds for all principals of the account, and the boundary of one.
    fn ceilings(&self, number: u32) -> Vec<Vec<DocumentId>> {
        let mut all = self.account.scp.clone();
        all.extend(self.account.principals[number as usize].boundary.map(|b| vec![b]));
        all
    }

    /// Whether a principal may do everything as it is, by rung A or B.
    fn holds_everything(&self, number: u32) -> Option<(Rung, Tri)> {
        let me = &self.account.principals[number as usize];
        // Sure and perhaps: what conditions leave open.
        [(Tri::Yes, Tri::Yes), (Tri::Maybe, Tri::Maybe)].into_iter().find_map(|(at_least, verdict)| {
            self.everything(&me.policies, &self.ceilings(number), at_least).map(|rung| (rung, verdict))
        })
    }

    fn everything(&self, policies: &[DocumentId], ceilings: &[Vec<DocumentId>], at_least: Tri) -> Option<Rung> {
        let allowed = self.on_everything(policies, at_least);
        if allowed.len() * 10 < self.tables.all.len() * 9 {
            return None;
        }
        let sure_denies = at_least == Tri::Maybe;
        let mut left = allowed.difference(&self.denied_on_everything(policies, sure_denies));
        for level in ceilings {
            left =
                left.intersection(&self.on_everything(level, at_least)).difference(&self.denied_on_everything(level, sure_denies));
        }
        let whole = left.len() * 10 >= self.tables.all.len() * 9 && left.meets(&self.tables.grants);
        // It says `*`, also among others or spelled out service by service; or it says what it leaves out.
        let spelled =
            |statement: &CompiledStatement| statement.effect == StatementEffect::Allow && matches!(statement.unlisted, Block::Is(_));
        let mut plain = Bits::default();
        policies
            .iter()
            .flat_map(|d| &self.account.documents[*d as usize].compiled.statements)
            .filter(|s| spelled(s))
            .for_each(|s| plain = plain.union(&s.actions));
        whole.then_some(if plain == self.tables.all { Rung::A } else { Rung::B })
    }

    /// What keeps a principal from everything, even if its own policies allowed all.
    fn limit(&self, number: u32) -> Option<String> {
        let me = &self.account.principals[number as usize];
        let whole = |documents: &[DocumentId]| {
            let left = self.on_everything(documents, Tri::Yes).difference(&self.denied_on_everything(documents, false));
            left.len() * 10 >= self.tables.all.len() * 9 && left.meets(&self.tables.grants)
        };
        if let Some(boundary) = me.boundary.filter(|b| !whole(&[*b])) {
            return Some(format!("permission boundary {}", self.account.documents[boundary as usize].name));
        }
        if me.boundary.is_none() && me.unread.iter().any(|u| u.starts_with("boundary ")) {
            return Some("a permission boundary that was not read".to_owned());
        }
        if let Some(n) = self.account.scp.iter().position(|level| !whole(level)) {
            return Some(format!("service control policies of level {}", n + 1));
        }
        let denied = self.denied_on_everything(&me.policies, true);
        denied.covers(&self.tables.grants).then(|| "a deny in its own policies".to_owned())
    }
}

/// What one document says about everything: actions on all resources.
#[derive(Default)]
struct Wide {
    allowed: Bits,
    perhaps_allowed: Bits,
    denied: Bits,
    perhaps_denied: Bits,
}

impl Wide {
    fn of(statements: &[CompiledStatement]) -> Self {
        let mut wide = Self::default();
        for statement in statements {
            let on_all = match &statement.resource {
                Some(Block::Is(list)) => list.iter().any(|r| matches!(r, ResourcePattern::Pattern(p) if p.is_all())),
                Some(Block::Not(list)) => list.is_empty(),
                None => false,
            };
            if !on_all {
                continue;
            }
            let sure = statement.understood && statement.conditions.is_empty();
            let (certain, perhaps) = match statement.effect {
                StatementEffect::Allow => (&mut wide.allowed, &mut wide.perhaps_allowed),
                StatementEffect::Deny => (&mut wide.denied, &mut wide.perhaps_denied),
                StatementEffect::Other => continue,
            };
            *perhaps = perhaps.union(&statement.actions);
            if sure {
                *certain = certain.union(&statement.actions);
            }
        }
        wide
    }
}

fn union<'b>(mut sets: impl Iterator<Item = &'b Bits>) -> Bits {
    let mut all = sets.next().cloned().unwrap_or_default();
    for set in sets.filter(|s| !s.is_empty()) {
        all = if all.is_empty() { set.clone() } else { all.union(set) };
    }
    all
}

/// What one principal holds, and where it can go.
struct Seen {
    own: Option<(Rung, Tri)>,
    edges: Vec<Edge>,
    limited: Vec<Limited>,
}

/// The same as it is worked out.
#[derive(Default)]
struct Looked {
    own: Option<(Rung, Tri)>,
    gives: Vec<(u16, Gives)>,
    limited: Vec<Limited>,
}

/// What is worked out about one principal, once.
struct Mind<'g, 'a> {
    graph: Graph<'g, 'a>,
    number: u32,
    context: Option<Context>,
    somewhere: HashMap<u16, Tri>,
    targets: HashMap<(u16, Option<&'static str>), (Bits, Bits)>,
    limit: Option<Option<String>>,
}

impl Mind<'_, '_> {
    fn limit(&mut self) -> Option<String> {
        let (graph, number) = (self.graph, self.number);
        self.limit.get_or_insert_with(|| graph.limit(number)).clone()
    }

    /// What a way gives.
    fn gives(&mut self, row: &Row, asks: &[u16]) -> Vec<Gives> {
        let graph = self.graph;
        let account = graph.account;
        let me = &account.principals[self.number as usize];
        let is_user = me.kind == PrincipalKind::User;
        let everything = |verdict| vec![Gives::Everything(verdict, None)];
        // Of pairs about the same user or role, who is in both.
        let both = |a: (Bits, Bits), b: (Bits, Bits)| (a.0.intersection(&b.0), a.1.intersection(&b.1));
        let any = |sets: &(Bits, Bits)| match sets {
            (must, _) if !must.is_empty() => Tri::Yes,
            (_, may) if !may.is_empty() => Tri::Maybe,
            _ => Tri::No,
        };
        match row.target {
            Target::Own => everything(asks.iter().fold(Tri::Yes, |v, n| v.and(self.on(*n, &me.arn, None)))),
            Target::OwnUser | Target::OwnRole if (row.target == Target::OwnUser) == is_user => {
                everything(self.on(asks[0], &me.arn, None))
            }
            Target::OwnUser | Target::OwnRole => Vec::new(),
            Target::OwnGroup => {
                let groups = me.groups.iter().map(|g| account.groups[*g as usize].arn.as_str());
                everything(groups.fold(Tri::No, |v, arn| v.or(self.on(asks[0], arn, None))))
            }
            Target::OwnPolicy => {
                everything(self.own_policies().into_iter().fold(Tri::No, |v, arn| v.or(self.on(asks[0], &arn, None))))
            }
            Target::OwnPolicyVersion => {
                let own = self.own_policies();
                let better = account.versions.iter().filter(|(policy, version)| {
                    own.contains(&account.documents[*policy as usize].name)
                        && graph.everything(&[*version], &[], Tri::Yes).is_some()
                });
                let mut verdict =
                    better.fold(Tri::No, |v, (policy, _)| v.or(self.on(asks[0], &account.documents[*policy as usize].name, None)));
                // Policies of which no other version was read may have one.
                if verdict == Tri::No && account.versions.is_empty() {
                    verdict = own.iter().fold(Tri::No, |v, arn| v.or(self.on(asks[0], arn, None))).and(Tri::Maybe);
                }
                everything(verdict)
            }
            Target::Group if is_user => {
                let with = |g: &&crate::account::Group| {
                    graph
                        .everything(&[me.policies.as_slice(), &g.policies].concat(), &graph.ceilings(self.number), Tri::Yes)
                        .is_some()
                };
                let strong: Vec<_> = account.groups.iter().filter(with).map(|g| g.arn.clone()).collect();
                strong.into_iter().map(|arn| Gives::Everything(self.on(asks[0], &arn, None), Some(arn))).collect()
            }
            Target::Group => Vec::new(),
            Target::OwnBoundary => match me.boundary {
                Some(_) if is_user && graph.everything(&me.policies, &account.scp, Tri::Yes).is_some() => {
                    everything(self.on(asks[0], &me.arn, None))
                }
                _ => Vec::new(),
            },
            Target::User(with) => {
                let mut sets = self.targets(asks[0], None);
                for ask in &asks[1..] {
                    sets = both(sets, self.targets(*ask, None));
                }
                self.principals(graph.users_with(with, sets))
            }
            Target::GrantedUser => {
                let sets = both(self.targets(asks[0], None), self.targets(asks[1], None));
                everything(any(
                    &graph.without_limits(self.without_me(both((graph.tables.users.clone(), graph.tables.users.clone()), sets)))
                ))
            }
            Target::RetrustedRole => {
                let mut sets = both((graph.tables.roles.clone(), graph.tables.roles.clone()), self.targets(asks[0], None));
                for ask in &asks[1..] {
                    sets = both(sets, self.targets(*ask, None));
                }
                let sets = self.not_denied(sets);
                self.principals(sets)
            }
            Target::GrantedRetrustedRole => {
                let roles = both((graph.tables.roles.clone(), graph.tables.roles.clone()), self.targets(asks[1], None));
                let granted = self.granted(asks[0], roles);
                let granted = self.not_denied(granted);
                everything(any(&graph.without_limits(self.without_me(granted))))
            }
            Target::TrustingRole => {
                let sets = self.trusting(asks[0]);
                self.principals(sets)
            }
            Target::GrantedTrustingRole => {
                let roles = self.trusting(asks[1]);
                let granted = self.granted(asks[0], roles);
                everything(any(&graph.without_limits(self.without_me(granted))))
            }
            Target::UnboundTrustingRole => {
                let roles = both(self.trusting(asks[1]), self.targets(asks[0], None));
                let unbound = |set: &Bits| {
                    let mut kept = Bits::default();
                    set.iter()
                        .filter(|n| {
                            let role = &account.principals[*n as usize];
                            role.boundary.is_some() && graph.everything(&role.policies, &account.scp, Tri::Yes).is_some()
                        })
                        .for_each(|n| kept.insert(n));
                    kept
                };
                everything(any(&(unbound(&roles.0), unbound(&roles.1))))
            }
            Target::NewRole => {
                // Its name is the caller's choice: whatever the patterns allow.
                let verdict = asks.iter().fold(Tri::Yes, |v, n| v.and(self.somewhere(*n)));
                everything(if graph.account.scp.is_empty() || graph.limit(self.number).is_none() {
                    verdict
                } else {
                    verdict.and(Tri::Maybe)
                })
            }
            Target::PassedRole(services) => {
                // PassRole stands first.
                let others = asks[1..].iter().fold(Tri::Yes, |v, n| v.and(self.somewhere(*n)));
                if others == Tri::No {
                    return Vec::new();
                }
                let pass = asks[0];
                let mut gives = Vec::new();
                for service in services {
                    let Some(trusting) = graph.tables.trust.services.get(*service) else { continue };
                    let sets = both(trusting.clone(), self.targets(pass, Some(service)));
                    let sets = if others == Tri::Yes { sets } else { (Bits::default(), sets.1) };
                    gives.push(Gives::Principals(sets.0, sets.1, Some((*service).to_owned())));
                }
                gives
            }
            Target::Holder(kind) => {
                let mut gives = Vec::new();
                for holder in account.holders.iter().filter(|h| h.kind == kind) {
                    let Some(role) = graph.tables.by_arn.get(holder.role.as_str()) else { continue };
                    let verdict = asks.iter().fold(Tri::Yes, |v, n| v.and(self.on_or_somewhere(*n, &holder.arn)));
                    let mut sets = (Bits::default(), Bits::default());
                    add(&mut sets, verdict, *role);
                    gives.push(Gives::Principals(sets.0, sets.1, Some(holder.arn.clone())));
                }
                // Where it was not read what there is, there may be one with any role that trusts the service.
                if !account.holders_read.iter().any(|k| k == kind)
                    && let Some(about) = HOLDERS.iter().find(|h| h.kind == kind)
                {
                    let verdict = asks.iter().fold(Tri::Yes, |v, n| v.and(self.somewhere_like(*n, about)));
                    let (_, trusting) = graph.tables.trust.services.get(about.service).cloned().unwrap_or_default();
                    if verdict != Tri::No {
                        gives.push(Gives::Principals(Bits::default(), trusting, Some(format!("a {kind} that was not read"))));
                    }
                }
                gives
            }
            Target::Service => everything(asks.iter().fold(Tri::Yes, |v, n| v.and(self.somewhere(*n))).and(Tri::Maybe)),
        }
    }

    fn principals(&self, sets: (Bits, Bits)) -> Vec<Gives> {
        let (must, may) = self.without_me(sets);
        vec![Gives::Principals(must, may, None)]
    }

    fn without_me(&self, (must, may): (Bits, Bits)) -> (Bits, Bits) {
        let mut me = Bits::default();
        me.insert(self.number);
        (must.difference(&me), may.difference(&me))
    }

    /// Managed policies of the caller that are not AWS's.
    fn own_policies(&self) -> Vec<String> {
        let account = self.graph.account;
        let names = account.principals[self.number as usize].managed.iter().map(|d| account.documents[*d as usize].name.clone());
        names.filter(|arn| !arn.starts_with("arn:aws:iam::aws:")).collect()
    }

    /// Of some roles those that the caller can give more: directly, or by a policy that they have.
    fn granted(&mut self, need: u16, roles: (Bits, Bits)) -> (Bits, Bits) {
        if self.graph.tables.needs[need as usize].of_principals {
            let sets = self.targets(need, None);
            return (roles.0.intersection(&sets.0), roles.1.intersection(&sets.1));
        }
        let account = self.graph.account;
        let mut kept = (Bits::default(), Bits::default());
        for number in roles.1.iter() {
            let policies = account.principals[number as usize].managed.iter().map(|d| account.documents[*d as usize].name.as_str());
            let own =
                policies.filter(|arn| !arn.starts_with("arn:aws:iam::aws:")).fold(Tri::No, |v, arn| v.or(self.on(need, arn, None)));
            add(&mut kept, if roles.0.contains(number) { own } else { own.and(Tri::Maybe) }, number);
        }
        kept
    }

    /// Without the roles that the caller may not assume even when they trust it.
    fn not_denied(&mut self, (must, may): (Bits, Bits)) -> (Bits, Bits) {
        let (denied_must, denied_may) = self.denied(self.graph.tables.assume);
        (must.difference(&denied_may), may.difference(&denied_must))
    }

    /// Roles that the caller can assume.
    fn trusting(&mut self, need: u16) -> (Bits, Bits) {
        let trust = &self.graph.tables.trust;
        let me = &self.graph.account.principals[self.number as usize];
        let (must, may) = self.targets(need, None);
        let (denied_must, denied_may) = self.denied(need);
        let own = trust.arns.get(&me.arn).cloned().unwrap_or_default();
        let direct = (own.0.union(&trust.everybody.0), own.1.union(&trust.everybody.1));
        let direct = (direct.0.difference(&denied_may), direct.1.difference(&denied_must));
        // A role that is named directly needs no permission of its own, where no SCP withholds it.
        let direct = if self.graph.account.scp.is_empty() && me.boundary.is_none() {
            direct
        } else {
            (direct.0.intersection(&must), direct.1)
        };
        (direct.0.union(&trust.account.0.intersection(&must)), direct.1.union(&trust.account.1.intersection(&may)))
    }

    fn context(&mut self, service: Option<&str>) -> Context {
        let account = self.graph.account;
        let me = &account.principals[self.number as usize];
        let base = self.context.get_or_insert_with(|| {
            let mut context = Context::open();
            let mut set = |key: &str, value: &str| context.set(key, Given::One(value.to_owned()));
            set("aws:PrincipalArn", &me.arn);
            set("aws:PrincipalAccount", &account.id);
            set("aws:ResourceAccount", &account.id);
            set("aws:PrincipalIsAWSService", "false");
            match me.kind {
                PrincipalKind::User => {
                    set("aws:PrincipalType", "User");
                    set("aws:username", &me.name);
                }
                PrincipalKind::Role => set("aws:PrincipalType", "AssumedRole"),
            }
            context
        });
        let mut context = base.clone();
        if let Some(service) = service {
            context.set("iam:PassedToService", Given::One(service.to_owned()));
        }
        context
    }

    /// Statements of some documents that are about an action.
    fn statements(&self, documents: &[DocumentId], need: u16) -> Vec<(DocumentId, u16)> {
        let mut list = Vec::new();
        for &d in documents {
            let touched = &self.graph.tables.touched[d as usize];
            let from = touched.partition_point(|(n, _)| *n < need);
            list.extend(touched[from..].iter().take_while(|(n, _)| *n == need).map(|(_, s)| (d, *s)));
        }
        list
    }

    fn layers(&self) -> Vec<Vec<DocumentId>> {
        let me = &self.graph.account.principals[self.number as usize];
        let mut layers = vec![me.policies.clone()];
        layers.extend(self.graph.ceilings(self.number));
        layers
    }

    /// Whether the caller may do something to a resource, as far as identity policies, boundary and SCPs say.
    fn on(&mut self, need: u16, arn: &str, service: Option<&str>) -> Tri {
        let context = self.context(service);
        let mut verdict = Tri::Yes;
        for layer in self.layers() {
            let (mut allow, mut deny) = (Tri::No, Tri::No);
            for (d, s) in self.statements(&layer, need) {
                let statement = &self.graph.account.documents[d as usize].compiled.statements[s as usize];
                let applies = statement.applies_to(arn, &context);
                match statement.effect {
                    StatementEffect::Allow => allow = allow.or(applies),
                    StatementEffect::Deny => deny = deny.or(applies),
                    StatementEffect::Other => (allow, deny) = (allow.or(applies.and(Tri::Maybe)), deny.or(applies.and(Tri::Maybe))),
                }
            }
            verdict = verdict.and(allow).and(deny.not());
        }
        verdict
    }

    /// The same where the action is about this resource, and else on whatever it is about.
    fn on_or_somewhere(&mut self, need: u16, arn: &str) -> Tri {
        if self.graph.tables.needs[need as usize].arns.iter().any(|p| p.matches(arn)) {
            self.on(need, arn, None)
        } else {
            self.somewhere(need)
        }
    }

    /// Whether the caller may do something to anything.
    fn somewhere(&mut self, need: u16) -> Tri {
        if let Some(verdict) = self.somewhere.get(&need) {
            return *verdict;
        }
        let asked = &self.graph.tables.needs[need as usize];
        let verdict = self.any_of(need, &asked.arns);
        self.somewhere.insert(need, verdict);
        verdict
    }

    /// The same for things of a kind, where the action is about such things.
    fn somewhere_like(&mut self, need: u16, kind: &HolderKind) -> Tri {
        let (service, resource) = kind.arn;
        let wanted = Pattern::arn(&format!("arn:*:{service}:*:*:{resource}*"));
        let asked = &self.graph.tables.needs[need as usize];
        let like: Vec<Pattern> = asked.arns.iter().filter(|a| a.meets(&wanted).is_some()).cloned().collect();
        if like.is_empty() { self.somewhere(need) } else { self.any_of(need, &like) }
    }

    /// Asks of an example of each sort of ARN, and of examples of what the caller's policies name.
    fn any_of(&mut self, need: u16, arns: &[Pattern]) -> Tri {
        let asked = &self.graph.tables.needs[need as usize];
        if asked.wildcard_only || arns.is_empty() {
            return self.on(need, "*", None);
        }
        let mut examples: Vec<String> = arns.iter().map(Pattern::example).collect();
        let documents = self.graph.account.principals[self.number as usize].policies.clone();
        for (d, s) in self.statements(&documents, need) {
            let statement = &self.graph.account.documents[d as usize].compiled.statements[s as usize];
            if let (StatementEffect::Allow, Some(Block::Is(list))) = (statement.effect, &statement.resource) {
                let patterns =
                    list.iter().filter_map(|r| if let ResourcePattern::Pattern(p) = r { Some(p) } else { None }).filter(|p| !p.is_all());
                // An ARN of a type that the action takes and that the pattern allows.
                examples.extend(patterns.flat_map(|p| arns.iter().filter_map(|a| a.meets(p))).take(EXAMPLES_MAX));
            }
        }
        let mut verdict = Tri::No;
        for example in examples {
            verdict = verdict.or(self.on(need, &example, None));
            if verdict == Tri::Yes {
                break;
            }
        }
        verdict
    }

    /// Users and roles to which the caller may do something.
    fn targets(&mut self, need: u16, service: Option<&'static str>) -> (Bits, Bits) {
        if let Some(sets) = self.targets.get(&(need, service)) {
            return sets.clone();
        }
        let context = self.context(service);
        let mut result: Option<(Bits, Bits)> = None;
        for layer in self.layers() {
            let (allow, deny) = self.sets(&layer, need, &context);
            let own = (allow.0.difference(&deny.1), allow.1.difference(&deny.0));
            result = Some(match result {
                None => own,
                Some(before) => (before.0.intersection(&own.0), before.1.intersection(&own.1)),
            });
        }
        let result = result.unwrap_or_default();
        self.targets.insert((need, service), result.clone());
        result
    }

    /// Users and roles to which something is denied: for sure, perhaps.
    fn denied(&mut self, need: u16) -> (Bits, Bits) {
        let context = self.context(None);
        let mut all = (Bits::default(), Bits::default());
        for layer in self.layers() {
            let (_, deny) = self.sets(&layer, need, &context);
            all = (all.0.union(&deny.0), all.1.union(&deny.1));
        }
        all
    }

    /// What a layer allows and denies: for sure, perhaps.
    fn sets(&self, layer: &[DocumentId], need: u16, context: &Context) -> ((Bits, Bits), (Bits, Bits)) {
        let (mut allow, mut deny) = ((Bits::default(), Bits::default()), (Bits::default(), Bits::default()));
        for (d, s) in self.statements(layer, need) {
            let statement = &self.graph.account.documents[d as usize].compiled.statements[s as usize];
            let mut verdict = statement.conditions.iter().fold(Tri::from(true), |v, c| v.and(c.holds(context)));
            if !statement.understood || statement.effect == StatementEffect::Other {
                verdict = verdict.and(Tri::Maybe);
            }
            let about = &self.graph.tables.about[&(d, s)];
            // A pattern with variables stands for what it may stand for.
            let exact = !statement.has_templates();
            let put = |sets: &mut (Bits, Bits)| {
                if verdict == Tri::Yes && exact {
                    sets.0 = sets.0.union(about);
                }
                if verdict != Tri::No {
                    sets.1 = sets.1.union(about);
                }
            };
            if statement.effect != StatementEffect::Deny {
                put(&mut allow);
            }
            if statement.effect != StatementEffect::Allow {
                put(&mut deny);
            }
        }
        (allow, deny)
    }
}

/// Examples that are tried for one pattern.
const EXAMPLES_MAX: usize = 8;

impl Graph<'_, '_> {
    /// Users whose credentials can be taken in that way.
    fn users_with(&self, with: UserWith, sets: (Bits, Bits)) -> (Bits, Bits) {
        let mut kept = (Bits::default(), Bits::default());
        for number in sets.1.intersection(&self.tables.users).iter() {
            let user = &self.account.principals[number as usize];
            let known = match with {
                UserWith::Anything => Tri::Yes,
                UserWith::RoomForKey => user.keys.map_or(Tri::Yes, |n| Tri::from(n < 2)),
                UserWith::NoLogin => user.login.map_or(Tri::Maybe, |login| Tri::from(!login)),
                UserWith::Login => user.login.map_or(Tri::Maybe, Tri::from),
            };
            add(&mut kept, if sets.0.contains(number) { known } else { known.and(Tri::Maybe) }, number);
        }
        kept
    }

    /// Those whom a grant would give everything.
    fn without_limits(&self, (must, may): (Bits, Bits)) -> (Bits, Bits) {
        (must.intersection(&self.tables.free), may.intersection(&self.tables.free))
    }
}

impl Need {
    /// Whether a statement allows all of it, or denies any of it.
    fn is_touched_by(&self, statement: &CompiledStatement) -> bool {
        let allows = statement.effect == StatementEffect::Allow;
        if allows {
            !self.actions.is_empty() && statement.actions.covers(&self.actions)
        } else {
            statement.actions.meets(&self.actions)
        }
    }

    fn new(name: &str, account: &Account<'_>) -> Self {
        let actions = account.actions.matching(name);
        let first = account.actions.find(name);
        let templates: Vec<&str> = first.into_iter().flat_map(|a| account.actions.resource_arns(a)).collect();
        let filled = |template: &str, with: &str| -> String {
            let mut text = String::new();
            let mut rest = template;
            while let Some((before, after)) = rest.split_once("${") {
                let (name, behind) = after.split_once('}').unwrap_or((after, ""));
                text.push_str(before);
                text.push_str(match name {
                    "Partition" => "aws",
                    "Account" => &account.id,
                    "Region" if with == "x" => "us-east-1",
                    _ => with,
                });
                rest = behind;
            }
            text + rest
        };
        let of_principals = templates.iter().any(|t| t.contains(":iam:") && (t.contains(":role/") || t.contains(":user/")));
        Self {
            of_principals: of_principals || name == "iam:Put*" || name == "iam:*",
            unlisted: actions.is_empty().then(|| {
                let lower = name.to_ascii_lowercase();
                lower.split_once(':').map(|(service, name)| (service.to_owned(), name.to_owned())).unwrap_or_default()
            }),
            wildcard_only: first.is_some_and(|a| account.actions.is_wildcard_only(a)),
            arns: templates.iter().map(|t| Pattern::arn(&filled(t, "*"))).collect(),
            actions,
        }
    }
}

impl Trust {
    fn new(account: &Account<'_>) -> Self {
        let assume = account.actions.bit("sts:AssumeRole");
        let mut trust = Self::default();
        for (number, role) in account.principals.iter().enumerate() {
            let (Some(document), false) = (role.trust, is_reserved_role(&role.arn)) else { continue };
            let statements = &account.documents[document as usize].compiled.statements;
            // A deny in a trust policy is rare: what it leaves is not sure.
            let denies = statements.iter().any(|s| s.effect != StatementEffect::Allow);
            for statement in statements.iter().filter(|s| s.effect == StatementEffect::Allow && s.actions.contains(assume)) {
                let mut context = Context::open();
                context.set("aws:PrincipalAccount", Given::One(account.id.clone()));
                let mut verdict = statement.conditions.iter().fold(Tri::Yes, |v, c| v.and(c.holds(&context)));
                if denies || !statement.understood {
                    verdict = verdict.and(Tri::Maybe);
                }
                let number = number as u32;
                match &statement.principal {
                    None => {}
                    Some(Block::Not(_)) => add(&mut trust.everybody, verdict.and(Tri::Maybe), number),
                    Some(Block::Is(list)) => {
                        for principal in list {
                            match principal {
                                _ if is_everybody(principal) => add(&mut trust.everybody, verdict, number),
                                Principal::Of(kind, service) if kind == "Service" => {
                                    add(trust.services.entry(service.clone()).or_default(), verdict, number);
                                }
                                Principal::Of(kind, value)
                                    if kind == "AWS" && (*value == account.id || Arn::is_root_of(value, &account.id)) =>
                                {
                                    add(&mut trust.account, verdict, number);
                                }
                                Principal::Of(kind, arn) if kind == "AWS" => {
                                    add(trust.arns.entry(arn.clone()).or_default(), verdict, number)
                                }
                                // Cognito gives the roles of an identity pool out to whom the attacker likes.
                                Principal::Of(kind, provider)
                                    if kind == "Federated" && provider == "cognito-identity.amazonaws.com" =>
                                {
                                    add(trust.services.entry(provider.clone()).or_default(), verdict, number);
                                }
                                _ => {}
                            }
                        }
                    }
                }
            }
            // Roles that only web identities may assume have another action.
            for statement in statements.iter().filter(|s| s.effect == StatementEffect::Allow && !s.actions.contains(assume)) {
                if let Some(Block::Is(list)) = &statement.principal {
                    for principal in list {
                        if let Principal::Of(kind, provider) = principal
                            && kind == "Federated"
                            && provider == "cognito-identity.amazonaws.com"
                        {
                            let verdict = if statement.conditions.is_empty() { Tri::Yes } else { Tri::Maybe };
                            add(trust.services.entry(provider.clone()).or_default(), verdict, number as u32);
                        }
                    }
                }
            }
        }
        trust
    }
}

/// ARNs of users and roles of one account, to be found by patterns.
struct Index {
    segments: [String; 5],
    /// Last segment and number, sorted.
    names: Vec<(String, u32)>,
    all: Bits,
}

impl Index {
    fn new<'t>(arns: impl Iterator<Item = &'t str>, account: &str) -> Self {
        let mut partition = "aws".to_owned();
        let mut names: Vec<(String, u32)> = Vec::new();
        for (number, arn) in arns.enumerate() {
            let parsed = crate::arn::Arn::parse(arn);
            if let Some(arn) = parsed {
                arn.partition.clone_into(&mut partition);
            }
            names.push((parsed.map_or_else(String::new, |a| a.resource.to_owned()), number as u32));
        }
        names.sort();
        let mut all = Bits::default();
        all.fill(0..names.len() as u32);
        Self { segments: ["arn".to_owned(), partition, "iam".to_owned(), String::new(), account.to_owned()], names, all }
    }

    /// Those that a statement is about.
    fn set(&self, statement: &CompiledStatement) -> Bits {
        let of = |list: &[ResourcePattern]| {
            let mut set = Bits::default();
            for resource in list {
                let found = match resource {
                    ResourcePattern::Pattern(pattern) => self.matching(pattern),
                    // Any text may stand in place of a variable.
                    ResourcePattern::Template(pieces) => self.matching(&Pattern::arn(&crate::engine::widened(pieces))),
                };
                set = if set.is_empty() { found } else { set.union(&found) };
            }
            set
        };
        match &statement.resource {
            None => self.all.clone(),
            Some(Block::Is(list)) => of(list),
            Some(Block::Not(list)) => self.all.difference(&of(list)),
        }
    }

    fn matching(&self, pattern: &Pattern) -> Bits {
        let [a, b, c, d, e] = &self.segments;
        let Some(rest) = pattern.behind([a, b, c, d, e]) else { return Bits::default() };
        if rest.is_all() {
            return self.all.clone();
        }
        let prefix = rest.prefix();
        let from = self.names.partition_point(|(name, _)| name.as_str() < prefix.as_str());
        let mut numbers: Vec<u32> = self.names[from..]
            .iter()
            .take_while(|(name, _)| name.starts_with(&prefix))
            .filter(|(name, _)| rest.matches(name))
            .map(|(_, n)| *n)
            .collect();
        numbers.sort_unstable();
        let mut set = Bits::default();
        numbers.into_iter().for_each(|n| set.insert(n));
        set
    }
}
