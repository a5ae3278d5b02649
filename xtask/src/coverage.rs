//! `cargo xtask coverage TABLE`: the share of calls named by public rule sets and attack tools on
//! which one of our fixtures fires. TABLE has one call per line, tab-separated: event source or
//! `-`, event name, `change` or `read`, `incident` if an attacker was seen to use it, and the sets
//! that name it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bartizan_detect::{Fixture, RuleFile};

/// Call in the table.
struct Row<'t> {
    /// `ec2`; `None` if the set names no service.
    service: Option<&'t str>,
    name: &'t str,
    is_change: bool,
    is_seen_in_incident: bool,
    sets: Vec<&'t str>,
}

/// Prints the coverage of each set, and the missing calls.
pub(crate) fn print(root: &Path, table: &Path) -> Result<()> {
    let text = std::fs::read_to_string(table).with_context(|| table.display().to_string())?;
    let rows: Vec<Row<'_>> = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
        .map(row)
        .collect::<Result<_>>()?;
    let fired = fired(root)?;
    let names: BTreeSet<&str> = fired
        .iter()
        .filter_map(|call| call.split_once(':'))
        .map(|(_, name)| name)
        .collect();
    let actions = crate::event_facts::actions(root)?;
    let is_covered = |row: &Row<'_>| {
        let name = undated(row.name).to_lowercase();
        let Some(service) = row.service else {
            return names.contains(&*name);
        };
        let call = format!("{service}:{name}");
        // Rules of a set list sources and names separately, so the table has combinations that do
        // not exist (guardduty:CreateSnapshot): these are matched by name only.
        fired.contains(&call) || !actions.contains(&call) && names.contains(&*name)
    };
    let mut groups: BTreeMap<&str, Vec<&Row<'_>>> = BTreeMap::new();
    for row in &rows {
        row.sets
            .iter()
            .for_each(|set| groups.entry(set).or_default().push(row));
        if row.is_change && row.is_seen_in_incident {
            groups
                .entry("changes seen in incidents")
                .or_default()
                .push(row);
        }
    }
    println!(
        "{} calls of {} rules fire in fixtures",
        fired.len(),
        files(root)?.len()
    );
    for (set, rows) in groups {
        let missing: Vec<String> = rows
            .iter()
            .filter(|row| !is_covered(row))
            .map(|row| format!("{}:{}", row.service.unwrap_or("-"), row.name))
            .collect();
        let covered = rows.len() - missing.len();
        println!(
            "{set}: {covered} of {} ({} %)",
            rows.len(),
            covered * 100 / rows.len()
        );
        missing
            .chunks(6)
            .for_each(|line| println!("    {}", line.join(" ")));
    }
    Ok(())
}

fn row(line: &str) -> Result<Row<'_>> {
    let fields: Vec<&str> = line.split('\t').collect();
    ensure!(fields.len() == 5, "not five fields: {line}");
    let service = fields[0].strip_suffix(".amazonaws.com");
    Ok(Row {
        service,
        name: fields[1],
        is_change: fields[2] == "change",
        is_seen_in_incident: fields[3] == "incident",
        sets: fields[4].split(',').collect(),
    })
}

/// `AddPermission` for `AddPermission20150331v2`: Lambda and CloudFront include the API version in
/// the name.
fn undated(name: &str) -> &str {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let bare = bare
        .strip_suffix('v')
        .unwrap_or(bare)
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    // Digits that belong to the name stay (CreateSubscription3 has no version).
    if name.len() >= bare.len() + 8 {
        bare
    } else {
        name
    }
}

/// Calls on which a rule fires in its own fixtures, as `service:call` in lower case without
/// versions.
fn fired(root: &Path) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for file in files(root)? {
        let path = root.join("rules").join(&file.name).with_extension("json");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let fixture: Fixture =
            serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        for call in fixture.fired(&file) {
            let (service, name) = call.split_once(':').unwrap_or(("", &call));
            all.insert(format!("{service}:{}", undated(name)).to_lowercase());
        }
    }
    Ok(all)
}

/// Built-in rules as they are in the checkout.
pub(crate) fn files(root: &Path) -> Result<Vec<RuleFile>> {
    let mut files = Vec::new();
    for stage in ["gain", "maintain", "steal", "blind"] {
        for entry in std::fs::read_dir(root.join("rules").join(stage))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "yml") {
                let name = path
                    .file_stem()
                    .and_then(|n| n.to_str())
                    .context("a name that is no text")?;
                let text = std::fs::read_to_string(&path)?;
                files.push(RuleFile {
                    name: format!("{stage}/{name}"),
                    text,
                    builtin: true,
                });
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::undated;

    #[test]
    fn versions_go_and_numbers_stay() {
        for (name, bare) in [
            ("AddPermission20150331v2", "AddPermission"),
            ("CreateFunction20150331", "CreateFunction"),
            ("UpdateDistribution2020_05_31", "UpdateDistribution"),
            ("GetBucketAcl", "GetBucketAcl"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("CreateSubscription3", "CreateSubscription3"),
        ] {
            assert_eq!(undated(name), bare);
        }
    }
}
