//! A seeded world: buyers, waiters, viewers, people in a waiting room, crashes, a log that fails, against models too
//! simple to be wrong.
//!
//! Nothing runs by itself in here: one thread drives a desk step by step on a clock moved by hand, so
//! that a seed is the whole story. A failure prints its seed; `USHER_SEED=… cargo test --test it
//! simulation` tells it again, and `USHER_SEEDS=1000` tells that many stories.

mod asking;
pub(crate) mod guests;
mod letting_in;
mod model;
pub(crate) mod room;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::FutureExt as _;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use usher::box_office::{Clock, Desk, Lobby, Pending, Replica, Shared, Shown};
use usher::hall::{Floor, Hall, HallId, theatre};
use usher::hub::Board;
use usher::log::memory::{Fault, MemoryLog};
use usher::log::{Genesis, Known, Log, StreamId};
use usher::protocol::picture::Picture;
use usher::protocol::seats::{Format, decode};
use usher::show::{
    Currency, Definition, DrawSecret, Entry, Fact, HoldId, Policy, RETURN_MS, SeatState, SessionId,
    ShowId, Time,
};
use uuid::Uuid;

use guests::{Guest, any_admission};
use model::{InLine, Model};
use room::NaiveRoom;

const SESSIONS: u128 = 40;
const VIEWERS: usize = 8;
const STEPS: usize = 300;
const STORIES: u64 = 40;
const HOLD_MS: u64 = 3_000;
const GRACE_MS: u64 = 200;
const OFFER_MS: u64 = 900;
const WAIT_MS: u64 = 6_000;
const BEGINS: Time = Time(1_000);

#[test]
fn buyers_viewers_and_crashes_agree_with_a_naive_model() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let first: u64 = number("USHER_SEED").unwrap_or_else(rand::random);
    let stories = number("USHER_SEEDS").unwrap_or(STORIES);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut seen = Seen::default();
    for seed in (first..).take(stories as usize) {
        println!("seed {seed}: run again with USHER_SEED={seed} USHER_SEEDS=1");
        runtime.block_on(World::new(seed).run(&mut seen));
    }
    println!("{seen:?}");
    if stories >= STORIES {
        // A world in which nothing happens proves nothing.
        let Seen { held, sold, lapsed, refused, unknown, crashes, resumed, snapshots, .. } = seen;
        let Seen { joined, offered, accepted, offers_lapsed, dismissed, .. } = seen;
        let waiting = [joined, offered, accepted, offers_lapsed, dismissed];
        let counts = [held, sold, lapsed, refused, unknown, crashes, resumed, snapshots];
        for count in counts.into_iter().chain(waiting) {
            assert!(count > 0, "some of what may happen never did");
        }
        seen.room.assert_all_happened();
    }
}

/// What happened, counted.
#[derive(Debug, Default)]
struct Seen {
    held: u64,
    sold: u64,
    lapsed: u64,
    refused: u64,
    unknown: u64,
    crashes: u64,
    resumed: u64,
    snapshots: u64,
    joined: u64,
    offered: u64,
    accepted: u64,
    offers_lapsed: u64,
    dismissed: u64,
    room: room::Counts,
}

/// Somebody who watches, perhaps slowly, perhaps with a line that breaks.
struct Viewer {
    picture: Option<Picture>,
    format: Format,
    /// Reads once in so many steps.
    every: usize,
}

