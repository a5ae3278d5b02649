//! Text files that users give us, and files that we write for them.

use std::path::Path;

use anyhow::{Context, Result};
use bartizan_model::encoding::decode;

/// The text of a file, in whatever encoding it was saved. What cannot be read is named with its
/// encoding.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    decode(bytes).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, text)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
