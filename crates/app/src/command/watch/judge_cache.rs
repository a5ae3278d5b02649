//! What a process that watches for ever need not compute again at each tick.

use std::time::{Duration, Instant};

use bartizan_model::Finding;

use super::bill::WatchedBill;
use super::compare::ComparedPairs;
use super::integrity::TrailIntegrity;
use super::sensors::SensorFiles;

/// Parts of a judgement that stay as they are for a time. Empty for a run that ends.
#[derive(Default)]
pub(super) struct JudgeCache {
    pub(super) pairs: ComparedPairs,
    pub(super) integrity: Timed<TrailIntegrity>,
    pub(super) bill: Timed<Option<WatchedBill>>,
    pub(super) sensors: SensorFiles,
    /// Findings of the health of this watch.
    pub(super) blind: Vec<Finding>,
}

/// How old parts of a judgement may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct CacheAges {
    pub(super) integrity: Duration,
    pub(super) bill: Duration,
}

impl JudgeCache {
    pub(super) fn with_ages(ages: CacheAges) -> Self {
        Self {
            pairs: ComparedPairs::default(),
            integrity: Timed::up_to(ages.integrity),
            bill: Timed::up_to(ages.bill),
            sensors: SensorFiles::default(),
            blind: Vec::new(),
        }
    }

    /// Something came that the trail's verification must see, and the trail is quiet now.
    pub(super) fn verify_again(&mut self) {
        self.integrity.value = None;
    }

    /// Whether a part is too old.
    pub(super) fn is_due(&self) -> bool {
        self.integrity.is_due() || self.bill.is_due() || self.sensors.is_due()
    }
}

/// Value with the time at which it was made.
pub(super) struct Timed<T> {
    value: Option<(Instant, T)>,
    /// Zero: it is made anew each time.
    age_max: Duration,
}

impl<T> Default for Timed<T> {
    fn default() -> Self {
        Self {
            value: None,
            age_max: Duration::ZERO,
        }
    }
}

impl<T> Timed<T> {
    /// Value that may be as old as this.
    fn up_to(age_max: Duration) -> Self {
        Self {
            value: None,
            age_max,
        }
    }

    /// Whether it has to be made.
    pub(super) fn is_due(&self) -> bool {
        self.value
            .as_ref()
            .is_none_or(|(made, _)| made.elapsed() >= self.age_max)
    }

    /// The value, made if it is too old.
    pub(super) fn get(&mut self, make: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<&T> {
        if self.is_due() {
            self.value = None;
        }
        let (_, value) = match self.value.take() {
            Some(kept) => self.value.insert(kept),
            None => self.value.insert((Instant::now(), make()?)),
        };
        Ok(value)
    }
}
