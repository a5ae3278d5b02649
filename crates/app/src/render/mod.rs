//! Everything that people see. Data goes to stdout, messages to stderr; text of accounts and logs
//! is escaped here.

mod access;
mod access_diff;
mod access_effective;
mod access_set;
mod alerts;
mod bar;
mod check;
mod credentials;
mod crossing;
mod diff;
mod findings;
pub(crate) mod html;
mod ladder;
mod ocsf;
pub(crate) mod picture;
mod report;
mod sensors;
mod spend;
mod status;
mod style;
mod timeline;
mod trail_check;
mod watch;
mod words;
mod work;
mod wrap;

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use crate::cli::{DEFAULT_STORE, Format, Global};

pub(crate) use access::{
    answer, assumptions, assumptions_but_cut, assumptions_given, note_unread, outsider,
    principals_cut, some, word,
};
pub(crate) use access_diff::{access_json, access_lines};
pub(crate) use access_effective::{
    left_out, left_out_json, reach_json, reach_line, reach_summary, reach_word,
};
pub(crate) use access_set::{allowed_of_set, answer_of_set, lines_of_set, word_of_set};
pub(crate) use alerts::{alert_list, matched, silence_list, undelivered};
pub(crate) use bar::{Bar, Bytes};
pub(crate) use bartizan_model::shell_word as shell;
pub(crate) use check::{CheckList, check_reasons, checked, explained, listed};
pub(crate) use credentials::credentials;
pub(crate) use crossing::{crossing_json, crossing_lines, is_of_account, unread_lines};
pub(crate) use diff::{SnapshotPair, diff, diff_json, diff_rows, lines_of};
pub(crate) use findings::{csv, holes, summary, totals_json};
pub(crate) use ladder::{LadderCheck, ladder, ladder_check};
pub(crate) use ocsf::ocsf;
pub(crate) use report::report;
pub(crate) use sensors::sensor_holes;
pub(crate) use spend::{
    SpendAbout, SpendDocument, bill_problem, spend, spend_headline, spend_summary,
};
pub(crate) use status::{health_lines, status, status_json};
pub(crate) use timeline::timeline;
pub(crate) use trail_check::{TrailCheckDocument, trail_checked, trail_reason};
pub(crate) use watch::{first_line, is_blind, watched};
pub(crate) use words::{counted, minute};
pub(crate) use work::{is_shown_unasked, work};

/// Standard output, without colors where it is no terminal.
pub(crate) struct Out(
    std::io::BufWriter<UntilClosed<anstream::AutoStream<std::io::StdoutLock<'static>>>>,
);

/// Output that goes on into nothing once its reader has gone: `… | head -1` changes neither what a
/// command does nor its exit code.
struct UntilClosed<W> {
    to: W,
    is_closed: bool,
}

impl<W: Write> UntilClosed<W> {
    fn new(to: W) -> Self {
        Self {
            to,
            is_closed: false,
        }
    }

    fn or_nothing<T>(
        &mut self,
        nothing: T,
        act: impl FnOnce(&mut W) -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        if self.is_closed {
            return Ok(nothing);
        }
        match act(&mut self.to) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(nothing)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.or_nothing(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.or_nothing((), W::flush)
    }
}

impl Out {
    pub(crate) fn new() -> Self {
        Self(std::io::BufWriter::new(UntilClosed::new(
            anstream::AutoStream::auto(std::io::stdout()).lock(),
        )))
    }

    /// One line for people. Control and bidirectional characters in it are made visible.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.0, "{}", clean(text))?;
        Ok(())
    }

    /// One line that holds styles of our own; every other part of it was cleaned by who made it.
    fn styled(&mut self, text: &str) -> Result<()> {
        writeln!(self.0, "{text}")?;
        Ok(())
    }

    /// Text of our own making, as it is.
    pub(crate) fn raw(&mut self, text: &str) -> Result<()> {
        self.0.write_all(text.as_bytes())?;
        self.0.flush()?;
        Ok(())
    }

