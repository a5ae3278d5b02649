//! What an object is, by its first bytes and never by its name.

use bartizan_model::encoding::Encoding;

use super::table;

/// Bytes that are looked at. The mark of a tar archive stands at 257.
pub(super) const LOOK_BYTES: usize = 64 << 10;

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// JSON, or what may be: records in it are looked for.
    Json,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Zip,
    Tar,
    /// Text that is not UTF-8, or has a mark in front.
    Unicode,
    /// Rows with these bytes between their cells.
    Table(u8),
    /// Something else that is known, and does not hold records that could be read.
    Foreign(Foreign),
}

/// A kind of file that is no trail, or that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Foreign {
    /// Apache Parquet, as Security Lake and Athena write it.
    Parquet,
    /// Apache ORC.
    Orc,
    /// Apache Avro.
    Avro,
    /// Workbooks of Excel.
    Spreadsheet,
    /// SQLite.
    Database,
    /// 7-Zip, RAR and other archives.
    Archive,
    /// Compressed in a way that is not read: LZ4, Snappy, LZMA without a container.
    Packed,
    /// XML: mostly what S3 answers when it refuses.
    Xml,
    /// A web page, saved in place of a file.
    Page,
    /// Letters, but neither JSON nor a table with a column for the event.
    Text,
    /// Nothing that is known.
    Unknown,
    /// A picture, a film, a sound.
    Picture,
    /// PDF and the like.
    Document,
    /// A program, or what a system leaves in its folders.
    System,
}

impl Foreign {
    /// Whether it may hold records.
    pub fn may_hold_events(self) -> bool {
        !matches!(self, Self::Picture | Self::Document | Self::System)
    }

    /// What it is and what to do, for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Parquet => "a Parquet file, which is not read here: query it with `bartizan hunt`, or export it as JSON or CSV",
            Self::Orc => "an ORC file, which is not read: export it as JSON or CSV",
            Self::Avro => "an Avro file, which is not read: export it as JSON or CSV",
            Self::Spreadsheet => "a workbook of a spreadsheet: save it as CSV",
            Self::Database => "an SQLite database: export its table as JSON or CSV",
            Self::Archive => "an archive that is not read (7z, RAR): unpack it, or use ZIP or tar",
            Self::Packed => {
                "compressed in a way that is not read (LZ4, Snappy, bare LZMA): unpack it, or use gzip, zstd, xz or bzip2"
            }
            Self::Xml => "XML, not a trail: perhaps an error that S3 answered when it was downloaded",
            Self::Page => "a web page, not a trail: perhaps a login or error page that was saved in its place",
            Self::Text => "text that is neither JSON nor a table with an event name",
            Self::Unknown => "not a trail, and nothing that is known",
            Self::Picture => "a picture or film, not a trail",
            Self::Document => "a document, not a trail",
            Self::System => "a program or system file, not a trail",
        }
    }
}

