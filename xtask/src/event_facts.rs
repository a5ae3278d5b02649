//! Part of `cargo xtask generate`: data/event-facts.txt, which API calls can change which facts.
//!
//! What is a decision stands in xtask/event-facts.toml. botocore's models say whether those calls
//! and fields exist, and which further calls write to the same things; the call table says which
//! kinds there must be; the table of actions, which permission each call needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::model;

/// How the name of an operation begins that writes to a thing that is there.
const WRITES: [&str; 13] = [
    "Modify",
    "Update",
    "Enable",
    "Disable",
    "Associate",
    "Disassociate",
    "Attach",
    "Detach",
    "Replace",
    "Reset",
    "Put",
    "Assign",
    "Unassign",
];

/// The file as it should be.
pub(crate) fn table(root: &Path, botocore: &Path) -> Result<String> {
    let hints: toml::Table = toml::from_str(&std::fs::read_to_string(
        root.join("xtask/event-facts.toml"),
    )?)?;
    let actions = actions(root)?;
    let (mut lines, mut kinds, mut renamed, mut wrong) = (
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
        Vec::new(),
    );
    for row in hints
        .get("aws")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |name: &str| {
            row.get(name)
                .and_then(toml::Value::as_str)
                .with_context(|| format!("[[aws]] has no {name}"))
        };
        for kind in row
            .get("kinds")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            lines.insert(format!(
                "-\t-\t{}\taws\t{}\t{}\t-",
                kind.as_str().context("a kind")?,
                text("begins")?,
                text("why")?
            ));
        }
    }
    for (service, rows) in hints.iter().filter(|(name, _)| *name != "aws") {
        let rows = rows.as_table().context("a service is a table")?;
        let operations = Operations::read(botocore, service)?;
        let source = rows
            .get("source")
            .and_then(toml::Value::as_str)
            .unwrap_or(&operations.source)
            .to_owned();
        for (kind, row) in rows.iter().filter(|(name, _)| name.contains(':')) {
            ensure!(kinds.insert(kind.clone()), "{kind} stands twice");
            let text = |name: &str| row.get(name).and_then(toml::Value::as_str);
            if let Some(reason) = text("none") {
                lines.insert(format!("-\t-\t{kind}\tnone\t{reason}\t-\t-"));
                continue;
            }
            let id = text("id").with_context(|| format!("{kind} has no id"))?;
            let mut named = BTreeSet::new();
            for effect in ["add", "set", "remove"] {
                for call in row
                    .get(effect)
                    .and_then(toml::Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    let call = Call::parse(
                        call.as_str().context("a call is a text")?,
                        id,
                        text("content"),
                    );
                    if let Err(e) = operations.check(&call) {
                        wrong.push(format!("{kind}: {}: {e}", call.event));
                    }
                    if !actions.contains(&format!("{service}:{}", call.operation).to_lowercase()) {
                        renamed.insert(format!("{service}:{}", call.event));
                    }
                    named.insert(call.operation.clone());
                    let content = if effect == "remove" {
                        "-"
                    } else {
                        call.content
                    };
                    lines.insert(format!(
                        "{source}.amazonaws.com\t{}\t{kind}\t{effect}\t{}\t{content}\t{}",
                        call.event, call.id, call.sets
                    ));
                }
            }
            if row.get("touch").and_then(toml::Value::as_bool) == Some(true) {
                let fields: Vec<String> = id
                    .split(['{', '}', '|', '/'])
                    .filter(|f| !f.is_empty())
                    .map(str::to_lowercase)
                    .collect();
                for (operation, (input, _)) in operations
                    .inputs
                    .iter()
                    .filter(|(name, _)| !named.contains(*name))
                {
                    if WRITES.iter().any(|verb| operation.starts_with(verb))
                        && fields.iter().any(|f| input.contains(f))
                    {
                        lines.insert(format!(
                            "{source}.amazonaws.com\t{operation}\t{kind}\tset\t{id}\t-\t-"
                        ));
                    }
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    let wanted = model::kinds(root)?;
    ensure!(
        kinds == wanted,
        "kinds without a row, or rows without a kind: {:?}",
        kinds.symmetric_difference(&wanted)
    );
    let renamed: Vec<String> = renamed.into_iter().collect();
    let mut out = format!(
        "# bartizan event facts 1\n# source, event, kind, effect, id, content, sets; written by \
        cargo xtask generate from \
         xtask/event-facts.toml and botocore {}\n# calls whose permission has another name: {}\n",
        model::version(botocore)?,
        renamed.join(" ")
    );
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(out)
}

/// One call of a row: `Event=Operation ID content PATH sets a=b`.
struct Call<'a> {
    event: String,
    operation: String,
    id: &'a str,
    content: &'a str,
    sets: String,
}

impl<'a> Call<'a> {
    fn parse(text: &'a str, id: &'a str, content: Option<&'a str>) -> Self {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let (event, operation) = name.split_once('=').unwrap_or((name, name));
        let mut call = Self {
            event: event.to_owned(),
            operation: operation.to_owned(),
            id,
            content: content.unwrap_or("-"),
            sets: String::new(),
        };
        while let Some(word) = words.next() {
            match word {
                "sets" => call.sets = words.by_ref().collect::<Vec<_>>().join(" "),
                "content" => call.content = words.next().unwrap_or("-"),
                other => call.id = other,
            }
        }
        if call.sets.is_empty() {
            call.sets.push('-');
        }
        call
    }
}

/// The operations of a service: members of their inputs and outputs, lower case.
struct Operations {
    source: String,
    /// EC2 wraps some requests and answers in an element of their own, and renames lists; only its
    /// first names are checked.
    wraps: bool,
    inputs: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>,
}

impl Operations {
    fn read(botocore: &Path, service: &str) -> Result<Self> {
        let model: Value = model::service(botocore, service)?;
        let members = |shape: &Value| -> BTreeSet<String> {
            let members = shape["shape"]
                .as_str()
                .map(|name| &model["shapes"][name]["members"]);
            members
                .and_then(Value::as_object)
                .map(|m| m.keys().map(|k| k.to_lowercase()).collect())
                .unwrap_or_default()
        };
        let operations = model["operations"]
            .as_object()
            .context("a model without operations")?;
        let inputs = operations
            .iter()
            .map(|(name, op)| {
                (
                    name.clone(),
                    (members(&op["input"]), members(&op["output"])),
                )
            })
            .collect();
        let metadata = &model["metadata"];
        let source = metadata["signingName"]
            .as_str()
            .or(metadata["endpointPrefix"].as_str())
            .unwrap_or(service)
            .to_owned();
        Ok(Self {
            source,
            wraps: service == "ec2",
            inputs,
        })
    }

    /// Whether the call exists, and the fields of its id.
    fn check(&self, call: &Call<'_>) -> Result<()> {
        // Older API versions live on in CloudTrail's names.
        let old = [
            "PutBucketNotification",
            "PutBucketLifecycle",
            "DeleteBucketEncryption",
        ];
        let Some((input, output)) = self.inputs.get(&call.operation) else {
            if old.contains(&call.operation.as_str()) {
                return Ok(());
            }
            bail!("no such operation in botocore")
        };
        for part in call
            .id
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
        {
            let alternatives: Vec<&str> = part
                .0
                .split('?')
                .next()
                .unwrap_or_default()
                .split('|')
                .collect();
            let known = |path: &&str| {
                if *path == "me" {
                    return true;
                }
                let (side, path) = path
                    .strip_prefix('=')
                    .map_or((input, *path), |p| (output, p));
                let first = path.split('.').next().unwrap_or_default().to_lowercase();
                let bare = first.trim_end_matches("set").to_owned();
                // S3 names its members shorter than CloudTrail does.
                let shorter = first.trim_end_matches("name").to_owned();
                let wrapped = self.wraps && path.chars().next().is_some_and(char::is_uppercase);
                wrapped
                    || [&first, &bare, &shorter]
                        .into_iter()
                        .any(|n| side.contains(n))
                    || side.contains(&format!("{bare}s"))
                    || side.contains(&format!("{bare}ids"))
                    || (self.wraps && side.contains(&format!("{first}s")))
                    || (self.wraps && path.contains("items"))
                    || (self.wraps && output.len() == 1)
            };
            ensure!(
                alternatives.iter().any(known),
                "no field {} in its model",
                part.0
            );
        }
        Ok(())
    }
}

/// Every action, `service:name` in lower case.
pub(crate) fn actions(root: &Path) -> Result<BTreeSet<String>> {
    let packed = std::fs::read(root.join("data/iam-actions.txt.zst"))?;
    let text = String::from_utf8(zstd::decode_all(&packed[..])?)?;
    let (mut service, mut found) = (String::new(), BTreeSet::new());
    for line in text.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("s"), Some(name)) => service = name.to_owned(),
            (Some("a"), Some(name)) => {
                found.insert(format!("{service}:{name}").to_lowercase());
            }
            _ => {}
        }
    }
    // The prefix of a permission is not always the name of the service in botocore.
    let aliases = [
        ("elasticfilesystem:", "efs:"),
        ("sso:", "sso-admin:"),
        ("s3:", "s3control:"),
    ];
    let more: Vec<String> = aliases
        .iter()
        .flat_map(|(from, to)| {
            found
                .iter()
                .filter_map(move |a| a.strip_prefix(from).map(|n| format!("{to}{n}")))
        })
        .collect();
    found.extend(more);
    Ok(found)
}
