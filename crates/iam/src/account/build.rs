//! The builder: notes what was read and not, keeps documents once, and puts the account together.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::model::{
    Account, CentralFacts, ControlNodes, Controls, DocumentId, IamGroup, IamPrincipal, Membership,
    PolicyDocument, PrincipalKind, ResourceWithPolicy, RoleConsumer, Share, UnreadPolicy,
};
use crate::actions::Actions;
use crate::arn::Arn;
use crate::engine::{Compiled, Compiler};
use crate::policy::{Policy, PolicyError, parse};
use crate::request::PolicyGrammar;
use crate::unread::{UnreadFact, UnreadReason};

/// Builder of an account from answers of AWS, in any order.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "*", "Resource": "*"}}}]}]}"#,
/// )?;
/// builder.absent("s3:bucketpolicy", "site");
/// let account = builder.build();
/// assert_eq!(account.principals.len(), 1);
/// assert_eq!(account.unread_reason("s3:bucketpolicy", "global", "site"), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct AccountBuilder<'a> {
    pub(super) account: Account<'a>,
    pub(super) compiler: Compiler<'a>,
    /// Documents by side and text.
    pub(super) texts: HashMap<(PolicyGrammar, String), DocumentId>,
    /// Managed policies by ARN.
    pub(super) managed: HashMap<String, DocumentId>,
    /// By ARN: inline documents, ARNs of managed ones, names of groups, ARN of the boundary.
    pub(super) pending: HashMap<String, PendingPrincipal>,
    pub(super) groups: HashMap<String, PendingPrincipal>,
    pub(super) group_arns: HashMap<String, String>,
    /// Instance profile to role.
    pub(super) profiles: HashMap<String, String>,
    pub(super) versions: Vec<(String, DocumentId)>,
    pub(super) keys: HashMap<String, u8>,
    pub(super) logins: HashMap<String, bool>,
    pub(super) keys_read: bool,
    pub(super) logins_read: bool,
    /// Resources and principals of shares of Resource Access Manager, by the ARN of the share.
    pub(super) ram: BTreeMap<String, (Vec<String>, Vec<String>)>,
}

#[derive(Default)]
pub(super) struct PendingPrincipal {
    pub(super) kind: Option<PrincipalKind>,
    pub(super) name: String,
    pub(super) inline: Vec<DocumentId>,
    pub(super) managed: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) boundary: Option<String>,
    pub(super) trust: Option<DocumentId>,
    pub(super) unread: Vec<UnreadPolicy>,
    pub(super) id: Option<String>,
    pub(super) tags: Option<BTreeMap<String, String>>,
}

impl<'a> AccountBuilder<'a> {
    /// Builder for a snapshot: nothing counts as read but the kinds that [`AccountBuilder::read`]
    /// names.
    pub fn of_snapshot(id: &str, actions: &'a Actions) -> Self {
        let mut builder = Self::new(id, actions);
        builder.account.asked = Some(BTreeSet::new());
        builder
    }

    /// Builder for an account that is described in full: what is not added does not exist.
    pub fn new(id: &str, actions: &'a Actions) -> Self {
        Self {
            account: Account {
                id: id.to_owned(),
                actions,
                documents: Vec::new(),
                principals: Vec::new(),
                groups: Vec::new(),
                role_consumers: Vec::new(),
                role_consumers_read: Vec::new(),
                resources: Vec::new(),
                versions: Vec::new(),
                membership: Membership::Unknown,
                control_nodes: ControlNodes::default(),
                scp: Vec::new(),
                rcp: Vec::new(),
                controls: Controls::default(),
                grants: Vec::new(),
                shares: Vec::new(),
                restricted_buckets: Vec::new(),
                acls_ignored: Vec::new(),
                acls_off: BTreeSet::new(),
                snapshots_not_public: BTreeSet::new(),
                organization: Default::default(),
                central: CentralFacts::default(),
                unread_facts: Vec::new(),
                asked: None,
                absent: BTreeSet::new(),
                regions_off: BTreeSet::new(),
                unknown: Vec::new(),
                time_s: None,
                buckets: None,
                abac_buckets: BTreeMap::new(),
                endpoints: BTreeMap::new(),
                bucket_tags: BTreeMap::new(),
                ids: BTreeSet::new(),
                principals_read: false,
            },
            compiler: Compiler::new(actions),
            texts: HashMap::new(),
            managed: HashMap::new(),
            pending: HashMap::new(),
            groups: HashMap::new(),
            group_arns: HashMap::new(),
            profiles: HashMap::new(),
            versions: Vec::new(),
            keys: HashMap::new(),
            logins: HashMap::new(),
            keys_read: false,
            logins_read: false,
            ram: BTreeMap::new(),
        }
    }

