//! Texts from logs and accounts, made harmless. Each sink escapes further for its own medium.

/// One line of plain text of at most `characters`: control, bidirectional and invisible characters
/// become visible escapes (`\u{202e}`), and a cut text ends in `…`.
#[must_use]
pub fn plain(text: &str, characters: usize) -> String {
    let mut out = String::with_capacity(text.len().min(characters * 4));
    let mut count = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let escaped = match c {
            '\n' | '\t' | '\r' => " ".to_owned(),
            c if is_hidden(c) => format!("\\u{{{:x}}}", u32::from(c)),
            c => c.to_string(),
        };
        count += escaped.chars().count();
        if count > characters || (count == characters && rest.peek().is_some()) {
            out.push('…');
            break;
        }
        out.push_str(&escaped);
    }
    out
}

/// Text of at most `bytes` bytes, cut between characters.
pub(crate) fn cut_bytes(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Control characters, bidirectional controls, zero-width characters, tags and line separators.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}
