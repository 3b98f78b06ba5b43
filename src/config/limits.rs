//! Every bound of the house: what it is, what it protects, and where the number comes from.
//!
//! Constants are bounds nobody should need to move. [`Limits`] are those a house or a load test
//! does move, each a flag of `usher serve`. The rooms below `connection` read no limit here:
//! `server` tells them their numbers, and what is no house's choice at all (the protocol's longest
//! message, what a socket may leave unanswered) is theirs.

use std::time::Duration;

/// The whole head of a request must have come within this: what a slow phone on a bad line needs,
/// and all that a client which trickles headers can hold a connection for.
pub const REQUEST_HEAD_TIME: Duration = Duration::from_secs(5);

/// The longest request head. Cookies of other services on the same host are the largest thing
/// that comes in one.
pub const REQUEST_HEAD_BYTES_MAX: usize = 16 * 1024;

/// The most headers of a request; browsers behind two proxies send about 30.
pub const REQUEST_HEADERS_MAX: usize = 64;

/// The longest that a small request body may take to come.
pub const REQUEST_BODY_TIME: Duration = Duration::from_secs(10);

/// How long a frame once begun may take to come whole.
pub const FRAME_TIME: Duration = Duration::from_secs(10);

/// How long one write to a client may stand still before the client is given up.
pub const WRITE_TIME: Duration = Duration::from_secs(10);

/// The server pings each socket this often. Under the 30 s after which the more impatient
/// proxies and mobile networks drop a silent connection.
pub const PING_EVERY: Duration = Duration::from_secs(25);

/// How long the other side has to answer a close frame.
pub const CLOSE_TIME: Duration = Duration::from_secs(3);

/// So many `too_fast` in a row are abuse: close code 1008.
pub const TOO_FAST_IN_A_ROW_MAX: u32 = 10;

/// So many messages in a minute that are not JSON are abuse: close code 1008.
pub const NOT_JSON_PER_MINUTE_MAX: u32 = 3;

/// Sockets at once that are let in only to be told 4009, of all addresses. Each lasts as long as its
/// client takes to close, a moment unless it means harm. Beyond, the answer is 503.
pub const FAREWELLS_MAX: u32 = 256;

/// How long the log may take before the house is said not to be ready: as long as a buyer's request
/// waits for it.
pub const READY_TIME: Duration = Duration::from_secs(2);

/// How long somebody waits who asks for what this node has not heard of yet: a show that another put
/// on, or a place in one that another was at.
pub const NEWS_TIME_MAX: Duration = Duration::from_secs(1);

/// A node holds its clock against the log's this often. A bad one drifts by half a millisecond
/// meanwhile.
pub const CLOCK_EVERY: Duration = Duration::from_secs(5);

/// A clock that is off by more than this is warned of: it is not drift, nobody keeps it in step.
pub const CLOCK_OFF_MS_MAX: u64 = 1_000;

/// A log whose time is further off than that from one look to the next has another clock than before,
/// and not surely a better one. It is followed by so many milliseconds a look: one in a hundred, by
/// which a hold of five minutes is three seconds shorter, less than the five that the server waits
/// beyond the screen.
pub const CLOCK_SLEW_MS: i64 = 50;

/// So many looks in a row must find the log off by the same, and the machine's own wall must agree,
/// before it is followed all the way.
pub const CLOCK_BELIEVED_AFTER: u32 = 3;

/// A question for the time that took longer than this says too little of it.
pub const CLOCK_ROUND_TRIP_MAX: Duration = Duration::from_millis(500);

/// A house that opens asks for the log's time so often before it gives up: without it, it could let
/// holds lapse by a wrong clock.
pub const CLOCK_FIRST_TRIES: u32 = 10;

/// Whether the log keeps what it should as safely as it should is asked again this often, and after
/// it was away.
pub const DURABILITY_EVERY: Duration = Duration::from_secs(30);

/// Shows that could not be opened because the log was away are tried again this often. Those whose log
/// lacks something, or that stopped, too, and after each time half as often, down to
/// [`OPEN_AGAIN_MAX`]: each time costs a replay.
pub const OPEN_AGAIN: Duration = Duration::from_secs(2);

/// See [`OPEN_AGAIN`].
pub const OPEN_AGAIN_MAX: Duration = Duration::from_secs(60);

/// The longest a long poll waits. Under the 30 s after which common proxies give up on a response.
pub const POLL_TIME_MAX: Duration = Duration::from_secs(25);

/// The most seats of a hall. Twice the largest stadium there is.
pub const HALL_SEATS_MAX: u32 = 200_000;

