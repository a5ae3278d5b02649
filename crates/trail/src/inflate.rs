//! From the bytes of an object to records, whatever it is packed in: [`Content`] tells by the first bytes.
//!
//! A usual object is read and inflated whole, by libdeflate. What is large, cut or made of several members is streamed
//! by zlib-rs through a window, so that memory is bounded whatever the object says about itself.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use libdeflater::Decompressor;

use super::again::{Again, Every, Sink};
use super::archive;
use super::content::{Content, Foreign};
use super::normal::of_fields;
use super::shape::{Item, Problem};
use super::split::Splitter;
use super::table::{self, Row};
use bartizan_model::encoding::Unicode;
use bartizan_model::limits::{
    INFLATE_RATIO_BYTES_MIN, INFLATE_RATIO_MAX, INFLATED_BYTES_MAX, INFLATED_WHOLE_BYTES_MAX, OBJECT_WHOLE_BYTES_MAX,
    UNWRAP_DEPTH_MAX, WINDOW_BYTES,
};

/// Buffers that are used again from object to object. One for each thread.
pub struct Reader {
    deflate: Decompressor,
    splitter: Splitter,
    object: Vec<u8>,
    inflated: Vec<u8>,
}

/// What was read of one object.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ReadBytes {
    /// As stored.
    pub stored: u64,
    /// As inflated.
    pub inflated: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Empty buffers.
    pub fn new() -> Self {
        Self { deflate: Decompressor::new(), splitter: Splitter::new(), object: Vec::new(), inflated: Vec::new() }
    }

    /// Reads one object to its end and gives every item in it. What cannot be read is an item too.
    pub fn read(&mut self, source: &mut dyn Read, sink: &mut dyn FnMut(Item<'_>)) -> ReadBytes {
        self.read_into(source, &mut Every(sink))
    }

    /// The same for who knows records again.
    pub fn read_into(&mut self, source: &mut dyn Read, sink: &mut dyn Sink) -> ReadBytes {
        self.read_packed(source, sink, 0)
    }

    /// Reads a file that lies in an archive.
    pub(super) fn read_file(&mut self, source: &mut dyn Read, sink: &mut dyn Sink, depth: usize) {
        self.read_packed(source, sink, depth + 1);
    }

    fn read_packed(&mut self, source: &mut dyn Read, sink: &mut dyn Sink, depth: usize) -> ReadBytes {
        let mut source = source;
        self.splitter.begin();
        self.object.clear();
        let first = Read::by_ref(&mut source).take(OBJECT_WHOLE_BYTES_MAX as u64).read_to_end(&mut self.object);
        if first.is_err() {
            sink.item(Item::Problem { offset: self.object.len() as u64, problem: Problem::Unreadable });
        }
        let whole = first.is_ok() && self.object.len() < OBJECT_WHOLE_BYTES_MAX;
        let content = Content::of(&self.object);
        if whole && content == Content::Json {
            self.splitter.push_into(&self.object, true, sink);
            return ReadBytes { stored: self.object.len() as u64, inflated: self.object.len() as u64 };
        }
        if whole && content == Content::Gzip && self.inflate_whole() {
            let stored = self.object.len() as u64;
            if Content::of(&self.inflated) == Content::Json {
                self.splitter.push_into(&self.inflated, true, sink);
                return ReadBytes { stored, inflated: self.inflated.len() as u64 };
            }
            // Log subscriptions are packed, and Firehose packs them again.
            let inner = std::mem::take(&mut self.inflated);
            return ReadBytes { stored, ..self.read_inner(&mut inner.as_slice(), sink, depth) };
        }
        let object = std::mem::take(&mut self.object);
        let failed = first.is_err();
        let mut stored = Counted {
            inner: object.as_slice().chain(if failed { Box::new(io::empty()) } else { Box::new(source) as Box<dyn Read> }),
            bytes: 0,
        };
        let inflated = self.stream(content, &mut stored, sink, depth);
        let bytes = ReadBytes { stored: stored.bytes, inflated };
        self.object = object;
        bytes
    }

    /// Reads what was inside of something, unless that goes too deep.
    fn read_inner(&mut self, source: &mut dyn Read, sink: &mut dyn Sink, depth: usize) -> ReadBytes {
        if depth >= UNWRAP_DEPTH_MAX {
            sink.item(Item::Problem { offset: 0, problem: Problem::TooDeep });
            return ReadBytes::default();
        }
        self.read_packed(source, sink, depth + 1)
    }

    /// Inflates a gzip object of one sound member of usual size. False: it is something else, and must be streamed.
    fn inflate_whole(&mut self) -> bool {
        let Some((header, trailer)) = gzip_frame(&self.object) else { return false };
        let (crc, size) = trailer;
        if size > INFLATED_WHOLE_BYTES_MAX || size / INFLATE_RATIO_MAX > self.object.len() {
            return false;
        }
        self.inflated.resize(size, 0);
        let body = &self.object[header..self.object.len() - 8];
        // Another member would begin with these bytes, and flags of which the highest three are not used (RFC 1952). Where
        // they stand by chance, streaming gives the same.
        let begins = |at: usize| body.get(at + 3).is_none_or(|flags| flags & 0xe0 == 0);
        if memchr::memmem::find_iter(body, &[0x1f, 0x8b, 8]).any(begins) {
            return false;
        }
        self.deflate.deflate_decompress(body, &mut self.inflated) == Ok(size) && libdeflater::crc32(&self.inflated) == crc
    }

    fn stream(&mut self, content: Content, stored: &mut Counted<impl Read>, sink: &mut dyn Sink, depth: usize) -> u64 {
        if content.is_packing() && depth > UNWRAP_DEPTH_MAX {
            sink.item(Item::Problem { offset: 0, problem: Problem::TooDeep });
            return 0;
        }
        let packed = matches!(content, Content::Gzip | Content::Zstd | Content::Xz | Content::Bzip2);
        let mut source: Box<dyn ReadCounted + '_> = match content {
            Content::Gzip => Box::new(MultiGzDecoder::new(stored)),
            Content::Zstd => match zstd::Decoder::new(stored) {
                Ok(decoder) => Box::new(decoder),
                Err(_) => {
                    sink.item(Item::Problem { offset: 0, problem: Problem::Inflate });
                    return 0;
                }
            },
            Content::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(io::BufReader::new(stored), true, XZ_MEMORY_KIB_MAX)),
            Content::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(stored)),
            Content::Unicode => Box::new(Unicode::new(stored)),
            Content::Zip => return archive::zip(self, stored, sink, depth),
            Content::Tar => return archive::tar(self, stored, sink, depth),
            Content::Table(delimiter) => return self.table(delimiter, stored, sink),
            Content::Foreign(foreign) => {
                sink.item(Item::Problem { offset: 0, problem: Problem::Foreign(foreign) });
                if foreign != Foreign::Text {
                    return 0;
                }
                // Somewhere below a record may begin.
                Box::new(stored)
            }
            Content::Json => Box::new(stored),
        };
        let mut named;
        let sink: &mut dyn Sink = if let Content::Foreign(_) = content {
            named = Named(sink);
            &mut named
        } else {
            sink
        };
        let window = &mut self.inflated;
        let (mut filled, mut inflated) = (0, 0u64);
        loop {
            // A record that does not fit makes the window grow; the splitter gives up on one that is too large.
            window.resize(filled + WINDOW_BYTES, 0);
            let end = loop {
                match source.read(&mut window[filled..]) {
                    Ok(0) => break Some(None),
                    Ok(n) => {
                        filled += n;
                        inflated += n as u64;
                        if filled == window.len() {
                            break None;
                        }
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break Some(Some(if packed { Problem::Inflate } else { Problem::Unreadable })),
                }
            };
            let inside = packed || content == Content::Unicode;
            if inside && inflated == filled as u64 && Content::of(&window[..filled]) != Content::Json {
                let inner = window[..filled].to_vec();
                // What cannot be unpacked any further is told there.
                let rest: Box<dyn Read> = if let Some(Some(problem)) = end {
                    sink.item(Item::Problem { offset: inflated, problem });
                    Box::new(io::empty())
                } else {
                    Box::new(source)
                };
                return self.read_inner(&mut inner.as_slice().chain(rest), sink, depth).inflated;
            }
            let ratio = inflated / source.stored().max(1);
            let bomb =
                packed && (inflated > INFLATED_BYTES_MAX || inflated > INFLATE_RATIO_BYTES_MIN && ratio > INFLATE_RATIO_MAX as u64);
            let end = if bomb { Some(Some(Problem::Bomb)) } else { end };
            let done = self.splitter.push_into(&window[..filled], end.is_some(), sink);
            if let Some(problem) = end {
                if let Some(problem) = problem {
                    sink.item(Item::Problem { offset: inflated, problem });
                }
                return inflated;
            }
            window.copy_within(done..filled, 0);
            filled -= done;
        }
    }
}

