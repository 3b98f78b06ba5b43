//! The core on one thread: proposing and applying, and the first frame of a large house.
//! `cargo bench --bench core`. The bounds of the design: a million holds a second, a snapshot frame of
//! 60,000 seats within 20 µs; settling a release while ten thousand wait within 100 µs; an audit of
//! 100,000 entries within seconds.

use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use usher::audit::{self, Verdict};
use usher::catalogue::{Catalogue, NewShow};
use usher::hall::{Floor, Hall, HallId, Seat, stadium};
use usher::log::memory::MemoryLog;
use usher::log::{Known, Log, StreamId};
use usher::protocol::seats::{Format, encode_snapshot};
use usher::protocol::two_bits;
use usher::show::{
    Asked, Command, Currency, Definition, Entry, Fact, Head, HoldId, Joining, OrderId, Outcome,
    Payment, PaymentState, Policy, Proposal, Sale, SessionId, Show, ShowId, TicketId, Time, Wish,
    propose,
};
use uuid::Uuid;

/// How many holds of two seats one round grants: half of the house.
const HOLDS: u32 = 15_000;

fn main() {
    divan::main();
}

fn empty_show() -> Show {
    let hall: Hall = stadium();
    let definition = Definition {
        id: ShowId::parse("bench").expect("a show's name"),
        title: "Bench".to_owned(),
        hall: HallId("bench".to_owned()),
        seats: hall.seats(),
        starts_at: Time(u64::MAX),
        on_sale_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        prices: vec![1_000; hall.categories.len()],
        policy: Policy::default(),
        draw_secret: None,
    };
    Show::new(Arc::new(definition), Arc::new(Floor::new(&hall)))
}

/// Two seats for each of many sessions, all over the house.
fn commands() -> Vec<Command> {
    let seats = |hold: u64| {
        let first = (hold * 7_919 % 30_000) * 2;
        vec![first, first + 1]
    };
    let session = |hold: u64| SessionId(Uuid::from_u128(u128::from(hold)));
    (0..u64::from(HOLDS))
        .map(|hold| Command::Hold { session: session(hold + 1), seats: seats(hold) })
        .collect()
}

fn head(seq: u64) -> Head {
    Head { epoch: 1, seq, chain: [0; 32] }
}

#[divan::bench]
fn propose_and_apply_holds(bencher: Bencher<'_, '_>) {
    let commands = commands();
    bencher
        .counter(ItemsCount::new(HOLDS))
        .with_inputs(|| (empty_show_once().clone(), Vec::with_capacity(8)))
        .bench_local_refs(|(show, changes)| {
            let mut asked = Asked::new(show.definition().seats);
            for (command, number) in commands.iter().zip(1..) {
                // A batch of 64 each: what is proposed together is applied together.
                if number % 64 == 1 {
                    asked.clear();
                }
                let fresh = Uuid::from_u128(number);
                let proposed = propose(show, &mut asked, command, Time(1), fresh);
                let Ok(Proposal::Append(entries)) = proposed else { panic!("{proposed:?}") };
                changes.clear();
                let outcome = show.apply(head(number as u64), &entries[0], changes);
                assert_ne!(outcome, Outcome::Void);
            }
        });
}

#[divan::bench]
fn an_entry_to_bytes_and_back(bencher: Bencher<'_, '_>) {
    let show = empty_show_once();
    let mut asked = Asked::new(show.definition().seats);
    let proposed = propose(show, &mut asked, &commands()[0], Time(1), Uuid::from_u128(1));
    let Ok(Proposal::Append(entries)) = proposed else { panic!("{proposed:?}") };
    bencher.bench_local(|| Entry::from_bytes(&entries[0].to_bytes()).expect("an entry"));
}

#[divan::bench]
fn a_snapshot_frame_of_60_000_seats_from_the_show(bencher: Bencher<'_, '_>) {
    let show = half_held();
    bencher.bench_local(|| {
        let two_bits = two_bits::of_sets(show.held(), show.sold(), show.blocked());
        encode_snapshot(Format::Binary, 1, 30_000, show.definition().seats, &two_bits)
    });
}

