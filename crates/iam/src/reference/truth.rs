//! Three-valued truth: `Some(true)`, `Some(false)`, and `None` for what is not known.

/// Answer to a question about a request of which not everything is known.
pub(super) type Truth = Option<bool>;

/// Whether all hold: one that does not is enough for a no.
pub(super) fn all(answers: impl IntoIterator<Item = Truth>) -> Truth {
    let answers: Vec<Truth> = answers.into_iter().collect();
    if answers.contains(&Some(false)) {
        return Some(false);
    }
    if answers.contains(&None) {
        None
    } else {
        Some(true)
    }
}

/// Whether any holds: one that does is enough for a yes.
pub(super) fn any(answers: impl IntoIterator<Item = Truth>) -> Truth {
    let answers: Vec<Truth> = answers.into_iter().collect();
    if answers.contains(&Some(true)) {
        return Some(true);
    }
    if answers.contains(&None) {
        None
    } else {
        Some(false)
    }
}

/// The opposite; what is not known stays so.
pub(super) fn not(answer: Truth) -> Truth {
    answer.map(|yes| !yes)
}

/// At most "not known": for what is read, but not wholly understood.
pub(super) fn at_most_unknown(answer: Truth) -> Truth {
    answer.filter(|yes| !yes)
}
