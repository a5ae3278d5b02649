//! A policy document as its grammar has it.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
//! Elements that the grammar does not know are kept, so that a new one can never be a change that
//! nobody sees.

mod json;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Bytes of the longest policy text that [`parse`] reads. AWS's own limit is 20 KB for a bucket
/// policy and 131,072 characters for the largest (Backup vaults excepted at 10 KB); ten times that
/// is hostile.
///
/// ```
/// let long = " ".repeat(bartizan_iam::POLICY_BYTES_MAX + 1);
/// assert!(bartizan_iam::parse(&long).is_err());
/// ```
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// Bytes of the longest string in a policy. An ARN has at most 2,048 characters.
///
/// ```
/// let action = "a".repeat(bartizan_iam::ELEMENT_BYTES_MAX + 1);
/// let policy = format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///     "Action": "{action}", "Resource": "*"}}}}"#);
/// assert!(bartizan_iam::parse(&policy).is_err());
/// ```
pub const ELEMENT_BYTES_MAX: usize = 8192;

/// Type of a policy, which decides the meaning of its principals.
///
/// ```
/// use bartizan_iam::{PolicyType, parse};
/// let loose = parse(r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action":
///     ["s3:GetObject"], "Resource": "*"}]}"#)?;
/// let tight = parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///     "Action": "S3:getobject", "Resource": "*"}}"#)?;
/// assert_eq!(loose.canonical(PolicyType::Identity), tight.canonical(PolicyType::Identity));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyType {
    /// Attached to a user, group, role or permission set; has no principals. Service control
    /// policies too.
    Identity,
    /// Attached to a resource. `"Principal": "*"` and `{"AWS": "*"}` both mean anyone, even without
    /// credentials.
    Resource,
    /// A role's trust policy. `"Principal": "*"` and `{"AWS": "*"}` are kept apart.
    Trust,
}

/// Error in the text of a policy.
///
/// ```
/// use bartizan_iam::{POLICY_BYTES_MAX, PolicyError, parse};
/// assert!(matches!(parse("{"), Err(PolicyError::Json(_))));
/// assert!(matches!(parse(&" ".repeat(POLICY_BYTES_MAX + 1)), Err(PolicyError::TooLong(_))));
/// ```
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PolicyError {
    /// Longer than [`POLICY_BYTES_MAX`].
    #[error("policy of {0} bytes is longer than {POLICY_BYTES_MAX}")]
    TooLong(usize),
    /// Not JSON, or an object that names a key twice (AWS refuses those; evaluators disagree on
    /// them).
    #[error("policy is not unambiguous JSON: {0}")]
    Json(String),
    /// Of a version that AWS does not know; see [`Policy::check_version`].
    #[error(
        "policy has the Version {0:?}, which AWS does not know: it is 2012-10-17 or 2008-10-17"
    )]
    Version(String),
    /// JSON, but not a policy.
    #[error("policy element {element} is {found}, expected {expected}")]
    Shape {
        /// The element at fault, `Statement[2].Action`.
        element: String,
        /// Type found there, e.g. `an object`.
        found: &'static str,
        /// Type that the grammar wants.
        expected: &'static str,
    },
}

/// A parsed policy.
///
/// ```
/// let policy = bartizan_iam::parse(r#"{"Statement": {"Effect": "Allow", "Action": "s3:*",
///     "Resource": "*"}}"#)?;
/// // A policy without a version has that of 2008, which knows no variables.
/// assert_eq!((policy.version.as_str(), policy.statements.len()), ("2008-10-17", 1));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// `2012-10-17`, or `2008-10-17`, which is also what an absent version means.
    pub version: String,
    /// In the order of the document.
    pub statements: Vec<Statement>,
    /// Top-level elements that the grammar does not know (`Id` is dropped: it grants nothing).
    pub unknown: BTreeMap<String, Value>,
}

/// One statement. A block that is absent is `None`.
///
/// ```
/// use bartizan_iam::{Block, parse};
/// let policy = parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///     "NotAction": "iam:*", "Resource": "*"}}"#)?;
/// assert_eq!(policy.statements[0].action, Some(Block::Not(vec!["iam:*".to_owned()])));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `Allow` or `Deny`, as written.
    pub effect: String,
    /// `Principal` or `NotPrincipal`.
    pub principal: Option<Block<Vec<Principal>>>,
    /// `Action` or `NotAction`.
    pub action: Option<Block<Vec<String>>>,
    /// `Resource` or `NotResource`.
    pub resource: Option<Block<Vec<String>>>,
    /// Every (operator, key, values) of `Condition`; all must hold.
    pub conditions: Vec<PolicyCondition>,
    /// `Sid`: its name, which grants nothing.
    pub sid: Option<String>,
    /// Elements that the grammar does not know.
    pub unknown: BTreeMap<String, Value>,
}