    /// Notes that a kind of fact was read in a region: facts of it that are not added do not exist.
    pub fn read(&mut self, kind: &str, region: &str) {
        match kind {
            "iam:accesskey" => self.keys_read = true,
            "iam:loginprofile" => self.logins_read = true,
            "iam:user" | "iam:role" => self.account.principals_read = true,
            "s3:bucket" => {
                self.account.buckets.get_or_insert_default();
            }
            "lambda:function" => self.account.role_consumers_read.push("lambda".to_owned()),
            "ec2:instance" => self.account.role_consumers_read.push("ec2".to_owned()),
            "ec2:launchtemplateversion" => self
                .account
                .role_consumers_read
                .push("launch-template".to_owned()),
            _ => {}
        }
        self.asked(kind, region);
    }

    /// Notes when the account was read, in seconds since 1970.
    pub fn time(&mut self, seconds: f64) {
        self.account.time_s = Some(seconds);
    }

    fn asked(&mut self, kind: &str, region: &str) {
        if let Some(asked) = &mut self.account.asked {
            asked.insert((kind.to_owned(), region.to_owned()));
        }
    }

    /// Notes facts that were not read.
    pub fn unread(&mut self, fact: UnreadFact) {
        self.asked(&fact.kind, &fact.region);
        self.account.unread_facts.push(fact);
    }

    /// Notes that a fact does not exist, by an answer of AWS.
    pub fn absent(&mut self, kind: &str, id: &str) {
        if kind == "organizations:organization" {
            self.account.membership = Membership::Alone;
        }
        self.account.absent.insert((kind.to_owned(), id.to_owned()));
    }

    /// Notes that a region is switched off.
    pub fn region_off(&mut self, region: &str) {
        self.account.regions_off.insert(region.to_owned());
    }

    /// Adds something that runs with a role.
    pub fn role_consumer(&mut self, kind: &str, arn: &str, role: &str) {
        self.account.role_consumers.push(RoleConsumer {
            kind: kind.to_owned(),
            arn: arn.to_owned(),
            role: role.to_owned(),
        });
        if !self.account.role_consumers_read.iter().any(|k| k == kind) {
            self.account.role_consumers_read.push(kind.to_owned());
        }
    }

    /// Adds the policy of a resource.
    pub fn resource(&mut self, kind: &str, arn: &str, document: &str) {
        match self.document(arn, document, PolicyGrammar::Resource) {
            Some(policy) => self.account.resources.push(ResourceWithPolicy {
                arn: arn.to_owned(),
                kind: kind.to_owned(),
                policy,
            }),
            None => {
                let region = Arn::parse(arn)
                    .map(|a| a.region)
                    .filter(|r| !r.is_empty())
                    .unwrap_or("global")
                    .to_owned();
                let (kind, id) = (kind.to_owned(), arn.to_owned());
                self.unread(UnreadFact {
                    kind,
                    region,
                    id,
                    call: String::new(),
                    why: UnreadReason::NotUnderstood,
                });
            }
        }
    }

    /// Notes where the account is in an organization.
    pub fn membership(&mut self, membership: Membership) {
        self.account.membership = membership;
    }

    /// Adds a level of service control policies, root first: those of a root, a unit or an account.
    pub(crate) fn scp_level_of(&mut self, node: &str, policies: &[(&str, &str)]) {
        self.account.control_nodes.scp.push(node.to_owned());
        self.scp_level(policies);
    }

    /// Adds a level of resource control policies, likewise.
    pub(crate) fn rcp_level_of(&mut self, node: &str, policies: &[(&str, &str)]) {
        self.account.control_nodes.rcp.push(node.to_owned());
        self.rcp_level(policies);
    }

    /// Adds a level of service control policies, root first.
    pub fn scp_level(&mut self, policies: &[(&str, &str)]) {
        let level = policies
            .iter()
            .filter_map(|(name, text)| self.document(name, text, PolicyGrammar::Scp))
            .collect();
        self.account.scp.push(level);
    }

    /// Adds a level of resource control policies, root first.
    pub fn rcp_level(&mut self, policies: &[(&str, &str)]) {
        let level = policies
            .iter()
            .filter_map(|(name, text)| self.document(name, text, PolicyGrammar::Rcp))
            .collect();
        self.account.rcp.push(level);
    }

    /// Notes what is known of the policies of the organization which reach the account.
    pub fn controls(&mut self, controls: Controls) {
        self.account.controls = controls;
    }

    /// Notes something that could not be read.
    pub fn unknown(&mut self, what: String) {
        self.account.unknown.push(what);
    }

