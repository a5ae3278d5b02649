//! The progress bar: calls done, rate, time left. On stderr, and only for a person.

use std::time::Duration;

use bartizan_cloud::collect::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Global;

/// A progress bar, or nothing.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(global: &Global) -> Self {
        let target = if global.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} calls  {per_sec}  {eta} left  {msg}");
        let bar = ProgressBar::with_draw_target(Some(0), target);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    pub(crate) fn show(&self, progress: Progress) {
        self.0.set_length(progress.done + progress.ahead);
        self.0.set_position(progress.done);
        if progress.throttled > 0 {
            self.0.set_message(format!("{} × slower", progress.throttled));
        }
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
