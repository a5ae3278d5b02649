//! Checks of what other accounts can reach.

pub(crate) mod xacc_01;