    pub(super) fn document(
        &mut self,
        name: &str,
        text: &str,
        side: PolicyGrammar,
    ) -> Option<DocumentId> {
        let text = document_text(text);
        if let Some(number) = self.texts.get(&(side, text.as_ref().to_owned())) {
            // Kept once under a name; managed policies never have one text under two names.
            if self.account.documents[*number as usize].name == name {
                return Some(*number);
            }
        }
        match self.compiled(&text, side) {
            Ok((policy, compiled)) => {
                let number = self.account.documents.len() as DocumentId;
                self.account.documents.push(PolicyDocument {
                    name: name.to_owned(),
                    side,
                    policy,
                    compiled,
                });
                self.texts.insert((side, text.into_owned()), number);
                Some(number)
            }
            Err(e) => {
                self.account.unknown.push(format!("{name}: {e}"));
                None
            }
        }
    }

    fn compiled(
        &mut self,
        text: &str,
        side: PolicyGrammar,
    ) -> Result<(Policy, Compiled), PolicyError> {
        let policy = parse(text)?;
        let compiled = self.compiler.compile(&policy, side);
        Ok((policy, compiled))
    }

    /// The account, with everything that belongs together put together.
    pub fn build(mut self) -> Account<'a> {
        let account = &mut self.account;
        account.unread_facts.sort();
        account.unread_facts.dedup();
        self.forget_kinds_half_read();
        let groups = self.build_groups();
        self.build_principals(&groups);
        self.resolve_profiles();
        for (resources, principals) in std::mem::take(&mut self.ram).into_values() {
            for arn in &resources {
                for with in &principals {
                    self.account.shares.push(Share {
                        arn: arn.clone(),
                        kind: "ram:resource".to_owned(),
                        with: with.clone(),
                        what: "use what Resource Access Manager shares".to_owned(),
                    });
                }
            }
        }
        name_by_arn(&mut self.account, &mut self.compiler);
        let managed = &self.managed;
        let versions = self
            .versions
            .iter()
            .filter_map(|(arn, number)| Some((*managed.get(arn)?, *number)));
        self.account.versions = versions.collect();
        self.account
    }

    /// Forgets kinds of role consumers that were read in one region and not in another.
    fn forget_kinds_half_read(&mut self) {
        let account = &mut self.account;
        let unread = |kind: &str| account.unread_facts.iter().any(|h| h.kind == kind);
        let kinds = [
            ("lambda:function", "lambda"),
            ("ec2:instance", "ec2"),
            ("ec2:launchtemplateversion", "launch-template"),
        ];
        let open: Vec<&str> = kinds
            .iter()
            .filter(|(kind, _)| unread(kind))
            .map(|(_, word)| *word)
            .collect();
        account
            .role_consumers_read
            .retain(|kind| !open.contains(&kind.as_str()));
    }

    /// Groups by name: their numbers, and their policies that were not read.
    fn build_groups(&mut self) -> HashMap<String, (u32, Vec<UnreadPolicy>)> {
        // Inline policies of groups that came as facts.
        for (key, inline) in self
            .pending
            .extract_if(|key, _| key.starts_with("group/"))
            .collect::<Vec<_>>()
        {
            let group = self
                .groups
                .entry(key.trim_start_matches("group/").to_owned())
                .or_default();
            group.inline.extend(inline.inline);
            group.unread.extend(inline.unread);
        }
        let mut pending: Vec<_> = std::mem::take(&mut self.groups).into_iter().collect();
        pending.sort_by(|a, b| a.0.cmp(&b.0));
        let mut groups = HashMap::new();
        for (name, pending) in pending {
            let attached: Vec<_> = pending
                .managed
                .iter()
                .filter_map(|arn| self.managed.get(arn).copied())
                .collect();
            let missing = pending
                .managed
                .iter()
                .filter(|arn| !self.managed.contains_key(*arn));
            let unread = pending
                .unread
                .iter()
                .cloned()
                .chain(missing.cloned().map(UnreadPolicy::Policy));
            groups.insert(
                name.clone(),
                (self.account.groups.len() as u32, unread.collect()),
            );
            let default_arn = || format!("arn:aws:iam::{}:group/{name}", self.account.id);
            let arn = self
                .group_arns
                .get(&name)
                .cloned()
                .unwrap_or_else(default_arn);
            let policies = [pending.inline, attached.clone()].concat();
            self.account.groups.push(IamGroup {
                arn,
                policies,
                managed: attached,
            });
        }
        groups
    }

    fn build_principals(&mut self, groups: &HashMap<String, (u32, Vec<UnreadPolicy>)>) {
        let pending = std::mem::take(&mut self.pending).into_values();
        let mut found: Vec<(PrincipalKind, PendingPrincipal)> =
            pending.filter_map(|p| Some((p.kind?, p))).collect();
        found.sort_by(|a, b| a.1.name.cmp(&b.1.name));
        for (kind, pending) in found {
            let principal = self.build_principal(kind, pending, groups);
            self.account.principals.push(principal);
        }
    }

    fn build_principal(
        &mut self,
        kind: PrincipalKind,
        pending: PendingPrincipal,
        groups: &HashMap<String, (u32, Vec<UnreadPolicy>)>,
    ) -> IamPrincipal {
        let account = &mut self.account;
        let (mut policies, mut own, mut unread) = (pending.inline, Vec::new(), pending.unread);
        for arn in pending.managed {
            match self.managed.get(&arn) {
                Some(number) => own.push(*number),
                None => unread.push(UnreadPolicy::Policy(arn)),
            }
        }
        let mut in_groups = Vec::new();
        for name in pending.groups {
            let Some((number, unread_of_group)) = groups.get(&name) else {
                unread.push(UnreadPolicy::OfGroup(name));
                continue;
            };
            in_groups.push(*number);
            unread.extend(unread_of_group.iter().cloned());
            let group = &account.groups[*number as usize];
            policies.extend(&group.policies);
            own.extend(&group.managed);
        }
        policies.extend(own.iter().copied());
        policies.sort_unstable();
        policies.dedup();
        let boundary = pending
            .boundary
            .as_ref()
            .and_then(|arn| self.managed.get(arn).copied());
        if let (Some(arn), None) = (pending.boundary, boundary) {
            unread.push(UnreadPolicy::Boundary(arn));
        }
        if !unread.is_empty() {
            let list: Vec<String> = unread.iter().map(UnreadPolicy::to_string).collect();
            account
                .unknown
                .push(format!("{}: not read: {}", pending.name, list.join(", ")));
        }
        let name = pending
            .name
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let is_user = kind == PrincipalKind::User;
        let known = |kind: &str, read: bool| {
            is_user
                && read
                && account
                    .unread_reason(kind, "global", &format!("{name}/"))
                    .is_none()
        };
        let keys_read = known("iam:accesskey", self.keys_read);
        let logins_read = known("iam:loginprofile", self.logins_read);
        let login = self
            .logins
            .get(&pending.name)
            .copied()
            .or(logins_read.then_some(false));
        IamPrincipal {
            keys: keys_read.then(|| self.keys.get(&name).copied().unwrap_or(0)),
            login: login.filter(|_| is_user),
            arn: pending.name,
            name,
            kind,
            policies,
            managed: own,
            groups: in_groups,
            boundary,
            trust: pending.trust,
            unread,
            id: pending.id,
            tags: pending.tags,
        }
    }

    /// Puts roles in place of the instance profiles that instances and launch templates name.
    fn resolve_profiles(&mut self) {
        let profiles = &self.profiles;
        for consumer in &mut self.account.role_consumers {
            // A launch template may name the profile without the rest of its ARN.
            let ends = |arn: &str| arn.rsplit('/').next() == Some(&consumer.role);
            let named = || {
                profiles
                    .iter()
                    .find(|(arn, _)| ends(arn))
                    .map(|(_, role)| role)
            };
            if let Some(role) = profiles.get(&consumer.role).or_else(named) {
                consumer.role = role.clone();
            }
        }
    }
}

