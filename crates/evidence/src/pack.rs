//! Packs: files with the documents that a snapshot added.
//!
//! A pack is a plain zstd file: `zstd -dc blobs/X.pack` prints, for each document, a line `<sha256>
//! <length>`, the document, and a line feed. A skippable frame at the end, which zstd ignores, is
//! the index from documents to frames. There is one file per snapshot rather than per document,
//! because the first snapshot of 10,000 principals has 30,000 documents, which would be as many
//! files to sync, or as many PUT requests to pay for; a verifier without zstd can still check every
//! byte.

use std::collections::BTreeMap;
use std::io::Read;

use bartizan_inventory::fact::Hash;
use bartizan_model::limits::{PACK_FRAME_BYTES, PACK_FRAME_BYTES_MAX};

const LEVEL: i32 = 3;
/// Size of documents in bytes after which a new pack is started.
const PACK_BYTES: usize = 256 << 20;
const SKIPPABLE: [u8; 4] = 0x184D_2A5E_u32.to_le_bytes();
const INDEX_MAGIC: &[u8; 8] = b"bzindex1";
/// Hash, offset and length of the frame.
const ROW: usize = 32 + 8 + 8;

/// Error in a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {problem}")]
pub struct PackError {
    /// Offset of the damaged frame in the pack.
    pub offset: u64,
    pub problem: String,
}

/// Packs `documents`, in the order of their hashes.
///
/// # Errors
/// If zstd fails, i.e. is out of memory.
pub fn write_packs<'a>(
    documents: impl Iterator<Item = (&'a Hash, &'a Vec<u8>)>,
) -> std::io::Result<Vec<Vec<u8>>> {
    let mut packs = Vec::new();
    let mut pack = Pack::default();
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    for (hash, document) in documents {
        pack.add(hash, document);
        if pack.frame.len() >= PACK_FRAME_BYTES {
            pack.end_frame(&mut compressor)?;
        }
        if pack.raw_bytes >= PACK_BYTES {
            packs.push(std::mem::take(&mut pack).finish(&mut compressor)?);
        }
    }
    if pack.raw_bytes > 0 {
        packs.push(pack.finish(&mut compressor)?);
    }
    Ok(packs)
}

#[derive(Default)]
struct Pack {
    bytes: Vec<u8>,
    index: Vec<u8>,
    frame: Vec<u8>,
    in_frame: Vec<Hash>,
    raw_bytes: usize,
}

impl Pack {
    fn add(&mut self, hash: &Hash, document: &[u8]) {
        self.frame
            .extend_from_slice(format!("{hash} {}\n", document.len()).as_bytes());
        self.frame.extend_from_slice(document);
        self.frame.push(b'\n');
        self.in_frame.push(*hash);
        self.raw_bytes += document.len() + 1;
    }

    fn end_frame(&mut self, compressor: &mut zstd::bulk::Compressor<'_>) -> std::io::Result<()> {
        let compressed = compressor.compress(&self.frame)?;
        for hash in self.in_frame.drain(..) {
            self.index.extend_from_slice(&hash.0);
            self.index
                .extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
            self.index
                .extend_from_slice(&(compressed.len() as u64).to_le_bytes());
        }
        self.bytes.extend_from_slice(&compressed);
        self.frame.clear();
        Ok(())
    }

    fn finish(mut self, compressor: &mut zstd::bulk::Compressor<'_>) -> std::io::Result<Vec<u8>> {
        if !self.frame.is_empty() {
            self.end_frame(compressor)?;
        }
        let length = u32::try_from(self.index.len() + 16).map_err(std::io::Error::other)?;
        self.bytes.extend_from_slice(&SKIPPABLE);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&self.index);
        self.bytes
            .extend_from_slice(&(self.index.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(INDEX_MAGIC);
        Ok(self.bytes)
    }
}

/// Position of a frame in its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackFrame {
    offset: u64,
    length: u64,
}

/// Frame with the document of `hash`, if this pack has it.
///
/// # Errors
/// If the index is damaged.
pub fn find(pack: &[u8], hash: &Hash) -> Result<Option<PackFrame>, PackError> {
    let (_, rows) = index(pack)?;
    // Rows are sorted by hash.
    let count = rows.len() / ROW;
    let row = |i: usize| &rows[i * ROW..(i + 1) * ROW];
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if &row(middle)[..32] < hash.0.as_slice() {
            low = middle + 1
        } else {
            high = middle
        }
    }
    let found = low < count && row(low)[..32] == hash.0;
    Ok(found.then(|| PackFrame {
        offset: number(&row(low)[32..40]),
        length: number(&row(low)[40..48]),
    }))
}

/// Documents in a frame.
///
/// # Errors
/// If the frame is damaged.
pub fn documents(pack: &[u8], frame: PackFrame) -> Result<Vec<(Hash, Vec<u8>)>, PackError> {
    let bytes = inflate(pack, frame.offset, frame.length)?;
    Ok(walk(&bytes, frame.offset)?
        .into_iter()
        .map(|(hash, document)| (hash, document.to_vec()))
        .collect())
}

