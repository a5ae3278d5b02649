//! Rate limiting: a token bucket that halves its rate when AWS throttles, and then recovers.
//!
//! AWS throttles per account, region and service, so there is one bucket for each combination.
//! Additive increase, multiplicative decrease, as in TCP.

use std::time::{Duration, Instant};

/// Burst per service, in seconds' worth of requests. AWS's own buckets are at least that deep.
pub const SERVICE_BURST_SECONDS: f64 = 5.0;
/// Burst under `--max-rps`, which limits every single second.
pub const BUDGET_BURST_SECONDS: f64 = 1.0;
/// Lowest rate in requests per second.
const RATE_MIN: f64 = 0.5;

/// Token bucket.
#[derive(Debug)]
pub struct TokenBucket {
    base: f64,
    rate: f64,
    burst_seconds: f64,
    tokens: f64,
    filled: Instant,
}

impl TokenBucket {
    /// Full bucket for `rate` requests per second.
    #[must_use]
    pub fn new(rate: f64, burst_seconds: f64, now: Instant) -> Self {
        let rate = rate.max(RATE_MIN);
        Self {
            base: rate,
            rate,
            burst_seconds,
            tokens: (rate * burst_seconds).max(1.0),
            filled: now,
        }
    }

    /// Time at which the next request may be sent.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        let tokens = self.tokens_at(now);
        if tokens >= 1.0 {
            now
        } else {
            now + Duration::from_secs_f64((1.0 - tokens) / self.rate)
        }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        self.tokens = self.tokens_at(now);
        self.filled = now;
        // Rounding errors after waiting until `ready_at` must not cause a second wait.
        let ready = self.tokens >= 1.0 - 1e-6;
        if ready {
            self.tokens -= 1.0;
        }
        ready
    }

    /// Lowers the rate after throttling.
    pub fn slower(&mut self, now: Instant) {
        self.rate = (self.rate / 2.0).max(RATE_MIN);
        self.tokens = 0.0;
        self.filled = now;
    }

    /// Raises the rate after a response.
    pub fn answered(&mut self) {
        self.rate = (self.rate + self.base / 50.0).min(self.base);
    }

    fn tokens_at(&self, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * self.rate;
        (self.tokens + gained).min((self.rate * self.burst_seconds).max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_backs_off_and_recovers() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10.0, SERVICE_BURST_SECONDS, start);
        assert_eq!((0..100).filter(|_| bucket.take(start)).count(), 50);
        assert_eq!(bucket.ready_at(start), start + Duration::from_millis(100));
        bucket.slower(start);
        assert_eq!(bucket.ready_at(start), start + Duration::from_millis(200));
        (0..25).for_each(|_| bucket.answered());
        assert_eq!(bucket.ready_at(start), start + Duration::from_millis(100));
        let next = bucket.ready_at(start);
        assert!(!bucket.take(start) && bucket.take(next));
        let mut budget = TokenBucket::new(10.0, BUDGET_BURST_SECONDS, start);
        assert_eq!((0..100).filter(|_| budget.take(start)).count(), 10);
    }
}