/// Where in a file a mark stands, the mark, and what it means. The first that fits counts.
const MARKS: &[(usize, &[u8], Content)] = &[
    (0, &[0x1f, 0x8b], Content::Gzip),
    (0, &[0x28, 0xb5, 0x2f, 0xfd], Content::Zstd),
    (0, b"\xfd7zXZ\0", Content::Xz),
    (0, b"BZh", Content::Bzip2),
    (0, b"PK\x03\x04", Content::Zip),
    (0, b"PK\x05\x06", Content::Zip),
    (257, b"ustar", Content::Tar),
    (0, b"PAR1", Content::Foreign(Foreign::Parquet)),
    (0, b"PARE", Content::Foreign(Foreign::Parquet)),
    (0, b"ORC", Content::Foreign(Foreign::Orc)),
    (0, b"Obj\x01", Content::Foreign(Foreign::Avro)),
    (0, &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], Content::Foreign(Foreign::Spreadsheet)),
    (0, b"SQLite format 3\0", Content::Foreign(Foreign::Database)),
    (0, b"7z\xbc\xaf\x27\x1c", Content::Foreign(Foreign::Archive)),
    (0, b"Rar!\x1a\x07", Content::Foreign(Foreign::Archive)),
    (0, b"MSCF", Content::Foreign(Foreign::Archive)),
    (0, b"!<arch>", Content::Foreign(Foreign::Archive)),
    (0, &[0x04, 0x22, 0x4d, 0x18], Content::Foreign(Foreign::Packed)),
    (0, &[0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y'], Content::Foreign(Foreign::Packed)),
    (0, b"LZIP", Content::Foreign(Foreign::Packed)),
    (0, &[0x5d, 0, 0], Content::Foreign(Foreign::Packed)),
    (0, &[0x1f, 0x9d], Content::Foreign(Foreign::Packed)),
    (0, b"\x89PNG", Content::Foreign(Foreign::Picture)),
    (0, &[0xff, 0xd8, 0xff], Content::Foreign(Foreign::Picture)),
    (0, b"GIF8", Content::Foreign(Foreign::Picture)),
    (8, b"WEBP", Content::Foreign(Foreign::Picture)),
    (0, b"II*\0", Content::Foreign(Foreign::Picture)),
    (0, b"MM\0*", Content::Foreign(Foreign::Picture)),
    (4, b"ftyp", Content::Foreign(Foreign::Picture)),
    (0, b"%PDF", Content::Foreign(Foreign::Document)),
    (0, b"{\\rtf", Content::Foreign(Foreign::Document)),
    (0, b"\x7fELF", Content::Foreign(Foreign::System)),
    (0, b"MZ\x90\0", Content::Foreign(Foreign::System)),
    (0, &[0xcf, 0xfa, 0xed, 0xfe], Content::Foreign(Foreign::System)),
    (0, b"\0\0\0\x01Bud1", Content::Foreign(Foreign::System)),
];

impl Content {
    /// What an object with these first bytes is.
    pub(super) fn of(start: &[u8]) -> Self {
        // Nearly all of them.
        if let [b'{', b'"', ..] = start {
            return Self::Json;
        }
        let start = &start[..start.len().min(LOOK_BYTES)];
        let fits = |(at, mark, _): &&(usize, &[u8], Self)| start.get(*at..).is_some_and(|rest| rest.starts_with(mark));
        if let Some((.., content)) = MARKS.iter().find(fits) {
            return *content;
        }
        let (encoding, mark) = Encoding::of(start);
        if encoding != Encoding::Utf8 || mark > 0 {
            return Self::Unicode;
        }
        let text = start.trim_ascii_start();
        if matches!(text.first(), None | Some(b'{' | b'[' | 0x1e)) {
            return Self::Json;
        }
        if let Some(delimiter) = table::sniff(start) {
            return Self::Table(delimiter);
        }
        let low = text[..text.len().min(512)].to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| memchr::memmem::find(&low, word.as_bytes()).is_some());
        if low.first() == Some(&b'<') {
            return Self::Foreign(if has(&["<html", "<!doctype html"]) { Foreign::Page } else { Foreign::Xml });
        }
        // What stands before a record on its line is damage, or a time that an export put there.
        let records = memchr::memmem::find(start, b"{\"").is_some();
        let scalar = text.starts_with(b"null") || text.first().is_some_and(|b| b"\"-,]}".contains(b));
        if records || scalar {
            return Self::Json;
        }
        // A character may be cut where the look ends.
        let readable = start.utf8_chunks().next().is_none_or(|c| c.valid().len() + 4 > start.len());
        let control = start.iter().any(|b| *b < b' ' && !b.is_ascii_whitespace() && *b != 0x1b);
        Self::Foreign(if readable && !control { Foreign::Text } else { Foreign::Unknown })
    }

    /// Whether something else is inside of it.
    pub(super) fn is_packing(self) -> bool {
        matches!(self, Self::Gzip | Self::Zstd | Self::Xz | Self::Bzip2 | Self::Zip | Self::Tar | Self::Unicode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_known_by_their_first_bytes() {
        let tar = [vec![b'a'; 257], b"ustar\0".to_vec()].concat();
        for (start, content) in [
            (&b"{\"Records\":[]}"[..], Content::Json),
            (b"", Content::Json),
            (b" \n[ {", Content::Json),
            (b"2025-01-21T17:49:47.000Z {\"eventVersion\"", Content::Json),
            (b"garbage, {\"a\":1}", Content::Json),
            (b"null", Content::Json),
            (&tar, Content::Tar),
            (b"PK\x03\x04", Content::Zip),
            (b"PAR1", Content::Foreign(Foreign::Parquet)),
            (b"\x89PNG\r\n", Content::Foreign(Foreign::Picture)),
            (b"\xef\xbb\xbf{", Content::Unicode),
            (b"{\0\"\0a\0", Content::Unicode),
            (b"\0{\0\"\0a", Content::Unicode),
            (b"\"Event name\",\"Event time\"\n", Content::Table(b',')),
            (b"eventname;eventtime;useridentity\r\nA;B;C", Content::Table(b';')),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", Content::Foreign(Foreign::Xml)),
            (b"<!DOCTYPE html><html>", Content::Foreign(Foreign::Page)),
            (b"2 111122223333 eni-1 10.0.0.1", Content::Foreign(Foreign::Text)),
            (b"Hello, world\n", Content::Foreign(Foreign::Text)),
            (b"\x01\x02\x03\xff\xfe", Content::Foreign(Foreign::Unknown)),
        ] {
            assert_eq!(Content::of(start), content, "{:?}", String::from_utf8_lossy(start));
        }
    }
}
