//! Made-up accounts: the example under attack, and random stories that the join is tried on.

mod dump;
mod heist;
#[cfg(test)]
mod random;
mod trail;
mod world;

pub(crate) use heist::write as heist;