/// Puts the ARN in place of the unique id where a policy names a user or role that is there: AWS
/// keeps policies with the id, and the same principal under one name and another would be two. An
/// id that is nobody's stays (IAM user guide, "AWS JSON policy elements: Principal": it does not
/// match somebody who was made again under the same name).
fn name_by_arn(account: &mut Account<'_>, compiler: &mut Compiler<'_>) {
    let arns: HashMap<String, String> = account
        .principals
        .iter()
        .filter_map(|p| Some((p.id.clone()?, p.arn.clone())))
        .collect();
    account.ids = arns.keys().cloned().collect();
    for document in account
        .documents
        .iter_mut()
        .filter(|d| matches!(d.side, PolicyGrammar::Resource | PolicyGrammar::Rcp))
    {
        if document.policy.name_by_arn(&|id| arns.get(id).cloned()) {
            document.compiled = compiler.compile(&document.policy, document.side);
        }
    }
}

/// A document is an object, or its text in quotes, or that percent-encoded (as the API answers).
fn document_text(text: &str) -> Cow<'_, str> {
    let unquoted: Option<String> = if text.starts_with('"') {
        serde_json::from_str(text).ok()
    } else {
        None
    };
    match unquoted {
        None => Cow::Borrowed(text),
        Some(text) if text.starts_with("%7B") || text.starts_with("%7b") => {
            Cow::Owned(percent_decoded(&text))
        }
        Some(text) => Cow::Owned(text),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        match hex.and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
