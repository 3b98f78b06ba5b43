//! The program itself, killed without warning: whatever it acknowledged is there when it comes back.
//!
//! The real binary runs under load from several buyers. Each of them keeps a journal of what was
//! acknowledged, and of the one thing that was asked and not answered when the program died: that
//! may have happened or not, nothing else may be in doubt.

pub(crate) mod journal;
mod waiting;
mod waiting_room;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use usher::client::{Buyer, Viewer};
use usher::protocol::rpc::Card;
use usher::protocol::seats::Format;
use usher::show::SeatState;

use crate::program::{self, Program, verify};
use journal::{Asked, Journal};

/// How often the program is killed.
const ROUNDS: u64 = 10;
/// Buyers at once.
const BUYERS: usize = 6;
/// Seats of the show: enough that it is not sold out in the end.
const SEATS: u32 = 2_000;

/// From `USHER_SEED`, or another each time; told, so that a failure can be repeated.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("USHER_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| rand::rng().random());
    eprintln!("USHER_SEED={seed}");
    seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_is_there_after_a_kill() {
    let mut random = StdRng::seed_from_u64(seed());
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path());
    let show = program.a_show(SEATS, json!({})).await;
    let mut journals = vec![Journal::default(); BUYERS];
    for round in 0..ROUNDS {
        let acknowledged = Arc::new(AtomicU64::new(0));
        let buyers: Vec<_> = journals
            .drain(..)
            .map(|journal| {
                let seed = random.random();
                let trip = shop(program.house(), show.clone(), journal, seed, acknowledged.clone());
                tokio::spawn(trip)
            })
            .collect();
        // At a random moment, told by what happened and not by a clock.
        let enough = random.random_range(30..400);
        while acknowledged.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Beside the server at its busiest: it only reads, and finds every promise kept so far.
        let data = folder.path().to_owned();
        let beside = tokio::task::spawn_blocking(move || verify(&data)).await;
        let (code, said) = beside.expect("it runs");
        assert_eq!(code, Some(0), "beside the busy server, round {round}: {said}");
        let mut viewer = Viewer::follow(&program.house(), &show, Format::Binary).await.ok();
        program.kill();
        for buyer in buyers {
            journals.push(buyer.await.expect("a buyer's end"));
        }
        program = Program::start(folder.path());
        check(&program, &show, &mut journals, round).await;
        if let Some(viewer) = viewer.take() {
            resume(&program, &show, viewer).await;
        }
    }
    program.kill();
    let (code, said) = verify(folder.path());
    assert_eq!(code, Some(0), "with nobody there: {said}");
    let sold: usize = journals.iter().map(|journal| journal.orders.len()).sum();
    assert!(sold > 0, "nobody bought anything, so nothing was proven");
    assert!(said.contains(&format!(" seats in {sold} orders")), "{sold} orders, but {said}");
}

/// Asks for this and that until the program is gone; gives back what is known then.
async fn shop(
    house: usher::client::House,
    show: usher::show::ShowId,
    mut journal: Journal,
    seed: u64,
    acknowledged: Arc<AtomicU64>,
) -> Journal {
    let mut random = StdRng::seed_from_u64(seed);
    let connected = Buyer::connect(&house, &show, Format::Binary, None).await;
    let mut buyer = connected.expect("a socket");
    let Ok(known) = buyer.identify(journal.session.as_deref()).await else { return journal };
    journal.session = Some(known.session);
    loop {
        let asked = journal.next(&mut random, SEATS);
        journal.under_way = Some(asked.clone());
        let answer = match &asked {
            Asked::Hold { seats } => buyer.hold(seats).await.map(|held| {
                journal.hold = Some(held.hold);
            }),
            Asked::Change { hold, seats } => buyer.change(*hold, seats).await.map(|held| {
                journal.hold = Some(held.hold);
            }),
            Asked::Release { hold } => buyer.release(*hold).await.map(|_| {
                journal.hold = None;
            }),
            Asked::Buy { hold } => buyer.buy(*hold, Card::Approved, None).await.map(|bought| {
                journal.hold = None;
                journal.orders.push(bought.order);
            }),
        };
        match answer {
            Ok(()) => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) if error.refusal() == Some("seats_taken") => {}
            Err(error) => {
                assert!(!error.is_breach() && error.refusal().is_none(), "{asked:?}: {error}");
                return journal;
            }
        }
        journal.under_way = None;
    }
}

/// Holds every journal against what the program knows, and all of them against the map.
async fn check(
    program: &Program,
    show: &usher::show::ShowId,
    journals: &mut [Journal],
    round: u64,
) {
    let (mut held, mut sold) = (Vec::new(), Vec::new());
    for journal in journals {
        let Some(session) = journal.session.clone() else { continue };
        let connected = Buyer::connect(&program.house(), show, Format::Binary, None).await;
        let known = connected.expect("a socket").identify(Some(&session)).await;
        let known = known.expect("its session is still good");
        if let Err(why) = journal.agree(&known) {
            panic!("round {round}: {why}\n{journal:#?}\n{known:#?}");
        }
        held.extend(known.holds.iter().flat_map(|hold| hold.seats.clone()));
        sold.extend(known.orders.iter().flat_map(|order| order.seats.clone()));
    }
    // Nobody else buys here: what is not theirs is free, and what is theirs is theirs alone.
    let picture = program.house().seats(show).await.expect("a snapshot");
    for (state, mut seats) in [(SeatState::Held, held), (SeatState::Sold, sold)] {
        seats.sort_unstable();
        let seats: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
        let shown: Vec<u32> =
            (0..picture.seats()).filter(|seat| picture.state(*seat) == state).collect();
        assert_eq!(shown, seats, "{state:?} in round {round}");
    }
}

