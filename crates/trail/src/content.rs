//! Detection of an object's format by its first bytes, never by its name.

use bartizan_model::encoding::Encoding;

use super::table;

/// Number of bytes inspected. The magic of a tar archive is at offset 257.
pub(super) const LOOK_BYTES: usize = 64 << 10;

/// Format of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectContent {
    /// JSON, or text that may contain JSON records.
    Json,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Zip,
    Tar,
    /// Text in an encoding other than UTF-8, or with a byte order mark.
    Unicode,
    /// Table with this separator between cells.
    Table(u8),
    /// Known format without readable records.
    Foreign(ForeignFile),
}

/// File format that is not a trail, or not supported.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum ForeignFile {
    /// Apache Parquet, as Security Lake and Athena write it.
    Parquet,
    /// Apache ORC.
    Orc,
    /// Apache Avro.
    Avro,
    /// Excel workbook.
    Spreadsheet,
    /// SQLite database.
    Database,
    /// 7-Zip, RAR and other archives.
    Archive,
    /// Unsupported compression: LZ4, Snappy, LZMA without a container.
    Packed,
    /// XML: usually an S3 error response.
    Xml,
    /// HTML page saved in place of a file.
    Page,
    /// Text that is neither JSON nor a table with an event column.
    Text,
    /// Unknown format.
    Unknown,
    /// Image, video or audio.
    Picture,
    /// PDF or other document.
    Document,
    /// Executable or system file.
    System,
}

impl ForeignFile {
    /// Whether the file may contain records.
    pub fn may_hold_events(self) -> bool {
        !matches!(self, Self::Picture | Self::Document | Self::System)
    }

    /// Format and recommended action, for users.
    pub fn text(self) -> &'static str {
        match self {
            Self::Parquet => {
                "a Parquet file, which is not read here: query it with `bartizan hunt`, or export \
                it as JSON or CSV"
            }
            Self::Orc => "an ORC file, which is not read: export it as JSON or CSV",
            Self::Avro => "an Avro file, which is not read: export it as JSON or CSV",
            Self::Spreadsheet => "a workbook of a spreadsheet: save it as CSV",
            Self::Database => "an SQLite database: export its table as JSON or CSV",
            Self::Archive => "an archive that is not read (7z, RAR): unpack it, or use ZIP or tar",
            Self::Packed => {
                "compressed in a way that is not read (LZ4, Snappy, bare LZMA): unpack it, or use \
                gzip, zstd, xz or bzip2"
            }
            Self::Xml => {
                "XML, not a trail: perhaps an error that S3 answered when it was downloaded"
            }
            Self::Page => {
                "a web page, not a trail: perhaps a login or error page that was saved in its \
                place"
            }
            Self::Text => "text that is neither JSON nor a table with an event name",
            Self::Unknown => "not a trail, and nothing that is known",
            Self::Picture => "a picture or film, not a trail",
            Self::Document => "a document, not a trail",
            Self::System => "a program or system file, not a trail",
        }
    }
}

