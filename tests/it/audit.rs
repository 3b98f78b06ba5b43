//! The audit: an honest house passes whatever its buyers do, and each kind of break is found and
//! named.

use std::sync::Arc;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use usher::audit::{self, Break, Tally, Verdict};
use usher::catalogue::{Catalogue, NewShow};
use usher::hall::{self, Floor, Seat};
use usher::log::memory::MemoryLog;
use usher::log::sqlite::SqliteLog;
use usher::log::{Chain, Known, Log, Mark, Position, Snapshot, StreamId};
use usher::show::{
    Asked, CloseReason, Command, Decision, Definition, Entry, Fact, Head, HoldId, Joining, Money,
    OrderId, Outcome, Payment, PaymentState, Proposal, Purchase, Sale, SessionId, Show, ShowId,
    TicketId, Time, Wish, propose,
};
use uuid::Uuid;

pub(crate) const NOW: Time = Time(1_800_000_000_000);

/// A node: its own view of a show, as far as it has heard.
pub(crate) struct Node {
    pub(crate) show: Show,
    head: Head,
    mark: Mark,
}

impl Node {
    fn known(&self) -> Known {
        let Head { epoch, seq, .. } = self.head;
        Known { position: Position { epoch, seq }, mark: self.mark }
    }
}

/// One show on a log, seen by two nodes of which each may be behind.
pub(crate) struct House {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) stream: StreamId,
    floor: Arc<Floor>,
    pub(crate) nodes: [Node; 2],
    fresh: u128,
    /// What the house itself counted, to compare the audit with.
    counted: Tally,
}

impl House {
    async fn new(log: Arc<dyn Log>, title: &str) -> Self {
        Self::with_policy(log, title, json!({})).await
    }

    pub(crate) async fn with_policy(
        log: Arc<dyn Log>,
        title: &str,
        policy: serde_json::Value,
    ) -> Self {
        let catalogue = Catalogue::open(log.clone()).await.expect("a programme");
        let hall = catalogue.add_hall(hall::theatre()).await.expect("a hall");
        let prices: serde_json::Map<_, _> = (hall.hall.categories.iter().zip(1_000..))
            .map(|(category, price)| (category.name.clone(), json!(price)))
            .collect();
        let body = json!({
            "hall": hall.id, "title": title, "starts_at": NOW.0 + 1_000_000_000,
            "currency": "EUR", "prices": prices, "policy": policy,
        });
        let show = NewShow::from_json(body.to_string().as_bytes()).expect("a good show");
        let definition = catalogue.add_show(show).await.expect("a show");
        let stream = StreamId::show(&definition.id);
        let genesis = log.genesis(&stream).await.expect("a genesis");
        let (epoch, chain) = genesis.beginning();
        let node = || Node {
            show: Show::new(definition.clone(), hall.floor.clone()),
            head: Head { epoch, seq: 0, chain: chain.0 },
            mark: Mark::NONE,
        };
        let (nodes, floor) = ([node(), node()], hall.floor.clone());
        Self { log, definition, stream, floor, nodes, fresh: 0, counted: Tally::default() }
    }

    fn fresh(&mut self) -> Uuid {
        self.fresh += 1;
        Uuid::from_u128(self.fresh)
    }

