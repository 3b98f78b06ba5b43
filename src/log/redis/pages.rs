//! Pages as Redis keeps them: stream entries whose id is the place of their last entry and their mark.
//!
//! What comes from Redis is believed as far as it is whole: the entries of a page are as many as it
//! says, and each page follows the one before.

use bytes::Bytes;
use redis::Value;

use super::super::page::read_entries;
use super::super::{Mark, Recorded};

/// A page's id: the place of its last entry, and its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageId {
    pub(super) last: u64,
    pub(super) mark: Mark,
}

impl PageId {
    /// `SEQ-MARK`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (last, mark) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { last: last.parse().ok()?, mark: Mark(mark.parse().ok()?) })
    }
}

/// A page as it was told, not yet believed.
#[derive(Clone, Debug)]
pub(super) struct KeptPage {
    pub(super) id: PageId,
    pub(super) count: u64,
    pub(super) bytes: Bytes,
}

impl KeptPage {
    /// The place before its first entry.
    pub(super) fn after(&self) -> u64 {
        self.id.last.saturating_sub(self.count)
    }

    /// Its entries; none where they are not as many as it says.
    pub(super) fn entries(self) -> Option<Vec<Recorded>> {
        let first = self.id.last.checked_sub(self.count)? + 1;
        let entries = read_entries(self.bytes, first, self.id.mark)?;
        (!entries.is_empty() && entries.len() as u64 == self.count).then_some(entries)
    }
}

/// The pages an append tells: id, count, bytes, and again.
pub(super) fn told_flat(told: Value) -> Option<Vec<KeptPage>> {
    let Value::Array(parts) = told else { return None };
    let mut parts = parts.into_iter();
    let mut pages = Vec::with_capacity(parts.len() / 3);
    while let Some(id) = parts.next() {
        pages.push(page(id, parts.next()?, parts.next()?)?);
    }
    Some(pages)
}

/// The pages `XRANGE` tells: id and fields, and again.
pub(super) fn told_as_stream(told: Value) -> Option<Vec<KeptPage>> {
    let Value::Array(entries) = told else { return None };
    let entry = |entry: Value| {
        let Value::Array(parts) = entry else { return None };
        let [id, Value::Array(fields)] = <[Value; 2]>::try_from(parts).ok()? else { return None };
        let [_, count, _, bytes] = <[Value; 4]>::try_from(fields).ok()?;
        page(id, count, bytes)
    };
    entries.into_iter().map(entry).collect()
}

fn page(id: Value, count: Value, bytes: Value) -> Option<KeptPage> {
    let id = PageId::parse(&string(id)?)?;
    let count = text(count)?.parse().ok()?;
    Some(KeptPage { id, count, bytes: string(bytes)? })
}

/// A string's bytes.
pub(super) fn string(value: Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(bytes.into()),
        Value::SimpleString(text) => Some(text.into()),
        Value::Okay => Some(Bytes::from_static(b"OK")),
        _ => None,
    }
}

/// A string that is text.
pub(super) fn text(value: Value) -> Option<String> {
    String::from_utf8(string(value)?.into()).ok()
}

/// Where a history that is told goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct From {
    /// The last place that is known.
    pub(super) after: u64,
    /// Whether it is no fault if the first page begins later.
    pub(super) may_skip: bool,
}

/// Puts the pages' entries after `from` onto `entries`, in order and without a hole; else says what is
/// wrong.
pub(super) fn follow(
    from: From,
    pages: impl IntoIterator<Item = KeptPage>,
    entries: &mut Vec<Recorded>,
) -> Result<(), String> {
    let From { after, may_skip } = from;
    let mut may_skip = may_skip && entries.is_empty();
    let mut last = entries.last().map_or(after, |entry| entry.seq);
    for page in pages {
        let (first, id) = (page.after() + 1, page.id);
        if first > last + 1 && !may_skip {
            return Err(format!("entry {} should follow, but {first} does", last + 1));
        }
        let read = page.entries();
        let read = read.ok_or_else(|| format!("entries {first} to {} cannot be read", id.last))?;
        entries.extend(read.into_iter().filter(|entry| entry.seq > last));
        if id.last <= last {
            return Err(format!("entries {first} to {} are told after {last}", id.last));
        }
        (last, may_skip) = (id.last, false);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::page::write_entries;
    use super::*;

    fn page_of(last: u64, count: u64) -> KeptPage {
        let mut bytes = Vec::new();
        write_entries(&vec![Bytes::from_static(b"x"); count as usize], &mut bytes);
        KeptPage { id: PageId { last, mark: Mark(last) }, count, bytes: bytes.into() }
    }

    fn followed(from: From, pages: &[KeptPage]) -> Result<Vec<u64>, String> {
        let mut entries = Vec::new();
        follow(from, pages.iter().cloned(), &mut entries)?;
        Ok(entries.iter().map(|entry| entry.seq).collect())
    }

    #[test]
    fn a_history_is_told_from_the_place_that_is_known_also_amid_a_page() {
        let strictly = |after| From { after, may_skip: false };
        let pages = [page_of(3, 3), page_of(4, 1), page_of(6, 2)];
        assert_eq!(followed(strictly(0), &pages), Ok(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(followed(strictly(1), &pages), Ok(vec![2, 3, 4, 5, 6]));
        assert_eq!(followed(strictly(3), &pages[1..]), Ok(vec![4, 5, 6]));
        assert!(followed(strictly(2), &pages[1..]).is_err(), "3 is missing");
        assert!(followed(strictly(3), &pages).is_err(), "told twice");
        assert!(followed(strictly(0), &[pages[0].clone(), pages[2].clone()]).is_err(), "a hole");
        let trimmed = From { after: 0, may_skip: true };
        assert_eq!(followed(trimmed, &pages[1..]), Ok(vec![4, 5, 6]));
        assert!(followed(trimmed, &[pages[0].clone(), pages[2].clone()]).is_err(), "a hole");
    }

    #[test]
    fn a_page_that_does_not_hold_what_it_says_is_no_page() {
        for count in [0, 1, 3, 9] {
            assert!(KeptPage { count, ..page_of(2, 2) }.entries().is_none(), "{count}");
        }
        assert!(page_of(2, 2).entries().is_some());
    }
}
