//! `[rebuild]` in `bartizan.toml`: target ages of AGE-01.

use std::path::Path;

use anyhow::{Context, Result};
use bartizan_posture::RebuildTargets;
use serde::Deserialize;

/// Target ages in days; a class without one is not judged, but instances are, by 90 days.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RebuildTable {
    /// Running instances. With a target they fail also as soon as their image has a successor.
    pub(crate) instances: Option<i64>,
    /// Own machine images.
    pub(crate) images: Option<i64>,
    /// Default versions of launch templates.
    pub(crate) launch_templates: Option<i64>,
    /// Code of functions.
    pub(crate) functions: Option<i64>,
}

impl RebuildTable {
    pub(crate) fn targets(&self) -> RebuildTargets {
        let usual = RebuildTargets::default();
        RebuildTargets {
            instance_days: self.instances.unwrap_or(usual.instance_days),
            image_days: self.images,
            template_days: self.launch_templates,
            function_days: self.functions,
            successors: self.instances.is_some(),
        }
    }
}

/// Targets of `./bartizan.toml`, where it is there and has any.
pub(crate) fn targets_here() -> Result<RebuildTargets> {
    let file = Path::new("bartizan.toml");
    if !file.is_file() {
        return Ok(RebuildTargets::default());
    }
    #[derive(Deserialize)]
    struct Only {
        #[serde(default)]
        rebuild: RebuildTable,
    }
    let text = crate::files::read_text(file)?;
    let only: Only = toml::from_str(&text)
        .map_err(|e| anyhow::anyhow!("{}", e.message().replace('\n', ", ")))
        .with_context(|| file.display().to_string())?;
    Ok(only.rebuild.targets())
}