    /// What `node` would put into the log for a command.
    fn proposed(&mut self, node: usize, command: &Command, now: Time) -> Vec<Entry> {
        let fresh = self.fresh();
        let mut asked = Asked::new(self.definition.seats);
        match propose(&self.nodes[node].show, &mut asked, command, now, fresh) {
            Ok(Proposal::Append(entries)) => entries,
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// Appends, and lets this node hear all it had not heard.
    pub(crate) async fn append(&mut self, node: usize, entries: &[Entry]) {
        let node = &mut self.nodes[node];
        let known = node.known();
        let bytes = entries.iter().map(|entry| entry.to_bytes().into()).collect();
        let appended = self.log.append(&self.stream, known, bytes).await.expect("an append");
        for recorded in appended.since_known {
            let entry = Entry::from_bytes(&recorded.bytes).expect("an entry");
            let chain = Chain(node.head.chain).after(&recorded.bytes).0;
            node.head = Head { epoch: node.head.epoch, seq: recorded.seq, chain };
            node.mark = recorded.mark;
            let outcome = node.show.apply(node.head, &entry, &mut Vec::new());
            // Each node hears every entry in the end; the first one counts for both.
            if recorded.seq > self.counted.entries {
                self.counted.entries = recorded.seq;
                count(&mut self.counted, &node.show, outcome);
            }
        }
    }

    pub(crate) async fn run(&mut self, node: usize, command: &Command, now: Time) {
        let entries = self.proposed(node, command, now);
        if !entries.is_empty() {
            self.append(node, &entries).await;
        }
    }

    async fn verified(&self) -> Verdict {
        audit::verify(self.log.clone()).await.expect("a verdict")
    }
}

fn count(tally: &mut Tally, show: &Show, outcome: Outcome) {
    match outcome {
        Outcome::Void => tally.void += 1,
        Outcome::Held { .. } => tally.holds += 1,
        Outcome::Changed { .. } => tally.swaps += 1,
        Outcome::Released { .. } => tally.releases += 1,
        Outcome::Lapsed { .. } => tally.lapses += 1,
        Outcome::PaymentDeclined { .. } => tally.declined += 1,
        Outcome::Sold { order, .. } => {
            tally.orders += 1;
            tally.totals += 1;
            tally.seats_sold += show.order(order).expect("an order").seats.len() as u64;
        }
        Outcome::Joined { .. } => tally.joins += 1,
        Outcome::Offered { .. } => tally.offers += 1,
        Outcome::Accepted { .. } => tally.accepted += 1,
        Outcome::Closed { reason: CloseReason::Declined, .. } => tally.releases += 1,
        Outcome::Closed { reason: CloseReason::Lapsed, .. } => tally.lapses += 1,
        Outcome::Closed { reason, .. } => {
            tally.dismissed += u64::from(reason != CloseReason::Left);
        }
        Outcome::PaymentBegun { .. }
        | Outcome::Parted { .. }
        | Outcome::Blocking
        | Outcome::OfRoom(_) => {}
    }
}

pub(crate) fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(1 << 100 | number))
}

pub(crate) fn purchase(approved: bool) -> Box<Purchase> {
    let payment = Payment { id: "test_1".to_owned(), state: PaymentState::Captured };
    let payment = match approved {
        true => Decision::Approved(payment),
        false => Decision::Declined { code: "card_declined".to_owned() },
    };
    Box::new(Purchase { key: "mine".to_owned(), payment, customer: None })
}

fn any_seats(random: &mut StdRng, all: u32) -> Vec<u64> {
    // Few enough different ones that buyers of two nodes often want the same.
    let first = u64::from(random.random_range(0..all.min(300)));
    (first..first + random.random_range(1..=4)).collect()
}

fn any_command(random: &mut StdRng, show: &Show, now: Time) -> Command {
    let session = session(random.random_range(0..60));
    let seats = any_seats(random, show.definition().seats);
    let hold = show.hold_of(session).map(|hold| hold.id);
    if let Some(hold) = show.ended_at(now).next() {
        return Command::Lapse { hold };
    }
    match (random.random_range(0..20), hold) {
        (0, _) => Command::Block { seats },
        (1, _) => Command::Unblock { seats },
        (2..=4, Some(hold)) => Command::Release { session, hold },
        (5..=8, Some(hold)) => Command::Change { session, hold, seats },
        (9..=13, Some(hold)) => {
            Command::Buy { session, hold, purchase: purchase(random.random_bool(0.8)) }
        }
        _ => Command::Hold { session, seats },
    }
}

/// A busy evening: buyers at two nodes that hear each other late, so that many entries are void.
async fn busy(house: &mut House, seed: u64, commands: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut now = NOW;
    for _ in 0..commands {
        now = now.plus_ms(random.random_range(0..3_000));
        let node = random.random_range(0..2);
        let command = any_command(&mut random, &house.nodes[node].show, now);
        house.run(node, &command, now).await;
    }
}