#[divan::bench]
fn a_refusal_of_seats_that_are_gone(bencher: Bencher<'_, '_>) {
    let show = half_held();
    let taken = show.held().iter().next().unwrap_or(Seat(0));
    let session = SessionId(Uuid::from_u128(u128::MAX));
    let command = Command::Hold { session, seats: vec![u64::from(taken.0)] };
    bencher.bench_local(|| {
        propose(&show, &mut Asked::nothing(), &command, Time(1), Uuid::nil()).expect_err("taken")
    });
}

/// How many wait in a house of which every seat is held, two by two.
const WAITERS: u32 = 10_000;

/// Hold `number`, of seats `2 * number` and the next, is released, and what follows is done: the seats
/// are kept, and offered to whom they make whole.
#[divan::bench(sample_count = 50, sample_size = 1, args = CROWDS)]
fn a_release_and_its_offer_with_10_000_waiting(bencher: Bencher<'_, '_>, crowd: &str) {
    bencher.with_inputs(|| crowded_once(crowd).clone()).bench_local_refs(|show| {
        let hold = HoldId(Uuid::from_u128(1 + 9_999));
        let released = Entry { time: Time(1), fact: Fact::HoldReleased { hold } };
        let changes = &mut Vec::new();
        assert_ne!(show.apply(head(1_000_000), &released, changes), Outcome::Void);
        let follows = show.follow_ups(Time(1), 1_024);
        assert!(!follows.is_empty(), "somebody is offered these seats");
        let mut asked = Asked::nothing();
        for (command, fresh) in follows.iter().zip(1 << 100..) {
            let proposed = propose(show, &mut asked, command, Time(1), Uuid::from_u128(fresh));
            let Ok(Proposal::Append(entries)) = proposed else { panic!("{proposed:?}") };
            assert_ne!(show.apply(head(1_000_001), &entries[0], changes), Outcome::Void);
        }
    });
}

/// A sale, and the look for those who could never be seated any more.
#[divan::bench(sample_count = 50, sample_size = 1, args = CROWDS)]
fn a_sale_with_10_000_waiting(bencher: Bencher<'_, '_>, crowd: &str) {
    bencher.with_inputs(|| crowded_once(crowd).clone()).bench_local_refs(|show| {
        let hold = HoldId(Uuid::from_u128(1 + 9_999));
        let payment = Payment { id: String::new(), state: PaymentState::Captured };
        let sale = Sale {
            hold,
            attempt: 1,
            order: OrderId(hold.0),
            key: String::new(),
            total: show.total(&[]),
            payment,
            customer: None,
        };
        let begun = Fact::PaymentBegun { hold, attempt: 1, pinned_until: Time(2), seats: None };
        for (fact, seq) in [begun, Fact::SeatsSold(Box::new(sale))].into_iter().zip(1_000_000..) {
            let outcome = show.apply(head(seq), &Entry { time: Time(1), fact }, &mut Vec::new());
            assert_ne!(outcome, Outcome::Void);
        }
        assert_eq!(show.follow_ups(Time(1), 1_024), []);
    });
}

/// Who waits: people who mostly want what others want, or ten thousand of whom each wants something
/// else, which somebody would have to be at pains to bring about.
const CROWDS: [&str; 2] = ["of a few kinds", "each of its own kind"];

/// Some for anything, some for one of the sections, some for a category, some apart.
fn of_a_few_kinds(ticket: u32) -> Wish {
    Wish {
        quantity: ticket % 4 + 1,
        together: !ticket.is_multiple_of(5),
        categories: ticket.is_multiple_of(7).then(|| vec![0, 1]),
        sections: ticket.is_multiple_of(3).then(|| vec![(ticket / 3 % 10) as u16]),
        areas: None,
    }
}

