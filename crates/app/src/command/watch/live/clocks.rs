//! When what is due: each source has its own clock.

use std::time::{Duration, Instant};

/// Clock that rings at an interval.
#[derive(Debug)]
pub(super) struct Clock {
    every: Duration,
    next: Instant,
}

impl Clock {
    /// Clock that rings at once, and then at the interval.
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            next: Instant::now(),
        }
    }

    /// Whether it rings; if so, it is set again.
    pub(super) fn rings(&mut self) -> bool {
        let now = Instant::now();
        if now < self.next {
            return false;
        }
        self.next = now + self.every;
        true
    }
}
