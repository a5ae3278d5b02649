//! An account as checks see it: facts, what was not read, its policies, and the snapshot before.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::missing::{GLOBAL, MissingFact, MissingReason};
use bartizan_iam::{Account, ExternalAccess, KnownAccounts, Policy, external_access};
use bartizan_inventory::fact::unescape;
use bartizan_inventory::snapshot::{CallStatus, Coverage, Snapshot, side_lines};

use crate::drift::Drift;
use crate::policies::{HeldPolicy, HolderKind, PolicyHolder};
use crate::reading::{DocumentSource, FactView, List};
use crate::rebuild::RebuildTargets;

/// Parts of an [`AccountView`].
#[derive(Clone, Copy)]
pub struct ViewInput<'a> {
    pub snapshot: &'a Snapshot<'a>,
    /// Side lines of the snapshot, which hold the fields that move by themselves; empty where they
    /// are not at hand.
    pub side: &'a str,
    /// A document by its hash.
    pub documents: &'a dyn Fn(&bartizan_inventory::fact::Hash) -> Option<Vec<u8>>,
    /// Its policies, of the same snapshot.
    pub iam: &'a Account<'a>,
    /// Accounts of the organization, friends and vendors.
    pub known: &'a KnownAccounts,
    /// Time to which ages count, milliseconds since 1970.
    pub time_ms: i64,
    /// Bucket of the store, where it is one.
    pub evidence_bucket: Option<&'a str>,
    /// How often things are to be rebuilt.
    pub rebuild: RebuildTargets,
}

/// An account, indexed for the checks.
pub struct AccountView<'a> {
    /// Twelve digits.
    pub id: &'a str,
    pub time_ms: i64,
    pub iam: &'a Account<'a>,
    pub known: &'a KnownAccounts,
    facts: HashMap<&'a str, Vec<FactView<'a>>>,
    /// Rows of coverage by kind and region.
    rows: HashMap<(&'a str, &'a str), Vec<&'a Coverage>>,
    /// Regions that were asked for a kind.
    regions: BTreeMap<&'a str, BTreeSet<&'a str>>,
    regions_off: BTreeSet<&'a str>,
    external: Vec<ExternalAccess>,
    before: Option<&'a AccountView<'a>>,
    drift: Option<&'a Drift>,
    evidence_bucket: Option<&'a str>,
    pub(crate) rebuild: RebuildTargets,
    holders: OnceCell<Vec<PolicyHolder>>,
}

impl<'a> AccountView<'a> {
    /// The view of a snapshot.
    #[must_use]
    pub fn new(input: &ViewInput<'a>) -> Self {
        let snapshot = input.snapshot;
        let mut facts: HashMap<&str, Vec<FactView<'a>>> = HashMap::new();
        let mut side = side_lines(input.side);
        let documents: DocumentSource<'a> = input.documents;
        for line in &snapshot.facts {
            let volatile = side.next().map_or("", |s| s.volatile);
            let fact = FactView::new(
                (line.kind, line.region, unescape(line.id).into_owned()),
                (line.canonical, line.raw),
                volatile,
                documents,
            );
            facts.entry(line.kind).or_default().push(fact);
        }
        // Escaped ids may stand in another order than they sort without escapes.
        for of_kind in facts.values_mut() {
            of_kind.sort_by(|a, b| (a.region, &a.id).cmp(&(b.region, &b.id)));
        }
        let mut rows: HashMap<(&str, &str), Vec<&Coverage>> = HashMap::new();
        let mut regions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut regions_off = BTreeSet::new();
        for row in &snapshot.header.coverage {
            if row.is_region_off() {
                regions_off.insert(row.region.as_str());
            }
            for kind in &row.kinds {
                rows.entry((kind, &row.region)).or_default().push(row);
                regions.entry(kind).or_default().insert(&row.region);
            }
        }
        Self {
            id: &snapshot.header.account,
            time_ms: input.time_ms,
            iam: input.iam,
            known: input.known,
            facts,
            rows,
            regions,
            regions_off,
            external: external_access(input.iam, input.known),
            before: None,
            drift: None,
            evidence_bucket: input.evidence_bucket,
            rebuild: input.rebuild,
            holders: OnceCell::new(),
        }
    }

    /// The view with the snapshot before this one.
    #[must_use]
    pub fn after(self, before: &'a AccountView<'a>) -> Self {
        Self {
            before: Some(before),
            ..self
        }
    }

    /// The view with who made each change since the snapshot before.
    #[must_use]
    pub fn with_drift(self, drift: &'a Drift) -> Self {
        Self {
            drift: Some(drift),
            ..self
        }
    }

