//! The clients: 64 who ask, wait, and ask again, at once or as often as they are let. All of them on one
//! thread of their own: what they cost is counted against the server, but they are not in its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Semaphore;

use super::{ROWS, SEATS, SEATS_A_ROW};

pub(crate) const CLIENTS: usize = 64;

/// A seller of seats, as one client has it.
pub(crate) trait Counter: Send + 'static {
    /// What a hold is called.
    type Hold;
    /// Asks for so many seats from this one on; none where it is refused.
    fn hold(&mut self, first: u64, party: u64) -> impl Future<Output = Option<Self::Hold>>;
    /// Buys what is held, or lets it go.
    fn end(&mut self, hold: Self::Hold, buys: bool) -> impl Future<Output = ()>;
}

/// What all clients together did.
#[derive(Default)]
struct Tally {
    attempts: AtomicU64,
    granted: AtomicU64,
    sold: AtomicU64,
}

/// A run, over.
pub(crate) struct Ran {
    pub(crate) attempts_per_second: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) took: Took,
}

/// How long answers took, in microseconds.
pub(crate) struct Took {
    /// To attempts: holds that were asked for, granted or refused.
    pub(crate) attempts: Histogram<u64>,
    /// To what ends a hold: each of them waits for the disk.
    pub(crate) ends: Histogram<u64>,
}

impl Took {
    fn new() -> Self {
        let empty = || Histogram::new(3).expect("a histogram");
        Self { attempts: empty(), ends: empty() }
    }

    fn add(&mut self, other: &Self) {
        self.attempts.add(&other.attempts).expect("a sum");
        self.ends.add(&other.ends).expect("a sum");
    }
}

/// Lets 64 clients loose until nine tenths of the house are sold. `pace` is how many attempts a second
/// all of them may make; without, they ask as fast as they can.
pub(crate) async fn sell_out<C, Opened>(
    open: impl Fn() -> Opened + Send + 'static,
    pace: Option<f64>,
) -> Ran
where
    C: Counter,
    Opened: Future<Output = C>,
{
    let (tell, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("clients".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ran = runtime.expect("a runtime").block_on(async {
            let mut counters = Vec::new();
            for _ in 0..CLIENTS {
                counters.push(open().await);
            }
            all(counters, pace).await
        });
        drop(tell.send(ran));
    });
    thread.expect("a thread");
    told.await.expect("the clients end well")
}

async fn all<C: Counter>(counters: Vec<C>, pace: Option<f64>) -> Ran {
    let tally = Arc::new(Tally::default());
    let (turns, over) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
    let began = Instant::now();
    let pacer = pace.map(|pace| {
        let (turns, over) = (turns.clone(), over.clone());
        std::thread::spawn(move || give_turns(&turns, &over, pace))
    });
    let clients = tokio::task::LocalSet::new();
    let clients_of = counters.into_iter().zip(1..).map(|(counter, seed)| {
        let turns = pace.map(|_| turns.clone());
        clients.spawn_local(client(counter, tally.clone(), seed, turns))
    });
    let mut took = Took::new();
    let all: Vec<_> = clients_of.collect();
    clients
        .run_until(async {
            for one in all {
                took.add(&one.await.expect("a client ends well"));
            }
        })
        .await;
    let seconds = began.elapsed().as_secs_f64();
    over.store(true, Ordering::Relaxed);
    pacer.into_iter().for_each(|pacer| pacer.join().expect("the pacer ends well"));
    let attempts = tally.attempts.load(Ordering::Relaxed) as f64;
    let granted = tally.granted.load(Ordering::Relaxed) as f64;
    Ran {
        attempts_per_second: attempts / seconds,
        requests_per_second: (attempts + granted) / seconds,
        took,
    }
}

/// Gives turns at a rate, a few every tenth of a millisecond: a runtime's timers go by the millisecond,
/// and everybody would ask at once. Turns that nobody took stay, one for each client.
fn give_turns(turns: &Semaphore, over: &AtomicBool, pace: f64) {
    let (began, mut given) = (Instant::now(), 0);
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(100));
        let due = (began.elapsed().as_secs_f64() * pace) as usize - given;
        let more = due.min(CLIENTS.saturating_sub(turns.available_permits()));
        turns.add_permits(more);
        given += more;
    }
    // Whoever still waits for a turn is to see that it is over.
    turns.add_permits(CLIENTS);
}

/// One client: asks, waits, and asks again. Gives how long its answers took. Before it asks again it lets
/// the others see what has come for them: it is the server's time that is told, and not how long the
/// other clients take to ask.
async fn client<C: Counter>(
    mut counter: C,
    tally: Arc<Tally>,
    seed: u64,
    turns: Option<Arc<Semaphore>>,
) -> Took {
    let mut random = StdRng::seed_from_u64(seed);
    let mut took = Took::new();
    let record = |took: &mut Histogram<u64>, began: Instant| {
        took.record(began.elapsed().as_micros() as u64).expect("a short time");
    };
    while tally.sold.load(Ordering::Relaxed) < SEATS * 9 / 10 {
        if let Some(turns) = &turns {
            turns.acquire().await.expect("a turn").forget();
        }
        let party = random.random_range(1..=4);
        let row = random.random_range(0..ROWS);
        let first = row * SEATS_A_ROW + random.random_range(0..=SEATS_A_ROW - party);
        tally.attempts.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let held = counter.hold(first, party).await;
        record(&mut took.attempts, began);
        tokio::task::yield_now().await;
        let Some(hold) = held else { continue };
        tally.granted.fetch_add(1, Ordering::Relaxed);
        let buys = random.random_range(0..100) < 70;
        let began = Instant::now();
        counter.end(hold, buys).await;
        record(&mut took.ends, began);
        tokio::task::yield_now().await;
        if buys {
            tally.sold.fetch_add(party, Ordering::Relaxed);
        }
    }
    took
}
