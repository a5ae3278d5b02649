//! Lists of vendors' accounts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::files::read_text;

/// Accounts of vendors: a list of `name` with `accounts` (or `id`), as public lists have it.
pub(crate) fn vendors(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = read_text(file)?;
    let list: Value =
        yaml_serde::from_str(&text).with_context(|| format!("{} is not YAML", file.display()))?;
    let mut vendors = BTreeMap::new();
    for vendor in list
        .as_array()
        .with_context(|| format!("{}: expected a list of vendors", file.display()))?
    {
        let name = vendor["name"].as_str().unwrap_or("?");
        let ids = vendor["accounts"]
            .as_array()
            .into_iter()
            .flatten()
            .chain([&vendor["id"]]);
        vendors.extend(
            ids.filter_map(Value::as_str)
                .map(|id| (id.to_owned(), name.to_owned())),
        );
    }
    Ok(vendors)
}
