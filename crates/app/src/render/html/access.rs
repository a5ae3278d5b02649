//! Access that was gained.

use maud::{Markup, html};

use super::escape::brief;
use crate::access_graph::AccessGraph;
use crate::render::picture;
use crate::watch_result::WatchResult;

pub(crate) fn access(watched: &WatchResult) -> Markup {
    html! {
        section id="access" {
            h2 { "Access that was gained" }
            @if watched.paths.is_empty() {
                p {
                    "No principal gained a path to administrator, and nothing was opened to other \
                    accounts. What single policies gained is listed with the changes."
                }
            }
            @else {
                @let graph = AccessGraph::of_paths(&watched.paths);
                (picture::graph(&graph, "new ways: who, through what, to what"))
                ul {
                    @for path in &watched.paths {
                        li {
                            (brief(&path.from)) " → " (brief(&path.to)) ": "
                            (brief(&path.through)) " "
                            span class="dim" {
                                "(before: " (path.before) ", now: " (path.after) ")"
                            }
                        }
                    }
                }
            }
        }
    }
}
