//! Fields of documents, by path and class.

use serde_json::{Map, Value};

/// Fields by class; what is in none is durable, and a change of it is a change.
#[derive(Debug, Clone, Default)]
pub struct FieldClasses {
    /// Ids and creation times: a change means that the thing was replaced.
    pub identity: DocumentPaths,
    /// Counts and references that follow from other facts: not in the canonical hash.
    pub derived: DocumentPaths,
    /// Last used, sizes, status: in no hash, kept beside.
    pub volatile: DocumentPaths,
    /// Version counters: expected to move with a document, noteworthy alone.
    pub growing: DocumentPaths,
    /// Values that are kept as hashes only.
    pub secret: DocumentPaths,
    /// Lists whose order means something.
    pub ordered: DocumentPaths,
}

/// Dotted paths into a document. Lists are walked through; `*` stands for any key; `**.X` for `X`
/// at any depth.
#[derive(Debug, Clone, Default)]
pub struct DocumentPaths(pub(super) Vec<String>);

/// Gets the object, the key in it, and the path.
type Visit<'v> = &'v mut dyn FnMut(&mut Map<String, Value>, &str, &str);

impl DocumentPaths {
    /// Whether the field at `path` (or one that contains it) is meant.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|pattern| match pattern.strip_prefix("**.") {
                Some(name) => path.split('.').any(|key| key == name),
                None => {
                    let mut keys = path.split('.');
                    pattern
                        .split('.')
                        .all(|p| keys.next().is_some_and(|k| p == "*" || p == k))
                }
            })
    }

    /// Replaces every value that is meant by what `f` gives; `None` removes the field.
    pub(super) fn rewrite(&self, value: &mut Value, f: &mut dyn FnMut(&Value) -> Option<Value>) {
        if !self.0.is_empty() {
            self.walk(value, "", &mut |map, key, _| match f(&map[key]) {
                Some(new) => map[key] = new,
                None => drop(map.shift_remove(key)),
            });
        }
    }

    /// Moves every field that is meant out of `value`, into `out` under its path.
    pub(super) fn extract(&self, value: &mut Value, path: &str, out: &mut Map<String, Value>) {
        if !self.0.is_empty() {
            self.walk(value, path, &mut |map, key, path| {
                if let Some(value) = map.shift_remove(key) {
                    out.entry(path)
                        .or_insert_with(|| Value::Array(Vec::new()))
                        .as_array_mut()
                        .into_iter()
                        .for_each(|l| l.push(value.clone()));
                }
            });
        }
    }

    fn walk(&self, value: &mut Value, path: &str, visit: Visit<'_>) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|v| self.walk(v, path, visit)),
            Value::Object(map) => {
                let keys: Vec<String> = map.keys().cloned().collect();
                for key in keys {
                    let at = join(path, &key);
                    if self.covers(&at) {
                        visit(map, &key, &at);
                    } else if let Some(inner @ (Value::Array(_) | Value::Object(_))) =
                        map.get_mut(&key)
                    {
                        self.walk(inner, &at, visit);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Dotted path of a member: `Role.Arn` of `Role` and `Arn`.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
