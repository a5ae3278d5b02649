//! Quoting for shell commands that users paste.

/// Quoted word for a POSIX shell. Control characters, which no AWS name contains, become `?`.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    let seen: String = word
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    format!("'{}'", seen.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn no_name_is_more_than_one_word() {
        for (word, quoted) in [
            ("plain-Name.1", "plain-Name.1"),
            ("$(reboot)", "'$(reboot)'"),
            ("a'; rm -rf /; '", r"'a'\''; rm -rf /; '\'''"),
            ("--output", "'--output'"),
            ("a\nb\u{1b}[2J", "'a?b?[2J'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
