//! Checks of the password policy, and of whether IAM is used at all.

pub(crate) mod iamuse_01;
pub(crate) mod pwd_01;
