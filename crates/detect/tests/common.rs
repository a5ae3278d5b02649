//! Test data and its packing.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The shared test data, or one line that says it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let base = std::env::var_os("BARTIZAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = base.join(name);
    if !path.exists() {
        eprintln!(
            "skipped: {} is absent (set BARTIZAN_SHARED)",
            path.display()
        );
        return None;
    }
    Some(path)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}