/// An element that exists in a plain and a `Not` form.
///
/// ```
/// use bartizan_iam::{Block, parse};
/// let policy = parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny",
///     "Action": "*", "NotResource": "arn:aws:s3:::b/*"}}"#)?;
/// assert!(matches!(&policy.statements[0].resource, Some(Block::Not(list)) if list.len() == 1));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Block<T> {
    /// `Action`, `Resource`, `Principal`.
    Is(T),
    /// `NotAction`, `NotResource`, `NotPrincipal`.
    Not(T),
}

/// One principal.
///
/// ```
/// use bartizan_iam::{Block, Principal, parse};
/// let trust = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal":
///         {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}"#,
/// )?;
/// let principal = Principal::Of("Service".into(), "ec2.amazonaws.com".into());
/// assert_eq!(trust.statements[0].principal, Some(Block::Is(vec![principal])));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// `"Principal": "*"`.
    Star,
    /// `{"AWS": "123456789012"}`: kind and value as written.
    Of(String, String),
}

/// One line of a condition block.
///
/// ```
/// let policy = bartizan_iam::parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
///     "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": true}}}}"#,
/// )?;
/// let condition = &policy.statements[0].conditions[0];
/// assert_eq!(
///     (condition.operator.as_str(), condition.values.as_slice()),
///     ("Bool", ["true".to_owned()].as_slice())
/// );
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyCondition {
    /// `StringEquals`, `ForAllValues:ArnLikeIfExists`, … as written.
    pub operator: String,
    /// `aws:SourceIp`, … as written.
    pub key: String,
    /// Booleans and numbers as their text.
    pub values: Vec<String>,
}

impl Principal {
    /// Whether AWS has this kind of principal, as far as we know what it means.
    pub(crate) fn is_known_kind(&self) -> bool {
        match self {
            Self::Star => true,
            Self::Of(kind, _) => matches!(kind.as_str(), "AWS" | "Service" | "Federated"),
        }
    }
}

impl Policy {
    /// Puts the ARN in place of each unique id of a principal (`AROA…`) that is known. Whether
    /// there was any.
    ///
    /// ```
    /// let mut policy = bartizan_iam::parse(
    ///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal":
    ///     {"AWS": "AIDAEXAMPLE"}, "Action": "*", "Resource": "*"}}"#,
    /// )?;
    /// assert!(policy.name_by_arn(&|id| {
    ///     (id == "AIDAEXAMPLE").then(|| "arn:aws:iam::111122223333:user/ann".to_owned())
    /// }));
    /// assert!(policy.statements[0].to_string().contains("user/ann"));
    /// # Ok::<(), bartizan_iam::PolicyError>(())
    /// ```
    pub fn name_by_arn(&mut self, arn: &dyn Fn(&str) -> Option<String>) -> bool {
        let mut any = false;
        for statement in &mut self.statements {
            let Some(Block::Is(list) | Block::Not(list)) = &mut statement.principal else {
                continue;
            };
            for principal in list {
                if let Principal::Of(kind, value) = principal
                    && kind == "AWS"
                    && let Some(arn) = arn(value)
                {
                    *value = arn;
                    any = true;
                }
            }
        }
        any
    }
}

/// Parses a policy document.
///
/// # Errors
/// See [`PolicyError`]. Nothing is guessed: a text with an ambiguity is refused as a whole.
///
/// ```
/// let policy = bartizan_iam::parse(r#"{"Version": "2012-10-17", "Statement":
///     {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#)?;
/// assert_eq!(policy.statements[0].effect, "Allow");
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn parse(text: &str) -> Result<Policy, PolicyError> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(PolicyError::TooLong(text.len()));
    }
    let Strict(value) = serde_json::from_str(text).map_err(|e| PolicyError::Json(e.to_string()))?;
    let Value::Object(mut map) = value else {
        return Err(shape("(whole)", &value, "an object"));
    };
    map.remove("Id");
    let version = match map.remove("Version") {
        None => "2008-10-17".to_owned(),
        Some(Value::String(s)) => s,
        Some(other) => return Err(shape("Version", &other, "a string")),
    };
    let statements = match map.remove("Statement") {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
    };
    let statements = statements
        .into_iter()
        .enumerate()
        .map(|(i, s)| statement(i, s))
        .collect::<Result<_, _>>()?;
    Ok(Policy {
        version,
        statements,
        unknown: map.into_iter().collect(),
    })
}

