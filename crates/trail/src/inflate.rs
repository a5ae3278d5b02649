//! Reads an object and splits it into records, whatever its compression or archive format;
//! [`ObjectContent`] detects that by the first bytes.
//!
//! A normal object is read as a whole and decompressed by libdeflate. A large, truncated or
//! multi-member object is streamed through a window by zlib-rs, so that memory is bounded whatever
//! sizes the object claims.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use libdeflater::Decompressor;

use super::archive;
use super::content::{ForeignFile, ObjectContent};
use super::lookahead::{Candidate, EveryItem, ItemSink};
use super::normal::of_fields;
use super::shape::{ReadProblem, TrailItem};
use super::split::Splitter;
use super::table::{self, TableRow};
use bartizan_model::encoding::Unicode;
use bartizan_model::limits::{
    INFLATE_RATIO_BYTES_MIN, INFLATE_RATIO_MAX, INFLATED_BYTES_MAX, INFLATED_WHOLE_BYTES_MAX,
    OBJECT_WHOLE_BYTES_MAX, UNWRAP_DEPTH_MAX, WINDOW_BYTES, XZ_MEMORY_KIB_MAX,
};

/// Reader with buffers reused from object to object; one per thread.
pub struct TrailReader {
    deflate: Decompressor,
    splitter: Splitter,
    object: Vec<u8>,
    inflated: Vec<u8>,
}

/// Number of bytes read from one object.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ReadBytes {
    /// Bytes as stored.
    pub stored: u64,
    /// Bytes after decompression.
    pub inflated: u64,
}

impl Default for TrailReader {
    fn default() -> Self {
        Self::new()
    }
}

impl TrailReader {
    /// Reader with empty buffers.
    pub fn new() -> Self {
        Self {
            deflate: Decompressor::new(),
            splitter: Splitter::new(),
            object: Vec::new(),
            inflated: Vec::new(),
        }
    }

