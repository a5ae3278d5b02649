//! Server-sent events: a line for each change of what is seen.

use bartizan_model::limits::PAGE_HEARTBEATS_MAX;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::time::sleep;

use super::shared::PageServer;

/// Time between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The stream. Of several changes while a reader is slow it gets the last.
pub(super) async fn events(State(server): State<Arc<PageServer>>) -> Response {
    let changes = server.live.changes();
    let frames = stream::unfold((changes, 0), |(mut changes, beats)| async move {
        if beats == 0 {
            let version = *changes.borrow_and_update();
            return Some((frame(version), (changes, 1)));
        }
        if beats > PAGE_HEARTBEATS_MAX {
            return None;
        }
        tokio::select! {
            changed = changes.changed() => {
                changed.ok()?;
                let version = *changes.borrow_and_update();
                Some((frame(version), (changes, beats)))
            }
            () = sleep(HEARTBEAT) => {
                Some((Ok(Bytes::from_static(b": here\n\n")), (changes, beats + 1)))
            }
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(frames)).into_response()
}

fn frame(version: u64) -> Result<Bytes, Infallible> {
    Ok(Bytes::from(format!("event: seen\ndata: {version}\n\n")))
}
