//! Paths into responses, and templates that take values from them.
//!
//! `{Name}` is the innermost value of that name: of the item, of its enclosing values, of the
//! call's parameters, of the item that the call is made for, and so on. `{$Name}` is the call's own
//! parameter, which is known before AWS responds, so a failed call can still tell which facts are
//! missing.

use std::sync::Arc;

use bartizan_inventory::fact::Hash;
use serde_json::{Map, Value};

/// Values visible to a template, innermost first.
#[derive(Debug, Clone, Default)]
pub struct TemplateScope(Option<Arc<ScopeLayer>>);

#[derive(Debug)]
struct ScopeLayer {
    value: Value,
    /// Parameters of a call.
    params: bool,
    outer: TemplateScope,
}

impl TemplateScope {
    /// Scope with a value added as the innermost.
    #[must_use]
    pub fn within(&self, value: Value) -> Self {
        Self(Some(Arc::new(ScopeLayer {
            value,
            params: false,
            outer: self.clone(),
        })))
    }

    /// Scope with the parameters of a call added as the innermost.
    #[must_use]
    pub fn within_params(&self, params: &Map<String, Value>) -> Self {
        Self(Some(Arc::new(ScopeLayer {
            value: Value::Object(params.clone()),
            params: true,
            outer: self.clone(),
        })))
    }

    /// Innermost value that has something at `path`; `.` is the innermost value itself.
    #[must_use]
    pub fn look_up(&self, path: &str) -> Option<&Value> {
        if let Some(param) = path.strip_prefix('$') {
            // A response in a dump without a parent response has one parameter only; the item has
            // the others.
            return self.param(param).or_else(|| self.look_up(param));
        }
        let mut scope = self;
        while let Some(layer) = &scope.0 {
            if path == "." {
                return Some(&layer.value);
            }
            if let Some(found) = at(&layer.value, path) {
                return Some(found);
            }
            scope = &layer.outer;
        }
        None
    }

    fn param(&self, name: &str) -> Option<&Value> {
        let mut scope = self;
        while let Some(layer) = &scope.0 {
            if layer.params {
                return at(&layer.value, name);
            }
            scope = &layer.outer;
        }
        None
    }

    /// Innermost value.
    #[must_use]
    pub fn innermost(&self) -> Option<&Value> {
        self.0.as_ref().map(|layer| &layer.value)
    }

    /// Fills a template: `{path}`, `{one|other}`. `None` if a value is missing.
    #[must_use]
    pub fn fill(&self, template: &str) -> Option<String> {
        let (text, whole) = fill(template, |path| self.look_up(path));
        whole.then_some(text)
    }

    /// Fills a template with the call's own parameters only: the prefix of its facts' ids, whatever
    /// AWS responds.
    #[must_use]
    pub fn fill_known(&self, template: &str) -> String {
        fill(template, |path| self.param(path.strip_prefix('$')?)).0
    }

    /// Id of a fact. If its name is missing, the hash of the item is used.
    #[must_use]
    pub fn fill_id(&self, template: &str) -> String {
        self.fill(template).unwrap_or_else(|| {
            let item = self.innermost().map(Value::to_string).unwrap_or_default();
            format!("?{}", &Hash::of(item.as_bytes()).to_string()[..12])
        })
    }

    /// Parameters with filled templates. A text that is a single template keeps the type of the
    /// value.
    ///
    /// # Errors
    /// Name of a parameter whose value is missing.
    pub fn fill_params(&self, with: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let one = |value: &Value| match value {
            Value::String(template) => {
                let path = template.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
                match path.filter(|p| !p.contains(['{', '|'])) {
                    Some(path) => self.look_up(path).filter(|v| !v.is_null()).cloned(),
                    None => self.fill(template).map(Value::String),
                }
            }
            other => Some(other.clone()),
        };
        let mut out = Map::new();
        for (name, value) in with {
            let filled = match value {
                Value::Array(list) => list
                    .iter()
                    .map(one)
                    .collect::<Option<Vec<_>>>()
                    .map(Value::Array),
                other => one(other),
            };
            out.insert(name.clone(), filled.ok_or_else(|| name.clone())?);
        }
        Ok(out)
    }

    /// Whether all of these paths have these values, or one of a list of values.
    #[must_use]
    pub fn meets(&self, when: &std::collections::BTreeMap<String, Value>) -> bool {
        when.iter()
            .all(|(path, want)| match (self.look_up(path), want) {
                (Some(have), Value::Array(any)) => any.contains(have),
                (have, want) => have == Some(want),
            })
    }

    /// Scope for each item under `path`. Lists on the path are entered; the empty path is the value
    /// itself.
    #[must_use]
    pub fn each(&self, value: &Value, path: &str) -> Vec<TemplateScope> {
        let mut out = Vec::new();
        walk(self, value, path, &mut out);
        out
    }
}

/// Text filled as far as values are known, and whether it is complete.
fn fill<'v>(template: &str, value: impl Fn(&str) -> Option<&'v Value>) -> (String, bool) {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        out.push_str(before);
        let Some((paths, after)) = tail.split_once('}') else {
            return (out, false);
        };
        match paths.split('|').find_map(|path| value(path).and_then(text)) {
            Some(value) => out.push_str(&value),
            None => return (out, false),
        }
        rest = after;
    }
    out.push_str(rest);
    (out, true)
}

