//! The hub over real sockets: what a client that speaks the wire by hand sees of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::hall::Seat;
use crate::protocol::picture::Picture;
use crate::protocol::seats::decode;
use crate::show::SeatState;

/// Longer than anything here takes, so that what never comes fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

const EPOCH: u64 = 42;

/// A hub of two shards with one show.
struct House {
    hub: Arc<Hub>,
    board: Arc<Board>,
    show: ShowId,
    listener: TcpListener,
    states: Vec<SeatState>,
    seq: u64,
}

impl House {
    async fn new(seats: usize, settings: Settings) -> Self {
        let states = vec![SeatState::Available; seats];
        Self {
            hub: Arc::new(Hub::start(&settings).expect("threads")),
            board: Arc::new(Board::new(EPOCH, 0, 0, &states)),
            show: ShowId::parse("hamlet").expect("a name"),
            listener: TcpListener::bind("127.0.0.1:0").await.expect("a port"),
            states,
            seq: 0,
        }
    }

    async fn quick(seats: usize) -> Self {
        Self::new(seats, Settings { tick: Duration::from_millis(5), ..two_shards() }).await
    }

    async fn open(&self, format: Format, since: Option<Place>) -> Peer {
        self.open_with(format, since, Bytes::new()).await
    }

    /// A peer, at the beginning of its WebSocket, whose socket's life is [`live`].
    async fn open_with(&self, format: Format, since: Option<Place>, read_ahead: Bytes) -> Peer {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let address = self.listener.local_addr().expect("bound");
        let (ours, theirs) = tokio::join!(socket.connect(address), self.listener.accept());
        let adopted = Adopted {
            stream: theirs.expect("accepted").0,
            read_ahead,
            show: self.show.clone(),
            board: Arc::clone(&self.board),
            format,
            since,
        };
        self.hub.adopt(adopted, live).expect("adopted");
        Peer {
            stream: ours.expect("connected"),
            read: Vec::new(),
            format,
            picture: None,
            frames: 0,
        }
    }

    fn change(&mut self, seats: impl IntoIterator<Item = u32>, state: SeatState) {
        let changes: Vec<_> = seats.into_iter().map(|seat| (Seat(seat), state)).collect();
        for (seat, state) in &changes {
            self.states[seat.0 as usize] = *state;
        }
        self.seq += 1;
        self.board.publish(self.seq, &changes);
    }

    /// Waits until the hub's counts are as they should be.
    async fn until(&self, holds: impl Fn(&Totals) -> bool) {
        let wait = async {
            while !holds(&self.hub.totals()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "never came true; at last {:?}", self.hub.totals());
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.hub.stop();
    }
}

fn two_shards() -> Settings {
    Settings { shards: 2, ..Settings::default() }
}

/// A life that answers: `session N` subscribes, `bye` closes, the rest comes back.
async fn live(mut socket: Socket) {
    loop {
        match socket.next().await {
            Incoming::Text(text) => {
                if let Some(number) = text.strip_prefix("session ") {
                    socket.subscribe(session(number.parse().expect("a number")));
                    socket.send(format!("socket {}", socket.id().0));
                } else if text == "bye" {
                    return socket.close(CloseCode::Normal, "as you wish").await;
                } else {
                    socket.send(text);
                }
            }
            Incoming::Binary => return socket.close(CloseCode::Unsupported, "").await,
            Incoming::Leave(code) => {
                socket.send("the last word");
                return socket.close(code, "").await;
            }
            Incoming::Gone => return,
        }
    }
}

fn session(number: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(number))
}

/// The other end of a socket, by hand.
struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
    format: Format,
    picture: Option<Picture>,
    /// Seat frames seen.
    frames: usize,
}

/// What a server can say.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    SeatFrame { is_snapshot: bool },
    Text(String),
    Ping,
    Pong(Vec<u8>),
    Close(u16),
    End,
}

