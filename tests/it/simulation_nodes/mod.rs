//! A seeded world of several nodes on one log that delays, drops, doubles and forgets.
//!
//! As in `simulation`, one thread drives everything step by step, so that a seed is the whole story.
//! Each node has a desk, a board and viewers; what it hears of the others comes late, twice or not at
//! all; its appends may be lost on the way there or on the way back; it crashes; and now and then the
//! log forgets its tail, as a failover does. Some wait for seats, and in every other story there is a waiting room. The judge is the audit with books of its own, and a
//! journal of all that was acknowledged. A failure prints its seed; `USHER_SEED=… cargo test --test it
//! simulation_nodes` tells it again, and `USHER_SEEDS=1000` tells that many stories.

mod asking;
mod guests;
mod resting;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::oneshot;
use usher::box_office::{
    Answer, Clock, Desk, Lobby, News, Pending, Refused, Replica, Reply, Shared, Shown,
};
use usher::catalogue::Catalogue;
use usher::hall::Floor;
use usher::hub::Board;
use usher::log::memory::{Fault, MemoryLog};
use usher::log::{AppendError, Appended, Genesis, Heard, Hearing, Known, Log, Position, StreamId};
use usher::protocol::picture::Picture;
use usher::protocol::seats::{Format, decode};
use usher::show::{
    Alias, Currency, Definition, DrawSecret, Head, OrderId, Outcome, Policy, RETURN_MS, SessionId,
    ShowId, Time,
};
use uuid::Uuid;

use crate::simulation::guests::{Guest, any_admission, let_in, let_in_all};
use crate::simulation::{room, small_hall};

const SESSIONS: u128 = 40;
const STEPS: usize = 2_000;
const STORIES: u64 = 40;
const HOLD_MS: u64 = 3_000;
const GRACE_MS: u64 = 200;
const OFFER_MS: u64 = 900;
const WAIT_MS: u64 = 6_000;
const BEGINS: Time = Time(1_000);

#[test]
fn nodes_on_one_bad_log_agree_and_lose_nothing_but_what_the_log_lost() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let first: u64 = number("USHER_SEED").unwrap_or_else(rand::random);
    let stories = number("USHER_SEEDS").unwrap_or(STORIES);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut seen = Seen::default();
    for seed in (first..).take(stories as usize) {
        println!("seed {seed}: run again with USHER_SEED={seed} USHER_SEEDS=1");
        runtime.block_on(async { World::new(seed).await.run(&mut seen).await });
    }
    println!("{seen:?}");
    if stories >= STORIES {
        // A world in which nothing happens proves nothing.
        let Seen {
            held, sold, void, heard, dropped, doubled, crashes, forks, lost, unknown, ..
        } = seen;
        let Seen { joined, offered, accepted, closed, .. } = seen;
        let waiting = [joined, offered, accepted, closed];
        let counts = [held, sold, void, heard, dropped, doubled, crashes, forks, lost, unknown];
        for count in counts.into_iter().chain(waiting) {
            assert!(count > 0, "some of what may happen never did");
        }
        assert!(seen.tickets_lost > 0, "no number was lost with the log's history");
        seen.room.assert_all_happened();
    }
}

/// What happened, counted.
#[derive(Debug, Default)]
struct Seen {
    held: u64,
    sold: u64,
    void: u64,
    heard: u64,
    dropped: u64,
    doubled: u64,
    crashes: u64,
    forks: u64,
    lost: u64,
    unknown: u64,
    joined: u64,
    offered: u64,
    accepted: u64,
    closed: u64,
    tickets_lost: u64,
    room: room::Counts,
}

/// What is on its way between a node and the log.
enum Flight {
    /// Not there yet.
    Going { entries: Vec<Bytes>, known: Known },
    /// On its way back.
    Coming(Result<Appended, AppendError>),
}

type Waiting = oneshot::Receiver<Result<Reply, Refused>>;

struct Node {
    desk: Desk,
    board: Board,
    hearing: Hearing,
    /// What was said to it and has not come yet.
    ears: VecDeque<Heard>,
    flight: Option<Flight>,
    waiting: Vec<(Option<SessionId>, Waiting)>,
    lobby: Arc<Lobby>,
    /// Those whose turn came and who are here, to be proposed next.
    present: Vec<Pending>,
    /// Whether the log was away since somebody was let in.
    has_missed: bool,
    viewers: [Option<Picture>; 2],
}

