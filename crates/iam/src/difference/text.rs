//! Sets of actions as text.

use crate::actions::Actions;
use crate::bits::Bits;

/// Actions for people: whole services as `s3:*`, others by name, at most so many.
///
/// ```
/// use bartizan_iam::{Actions, actions_text};
/// let actions = Actions::builtin();
/// assert_eq!(actions_text(&actions.matching("iam:PassRole"), actions, 3), "iam:PassRole");
/// assert_eq!(actions_text(&actions.matching("s3:*"), actions, 3), "s3:*");
/// ```
pub fn actions_text(set: &Bits, actions: &Actions, names_max: usize) -> String {
    if *set == actions.all() {
        return "*".to_owned();
    }
    let mut left = set.clone();
    let mut words = Vec::new();
    for service in actions.services() {
        let whole = actions.matching(&format!("{service}:*"));
        if left.covers(&whole) {
            left = left.difference(&whole);
            words.push(format!("{service}:*"));
        }
    }
    let rest = left.len();
    let room = names_max.saturating_sub(words.len());
    let names: Vec<String> = left
        .iter()
        .take(room)
        .map(|n| actions.bit_name(n))
        .collect();
    let (whole, shown) = (
        words.len().saturating_sub(names_max),
        rest.saturating_sub(names.len()),
    );
    words.truncate(names_max);
    words.extend(names);
    let more = whole + shown;
    if more > 0 {
        format!("{} and {more} more", words.join(", "))
    } else {
        words.join(", ")
    }
}