/// A viewer of the program that died goes on with the next: no gap, the same picture.
async fn resume(program: &Program, show: &usher::show::ShowId, viewer: Viewer) {
    let known = viewer.into_picture();
    let again = Viewer::connect(&program.house(), show, Format::Binary, known).await;
    let mut again = again.expect("a socket");
    let asked = program.house().seats(show).await.expect("a snapshot");
    again.next().await.expect("a first frame");
    while again.picture().is_none_or(|seen| seen.seq() < asked.seq()) {
        again.next().await.expect("no gap");
    }
    assert_eq!(again.picture(), Some(&asked));
    assert_eq!(again.counters().snapshots, 0, "the log tells exactly what was missed");
}

#[tokio::test]
async fn a_hold_whose_time_passed_while_the_program_was_dead_lapses_when_it_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path());
    let show = program.a_show(10, json!({"hold_ms": 1_000, "grace_ms": 0})).await;
    let connected = Buyer::connect(&program.house(), &show, Format::Json, None).await;
    let mut buyer = connected.expect("a socket");
    let session = buyer.identify(None).await.expect("identified").session;
    let held = buyer.hold(&[3, 4]).await.expect("held");
    program.kill();
    let left = held.hold.expires_at.ms_since(held.now);
    tokio::time::sleep(Duration::from_millis(left)).await;

    program = Program::start(folder.path());
    let viewer = Viewer::follow(&program.house(), &show, Format::Binary).await;
    let mut viewer = viewer.expect("a first frame");
    while viewer.picture().is_none_or(|seen| seen.counts() != [10, 0, 0, 0]) {
        viewer.next().await.expect("the seats come free");
    }
    let connected = Buyer::connect(&program.house(), &show, Format::Json, None).await;
    let mut buyer = connected.expect("a socket");
    let known = buyer.identify(Some(&session)).await.expect("identified");
    assert_eq!(known.holds, []);
    let late = buyer.buy(held.hold.id, Card::Approved, None).await.expect_err("too late");
    assert_eq!(late.refusal(), Some("hold_expired"));
}

#[tokio::test]
async fn a_program_that_is_told_to_stop_tells_everybody_and_ends_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path());
    let show = program.a_show(10, json!({})).await;
    let connected = Buyer::connect(&program.house(), &show, Format::Json, None).await;
    let mut buyer = connected.expect("a socket");
    let session = buyer.identify(None).await.expect("identified").session;
    let held = buyer.hold(&[3, 4]).await.expect("held");
    program.terminate();
    let told = buyer.notice().await.expect("a word before the close");
    let told = serde_json::to_value(told).expect("JSON");
    assert_eq!(told["method"], "server.draining");
    let closed = loop {
        if let Err(closed) = buyer.next().await {
            break closed;
        }
    };
    assert!(matches!(closed, usher::client::ClientError::Closed { code: 1001, .. }), "{closed}");
    drop(buyer);
    assert_eq!(program.ended(), Some(0));

    let program = Program::start(folder.path());
    let connected = Buyer::connect(&program.house(), &show, Format::Json, None).await;
    let known = connected.expect("a socket").identify(Some(&session)).await.expect("identified");
    assert_eq!(known.holds, [held.hold]);
}

#[tokio::test]
async fn a_second_program_on_the_same_data_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Program::start(folder.path());
    let (code, out, errors) = program::run(&program::serve(folder.path()));
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.is_empty(), "{out}");
    let sentences: Vec<&str> = errors.lines().collect();
    assert_eq!(sentences.len(), 1, "{errors}");
    assert!(sentences[0].contains("another usher"), "{errors}");
    // The first is none the worse for it.
    first.house().shows().await.expect("it answers");
}

#[tokio::test]
async fn one_letter_changed_in_the_log_is_found_and_named() {
    const NAME: &[u8] = b"Ophelia of the flipped letter";
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path());
    let show = program.a_show(10, json!({})).await;
    let connected = Buyer::connect(&program.house(), &show, Format::Json, None).await;
    let mut buyer = connected.expect("a socket");
    buyer.identify(None).await.expect("identified");
    let held = buyer.hold(&[3]).await.expect("held");
    let customer = json!({"name": std::str::from_utf8(NAME).expect("text"), "email": "o@x.org"});
    let params = json!({"hold": held.hold.id, "payment": {"method": "test"}, "customer": customer});
    let bought: Value = buyer.call("buy", &params).await.expect("bought");
    let seq = bought["seq"].as_u64().expect("a position");
    // Something after it, so that it is not the end that is damaged.
    buyer.hold(&[4]).await.expect("held");
    drop(buyer);
    program.terminate();
    assert_eq!(program.ended(), Some(0));
    assert_eq!(verify(folder.path()).0, Some(0));

    let file = folder.path().join(usher::log::sqlite::FILE_NAME);
    let bytes = std::fs::read(&file).expect("the log");
    let places: Vec<usize> =
        (0..bytes.len() - NAME.len()).filter(|at| bytes[*at..].starts_with(NAME)).collect();
    // In the entry, and in the snapshot that was saved at the end.
    assert!(!places.is_empty(), "the name is in the log, in letters");
    let mut breaks = Vec::new();
    for at in places {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&file, damaged).expect("written");
        let (code, said) = verify(folder.path());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.starts_with("BROKEN") && said.contains(show.as_str()), "{said}");
        breaks.push(said);
    }
    let named =
        breaks.iter().any(|said| (1..=seq).any(|seq| said.contains(&format!("entry {seq}:"))));
    assert!(named, "none of these names the entry of the sale, {seq} or before: {breaks:#?}");
    std::fs::write(&file, bytes).expect("written");
    assert_eq!(verify(folder.path()).0, Some(0));
}