/// Inverse of filling `{$Bucket}/{$Key}`: the parameters that gave `text`. Each value but the last
/// ends where the text after it in the template first stands.
#[must_use]
pub fn params_of(template: &str, text: &str) -> Option<Map<String, Value>> {
    let mut params = Map::new();
    let mut rest = text;
    let mut parts = template.split('{');
    rest = rest.strip_prefix(parts.next()?)?;
    for part in parts {
        let (name, after) = part.split_once('}')?;
        let end = if after.is_empty() {
            rest.len()
        } else {
            rest.find(after)?
        };
        let value = rest[..end].to_owned();
        params.insert(name.trim_start_matches('$').to_owned(), value.into());
        rest = &rest[end + after.len()..];
    }
    rest.is_empty().then_some(params)
}

/// Whether a value stands at a dotted path. Lists are entered.
#[must_use]
pub fn has(value: &Value, path: &str, want: &Value) -> bool {
    match (value, path.split_once('.').unwrap_or((path, ""))) {
        (Value::Array(list), _) => list.iter().any(|v| has(v, path, want)),
        (value, ("", _)) => value == want,
        (value, (key, rest)) => value.get(key).is_some_and(|v| has(v, rest, want)),
    }
}

fn walk(scope: &TemplateScope, value: &Value, path: &str, out: &mut Vec<TemplateScope>) {
    match (value, path.split_once('.').unwrap_or((path, ""))) {
        (Value::Null, _) => {}
        (Value::Array(list), _) => list.iter().for_each(|v| walk(scope, v, path, out)),
        (item, ("", _)) => out.push(scope.within(item.clone())),
        (Value::Object(map), (first, rest)) => {
            if let Some(inner) = map.get(first) {
                // Enclosing value without the items themselves, for looking up names.
                let around: Map<String, Value> = map
                    .iter()
                    .filter(|(k, _)| *k != first)
                    .filter(|(_, v)| !v.is_array())
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                walk(&scope.within(Value::Object(around)), inner, rest, out);
            }
        }
        _ => {}
    }
}

/// Value at a dotted path. Lists are not entered. `null` counts as absent.
#[must_use]
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let found = path.split('.').try_fold(value, |v, key| v.get(key))?;
    (!found.is_null()).then_some(found)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn inner_values_hide_outer_ones() {
        let answer = json!({"Roles": [{"Name": "r", "Policies": [{"Name": "p"}, {"Name": "q"}]}]});
        let outer = TemplateScope::default().within(json!({"account": "1"}));
        let ids: Vec<String> = outer
            .each(&answer, "Roles.Policies")
            .iter()
            .map(|s| s.fill_id("{account}/{Name}"))
            .collect();
        assert_eq!(ids, ["1/p", "1/q"]);
        let roles = outer.each(&answer, "Roles");
        assert_eq!(roles[0].fill("{Missing|Name}").as_deref(), Some("r"));
        let call = roles[0]
            .within_params(json!({"Key": "k"}).as_object().unwrap())
            .within(json!({"Key": "arn:k", "Id": "i"}));
        assert_eq!(call.fill_id("{$Key}/{Key}/{Id}"), "k/arn:k/i");
        assert_eq!(call.fill_known("{$Key}/{Id}"), "k/");
        assert_eq!(call.fill_known("{Key}"), "");
        assert_eq!(
            outer
                .each(&json!(["a", "b"]), "")
                .iter()
                .map(|s| s.fill_id("{.}"))
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
    }

    #[test]
    fn a_list_of_values_means_any_of_them() {
        let scope = TemplateScope::default().within(json!({"id": "b"}));
        let when = |ids: Value| std::collections::BTreeMap::from([("id".to_owned(), ids)]);
        assert!(scope.meets(&when(json!(["a", "b"]))) && scope.meets(&when(json!("b"))));
        assert!(!scope.meets(&when(json!(["a"]))) && !scope.meets(&when(json!("a"))));
        assert!(has(
            &json!({"Rules": [{"X": 1}, {"X": 2}]}),
            "Rules.X",
            &json!(2)
        ));
        assert!(!has(&json!({"Rules": [{"Y": 2}]}), "Rules.X", &json!(2)));
    }

    #[test]
    fn names_of_files_give_the_parameters_back() {
        let params = params_of("{$Bucket}/{$Key}", "logs/a/b c.txt").unwrap();
        assert_eq!(
            Value::from(params),
            json!({"Bucket": "logs", "Key": "a/b c.txt"})
        );
        assert!(params_of("{$Bucket}/{$Key}", "logs").is_none());
    }

    #[test]
    fn parameters_keep_their_type() {
        let scope = TemplateScope::default().within(json!({"Version": 3}));
        let with = json!({"VersionNumber": "{Version}", "Limit": 5, "Names": ["{Version}", "x"]});
        assert_eq!(
            scope.fill_params(with.as_object().unwrap()).unwrap()["VersionNumber"],
            json!(3)
        );
        assert_eq!(
            scope.fill_params(json!({"A": "{Nope}"}).as_object().unwrap()),
            Err("A".to_owned())
        );
    }
}
