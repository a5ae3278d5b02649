//! From the bytes of an object to records: gzip, zstd or plain, told by the first bytes.
//!
//! A usual object is read and inflated whole, by libdeflate. What is large, cut or made of several members is streamed
//! by zlib-rs through a window, so that memory is bounded whatever the object says about itself.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use libdeflater::Decompressor;

use super::again::{Every, Sink};
use super::shape::{Item, Problem};
use super::split::Splitter;
use crate::limits::{
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
    pub(crate) fn read_into(&mut self, source: &mut dyn Read, sink: &mut dyn Sink) -> ReadBytes {
        self.read_packed(source, sink, 0)
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
        if whole && self.object.starts_with(GZIP) && self.inflate_whole() {
            // Log subscriptions are packed, and Firehose packs them again.
            if self.inflated.starts_with(GZIP) && depth < UNWRAP_DEPTH_MAX {
                let (stored, inner) = (self.object.len() as u64, std::mem::take(&mut self.inflated));
                return ReadBytes { stored, ..self.read_packed(&mut inner.as_slice(), sink, depth + 1) };
            }
            self.splitter.push_into(&self.inflated, true, sink);
            return ReadBytes { stored: self.object.len() as u64, inflated: self.inflated.len() as u64 };
        }
        if whole && !self.object.starts_with(GZIP) && !self.object.starts_with(ZSTD) {
            self.splitter.push_into(&self.object, true, sink);
            return ReadBytes { stored: self.object.len() as u64, inflated: self.object.len() as u64 };
        }
        let object = std::mem::take(&mut self.object);
        let failed = first.is_err();
        let mut stored = Counted {
            inner: object.as_slice().chain(if failed { Box::new(io::empty()) } else { Box::new(source) as Box<dyn Read> }),
            bytes: 0,
        };
        let inflated = self.stream(&object, &mut stored, sink, depth);
        let bytes = ReadBytes { stored: stored.bytes, inflated };
        self.object = object;
        bytes
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

    fn stream(&mut self, magic: &[u8], stored: &mut Counted<impl Read>, sink: &mut dyn Sink, depth: usize) -> u64 {
        let packed = magic.starts_with(GZIP) || magic.starts_with(ZSTD);
        let mut source: Box<dyn ReadCounted + '_> = if magic.starts_with(GZIP) {
            Box::new(MultiGzDecoder::new(stored))
        } else if magic.starts_with(ZSTD) {
            match zstd::Decoder::new(stored) {
                Ok(decoder) => Box::new(decoder),
                Err(_) => {
                    sink.item(Item::Problem { offset: 0, problem: Problem::Inflate });
                    return 0;
                }
            }
        } else {
            Box::new(stored)
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
            if packed && inflated == filled as u64 && window[..filled].starts_with(GZIP) && depth < UNWRAP_DEPTH_MAX {
                let inner = window[..filled].to_vec();
                return self.read_packed(&mut inner.as_slice().chain(source), sink, depth + 1).inflated;
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

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

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

impl<R: Read> ReadCounted for zstd::Decoder<'_, io::BufReader<&mut Counted<R>>> {
    fn stored(&self) -> u64 {
        self.get_ref().get_ref().bytes
    }
}
