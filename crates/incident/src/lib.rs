//! Findings that belong to one intruder, in the order of time.

mod advice;
pub mod attribution;
mod bill;
mod bill_input;
mod consequences;
mod group;
mod incident;
mod member;
mod narrative;
mod sensor_input;
mod sensor_join;
mod standing;

pub use bill::{HiddenEstate, hidden_estate};
pub use bill_input::BillInput;
pub use consequences::{
    administrators, consequences, escalation_path, escalation_sentence, short_arn,
};
pub use group::{MergedIncident, incidents};
pub use incident::{Advice, Incident, PersistentChange, Remedy, Suspect, TimelineEntry};
pub use member::IncidentInput;
pub use sensor_input::SensorInput;
pub use standing::standing;
