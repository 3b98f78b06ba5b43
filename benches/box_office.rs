//! How many durable attempts a second one show carries, in the process: 64 closed-loop clients on
//! 50,000 seats, parties of 1 to 4 at random rows, 70 % bought and the rest released, from fresh to
//! 90 % sold, through SQLite with `synchronous=FULL`; and the same through the log in memory.
//!
//! An attempt is a hold that was asked for, granted or refused. `cargo bench --bench box_office`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use usher::box_office::{Answer, BoxOffices, Clock, OpenShow};
use usher::hall::{Category, Floor, Hall, HallId, Place, Row, Section, Size};
use usher::hub::{Hub, Settings};
use usher::log::memory::MemoryLog;
use usher::log::sqlite::SqliteLog;
use usher::log::{Genesis, Log, StreamId};
use usher::show::{
    Command, Currency, Decision, Definition, Payment, PaymentState, Policy, Purchase, SessionId,
    ShowId, Time,
};
use usher::tokens::Tokens;
use uuid::Uuid;

const CLIENTS: u64 = 64;
const ROWS: u32 = 1_000;
const SEATS_A_ROW: u32 = 50;
const SEATS: u32 = ROWS * SEATS_A_ROW;

/// 1,000 rows of 50.
fn hall() -> Hall {
    let place = |row: u32, seat: u32| Place {
        number: (seat + 1).to_string(),
        x: f64::from(seat * 25),
        y: f64::from(row * 25),
        category: 0,
    };
    let row = |row: u32| Row {
        label: (row + 1).to_string(),
        first: row * SEATS_A_ROW,
        gaps: Vec::new(),
        seats: (0..SEATS_A_ROW).map(|seat| place(row, seat)).collect(),
    };
    Hall {
        name: "Bench".to_owned(),
        categories: vec![Category { name: "All".to_owned(), color: "#808080".to_owned() }],
        sections: vec![Section { name: "House".to_owned(), rows: (0..ROWS).map(row).collect() }],
        areas: Vec::new(),
        decorations: Vec::new(),
        size: Size { width: 1_250.0, height: 25_000.0 },
    }
}

/// What the clients did.
#[derive(Default)]
struct Tally {
    attempts: AtomicU64,
    granted: AtomicU64,
    requests: AtomicU64,
    sold: AtomicU64,
}

/// One client: asks, waits, and asks again, until the house is 90 % sold.
async fn client(show: Arc<OpenShow>, tally: Arc<Tally>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let session = SessionId(Uuid::from_u128(u128::from(seed)));
    while tally.sold.load(Ordering::Relaxed) < u64::from(SEATS) * 9 / 10 {
        let party = random.random_range(1..=4);
        let row = random.random_range(0..ROWS);
        let first = row * SEATS_A_ROW + random.random_range(0..=SEATS_A_ROW - party);
        let seats = (first..first + party).map(u64::from).collect();
        tally.attempts.fetch_add(1, Ordering::Relaxed);
        let held = show.ask(Command::Hold { session, seats }, None).await;
        let Ok(Answer::Hold(hold)) = held.map(|reply| reply.answer) else { continue };
        tally.granted.fetch_add(1, Ordering::Relaxed);
        let buys = random.random_range(0..100) < 70;
        let next = if buys {
            let payment = Payment { id: "bench".to_owned(), state: PaymentState::Captured };
            let purchase = Purchase {
                key: hold.id.to_string(),
                payment: Decision::Approved(payment),
                customer: None,
            };
            Command::Buy { session, hold: hold.id, purchase: Box::new(purchase) }
        } else {
            Command::Release { session, hold: hold.id }
        };
        show.ask(next, None).await.expect("a hold that stands can be bought or released");
        tally.requests.fetch_add(1, Ordering::Relaxed);
        if buys {
            tally.sold.fetch_add(u64::from(party), Ordering::Relaxed);
        }
    }
}

async fn run(log: Arc<dyn Log>, hall: &Arc<Hall>, floor: &Arc<Floor>) -> (Arc<Tally>, Duration) {
    let id = ShowId::parse("bench").expect("a show's name");
    let definition = Definition {
        id: id.clone(),
        title: "Bench".to_owned(),
        hall: HallId("bench".to_owned()),
        seats: SEATS,
        starts_at: Time(u64::MAX),
        on_sale_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        prices: vec![1_000],
        policy: Policy::default(),
        draw_secret: None,
    };
    let bytes = serde_json::to_vec(&definition).expect("a definition is JSON").into();
    log.create(&StreamId::show(&id), Genesis::new(1, bytes)).await.expect("a new stream");
    let hub = Arc::new(Hub::start(&Settings::default()).expect("a hub"));
    let offices = BoxOffices::new(log, hub.clone(), Clock::of_the_wall(), Tokens::new([0; 32]));
    let show = offices.open(&id, hall.clone(), floor.clone()).await.expect("the show opens");
    let tally = Arc::new(Tally::default());
    let began = Instant::now();
    let clients: Vec<_> =
        (1..=CLIENTS).map(|seed| tokio::spawn(client(show.clone(), tally.clone(), seed))).collect();
    for client in clients {
        client.await.expect("a client ends well");
    }
    let took = began.elapsed();
    offices.stop().await;
    hub.stop();
    (tally, took)
}

fn report(name: &str, tally: &Tally, took: Duration) {
    let seconds = took.as_secs_f64();
    let attempts = tally.attempts.load(Ordering::Relaxed);
    let granted = tally.granted.load(Ordering::Relaxed);
    let requests = attempts + tally.requests.load(Ordering::Relaxed);
    println!(
        "{name}: {:.0} attempts/s, {:.0} granted/s, {:.0} requests/s ({attempts} attempts, \
         {granted} granted, {seconds:.2} s)",
        attempts as f64 / seconds,
        granted as f64 / seconds,
        requests as f64 / seconds,
    );
}

fn main() {
    let hall = Arc::new(hall());
    let floor = Arc::new(Floor::new(&hall));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for _ in 0..3 {
        let folder = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(folder.path().join("log.sqlite")).expect("a log");
        let (tally, took) = runtime.block_on(run(Arc::new(log), &hall, &floor));
        report("SQLite, FULL", &tally, took);
        let (tally, took) = runtime.block_on(run(Arc::new(MemoryLog::new()), &hall, &floor));
        report("memory", &tally, took);
    }
}
