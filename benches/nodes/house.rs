//! The work: one show on several nodes of this program, each with clients in the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use usher::box_office::{Answer, BoxOffices, Clock, OpenShow};
use usher::hall::{Category, Floor, Hall, HallId, Place, Row, Section, Size};
use usher::hub::{Hub, Settings};
use usher::log::{Genesis, Log, StreamId};
use usher::show::{
    Command, Currency, Decision, Definition, Payment, PaymentState, Policy, Purchase, Refusal,
    SessionId, ShowId, Time,
};
use usher::tokens::Tokens;
use uuid::Uuid;

pub(crate) const ROWS: u32 = 1_000;
pub(crate) const SEATS_A_ROW: u32 = 50;
pub(crate) const SEATS: u32 = ROWS * SEATS_A_ROW;

/// How attempts come to each node.
#[derive(Clone, Copy)]
pub(crate) enum Offer {
    /// Each of so many clients asks again as soon as it was answered, until 90 % is sold.
    AsFastAsTheyCan { clients: u64 },
    /// So many attempts begin each second, whatever became of those before, for so long.
    SoManyASecond { each: u64, seconds: u64 },
}

/// What came of a run: attempts and grants by node.
pub(crate) struct Ran {
    nodes: Vec<(u64, u64)>,
    took: Duration,
    redis_cpu: Duration,
}

impl Ran {
    pub(crate) fn of(nodes: Vec<(u64, u64)>, took: Duration) -> Self {
        Self { nodes, took, redis_cpu: Duration::ZERO }
    }

    pub(crate) fn with_redis_cpu(self, redis_cpu: Duration) -> Self {
        Self { redis_cpu, ..self }
    }

    fn attempts(&self) -> u64 {
        self.nodes.iter().map(|(attempts, _)| attempts).sum()
    }

    fn granted(&self) -> u64 {
        self.nodes.iter().map(|(_, granted)| granted).sum()
    }

    pub(crate) fn attempts_per_second(&self) -> f64 {
        self.attempts() as f64 / self.took.as_secs_f64()
    }

    /// Microseconds of Redis's processor for each committed hold and what became of it.
    pub(crate) fn redis_us_per_hold(&self) -> f64 {
        self.redis_cpu.as_secs_f64() * 1e6 / self.granted() as f64
    }

    pub(crate) fn print(&self, name: &str) {
        let shares: Vec<String> = self.nodes.iter().map(|(a, g)| format!("{a}/{g}")).collect();
        let share = |of: fn(&(u64, u64)) -> u64| {
            let (least, most) = (self.nodes.iter().map(of).min(), self.nodes.iter().map(of).max());
            least.unwrap_or(0) as f64 / most.unwrap_or(1).max(1) as f64
        };
        println!(
            "{name}: {:.0} attempts/s, {:.0} granted/s in {:.2} s; Redis {:.1} us a committed hold; \
             attempts/granted by node {}; the least node has {:.2} of the most in attempts, {:.2} in \
             grants",
            self.attempts_per_second(),
            self.granted() as f64 / self.took.as_secs_f64(),
            self.took.as_secs_f64(),
            self.redis_us_per_hold(),
            shares.join(" "),
            share(|node| node.0),
            share(|node| node.1),
        );
    }
}

/// The hall of every run.
pub(crate) struct Stage {
    hall: Arc<Hall>,
    floor: Arc<Floor>,
}