impl Policy {
    /// Whether its version is one that AWS knows: of another nobody knows what its statements mean,
    /// and AWS refuses it (IAM user guide, "Version": "2012-10-17" or "2008-10-17").
    pub(crate) fn is_version_known(&self) -> bool {
        matches!(self.version.as_str(), "2012-10-17" | "2008-10-17")
    }

    /// Names a version that AWS does not know. Statements of such a policy are parsed, and not
    /// understood.
    ///
    /// # Errors
    /// [`PolicyError::Version`].
    ///
    /// ```
    /// let policy = bartizan_iam::parse(r#"{"Version": "2012-10-18", "Statement": []}"#)?;
    /// assert!(policy.check_version().unwrap_err().to_string().contains("2012-10-18"));
    /// # Ok::<(), bartizan_iam::PolicyError>(())
    /// ```
    pub fn check_version(&self) -> Result<(), PolicyError> {
        if self.is_version_known() {
            Ok(())
        } else {
            Err(PolicyError::Version(self.version.clone()))
        }
    }
}

/// Where each statement of a policy stands in its text, in bytes; none when the text is no policy.
///
/// ```
/// let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"},
///     {"Effect": "Deny"}]}"#;
/// let spans = bartizan_iam::spans(text).unwrap();
/// assert_eq!(&text[spans[1].clone()], r#"{"Effect": "Deny"}"#);
/// ```
pub fn spans(text: &str) -> Option<Vec<Range<usize>>> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).ok()?;
    let raw = fields.get("Statement")?.get();
    let span = |part: &str| {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        start..start + part.len()
    };
    if !raw.starts_with('[') {
        return Some(vec![span(raw)]);
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    Some(list.into_iter().map(|s| span(s.get())).collect())
}

fn statement(index: usize, value: Value) -> Result<Statement, PolicyError> {
    let at = |element: &str| format!("Statement[{index}].{element}");
    let Value::Object(mut map) = value else {
        return Err(shape(&format!("Statement[{index}]"), &value, "an object"));
    };
    let sid = map
        .remove("Sid")
        .and_then(|v| v.as_str().map(str::to_owned));
    let effect = match map.remove("Effect") {
        Some(Value::String(s)) => s,
        Some(other) => return Err(shape(&at("Effect"), &other, "a string")),
        None => {
            return Err(PolicyError::Shape {
                element: at("Effect"),
                found: "absent",
                expected: "Allow or Deny",
            });
        }
    };
    let mut texts = |plain: &str, not: &str| -> Result<Option<Block<Vec<String>>>, PolicyError> {
        match (map.remove(plain), map.remove(not)) {
            (None, None) => Ok(None),
            (Some(v), None) => Ok(Some(Block::Is(strings(&at(plain), v)?))),
            (None, Some(v)) => Ok(Some(Block::Not(strings(&at(not), v)?))),
            (Some(v), Some(_)) => Err(shape(&at(not), &v, "absent beside its plain form")),
        }
    };
    let action = texts("Action", "NotAction")?;
    let resource = texts("Resource", "NotResource")?;
    let principal = match (map.remove("Principal"), map.remove("NotPrincipal")) {
        (None, None) => None,
        (Some(v), None) => Some(Block::Is(principals(&at("Principal"), v)?)),
        (None, Some(v)) => Some(Block::Not(principals(&at("NotPrincipal"), v)?)),
        (Some(v), Some(_)) => {
            return Err(shape(&at("NotPrincipal"), &v, "absent beside Principal"));
        }
    };
    let conditions = match map.remove("Condition") {
        None => Vec::new(),
        Some(v) => conditions(&at("Condition"), v)?,
    };
    Ok(Statement {
        effect,
        principal,
        action,
        resource,
        conditions,
        sid,
        unknown: map.into_iter().collect(),
    })
}

fn principals(at: &str, value: Value) -> Result<Vec<Principal>, PolicyError> {
    match value {
        Value::String(s) if s == "*" => Ok(vec![Principal::Star]),
        // Not in the grammar, but Lambda policies have been seen with it. Kept apart from every
        // kind that is.
        Value::String(s) => Ok(vec![Principal::Of("Principal".to_owned(), s)]),
        Value::Object(map) => {
            let mut list = Vec::new();
            for (kind, values) in map {
                for value in strings(&format!("{at}.{kind}"), values)? {
                    list.push(Principal::Of(kind.clone(), value));
                }
            }
            Ok(list)
        }
        other => Err(shape(at, &other, "\"*\" or an object")),
    }
}

fn conditions(at: &str, value: Value) -> Result<Vec<PolicyCondition>, PolicyError> {
    let Value::Object(operators) = value else {
        return Err(shape(at, &value, "an object"));
    };
    let mut list = Vec::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else {
            return Err(shape(&format!("{at}.{operator}"), &keys, "an object"));
        };
        for (key, values) in keys {
            let values = strings(&format!("{at}.{operator}.{key}"), values)?;
            list.push(PolicyCondition {
                operator: operator.clone(),
                key,
                values,
            });
        }
    }
    Ok(list)
}

