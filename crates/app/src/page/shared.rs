//! What all requests share.

use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::access::{Access, Attempts};
use super::analysis::Analyses;
use super::frame::bare;
use super::live::LiveStore;
use super::sign_in::SignIn;
use crate::render::html::text;

/// Access, the store, and what was worked out from it.
pub(super) struct PageServer {
    pub(super) access: Access,
    pub(super) live: LiveStore,
    pub(super) attempts: Attempts,
    pub(super) sign_in: SignIn,
    pub(super) analyses: Analyses,
    /// Trail that records are looked up in.
    pub(super) trail: Vec<String>,
}

/// Something that stopped us.
pub(super) fn failed(error: &anyhow::Error) -> Response {
    bare(
        StatusCode::INTERNAL_SERVER_ERROR,
        "It did not work",
        &html! { p { (text(&format!("{error:#}"))) } a href="/" { "Now" } },
    )
}
