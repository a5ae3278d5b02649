//! Findings of other systems, as incidents need them.

use std::collections::BTreeMap;

use bartizan_sensors::SensorSubject;

/// Subjects of findings of other systems. By default there are none.
#[derive(Default)]
pub struct SensorInput<'a> {
    /// By the finding's id.
    pub subjects: BTreeMap<&'a str, &'a SensorSubject>,
}
