//! Finding of another system in our form, and what joins it to an incident.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bartizan_model::limits::RESOURCES_MAX;
use bartizan_model::{
    Actor, Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, time_text,
};
use serde::{Deserialize, Serialize};

use crate::stages::Purpose;

/// Systems whose findings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorKind {
    Guardduty,
    Securityhub,
    Macie,
    Inspector,
    AccessAnalyzer,
    CostAnomaly,
    Suricata,
    Zeek,
}

/// Finding of another system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensorFinding {
    pub finding: Finding,
    pub subject: SensorSubject,
}

/// Subject of a finding of another system, as far as it joins incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorSubject {
    pub access_keys: BTreeSet<String>,
    /// ARNs of users and roles.
    pub principals: BTreeSet<String>,
    /// Ids of instances.
    pub instances: BTreeSet<String>,
    /// Addresses outside of private networks.
    pub addresses: BTreeSet<IpAddr>,
}

/// Fields that the reader of one system takes from a finding.
pub(crate) struct Draft {
    pub(crate) sensor: SensorKind,
    /// Type in the words of the system, e.g. `UnauthorizedAccess:IAMUser/MaliciousIPCaller`.
    pub(crate) kind: String,
    /// Id that the system gave, or that stays the same for the same thing.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) severity: Severity,
    /// None for a type that the tables do not know.
    pub(crate) purpose: Option<Purpose>,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) first_s: Option<i64>,
    pub(crate) last_s: Option<i64>,
    pub(crate) count: u64,
    pub(crate) principal: Option<SensorPrincipal>,
    pub(crate) user_agent: Option<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) subject: SensorSubject,
    /// Their advice, and what was done with the finding there.
    pub(crate) because: Vec<String>,
    /// The system or its user has closed the finding.
    pub(crate) is_closed: bool,
}

/// User or role in a finding of another system.
pub(crate) struct SensorPrincipal {
    /// `IAMUser`, `AssumedRole`, `Root` or another identity type of CloudTrail.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) access_key_id: Option<String>,
    /// Session of a role.
    pub(crate) session: Option<String>,
}

impl Draft {
    pub(crate) fn new(sensor: SensorKind, kind: &str, id: &str) -> Self {
        Self {
            sensor,
            kind: kind.to_owned(),
            id: id.to_owned(),
            title: kind.to_owned(),
            summary: String::new(),
            severity: Severity::Info,
            purpose: None,
            account: None,
            region: None,
            first_s: None,
            last_s: None,
            count: 1,
            principal: None,
            user_agent: None,
            resources: Vec::new(),
            subject: SensorSubject::default(),
            because: Vec::new(),
            is_closed: false,
        }
    }

    /// The finding; `None` without an id, which could not be told from others.
    pub(crate) fn finish(mut self) -> Option<SensorFinding> {
        if self.id.is_empty() {
            return None;
        }
        let rule = format!("sensor-{}-{}", self.sensor.id(), slug(&self.kind));
        // Security Hub hands on findings of GuardDuty under the same ARN: they are one finding.
        let family = format!("sensor-{}", self.sensor.id());
        let id = finding_id(&family, &self.id, false, 0);
        let last_s = self.last_s.or(self.first_s);
        let first_s = self.first_s.or(last_s);
        if self.is_closed {
            self.severity = Severity::Info;
        }
        let (stage, attack) = match self.purpose {
            Some(purpose) => (purpose.stage, purpose.attack),
            None => {
                // Of a type that nobody has placed it is for the record, in its own words.
                self.severity = Severity::Info;
                (Stage::Hygiene, [].as_slice())
            }
        };
        let account = self.account.clone();
        let source_ip = self
            .subject
            .addresses
            .iter()
            .next()
            .map(ToString::to_string);
        let actor = self.principal.take().map(|principal| {
            let actor = principal.actor(account.as_deref(), (source_ip, self.user_agent));
            self.subject.access_keys.extend(actor.access_key_id.clone());
            if actor.key.starts_with("arn:") {
                self.subject.principals.insert(actor.key.clone());
            }
            actor
        });
        self.resources.sort();
        self.resources.dedup();
        self.resources.truncate(RESOURCES_MAX);
        let time = last_s.map(time_text);
        let finding = Finding {
            id,
            rule,
            title: self.title,
            summary: self.summary,
            severity: self.severity,
            confidence: Confidence::Medium,
            stage,
            attack: attack.iter().map(|a| (*a).to_owned()).collect(),
            account,
            region: self.region,
            first_time: first_s.map(time_text),
            last_time: time.clone(),
            count: self.count.max(1),
            refused: 0,
            calls: Vec::new(),
            actor,
            resources: self.resources,
            counterparty: Vec::new(),
            evidence: vec![Evidence::Report {
                system: self.sensor.id().to_owned(),
                id: self.id,
                kind_of: self.kind,
                time,
            }],
            verdict: Verdict::Must,
            because: self.because,
            show: String::new(),
        };
        Some(SensorFinding {
            finding,
            subject: self.subject,
        })
    }
}

impl SensorKind {
    /// `guardduty`, `access-analyzer`: as in the rule of a finding.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Guardduty => "guardduty",
            Self::Securityhub => "securityhub",
            Self::Macie => "macie",
            Self::Inspector => "inspector",
            Self::AccessAnalyzer => "access-analyzer",
            Self::CostAnomaly => "cost-anomaly",
            Self::Suricata => "suricata",
            Self::Zeek => "zeek",
        }
    }
}

impl SensorPrincipal {
    fn actor(self, account: Option<&str>, (ip, agent): (Option<String>, Option<String>)) -> Actor {
        let of = account.unwrap_or_default();
        let (sort, key) = match self.kind.as_str() {
            "IAMUser" => ("user", format!("arn:aws:iam::{of}:user/{}", self.name)),
            "AssumedRole" | "Role" => ("role", format!("arn:aws:iam::{of}:role/{}", self.name)),
            "Root" => ("root", format!("arn:aws:iam::{of}:root")),
            _ => ("principal", self.name.clone()),
        };
        let name = match sort {
            "root" => "root user".to_owned(),
            sort => format!("{sort} {}", self.name),
        };
        Actor {
            arn: key.starts_with("arn:").then(|| key.clone()),
            key,
            name,
            kind: self.kind,
            account: account.map(str::to_owned),
            access_key_id: self.access_key_id,
            origin: self.session.into_iter().collect(),
            session_issuer: None,
            source_identity: None,
            source_ip: ip,
            user_agent: agent,
        }
    }
}

/// Type as part of the name of a rule: ASCII words, digits and `:./_-`; the rest becomes `-`.
fn slug(kind: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || ":./_-".contains(c) => c,
        _ => '-',
    };
    kind.chars().take(120).map(plain).collect()
}
