//! When a failed delivery is tried again.

/// First wait in milliseconds.
const FIRST_MS: i64 = 1_000;
/// Longest wait in milliseconds, also of a receiver that asks for more.
const LONGEST_MS: i64 = 5 * 60 * 1_000;
/// Failures in a row after which a sink counts as down.
const DOWN_AFTER: u32 = 3;

/// Wait before attempt `attempt` + 1, in milliseconds: doubled each time up to 5 minutes, and
/// between half and all of it by `random` (0 to 1).
#[must_use]
pub fn backoff_ms(attempt: u32, random: f64) -> i64 {
    let full = FIRST_MS
        .saturating_mul(1 << attempt.saturating_sub(1).min(20))
        .min(LONGEST_MS);
    let half = full / 2;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "at most 150,000"
    )]
    let jitter = (half as f64 * random.clamp(0.0, 1.0)) as i64;
    half + jitter
}

/// Circuit of a sink: after a failure nothing is sent to it for a while; then one message is tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkCircuit {
    /// Failures in a row.
    pub failures: u32,
    /// Time until which nothing is sent, in milliseconds since 1970.
    pub closed_until_ms: i64,
}

impl SinkCircuit {
    /// A message arrived.
    pub fn delivered(&mut self) {
        *self = Self::default();
    }

    /// The sink failed. `retry_after_s` is the receiver's own wish.
    pub fn failed(&mut self, retry_after_s: Option<u64>, now_ms: i64, random: f64) {
        self.failures = self.failures.saturating_add(1);
        let wanted = retry_after_s
            .and_then(|s| i64::try_from(s).ok())
            .map_or(0, |s| s.saturating_mul(1_000).min(12 * LONGEST_MS));
        let wait = backoff_ms(self.failures, random).max(wanted);
        self.closed_until_ms = now_ms.saturating_add(wait);
    }

    /// Whether messages may be sent.
    #[must_use]
    pub fn lets_through(&self, now_ms: i64) -> bool {
        now_ms >= self.closed_until_ms
    }

    /// Whether the sink counts as down.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.failures >= DOWN_AFTER
    }
}
