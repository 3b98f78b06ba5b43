//! A seeded world: buyers, waiters, viewers, crashes, a log that fails, against a model too simple to be wrong.
//!
//! Nothing runs by itself in here: one thread drives a desk step by step on a clock moved by hand, so
//! that a seed is the whole story. A failure prints its seed; `USHER_SEED=… cargo test --test it
//! simulation` tells it again, and `USHER_SEEDS=1000` tells that many stories.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::sync::oneshot::{self, error::TryRecvError};
use usher::box_office::{Answer, Clock, Desk, Pending, Refused, Replica, Reply, Shared};
use usher::hall::{Floor, Hall, HallId, Seat, theatre};
use usher::hub::Board;
use usher::log::memory::{Fault, MemoryLog};
use usher::log::{AppendError, Appended, Genesis, Known, Log, StreamId};
use usher::protocol::picture::Picture;
use usher::protocol::seats::{Format, decode};
use usher::show::{
    CloseReason, Command, Currency, Decision, Definition, Entry, Fact, HoldId, Outcome, Payment,
    PaymentState, Policy, Purchase, Refusal, SeatState, SessionId, Show, ShowId, TicketId, Time,
    Wish,
};
use uuid::Uuid;

const SESSIONS: u128 = 40;
const VIEWERS: usize = 8;
const STEPS: usize = 300;
const STORIES: u64 = 20;
const HOLD_MS: u64 = 3_000;
const GRACE_MS: u64 = 200;
const OFFER_MS: u64 = 900;
const WAIT_MS: u64 = 6_000;

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
}

/// What must be true, seat by seat: no bitmaps, no log, no cleverness.
struct Model {
    seats: Vec<SeatState>,
    holds: BTreeMap<HoldId, ModelHold>,
    /// Who waits, the first in line first.
    line: Vec<Waiter>,
    /// Commands of which nobody knows whether they were done.
    unknown: Vec<Command>,
}

#[derive(Clone)]
struct ModelHold {
    session: SessionId,
    seats: Vec<Seat>,
    expires_at: Time,
}

/// Somebody in line.
#[derive(Clone, Debug, PartialEq)]
struct Waiter {
    ticket: TicketId,
    wish: Wish,
    offer: Option<HoldId>,
}

