//! The table of all actions, and sets of actions as bits.
//!
//! The universe is closed under complement: besides a bit for each known action there is one for
//! the unknown actions of each known service, and one for services that the table does not know. So
//! `NotAction` is exact, and what AWS adds tomorrow is in it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use crate::bits::Bits;
use crate::pattern::Pattern;

/// Access level of an action, as the service authorization reference has it.
///
/// ```
/// use bartizan_iam::{AccessLevel, Actions};
/// let actions = Actions::builtin();
/// let delete = actions.find("iam:DeleteRolePolicy").unwrap();
/// assert_eq!(actions.level(delete), AccessLevel::Permissions);
/// assert_eq!(AccessLevel::Permissions.word(), "permissions management");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// Names of things.
    List,
    /// Content of things.
    Read,
    /// Tags only.
    Tagging,
    /// Changes.
    Write,
    /// Changes of who may do what.
    Permissions,
}

impl AccessLevel {
    /// From least to most.
    pub const ALL: [Self; 5] = [
        Self::List,
        Self::Read,
        Self::Tagging,
        Self::Write,
        Self::Permissions,
    ];

    /// Its word in AWS's reference.
    pub fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Tagging => "tagging",
            Self::Write => "write",
            Self::Permissions => "permissions management",
        }
    }
}

/// A known action: its number in the table, which is its bit.
///
/// ```
/// use bartizan_iam::Actions;
/// let actions = Actions::builtin();
/// let action = actions.find("S3:getobject").unwrap();
/// assert_eq!(actions.name(action), "s3:GetObject");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action(pub u32);

/// All actions that AWS documents, from a table with a date.
///
/// ```
/// let actions = bartizan_iam::Actions::builtin();
/// let get = actions.find("S3:getobject").unwrap();
/// assert_eq!(actions.name(get), "s3:GetObject");
/// assert!(actions.matching("s3:Get*").contains(get.0));
/// assert!(!actions.all().difference(&actions.matching("s3:*")).contains(get.0));
/// ```
#[derive(Clone)]
pub struct Actions {
    text: String,
    /// Day of the data, `2026-09-26`.
    pub date: String,
    /// Where the data comes from, for people.
    pub source: String,
    services: Vec<ActionService>,
    rows: Vec<ActionRow>,
}

#[derive(Clone)]
struct ActionService {
    name: Range<u32>,
    rows: Range<u32>,
    rcp: bool,
    keys: Vec<Range<u32>>,
    /// ARN patterns of its resource types.
    resources: Vec<Range<u32>>,
}

#[derive(Clone)]
struct ActionRow {
    name: Range<u32>,
    service: u16,
    level: AccessLevel,
    types: Range<u32>,
    keys: Range<u32>,
}

/// Why a table cannot be used.
///
/// ```
/// use bartizan_iam::Actions;
/// assert!(Actions::unpack(b"no table").is_err());
/// ```
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a table of IAM actions as `cargo xtask iam-data` writes it: {0}")]
pub struct ActionsError(String);

/// Bytes of the largest table.
const TABLE_BYTES_MAX: usize = 32 << 20;

const HEAD: &str = "# bartizan iam actions 1";