/// A string, boolean or number, or a list of them, as texts.
fn strings(at: &str, value: Value) -> Result<Vec<String>, PolicyError> {
    let one = |v: Value| match v {
        Value::String(s) if s.len() > ELEMENT_BYTES_MAX => Err(PolicyError::Shape {
            element: at.to_owned(),
            found: "longer than any that AWS takes",
            expected: "a shorter string",
        }),
        Value::String(s) => Ok(s),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        other => Err(shape(at, &other, "a string")),
    };
    match value {
        Value::Array(list) => list.into_iter().map(one).collect(),
        single => Ok(vec![one(single)?]),
    }
}

fn shape(element: &str, value: &Value, expected: &'static str) -> PolicyError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    PolicyError::Shape {
        element: element.to_owned(),
        found,
        expected,
    }
}

/// A one-line reading of a statement: `allow s3:Get*, s3:List* on arn:aws:s3:::b/* to
/// AWS:123456789012 if …`.
///
/// The text is for people and is not escaped; a renderer escapes it for its medium.
impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.effect.to_lowercase())?;
        match &self.action {
            None => f.write_str("(no action)")?,
            Some(block) => write_block(f, block, |v| v.clone())?,
        }
        if let Some(block) = &self.resource {
            f.write_str(" on ")?;
            write_block(f, block, |v| v.clone())?;
        }
        if let Some(block) = &self.principal {
            f.write_str(" to ")?;
            write_block(f, block, |p| match p {
                Principal::Star => "anyone".to_owned(),
                Principal::Of(kind, value) if kind == "AWS" && value == "*" => "anyone".to_owned(),
                Principal::Of(kind, value) if kind == "AWS" => value.clone(),
                Principal::Of(kind, value) => format!("{kind}:{value}"),
            })?;
        }
        for (i, c) in self.conditions.iter().enumerate() {
            write!(
                f,
                "{}{} {} {}",
                if i == 0 { " if " } else { " and " },
                c.key,
                c.operator,
                c.values.join("|")
            )?;
        }
        for (name, value) in &self.unknown {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

fn write_block<T>(
    f: &mut fmt::Formatter<'_>,
    block: &Block<Vec<T>>,
    text: impl Fn(&T) -> String,
) -> fmt::Result {
    let (prefix, list) = match block {
        Block::Is(list) => ("", list),
        Block::Not(list) => ("all but ", list),
    };
    write!(
        f,
        "{prefix}{}",
        list.iter().map(text).collect::<Vec<_>>().join(", ")
    )
}

/// JSON that names no key of an object twice. `serde_json::Value` keeps the last and says nothing.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Strict, E> {
        Ok(Strict(Value::Bool(v)))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Strict, E> {
        Ok(Strict(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Strict, E> {
        Ok(Strict(v.into()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Strict, E> {
        Ok(Strict(v.into()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Strict, E> {
        Ok(Strict(Value::String(v.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strict, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(v)) = seq.next_element()? {
            list.push(v);
        }
        Ok(Strict(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!(
                    "key {key:?} stands twice in one object"
                )));
            }
            object.insert(key, value);
        }
        Ok(Strict(Value::Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_statement_aloud() {
        let policy = parse(
            r#"{"Version":"2012-10-17","Statement":{"Sid":"x","Effect":"Allow","Principal":{"AWS":["123456789012"],"Service":"ec2.amazonaws.com"},
               "Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":true}}}}"#,
        )
        .unwrap();
        assert_eq!(
            policy.statements[0].to_string(),
            "allow sts:AssumeRole to 123456789012, Service:ec2.amazonaws.com if aws:MultiFactorAuthPresent Bool true"
        );
    }

    #[test]
    fn refuses_what_is_ambiguous_and_says_where() {
        for (text, part) in [
            (r#"{"Statement":[],"Statement":[]}"#, "stands twice"),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":{"a":1}}]}"#,
                "Statement[0].Action is an object",
            ),
            (
                r#"{"Statement":[{"Action":"*"}]}"#,
                "Statement[0].Effect is absent",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":"*","NotAction":"*"}]}"#,
                "NotAction",
            ),
            ("", "not unambiguous JSON"),
            ("[]", "(whole) is a list"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(parse(&deep), Err(PolicyError::Json(_))));
        assert!(matches!(
            parse(&" ".repeat(POLICY_BYTES_MAX + 1)),
            Err(PolicyError::TooLong(_))
        ));
    }
}
