//! Findings of other systems, as incidents need them.

use std::collections::BTreeMap;

use bartizan_sensors::SensorSubject;

/// What findings of other systems are about. By default there are none.
#[derive(Default)]
pub struct SensorInput<'a> {
    /// By the finding's id.
    pub subjects: BTreeMap<&'a str, &'a SensorSubject>,
}