    /// Changes since the snapshot before, where a trail was read.
    #[must_use]
    pub fn drift(&self) -> Option<&'a Drift> {
        self.drift
    }

    /// Bucket of our own evidence.
    pub(crate) fn evidence_bucket(&self) -> Option<&'a str> {
        self.evidence_bucket
    }

    /// The account's snapshot before this one.
    #[must_use]
    pub fn before(&self) -> Option<&'a AccountView<'a>> {
        self.before
    }

    /// External access to the account, by resource.
    #[must_use]
    pub fn external(&self) -> &[ExternalAccess] {
        &self.external
    }

    /// External access to one resource by facts of one kind.
    pub(crate) fn external_by<'v>(
        &'v self,
        kind: &'v str,
        arn: &str,
    ) -> impl Iterator<Item = &'v ExternalAccess> {
        let begin = self.external.partition_point(|e| e.arn.as_str() < arn);
        let end = begin + self.external[begin..].partition_point(|e| e.arn == arn);
        let of_resource = self.external[begin..end].iter();
        of_resource.filter(move |e| e.by == kind)
    }

    fn of_kind(&self, kind: &str) -> &[FactView<'a>] {
        self.facts.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Facts of a kind in every region, and what of it was not read.
    #[must_use]
    pub fn list(&self, kind: &str) -> List<'_, 'a> {
        let facts = self.of_kind(kind).iter();
        let facts = facts.filter(|f| f.absent().is_none()).collect();
        let mut unread = Vec::new();
        match self.regions.get(kind) {
            None if self.rows.contains_key(&("*", GLOBAL)) => {}
            None => unread.push(MissingFact::new(kind, GLOBAL, "", MissingReason::NotAsked)),
            Some(regions) => {
                unread.extend(regions.iter().filter_map(|r| self.list_unread(kind, r)));
            }
        }
        List { facts, unread }
    }

    /// Reason why facts of a kind in a region may be missing.
    fn list_unread(&self, kind: &str, region: &str) -> Option<MissingFact> {
        let rows = self.rows.get(&(kind, region))?;
        let row = rows
            .iter()
            .find(|r| r.status != CallStatus::Ok && r.unread.is_empty() && !r.nothing_is_there())?;
        Some(MissingFact::of_row(kind, region, "", row))
    }

    /// Facts of a kind in one region, or of the whole account where the kind is global.
    ///
    /// # Errors
    /// Where others may exist.
    pub fn all(&self, kind: &str, region: &str) -> Result<Vec<&FactView<'a>>, MissingFact> {
        if let Some(unread) = self.list_unread(kind, region) {
            return Err(unread);
        }
        if !self.rows.contains_key(&(kind, region)) && !self.regions_off.contains(region) {
            return Err(MissingFact::new(kind, region, "", MissingReason::NotAsked));
        }
        if let Some(row) = self.rows.get(&(kind, region)).and_then(|rows| {
            rows.iter()
                .find(|r| r.status != CallStatus::Ok && !r.unread.is_empty())
        }) {
            return Err(MissingFact::of_row(kind, region, &row.unread[0], row));
        }
        let here = self.of_kind(kind).iter().filter(|f| f.region == region);
        Ok(here.filter(|f| f.absent().is_none()).collect())
    }

    /// Facts of a kind whose ids begin so (`alice/`).
    ///
    /// # Errors
    /// Where others may exist.
    pub fn within(
        &self,
        kind: &str,
        region: &str,
        prefix: &str,
    ) -> Result<Vec<&FactView<'a>>, MissingFact> {
        self.open_about(kind, region, prefix)?;
        let all = self.of_kind(kind);
        let begin = all.partition_point(|f| (f.region, f.id.as_str()) < (region, prefix));
        let within = all[begin..]
            .iter()
            .take_while(|f| f.region == region && f.id.starts_with(prefix));
        Ok(within.filter(|f| f.absent().is_none()).collect())
    }

    /// A fact; `None` where AWS said that it is not there, or listed all and it was not among
    /// them.
    ///
    /// # Errors
    /// Where it may exist.
    pub fn fact(
        &self,
        kind: &str,
        region: &str,
        id: &str,
    ) -> Result<Option<&FactView<'a>>, MissingFact> {
        let all = self.of_kind(kind);
        let at = all.binary_search_by(|f| (f.region, f.id.as_str()).cmp(&(region, id)));
        match at.ok().map(|at| &all[at]) {
            Some(fact) if !fact.is_read() => Err(MissingFact::new(
                kind,
                region,
                id,
                MissingReason::NoDocument,
            )),
            Some(fact) if fact.absent().is_some() => Ok(None),
            Some(fact) => Ok(Some(fact)),
            None => self.open_about(kind, region, id).map(|()| None),
        }
    }

    /// The error code with which AWS said that a fact is not there, e.g.
    /// `ServiceAccessNotEnabledException`.
    #[must_use]
    pub fn absent(&self, kind: &str, region: &str, id: &str) -> Option<&str> {
        let mut here = self.of_kind(kind).iter();
        here.find(|f| f.region == region && f.id == id)?.absent()
    }

    /// Fails where it is open if a fact is there.
    fn open_about(&self, kind: &str, region: &str, id: &str) -> Result<(), MissingFact> {
        let Some(rows) = self.rows.get(&(kind, region)) else {
            return if self.regions_off.contains(region) {
                Ok(())
            } else {
                Err(MissingFact::new(kind, region, id, MissingReason::NotAsked))
            };
        };
        match rows
            .iter()
            .find(|r| !r.nothing_is_there() && (r.leaves_open(id) || is_part_open(r, id)))
        {
            Some(row) => Err(MissingFact::of_row(kind, region, id, row)),
            None => Ok(()),
        }
    }

    /// Regions where a kind was asked for and that are on.
    #[must_use]
    pub fn regions_of(&self, kind: &str) -> Vec<&'a str> {
        let regions = self.regions.get(kind).into_iter().flatten().copied();
        regions.filter(|r| !self.regions_off.contains(r)).collect()
    }

    /// Users, groups and roles with their own policies.
    pub(crate) fn holders(&self) -> &[PolicyHolder] {
        self.holders.get_or_init(|| policy_holders(self))
    }

    /// What a fact that is there does not say.
    pub(crate) fn missing(&self, kind: &str, id: &str, field: &str) -> MissingFact {
        MissingFact::new(kind, GLOBAL, id, MissingReason::Field(field.to_owned()))
    }

    /// Age in days of a time, e.g. `2024-05-01T10:00:00+00:00`, at the time of the snapshot.
    #[must_use]
    pub fn age_days(&self, time: &str) -> Option<i64> {
        Some(self.age_ms(time)?.div_euclid(86_400_000))
    }

    /// Age in milliseconds of a time, at the time of the snapshot.
    pub(crate) fn age_ms(&self, time: &str) -> Option<i64> {
        let time: jiff::Timestamp = time.parse().ok()?;
        Some(self.time_ms - time.as_millisecond())
    }

    /// ARN of a user.
    #[must_use]
    pub fn user_arn(&self, name: &str) -> String {
        let user = self.fact("iam:user", GLOBAL, name);
        let arn = user.ok().flatten().and_then(|u| u.text("/Arn"));
        arn.map_or_else(
            || format!("arn:aws:iam::{}:user/{name}", self.id),
            str::to_owned,
        )
    }
}