#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    granted: AtomicU64,
    in_vain: AtomicU64,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let hall = Arc::new(hall());
        let floor = Arc::new(Floor::new(&hall));
        Self { hall, floor }
    }

    /// Puts a show on and lets the clients in.
    pub(crate) async fn run(&self, logs: Vec<Arc<dyn Log>>, offer: Offer) -> Ran {
        let id = ShowId::parse("bench").expect("a show's name");
        let bytes = serde_json::to_vec(&definition(&id)).expect("a definition is JSON").into();
        let genesis = Genesis::new(1, bytes);
        logs[0].create(&StreamId::show(&id), genesis).await.expect("a new stream");
        let hub = Arc::new(Hub::start(&Settings::default()).expect("a hub"));
        let mut nodes = Vec::new();
        for log in logs {
            let offices =
                BoxOffices::new(log, hub.clone(), Clock::of_the_wall(), Tokens::new([0; 32]));
            let show = offices.open(&id, self.hall.clone(), self.floor.clone()).await;
            nodes.push((offices, show.expect("the show opens"), Arc::new(Tally::default())));
        }
        let sold = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let mut clients = Vec::new();
        for (nth, (_, show, tally)) in nodes.iter().enumerate() {
            let seed = 1 + nth as u64 * 1_000_000;
            let (show, tally, sold) = (show.clone(), tally.clone(), sold.clone());
            match offer {
                Offer::AsFastAsTheyCan { clients: many } => {
                    clients.extend((seed..seed + many).map(|seed| {
                        tokio::spawn(closed(show.clone(), tally.clone(), sold.clone(), seed))
                    }));
                }
                Offer::SoManyASecond { each, seconds } => {
                    clients.push(tokio::spawn(paced(show, tally, sold, seed, each, seconds)));
                }
            }
        }
        for client in clients {
            client.await.expect("a client ends well");
        }
        let took = began.elapsed();
        let of = |tally: &Tally| {
            (tally.answered.load(Ordering::Relaxed), tally.granted.load(Ordering::Relaxed))
        };
        let in_vain = nodes.iter().map(|(_, _, tally)| tally.in_vain.load(Ordering::Relaxed));
        match in_vain.sum() {
            0_u64 => {}
            in_vain => println!("NOT CARRIED: {in_vain} attempts waited two seconds in vain"),
        }
        let ran = Ran::of(nodes.iter().map(|(_, _, tally)| of(tally)).collect(), took);
        for (offices, ..) in nodes {
            offices.stop().await;
        }
        hub.stop();
        ran
    }
}

/// One client: asks, waits, and asks again, until the house is 90 % sold.
async fn closed(show: Arc<OpenShow>, tally: Arc<Tally>, sold: Arc<AtomicU64>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let session = SessionId(Uuid::from_u128(u128::from(seed)));
    while sold.load(Ordering::Relaxed) < u64::from(SEATS) * 9 / 10 {
        attempt(&show, &tally, &sold, &mut random, session).await;
    }
}

/// Clients that come at their own pace.
async fn paced(
    show: Arc<OpenShow>,
    tally: Arc<Tally>,
    sold: Arc<AtomicU64>,
    seed: u64,
    each: u64,
    seconds: u64,
) {
    let began = tokio::time::Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    let mut begun = 0;
    while began.elapsed() < Duration::from_secs(seconds) {
        let due = (began.elapsed().as_secs_f64() * each as f64) as u64;
        for nth in begun..due {
            let (show, tally, sold) = (show.clone(), tally.clone(), sold.clone());
            under_way.spawn(async move {
                let mut random = StdRng::seed_from_u64(seed + nth);
                let session = SessionId(Uuid::from_u128(u128::from(seed + nth)));
                attempt(&show, &tally, &sold, &mut random, session).await;
            });
        }
        begun = due;
        while under_way.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while under_way.join_next().await.is_some() {}
}

/// One attempt, and what becomes of its hold.
async fn attempt(
    show: &OpenShow,
    tally: &Tally,
    sold: &AtomicU64,
    random: &mut StdRng,
    session: SessionId,
) {
    let party = random.random_range(1..=4);
    let row = random.random_range(0..ROWS);
    let first = row * SEATS_A_ROW + random.random_range(0..=SEATS_A_ROW - party);
    let seats = (first..first + party).map(u64::from).collect();
    let held = show.ask(Command::Hold { session, seats }, None).await;
    let held = match held {
        Err(refused) if refused.refusal == Refusal::Unavailable => {
            // More is offered than can be carried: it waited for two seconds in vain.
            tally.in_vain.fetch_add(1, Ordering::Relaxed);
            return;
        }
        Err(_) => {
            tally.answered.fetch_add(1, Ordering::Relaxed);
            return;
        }
        Ok(reply) => reply.answer,
    };
    tally.answered.fetch_add(1, Ordering::Relaxed);
    let Answer::Hold(hold) = held else { return };
    tally.granted.fetch_add(1, Ordering::Relaxed);
    if random.random_range(0..100) < 70 {
        let payment = Payment { id: "bench".to_owned(), state: PaymentState::Captured };
        let payment = Decision::Approved(payment);
        let purchase = Purchase { key: hold.id.to_string(), payment, customer: None };
        let buy = Command::Buy { session, hold: hold.id, purchase: Box::new(purchase) };
        if show.ask(buy, None).await.is_ok() {
            sold.fetch_add(u64::from(party), Ordering::Relaxed);
        }
    } else {
        let release = Command::Release { session, hold: hold.id };
        // Refused only where the log is too slow, which is told in the end.
        drop(show.ask(release, None).await);
    }
}

pub(crate) fn definition(id: &ShowId) -> Definition {
    Definition {
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
    }
}

/// 1,000 rows of 50.
pub(crate) fn hall() -> Hall {
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
