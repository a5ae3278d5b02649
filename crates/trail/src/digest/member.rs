//! Files that are exactly one gzip member, inflated and hashed in one pass.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use libdeflater::Decompressor;
use ring::digest::{Context, SHA256};

use super::check::FileFault;
use crate::inflate::gzip_frame;
use bartizan_model::limits::{
    INFLATE_RATIO_BYTES_MIN, INFLATE_RATIO_MAX, INFLATED_BYTES_MAX, VERIFIED_WHOLE_BYTES_MAX,
    WINDOW_BYTES,
};

/// First bytes of a gzip member that is packed with deflate (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// SHA-256 of inflated bytes.
pub type ContentHash = [u8; 32];

/// Inflater with buffers that are reused from file to file; one per thread.
pub struct MemberReader {
    deflate: Decompressor,
    stored: Vec<u8>,
    inflated: Vec<u8>,
}

/// Inflated file and its hash.
pub(super) struct MemberBytes<'a> {
    pub(super) sha256: ContentHash,
    /// `None` if the file was too large to hold.
    pub(super) bytes: Option<&'a [u8]>,
}

impl Default for MemberReader {
    fn default() -> Self {
        Self::new()
    }
}

impl MemberReader {
    /// Reader with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            deflate: Decompressor::new(),
            stored: Vec::new(),
            inflated: Vec::new(),
        }
    }

    /// Reads a file to its end, inflates and hashes it.
    pub(super) fn read(&mut self, source: &mut dyn Read) -> Result<MemberBytes<'_>, FileFault> {
        let mut source = source;
        self.stored.clear();
        let unreadable = |e: io::Error| FileFault::Unreadable(e.to_string());
        Read::by_ref(&mut source)
            .take(VERIFIED_WHOLE_BYTES_MAX as u64)
            .read_to_end(&mut self.stored)
            .map_err(unreadable)?;
        if self.stored.len() < VERIFIED_WHOLE_BYTES_MAX && self.inflate_whole() {
            return Ok(MemberBytes {
                sha256: sha256(&self.inflated),
                bytes: Some(&self.inflated),
            });
        }
        let sha256 = self.stream(source)?;
        Ok(MemberBytes {
            sha256,
            bytes: (self.inflated.len() < VERIFIED_WHOLE_BYTES_MAX).then_some(&self.inflated),
        })
    }

    /// Inflates a file of normal size in one step. Returns false if it must be streamed, which also
    /// says what is wrong with it.
    ///
    /// libdeflate does not tell where the member ends that it checked. Its checksum and size, which
    /// stand there, do: if these 8 bytes occur only once, at the end of the file, the member ends
    /// there.
    fn inflate_whole(&mut self) -> bool {
        let stored = self.stored.as_slice();
        if !stored.starts_with(&GZIP_MAGIC) {
            return false;
        }
        let Some((_, (crc, size))) = gzip_frame(stored) else {
            return false;
        };
        if size > VERIFIED_WHOLE_BYTES_MAX || size / INFLATE_RATIO_MAX > stored.len() {
            return false;
        }
        let end = stored.len() - 8;
        let (body, trailer) = stored.split_at(end);
        if memchr::memmem::find(body, trailer).is_some() || overlaps(stored, trailer) {
            return false;
        }
        self.inflated.resize(size, 0);
        self.deflate.gzip_decompress(stored, &mut self.inflated) == Ok(size)
            && libdeflater::crc32(&self.inflated) == crc
    }

    /// Inflates through a window. Keeps the inflated bytes as long as they are few.
    fn stream(&mut self, rest: &mut dyn Read) -> Result<ContentHash, FileFault> {
        // Judged here: whether the decoder looks at the first bytes before it misses the rest of the
        // header depends on its version.
        let header = &self.stored[..self.stored.len().min(GZIP_MAGIC.len())];
        if header.is_empty() || !GZIP_MAGIC.starts_with(header) {
            return Err(FileFault::NotGzip);
        }
        let mut counted = CountedRead {
            inner: self.stored.as_slice().chain(rest),
            bytes: 0,
        };
        let mut decoder = GzDecoder::new(io::BufReader::with_capacity(64 << 10, &mut counted));
        let (mut context, mut window) = (Context::new(&SHA256), vec![0; WINDOW_BYTES]);
        let mut total = 0u64;
        self.inflated.clear();
        loop {
            let n = decoder.read(&mut window).map_err(|e| match e.kind() {
                io::ErrorKind::UnexpectedEof => FileFault::CutShort,
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => FileFault::NotGzip,
                _ => FileFault::Unreadable(e.to_string()),
            })?;
            if n == 0 {
                break;
            }
            context.update(&window[..n]);
            total += n as u64;
            if self.inflated.len() < VERIFIED_WHOLE_BYTES_MAX {
                self.inflated.extend_from_slice(&window[..n]);
            }
            let stored = decoder.get_ref().get_ref().bytes.max(1);
            if total > INFLATED_BYTES_MAX
                || total > INFLATE_RATIO_BYTES_MIN && total / stored > INFLATE_RATIO_MAX as u64
            {
                return Err(FileFault::TooLarge);
            }
        }
        let mut after = decoder.into_inner();
        let mut one = [0];
        match after.read(&mut one) {
            Ok(0) => {}
            Ok(_) => return Err(FileFault::MoreThanOneMember),
            Err(e) => return Err(FileFault::Unreadable(e.to_string())),
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Ok(hash)
    }
}

