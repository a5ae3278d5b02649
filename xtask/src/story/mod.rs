//! Simulated accounts: the example under attack, and random stories for testing attribution.

mod dump;
mod heist;
#[cfg(test)]
mod random;
mod trail;
mod world;

pub(crate) use heist::write as heist;