#[tokio::test]
async fn an_honest_house_passes_and_everything_is_counted() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let mut expected = Tally { shows: 2, ..Tally::default() };
    for (title, seed) in [("Hamlet", 1), ("Lear", 2)] {
        let mut house = House::new(log.clone(), title).await;
        busy(&mut house, seed, 4_000).await;
        let counted = &house.counted;
        assert!(counted.void > 20 && counted.lapses > 20 && counted.orders > 20, "{counted:?}");
        expected.entries += counted.entries;
        expected.void += counted.void;
        expected.holds += counted.holds;
        expected.swaps += counted.swaps;
        expected.releases += counted.releases;
        expected.lapses += counted.lapses;
        expected.declined += counted.declined;
        expected.orders += counted.orders;
        expected.totals += counted.totals;
        expected.seats_sold += counted.seats_sold;
    }
    let Verdict::Kept(found) = audit::verify(log).await.expect("a verdict") else {
        panic!("an honest house was found to be broken");
    };
    // A node that is behind proposes with a time before that of what it has not heard.
    assert_eq!(Tally { late: 0, ..found }, expected);
}

/// A busy evening in a house of 30 seats and 60 people: whoever comes too late waits.
async fn crowded(house: &mut House, seed: u64, commands: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut now = NOW;
    let seats = (30..u64::from(house.definition.seats)).collect();
    house.run(0, &Command::Block { seats }, now).await;
    house.append(1, &[]).await;
    for _ in 0..commands {
        now = now.plus_ms(random.random_range(0..9_000));
        let node = random.random_range(0..2);
        let show = &house.nodes[node].show;
        let session = session(random.random_range(0..60));
        let own = show.hold_of(session).map(|hold| hold.id);
        let wish = Wish {
            quantity: random.random_range(1..=4),
            together: random.random_bool(0.6),
            categories: random.random_bool(0.3).then(|| vec![random.random_range(0..2)]),
            sections: random.random_bool(0.3).then(|| vec![0]),
            areas: None,
        };
        let first = random.random_range(0..28);
        let seats: Vec<u64> = (first..first + random.random_range(1..=3)).collect();
        let command = match (random.random_range(0..40), own) {
            (0..=9, None) => Command::Join { session, wish },
            (0..=11, Some(_)) => Command::Accept { session },
            (12, _) => Command::Leave { session },
            (13, _) => Command::Decline { session },
            (14, _) => Command::Block { seats },
            (15, _) => Command::Unblock { seats },
            (16..=20, Some(hold)) => Command::Release { session, hold },
            (21..=24, Some(hold)) => Command::Change { session, hold, seats },
            (25..=28, Some(hold)) => Command::Buy { session, hold, purchase: purchase(true) },
            (26..=28, _) => Command::HoldBest { session, wish },
            _ => Command::Hold { session, seats },
        };
        let lapsing = show.ended_at(now).next().map(|hold| Command::Lapse { hold });
        house.run(node, &lapsing.unwrap_or(command), now).await;
        // Mostly what follows is proposed by who caused it; now and then it is left to the other.
        while random.random_bool(0.9)
            && let Some(command) = house.nodes[node].show.follow_ups(now, 1).first()
        {
            house.run(node, command, now).await;
        }
    }
    for node in [0, 1] {
        house.append(node, &[]).await;
    }
}

#[tokio::test]
async fn a_house_in_which_people_wait_passes_and_everything_is_counted() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let mut house = House::new(log.clone(), "Hamlet").await;
    crowded(&mut house, 1, 4_000).await;
    let Verdict::Kept(found) = audit::verify(log).await.expect("a verdict") else {
        panic!("{:?}", house.verified().await);
    };
    let counted = &house.counted;
    assert!(counted.joins > 50 && counted.offers > 50 && counted.accepted > 10, "{counted:?}");
    assert!(counted.dismissed > 10 && found.looked_down_the_line > 500, "{found:?}");
    let (late, looked_down_the_line) = (0, 0);
    let found = Tally { late, looked_down_the_line, shows: 0, ..found };
    assert_eq!(found, house.counted);
}

