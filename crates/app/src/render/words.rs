//! Numbers and times in words.

/// `1 event`, `2 events`.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// `12,345`.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `2026-03-11 02:14` of RFC 3339.
pub(crate) fn minute(time: &str) -> String {
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_and_grouped() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(
            (
                counted(1, "event", "events"),
                counted(1200, "event", "events")
            ),
            ("1 event".into(), "1,200 events".into())
        );
    }
}