/// Whether something whose id begins with `id` (`alice/`) was not read.
fn is_part_open(row: &Coverage, id: &str) -> bool {
    id.ends_with(['/', ':'])
        && row.status != CallStatus::Ok
        && row.unread.iter().any(|unread| unread.starts_with(id))
}

const HOLDERS: [(HolderKind, &str, &str); 3] = [
    (HolderKind::User, "iam:user", "iam:userpolicy"),
    (HolderKind::Group, "iam:group", "iam:grouppolicy"),
    (HolderKind::Role, "iam:role", "iam:rolepolicy"),
];

/// All policy holders of an account.
fn policy_holders(view: &AccountView<'_>) -> Vec<PolicyHolder> {
    let mut managed: HashMap<String, Result<Rc<Policy>, MissingFact>> = HashMap::new();
    let mut holders = Vec::new();
    for (kind, fact_kind, policy_kind) in HOLDERS {
        for fact in view.list(fact_kind).facts {
            let mut policies = inline(view, policy_kind, &fact.id);
            for attached in fact.list("/AttachedManagedPolicies") {
                let arn = attached["PolicyArn"].as_str().unwrap_or_default();
                let policy = managed
                    .entry(arn.to_owned())
                    .or_insert_with(|| managed_policy(view, arn));
                policies.push(HeldPolicy {
                    name: arn.to_owned(),
                    policy: policy.clone(),
                });
            }
            holders.push(PolicyHolder {
                kind,
                arn: fact.text("/Arn").unwrap_or(&fact.id).to_owned(),
                policies,
            });
        }
    }
    holders
}

fn inline(view: &AccountView<'_>, kind: &str, holder: &str) -> Vec<HeldPolicy> {
    let held = |name: &str, policy| HeldPolicy {
        name: name.to_owned(),
        policy,
    };
    match view.within(kind, GLOBAL, &format!("{holder}/")) {
        Ok(facts) => facts
            .into_iter()
            .map(|f| held(&f.id[holder.len() + 1..], f.policy()))
            .collect(),
        Err(unread) => vec![held("", Err(unread))],
    }
}

fn managed_policy(view: &AccountView<'_>, arn: &str) -> Result<Rc<Policy>, MissingFact> {
    const KIND: &str = "iam:managedpolicy";
    match view.fact(KIND, GLOBAL, arn)? {
        Some(fact) => fact.policy(),
        None => Err(MissingFact::new(
            KIND,
            GLOBAL,
            arn,
            MissingReason::NotListed,
        )),
    }
}