/// Whether the trailer also occurs partly inside itself: `abcabcab` ends with another occurrence
/// that `find` in the body alone does not see.
fn overlaps(stored: &[u8], trailer: &[u8]) -> bool {
    let end = stored.len() - 8;
    (end.saturating_sub(7)..end).any(|at| &stored[at..at + 8] == trailer)
}

pub(super) fn sha256(bytes: &[u8]) -> ContentHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(ring::digest::digest(&SHA256, bytes).as_ref());
    hash
}

/// Lower-case hex of bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

/// Bytes of hex in either case; `None` if it is none.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8))
        .collect()
}

/// Counts what is read, for the compression ratio.
struct CountedRead<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for CountedRead<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn one_member_and_nothing_else() {
        let mut reader = MemberReader::new();
        let good = gzip(b"{\"Records\":[]}");
        let read = reader.read(&mut good.as_slice()).unwrap();
        assert_eq!(read.sha256, sha256(b"{\"Records\":[]}"));
        // The same member again has the same checksum and size at its end.
        for (bad, fault) in [
            (
                [good.clone(), good.clone()].concat(),
                FileFault::MoreThanOneMember,
            ),
            (
                [good.clone(), gzip(b"x")].concat(),
                FileFault::MoreThanOneMember,
            ),
            (
                [good.clone(), vec![0]].concat(),
                FileFault::MoreThanOneMember,
            ),
            (
                [good.clone(), good[good.len() - 8..].to_vec()].concat(),
                FileFault::MoreThanOneMember,
            ),
            (good[..good.len() - 1].to_vec(), FileFault::CutShort),
            (good[..12].to_vec(), FileFault::CutShort),
            (b"{}".to_vec(), FileFault::NotGzip),
            (Vec::new(), FileFault::NotGzip),
        ] {
            assert_eq!(
                reader.read(&mut bad.as_slice()).err(),
                Some(fault),
                "{bad:?}"
            );
        }
        let mut flipped = good.clone();
        flipped[good.len() - 5] ^= 1;
        assert!(reader.read(&mut flipped.as_slice()).is_err());
    }

    #[test]
    fn hex_both_ways() {
        assert_eq!(unhex("00fFa0"), Some(vec![0, 255, 160]));
        assert_eq!(hex(&[0, 255, 160]), "00ffa0");
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }
}
