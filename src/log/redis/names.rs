//! What the log's keys are called, and which slot of a cluster a name is in.
//!
//! All keys of a stream have the stream's name in braces, which is all of a key that a cluster looks
//! at: they are always together. Other programs may read these keys (`docs/log-format.md`); nobody
//! but the scripts beside this file writes them.

use super::super::StreamId;

/// The set of all streams' names. In a cluster it is in another slot than the streams, so it is
/// written after a stream was begun, and made good by whoever opens one.
pub(super) const STREAMS: &str = "usher:streams";

/// How many slots a cluster has.
pub(super) const SLOTS: u16 = 16_384;

/// The pages.
pub(super) fn log(stream: &StreamId) -> String {
    format!("usher:{{{}}}:log", stream.as_str())
}

/// What is known of a stream: its lives, its beginning, its last page, what was shown outside.
pub(super) fn meta(stream: &StreamId) -> String {
    format!("usher:{{{}}}:meta", stream.as_str())
}

/// The newest snapshot.
pub(super) fn snapshot(stream: &StreamId) -> String {
    format!("usher:{{{}}}:snapshot", stream.as_str())
}

/// The bitmap of available seats.
pub(super) fn seats(stream: &StreamId) -> String {
    format!("usher:{{{}}}:seats", stream.as_str())
}

/// The orders, by id.
pub(super) fn orders(stream: &StreamId) -> String {
    format!("usher:{{{}}}:orders", stream.as_str())
}

/// The channel pages are said on. Channels are of all databases of a server alike, so the number of
/// any but the first is in their name.
pub(super) fn channel(stream: &str, database: u16) -> String {
    match database {
        0 => format!("usher:{{{stream}}}"),
        number => format!("usher:{{{stream}}}:{number}"),
    }
}

/// The stream whose pages are said on `channel`.
pub(super) fn stream_of(channel: &str) -> Option<&str> {
    channel.strip_prefix("usher:{")?.split_once('}').map(|(stream, _)| stream)
}

/// A buyer's orders, as `show/order`.
pub(super) fn buyer(session: &str) -> String {
    format!("usher:buyer:{session}")
}

/// One of the house's secrets.
pub(super) fn kept(name: &str) -> String {
    format!("usher:kept:{name}")
}

/// The slot of a cluster that `key` is in: CRC-16/XMODEM of what stands in its first braces, or of all
/// of it.
pub(super) fn slot(key: &str) -> u16 {
    let in_braces = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let hashed = in_braces.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_the_slot_that_redis_has_it_in() {
        // As `CLUSTER KEYSLOT` tells them.
        let table = [("123456789", 12_739), ("foo", 12_182), ("usher:{foo}:log", 12_182)];
        for (key, expected) in table {
            assert_eq!(slot(key), expected, "{key}");
        }
        assert_eq!(slot("{}foo"), 9_500, "empty braces are part of the name");
        let hamlet = StreamId("hamlet".to_owned());
        for database in [0, 7] {
            let channel = channel("hamlet", database);
            assert_eq!(slot(&log(&hamlet)), slot(&channel));
            assert_eq!(stream_of(&channel), Some("hamlet"));
        }
    }
}
