//! Where users come from.

use super::openid::OpenId;
use super::users::UserFile;

/// How people sign in.
pub(crate) enum SignIn {
    /// By the token of the printed address.
    Token,
    File(UserFile),
    OpenId(OpenId),
}