#[tokio::test]
async fn a_log_of_shows_alone_can_be_verified_too() {
    let mut house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
    busy(&mut house, 3, 500).await;
    let alone = MemoryLog::new();
    let genesis = house.log.genesis(&house.stream).await.expect("a genesis");
    let known = Known::nothing(genesis.lives.now());
    alone.create(&house.stream, genesis).await.expect("a stream");
    let all = house.log.read(&house.stream, 0, usize::MAX).await.expect("a stream");
    let all = all.into_iter().map(|entry| entry.bytes).collect();
    alone.append(&house.stream, known, all).await.expect("an append");
    let verdict = audit::verify(Arc::new(alone)).await.expect("a verdict");
    let Verdict::Kept(found) = verdict else { panic!("{verdict:?}") };
    assert_eq!((found.entries, found.totals), (house.counted.entries, 0));
}

/// The state `node` has, as the log would keep it.
fn snapshot_of(node: &Node) -> Snapshot {
    Snapshot {
        known: node.known(),
        chain: Chain(node.head.chain),
        bytes: node.show.to_snapshot().into(),
    }
}

/// A house with a snapshot in the middle of its log, changed by `forge`.
async fn verified_with_snapshot(forge: fn(&mut Snapshot)) -> Verdict {
    let mut house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
    busy(&mut house, 4, 300).await;
    let mut snapshot = snapshot_of(&house.nodes[0]);
    forge(&mut snapshot);
    house.log.save_snapshot(&house.stream, snapshot).await.expect("a snapshot");
    busy(&mut house, 5, 300).await;
    house.verified().await
}

#[tokio::test]
async fn a_snapshot_must_be_what_a_replay_comes_to() {
    let verdict = verified_with_snapshot(|_| {}).await;
    let Verdict::Kept(found) = verdict else { panic!("{verdict:?}") };
    assert_eq!(found.snapshots, 1);

    let broken = |verdict| match verdict {
        Verdict::Broken(Break { what, .. }) => what,
        Verdict::Kept(_) => panic!("a forged snapshot was passed"),
    };
    let other_state = verified_with_snapshot(|snapshot| {
        let mut bytes = snapshot.bytes.to_vec();
        bytes[40] ^= 1;
        snapshot.bytes = bytes.into();
    });
    let what = broken(other_state.await);
    assert!(what.ends_with("the snapshot is not what a replay comes to"), "{what}");
    let other_chain = verified_with_snapshot(|snapshot| snapshot.chain.0[0] ^= 1);
    let what = broken(other_chain.await);
    assert!(what.ends_with("the snapshot was made after other entries"), "{what}");
    // One of another version of the program says nothing, and so is not held against the house.
    let other_version = verified_with_snapshot(|snapshot| {
        snapshot.bytes = Bytes::from_static(&[0xff, 1, 2, 3]);
    });
    let verdict = other_version.await;
    let Verdict::Kept(found) = verdict else { panic!("{verdict:?}") };
    assert_eq!(found.snapshots, 0);
}

fn holding(seats: &[u32], lasts_ms: u64) -> Fact {
    Fact::SeatsHeld {
        hold: HoldId(Uuid::from_u128(77)),
        session: session(77),
        seats: seats.iter().map(|seat| Seat(*seat)).collect(),
        expires_at: NOW.plus_ms(lasts_ms),
    }
}

fn buying(amount: u64, definition: &Definition) -> [Fact; 2] {
    let hold = HoldId(Uuid::from_u128(77));
    let total = Money { amount, currency: definition.currency };
    let payment = Payment { id: "test_1".to_owned(), state: PaymentState::Captured };
    let (key, order) = ("mine".to_owned(), OrderId(Uuid::from_u128(78)));
    let sale = Sale { hold, attempt: 1, order, key, total, payment, customer: None };
    let pinned_until = NOW.plus_ms(definition.policy.pay_ms);
    let begun = Fact::PaymentBegun { hold, attempt: 1, pinned_until, seats: None };
    [begun, Fact::SeatsSold(Box::new(sale))]
}

/// What is put into the log of a show.
type Facts = fn(&Definition) -> Vec<Fact>;

fn waiting(quantity: u32, wait_ms: u64) -> Fact {
    let (categories, sections, areas) = (None, None, None);
    let wish = Wish { quantity, categories, sections, areas, together: false };
    let (ticket, session) = (TicketId(Uuid::from_u128(5)), session(1));
    Fact::TicketTaken(Box::new(Joining { ticket, session, until: NOW.plus_ms(wait_ms), wish }))
}