    /// Reads one object to its end and passes on every item. Anything unreadable is an item too.
    pub fn read(
        &mut self,
        source: &mut dyn Read,
        sink: &mut dyn FnMut(TrailItem<'_>),
    ) -> ReadBytes {
        self.read_into(source, &mut EveryItem(sink))
    }

    /// Like [`Self::read`], for a sink that recognizes repeated records.
    pub fn read_into(&mut self, source: &mut dyn Read, sink: &mut dyn ItemSink) -> ReadBytes {
        self.read_packed(source, sink, 0)
    }

    /// Reads a file inside an archive.
    pub(super) fn read_file(
        &mut self,
        source: &mut dyn Read,
        sink: &mut dyn ItemSink,
        depth: usize,
    ) {
        self.read_packed(source, sink, depth + 1);
    }

    fn read_packed(
        &mut self,
        source: &mut dyn Read,
        sink: &mut dyn ItemSink,
        depth: usize,
    ) -> ReadBytes {
        let mut source = source;
        self.splitter.begin();
        self.object.clear();
        let first = Read::by_ref(&mut source)
            .take(OBJECT_WHOLE_BYTES_MAX as u64)
            .read_to_end(&mut self.object);
        if first.is_err() {
            sink.item(TrailItem::Problem {
                offset: self.object.len() as u64,
                problem: ReadProblem::Unreadable,
            });
        }
        let whole = first.is_ok() && self.object.len() < OBJECT_WHOLE_BYTES_MAX;
        let content = ObjectContent::of(&self.object);
        if whole && content == ObjectContent::Json {
            self.splitter.push_into(&self.object, true, sink);
            return ReadBytes {
                stored: self.object.len() as u64,
                inflated: self.object.len() as u64,
            };
        }
        if whole && content == ObjectContent::Gzip && self.inflate_whole() {
            let stored = self.object.len() as u64;
            if ObjectContent::of(&self.inflated) == ObjectContent::Json {
                self.splitter.push_into(&self.inflated, true, sink);
                return ReadBytes {
                    stored,
                    inflated: self.inflated.len() as u64,
                };
            }
            // CloudWatch Logs subscriptions are compressed, and Firehose compresses them again.
            let inner = std::mem::take(&mut self.inflated);
            return ReadBytes {
                stored,
                ..self.read_inner(&mut inner.as_slice(), sink, depth)
            };
        }
        let object = std::mem::take(&mut self.object);
        let failed = first.is_err();
        let mut stored = CountingReader {
            inner: object.as_slice().chain(if failed {
                Box::new(io::empty())
            } else {
                Box::new(source) as Box<dyn Read>
            }),
            bytes: 0,
        };
        let inflated = self.stream(content, &mut stored, sink, depth);
        let bytes = ReadBytes {
            stored: stored.bytes,
            inflated,
        };
        self.object = object;
        bytes
    }

    /// Reads nested content, unless it is nested too deeply.
    fn read_inner(
        &mut self,
        source: &mut dyn Read,
        sink: &mut dyn ItemSink,
        depth: usize,
    ) -> ReadBytes {
        if depth >= UNWRAP_DEPTH_MAX {
            sink.item(TrailItem::Problem {
                offset: 0,
                problem: ReadProblem::TooDeep,
            });
            return ReadBytes::default();
        }
        self.read_packed(source, sink, depth + 1)
    }

    /// Decompresses a gzip object with one valid member of normal size. Returns false if it must be
    /// streamed.
    fn inflate_whole(&mut self) -> bool {
        let Some((header, trailer)) = gzip_frame(&self.object) else {
            return false;
        };
        let (crc, size) = trailer;
        if size > INFLATED_WHOLE_BYTES_MAX || size / INFLATE_RATIO_MAX > self.object.len() {
            return false;
        }
        self.inflated.resize(size, 0);
        let body = &self.object[header..self.object.len() - 8];
        // Another member would start with these bytes, and flags whose highest three bits are zero
        // (RFC 1952). If they occur by chance, streaming gives the same result.
        let begins = |at: usize| body.get(at + 3).is_none_or(|flags| flags & 0xe0 == 0);
        if memchr::memmem::find_iter(body, &[0x1f, 0x8b, 8]).any(begins) {
            return false;
        }
        self.deflate.deflate_decompress(body, &mut self.inflated) == Ok(size)
            && libdeflater::crc32(&self.inflated) == crc
    }

    fn stream(
        &mut self,
        content: ObjectContent,
        stored: &mut CountingReader<impl Read>,
        sink: &mut dyn ItemSink,
        depth: usize,
    ) -> u64 {
        if content.is_packing() && depth > UNWRAP_DEPTH_MAX {
            sink.item(TrailItem::Problem {
                offset: 0,
                problem: ReadProblem::TooDeep,
            });
            return 0;
        }
        match content {
            ObjectContent::Zip => {
                return archive::zip(
                    &mut |file, sink| self.read_file(file, sink, depth),
                    stored,
                    sink,
                );
            }
            ObjectContent::Tar => {
                return archive::tar(
                    &mut |file, sink| self.read_file(file, sink, depth),
                    stored,
                    sink,
                );
            }
            ObjectContent::Table(delimiter) => return self.table(delimiter, stored, sink),
            ObjectContent::Foreign(foreign) => {
                sink.item(TrailItem::Problem {
                    offset: 0,
                    problem: ReadProblem::Foreign(foreign),
                });
                // In a text, a record may begin further down.
                if foreign != ForeignFile::Text {
                    return 0;
                }
            }
            _ => {}
        }
        let Ok(source) = decoder(content, stored) else {
            sink.item(TrailItem::Problem {
                offset: 0,
                problem: ReadProblem::Inflate,
            });
            return 0;
        };
        if let ObjectContent::Foreign(_) = content {
            self.windows(content, source, &mut ForeignReported(sink), depth)
        } else {
            self.windows(content, source, sink, depth)
        }
    }

    /// Splits decoded bytes window by window. Returns their number.
    fn windows(
        &mut self,
        content: ObjectContent,
        mut source: Box<dyn ReadCounted + '_>,
        sink: &mut dyn ItemSink,
        depth: usize,
    ) -> u64 {
        let packed = matches!(
            content,
            ObjectContent::Gzip | ObjectContent::Zstd | ObjectContent::Xz | ObjectContent::Bzip2
        );
        let window = &mut self.inflated;
        let (mut filled, mut inflated) = (0, 0u64);
        loop {
            // The window grows for a record that does not fit; the splitter rejects records that
            // are too large.
            window.resize(filled + WINDOW_BYTES, 0);
            let before = filled;
            let broken = if packed {
                ReadProblem::Inflate
            } else {
                ReadProblem::Unreadable
            };
            let end = fill(&mut *source, window, &mut filled, broken);
            inflated += (filled - before) as u64;
            let inside = packed || content == ObjectContent::Unicode;
            if inside
                && inflated == filled as u64
                && ObjectContent::of(&window[..filled]) != ObjectContent::Json
            {
                let inner = window[..filled].to_vec();
                // Content that cannot be decompressed further is reported there.
                let rest: Box<dyn Read> = if let Some(Some(problem)) = end {
                    sink.item(TrailItem::Problem {
                        offset: inflated,
                        problem,
                    });
                    Box::new(io::empty())
                } else {
                    Box::new(source)
                };
                return self
                    .read_inner(&mut inner.as_slice().chain(rest), sink, depth)
                    .inflated;
            }
            let ratio = inflated / source.stored().max(1);
            let bomb = packed
                && (inflated > INFLATED_BYTES_MAX
                    || inflated > INFLATE_RATIO_BYTES_MIN && ratio > INFLATE_RATIO_MAX as u64);
            let end = if bomb {
                Some(Some(ReadProblem::Bomb))
            } else {
                end
            };
            let done = self
                .splitter
                .push_into(&window[..filled], end.is_some(), sink);
            if let Some(problem) = end {
                if let Some(problem) = problem {
                    sink.item(TrailItem::Problem {
                        offset: inflated,
                        problem,
                    });
                }
                return inflated;
            }
            window.copy_within(done..filled, 0);
            filled -= done;
        }
    }
}

impl TrailReader {
    /// Reads a table; rows become records.
    fn table(
        &mut self,
        delimiter: u8,
        stored: &mut CountingReader<impl Read>,
        sink: &mut dyn ItemSink,
    ) -> u64 {
        let (splitter, mut condensed) = (&mut self.splitter, false);
        let read = table::read(stored, delimiter, &mut |offset, row| match row {
            TableRow::Whole(json) => splitter.unwrap(&json, offset, sink),
            TableRow::Fields(fields) => match of_fields(fields) {
                Some(mut normal) => {
                    normal.unread &= !condensed;
                    splitter.normal(&normal, offset, sink);
                }
                None => sink.item(TrailItem::Problem {
                    offset,
                    problem: ReadProblem::NotAnEvent,
                }),
            },
            TableRow::TooLarge => sink.item(TrailItem::Problem {
                offset,
                problem: ReadProblem::TooLarge,
            }),
            TableRow::Condensed => {
                condensed = true;
                sink.item(TrailItem::Problem {
                    offset,
                    problem: ReadProblem::Condensed,
                });
            }
        });
        if read.is_err() {
            sink.item(TrailItem::Problem {
                offset: stored.bytes,
                problem: ReadProblem::Unreadable,
            });
        }
        stored.bytes
    }
}

/// Decoder of a packed object; anything else is read as it is.
fn decoder<'d, R: Read>(
    content: ObjectContent,
    stored: &'d mut CountingReader<R>,
) -> io::Result<Box<dyn ReadCounted + 'd>> {
    Ok(match content {
        ObjectContent::Gzip => Box::new(MultiGzDecoder::new(stored)),
        ObjectContent::Zstd => Box::new(zstd::Decoder::new(stored)?),
        ObjectContent::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(
            io::BufReader::new(stored),
            true,
            XZ_MEMORY_KIB_MAX,
        )),
        ObjectContent::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(stored)),
        ObjectContent::Unicode => Box::new(Unicode::new(stored)),
        _ => Box::new(stored),
    })
}