/// KiB that a dictionary of xz may take: `xz -9` makes ones of 64 MiB.
const XZ_MEMORY_KIB_MAX: u32 = 256 << 10;

impl Reader {
    /// Reads a table: rows become records.
    fn table(&mut self, delimiter: u8, stored: &mut Counted<impl Read>, sink: &mut dyn Sink) -> u64 {
        let (splitter, mut condensed) = (&mut self.splitter, false);
        let read = table::read(stored, delimiter, &mut |offset, row| match row {
            Row::Whole(json) => splitter.unwrap(&json, offset, sink),
            Row::Fields(fields) => match of_fields(fields) {
                Some(mut normal) => {
                    normal.unread &= !condensed;
                    splitter.normal(&normal, offset, sink);
                }
                None => sink.item(Item::Problem { offset, problem: Problem::NotAnEvent }),
            },
            Row::TooLarge => sink.item(Item::Problem { offset, problem: Problem::TooLarge }),
            Row::Condensed => {
                condensed = true;
                sink.item(Item::Problem { offset, problem: Problem::Condensed });
            }
        });
        if read.is_err() {
            sink.item(Item::Problem { offset: stored.bytes, problem: Problem::Unreadable });
        }
        stored.bytes
    }
}

/// Of an object that was named for what it is: it is no damaged JSON besides.
struct Named<'s>(&'s mut dyn Sink);

