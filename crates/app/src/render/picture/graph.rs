//! Who reaches what through what, layered from left to right: what was there before is grey, what
//! was added is red; a `may` is dashed.

use maud::{Markup, html};

use super::svg::{cut, drawing, text};
use crate::access_graph::{AccessEdge, AccessGraph};
use crate::watch_result::PathVerdict;

const WIDTH: i64 = 960;
const ROW: i64 = 52;
const BOX_HEIGHT: i64 = 32;
/// Space between columns, in which a word stands.
const GAP: i64 = 165;

/// Where the nodes stand.
struct GraphPlan {
    box_width: i64,
    height: i64,
    /// Left and middle of each node's box.
    places: Vec<(i64, i64)>,
}

impl GraphPlan {
    fn of(graph: &AccessGraph) -> Self {
        let layers = graph.nodes.iter().map(|n| n.layer + 1).max().unwrap_or(1) as i64;
        let in_layer = |layer: usize| graph.nodes.iter().filter(|n| n.layer == layer).count();
        let most = (0..layers as usize).map(in_layer).max().unwrap_or(1) as i64;
        let box_width = ((WIDTH - 20 - GAP * (layers - 1)) / layers).min(300);
        let step = if layers > 1 {
            (WIDTH - 20 - box_width) / (layers - 1)
        } else {
            0
        };
        let height = most * ROW + 12;
        let mut seen = vec![0_i64; layers as usize];
        let places = graph
            .nodes
            .iter()
            .map(|node| {
                let of_layer = in_layer(node.layer).max(1) as i64;
                let number = seen[node.layer];
                seen[node.layer] += 1;
                let y = 6 + (2 * number + 1) * (height - 12) / (2 * of_layer);
                (10 + step * node.layer as i64, y)
            })
            .collect();
        Self {
            box_width,
            height,
            places,
        }
    }

    fn path(&self, edge: &AccessEdge) -> String {
        let ((x1, y1), (x2, y2)) = (self.places[edge.from], self.places[edge.to]);
        let (start, mut end) = (x1 + self.box_width, x2);
        if x2 <= x1 {
            // Back or within a column: around the right side.
            end = x2 + self.box_width;
            let out = start.max(end) + 40;
            return format!("M{start} {y1} C {out} {y1} {out} {y2} {end} {y2}");
        }
        let middle = (start + end) / 2;
        format!("M{start} {y1} C {middle} {y1} {middle} {y2} {end} {y2}")
    }

    /// Where the word of an edge ends: before its target, where no other edge's word is.
    fn word(&self, edge: &AccessEdge, beside: i64) -> (i64, i64) {
        let ((x1, y1), (x2, y2)) = (self.places[edge.from], self.places[edge.to]);
        if x2 <= x1 {
            return (x1 + self.box_width + GAP, i64::midpoint(y1, y2));
        }
        (x2 - 6, y2 - 6 + beside * 13)
    }
}

/// The graph, and its edges as a list.
pub(crate) fn graph(graph: &AccessGraph, name: &str) -> Markup {
    if graph.edges.is_empty() {
        return html! {};
    }
    let plan = GraphPlan::of(graph);
    let characters = ((plan.box_width - 14) * 10 / 73) as usize;
    let label = ((GAP - 12) / 6) as usize;
    let picture = html! {
        @for edge in &graph.edges {
            path class=(edge_class(edge)) d=(plan.path(edge)) { title { (text(&edge.through)) } }
        }
        @for (n, node) in graph.nodes.iter().enumerate() {
            @let (x, y) = plan.places[n];
            rect class=(if node.is_added { "box added" } else { "box" }) x=(x)
                 y=(y - BOX_HEIGHT / 2) width=(plan.box_width) height=(BOX_HEIGHT) rx="5" {
                title { (text(&node.name)) }
            }
            text x=(x + plan.box_width / 2) y=(y + 4) text-anchor="middle" {
                (cut(&node.name, characters))
            }
        }
        @for (n, edge) in graph.edges.iter().enumerate() {
            @let same = graph.edges[..n].iter().filter(|e| e.to == edge.to).count() as i64;
            @let (x, y) = plan.word(edge, same);
            text class="dim halo" x=(x) y=(y) text-anchor="end" { (cut(&edge.through, label)) }
        }
    };
    html! {
        div class="wide" tabindex="0" role="group" aria-label=(name) {
            (drawing((WIDTH, plan.height), name, &summary(graph), &picture))
        }
        @if graph.folded > 0 {
            p class="dim" { "and " (graph.folded) " more that the picture has no room for" }
        }
        details class="words" {
            summary { "the same in words" }
            ul {
                @for edge in &graph.edges {
                    li {
                        (text(&graph.nodes[edge.from].name)) " → "
                        (text(&graph.nodes[edge.to].name)) ": " (text(&edge.through)) " "
                        span class="dim" { "(before: " (edge.before) ", now: " (edge.after) ")" }
                    }
                }
            }
        }
    }
}

fn edge_class(edge: &AccessEdge) -> &'static str {
    match (edge.is_added(), edge.is_surer(), edge.after) {
        (true, _, PathVerdict::Must) => "edge",
        (true, _, _) => "edge may",
        (_, true, _) => "edge surer",
        (_, _, PathVerdict::Must) => "edge was",
        (_, _, _) => "edge was may",
    }
}

/// `9 nodes, 8 steps, 6 of them added`.
fn summary(graph: &AccessGraph) -> String {
    let added = graph.edges.iter().filter(|e| e.is_added()).count();
    let (nodes, edges) = (graph.nodes.len(), graph.edges.len());
    format!("{nodes} nodes, {edges} steps, {added} of them added")
}