/// Fills the window from `filled` on. At the end of the source, returns the problem that ended it,
/// if any: `broken` if it could not be read.
fn fill(
    source: &mut dyn ReadCounted,
    window: &mut [u8],
    filled: &mut usize,
    broken: ReadProblem,
) -> Option<Option<ReadProblem>> {
    loop {
        match source.read(&mut window[*filled..]) {
            Ok(0) => return Some(None),
            Ok(n) => {
                *filled += n;
                if *filled == window.len() {
                    return None;
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Some(Some(broken)),
        }
    }
}

/// Sink for an object already reported as another file format, so that it is not reported as
/// damaged JSON too.
struct ForeignReported<'s>(&'s mut dyn ItemSink);

impl ItemSink for ForeignReported<'_> {
    fn item(&mut self, item: TrailItem<'_>) {
        if !matches!(
            item,
            TrailItem::Problem {
                problem: ReadProblem::Damaged
                    | ReadProblem::Cut
                    | ReadProblem::NotAnEvent
                    | ReadProblem::Null,
                ..
            }
        ) {
            self.0.item(item);
        }
    }

    fn hasher(&self) -> Option<&foldhash::quality::RandomState> {
        self.0.hasher()
    }

    fn again(&mut self, window: &[u8], records: &[Candidate]) -> usize {
        self.0.again(window, records)
    }
}

/// Length of a gzip object's header, with the checksum and size in its trailer (RFC 1952).
pub(super) fn gzip_frame(object: &[u8]) -> Option<(usize, (u32, usize))> {
    let flags = *object.get(3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*object.get(at)?, *object.get(at + 1)?]));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            at += object.get(at..)?.iter().position(|b| *b == 0)? + 1;
        }
    }
    at += if flags & 2 != 0 { 2 } else { 0 };
    let (_, trailer) = object.get(at..)?.split_last_chunk::<8>()?;
    let [crc, size] = [0, 4]
        .map(|n| u32::from_le_bytes([trailer[n], trailer[n + 1], trailer[n + 2], trailer[n + 3]]));
    Some((at, (crc, size as usize)))
}

/// Counts stored bytes, for the compression ratio.
struct CountingReader<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

trait ReadCounted: Read {
    /// Number of stored bytes read so far.
    fn stored(&self) -> u64;
}

impl<R: Read> ReadCounted for &mut CountingReader<R> {
    fn stored(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read> ReadCounted for MultiGzDecoder<&mut CountingReader<R>> {
    fn stored(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: Read> ReadCounted for lzma_rust2::XzReader<io::BufReader<&mut CountingReader<R>>> {
    fn stored(&self) -> u64 {
        self.inner().get_ref().bytes
    }
}

impl<R: Read> ReadCounted for bzip2::read::MultiBzDecoder<&mut CountingReader<R>> {
    fn stored(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: Read> ReadCounted for Unicode<&mut CountingReader<R>> {
    fn stored(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: Read> ReadCounted for zstd::Decoder<'_, io::BufReader<&mut CountingReader<R>>> {
    fn stored(&self) -> u64 {
        self.get_ref().get_ref().bytes
    }
}
