//! Patterns: what the operations say must hold for the texts that they give.
#![no_main]

use bartizan_iam::{Pattern, Rest, rest_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str, &str, bool)| {
    let (a, b, text, arn) = texts;
    if a.len() + b.len() > 60 || text.len() > 200 {
        return;
    }
    let pattern = |t: &str| {
        if arn {
            Pattern::arn(t)
        } else {
            Pattern::text(t)
        }
    };
    let (a, b) = (pattern(a), pattern(b));
    let both = a.matches(text) && b.matches(text);
    match a.meets(&b) {
        Some(shared) => assert!(a.matches(&shared) && b.matches(&shared)),
        None => assert!(!both),
    }
    match rest_of(&[&a], &[&b]) {
        Rest::Nothing => assert!(!a.matches(text) || b.matches(text)),
        Rest::Text(left) => assert!(a.matches(&left) && !b.matches(&left)),
        Rest::TooLarge => {}
    }
});
