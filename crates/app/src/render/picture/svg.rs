//! Inline SVG with its text equivalent.

use maud::{Markup, html};

use crate::render::clean;

/// Characters of a name in a picture's own texts; the list beside it has the whole.
const NAME_SHOWN: usize = 200;

/// A picture of a size, with its name and what it shows in words.
pub(super) fn drawing(
    (width, height): (i64, i64),
    name: &str,
    described: &str,
    content: &Markup,
) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(name) {
            desc { (clean(described)) }
            (content)
        }
    }
}

/// Text of an account in a picture.
pub(super) fn text(text: &str) -> String {
    cut(text, NAME_SHOWN)
}

/// The beginning of a name.
pub(super) fn cut(name: &str, characters: usize) -> String {
    match name.char_indices().nth(characters) {
        None => clean(name),
        Some(_) => {
            let begin: String = name.chars().take(characters - 1).collect();
            format!("{}…", clean(&begin))
        }
    }
}

/// Part of a whole, in the height of a picture.
pub(super) fn scaled(value: f64, most: f64, height: i64) -> i64 {
    match most > 0.0 {
        true => (value.clamp(0.0, most) / most * height as f64).round() as i64,
        false => 0,
    }
}