impl Sink for Named<'_> {
    fn item(&mut self, item: Item<'_>) {
        if !matches!(item, Item::Problem { problem: Problem::Damaged | Problem::Cut | Problem::NotAnEvent | Problem::Null, .. }) {
            self.0.item(item);
        }
    }

    fn hasher(&self) -> Option<&foldhash::quality::RandomState> {
        self.0.hasher()
    }

    fn again(&mut self, window: &[u8], records: &[Again]) -> usize {
        self.0.again(window, records)
    }
}

/// Bytes of the header of a gzip object, and the checksum and size at its end (RFC 1952).
fn gzip_frame(object: &[u8]) -> Option<(usize, (u32, usize))> {
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
    let [crc, size] = [0, 4].map(|n| u32::from_le_bytes([trailer[n], trailer[n + 1], trailer[n + 2], trailer[n + 3]]));
    Some((at, (crc, size as usize)))
}

/// Counts what was read of the stored object, to know the ratio.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

trait ReadCounted: Read {
    /// Bytes of the stored object that were taken so far.
    fn stored(&self) -> u64;
}

impl<R: Read> ReadCounted for &mut Counted<R> {
    fn stored(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read> ReadCounted for MultiGzDecoder<&mut Counted<R>> {
    fn stored(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: Read> ReadCounted for lzma_rust2::XzReader<io::BufReader<&mut Counted<R>>> {
    fn stored(&self) -> u64 {
        self.inner().get_ref().bytes
    }
}

impl<R: Read> ReadCounted for bzip2::read::MultiBzDecoder<&mut Counted<R>> {
    fn stored(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: Read> ReadCounted for Unicode<&mut Counted<R>> {
    fn stored(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: Read> ReadCounted for zstd::Decoder<'_, io::BufReader<&mut Counted<R>>> {
    fn stored(&self) -> u64 {
        self.get_ref().get_ref().bytes
    }
}