/// Offset of a magic, its bytes, and the format. The first match wins.
const MARKS: &[(usize, &[u8], ObjectContent)] = &[
    (0, &[0x1f, 0x8b], ObjectContent::Gzip),
    (0, &[0x28, 0xb5, 0x2f, 0xfd], ObjectContent::Zstd),
    (0, b"\xfd7zXZ\0", ObjectContent::Xz),
    (0, b"BZh", ObjectContent::Bzip2),
    (0, b"PK\x03\x04", ObjectContent::Zip),
    (0, b"PK\x05\x06", ObjectContent::Zip),
    (257, b"ustar", ObjectContent::Tar),
    (0, b"PAR1", ObjectContent::Foreign(ForeignFile::Parquet)),
    (0, b"PARE", ObjectContent::Foreign(ForeignFile::Parquet)),
    (0, b"ORC", ObjectContent::Foreign(ForeignFile::Orc)),
    (0, b"Obj\x01", ObjectContent::Foreign(ForeignFile::Avro)),
    (
        0,
        &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
        ObjectContent::Foreign(ForeignFile::Spreadsheet),
    ),
    (
        0,
        b"SQLite format 3\0",
        ObjectContent::Foreign(ForeignFile::Database),
    ),
    (
        0,
        b"7z\xbc\xaf\x27\x1c",
        ObjectContent::Foreign(ForeignFile::Archive),
    ),
    (
        0,
        b"Rar!\x1a\x07",
        ObjectContent::Foreign(ForeignFile::Archive),
    ),
    (0, b"MSCF", ObjectContent::Foreign(ForeignFile::Archive)),
    (0, b"!<arch>", ObjectContent::Foreign(ForeignFile::Archive)),
    (
        0,
        &[0x04, 0x22, 0x4d, 0x18],
        ObjectContent::Foreign(ForeignFile::Packed),
    ),
    (
        0,
        &[0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y'],
        ObjectContent::Foreign(ForeignFile::Packed),
    ),
    (0, b"LZIP", ObjectContent::Foreign(ForeignFile::Packed)),
    (
        0,
        &[0x5d, 0, 0],
        ObjectContent::Foreign(ForeignFile::Packed),
    ),
    (
        0,
        &[0x1f, 0x9d],
        ObjectContent::Foreign(ForeignFile::Packed),
    ),
    (0, b"\x89PNG", ObjectContent::Foreign(ForeignFile::Picture)),
    (
        0,
        &[0xff, 0xd8, 0xff],
        ObjectContent::Foreign(ForeignFile::Picture),
    ),
    (0, b"GIF8", ObjectContent::Foreign(ForeignFile::Picture)),
    (8, b"WEBP", ObjectContent::Foreign(ForeignFile::Picture)),
    (0, b"II*\0", ObjectContent::Foreign(ForeignFile::Picture)),
    (0, b"MM\0*", ObjectContent::Foreign(ForeignFile::Picture)),
    (4, b"ftyp", ObjectContent::Foreign(ForeignFile::Picture)),
    (0, b"%PDF", ObjectContent::Foreign(ForeignFile::Document)),
    (0, b"{\\rtf", ObjectContent::Foreign(ForeignFile::Document)),
    (0, b"\x7fELF", ObjectContent::Foreign(ForeignFile::System)),
    (0, b"MZ\x90\0", ObjectContent::Foreign(ForeignFile::System)),
    (
        0,
        &[0xcf, 0xfa, 0xed, 0xfe],
        ObjectContent::Foreign(ForeignFile::System),
    ),
    (
        0,
        b"\0\0\0\x01Bud1",
        ObjectContent::Foreign(ForeignFile::System),
    ),
];

impl ObjectContent {
    /// Format of an object with these first bytes.
    pub(super) fn of(start: &[u8]) -> Self {
        // Nearly all objects.
        if let [b'{', b'"', ..] = start {
            return Self::Json;
        }
        let start = &start[..start.len().min(LOOK_BYTES)];
        let fits = |(at, mark, _): &&(usize, &[u8], Self)| {
            start.get(*at..).is_some_and(|rest| rest.starts_with(mark))
        };
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
        let has = |words: &[&str]| {
            words
                .iter()
                .any(|word| memchr::memmem::find(&low, word.as_bytes()).is_some())
        };
        if low.first() == Some(&b'<') {
            return Self::Foreign(if has(&["<html", "<!doctype html"]) {
                ForeignFile::Page
            } else {
                ForeignFile::Xml
            });
        }
        // Bytes before a record on its line are damage, or a time added by an export.
        let records = memchr::memmem::find(start, b"{\"").is_some();
        let scalar =
            text.starts_with(b"null") || text.first().is_some_and(|b| b"\"-,]}".contains(b));
        if records || scalar {
            return Self::Json;
        }
        // The last character may be cut off.
        let readable = start
            .utf8_chunks()
            .next()
            .is_none_or(|c| c.valid().len() + 4 > start.len());
        let control = start
            .iter()
            .any(|b| *b < b' ' && !b.is_ascii_whitespace() && *b != 0x1b);
        Self::Foreign(if readable && !control {
            ForeignFile::Text
        } else {
            ForeignFile::Unknown
        })
    }

    /// Whether the object is a container of another one.
    pub(super) fn is_packing(self) -> bool {
        matches!(
            self,
            Self::Gzip
                | Self::Zstd
                | Self::Xz
                | Self::Bzip2
                | Self::Zip
                | Self::Tar
                | Self::Unicode
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_known_by_their_first_bytes() {
        let tar = [vec![b'a'; 257], b"ustar\0".to_vec()].concat();
        for (start, content) in [
            (&b"{\"Records\":[]}"[..], ObjectContent::Json),
            (b"", ObjectContent::Json),
            (b" \n[ {", ObjectContent::Json),
            (
                b"2025-01-21T17:49:47.000Z {\"eventVersion\"",
                ObjectContent::Json,
            ),
            (b"garbage, {\"a\":1}", ObjectContent::Json),
            (b"null", ObjectContent::Json),
            (&tar, ObjectContent::Tar),
            (b"PK\x03\x04", ObjectContent::Zip),
            (b"PAR1", ObjectContent::Foreign(ForeignFile::Parquet)),
            (b"\x89PNG\r\n", ObjectContent::Foreign(ForeignFile::Picture)),
            (b"\xef\xbb\xbf{", ObjectContent::Unicode),
            (b"{\0\"\0a\0", ObjectContent::Unicode),
            (b"\0{\0\"\0a", ObjectContent::Unicode),
            (
                b"\"Event name\",\"Event time\"\n",
                ObjectContent::Table(b','),
            ),
            (
                b"eventname;eventtime;useridentity\r\nA;B;C",
                ObjectContent::Table(b';'),
            ),
            (
                b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>",
                ObjectContent::Foreign(ForeignFile::Xml),
            ),
            (
                b"<!DOCTYPE html><html>",
                ObjectContent::Foreign(ForeignFile::Page),
            ),
            (
                b"2 111122223333 eni-1 10.0.0.1",
                ObjectContent::Foreign(ForeignFile::Text),
            ),
            (b"Hello, world\n", ObjectContent::Foreign(ForeignFile::Text)),
            (
                b"\x01\x02\x03\xff\xfe",
                ObjectContent::Foreign(ForeignFile::Unknown),
            ),
        ] {
            assert_eq!(
                ObjectContent::of(start),
                content,
                "{:?}",
                String::from_utf8_lossy(start)
            );
        }
    }
}
