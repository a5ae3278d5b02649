//! Policies as AWS writes them.

use serde_json::{Map, Value, json};

use super::{Block, Policy, Principal, Statement};

impl Policy {
    /// The policy as JSON that AWS takes.
    ///
    /// ```
    /// let text = r#"{"Statement":[{"Action":["s3:Get*"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}"#;
    /// let policy = bartizan_iam::parse(text)?;
    /// let same: serde_json::Value = serde_json::from_str(text).unwrap();
    /// assert_eq!(policy.json(), same);
    /// # Ok::<(), bartizan_iam::PolicyError>(())
    /// ```
    pub fn json(&self) -> Value {
        let mut policy = Map::new();
        policy.insert("Version".to_owned(), json!(self.version));
        let statements: Vec<Value> = self.statements.iter().map(statement).collect();
        policy.insert("Statement".to_owned(), json!(statements));
        policy.extend(self.unknown.clone());
        Value::Object(policy)
    }
}

fn statement(statement: &Statement) -> Value {
    let mut all = Map::new();
    if let Some(sid) = &statement.sid {
        all.insert("Sid".to_owned(), json!(sid));
    }
    all.insert("Effect".to_owned(), json!(statement.effect));
    let mut add = |name: &str, block: &Option<Block<Vec<String>>>| match block {
        None => {}
        Some(Block::Is(list)) => {
            all.insert(name.to_owned(), json!(list));
        }
        Some(Block::Not(list)) => {
            all.insert(format!("Not{name}"), json!(list));
        }
    };
    add("Action", &statement.action);
    add("Resource", &statement.resource);
    match &statement.principal {
        None => {}
        Some(Block::Is(list)) => {
            all.insert("Principal".to_owned(), principals(list));
        }
        Some(Block::Not(list)) => {
            all.insert("NotPrincipal".to_owned(), principals(list));
        }
    }
    if !statement.conditions.is_empty() {
        let mut conditions = Map::new();
        for condition in &statement.conditions {
            let keys = conditions
                .entry(condition.operator.clone())
                .or_insert_with(|| json!({}));
            keys[&condition.key] = json!(condition.values);
        }
        all.insert("Condition".to_owned(), Value::Object(conditions));
    }
    all.extend(statement.unknown.clone());
    Value::Object(all)
}

fn principals(list: &[Principal]) -> Value {
    let mut kinds: Map<String, Value> = Map::new();
    for principal in list {
        match principal {
            Principal::Star => return json!("*"),
            Principal::Of(kind, value) => {
                let values = kinds.entry(kind.clone()).or_insert_with(|| json!([]));
                if let Some(values) = values.as_array_mut() {
                    values.push(json!(value));
                }
            }
        }
    }
    Value::Object(kinds)
}