struct World {
    random: StdRng,
    log: MemoryLog,
    stream: StreamId,
    id: ShowId,
    floor: Arc<Floor>,
    clock: Clock,
    nodes: Vec<Node>,
    /// Orders that were acknowledged, with their places, and that the log has not lost.
    orders: BTreeMap<OrderId, u64>,
    /// How many entries are left of a history that was lost, while something of it is on its way.
    lost_after: Option<u64>,
    may_fork: bool,
    /// Those who go through the waiting room, and the node at which their socket is or was.
    guests: Vec<(Guest, usize)>,
    /// Numbers that were acknowledged, with whose and the places, and that the log has not lost.
    given: BTreeMap<Shown, (Alias, u64)>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let hall = small_hall(&mut random);
        let floor = Arc::new(Floor::new(&hall));
        let log = MemoryLog::new();
        // The judge has to know the rows: who is served rests on who sits beside whom.
        let programme = Catalogue::open(Arc::new(log.clone())).await.expect("a programme");
        let kept = programme.add_hall(hall.clone()).await.expect("a hall");
        let id = ShowId::parse("simulated").expect("a show's name");
        let definition = Definition {
            id: id.clone(),
            title: "Simulated".to_owned(),
            hall: kept.id,
            seats: hall.seats(),
            starts_at: Time(u64::MAX),
            on_sale_at: None,
            currency: Currency::parse("EUR").expect("a currency"),
            // Different, so that the audit sees a sale of other seats than were paid for.
            prices: (1..=hall.categories.len() as u64).map(|nth| nth * 1_000).collect(),
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
        let stream = StreamId::show(&id);
        let bytes = serde_json::to_vec(&definition).expect("JSON").into();
        log.create(&stream, Genesis::new(seed | 1, bytes)).await.expect("a new stream");
        let mut nodes = Vec::new();
        for _ in 0..random.random_range(2..=4) {
            nodes.push(open(&log, &stream, &id, &floor).await);
        }
        // Half of the stories are of a log that keeps all: there nothing at all may be lost.
        let may_fork = random.random_bool(0.5);
        let clock = Clock::by_hand(BEGINS);
        let guest = |number| (Guest::new(&id, SessionId(Uuid::from_u128(number))), 0);
        let guests = (1..=SESSIONS).map(guest).collect();
        let (orders, given, lost_after) = (BTreeMap::new(), BTreeMap::new(), None);
        Self {
            random,
            log,
            stream,
            id,
            floor,
            clock,
            nodes,
            orders,
            lost_after,
            may_fork,
            guests,
            given,
        }
    }

    async fn run(mut self, seen: &mut Seen) {
        for _ in 0..STEPS {
            self.clock.pass(self.random.random_range(0..30));
            let node = self.random.random_range(0..self.nodes.len());
            match self.random.random_range(0..400) {
                0 => self.crash(node, seen).await,
                1 if self.may_fork && self.lost_after.is_none() => self.lose_tail(seen).await,
                2..6 => self.log.fail_next_append(Fault::Lost),
                6..10 => self.log.fail_next_append(Fault::Kept),
                10..14 => self.save(node).await,
                14 if self.random.random_bool(0.3) => self.clock.pass(RETURN_MS),
                _ => self.step(node, seen).await,
            }
        }
        self.come_to_rest(seen).await;
        self.judge(seen).await;
    }

    /// One of the things that a node does, chosen by chance.
    async fn step(&mut self, node: usize, seen: &mut Seen) {
        self.listen(node, seen);
        match self.nodes[node].flight.take() {
            None if self.random.random_bool(0.4) => self.hear(node, seen),
            None => self.propose(node, seen).await,
            Some(Flight::Going { entries, known }) => {
                let answer = self.log.append(&self.stream, known, entries).await;
                self.nodes[node].flight = Some(Flight::Coming(answer));
            }
            Some(Flight::Coming(answer)) => self.land(node, answer, seen).await,
        }
        self.watch(node);
    }

    /// Puts what was said in front of the node's ears: in order, but some of it twice or never.
    fn listen(&mut self, node: usize, seen: &mut Seen) {
        let Node { hearing, ears, .. } = &mut self.nodes[node];
        while let Some(heard) = at_once(hearing.next()) {
            match self.random.random_range(0..20) {
                0 => seen.dropped += 1,
                1 => {
                    seen.doubled += 1;
                    ears.extend([heard.clone(), heard]);
                }
                2 if !ears.is_empty() => ears.push_front(heard),
                _ => ears.push_back(heard),
            }
        }
    }

    /// As the task does: what follows is applied; for anything else the log is asked.
    fn hear(&mut self, node: usize, seen: &mut Seen) {
        let Some(heard) = self.nodes[node].ears.pop_front() else { return };
        let news = match &heard {
            Heard::Missed => News::Beyond,
            Heard::Entries { after, entries } => self.replica(node).read().judge(*after, entries),
        };
        match (news, heard) {
            (News::Next, Heard::Entries { entries, .. }) => {
                seen.heard += 1;
                let appended = Appended { since_known: entries, own_first: u64::MAX };
                self.settle(node, &appended, seen);
            }
            (News::Old, _) => {}
            _ => self.ask(node, Vec::new()),
        }
    }