/// What an entry did about those who wait, at its place in the log.
enum InLine {
    Joined(Waiter),
    Offered { ticket: TicketId, hold: HoldId, session: SessionId, seats: Vec<Seat>, until: Time },
    Accepted { hold: HoldId, until: Time },
    Parted(TicketId),
    Closed(TicketId, CloseReason),
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
                ..Policy::default()
            },
            draw_secret: None,
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
        let clock = Clock::by_hand(Time(1_000));
        let viewers = (0..VIEWERS).map(viewer).collect();
        let in_line = Vec::new();
        let sells_little = random.random();
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
                _ => {}
            }
            self.turn(seen).await;
            self.watch(step, seen);
        }
        // Everybody catches up, and every hold that is due lapses.
        while self.desk.next_end().is_some() {
            self.clock.pass(HOLD_MS + GRACE_MS);
            self.turn_with(Vec::new(), seen).await;
        }
        assert_eq!(self.model.line, [], "nobody is forgotten in line");
        for viewer in &mut self.viewers {
            viewer.every = 1;
        }
        self.watch(0, seen);
    }

    async fn turn(&mut self, seen: &mut Seen) {
        let count = self.random.random_range(0..12);
        let commands = (0..count).map(|_| self.command()).collect();
        self.turn_with(commands, seen).await;
    }

    /// One turn of the box office, its waiting included, and then the judgement of the model.
    async fn turn_with(&mut self, commands: Vec<Command>, seen: &mut Seen) {
        let now = self.clock.now();
        let mut waiting = Vec::new();
        let mut inbox: Vec<Pending> = commands
            .into_iter()
            .map(|command| {
                let (answer, answered) = oneshot::channel();
                waiting.push((command.clone(), answered));
                Pending { command, socket: None, answer: Some(answer) }
            })
            .collect();
        loop {
            let entries = self.desk.propose(&mut inbox, now);
            if !entries.is_empty() && !self.append(entries, now).await {
                break;
            }
            if !self.desk.has_more() {
                break;
            }
        }
        self.lapse_in_model(now, seen);
        // Grants first in the order of the log, then refusals, which changed nothing.
        let mut answers = Vec::new();
        for (command, mut answered) in waiting {
            match answered.try_recv() {
                Ok(answer) => answers.push((command, answer)),
                Err(TryRecvError::Empty) => panic!("{command:?} was not answered"),
                Err(TryRecvError::Closed) => panic!("{command:?} was dropped"),
            }
        }
        answers.sort_by_key(|(_, answer)| answer.as_ref().map_or(u64::MAX, |reply| reply.seq));
        let mut in_line = std::mem::take(&mut self.in_line).into_iter().peekable();
        for (command, answer) in answers {
            let seq = answer.as_ref().map_or(u64::MAX, |reply| reply.seq);
            while let Some((_, what)) = in_line.next_if(|(at, _)| *at <= seq) {
                self.model.hears(what, seen);
            }
            self.model.judge(command, answer, seen);
        }
        in_line.for_each(|(_, what)| self.model.hears(what, seen));
        self.settle_unknown();
        self.compare();
    }

    /// Appends and settles; false where the log did not answer.
    async fn append(&mut self, entries: Vec<bytes::Bytes>, now: Time) -> bool {
        let known = self.desk.replica().read().known();
        let appended = match self.log.append(&self.stream, known, entries).await {
            Ok(appended) => appended,
            Err(AppendError::Unavailable(_)) => {
                self.desk.unavailable(now);
                // As the task does: read what is there before anything else is proposed.
                let since_known = self
                    .log
                    .read(&self.stream, known.position.seq, usize::MAX)
                    .await
                    .expect("the log");
                let kept = Appended { since_known, own_first: u64::MAX };
                self.settle(&kept, now);
                return false;
            }
            Err(error @ (AppendError::Forked | AppendError::Trimmed)) => {
                panic!("nobody touched this log: {error}")
            }
        };
        self.settle(&appended, now);
        true
    }

    fn settle(&mut self, appended: &Appended, now: Time) {
        let before = self.desk.replica().read().head().seq;
        let settled = self.desk.settle(appended, now, &|_, _| false).expect("a sound log");
        let seq = self.desk.replica().read().head().seq;
        let new = appended.since_known.iter().filter(|recorded| recorded.seq > before);
        let known = appended.since_known.len() - new.clone().count();
        for (recorded, outcome) in new.zip(&settled.outcomes[known..]) {
            let what = in_line(&recorded.bytes, *outcome);
            self.in_line.extend(what.map(|what| (recorded.seq, what)));
        }
        if seq > self.board.position().1 {
            self.board.publish(seq, &settled.changes);
        }
    }

    /// The process dies: what was not in the log is gone, and everything else is read from it again.
    async fn crash(&mut self, seen: &mut Seen) {
        seen.crashes += 1;
        let before = self.desk.replica().read().head();
        (self.desk, self.board) = open(&self.log, &self.id, &self.floor).await;
        let after = self.desk.replica().read().head();
        assert_eq!(before, after, "the log tells the same story, hash and all");
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

    /// Whatever is past its end must have lapsed by the end of the turn, unless the log was away.
    fn lapse_in_model(&mut self, now: Time, seen: &mut Seen) {
        let replica = self.desk.replica().read();
        let show = replica.show();
        let gone = |id: &HoldId, hold: &ModelHold| {
            show.hold(*id).is_none() && hold.expires_at.plus_ms(GRACE_MS) <= now
        };
        let lapsed: Vec<HoldId> = self
            .model
            .holds
            .iter()
            .filter(|(id, hold)| gone(id, hold))
            .map(|(id, _)| *id)
            .collect();
        drop(replica);
        for id in lapsed {
            seen.lapsed += 1;
            self.model.free(id);
        }
    }

    /// A command that was answered `unavailable` was done wholly or not at all: the model learns
    /// which from the show, and checks that it is one of the two.
    fn settle_unknown(&mut self) {
        let replica = self.desk.replica().read();
        let show = replica.show();
        for command in std::mem::take(&mut self.model.unknown) {
            let Some(session) = command.session() else { continue };
            let model = self.model.holds.iter().find(|(_, hold)| hold.session == session);
            let model = model.map(|(id, hold)| (*id, hold.clone()));
            match (&command, model, show.hold_of(session)) {
                (Command::Hold { .. } | Command::HoldBest { .. }, None, Some(hold)) => {
                    if let Command::Hold { seats, .. } = &command {
                        let mut named: Vec<u64> = seats.clone();
                        named.sort_unstable();
                        let got: Vec<u64> = hold.seats.iter().map(|s| u64::from(s.0)).collect();
                        assert_eq!(named, got, "all or none");
                    }
                    self.model.hold(hold.id, session, hold.seats.to_vec(), hold.expires_at);
                }
                (Command::Change { hold, .. }, Some((id, _)), Some(now)) if *hold == id => {
                    let expires_at = self.model.free(id).expires_at;
                    assert_eq!(expires_at, now.expires_at, "the deadline does not move");
                    self.model.hold(id, session, now.seats.to_vec(), expires_at);
                }
                (Command::Release { hold, .. }, Some((id, _)), None) if *hold == id => {
                    self.model.free(id);
                }
                (Command::Buy { hold, .. }, Some((id, _)), None) if *hold == id => {
                    self.model.sell(id);
                }
                _ => {}
            }
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
        assert_eq!(self.board.position(), (replica.head().epoch, replica.head().seq));
    }

    /// Anything a buyer or a hostile client might ask; often of few seats, so that they meet.
    fn command(&mut self) -> Command {
        let session = SessionId(Uuid::from_u128(self.random.random_range(1..=SESSIONS)));
        let holds: Vec<(HoldId, SessionId)> =
            self.model.holds.iter().map(|(id, hold)| (*id, hold.session)).collect();
        let count = u64::from(self.desk.replica().read().show().definition().seats);
        let seats = |random: &mut StdRng| {
            let first = random.random_range(0..count);
            (first..first + random.random_range(0..5)).collect::<Vec<u64>>()
        };
        let own = holds.choose(&mut self.random).copied();
        let waits = self.model.line.choose(&mut self.random).cloned();
        if let Some(waiter) = waits
            && self.random.random_range(0..12) == 0
        {
            return self.of_one_in_line(&waiter);
        }
        match (self.random.random_range(0..12), own) {
            (10 | 11, _) => Command::Join { session, wish: any_wish(&mut self.random) },
            (0..=3, _) | (_, None) => Command::Hold { session, seats: seats(&mut self.random) },
            (4, _) => Command::HoldBest { session, wish: any_wish(&mut self.random) },
            (5, Some((hold, owner))) => {
                Command::Change { session: owner, hold, seats: seats(&mut self.random) }
            }
            (6, Some((hold, owner))) => Command::Release { session: owner, hold },
            (7, Some((hold, _))) => Command::Release { session, hold },
            // In every other house hardly anybody buys, so that many wait for long.
            (_, Some(_)) if self.sells_little && self.random.random_range(0..20) != 0 => {
                Command::Join { session, wish: any_wish(&mut self.random) }
            }
            (_, Some((hold, owner))) => {
                let payment = match self.random.random_range(0..4) {
                    0 => Decision::Declined { code: "no".to_owned() },
                    _ => Decision::Approved(Payment {
                        id: "simulated".to_owned(),
                        state: PaymentState::Captured,
                    }),
                };
                let key = hold.to_string();
                let purchase = Box::new(Purchase { key, payment, customer: None });
                Command::Buy { session: owner, hold, purchase }
            }
        }
    }
}

impl World {
    /// What one who waits may do: mostly with an offer.
    fn of_one_in_line(&mut self, waiter: &Waiter) -> Command {
        let replica = self.desk.replica().read();
        let owner = replica.show().ticket(waiter.ticket).map(|ticket| ticket.session);
        drop(replica);
        let session = owner.unwrap_or(SessionId(Uuid::nil()));
        match (self.random.random_range(0..8), waiter.offer) {
            (0, _) => Command::Leave { session },
            (1, _) => Command::Decline { session },
            (2, Some(hold)) => Command::Release { session, hold },
            (3, Some(hold)) => {
                let first = self.random.random_range(0..20);
                Command::Change { session, hold, seats: vec![first, first + 1] }
            }
            (4, Some(hold)) => {
                let state = PaymentState::Captured;
                let payment = Decision::Approved(Payment { id: "simulated".to_owned(), state });
                let purchase = Purchase { key: hold.to_string(), payment, customer: None };
                Command::Buy { session, hold, purchase: Box::new(purchase) }
            }
            (5 | 6, _) => Command::Accept { session },
            _ => Command::Join { session, wish: any_wish(&mut self.random) },
        }
    }
}

/// What an entry did about those who wait. (What an offer was is read from the entry: by now it may
/// be gone.)
fn in_line(bytes: &[u8], outcome: Outcome) -> Option<InLine> {
    let fact = Entry::from_bytes(bytes).expect("an entry").fact;
    Some(match (outcome, fact) {
        (Outcome::Joined { ticket, .. }, Fact::TicketTaken(joining)) => {
            InLine::Joined(Waiter { ticket, wish: joining.wish, offer: None })
        }
        (
            Outcome::Offered { ticket, hold, session },
            Fact::SeatsOffered { seats, expires_at: until, .. },
        ) => InLine::Offered { ticket, hold, session, seats: seats.to_vec(), until },
        (Outcome::Accepted { hold, .. }, Fact::OfferAccepted { expires_at: until, .. }) => {
            InLine::Accepted { hold, until }
        }
        (Outcome::Parted { ticket, .. }, _) => InLine::Parted(ticket),
        (Outcome::Closed { ticket, reason, .. }, _) => InLine::Closed(ticket, reason),
        _ => return None,
    })
}

impl Model {
    /// What the log says of those who wait: whether it may be so, by what was known before.
    fn hears(&mut self, what: InLine, seen: &mut Seen) {
        match what {
            InLine::Joined(waiter) => {
                seen.joined += 1;
                self.line.push(waiter);
            }
            InLine::Offered { ticket, hold, session, seats, until } => {
                seen.offered += 1;
                let at = self.place(ticket);
                let wish = self.line[at].wish.clone();
                assert_eq!(seats.len(), wish.quantity as usize, "a whole party");
                let before = self.line[..at]
                    .iter()
                    .find(|other| other.offer.is_none() && other.wish == wish);
                assert_eq!(before, None, "who wants the same and came before was overtaken");
                self.hold(hold, session, seats, until);
                assert_eq!(self.line[at].offer.replace(hold), None, "one offer each");
            }
            InLine::Accepted { hold, until } => {
                seen.accepted += 1;
                self.line.retain(|waiter| waiter.offer != Some(hold));
                self.holds.get_mut(&hold).expect("an offer").expires_at = until;
            }
            InLine::Parted(ticket) => {
                let at = self.place(ticket);
                self.line[at].wish.together = false;
            }
            InLine::Closed(ticket, reason) => {
                match reason {
                    CloseReason::Lapsed => seen.offers_lapsed += 1,
                    CloseReason::SoldOut | CloseReason::Timeout => seen.dismissed += 1,
                    _ => {}
                }
                let gone = self.line.remove(self.place(ticket));
                if let Some(hold) = gone.offer.filter(|hold| self.holds.contains_key(hold)) {
                    self.free(hold);
                }
            }
        }
    }

    fn place(&self, ticket: TicketId) -> usize {
        let place = self.line.iter().position(|waiter| waiter.ticket == ticket);
        place.expect("a ticket that the model knows")
    }

    /// What everybody may see: free seats that the show keeps for those who wait are held.
    fn seen_with(&self, show: &Show) -> Vec<SeatState> {
        let seen = |(seat, state): (u32, &SeatState)| match show.kept().has(Seat(seat)) {
            true => {
                assert_eq!(*state, SeatState::Available, "seat {seat} cannot be kept");
                SeatState::Held
            }
            false => *state,
        };
        (0..).zip(&self.seats).map(seen).collect()
    }

    /// The line is as it was, and nobody in it who would take any seat goes without a free one.
    fn judge_the_line(&self, show: &Show) {
        let line = show.tickets().map(|ticket| (ticket.id, ticket.offer));
        assert!(line.eq(self.line.iter().map(|waiter| (waiter.ticket, waiter.offer))));
        let easy = |waiter: &&Waiter| {
            let Wish { together, categories, .. } = &waiter.wish;
            // Whose party is whole is only waiting for the log to take the offer.
            let kept = show.ticket(waiter.ticket).map_or(0, |ticket| ticket.kept().len());
            let lacks = kept < waiter.wish.quantity as usize;
            waiter.offer.is_none() && lacks && !together && categories.is_none()
        };
        if self.line.iter().any(|waiter| easy(&waiter)) {
            assert!(show.free().is_empty(), "a free seat, while somebody would take any");
        }
    }

    /// Whether an answer may be given, by what was answered before.
    fn judge(&mut self, command: Command, answer: Result<Reply, Refused>, seen: &mut Seen) {
        match (command, answer.map(|reply| reply.answer)) {
            (
                Command::Hold { session, .. } | Command::HoldBest { session, .. },
                Ok(Answer::Hold(hold)),
            ) => {
                seen.held += 1;
                assert!(self.holds.values().all(|other| other.session != session), "one hold each");
                self.hold(hold.id, session, hold.seats, hold.expires_at);
            }
            (Command::Change { hold: id, session, .. }, Ok(Answer::Hold(hold))) => {
                let before = self.free(id);
                assert_eq!((before.session, before.expires_at), (session, hold.expires_at));
                self.hold(id, session, hold.seats, hold.expires_at);
            }
            // What was offered is heard of as the end of a ticket.
            (Command::Release { hold, .. }, Ok(Answer::Done))
                if !self.holds.contains_key(&hold) => {}
            (Command::Release { hold, session }, Ok(Answer::Done)) => {
                assert_eq!(self.free(hold).session, session, "only its own");
            }
            (Command::Join { .. }, Ok(Answer::Waiting(waiting))) => {
                assert_eq!(waiting.position as usize, self.place(waiting.ticket) + 1);
            }
            (Command::Accept { .. }, Ok(Answer::Hold(hold))) => {
                assert_eq!(self.holds[&hold.id].expires_at, hold.expires_at);
            }
            (Command::Leave { .. } | Command::Decline { .. }, Ok(Answer::Done)) => {}
            (Command::Buy { hold, session, .. }, Ok(Answer::Order(order))) => {
                seen.sold += 1;
                // The same purchase twice in one turn gives the same order twice.
                match self.holds.get(&hold) {
                    Some(held) => {
                        assert_eq!((&held.seats, held.session), (&order.seats, session));
                        self.sell(hold);
                    }
                    None => {
                        let sold = |seat: &Seat| self.seats[seat.0 as usize] == SeatState::Sold;
                        assert!(order.seats.iter().all(sold), "an order of seats not sold");
                    }
                }
            }
            (command, Err(Refused { refusal: Refusal::Unavailable, .. })) => {
                seen.unknown += 1;
                self.unknown.push(command);
            }
            (_, Err(_)) => seen.refused += 1,
            (command, Ok(answer)) => panic!("{command:?} was answered {answer:?}"),
        }
    }

    fn hold(&mut self, id: HoldId, session: SessionId, seats: Vec<Seat>, expires_at: Time) {
        for seat in &seats {
            let state = &mut self.seats[seat.0 as usize];
            assert_eq!(*state, SeatState::Available, "seat {} was not to be had", seat.0);
            *state = SeatState::Held;
        }
        self.holds.insert(id, ModelHold { session, seats, expires_at });
    }

    fn free(&mut self, id: HoldId) -> ModelHold {
        self.end(id, SeatState::Available)
    }

    fn sell(&mut self, id: HoldId) {
        self.end(id, SeatState::Sold);
    }

    fn end(&mut self, id: HoldId, state: SeatState) -> ModelHold {
        let hold = self.holds.remove(&id).expect("a hold that the model knows");
        for seat in &hold.seats {
            assert_eq!(self.seats[seat.0 as usize], SeatState::Held);
            self.seats[seat.0 as usize] = state;
        }
        hold
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
fn small_hall(random: &mut StdRng) -> Hall {
    let mut hall = theatre();
    hall.sections.truncate(1);
    hall.sections[0].rows.truncate(random.random_range(2..6));
    hall.areas.clear();
    hall
}

fn any_wish(random: &mut StdRng) -> Wish {
    let categories = (random.random_range(0..3) == 0).then(|| vec![0, 1]);
    let together = random.random_range(0..3) != 0;
    Wish { quantity: random.random_range(0..6), categories, sections: None, areas: None, together }
}

/// The memory log never waits: its futures are ready at once.
fn futures_now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}
