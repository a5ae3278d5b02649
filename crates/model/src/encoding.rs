//! Text as files hold it: UTF-8 with or without a byte order mark, UTF-16 and UTF-32 as PowerShell
//! and editors save them.
//!
//! RFC 8259, 8.1, lets a parser ignore a byte order mark, and RFC 3629, 6, says what it looks like.
//! Without a mark, ASCII in UTF-16 is told by the zeros beside its letters. Everything that reads a
//! text file goes through here, so that no command knows an encoding that another does not.

use std::io::{self, Read};

/// How the characters of a text are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One to four bytes each; what JSON is exchanged in.
    Utf8,
    /// Two bytes each, the lower first: `Set-Content` and `>` of Windows PowerShell.
    Utf16Le,
    /// Two bytes each, the higher first.
    Utf16Be,
    /// Four bytes each, the lowest first.
    Utf32Le,
    /// Four bytes each, the highest first.
    Utf32Be,
}

/// Bytes that are looked at to tell an encoding.
pub const LOOK_BYTES: usize = 4;

impl Encoding {
    /// The encoding of a text that begins like this, and how many bytes its mark takes.
    pub fn of(start: &[u8]) -> (Self, usize) {
        const MARKS: [(&[u8], Encoding); 5] = [
            // Before UTF-16, whose mark is the beginning of this one.
            (&[0xff, 0xfe, 0, 0], Encoding::Utf32Le),
            (&[0, 0, 0xfe, 0xff], Encoding::Utf32Be),
            (&[0xef, 0xbb, 0xbf], Encoding::Utf8),
            (&[0xff, 0xfe], Encoding::Utf16Le),
            (&[0xfe, 0xff], Encoding::Utf16Be),
        ];
        if let Some((mark, encoding)) = MARKS.into_iter().find(|(mark, _)| start.starts_with(mark))
        {
            return (encoding, mark.len());
        }
        // JSON begins with two characters of ASCII, and so do the others: the zeros beside them
        // tell (RFC 4627, 3). No text has zeros in UTF-8.
        let Some(look) = start.first_chunk::<4>() else {
            return (Self::Utf8, 0);
        };
        let zeros = |width: usize, letter: usize| {
            look.chunks_exact(width).all(|c| {
                c.iter()
                    .enumerate()
                    .all(|(n, b)| (*b == 0) != (n == letter))
            })
        };
        for (width, letter, encoding) in [
            (2, 0, Self::Utf16Le),
            (2, 1, Self::Utf16Be),
            (4, 0, Self::Utf32Le),
            (4, 3, Self::Utf32Be),
        ] {
            if zeros(width, letter) {
                return (encoding, 0);
            }
        }
        (Self::Utf8, 0)
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Utf32Le | Self::Utf32Be => "UTF-32",
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Utf8 => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
            Self::Utf32Le | Self::Utf32Be => 4,
        }
    }

    /// The unit that stands in so many bytes as [`Self::width`] says.
    fn unit(self, bytes: &[u8]) -> u32 {
        match (self, bytes) {
            (Self::Utf16Le, [a, b]) => u16::from_le_bytes([*a, *b]).into(),
            (Self::Utf16Be, [a, b]) => u16::from_be_bytes([*a, *b]).into(),
            (Self::Utf32Le, [a, b, c, d]) => u32::from_le_bytes([*a, *b, *c, *d]),
            (Self::Utf32Be, [a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]),
            _ => u32::MAX,
        }
    }

    /// Appends what the bytes stand for, in UTF-8, and says how many are done: a character may go
    /// on behind them. What is no character becomes U+FFFD.
    fn transcode(self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        let (width, mut at) = (self.width(), 0);
        let put = |c: Option<char>, out: &mut Vec<u8>| {
            out.extend_from_slice(
                c.unwrap_or(char::REPLACEMENT_CHARACTER)
                    .encode_utf8(&mut [0; 4])
                    .as_bytes(),
            );
        };
        while let Some(unit) = bytes.get(at..at + width) {
            let unit = self.unit(unit);
            let high = width == 2 && (0xd800..0xdc00).contains(&unit);
            let next = bytes
                .get(at + width..at + 2 * width)
                .map(|next| self.unit(next));
            match next {
                None if high && !last => return at,
                Some(low) if high && (0xdc00..0xe000).contains(&low) => {
                    put(
                        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)),
                        out,
                    );
                    at += 2 * width;
                }
                _ => {
                    put(char::from_u32(unit), out);
                    at += width;
                }
            }
        }
        if last && at < bytes.len() {
            put(None, out);
            at = bytes.len();
        }
        at
    }
}

/// Bytes that are no text in the encoding that they seem to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not text in {} (byte {at}): save it as UTF-8", encoding.word())]
pub struct NotText {
    /// What it seems to be.
    pub encoding: Encoding,
    /// The first byte that does not fit.
    pub at: usize,
}

/// The text of a file.
///
/// # Errors When it is no text: a picture, or letters in an encoding of one byte each, which nobody
/// can tell from another.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    let (encoding, mark) = Encoding::of(&bytes);
    if encoding == Encoding::Utf8 {
        let mut text = String::from_utf8(bytes).map_err(|e| NotText {
            encoding,
            at: e.utf8_error().valid_up_to(),
        })?;
        text.drain(..mark);
        return Ok(text);
    }
    let text = decode_lossy(&bytes);
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(NotText { encoding, at: 0 });
    }
    Ok(text)
}

