//! How many durable attempts a second one show carries over real sockets: the work of the
//! `box_office` bench (64 closed-loop clients, 50,000 seats, parties of 1 to 4 at random rows, 70 %
//! bought and the rest released, from fresh to 90 % sold), JSON both ways, the clients on the same
//! cores. `cargo bench --bench sockets`.
//!
//! The clients are as bare as can be, for what they cost is counted against the server: fixed texts
//! in frames masked with zeros, and an answer is looked at no further than it must be.

#[path = "line/mod.rs"]
mod line;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use usher::config::{Demo, Key, Limits, Settings};
use usher::server::Server;

use line::Line;

const CLIENTS: u64 = 64;
const ROWS: u64 = 1_000;
const SEATS_A_ROW: u64 = 50;
const SEATS: u64 = ROWS * SEATS_A_ROW;
/// Attempts a second, where the clients are paced: a little more than what is to be reached.
const PACE: f64 = 40_500.0;
const KEY: &str = "a-key-for-the-bench-only";

fn plan() -> Value {
    let row = |row: u64| {
        let seat = |seat: u64| {
            json!({
                "seat_number": seat.to_string(), "seat_guid": format!("{row}-{seat}"),
                "position": {"x": seat * 25, "y": 0}, "category": "All",
            })
        };
        json!({
            "row_number": row.to_string(), "position": {"x": 0, "y": row * 25},
            "seats": (0..SEATS_A_ROW).map(seat).collect::<Vec<_>>(),
        })
    };
    json!({
        "name": "Bench", "size": {"width": 1250, "height": 25000},
        "categories": [{"name": "All", "color": "#808080"}],
        "zones": [{
            "name": "House", "position": {"x": 0, "y": 0},
            "rows": (0..ROWS).map(row).collect::<Vec<_>>(),
        }],
    })
}

#[derive(Default)]
struct Tally {
    attempts: AtomicU64,
    granted: AtomicU64,
    sold: AtomicU64,
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// One client: asks, waits, and asks again, at once or so often. Gives how long its answers took.
async fn client(
    mut line: Line,
    tally: Arc<Tally>,
    seed: u64,
    every: Option<Duration>,
) -> Histogram<u64> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut took = Histogram::new(3).expect("a histogram");
    line.ask(&request("identify", "{}")).await;
    let mut due = tokio::time::Instant::now();
    while tally.sold.load(Ordering::Relaxed) < SEATS * 9 / 10 {
        if let Some(every) = every {
            due += every;
            tokio::time::sleep_until(due).await;
        }
        let party = random.random_range(1..=4);
        let row = random.random_range(0..ROWS);
        let first = row * SEATS_A_ROW + random.random_range(0..=SEATS_A_ROW - party);
        let seats: Vec<String> = (first..first + party).map(|seat| seat.to_string()).collect();
        tally.attempts.fetch_add(1, Ordering::Relaxed);
        let params = format!(r#"{{"seats":[{}]}}"#, seats.join(","));
        let began = Instant::now();
        let answer = line.ask(&request("hold", &params)).await;
        took.record(began.elapsed().as_micros() as u64).expect("a short time");
        let Some((_, rest)) = answer.split_once(r#""hold":{"id":""#) else {
            assert!(answer.contains(r#""reason":"#), "{answer}");
            continue;
        };
        tally.granted.fetch_add(1, Ordering::Relaxed);
        let hold = &rest[..36];
        let buys = random.random_range(0..100) < 70;
        let began = Instant::now();
        let answer = match buys {
            true => {
                let params = format!(r#"{{"hold":"{hold}","payment":{{"method":"test"}}}}"#);
                line.ask(&request("buy", &params)).await
            }
            false => line.ask(&request("release", &format!(r#"{{"hold":"{hold}"}}"#))).await,
        };
        took.record(began.elapsed().as_micros() as u64).expect("a short time");
        assert!(answer.contains(r#""result""#), "{answer}");
        if buys {
            tally.sold.fetch_add(party, Ordering::Relaxed);
        }
    }
    took
}

async fn open_house(folder: &std::path::Path) -> (SocketAddr, tokio::sync::oneshot::Sender<()>) {
    let fast = 1_000_000_000;
    let settings = Settings {
        listen: "127.0.0.1:0".parse().expect("an address"),
        data: folder.to_owned(),
        key: Some(Key(KEY.to_owned())),
        demo: Demo::None,
        limits: Limits {
            messages_per_second: fast,
            messages_burst: fast,
            attempts_per_second: fast,
            attempts_burst: fast,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let server = Server::new(settings).await.expect("the house opens");
    let listener = server.bind().await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(server.run(listener, async {
        drop(stopped.await);
    }));
    (address, stop)
}

async fn post(address: SocketAddr, path: &str, body: &Value) -> Value {
    let posted = reqwest::Client::new()
        .post(format!("http://{address}{path}"))
        .bearer_auth(KEY)
        .json(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(posted.status().as_u16(), 201);
    posted.json().await.expect("JSON")
}

async fn run(every: Option<Duration>) -> (Arc<Tally>, Histogram<u64>, Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, stop) = open_house(folder.path()).await;
    let hall = post(address, "/v1/halls?name=Bench", &plan()).await;
    let show = json!({
        "hall": hall["hall"], "title": "Bench", "starts_at": 4_000_000_000_000_u64,
        "currency": "EUR", "prices": {"All": 1_000},
    });
    let show = post(address, "/v1/shows", &show).await;
    let show = show["id"].as_str().expect("an id").to_owned();
    let mut lines = Vec::new();
    for _ in 0..CLIENTS {
        lines.push(Line::open(address, &show).await);
    }
    let tally = Arc::new(Tally::default());
    let began = Instant::now();
    let clients: Vec<_> = lines
        .into_iter()
        .zip(1..)
        .map(|(line, seed)| tokio::spawn(client(line, tally.clone(), seed, every)))
        .collect();
    let mut took = Histogram::<u64>::new(3).expect("a histogram");
    for client in clients {
        took.add(client.await.expect("a client ends well")).expect("a sum");
    }
    let seconds = began.elapsed();
    drop(stop);
    (tally, took, seconds)
}

fn main() {
    // As fast as they can, and at a rate.
    let paced = Duration::from_secs_f64(CLIENTS as f64 / PACE);
    for every in [None, None, None, Some(paced), Some(paced), Some(paced)] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (tally, took, seconds) = runtime.block_on(run(every));
        let attempts = tally.attempts.load(Ordering::Relaxed);
        let granted = tally.granted.load(Ordering::Relaxed);
        println!(
            "64 sockets, JSON, SQLite FULL, {}: {:.0} attempts/s, {:.0} requests/s ({attempts} \
             attempts, {granted} granted, {:.2} s); answers p50 {:.2} ms, p99 {:.2} ms",
            if every.is_some() { "paced" } else { "as fast as they can" },
            attempts as f64 / seconds.as_secs_f64(),
            (attempts + granted) as f64 / seconds.as_secs_f64(),
            seconds.as_secs_f64(),
            took.value_at_quantile(0.5) as f64 / 1_000.0,
            took.value_at_quantile(0.99) as f64 / 1_000.0,
        );
    }
}
