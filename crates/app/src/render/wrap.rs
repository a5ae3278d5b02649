//! Lines that fit the terminal.

use std::io::IsTerminal;

use anyhow::Result;

use super::Out;

/// Columns where the output is no terminal, so that files are the same everywhere.
const COLUMNS: usize = 100;
/// Fewer columns than this break every line, whatever the terminal says.
const COLUMNS_MIN: usize = 40;
/// A line is no easier to read for being longer.
const COLUMNS_SHOWN: usize = 160;

/// Columns that a line may have: those of the terminal.
pub(super) fn columns() -> usize {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return COLUMNS;
    }
    let width =
        terminal_size::terminal_size_of(&out).map_or(COLUMNS, |(width, _)| usize::from(width.0));
    width.clamp(COLUMNS_MIN, COLUMNS_SHOWN)
}

/// A text in lines that fit behind an indent. A word is never broken: names and ids are copied.
pub(super) fn wrapped(text: &str, indent: usize) -> Vec<String> {
    wrapped_to(text, indent, columns())
}

fn wrapped_to(text: &str, indent: usize, columns: usize) -> Vec<String> {
    let (mut lines, mut line, mut length) = (Vec::new(), String::new(), 0);
    for word in text.split(' ') {
        let more = word.chars().count();
        if !line.is_empty() && indent + length + 1 + more > columns {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if !line.is_empty() {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += more;
    }
    lines.push(line);
    lines
}

/// An item of a list.
pub(super) struct ListItem {
    text: String,
    /// Shown on a line of its own and never broken, for it is copied.
    command: Option<String>,
}

impl ListItem {
    pub(super) fn with_command(text: String, command: Option<String>) -> Self {
        Self { text, command }
    }
}

impl From<String> for ListItem {
    fn from(text: String) -> Self {
        Self {
            text,
            command: None,
        }
    }
}

/// Items of a list behind one name, each wrapped.
pub(super) fn list(
    out: &mut Out,
    name: &str,
    items: impl Iterator<Item = impl Into<ListItem>>,
) -> Result<()> {
    for (n, item) in items.map(Into::into).enumerate() {
        let name = if n == 0 { name } else { "" };
        for (line, text) in wrapped(&item.text, 15).iter().enumerate() {
            let name = if line == 0 { name } else { "" };
            out.line(&format!("  {name:<12} {text}"))?;
        }
        if let Some(command) = &item.command {
            out.line(&format!("{:17}{command}", ""))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_broken_and_lines_fit() {
        assert_eq!(
            wrapped_to("aa bb cccccccccc d", 2, 8),
            ["aa bb", "cccccccccc", "d"]
        );
        assert_eq!(wrapped_to("", 2, 8), [""]);
    }
}
