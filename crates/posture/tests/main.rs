//! Checks over made accounts: one that passes, faults, near misses, and what cannot be read.

mod docs;
mod faults;
mod near;
mod unknown;
mod world;