struct World {
    random: StdRng,
    log: MemoryLog,
    stream: StreamId,
    id: ShowId,
    floor: Arc<Floor>,
    clock: Clock,
    desk: Desk,
    board: Board,
    model: Model,
    viewers: Vec<Viewer>,
    /// What became of those who wait, since the model last heard.
    in_line: Vec<(u64, InLine)>,
    /// Whether hardly anybody buys.
    sells_little: bool,
    /// What must be true of the waiting room, where there is one.
    room: Option<NaiveRoom>,
    /// Those who go through it, their sockets, and what they were given.
    guests: Vec<Guest>,
    lobby: Arc<Lobby>,
    given: BTreeSet<Shown>,
    /// Those whose turn came and who are here, to be proposed next.
    present: Vec<Pending>,
    /// Whether the log was away since somebody was let in.
    has_missed: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let hall = small_hall(&mut random);
        let floor = Arc::new(Floor::new(&hall));
        let id = ShowId::parse("simulated").expect("a show's name");
        let definition = Definition {
            id: id.clone(),
            title: "Simulated".to_owned(),
            hall: HallId("simulated".to_owned()),
            seats: hall.seats(),
            starts_at: Time(u64::MAX),
            on_sale_at: None,
            currency: Currency::parse("EUR").expect("a currency"),
            prices: vec![1_000; hall.categories.len()],
            policy: Policy {
                hold_ms: HOLD_MS,
                grace_ms: GRACE_MS,
                offer_ms: OFFER_MS,
                wait_ms: WAIT_MS,
                admission: any_admission(seed, BEGINS),
                ..Policy::default()
            },
            draw_secret: Some(DrawSecret([seed as u8; 32])),
        };
        let log = MemoryLog::new();
        let stream = StreamId::show(&id);
        let bytes = serde_json::to_vec(&definition).expect("JSON").into();
        let created = futures_now(log.create(&stream, Genesis::new(seed | 1, bytes)));
        created.expect("a new stream");
        let (desk, board) = futures_now(open(&log, &id, &floor));
        let viewer = |number: usize| Viewer {
            picture: None,
            format: if number.is_multiple_of(2) { Format::Binary } else { Format::Json },
            every: [1, 1, 3, 40][number % 4],
        };
        let model = Model {
            seats: vec![SeatState::Available; hall.seats() as usize],
            holds: BTreeMap::new(),
            line: Vec::new(),
            unknown: Vec::new(),
        };
        let clock = Clock::by_hand(BEGINS);
        let viewers = (0..VIEWERS).map(viewer).collect();
        let in_line = Vec::new();
        let sells_little = random.random();
        let room = NaiveRoom::of(desk.replica().read().show(), true);
        let guest = |number| Guest::new(&id, SessionId(Uuid::from_u128(number)));
        let guests = (1..=SESSIONS).map(guest).collect();
        Self {
            random,
            log,
            stream,
            id,
            floor,
            clock,
            desk,
            board,
            model,
            viewers,
            in_line,
            sells_little,
            room,
            guests,
            lobby: Arc::default(),
            given: BTreeSet::new(),
            present: Vec::new(),
            has_missed: false,
        }
    }

    async fn run(mut self, seen: &mut Seen) {
        for step in 0..STEPS {
            self.clock.pass(self.random.random_range(0..250));
            match self.random.random_range(0..40) {
                0 => self.crash(seen).await,
                1 => self.save().await,
                2 => self.log.fail_next_append(Fault::Lost),
                3 => self.log.fail_next_append(Fault::Kept),
                // So long that nobody waits any more for who was passed over.
                4 if self.room.is_some() && self.random.random_bool(0.2) => {
                    self.clock.pass(RETURN_MS);
                }
                _ => {}
            }
            self.turn(seen).await;
            self.watch(step, seen);
        }
        let came = self.everybody_comes(seen).await;
        // Everybody catches up, and every hold that is due lapses.
        while self.desk.next_end().is_some() {
            self.clock.pass(HOLD_MS + GRACE_MS);
            self.turn_with(Vec::new(), seen).await;
        }
        assert_eq!(self.model.line, [], "nobody is forgotten in line");
        if let Some(room) = &self.room {
            let in_vain = came.iter().find(|number| !room.was_let_in(**number));
            assert_eq!(in_vain, None, "somebody who is here was forgotten in the waiting room");
            seen.room.add(room.counts);
        }
        for viewer in &mut self.viewers {
            viewer.every = 1;
        }
        self.watch(0, seen);
    }

    /// The process dies: what was not in the log is gone, and everything else is read from it again.
    async fn crash(&mut self, seen: &mut Seen) {
        seen.crashes += 1;
        let before = self.desk.replica().read().head();
        (self.desk, self.board) = open(&self.log, &self.id, &self.floor).await;
        let after = self.desk.replica().read().head();
        assert_eq!(before, after, "the log tells the same story, hash and all");
        // Their tickets are all that those who wait have left.
        self.lobby = Arc::default();
        self.present.clear();
        self.guests.iter_mut().for_each(|guest| guest.presence = None);
        self.compare();
    }

    async fn save(&mut self) {
        let snapshot = self.desk.replica().read().to_snapshot();
        self.log.save_snapshot(&self.stream, snapshot).await.expect("a snapshot is kept");
    }

    fn watch(&mut self, step: usize, seen: &mut Seen) {
        for viewer in &mut self.viewers {
            if !step.is_multiple_of(viewer.every) {
                continue;
            }
            if self.random.random_range(0..30) == 0 {
                // Opened anew without `since`.
                viewer.picture = None;
            }
            let since = viewer.picture.as_ref().map(|picture| (picture.epoch(), picture.seq()));
            let Some(frame) = self.board.frame_since(since, viewer.format) else { continue };
            match frame.is_snapshot() {
                true => seen.snapshots += 1,
                false => seen.resumed += 1,
            }
            let read = decode(viewer.format, &frame.payload()).expect("a sound frame");
            Picture::apply(&mut viewer.picture, read).expect("no gap");
            let picture = viewer.picture.as_ref().expect("a picture");
            let shown: Vec<SeatState> = picture.states().collect();
            let so = self.model.seen_with(self.desk.replica().read().show());
            assert_eq!(shown, so, "what a viewer sees is what is so");
        }
    }

    /// The show, the board and the model say the same of every seat.
    fn compare(&self) {
        let replica = self.desk.replica().read();
        let states = replica.show().seat_states();
        if self.model.unknown.is_empty() {
            let so = self.model.seen_with(replica.show());
            assert_eq!(states, so, "the show is what the model says");
            self.model.judge_the_line(replica.show());
        }
        if let Some(room) = &self.room {
            room.agrees(replica.show().waiting_room().expect("a waiting room"));
        }
        assert_eq!(self.board.position(), (replica.head().epoch, replica.head().seq));
    }
}