/// Visits every document of a pack and checks its hash.
///
/// # Errors
/// The first damaged frame.
pub fn records(pack: &[u8], mut visit: impl FnMut(Hash, &[u8])) -> Result<(), PackError> {
    let (end, rows) = index(pack)?;
    let mut frames = BTreeMap::new();
    for row in rows.chunks_exact(ROW) {
        frames.insert(number(&row[32..40]), number(&row[40..48]));
    }
    let mut at = 0;
    for (offset, length) in frames {
        if offset != at {
            return Err(PackError {
                offset: at,
                problem: "bytes that belong to no frame".into(),
            });
        }
        let frame = inflate(pack, offset, length)?;
        for (hash, document) in walk(&frame, offset)? {
            if Hash::of(document) != hash {
                return Err(PackError {
                    offset,
                    problem: format!("the document named {hash} has another hash"),
                });
            }
            visit(hash, document);
        }
        at = offset + length;
    }
    if at == end {
        Ok(())
    } else {
        Err(PackError {
            offset: at,
            problem: "bytes that belong to no frame".into(),
        })
    }
}

/// End of the frames, and the rows of the index.
fn index(pack: &[u8]) -> Result<(u64, &[u8]), PackError> {
    let broken = || PackError {
        offset: pack.len() as u64,
        problem: "the index at the end is missing: the pack is cut or broken".into(),
    };
    let (rest, magic) = pack.split_last_chunk::<8>().ok_or_else(broken)?;
    let (rest, length) = rest.split_last_chunk::<8>().ok_or_else(broken)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| broken())?;
    let begin = rest.len().checked_sub(length).ok_or_else(broken)?;
    let head = begin.checked_sub(8).ok_or_else(broken)?;
    if magic != INDEX_MAGIC || length % ROW != 0 || rest[head..head + 4] != SKIPPABLE {
        return Err(broken());
    }
    Ok((head as u64, &rest[begin..]))
}

fn inflate(pack: &[u8], offset: u64, length: u64) -> Result<Vec<u8>, PackError> {
    let error = |problem: String| PackError { offset, problem };
    let range = usize::try_from(offset)
        .ok()
        .zip(usize::try_from(length).ok());
    let frame = range
        .and_then(|(o, l)| pack.get(o..o.checked_add(l)?))
        .ok_or_else(|| error("the index points outside the pack".into()))?;
    let mut out = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(frame).map_err(|e| error(e.to_string()))?;
    decoder
        .take(PACK_FRAME_BYTES_MAX as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|e| error(e.to_string()))?;
    if out.len() > PACK_FRAME_BYTES_MAX {
        return Err(error(format!(
            "a frame inflates to more than {PACK_FRAME_BYTES_MAX} bytes"
        )));
    }
    Ok(out)
}

fn walk(frame: &[u8], offset: u64) -> Result<Vec<(Hash, &[u8])>, PackError> {
    let broken = || PackError {
        offset,
        problem: "a frame does not hold documents".into(),
    };
    let mut out = Vec::new();
    let mut rest = frame;
    while !rest.is_empty() {
        let end = rest.iter().position(|b| *b == b'\n').ok_or_else(broken)?;
        let head = str::from_utf8(&rest[..end]).map_err(|_| broken())?;
        let (hash, length) = head.split_once(' ').ok_or_else(broken)?;
        let hash = Hash::parse(hash).ok_or_else(broken)?;
        let length: usize = length.parse().map_err(|_| broken())?;
        let document = rest
            .get(end + 1..)
            .and_then(|r| r.get(..length))
            .ok_or_else(broken)?;
        out.push((hash, document));
        rest = rest.get(end + 1 + length + 1..).ok_or_else(broken)?;
    }
    Ok(out)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packs(documents: &[Vec<u8>]) -> (BTreeMap<Hash, Vec<u8>>, Vec<Vec<u8>>) {
        let map: BTreeMap<Hash, Vec<u8>> =
            documents.iter().map(|d| (Hash::of(d), d.clone())).collect();
        let packs = write_packs(map.iter()).unwrap();
        (map, packs)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_goes_in_comes_out(documents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5000), 1..200)) {
            let (map, packs) = packs(&documents);
            let mut seen = BTreeMap::new();
            for pack in &packs {
                records(pack, |h, d| drop(seen.insert(h, d.to_vec()))).unwrap();
            }
            prop_assert_eq!(&seen, &map);
            for (hash, document) in &map {
                let frame = find(&packs[0], hash).unwrap().unwrap();
                prop_assert!(super::documents(&packs[0], frame).unwrap().contains(&(*hash, document.clone())));
            }
            prop_assert_eq!(find(&packs[0], &Hash([7; 32])).unwrap(), None);
        }

        #[test]
        fn a_broken_pack_is_an_error_and_never_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), flip in 1u8..) {
            let _ = records(&bytes, |_, _| {});
            let _ = find(&bytes, &Hash([0; 32]));
            let (_, mut packs) = packs(&[bytes.clone(), b"x".to_vec()]);
            bytes = packs.remove(0);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let _ = records(&bytes, |_, _| {});
        }
    }
}