/// The first seat of the house, which is kept for that ticket.
fn offering(offer_ms: u64) -> Fact {
    let (ticket, hold) = (TicketId(Uuid::from_u128(5)), HoldId(Uuid::from_u128(1)));
    Fact::SeatsOffered { ticket, hold, seats: [Seat(0)].into(), expires_at: NOW.plus_ms(offer_ms) }
}

#[tokio::test]
async fn a_log_in_which_people_wait_cannot_be_judged_without_its_hall() {
    let mut house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
    let facts = [waiting(1, 3_600_000), offering(120_000)];
    house.append(0, &facts.map(|fact| Entry { time: NOW, fact })).await;
    let verdict = house.verified().await;
    assert!(matches!(verdict, Verdict::Kept(_)), "{verdict:?}");
    let alone = MemoryLog::new();
    let genesis = house.log.genesis(&house.stream).await.expect("a genesis");
    let known = Known::nothing(genesis.lives.now());
    alone.create(&house.stream, genesis).await.expect("a stream");
    let all = house.log.read(&house.stream, 0, usize::MAX).await.expect("a stream");
    let all = all.into_iter().map(|entry| entry.bytes).collect();
    alone.append(&house.stream, known, all).await.expect("an append");
    let verdict = audit::verify(Arc::new(alone)).await.expect("a verdict");
    let Verdict::Broken(broken) = verdict else { panic!("{verdict:?}") };
    assert!(broken.what.starts_with("entry 1: somebody waits"), "{broken}");
}

#[tokio::test]
async fn what_no_box_office_may_propose_is_found_and_named() {
    let price = 1_000;
    let table: [(Facts, &str); 7] = [
        (
            |_| vec![holding(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 300_000)],
            "entry 1: 11 seats, where 10 are the most",
        ),
        (|_| vec![holding(&[0], 900_000)], "entry 1: the hold lasts 900000 ms, not 300000"),
        (|_| vec![holding(&[0], 1_000)], "entry 1: the hold lasts 1000 ms, not 300000"),
        (
            |definition| [vec![holding(&[0], 300_000)], buying(1, definition).into()].concat(),
            "entry 3: 1 EUR was paid for seats of 100",
        ),
        (|_| vec![waiting(11, 3_600_000)], "entry 1: a party of 11"),
        (|_| vec![waiting(1, 1_000)], "entry 1: the ticket lasts 1000 ms, not 3600000"),
        (
            |_| vec![waiting(1, 3_600_000), offering(600_000)],
            "entry 2: the offer lasts 600000 ms, not 120000",
        ),
    ];
    for (facts, expected) in table {
        let mut house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
        let facts = facts(&house.definition);
        let entries: Vec<_> = facts.into_iter().map(|fact| Entry { time: NOW, fact }).collect();
        house.append(0, &entries).await;
        let Verdict::Broken(broken) = house.verified().await else {
            panic!("passed: {expected}");
        };
        assert_eq!(broken.stream, format!("show {}", house.definition.id));
        assert!(broken.what.starts_with(expected), "{broken}");
    }
    // The same, as it should be, passes.
    let mut house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
    let category = house.floor.category_of(Seat(0)).expect("a category");
    let sold = buying(price + u64::from(category), &house.definition);
    let facts = [vec![holding(&[0], 300_000)], sold.into()].concat();
    let entries: Vec<_> = facts.into_iter().map(|fact| Entry { time: NOW, fact }).collect();
    house.append(0, &entries).await;
    let verdict = house.verified().await;
    assert!(matches!(verdict, Verdict::Kept(_)), "{verdict:?}");
}

/// All seats but these are taken off sale, and one session holds the first of them.
fn left_only(left: &[u32], definition: &Definition) -> Vec<Fact> {
    let seats = (0..definition.seats).filter(|seat| !left.contains(seat)).map(Seat).collect();
    vec![Fact::SeatsBlocked { seats }, holding(&left[..1], 300_000)]
}

/// The held seat is bought.
fn bought(house: &House) -> [Fact; 2] {
    let category = house.floor.category_of(Seat(0)).expect("a category");
    buying(1_000 + u64::from(category), &house.definition)
}

fn dismissing(reason: CloseReason) -> Fact {
    Fact::TicketClosed { ticket: TicketId(Uuid::from_u128(5)), reason }
}

