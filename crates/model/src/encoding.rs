//! Text encodings of files: UTF-8 with or without a byte order mark, UTF-16 and UTF-32 as
//! PowerShell and editors save them.
//!
//! RFC 8259, 8.1, lets a parser ignore a byte order mark, and RFC 3629, 6, defines it. Without a
//! mark, ASCII in UTF-16 is recognized by its zero bytes. All text files are read through this
//! module, so that every command supports the same encodings.

use std::io::{self, Read};

/// Text encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 1 to 4 bytes per character; the usual encoding of JSON.
    Utf8,
    /// 2-byte units, little-endian: `Set-Content` and `>` of Windows PowerShell.
    Utf16Le,
    /// 2-byte units, big-endian.
    Utf16Be,
    /// 4-byte units, little-endian.
    Utf32Le,
    /// 4-byte units, big-endian.
    Utf32Be,
}

/// Number of bytes needed to detect an encoding.
pub const LOOK_BYTES: usize = 4;

impl Encoding {
    /// Encoding of a text that starts with these bytes, and the length of its byte order mark.
    pub fn of(start: &[u8]) -> (Self, usize) {
        const MARKS: [(&[u8], Encoding); 5] = [
            // Before UTF-16, whose mark is a prefix of this one.
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
        // JSON, like other text here, starts with two ASCII characters, so the position of zero
        // bytes shows the encoding (RFC 4627, 3). UTF-8 text contains no zero bytes.
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

    /// Name, e.g. `UTF-8`.
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

    /// Code unit in the first [`Self::width`] bytes.
    fn unit(self, bytes: &[u8]) -> u32 {
        match (self, bytes) {
            (Self::Utf16Le, [a, b]) => u16::from_le_bytes([*a, *b]).into(),
            (Self::Utf16Be, [a, b]) => u16::from_be_bytes([*a, *b]).into(),
            (Self::Utf32Le, [a, b, c, d]) => u32::from_le_bytes([*a, *b, *c, *d]),
            (Self::Utf32Be, [a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]),
            _ => u32::MAX,
        }
    }

    /// Appends the text as UTF-8 and returns the number of bytes consumed; the last character may
    /// be incomplete. Invalid units become U+FFFD.
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

/// Bytes that are not valid text in the detected encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not text in {} (byte {at}): save it as UTF-8", encoding.word())]
pub struct NotText {
    /// Detected encoding.
    pub encoding: Encoding,
    /// Offset of the first invalid byte.
    pub at: usize,
}

/// Text of a file.
///
/// # Errors
/// If it is not text: an image, or text in a single-byte encoding, which cannot be detected.
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

/// Text of a file, with U+FFFD for invalid bytes.
pub fn decode_lossy(bytes: &[u8]) -> String {
    let (encoding, mark) = Encoding::of(bytes);
    if encoding == Encoding::Utf8 {
        return String::from_utf8_lossy(&bytes[mark..]).into_owned();
    }
    let mut text = Vec::with_capacity(bytes.len());
    encoding.transcode(&bytes[mark..], true, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Streaming converter to UTF-8 without a byte order mark, so that large files need not fit in
/// memory. UTF-8 and binary data pass unchanged.
pub struct Unicode<R> {
    inner: R,
    encoding: Option<Encoding>,
    /// Bytes read but not returned yet: as stored, and as UTF-8.
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

/// Number of bytes converted at once.
const PART_BYTES: usize = 64 << 10;

impl<R: Read> Unicode<R> {
    /// Reader of `inner` as UTF-8, whatever its encoding is.
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

    /// Underlying reader.
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
