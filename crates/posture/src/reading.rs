//! Facts as a check reads them.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::missing::{MissingFact, MissingReason};
use bartizan_iam::{Policy, PolicyError, parse};
use bartizan_inventory::fact::{Hash, absent_code};
use serde::de::IgnoredAny;
use serde_json::Value;

/// A document by its hash; `None` where it is not in the store.
pub(crate) type DocumentSource<'a> = &'a dyn Fn(&Hash) -> Option<Vec<u8>>;

/// A fact of the snapshot, its document read when first asked for.
pub struct FactView<'a> {
    /// `s3:bucketpolicy`.
    pub kind: &'a str,
    /// A region, or `global`.
    pub region: &'a str,
    /// Without escapes, e.g. `alice/AKIAEXAMPLE`.
    pub id: String,
    /// Hash of its canonical form.
    pub canonical: Hash,
    raw: Hash,
    volatile_text: &'a str,
    documents: DocumentSource<'a>,
    document: OnceCell<Option<Document>>,
    json: OnceCell<Value>,
    policy: OnceCell<Result<Rc<Policy>, MissingFact>>,
    volatile: OnceCell<Value>,
}

/// A document, read.
enum Document {
    /// Valid JSON. A check parses it as JSON or as a policy; most are never parsed as both.
    Bytes(Box<[u8]>),
    /// AWS said that there is none, with this error code.
    Absent(String),
}

/// The value of a field that is not there.
static NULL: Value = Value::Null;

impl<'a> FactView<'a> {
    pub(crate) fn new(
        line: (&'a str, &'a str, String),
        hashes: (Hash, Hash),
        volatile_text: &'a str,
        documents: DocumentSource<'a>,
    ) -> Self {
        let (kind, region, id) = line;
        let (canonical, raw) = hashes;
        Self {
            kind,
            region,
            id,
            canonical,
            raw,
            volatile_text,
            documents,
            document: OnceCell::new(),
            json: OnceCell::new(),
            policy: OnceCell::new(),
            volatile: OnceCell::new(),
        }
    }

    fn document(&self) -> Option<&Document> {
        let read = || {
            let bytes = (self.documents)(&self.raw)?;
            if let Some(code) = absent_code(&bytes) {
                return Some(Document::Absent(code));
            }
            serde_json::from_slice::<IgnoredAny>(&bytes).ok()?;
            Some(Document::Bytes(bytes.into()))
        };
        self.document.get_or_init(read).as_ref()
    }

    /// Whether its document is at hand.
    pub(crate) fn is_read(&self) -> bool {
        self.document().is_some()
    }

    /// The error code with which AWS said that the thing is not there, e.g. `NoSuchBucketPolicy`.
    #[must_use]
    pub fn absent(&self) -> Option<&str> {
        match self.document()? {
            Document::Absent(code) => Some(code),
            Document::Bytes(_) => None,
        }
    }

    /// Its document; `null` where there is none.
    #[must_use]
    pub fn json(&self) -> &Value {
        let parsed = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or(Value::Null);
        match self.document() {
            Some(Document::Bytes(bytes)) => self.json.get_or_init(|| parsed(bytes)),
            _ => &NULL,
        }
    }

    /// Its document as a policy.
    ///
    /// # Errors
    /// Where the document is not at hand, or is no policy.
    pub fn policy(&self) -> Result<Rc<Policy>, MissingFact> {
        self.policy.get_or_init(|| self.parsed_policy()).clone()
    }

    fn parsed_policy(&self) -> Result<Rc<Policy>, MissingFact> {
        let missing = |why| MissingFact::new(self.kind, self.region, &self.id, why);
        let Some(Document::Bytes(bytes)) = self.document() else {
            return Err(missing(MissingReason::NoDocument));
        };
        let policy = parse(&String::from_utf8_lossy(bytes));
        let refused = |e: PolicyError| missing(MissingReason::NotUnderstood(e.to_string()));
        policy.map(Rc::new).map_err(refused)
    }

    /// A field by its JSON pointer, e.g. `/MetadataOptions/HttpTokens`.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.json().pointer(pointer)?.as_str()
    }

    /// A boolean by its JSON pointer: `true`, or the text `"true"`.
    #[must_use]
    pub fn is(&self, pointer: &str) -> bool {
        match self.json().pointer(pointer) {
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// A list by its JSON pointer; empty where there is none.
    #[must_use]
    pub fn list(&self, pointer: &str) -> &[Value] {
        let list = self.json().pointer(pointer).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    /// The elements of a field that AWS prints as one value or as a list.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        self.json().as_array().map_or(&[], Vec::as_slice)
    }

    /// A field that moves by itself (`PasswordLastUsed`, `password_last_used`), by its name; the
    /// document is looked at where it was not taken apart.
    #[must_use]
    pub fn volatile(&self, name: &str) -> Option<&str> {
        self.volatile_json(name)?.as_str()
    }

    /// A field that moves by itself, as JSON: `AccessKeyLastUsed`. Nothing where the side lines are
    /// not at hand.
    #[must_use]
    pub fn volatile_json(&self, name: &str) -> Option<&Value> {
        let read = || serde_json::from_str(self.volatile_text).unwrap_or(Value::Null);
        let volatile = self.volatile.get_or_init(read);
        // A path can be met several times in one document.
        let first = |values: &'_ Value| values.as_array().is_some_and(|v| !v.is_empty());
        match volatile.get(name) {
            Some(values) if first(values) => values.get(0),
            _ => self.json().get(name),
        }
    }

    /// The id before its first slash: the user of `alice/AKIAEXAMPLE`.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

/// All facts of a kind that are there, and what of the kind was not read.
pub struct List<'v, 'a> {
    /// By region and id.
    pub facts: Vec<&'v FactView<'a>>,
    /// Regions, or single things, that were not read.
    pub unread: Vec<MissingFact>,
}
