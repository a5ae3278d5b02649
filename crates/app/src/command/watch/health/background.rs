//! A thread that ends when whoever started it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Thread that is asked to end when this is dropped.
pub(super) struct BackgroundThread {
    stop: Arc<AtomicBool>,
}

impl BackgroundThread {
    /// Starts a thread, which looks at its argument and ends when that is true.
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(&AtomicBool) + Send + 'static,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let ends = stop.clone();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&ends))
            .with_context(|| format!("cannot start the thread {name}"))?;
        Ok(Self { stop })
    }
}

impl Drop for BackgroundThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