    async fn propose(&mut self, node: usize, seen: &mut Seen) {
        let now = self.clock.now();
        let count = self.random.random_range(0..8);
        let mut inbox = Vec::new();
        let mut commands = self.guests_ask(node).await;
        for _ in 0..count {
            commands.push(self.command(node));
        }
        for command in commands {
            let (answer, answered) = oneshot::channel();
            self.nodes[node].waiting.push((command.session(), answered));
            inbox.push(Pending { command, socket: None, answer: Some(answer) });
        }
        inbox.append(&mut self.nodes[node].present);
        let entries = self.nodes[node].desk.propose(&mut inbox, now);
        self.take_answers(node, seen);
        if !entries.is_empty() {
            self.ask(node, entries);
        }
    }

    fn ask(&mut self, node: usize, entries: Vec<Bytes>) {
        let known = self.replica(node).read().known();
        self.nodes[node].flight = Some(Flight::Going { entries, known });
    }

    /// The log's answer has come.
    async fn land(&mut self, node: usize, answer: Result<Appended, AppendError>, seen: &mut Seen) {
        let now = self.clock.now();
        match answer {
            Ok(appended) => {
                self.settle(node, &appended, seen);
                if std::mem::take(&mut self.nodes[node].has_missed) {
                    self.all_who_are_here_come(node);
                }
            }
            Err(AppendError::Unavailable(_)) => {
                seen.unknown += 1;
                self.nodes[node].desk.unavailable(now);
                self.nodes[node].present.clear();
                self.nodes[node].has_missed = true;
                self.take_answers(node, seen);
                self.ask(node, Vec::new());
            }
            Err(AppendError::Forked) => {
                seen.forks += 1;
                self.start_afresh(node, seen).await;
            }
            Err(AppendError::Trimmed) => panic!("nobody trims this log"),
        }
    }

    fn settle(&mut self, node: usize, appended: &Appended, seen: &mut Seen) {
        let now = self.clock.now();
        let Node { desk, board, lobby, present, .. } = &mut self.nodes[node];
        let settled = desk.settle(appended, now, &|_, _| false).expect("a sound log");
        let replica = desk.replica().read();
        if replica.head().seq > board.position().1 {
            board.publish(replica.head().seq, &settled.changes);
        }
        present.extend(let_in(replica.show(), lobby, &settled.outcomes));
        drop(replica);
        for outcome in &settled.outcomes {
            seen.joined += u64::from(matches!(outcome, Outcome::Joined { .. }));
            seen.offered += u64::from(matches!(outcome, Outcome::Offered { .. }));
            seen.accepted += u64::from(matches!(outcome, Outcome::Accepted { .. }));
            seen.closed += u64::from(matches!(outcome, Outcome::Closed { .. }));
        }
        seen.void += settled.outcomes.iter().filter(|what| **what == Outcome::Void).count() as u64;
        self.take_answers(node, seen);
    }

    /// As the task does when the log has lost what this node knew.
    async fn start_afresh(&mut self, node: usize, seen: &mut Seen) {
        let lost = self.replica(node).read().head();
        let epoch = self.random.random_range(1..u64::MAX);
        self.log.renew(&self.stream, lost.epoch, epoch).await.expect("the stream is there");
        self.nodes[node].desk.unavailable(self.clock.now());
        self.take_answers(node, seen);
        let replica = Replica::open(&self.log, &self.id, self.floor.clone()).await.expect("opens");
        let head = replica.head();
        assert_ne!(head.epoch, lost.epoch, "a fork is another life");
        self.nodes[node].board.replace(head.epoch, head.seq, &replica.show().seat_states());
        self.replica(node).replace(replica);
        self.lobby_begins_anew(node);
    }

    /// Notes what was acknowledged.
    fn take_answers(&mut self, node: usize, seen: &mut Seen) {
        let mut waiting = std::mem::take(&mut self.nodes[node].waiting);
        let mut given = Vec::new();
        waiting.retain_mut(|(session, answered)| match answered.try_recv() {
            Ok(Ok(Reply { answer: Answer::Order(order), seq, .. })) => {
                seen.sold += 1;
                // The answer may be of a history that is lost while it is told.
                match self.lost_after {
                    Some(left) if seq > left => seen.lost += 1,
                    _ => drop(self.orders.insert(order.id, seq)),
                }
                false
            }
            Ok(Ok(Reply { answer: Answer::Number { number, early, head }, .. })) => {
                let shown = if early { Shown::Arrival } else { Shown::Number };
                given.extend(session.map(|session| (session, shown(number), head)));
                false
            }
            Ok(Ok(reply)) => {
                seen.held += u64::from(matches!(reply.answer, Answer::Hold(_)));
                false
            }
            Ok(Err(_)) => false,
            Err(oneshot::error::TryRecvError::Empty) => true,
            Err(oneshot::error::TryRecvError::Closed) => panic!("a command was dropped"),
        });
        self.nodes[node].waiting = waiting;
        for (session, shown, head) in given {
            self.is_given(node, session, shown, head, seen);
        }
    }