/// The longest plan. A pretix plan spends some 250 bytes on a seat; 200,000 seats are 50 MB.
pub const PLAN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The longest that a plan may take to come: 64 MiB over a line of 10 Mbit/s.
pub const PLAN_TIME: Duration = Duration::from_secs(60);

/// The longest body that lists seats for the box office: every seat of the largest hall, each a
/// number of six digits and a comma, with room for spaces.
pub const SEAT_LIST_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The longest body that defines a show: a title and a price for each of many categories.
pub const SHOW_BYTES_MAX: usize = 64 * 1024;

/// Shows on a page of the list, unless the client says.
pub const SHOWS_PER_PAGE: usize = 50;

/// The most shows on a page of the list.
pub const SHOWS_PER_PAGE_MAX: usize = 200;

/// What a client that is told "not now" is asked to wait, at least. The rest is chance, so that
/// ten thousand who were told at once do not come back at once.
pub const RETRY_AFTER_SECONDS_MIN: u64 = 1;

/// What a client that is told "not now" is asked to wait, at most.
pub const RETRY_AFTER_SECONDS_MAX: u64 = 5;

/// When the server stops, its clients come back within this, each after its own chance share.
pub const RECONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The longest that stopping takes in all. Under the 10 s after which `docker stop` kills.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(8);

/// Open files the house needs besides its sockets: the log, its write-ahead file, the listener,
/// the runtime's own, HTTP requests under way.
pub const FILES_BESIDE_SOCKETS: u64 = 256;

/// A house for fewer sockets than this is warned of at start: one popular show has more viewers.
pub const SOCKETS_FEW: u32 = 10_000;

/// A client is told to come back before its page would have given up on the poll.
const _: () = assert!(POLL_TIME_MAX.as_millis() <= PING_EVERY.as_millis());
/// Seven bytes are a seat's number and its comma.
const _: () = assert!(SEAT_LIST_BYTES_MAX >= HALL_SEATS_MAX as usize * 7);
const _: () = assert!(PLAN_BYTES_MAX >= HALL_SEATS_MAX as usize * 250);
const _: () = assert!(SHOWS_PER_PAGE <= SHOWS_PER_PAGE_MAX);
const _: () = assert!(RETRY_AFTER_SECONDS_MIN < RETRY_AFTER_SECONDS_MAX);
/// The sockets' close, the shows' last snapshots, the connections' end.
const _: () = assert!(DRAIN_TIME_MAX.as_millis() > 2 * CLOSE_TIME.as_millis());

/// The limits a house may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sockets open at once, of all shows. The default is what 5 KB a socket makes of 1 GB, and
    /// is lowered at start to what the system's limit on open files allows.
    pub sockets_max: u32,
    /// Sockets open at once from one address (one /64 of IPv6). A school behind one address is
    /// let in; a single machine cannot fill the house. A load test from one address raises it.
    pub sockets_per_address_max: u32,
    /// New sockets in one second, of all shows; the others hear 503 and come back in a moment.
    /// A second's worth of handshakes is what one core does beside its other work.
    pub upgrades_per_second: u32,
    /// Messages a socket may send in a second, on average.
    pub messages_per_second: u32,
    /// Messages a socket may send at once.
    pub messages_burst: u32,
    /// Messages an address (one /64 of IPv6) may send over HTTP in a second, on average, with
    /// whatever bearer or none. An office of 50 buyers who each send all that a session may; a
    /// quarter of what the same address may send on its 200 sockets.
    pub http_messages_per_second: u32,
    /// Messages an address may send over HTTP at once.
    pub http_messages_burst: u32,
    /// Attempts at seats a session may make in a second, on average.
    pub attempts_per_second: u32,
    /// Attempts at seats a session may make at once.
    pub attempts_burst: u32,
    /// Numbers of waiting rooms an address (one /64 of IPv6) may take in a second, on average. Whole
    /// offices share one address, so it is no limit for one person: a thousand colleagues are in line
    /// within three minutes, while a machine that takes all it can get has 18,000 numbers in an hour.
    pub numbers_per_second: u32,
    /// Numbers an address may take at once: as many as it may have sockets.
    pub numbers_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets_max: 200_000,
            sockets_per_address_max: 200,
            upgrades_per_second: 1_000,
            messages_per_second: 10,
            messages_burst: 30,
            http_messages_per_second: 500,
            http_messages_burst: 2_000,
            attempts_per_second: 2,
            attempts_burst: 10,
            numbers_per_second: 5,
            numbers_burst: 200,
        }
    }
}
