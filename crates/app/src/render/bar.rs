//! The progress bar: calls done, rate, time left. On stderr, and only for a person.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use bartizan_cloud::collect::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::Global;

/// A progress bar, or nothing. It shows the sum over all accounts that are being read.
pub(crate) struct Bar {
    bar: ProgressBar,
    accounts: RefCell<BTreeMap<usize, Progress>>,
}

impl Bar {
    pub(crate) fn new(global: &Global) -> Self {
        let target = if global.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let style = ProgressStyle::with_template(
            "{bar:30} {pos} of {len} calls  {rate}  {eta} left  {msg}",
        );
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let rate = |state: &ProgressState, w: &mut dyn Write| {
            let _ = write!(w, "{:.0}/s", state.per_sec());
        };
        bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("rate", rate),
        );
        bar.enable_steady_tick(Duration::from_millis(250));
        Self {
            bar,
            accounts: RefCell::default(),
        }
    }

    /// How far an account is.
    pub(crate) fn show(&self, account: usize, progress: Progress) {
        let mut accounts = self.accounts.borrow_mut();
        accounts.insert(account, progress);
        let sum = |f: fn(&Progress) -> u64| accounts.values().map(f).sum::<u64>();
        self.bar.set_length(sum(|p| p.done + p.ahead));
        self.bar.set_position(sum(|p| p.done));
        let throttled = sum(|p| p.throttled);
        if throttled > 0 {
            self.bar.set_message(format!("{throttled} × slower"));
        }
    }

    /// Takes it away, for what is said next.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Progress of reading: bytes, rate, time left. Can be shared between threads.
pub(crate) struct Bytes(ProgressBar);

impl Bytes {
    /// `total` is none when it is not known, as with standard input.
    pub(crate) fn new(global: &Global, total: Option<u64>) -> Self {
        let target = if global.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(total, target);
        let template = if total.is_some() {
            "{bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left"
        } else {
            "{spinner} {bytes}  {bytes_per_sec}"
        };
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self(bar)
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