    /// A value on a line of its own.
    pub(crate) fn row(&mut self, value: &Value) -> Result<()> {
        writeln!(self.0, "{}", visible_bidi(&value.to_string()))?;
        Ok(())
    }

    /// A list, also when it has one value or none; or its values, one a line.
    pub(crate) fn rows(&mut self, format: Format, values: &[Value]) -> Result<()> {
        if format == Format::Ndjson {
            return values.iter().try_for_each(|value| self.row(value));
        }
        writeln!(
            self.0,
            "{}",
            visible_bidi(&serde_json::to_string_pretty(values)?)
        )?;
        Ok(())
    }

    /// Hands over what is held back.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.0.flush()?;
        Ok(())
    }

    /// One value, a list, or a value a line. serde_json escapes control characters; bidirectional
    /// ones it leaves.
    pub(crate) fn json(&mut self, format: Format, values: Vec<Value>) -> Result<()> {
        if format == Format::Ndjson {
            values.iter().try_for_each(|value| self.row(value))?;
        } else {
            let value = if values.len() == 1 {
                values.into_iter().next().unwrap_or_default()
            } else {
                Value::Array(values)
            };
            return self.document(&value);
        }
        self.0.flush()?;
        Ok(())
    }

    /// One value as JSON for people.
    pub(crate) fn document(&mut self, value: &impl Serialize) -> Result<()> {
        self.0.flush()?;
        // JSON has no control characters, and looking for colors in megabytes of it takes longer
        // than making it.
        let mut out = UntilClosed::new(std::io::stdout().lock());
        writeln!(
            out,
            "{}",
            visible_bidi(&serde_json::to_string_pretty(value)?)
        )?;
        out.flush()?;
        Ok(())
    }
}

/// ` --store DIR`, for a printed command that must find this store again; nothing for the default
/// one.
pub(crate) fn store_option(global: &Global) -> String {
    if global.store == DEFAULT_STORE {
        String::new()
    } else {
        format!(" --store {}", shell(&global.store))
    }
}

/// Says what stopped a command.
pub(crate) fn error(error: &anyhow::Error, verbose: bool) {
    let mut text = error.to_string();
    // The cause is what helps; the chain below it is for those who ask.
    let causes: Vec<String> = error
        .chain()
        .skip(1)
        .map(ToString::to_string)
        .filter(|c| !c.is_empty())
        .collect();
    let shown = if verbose { causes.len() } else { 1 };
    for cause in causes.iter().take(shown) {
        let _ = write!(text, ": {cause}");
    }
    say(&format!("bartizan: {text}"));
}

/// A note beside the result.
pub(crate) fn note(global: &Global, text: &str) {
    if !global.quiet {
        say(&format!("note: {text}"));
    }
}

/// Progress of a command, on stderr.
pub(crate) fn talk(global: &Global, text: &str) {
    if !global.quiet {
        say(text);
    }
}

fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", clean(text));
}

/// Makes characters visible that would move the cursor, color the terminal, or turn text around.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_bidi(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// JSON with its bidirectional characters as escapes, which mean the same.
pub(crate) fn visible_bidi(json: &str) -> std::borrow::Cow<'_, str> {
    if json.bytes().all(|b| b <= b'~') {
        return json.into();
    }
    let hidden = |c: char| c > '~' && (is_bidi(c) || c <= '\u{9f}');
    if !json.contains(hidden) {
        return json.into();
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if hidden(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Bidirectional controls, zero-width characters and line separators.
fn is_bidi(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{61c}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_cannot_touch_the_terminal() {
        assert_eq!(
            clean("a\x1b[2Jb\u{202e}c\r\n"),
            "a\\u{1b}[2Jb\\u{202e}c\\u{d}\\u{a}"
        );
        assert_eq!(visible_bidi("\"\u{202e}\u{9b}\""), "\"\\u202e\\u009b\"");
    }
}
