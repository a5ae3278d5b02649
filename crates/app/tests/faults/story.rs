//! Who stands behind a change, and how an incident is told.
