//! Files that a configuration asks for: the report, and findings as lines.

use anyhow::{Context, Result};

use super::config::Config;
use crate::cli::Global;
use crate::command::report;
use crate::files::write_whole;
use crate::watch_result::WatchResult;

/// Writes `output.findings` and `output.report`.
pub(super) fn write_outputs(global: &Global, config: &Config, watched: &WatchResult) -> Result<()> {
    if let Some(file) = &config.output.findings {
        let lines: Vec<String> = watched
            .findings
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &config.output.report {
        write_whole(file, &report::document(global, watched)?)?;
    }
    Ok(())
}