    /// A failover forgets the tail. Nobody is told.
    async fn lose_tail(&mut self, seen: &mut Seen) {
        let all = self.log.read(&self.stream, 0, usize::MAX).await.expect("the log").len();
        let lost = self.random.random_range(1..60).min(all);
        self.log.lose_tail(&self.stream, lost);
        let left = (all - lost) as u64;
        let before = self.orders.len();
        self.orders.retain(|_, seq| *seq <= left);
        let numbers = self.given.len();
        self.given.retain(|_, (_, seq)| *seq <= left);
        seen.tickets_lost += (numbers - self.given.len()) as u64;
        seen.lost += (before - self.orders.len()) as u64;
        // Nodes may append before they notice, and then nothing can tell a lost ticket from a good one: whoever
        // has one throws it away.
        let guests = self.guests.iter_mut().map(|(guest, _)| guest);
        let lost = guests.filter(|guest| guest.ticket.is_some_and(|it| it.head.seq > left));
        lost.for_each(Guest::forgets);
        // Until every node has noticed, answers of the lost history may still be told.
        self.lost_after = Some(left);
        for node in 0..self.nodes.len() {
            self.settle_down(node, seen).await;
        }
        self.lost_after = None;
        // The same of what was told meanwhile.
        let lives = self.log.genesis(&self.stream).await.expect("the stream is there").lives;
        let passes = |Head { epoch, seq, .. }| seq > left && lives.has(Position { epoch, seq });
        let guests = self.guests.iter_mut().map(|(guest, _)| guest);
        let lost = guests.filter(|guest| guest.ticket.is_some_and(|ticket| passes(ticket.head)));
        lost.for_each(Guest::forgets);
    }

    /// The life that the log is in.
    async fn life(&self) -> u64 {
        self.log.genesis(&self.stream).await.expect("the stream is there").lives.now()
    }

    /// The process dies: what it knew, and who waited there, is gone.
    async fn crash(&mut self, node: usize, seen: &mut Seen) {
        seen.crashes += 1;
        self.nodes[node] = open(&self.log, &self.stream, &self.id, &self.floor).await;
        let here = self.guests.iter_mut().filter(|(_, at)| *at == node);
        here.for_each(|(guest, _)| guest.presence = None);
    }

    async fn save(&mut self, node: usize) {
        let snapshot = self.replica(node).read().to_snapshot();
        match self.log.save_snapshot(&self.stream, snapshot).await {
            Ok(()) | Err(AppendError::Forked) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// What the viewers of a node see is what the node knows.
    fn watch(&mut self, node: usize) {
        let Node { desk, board, viewers, .. } = &mut self.nodes[node];
        for (picture, format) in viewers.iter_mut().zip([Format::Binary, Format::Json]) {
            if self.random.random_bool(0.5) {
                continue;
            }
            let since = picture.as_ref().map(|picture| (picture.epoch(), picture.seq()));
            let Some(frame) = board.frame_since(since, format) else { continue };
            let read = decode(format, &frame.payload()).expect("a sound frame");
            Picture::apply(picture, read).expect("no gap");
            let shown: Vec<_> = picture.as_ref().expect("a picture").states().collect();
            assert_eq!(shown, desk.replica().read().show().seat_states());
        }
    }

    fn replica(&self, node: usize) -> &Shared {
        self.nodes[node].desk.replica()
    }
}

/// Opens a show on a node as the box office does.
async fn open(log: &MemoryLog, stream: &StreamId, id: &ShowId, floor: &Arc<Floor>) -> Node {
    let hearing = log.watch(stream).expect("others append to this log");
    let mut replica = Replica::at_snapshot(log, id, floor.clone()).await.expect("the show opens");
    let (head, states) = (replica.head(), replica.show().seat_states());
    let board = Board::new(head.epoch, head.seq, head.seq, &states);
    replica.replay(log, |seq, changes| board.publish(seq, changes)).await.expect("a sound log");
    let head = replica.head();
    if board.position() != (head.epoch, head.seq) {
        // A new life began where the snapshot or the log ends.
        board.replace(head.epoch, head.seq, &replica.show().seat_states());
    }
    Node {
        desk: Desk::new(Shared::new(replica), 0),
        board,
        hearing,
        ears: VecDeque::new(),
        flight: None,
        waiting: Vec::new(),
        lobby: Arc::default(),
        present: Vec::new(),
        has_missed: false,
        viewers: [None, None],
    }
}

/// What a future gives without waiting.
fn at_once<T>(future: impl Future<Output = Option<T>>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(there) => there,
        Poll::Pending => None,
    }
}
