//! SIGTERM, SIGINT and SIGHUP, read where they are wanted.

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal as UnixSignal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// Signals of this process. Threads that start after it inherit the block.
pub(super) struct Signals {
    file: SignalFd,
}

impl Signals {
    /// Blocks the signals and listens for them.
    pub(super) fn listen() -> Result<Self> {
        let mut set = SigSet::empty();
        for signal in [UnixSignal::SIGTERM, UnixSignal::SIGINT, UnixSignal::SIGHUP] {
            set.add(signal);
        }
        set.thread_block().context("signals cannot be blocked")?;
        let file = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .context("signals cannot be read")?;
        Ok(Self { file })
    }

    /// Next signal that came.
    pub(super) fn next(&mut self) -> Option<Signal> {
        let info = self.file.read_signal().ok().flatten()?;
        match i32::try_from(info.ssi_signo) {
            Ok(number) if number == UnixSignal::SIGHUP as i32 => Some(Signal::Reload),
            _ => Some(Signal::Stop),
        }
    }
}
