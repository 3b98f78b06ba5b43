//! Pages: entries that were appended as one, as one run of bytes.
//!
//! A page is each entry's length as a varint (unsigned LEB128, shortest form) followed by the
//! entry's bytes, again and again to the end. Beside it a backend keeps the places of its first
//! and last entry and the chain after the last one, so that whatever happened to the bytes is seen
//! when they are read. This file owns that layout and its check; it knows no backend and no I/O.

use bytes::{Buf, BufMut, Bytes};

use super::{Chain, Lives, Mark, Recorded};

/// A page as it was found, not yet believed.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// The place of its first entry.
    pub(super) first_seq: u64,
    /// The place of its last entry.
    pub(super) last_seq: u64,
    /// The chain after its last entry.
    pub(super) chain: Chain,
    /// The entries, as [`write_entries`] wrote them.
    pub(super) entries: Bytes,
}

impl Page {
    /// The page's entries, if it is whole and follows what came before: `last_seq`, in the life
    /// `epoch`, with `chain` after it. With them, the epoch of its last entry. Else what is wrong
    /// with it, in words.
    pub(super) fn check(
        self,
        last_seq: u64,
        epoch: u64,
        chain: Chain,
        lives: &Lives,
    ) -> Result<(Vec<Recorded>, u64), String> {
        let (first, last) = (self.first_seq, self.last_seq);
        if first != last_seq + 1 || last < first {
            return Err(format!("entry {} should follow, but {first} to {last} do", last_seq + 1));
        }
        let entries = read_entries(self.entries, first, Mark::NONE)
            .ok_or_else(|| format!("entries {first} to {last} cannot be read"))?;
        if entries.len() as u64 != last - first + 1 {
            return Err(format!("entries {first} to {last} should be, but {}", entries.len()));
        }
        let (epoch, chain) = entries.iter().fold((epoch, chain), |(epoch, chain), entry| {
            let (epoch, chain) = lives.onward(entry.seq - 1, epoch, chain);
            (epoch, chain.after(&entry.bytes))
        });
        if chain != self.chain {
            return Err(format!("entries {first} to {last} are not what was written"));
        }
        Ok((entries, epoch))
    }
}

/// Writes entries as a page's bytes after what `page` holds.
pub(super) fn write_entries(entries: &[Bytes], page: &mut Vec<u8>) {
    for entry in entries {
        let mut length = entry.len();
        while length >= 0x80 {
            page.put_u8(length as u8 | 0x80);
            length >>= 7;
        }
        page.put_u8(length as u8);
        page.put_slice(entry);
    }
}

/// The entries of a page's bytes, numbered from `first_seq` and all of one mark, sharing those bytes;
/// none where the bytes are not a page.
pub(super) fn read_entries(mut page: Bytes, first_seq: u64, mark: Mark) -> Option<Vec<Recorded>> {
    let mut entries = Vec::new();
    while page.has_remaining() {
        let length = read_length(&mut page)?;
        if length > page.remaining() {
            return None;
        }
        let seq = first_seq + entries.len() as u64;
        entries.push(Recorded { seq, mark, bytes: page.split_to(length) });
    }
    Some(entries)
}

/// A varint of at most 32 bits: no entry is longer than SQLite's largest blob.
fn read_length(page: &mut Bytes) -> Option<usize> {
    let mut length = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = page.try_get_u8().ok()?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            // A last byte of zero would be a longer form of a shorter varint.
            return (shift == 0 || byte != 0).then_some(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(entries: &[Bytes], before: Chain) -> Page {
        let mut bytes = Vec::new();
        write_entries(entries, &mut bytes);
        Page {
            first_seq: 8,
            last_seq: 7 + entries.len() as u64,
            chain: entries.iter().fold(before, |chain, entry| chain.after(entry)),
            entries: bytes.into(),
        }
    }

    /// The page, held against what came before it in a stream of one life.
    fn check(page: Page, last_seq: u64, chain: Chain) -> Result<Vec<Recorded>, String> {
        page.check(last_seq, 1, chain, &Lives::first(1)).map(|(entries, _)| entries)
    }

    fn some_entries() -> Vec<Bytes> {
        [0, 1, 127, 128, 300, 65_536].iter().map(|length| vec![7; *length].into()).collect()
    }

    #[test]
    fn what_was_written_is_read_again_and_shares_its_bytes() {
        let before = Chain::of_genesis(1, b"hall");
        let read = check(page_of(&some_entries(), before), 7, before).expect("a whole page");
        assert_eq!(
            read.iter().map(|entry| entry.bytes.clone()).collect::<Vec<_>>(),
            some_entries()
        );
        assert_eq!(
            read.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
            (8..14).collect::<Vec<_>>()
        );
    }

    #[test]
    fn no_flipped_bit_goes_unseen() {
        let before = Chain::of_genesis(1, b"hall");
        let whole = page_of(&some_entries()[..5], before);
        for byte in 0..whole.entries.len() {
            for bit in 0..8 {
                let mut bytes = whole.entries.to_vec();
                bytes[byte] ^= 1 << bit;
                let damaged = Page { entries: bytes.into(), ..whole.clone() };
                assert!(check(damaged, 7, before).is_err(), "bit {bit} of byte {byte}");
            }
        }
    }

    #[test]
    fn a_page_that_was_cut_short_is_damaged() {
        let before = Chain::of_genesis(1, b"hall");
        let whole = page_of(&some_entries()[..5], before);
        for length in 0..whole.entries.len() {
            let cut = Page { entries: whole.entries.slice(..length), ..whole.clone() };
            assert!(check(cut, 7, before).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_page_after_another_history_is_damaged() {
        let before = Chain::of_genesis(1, b"hall");
        let page = page_of(&some_entries(), before);
        assert!(check(page.clone(), 6, before).is_err(), "a hole");
        assert!(check(page.clone(), 8, before).is_err(), "told twice");
        assert!(check(page, 7, Chain::of_genesis(2, b"hall")).is_err(), "another epoch");
    }
}