/// The text of a file, with U+FFFD for what is no character.
pub fn decode_lossy(bytes: &[u8]) -> String {
    let (encoding, mark) = Encoding::of(bytes);
    if encoding == Encoding::Utf8 {
        return String::from_utf8_lossy(&bytes[mark..]).into_owned();
    }
    let mut text = Vec::with_capacity(bytes.len());
    encoding.transcode(&bytes[mark..], true, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Gives the bytes of a text in UTF-8 and without a mark, whatever it was written in, so that a
/// large one need not fit in memory. Bytes that are UTF-8 already, or no text, pass as they are.
pub struct Unicode<R> {
    inner: R,
    encoding: Option<Encoding>,
    /// Read, but not given yet: as it came in, and in UTF-8.
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

/// Bytes that are transcoded at once.
const PART_BYTES: usize = 64 << 10;

impl<R: Read> Unicode<R> {
    /// Reads from here.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            encoding: None,
            raw: Vec::new(),
            text: Vec::new(),
            given: 0,
            ended: false,
        }
    }

    /// Where the bytes come from.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        let wanted = bytes.saturating_sub(self.raw.len()) as u64;
        let read = Read::by_ref(&mut self.inner)
            .take(wanted)
            .read_to_end(&mut self.raw)?;
        self.ended = (read as u64) < wanted;
        Ok(())
    }
}

impl<R: Read> Read for Unicode<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => {
                self.fill(LOOK_BYTES)?;
                let (encoding, mark) = Encoding::of(&self.raw);
                self.raw.drain(..mark);
                *self.encoding.insert(encoding)
            }
        };
        if encoding == Encoding::Utf8 {
            if self.raw.is_empty() {
                return self.inner.read(out);
            }
            let n = out.len().min(self.raw.len());
            out[..n].copy_from_slice(&self.raw[..n]);
            self.raw.drain(..n);
            return Ok(n);
        }
        while self.given == self.text.len() {
            if self.ended && self.raw.is_empty() {
                return Ok(0);
            }
            self.text.clear();
            self.given = 0;
            self.fill(PART_BYTES)?;
            let done = encoding.transcode(&self.raw, self.ended, &mut self.text);
            self.raw.drain(..done);
        }
        let n = out.len().min(self.text.len() - self.given);
        out[..n].copy_from_slice(&self.text[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"a\": \"å😀\r\n\"}";

    fn written(encoding: Encoding, mark: bool, text: &str) -> Vec<u8> {
        let text = if mark {
            format!("\u{feff}{text}")
        } else {
            text.to_owned()
        };
        match encoding {
            Encoding::Utf8 => text.into_bytes(),
            Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Encoding::Utf32Le => text
                .chars()
                .flat_map(|c| (c as u32).to_le_bytes())
                .collect(),
            Encoding::Utf32Be => text
                .chars()
                .flat_map(|c| (c as u32).to_be_bytes())
                .collect(),
        }
    }

    const ALL: [Encoding; 5] = [
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
        Encoding::Utf32Le,
        Encoding::Utf32Be,
    ];

    #[test]
    fn a_text_is_the_same_in_every_encoding() {
        let padded = format!(
            "{{\"letters of ASCII that stand where the look goes, so that nothing else decides\": 1,\n{TEXT}"
        );
        for encoding in ALL {
            for (mark, text) in [
                (true, TEXT),
                (true, ""),
                (true, "[]"),
                (false, padded.as_str()),
                (false, "[{}]"),
            ] {
                let bytes = written(encoding, mark, text);
                assert_eq!(
                    decode(bytes.clone()).as_deref(),
                    Ok(text),
                    "{encoding:?} {mark} {text}"
                );
                let mut streamed = String::new();
                Unicode::new(bytes.as_slice())
                    .read_to_string(&mut streamed)
                    .unwrap();
                assert_eq!(streamed, text, "{encoding:?} {mark}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_named_by_its_encoding() {
        let odd = [written(Encoding::Utf16Le, true, TEXT), vec![0]].concat();
        assert_eq!(decode(odd).unwrap_err().encoding, Encoding::Utf16Le);
        assert_eq!(
            decode(b"caf\xe9".to_vec()).unwrap_err(),
            NotText {
                encoding: Encoding::Utf8,
                at: 3
            }
        );
        assert_eq!(decode_lossy(b"caf\xe9"), "caf\u{fffd}");
    }

    proptest::proptest! {
        #[test]
        fn a_stream_gives_what_the_whole_gives(text in "\\PC{0,200}", pick in 0..5usize, parts in 1..50usize) {
            let long = text.repeat(parts);
            let bytes = written(ALL[pick], true, &long);
            let mut streamed = Vec::new();
            Unicode::new(bytes.as_slice()).read_to_end(&mut streamed).unwrap();
            proptest::prop_assert_eq!(String::from_utf8(streamed).unwrap(), long);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::sample::select(vec![0u8, 0xff, 0xfe, 0xef, 0xbb, 0xbf, 0xd8, b'a']), 0..200)) {
            let _ = decode(bytes.clone());
            let mut out = Vec::new();
            Unicode::new(bytes.as_slice()).read_to_end(&mut out).unwrap();
        }
    }
}