impl Peer {
    async fn hear(&mut self) -> Heard {
        let frame = tokio::time::timeout(PATIENCE, self.frame()).await.expect("nothing came");
        let Some((opcode, payload)) = frame else { return Heard::End };
        let is_seat_frame = match self.format {
            Format::Binary => opcode == Opcode::Binary,
            Format::Json => opcode == Opcode::Text && payload.starts_with(br#"{"jsonrpc""#),
        };
        if is_seat_frame {
            let frame = decode(self.format, &payload).expect("a seat frame");
            let is_snapshot = matches!(frame, crate::protocol::seats::SeatFrame::Snapshot { .. });
            Picture::apply(&mut self.picture, frame).expect("no gap and no way back");
            self.frames += 1;
            return Heard::SeatFrame { is_snapshot };
        }
        match opcode {
            Opcode::Text => Heard::Text(String::from_utf8(payload).expect("text")),
            Opcode::Ping => Heard::Ping,
            Opcode::Pong => Heard::Pong(payload),
            Opcode::Close => Heard::Close(u16::from_be_bytes([payload[0], payload[1]])),
            Opcode::Binary | Opcode::Continuation => panic!("not to be sent: {opcode:?}"),
        }
    }

    /// The next frame; none at the end of the stream.
    async fn frame(&mut self) -> Option<(Opcode, Vec<u8>)> {
        loop {
            if let [first, second, rest @ ..] = self.read.as_slice() {
                let (extended, length) = match second {
                    126 => (2, rest.first_chunk().map(|b| usize::from(u16::from_be_bytes(*b)))),
                    127 => (8, rest.first_chunk().map(|b| u64::from_be_bytes(*b) as usize)),
                    short => (0, Some(usize::from(*short))),
                };
                if let Some(end) = length.map(|length| 2 + extended + length)
                    && self.read.len() >= end
                {
                    let opcode = Opcode::of(*first).expect("an opcode");
                    let payload = self.read[2 + extended..end].to_vec();
                    self.read.drain(..end);
                    return Some((opcode, payload));
                }
            }
            if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    async fn say(&mut self, opcode: Opcode, payload: &[u8]) {
        self.stream.write_all(&masked(opcode, payload)).await.expect("written");
    }

    async fn text(&mut self, text: &str) {
        self.say(Opcode::Text, text.as_bytes()).await;
    }

    async fn answer(&mut self, text: &str) -> String {
        self.text(text).await;
        match self.hear().await {
            Heard::Text(text) => text,
            other => panic!("heard {other:?}"),
        }
    }

    /// Reads seat frames until it knows what the house knows.
    async fn until_current(&mut self, house: &House) {
        while self.picture.as_ref().is_none_or(|picture| picture.seq() < house.seq) {
            self.hear().await;
        }
        let picture = self.picture.as_ref().expect("known");
        assert_eq!((picture.epoch(), picture.seq()), (EPOCH, house.seq));
        assert!(picture.states().eq(house.states.iter().copied()), "another picture");
    }

    /// Hears the close, does not answer it, and hears the end of the stream.
    async fn until_closed(&mut self) -> u16 {
        let code = loop {
            match self.hear().await {
                Heard::Close(code) => break code,
                Heard::End => panic!("ended without a close frame"),
                _ => {}
            }
        };
        assert_eq!(self.hear().await, Heard::End);
        code
    }
}

fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(opcode, payload).to_vec();
    let header = bytes.len() - payload.len();
    bytes[1] |= 0x80;
    // A mask of zeros is a mask.
    bytes.splice(header..header, [0; 4]);
    bytes
}

const FIRST: Heard = Heard::SeatFrame { is_snapshot: true };
const DIFF: Heard = Heard::SeatFrame { is_snapshot: false };

#[tokio::test]
async fn a_viewer_is_shown_the_seats_unasked_and_then_each_change() {
    let mut house = House::quick(200).await;
    house.change([3], SeatState::Sold);
    for format in [Format::Binary, Format::Json] {
        let mut peer = house.open(format, None).await;
        assert_eq!(peer.hear().await, FIRST);
        peer.until_current(&house).await;
        house.change([4, 5], SeatState::Held);
        assert_eq!(peer.hear().await, DIFF);
        peer.until_current(&house).await;
        house.change([4, 5], SeatState::Available);
        peer.until_current(&house).await;
    }
}

#[tokio::test]
async fn a_viewer_that_resumes_gets_the_diff_from_where_it_was() {
    let mut house = House::quick(200).await;
    house.change([3], SeatState::Sold);
    let mut before = house.open(Format::Binary, None).await;
    before.until_current(&house).await;
    house.change([7], SeatState::Held);
    let mut after = house.open(Format::Binary, Some((EPOCH, 1))).await;
    after.picture = before.picture.take();
    assert_eq!(after.hear().await, DIFF);
    after.until_current(&house).await;

    let mut current = house.open(Format::Binary, Some((EPOCH, 2))).await;
    current.picture = after.picture.take();
    assert_eq!(current.hear().await, DIFF, "told that it missed nothing");
    let mut other_life = house.open(Format::Binary, Some((EPOCH + 1, 2))).await;
    assert_eq!(other_life.hear().await, FIRST);
}

#[tokio::test]
async fn a_move_without_a_seat_is_told_at_the_next_tick() {
    let mut house = House::quick(20).await;
    let mut peer = house.open(Format::Binary, None).await;
    peer.until_current(&house).await;
    house.change([], SeatState::Held);
    peer.until_current(&house).await;
}

#[tokio::test]
async fn a_story_replaced_reaches_every_viewer_as_a_snapshot() {
    let mut house = House::quick(20).await;
    house.change([1], SeatState::Held);
    let mut peer = house.open(Format::Binary, None).await;
    assert_eq!(peer.hear().await, FIRST);
    house.board.replace(EPOCH + 1, 0, &[SeatState::Blocked; 20]);
    assert_eq!(peer.hear().await, FIRST);
    let picture = peer.picture.expect("known");
    assert_eq!((picture.epoch(), picture.seq()), (EPOCH + 1, 0));
}

#[tokio::test]
async fn many_viewers_see_every_change_of_a_rush_without_a_gap() {
    let mut house = House::quick(5_000).await;
    let mut peers = Vec::new();
    for _ in 0..40 {
        peers.push(house.open(Format::Binary, None).await);
    }
    for seat in 0..2_000 {
        house.change([seat], SeatState::Held);
        if seat % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for peer in &mut peers {
        peer.until_current(&house).await;
    }
}

#[tokio::test]
async fn a_viewer_that_does_not_read_costs_one_frame_and_is_right_when_it_reads_again() {
    let mut house = House::quick(20_000).await;
    let mut slow = house.open(Format::Json, None).await;
    let mut quick = house.open(Format::Binary, None).await;
    let mut turn = 0;
    while house.hub.totals().slow == 0 {
        house.change((0..20_000).filter(|seat| seat % 7 == turn % 7), SeatState::Held);
        house.change((0..20_000).filter(|seat| seat % 7 == turn % 7), SeatState::Available);
        turn += 1;
        quick.until_current(&house).await;
    }
    let stuck = house.hub.totals();
    for seat in 0..300 {
        house.change([seat], SeatState::Sold);
        quick.until_current(&house).await;
    }
    let quick_frames = quick.frames as u64;
    house.until(|totals| totals.frames >= quick_frames).await;
    let later = house.hub.totals();
    let slow_frames = later.frames - quick_frames;
    assert_eq!((later.slow, later.catch_ups), (1, stuck.catch_ups), "nothing more was made for it");
    assert!(slow_frames < 300, "{slow_frames} frames for one that reads nothing");

    slow.until_current(&house).await;
    house.until(|totals| totals.slow == 0 && totals.catch_ups > stuck.catch_ups).await;
    house.change([19_999], SeatState::Blocked);
    slow.until_current(&house).await;
}

#[tokio::test]
async fn answers_to_a_viewer_that_does_not_read_wait_and_none_is_lost() {
    let mut house = House::quick(20).await;
    let mut peer = house.open(Format::Binary, None).await;
    peer.until_current(&house).await;
    let long = "x".repeat(4_000);
    let (mut reading, mut writing) = tokio::io::split(peer.stream);
    let asked = 2_000;
    let ask = async move {
        for number in 0..asked {
            let text = format!("{number} {long}");
            writing.write_all(&masked(Opcode::Text, text.as_bytes())).await.expect("written");
        }
        writing
    };
    let asking = tokio::spawn(ask);
    // So much waits at last that its requests are not read any more.
    house.until(|totals| totals.slow == 1).await;
    house.change([7], SeatState::Sold);
    let mut heard = 0;
    let mut bytes = Vec::new();
    let mut seat_frames = 0;
    while heard < asked || seat_frames == 0 {
        let read = tokio::time::timeout(PATIENCE, reading.read_buf(&mut bytes)).await;
        assert!(read.expect("nothing came").expect("read") > 0);
        while let Some((opcode, payload, length)) = first_frame(&bytes) {
            if opcode == Opcode::Text {
                assert!(payload.starts_with(format!("{heard} ").as_bytes()), "in the order asked");
                heard += 1;
            } else if opcode == Opcode::Binary {
                seat_frames += 1;
            }
            bytes.drain(..length);
        }
    }
    assert!(asking.await.is_ok());
}

/// A frame of less than 64 KB at the start of `bytes`, and its whole length.
fn first_frame(bytes: &[u8]) -> Option<(Opcode, Vec<u8>, usize)> {
    let &[first, second, ref rest @ ..] = bytes else { return None };
    let (header, length) = match second {
        126 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        short => (2, usize::from(short)),
    };
    let payload = bytes.get(header..header + length)?.to_vec();
    Some((Opcode::of(first)?, payload, header + length))
}

#[tokio::test]
async fn a_notice_reaches_every_socket_of_the_session_but_the_one_that_caused_it() {
    let house = House::quick(8).await;
    let mut peers = Vec::new();
    let mut ids = Vec::new();
    for number in [1, 1, 2] {
        let mut peer = house.open(Format::Binary, None).await;
        assert_eq!(peer.hear().await, FIRST);
        let answer = peer.answer(&format!("session {number}")).await;
        ids.push(SocketId(answer.trim_start_matches("socket ").parse().expect("an id")));
        peers.push(peer);
    }
    house.hub.notify(&house.show, session(1), Some(ids[0]), "held elsewhere");
    house.hub.notify(&house.show, session(1), None, "lapsed");
    house.hub.notify(&ShowId::parse("faust").expect("a name"), session(1), None, "another show");
    house.hub.broadcast(&house.show, "to all");
    let heard = |texts: &[&str]| texts.iter().map(|t| Heard::Text((*t).into())).collect::<Vec<_>>();
    for (peer, expected) in peers.iter_mut().zip([
        heard(&["lapsed", "to all"]),
        heard(&["held elsewhere", "lapsed", "to all"]),
        heard(&["to all"]),
    ]) {
        for expected in expected {
            assert_eq!(peer.hear().await, expected);
        }
    }
    // Another session on the same socket: the former is not heard any more.
    peers[0].answer("session 2").await;
    house.hub.notify(&house.show, session(1), None, "for one");
    house.hub.notify(&house.show, session(2), None, "for two");
    assert_eq!(peers[0].hear().await, Heard::Text("for two".into()));
    assert_eq!(peers[1].hear().await, Heard::Text("for one".into()));
}

#[tokio::test]
async fn a_ping_is_answered_and_too_many_are_abuse() {
    let house = House::new(8, two_shards()).await;
    let mut peer = house.open(Format::Binary, None).await;
    assert_eq!(peer.hear().await, FIRST);
    peer.say(Opcode::Ping, b"one").await;
    assert_eq!(peer.hear().await, Heard::Pong(b"one".to_vec()));
    for _ in 0..30 {
        peer.say(Opcode::Ping, b"").await;
    }
    assert_eq!(peer.until_closed().await, 1008);
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_closed_as_idle_and_one_that_does_stays() {
    let settings = Settings {
        tick: Duration::from_millis(10),
        ping_every: Duration::from_millis(100),
        ..two_shards()
    };
    let mut house = House::new(8, settings).await;
    let mut dead = house.open(Format::Binary, None).await;
    let mut alive = house.open(Format::Binary, None).await;
    let (code, pings) = tokio::join!(dead.until_closed(), async {
        let mut pings = 0;
        while pings < 6 {
            if alive.hear().await == Heard::Ping {
                pings += 1;
                alive.say(Opcode::Pong, b"").await;
            }
        }
        pings
    });
    assert_eq!((code, pings), (4008, 6));
    house.change([1], SeatState::Held);
    alive.until_current(&house).await;
    house.until(|totals| totals.closes[8] == (4008, 1)).await;
}

#[tokio::test]
async fn a_peer_that_reads_nothing_and_answers_nothing_is_dropped() {
    let settings = Settings {
        tick: Duration::from_millis(10),
        ping_every: Duration::from_millis(300),
        close_within: Duration::from_millis(50),
        ..two_shards()
    };
    let house = House::new(200_000, settings).await;
    let peer = house.open(Format::Json, None).await;
    house.until(|totals| totals.snapshots == 1).await;
    let mut epoch = EPOCH;
    while house.hub.totals().slow == 0 {
        epoch += 1;
        house.board.replace(epoch, 0, &[SeatState::Sold; 200_000]);
        house.until(|totals| totals.snapshots > epoch - EPOCH || totals.slow == 1).await;
    }
    house.until(|totals| totals.sockets == 0 && totals.slow == 0).await;
    drop(peer);
}

#[tokio::test]
async fn what_breaks_the_protocol_is_closed_with_its_code() {
    let house = House::quick(8).await;
    let unmasked = frame(Opcode::Text, b"hi").to_vec();
    for (what, bytes, code) in [
        ("a long message", masked(Opcode::Text, &[b'x'; 4097]), 1009),
        ("no mask", unmasked, 1002),
        ("not UTF-8", masked(Opcode::Text, &[0xFF]), 1007),
        ("binary", masked(Opcode::Binary, b"hold"), 1003),
        ("its own close", masked(Opcode::Close, &1000_u16.to_be_bytes()), 1000),
        ("a close with a code of its own", masked(Opcode::Close, &4500_u16.to_be_bytes()), 1000),
        ("a request to close", masked(Opcode::Text, b"bye"), 1000),
    ] {
        let mut peer = house.open(Format::Binary, None).await;
        assert_eq!(peer.hear().await, FIRST, "{what}");
        peer.stream.write_all(&bytes).await.expect("written");
        assert_eq!(peer.until_closed().await, code, "{what}");
    }
    house.until(|totals| totals.sockets == 0).await;
}

#[tokio::test]
async fn a_message_begun_and_not_finished_in_time_is_closed() {
    let settings = Settings {
        tick: Duration::from_millis(10),
        message_within: Duration::from_millis(50),
        ..two_shards()
    };
    let house = House::new(8, settings).await;
    let mut peer = house.open(Format::Binary, None).await;
    assert_eq!(peer.hear().await, FIRST);
    let bytes = masked(Opcode::Text, b"never to be finished");
    peer.stream.write_all(&bytes[..5]).await.expect("written");
    assert_eq!(peer.until_closed().await, 4008);
}

#[tokio::test]
async fn what_was_read_with_the_upgrade_is_heard_first() {
    let house = House::quick(8).await;
    let mut ahead = masked(Opcode::Text, b"one");
    ahead.extend(masked(Opcode::Text, b"two"));
    let three = masked(Opcode::Text, b"three");
    ahead.extend(&three[..4]);
    let mut peer = house.open_with(Format::Binary, None, Bytes::from(ahead)).await;
    peer.stream.write_all(&three[4..]).await.expect("written");
    assert_eq!(peer.hear().await, FIRST);
    for expected in ["one", "two", "three"] {
        assert_eq!(peer.hear().await, Heard::Text(expected.into()));
    }
}

#[tokio::test]
async fn a_show_that_is_closed_lets_its_viewers_say_their_last_word() {
    let house = House::quick(8).await;
    let mut peer = house.open(Format::Binary, None).await;
    assert_eq!(peer.hear().await, FIRST);
    house.hub.close_show(&house.show, CloseCode::Fault);
    assert_eq!(peer.hear().await, Heard::Text("the last word".into()));
    assert_eq!(peer.until_closed().await, 1011);
}

#[tokio::test]
async fn a_drain_tells_everybody_waits_for_them_and_lets_nobody_in() {
    let house = House::quick(8).await;
    let mut peers = Vec::new();
    for _ in 0..5 {
        peers.push(house.open(Format::Binary, None).await);
    }
    let hear = async {
        for peer in &mut peers {
            assert_eq!(peer.hear().await, FIRST);
            assert_eq!(peer.hear().await, Heard::Text("draining".into()));
            assert_eq!(peer.hear().await, Heard::Text("the last word".into()));
            assert_eq!(peer.hear().await, Heard::Close(1001));
            peer.say(Opcode::Close, &1001_u16.to_be_bytes()).await;
            assert_eq!(peer.hear().await, Heard::End);
            peer.stream.shutdown().await.expect("shut");
        }
    };
    let (left, ()) = tokio::join!(house.hub.drain("draining", PATIENCE), hear);
    assert_eq!((left, house.hub.sockets()), (0, 0));
    let mut late = house.open(Format::Binary, None).await;
    assert_eq!(late.until_closed().await, 1001);
}

#[tokio::test]
async fn a_drain_cuts_off_whoever_stays_on() {
    let house = House::new(8, Settings { tick: Duration::from_secs(60), ..two_shards() }).await;
    let address = house.listener.local_addr().expect("bound");
    let (peer, accepted) = tokio::join!(TcpStream::connect(address), house.listener.accept());
    let adopted = Adopted {
        stream: accepted.expect("accepted").0,
        read_ahead: Bytes::new(),
        show: house.show.clone(),
        board: Arc::clone(&house.board),
        format: Format::Binary,
        since: None,
    };
    let stay = |socket: Socket| async move {
        std::future::pending::<()>().await;
        drop(socket);
    };
    house.hub.adopt(adopted, stay).expect("adopted");
    assert_eq!(house.hub.drain("draining", Duration::from_millis(20)).await, 1);
    house.until(|totals| totals.sockets == 0).await;
    drop(peer);
}