/// What the audit finds after these facts at the beginning, `turns` more that change nothing, a
/// tenth of a second after one another and the first at `at_ms`, then `last`, and thirty more.
async fn found_after(
    before: impl Fn(&House) -> Vec<Fact>,
    (at_ms, turns): (u64, u64),
    last: Fact,
) -> Result<(), String> {
    let mut house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
    let nothing = || Fact::HoldReleased { hold: HoldId(Uuid::from_u128(999)) };
    let mut entries: Vec<Entry> =
        before(&house).into_iter().map(|fact| Entry { time: NOW, fact }).collect();
    let at = |turn: u64| NOW.plus_ms(at_ms + turn * 100);
    entries.extend((0..turns).map(|turn| Entry { time: at(turn), fact: nothing() }));
    entries.push(Entry { time: at(turns), fact: last });
    entries.extend((1..=30).map(|turn| Entry { time: at(turns + turn), fact: nothing() }));
    house.append(0, &entries).await;
    match house.verified().await {
        Verdict::Kept(_) => Ok(()),
        Verdict::Broken(broken) => Err(broken.what),
    }
}

#[tokio::test]
async fn who_waits_in_vain_and_is_not_told_so_is_found_and_named() {
    let ticket = TicketId(Uuid::from_u128(5));
    let sold_out = |house: &House| {
        let waits = [waiting(1, 3_600_000)];
        let before = left_only(&[0], &house.definition);
        [before, waits.into(), bought(house).into()].concat()
    };
    let apart = |house: &House| {
        let Fact::TicketTaken(mut two) = waiting(2, 3_600_000) else { unreachable!() };
        two.wish.together = true;
        let before = left_only(&[0, 1, 5], &house.definition);
        [before, vec![Fact::TicketTaken(two)], bought(house).into()].concat()
    };
    let waits =
        |house: &House| [left_only(&[0], &house.definition), vec![waiting(1, 3_600_000)]].concat();
    let whole = |_: &House| vec![waiting(1, 3_600_000)];
    let lasts = 3_600_000;
    let nothing = || Fact::HoldReleased { hold: HoldId(Uuid::from_u128(999)) };
    type Before<'a> = &'a dyn Fn(&House) -> Vec<Fact>;
    let table: [(Before<'_>, u64, Fact, &str); 4] = [
        (&sold_out, 0, dismissing(CloseReason::SoldOut), "waits in vain, and is not told so"),
        (&apart, 0, Fact::TicketParted { ticket }, "waits in vain, and is not told so"),
        (&waits, lasts, dismissing(CloseReason::Timeout), "waits longer than anybody may"),
        (&whole, 0, dismissing(CloseReason::Left), "is not offered the seats it has"),
    ];
    for (before, at_ms, follows, expected) in table {
        let found = found_after(before, (at_ms, 0), nothing()).await;
        let what = found.expect_err(expected);
        assert!(what.contains(expected), "{what}");
        // What follows a little later, because another node was just writing, is in time; after more
        // than a second and more than sixteen turns it is not.
        let followed = |turns| found_after(before, (at_ms, turns), follows.clone());
        if !matches!(follows, Fact::TicketParted { .. }) {
            assert_eq!(followed(0).await, Ok(()), "{expected}");
            assert_eq!(followed(12).await, Ok(()), "{expected}");
        } else {
            // It is whole, and offered its seats next, which nobody does here.
            let what = followed(0).await.expect_err("no offer");
            assert!(what.contains("is not offered the seats it has"), "{what}");
        }
        assert!(followed(20).await.expect_err(expected).contains(expected));
    }
    // A house that is dead for an hour between the sale and what follows from it kept its promise.
    let late = found_after(sold_out, (3_000_000, 0), dismissing(CloseReason::SoldOut)).await;
    assert_eq!(late, Ok(()));
}

#[tokio::test]
async fn who_still_waits_when_the_show_has_begun_is_found_and_named() {
    let mut house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
    let starts_at = house.definition.starts_at;
    let joined = Time(starts_at.0 - 1_000);
    let Fact::TicketTaken(mut joining) = waiting(1, 0) else { unreachable!() };
    joining.until = joined.plus_ms(3_600_000);
    let before = left_only(&[0], &house.definition).into_iter();
    let before = before.map(|fact| Entry { time: NOW, fact });
    let joins = Entry { time: joined, fact: Fact::TicketTaken(joining) };
    let nothing = Fact::HoldReleased { hold: HoldId(Uuid::from_u128(999)) };
    let turns = (0..30).map(|turn| starts_at.plus_ms(turn * 100));
    let turns = turns.map(|time| Entry { time, fact: nothing.clone() });
    let entries: Vec<Entry> = before.chain([joins]).chain(turns).collect();
    house.append(0, &entries).await;
    let Verdict::Broken(broken) = house.verified().await else { panic!("passed") };
    assert!(broken.what.ends_with("still waits, and the show has begun"), "{broken}");
}

#[tokio::test]
async fn what_is_no_entry_and_what_is_no_show_is_named() {
    let house = House::new(Arc::new(MemoryLog::new()), "Hamlet").await;
    let known = Known::nothing(house.nodes[0].head.epoch);
    let bytes = vec![Bytes::from_static(&[1, 200, 0])];
    house.log.append(&house.stream, known, bytes).await.expect("an append");
    let Verdict::Broken(broken) = house.verified().await else { panic!("passed") };
    let id = &house.definition.id;
    let sentence = format!("show {id}: entry 1: cannot be read: kind 200 is unknown");
    assert_eq!(broken.to_string(), sentence);

    let log = MemoryLog::new();
    let lear = StreamId::show(&ShowId::parse("lear").expect("a show's name"));
    let genesis = house.log.genesis(&house.stream).await.expect("a genesis");
    log.create(&lear, genesis).await.expect("a stream");
    let verdict = audit::verify(Arc::new(log)).await.expect("a verdict");
    let Verdict::Broken(broken) = verdict else { panic!("passed") };
    assert_eq!(broken.to_string(), format!("show lear: it is defined as show {id}"));
}

#[tokio::test]
async fn damage_in_the_file_is_named_also_beside_a_running_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.sqlite");
    let log: Arc<dyn Log> = Arc::new(SqliteLog::open(&path).expect("a log"));
    let mut house = House::new(log, "Hamlet").await;
    busy(&mut house, 6, 300).await;

    let beside = audit::open_log(folder.path()).expect("the log, beside its owner");
    let Verdict::Kept(found) = audit::verify(beside.clone()).await.expect("a verdict") else {
        panic!("an honest house was found to be broken");
    };
    assert_eq!(found.entries, house.counted.entries);

    let damage = "UPDATE pages SET entries = CAST(entries || x'00' AS BLOB)
                  WHERE last_seq >= 17 AND stream_id = 2";
    let file = rusqlite::Connection::open(&path).expect("the file");
    assert!(file.execute(damage, []).expect("damage") > 10);
    let Verdict::Broken(broken) = audit::verify(beside).await.expect("a verdict") else {
        panic!("damage was passed");
    };
    // The page with entry 17 may begin with 16: a purchase is two entries appended as one.
    let id = &house.definition.id;
    let places = [16, 17].map(|seq| format!("show {id}: stream {id}, entry {seq}: "));
    assert!(places.iter().any(|place| broken.to_string().starts_with(place)), "{broken}");
}

#[tokio::test]
async fn a_log_that_lost_its_tail_is_found_by_its_snapshot() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.sqlite");
    let log: Arc<dyn Log> = Arc::new(SqliteLog::open(&path).expect("a log"));
    let mut house = House::new(log, "Hamlet").await;
    busy(&mut house, 7, 100).await;
    let snapshot = snapshot_of(&house.nodes[0]);
    let seq = snapshot.known.position.seq;
    house.log.save_snapshot(&house.stream, snapshot).await.expect("a snapshot");
    let lost = "DELETE FROM pages WHERE stream_id = 2 AND last_seq > 5";
    let file = rusqlite::Connection::open(&path).expect("the file");
    assert!(file.execute(lost, []).expect("a loss") > 10);
    let Verdict::Broken(broken) = house.verified().await else { panic!("a loss was passed") };
    let found = format!("entry {seq}: there is a snapshot of it, but the log ends at ");
    assert!(broken.what.starts_with(&found), "{broken}");
}
