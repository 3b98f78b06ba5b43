//! The hub's settings and bounds, each with its reason.

use std::time::Duration;

use crate::protocol::websocket::MESSAGE_BYTES_MAX;

/// What the server's owner, or a test, may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many threads own sockets; at least 1. One for each core: a socket's write is all work.
    pub shards: usize,
    /// The longest message from a client, in bytes, all its fragments together.
    pub message_bytes_max: usize,
    /// How often a socket is pinged. Below the half minute after which home routers and proxies
    /// begin to forget a silent connection.
    pub ping_every: Duration,
    /// How long a client may take to finish a message it began, while the server listens.
    pub message_within: Duration,
    /// How long a closing socket may take: to send what is under way and to hear the peer's end.
    pub close_within: Duration,
    /// How often all sockets are looked at for the three times above: their precision.
    pub tick: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shards: std::thread::available_parallelism().map_or(1, usize::from),
            message_bytes_max: MESSAGE_BYTES_MAX,
            ping_every: Duration::from_secs(25),
            message_within: Duration::from_secs(10),
            close_within: Duration::from_secs(3),
            tick: Duration::from_secs(1),
        }
    }
}

impl Settings {
    /// How many ticks a time takes, at least one.
    pub(super) fn ticks(&self, time: Duration) -> u32 {
        let ticks = time.as_nanos().div_ceil(self.tick.as_nanos().max(1));
        u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
    }
}

/// How many pings may go unanswered before the peer is taken for dead.
pub(super) const PINGS_MISSED_MAX: u8 = 2;

/// Sockets a turn of the sweep looks at before the shard reads and listens again: 256 writes take
/// about 0.8 ms, which is the longest a request waits behind a round.
pub(super) const SLICE_SOCKETS: usize = 256;

/// Viewers of a slice that are looked at together before the first of them is written to. A write
/// goes through so much of the kernel that the next viewer is no longer in the cache: looked at one
/// by one, each is waited for alone, looked at together they are fetched side by side. So few, that
/// the last is still in the cache when its turn comes.
pub(super) const GLANCE_SOCKETS: usize = 32;

const _: () = assert!(SLICE_SOCKETS.is_multiple_of(GLANCE_SOCKETS));

/// In a rush, the next round for a show begins no sooner than so many times what the last one took
/// after that one began: while few watch, fan-out takes a tenth of the shard's time.
pub(super) const GATHER_ROUNDS: u32 = 10;

/// But whatever rounds take, the next may begin after so long: nobody sees 20 ms, and 2,000 changes a
/// second then share 50 rounds.
pub(super) const GATHER_MS_ENOUGH: u64 = 20;

/// And none begins sooner than this. A page cannot draw a change before its next frame anyway, and where
/// few watch and many ask, frames were more than the answers: with 2 ms instead, 64 sockets that asked as
/// fast as they could were answered a fifth less often (`cargo bench --bench sockets`). Not longer, for a
/// change of another node's is to be seen within 5 ms at p50.
pub(super) const GATHER_MS_MIN: u64 = 4;

/// In a rush, the next round waits a quarter as long as the last one took, so that fan-out of one
/// show leaves a fifth of the shard's time to others; but never longer than this. Half brought 5,000
/// viewers of 2,000 changes a second a p99 of 206 ms, a quarter 90 ms (`cargo bench --bench fan_out`).
pub(super) const GATHER_MS_MAX: u64 = 50;

const _: () = assert!(GATHER_MS_MIN < GATHER_MS_ENOUGH && GATHER_MS_ENOUGH < GATHER_MS_MAX);

/// Messages that wait for one socket before its requests are read no more: each may yet be
/// answered, and an answer must not be lost.
pub(super) const OUTBOX_PIECES_FULL: usize = 16;

/// Messages that wait for one socket before it is cut: what is told unasked goes on while requests
/// are not read. A peer that reads nothing is found dead by its pings long before.
pub(super) const OUTBOX_PIECES_MAX: usize = 256;

const _: () = assert!(OUTBOX_PIECES_FULL < OUTBOX_PIECES_MAX);

/// What the kernel may keep unsent of one socket, in bytes (it doubles the figure for its own
/// needs). The largest snapshot fits; a slow reader's news stay fresh, and ten thousand of them
/// cannot fill the machine's memory with what they will not read.
pub(super) const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// What one read takes at most. One buffer of it serves all of a shard's sockets.
pub(super) const READ_BYTES: usize = 8 * 1024;

/// Pings and pongs a client may send: as many a second, and as many at once.
pub(super) const CONTROL_FRAMES_PER_SECOND: u32 = 5;
/// See [`CONTROL_FRAMES_PER_SECOND`].
pub(super) const CONTROL_FRAMES_BURST: u32 = 10;
