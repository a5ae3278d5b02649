//! Questions of the page to the state of a store.

use anyhow::Result;
use bartizan_model::Finding;

use super::StoreState;

/// Findings of one rule.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct RuleCount {
    pub(crate) rule: String,
    /// Findings.
    pub(crate) findings: u64,
    /// Last of them, RFC 3339.
    pub(crate) last_time: Option<String>,
}

impl StoreState {
    /// A number that changes when another process commits.
    pub(crate) fn data_version(&self) -> Result<i64> {
        Ok(self
            .connection
            .query_row("pragma data_version", [], |row| row.get(0))?)
    }

    /// Number of findings of each rule since a time, most first.
    pub(crate) fn rule_counts(&self, since: &str) -> Result<Vec<RuleCount>> {
        let mut statement = self.connection.prepare(
            "select json_extract(json, '$.rule') as rule, count(*), max(last_time) from finding \
            where last_time >= ?1 group by rule order by 2 desc, 1",
        )?;
        let rows = statement.query_map([since], |row| {
            Ok(RuleCount {
                rule: row.get(0)?,
                findings: row.get::<_, i64>(1)? as u64,
                last_time: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Findings of a rule, newest first.
    pub(crate) fn findings_of_rule(&self, rule: &str, most: usize) -> Result<Vec<Finding>> {
        self.json(
            "select json from finding where json_extract(json, '$.rule') = ?1 \
            order by last_time desc, id limit ?2",
            rusqlite::params![rule, most as i64],
        )
    }

    /// Findings whose JSON holds a text, worst first, and how many there are.
    pub(crate) fn findings_with(&self, text: &str, most: usize) -> Result<(Vec<Finding>, u64)> {
        // As the text stands in JSON: a quote in it is escaped there.
        let quoted = serde_json::to_string(text)?;
        let inner = quoted.trim_matches('"');
        let escaped = inner
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let pattern = format!("%{escaped}%");
        let count: i64 = self.connection.query_row(
            "select count(*) from finding where json like ?1 escape '\\'",
            [&pattern],
            |row| row.get(0),
        )?;
        let found = self.json(
            "select json from finding where json like ?1 escape '\\' order by case severity \
            when 'critical' then 0 when 'high' then 1 when 'medium' then 2 when 'low' then 3 \
            else 4 end, last_time desc, id limit ?2",
            rusqlite::params![pattern, most as i64],
        )?;
        Ok((found, count as u64))
    }
}