/// Opens a show from its log as the box office does, board and all.
async fn open(log: &MemoryLog, id: &ShowId, floor: &Arc<Floor>) -> (Desk, Board) {
    let mut replica = Replica::at_snapshot(log, id, floor.clone()).await.expect("the show opens");
    let (head, states) = (replica.head(), replica.show().seat_states());
    let board = Board::new(head.epoch, head.seq, head.seq, &states);
    let publish = |seq, changes: &[_]| board.publish(seq, changes);
    replica.replay(log, publish).await.expect("the log is sound");
    (Desk::new(Shared::new(replica), 0), board)
}

#[test]
fn a_show_is_opened_although_others_append_to_it_without_end() {
    let world = World::new(7);
    let void = Entry { time: Time(1_000), fact: Fact::HoldReleased { hold: HoldId(Uuid::nil()) } };
    let append_one = || {
        let known = Known::nothing(7);
        let appended = world.log.append(&world.stream, known, vec![void.to_bytes().into()]);
        // A log in memory answers at once.
        appended.now_or_never().expect("an answer").expect("an append");
    };
    append_one();
    let opened = Replica::at_snapshot(&world.log, &world.id, world.floor.clone());
    let mut replica = futures_now(opened).expect("the show opens");
    // Whenever one is applied, another comes.
    let mut applied = 0;
    let others = |_, _: &[_]| {
        applied += 1;
        assert!(applied < 100, "it runs after the others");
        append_one();
    };
    futures_now(replica.replay(&world.log, others)).expect("the log is sound");
    assert_eq!(replica.head().seq, 1, "what there was when it looked");
}

/// A part of the theatre, small enough for buyers to meet.
pub(crate) fn small_hall(random: &mut StdRng) -> Hall {
    let mut hall = theatre();
    hall.sections.truncate(1);
    hall.sections[0].rows.truncate(random.random_range(2..6));
    hall.areas.clear();
    hall
}

/// The memory log never waits: its futures are ready at once.
fn futures_now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}