/// Each with its own half of the first sixteen sections, and the rest of the house.
fn of_its_own_kind(ticket: u32, sections: u16) -> Wish {
    let half = (0..16).filter(|at| ticket >> at & 1 == 0);
    let sections = Some(half.chain(16..sections).collect());
    Wish { quantity: ticket % 4 + 1, together: true, categories: None, sections, areas: None }
}

/// Every seat is held, and ten thousand parties of one to four wait; a few seats are kept already.
fn crowded_once(crowd: &str) -> &'static Show {
    static SHOWS: [std::sync::OnceLock<Show>; 2] = [const { std::sync::OnceLock::new() }; 2];
    let is_odd = crowd == CROWDS[1];
    SHOWS[usize::from(is_odd)].get_or_init(|| {
        let (mut show, mut seq) = (empty_show(), 0);
        let seats = show.definition().seats;
        let sections = stadium().sections.len() as u16;
        let mut apply = |show: &mut Show, fact: Fact| {
            seq += 1;
            let outcome = show.apply(head(seq), &Entry { time: Time(1), fact }, &mut Vec::new());
            assert_ne!(outcome, Outcome::Void);
        };
        for hold in 0..seats.div_ceil(2) {
            let number = Uuid::from_u128(1 + u128::from(hold));
            let two = (hold * 2..(hold * 2 + 2).min(seats)).map(Seat).collect();
            let (hold, session) = (HoldId(number), SessionId(number));
            apply(&mut show, Fact::SeatsHeld { hold, session, seats: two, expires_at: Time(9) });
        }
        for ticket in 0..WAITERS {
            let number = Uuid::from_u128(1 << 64 | u128::from(ticket));
            let wish = match is_odd {
                true => of_its_own_kind(ticket, sections),
                false => of_a_few_kinds(ticket),
            };
            let (ticket, session) = (TicketId(number), SessionId(number));
            let joining = Joining { ticket, session, until: Time(u64::MAX), wish };
            apply(&mut show, Fact::TicketTaken(Box::new(joining)));
        }
        // There are sections without seats of these categories: who waits there waits in vain.
        while let [Command::Dismiss { ticket, reason }, ..] = show.follow_ups(Time(1), 1)[..] {
            apply(&mut show, Fact::TicketClosed { ticket, reason });
        }
        show
    })
}

/// How many entries the audit is given.
const AUDITED: usize = 100_000;

/// `usher verify` of an evening in the stadium on which a thousand wait all the time: two seats come
/// free, are offered and accepted, and somebody else joins.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn an_audit_of_100_000_entries_with_1_000_waiting(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let log = runtime.block_on(an_evening_of_waiting());
    bencher.counter(ItemsCount::new(AUDITED)).bench_local(|| {
        let verdict = runtime.block_on(audit::verify(log.clone())).expect("a verdict");
        let Verdict::Kept(tally) = verdict else { panic!("{verdict:?}") };
        assert!(tally.entries >= AUDITED as u64 && tally.accepted > 10_000, "{tally:?}");
    });
}

/// A show as it comes to be, and its entries.
struct Evening {
    show: Show,
    entries: Vec<Bytes>,
    now: Time,
    sections: u32,
}

impl Evening {
    fn enter(&mut self, fact: Fact) {
        let entry = Entry { time: self.now, fact };
        self.entries.push(Bytes::from(entry.to_bytes()));
        let head = head(self.entries.len() as u64);
        let outcome = self.show.apply(head, &entry, &mut Vec::new());
        assert_ne!(outcome, Outcome::Void, "{entry:?}");
    }

    /// From now on, as long as the show says.
    fn after(&self, ms: fn(&Policy) -> u64) -> Time {
        self.now.plus_ms(ms(&self.show.definition().policy))
    }

    fn hold(&mut self, number: u32) {
        let name = Uuid::from_u128(1 + u128::from(number));
        let (hold, session) = (HoldId(name), SessionId(name));
        let seats = [Seat(number * 2), Seat(number * 2 + 1)].into();
        let expires_at = self.after(|policy| policy.hold_ms);
        self.enter(Fact::SeatsHeld { hold, session, seats, expires_at });
    }