impl Actions {
    /// The table that this program was built with.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Actions> = LazyLock::new(|| {
            let packed = include_bytes!("../../../data/iam-actions.txt.zst");
            Actions::unpack(packed)
                .unwrap_or_else(|e| unreachable!("the table of the program: {e}"))
        });
        &BUILTIN
    }

    /// Reads a table, packed with zstd or plain.
    ///
    /// # Errors
    /// When it is not such a table.
    pub fn unpack(bytes: &[u8]) -> Result<Self, ActionsError> {
        let error = |text: &str| ActionsError(text.to_owned());
        let bytes = if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            zstd::bulk::decompress(bytes, TABLE_BYTES_MAX).map_err(|e| error(&e.to_string()))?
        } else {
            bytes.to_vec()
        };
        let text = String::from_utf8(bytes).map_err(|_| error("not UTF-8"))?;
        Self::read(text).map_err(ActionsError)
    }

    fn read(text: String) -> Result<Self, String> {
        if text.len() > TABLE_BYTES_MAX {
            return Err(format!("longer than {TABLE_BYTES_MAX} bytes"));
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(format!("its first line is not {HEAD:?}"));
        }
        let mut comment = || {
            lines
                .next()
                .and_then(|l| l.strip_prefix("# "))
                .map(str::to_owned)
                .ok_or("no date or source")
        };
        let (date, source) = (comment()?, comment()?);
        let (mut services, mut rows): (Vec<ActionService>, Vec<ActionRow>) =
            (Vec::new(), Vec::new());
        let range = |part: &str| {
            let start = part.as_ptr() as usize - text.as_ptr() as usize;
            start as u32..(start + part.len()) as u32
        };
        for line in lines {
            let mut words = line.split(' ');
            let (kind, first) = (
                words.next().unwrap_or_default(),
                words.next().ok_or_else(|| format!("line {line:?}"))?,
            );
            if kind == "s" {
                let before = services.last().map_or("", |s: &ActionService| {
                    &text[s.name.start as usize..s.name.end as usize]
                });
                if before >= first {
                    return Err(format!("service {first} is out of order"));
                }
                let (name, here) = (range(first), rows.len() as u32);
                services.push(ActionService {
                    name,
                    rows: here..here,
                    rcp: words.next() == Some("rcp"),
                    keys: Vec::new(),
                    resources: Vec::new(),
                });
                continue;
            }
            let number = services
                .len()
                .checked_sub(1)
                .ok_or("a line before the first service")?;
            let service = &mut services[number];
            match kind {
                "k" => service
                    .keys
                    .push(range(words.next().ok_or("a key without a name")?)),
                "r" => service
                    .resources
                    .push(range(words.next().ok_or("a resource without an ARN")?)),
                "a" => {
                    let level = match words.next() {
                        Some("L") => AccessLevel::List,
                        Some("R") => AccessLevel::Read,
                        Some("W") => AccessLevel::Write,
                        Some("T") => AccessLevel::Tagging,
                        Some("P") => AccessLevel::Permissions,
                        other => return Err(format!("access level {other:?}")),
                    };
                    let mut column = || {
                        words
                            .next()
                            .map(range)
                            .ok_or("an action without its columns")
                    };
                    let (types, keys) = (column()?, column()?);
                    let lower = |r: &Range<u32>| {
                        text[r.start as usize..r.end as usize].to_ascii_lowercase()
                    };
                    let name = range(first);
                    if rows.len() as u32 > service.rows.start
                        && rows
                            .last()
                            .is_some_and(|r: &ActionRow| lower(&r.name) >= lower(&name))
                    {
                        return Err(format!("action {first} is out of order"));
                    }
                    rows.push(ActionRow {
                        name,
                        service: number as u16,
                        level,
                        types,
                        keys,
                    });
                    service.rows.end = rows.len() as u32;
                }
                other => return Err(format!("a line of kind {other:?}")),
            }
        }
        Ok(Self {
            date,
            source,
            services,
            rows,
            text,
        })
    }

    fn part(&self, range: &Range<u32>) -> &str {
        &self.text[range.start as usize..range.end as usize]
    }

    /// How many actions it knows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bits of the universe.
    fn bits(&self) -> u32 {
        (self.rows.len() + self.services.len() + 1) as u32
    }

    fn service(&self, name: &str) -> Option<usize> {
        let lower = if name.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            name.into()
        };
        self.services
            .binary_search_by(|s| self.part(&s.name).cmp(&lower))
            .ok()
    }

    /// The action of that name, in any case; none when the table does not know it.
    pub fn find(&self, action: &str) -> Option<Action> {
        let (service, name) = action.split_once(':')?;
        let rows = self.services[self.service(service)?].rows.clone();
        let compare = |row: &ActionRow| {
            let known = self.part(&row.name).bytes().map(|b| b.to_ascii_lowercase());
            known.cmp(name.bytes().map(|b| b.to_ascii_lowercase()))
        };
        let found = self.rows[rows.start as usize..rows.end as usize]
            .binary_search_by(compare)
            .ok()?;
        Some(Action(rows.start + found as u32))
    }

    /// The bit that stands for an action: its own, or that of the unknown ones of its service, or
    /// of all services.
    pub fn bit(&self, action: &str) -> u32 {
        if let Some(Action(bit)) = self.find(action) {
            return bit;
        }
        let service = action.split_once(':').and_then(|(s, _)| self.service(s));
        self.rows.len() as u32 + service.unwrap_or(self.services.len()) as u32
    }

    /// `s3:GetObject`, as AWS writes it.
    pub fn name(&self, action: Action) -> String {
        let row = &self.rows[action.0 as usize];
        format!(
            "{}:{}",
            self.part(&self.services[row.service as usize].name),
            self.part(&row.name)
        )
    }

    /// The name of a bit: an action, or `s3:(other)`, or `(other)`.
    pub fn bit_name(&self, bit: u32) -> String {
        match (bit as usize).checked_sub(self.rows.len()) {
            None => self.name(Action(bit)),
            Some(n) if n < self.services.len() => {
                format!("{}:(other)", self.part(&self.services[n].name))
            }
            Some(_) => "(other)".to_owned(),
        }
    }

    /// The service of an action, `s3`.
    pub fn service_of(&self, action: Action) -> &str {
        self.part(&self.services[self.rows[action.0 as usize].service as usize].name)
    }

    /// Access level of an action.
    pub fn level(&self, action: Action) -> AccessLevel {
        self.rows[action.0 as usize].level
    }

    /// Whether the action is about no resource: such a request has the resource `*`, and only a
    /// pattern that matches that text allows it.
    pub fn is_wildcard_only(&self, action: Action) -> bool {
        self.part(&self.rows[action.0 as usize].types) == "-"
    }

    /// ARN patterns (`arn:${Partition}:s3:::${BucketName}`) of the resource types of an action.
    pub fn resource_arns(&self, action: Action) -> impl Iterator<Item = &str> {
        let row = &self.rows[action.0 as usize];
        let resources = &self.services[row.service as usize].resources;
        let numbers = self
            .part(&row.types)
            .split(',')
            .filter_map(|n| n.trim_end_matches('!').parse::<usize>().ok());
        numbers
            .filter_map(|n| resources.get(n))
            .map(|r| self.part(r))
    }

    /// Condition keys that AWS documents for an action, as written (`s3:prefix`,
    /// `aws:RequestTag/${TagKey}`).
    pub fn condition_keys(&self, action: Action) -> impl Iterator<Item = &str> {
        let row = &self.rows[action.0 as usize];
        let keys = &self.services[row.service as usize].keys;
        let numbers = self
            .part(&row.keys)
            .split(',')
            .filter_map(|n| n.parse::<usize>().ok());
        numbers.filter_map(|n| keys.get(n)).map(|r| self.part(r))
    }

    /// Whether resource control policies apply to resources of this service (`s3`).
    pub fn has_rcp(&self, service: &str) -> bool {
        self.service(service).is_some_and(|n| self.services[n].rcp)
    }

    /// All services, sorted.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(|s| self.part(&s.name))
    }

    /// Whether the table knows this service.
    pub fn has_service(&self, service: &str) -> bool {
        self.service(service).is_some()
    }

    /// The actions that a pattern of a policy means. Empty for a text that is none (`s3`, `s3:
    /// GetObject`).
    pub fn matching(&self, pattern: &str) -> Bits {
        if pattern == "*" || pattern == "*:*" {
            return self.all();
        }
        let mut set = Bits::default();
        let Some((service, name)) = pattern.split_once(':') else {
            return set;
        };
        let Some(number) = self.service(service) else {
            return set;
        };
        let rows = self.services[number].rows.clone();
        if name == "*" {
            set.fill(rows);
            set.insert(self.rows.len() as u32 + number as u32);
        } else if !name.contains(['*', '?']) {
            if let Some(Action(bit)) = self.find(pattern) {
                set.insert(bit);
            }
        } else {
            let glob = Pattern::text(&name.to_ascii_lowercase());
            let mut lower = String::new();
            for row in rows {
                lower.clear();
                lower.push_str(self.part(&self.rows[row as usize].name));
                lower.make_ascii_lowercase();
                if glob.matches(&lower) {
                    set.insert(row);
                }
            }
        }
        set
    }

    /// Every bit.
    pub fn all(&self) -> Bits {
        let mut set = Bits::default();
        set.fill(0..self.bits());
        set
    }

    /// The known actions of a set.
    pub fn known(&self, set: &Bits) -> impl Iterator<Item = Action> {
        set.iter()
            .take_while(|bit| (*bit as usize) < self.rows.len())
            .map(Action)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_it_should() {
        let actions = Actions::builtin();
        assert_eq!(
            (actions.len(), actions.date.as_str()),
            (22_091, "2026-09-26")
        );
        let run = actions.find("ec2:runinstances").unwrap();
        assert_eq!(
            (actions.name(run).as_str(), actions.level(run)),
            ("ec2:RunInstances", AccessLevel::Write)
        );
        assert!(!actions.is_wildcard_only(run));
        assert!(
            actions
                .resource_arns(run)
                .any(|a| a == "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}")
        );
        assert!(actions.condition_keys(run).any(|k| k == "ec2:InstanceType"));
        assert!(actions.is_wildcard_only(actions.find("ec2:DescribeInstances").unwrap()));
        assert_eq!(
            actions.level(actions.find("iam:PutUserPolicy").unwrap()),
            AccessLevel::Permissions
        );
        assert!(actions.has_rcp("kms") && !actions.has_rcp("ec2"));
        assert_eq!(actions.find("s3:NoSuchThing"), None);
        for n in 0..actions.len() as u32 {
            assert_eq!(actions.find(&actions.name(Action(n))), Some(Action(n)));
        }
    }

    #[test]
    fn patterns_become_sets() {
        let actions = Actions::builtin();
        let names = |pattern: &str| {
            actions
                .known(&actions.matching(pattern))
                .map(|a| actions.name(a))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("iam:PutUser*"),
            ["iam:PutUserPermissionsBoundary", "iam:PutUserPolicy"]
        );
        assert_eq!(names("IAM:PASSROLE"), ["iam:PassRole"]);
        assert!(
            names("iam: PassRole").is_empty() && names("iam").is_empty() && names("").is_empty()
        );
        assert_eq!(
            actions.matching("*").len(),
            actions.len() + actions.services.len() + 1
        );
        let (s3, other) = (actions.matching("s3:*"), actions.bit("s3:Tomorrow"));
        assert!(s3.contains(other) && !actions.matching("s3:Get*").contains(other));
        assert!(actions.matching("*").contains(actions.bit("tomorrow:Do")));
        let rest = actions.all().difference(&s3);
        assert!(rest.intersection(&s3).is_empty() && rest.union(&s3) == actions.all());
        assert!(actions.all().covers(&s3) && !s3.covers(&rest));
    }

    #[test]
    fn other_tables_are_read_or_refused() {
        let small = format!(
            "{HEAD}\n# 2020-01-01\n# test\ns a\nk String a:k\nr thing arn:x -\na Do W 0! 0\ns b rcp\na Go L - -\n"
        );
        let table = Actions::unpack(small.as_bytes()).unwrap();
        assert_eq!(table.name(table.find("A:do").unwrap()), "a:Do");
        for bad in [
            "",
            "x",
            HEAD,
            &small.replace("s b", "s a"),
            &small.replace("a Go L", "a Go Q"),
            &small.replace("s a\n", ""),
        ] {
            assert!(Actions::unpack(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