    fn join(&mut self, ticket: u32) {
        let number = Uuid::from_u128(1 << 64 | u128::from(ticket));
        // Every section in turn, so that nobody is left in line by whom seats come free seldom.
        let at = (ticket / 3 % self.sections) as u16;
        let sections = ticket.is_multiple_of(3).then(|| vec![at]);
        let wish = Wish { categories: None, sections, ..of_a_few_kinds(ticket) };
        let until = self.after(|policy| policy.wait_ms);
        let (ticket, session) = (TicketId(number), SessionId(number));
        self.enter(Fact::TicketTaken(Box::new(Joining { ticket, session, until, wish })));
    }

    /// What follows, and every offer is accepted.
    fn follow(&mut self) {
        for command in self.show.follow_ups(self.now, 1_024) {
            let fresh = Uuid::from_u128(1 << 100 | self.entries.len() as u128);
            let mut asked = Asked::nothing();
            let proposed = propose(&self.show, &mut asked, &command, self.now, fresh);
            let Ok(Proposal::Append(own)) = proposed else { panic!("{proposed:?}") };
            for Entry { fact, .. } in own {
                let offered = matches!(fact, Fact::SeatsOffered { .. });
                self.enter(fact);
                if offered {
                    let expires_at = self.after(|policy| policy.hold_ms);
                    self.enter(Fact::OfferAccepted { hold: HoldId(fresh), expires_at });
                }
            }
        }
    }
}

async fn an_evening_of_waiting() -> Arc<dyn Log> {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let catalogue = Catalogue::open(log.clone()).await.expect("a programme");
    let hall = catalogue.add_hall(stadium()).await.expect("a hall");
    let prices: serde_json::Map<_, _> =
        hall.hall.categories.iter().map(|of| (of.name.clone(), 1_000.into())).collect();
    let body = serde_json::json!({"hall": hall.id, "title": "Bench",
        "starts_at": 4_000_000_000_000u64, "currency": "EUR", "prices": prices});
    let show = NewShow::from_json(body.to_string().as_bytes()).expect("a show");
    let definition = catalogue.add_show(show).await.expect("a show");
    let mut evening = Evening {
        show: Show::new(definition.clone(), hall.floor.clone()),
        entries: Vec::new(),
        now: Time(1),
        sections: hall.hall.sections.len() as u32,
    };
    let holds = definition.seats / 2;
    (0..holds).for_each(|number| evening.hold(number));
    let mut joined = 0;
    // A walk that comes to every hold once.
    for released in (0..holds).map(|turn| turn * 7_919 % holds) {
        evening.now = evening.now.plus_ms(1);
        while evening.show.waiting() < 1_000 {
            evening.join(joined);
            joined += 1;
        }
        evening
            .enter(Fact::HoldReleased { hold: HoldId(Uuid::from_u128(1 + u128::from(released))) });
        evening.follow();
        if evening.entries.len() >= AUDITED {
            break;
        }
    }
    let stream = StreamId::show(&definition.id);
    let epoch = log.genesis(&stream).await.expect("a genesis").lives.now();
    log.append(&stream, Known::nothing(epoch), evening.entries).await.expect("an append");
    log
}

fn empty_show_once() -> &'static Show {
    static SHOW: std::sync::OnceLock<Show> = std::sync::OnceLock::new();
    SHOW.get_or_init(empty_show)
}

fn half_held() -> Show {
    let mut show = empty_show_once().clone();
    let mut asked = Asked::new(show.definition().seats);
    for (command, number) in commands().iter().zip(1..) {
        asked.clear();
        let proposed = propose(&show, &mut asked, command, Time(1), Uuid::from_u128(number));
        let Ok(Proposal::Append(entries)) = proposed else { panic!("{proposed:?}") };
        show.apply(head(number as u64), &entries[0], &mut Vec::new());
    }
    show
}
