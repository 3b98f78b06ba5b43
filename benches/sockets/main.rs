//! How many durable attempts a second one show carries over real sockets: the work of the
//! `box_office` bench (64 closed-loop clients, 50,000 seats, parties of 1 to 4 at random rows, 70 %
//! bought and the rest released, from fresh to 90 % sold), JSON both ways, the clients on the same
//! cores: as fast as they can, at the rate that is to be reached, and at that rate in proportion to
//! what the [bare machine](bare) carries today. Beside it, in turn, the same clients on the bare
//! machine. `cargo bench --bench sockets`; `-- 5` for five rounds.
//!
//! The clients are as bare as can be, for what they cost is counted against the server: fixed texts
//! in frames masked with zeros, and an answer is looked at no further than it must be.

mod bare;
mod clients;
#[path = "../line/mod.rs"]
mod line;

use std::net::SocketAddr;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use usher::config::{Demo, Key, Limits, Settings};
use usher::server::Server;

use bare::Bare;
use clients::{Counter, Ran, sell_out};
use line::Line;

const ROWS: u64 = 1_000;
const SEATS_A_ROW: u64 = 50;
const SEATS: u64 = ROWS * SEATS_A_ROW;
/// Attempts a second, where the clients are paced: a little more than what is to be reached.
const PACE: f64 = 40_500.0;
/// What the bare machine carried where that rate was set.
const BARE_WHERE_IT_WAS_SET: f64 = 115_000.0;
const ROUNDS: usize = 3;
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

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// A client of the real server: a socket on the show.
struct Buyer(Line);

impl Buyer {
    async fn open(address: SocketAddr, show: &str) -> Self {
        let mut line = Line::open(address, show).await;
        line.ask(&request("identify", "{}")).await;
        Self(line)
    }
}

impl Counter for Buyer {
    type Hold = String;

    async fn hold(&mut self, first: u64, party: u64) -> Option<String> {
        let seats: Vec<String> = (first..first + party).map(|seat| seat.to_string()).collect();
        let params = format!(r#"{{"seats":[{}]}}"#, seats.join(","));
        let answer = self.0.ask(&request("hold", &params)).await;
        let held = answer.split_once(r#""hold":{"id":""#).map(|(_, rest)| rest[..36].to_owned());
        assert!(held.is_some() || answer.contains(r#""reason":"#), "{answer}");
        held
    }

    async fn end(&mut self, hold: String, buys: bool) {
        let params = match buys {
            true => format!(r#"{{"hold":"{hold}","payment":{{"method":"test"}}}}"#),
            false => format!(r#"{{"hold":"{hold}"}}"#),
        };
        let answer = self.0.ask(&request(if buys { "buy" } else { "release" }, &params)).await;
        assert!(answer.contains(r#""result""#), "{answer}");
    }
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

async fn usher(pace: Option<f64>) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, stop) = open_house(folder.path()).await;
    let hall = post(address, "/v1/halls?name=Bench", &plan()).await;
    let show = json!({
        "hall": hall["hall"], "title": "Bench", "starts_at": 4_000_000_000_000_u64,
        "currency": "EUR", "prices": {"All": 1_000},
    });
    let show = post(address, "/v1/shows", &show).await;
    let show = show["id"].as_str().expect("an id").to_owned();
    let ran = sell_out(
        move || {
            let show = show.clone();
            async move { Buyer::open(address, &show).await }
        },
        pace,
    )
    .await;
    drop(stop);
    ran
}

async fn bare(pace: Option<f64>) -> Ran {
    let file = tempfile::tempfile().expect("a file");
    let address = bare::serve(file);
    sell_out(move || Bare::open(address), pace).await
}

/// How the clients ask.
#[derive(Clone, Copy)]
enum Asking {
    AsFastAsTheyCan,
    /// All together so often a second.
    Paced(f64),
    /// The same, but as the share of what the bare machine carried just before that the rate to be reached
    /// is of what it carried where that was set: the machine may be shared, and slow today.
    InProportion(f64),
}

impl Asking {
    fn pace(self) -> Option<f64> {
        match self {
            Self::AsFastAsTheyCan => None,
            Self::Paced(pace) | Self::InProportion(pace) => Some(pace),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::AsFastAsTheyCan => "as fast as they can",
            Self::Paced(_) => "paced",
            Self::InProportion(_) => "paced in proportion",
        }
    }
}

/// Both, one after the other; gives how many attempts a second the bare machine carried.
fn measure(asking: Asking) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let pace = asking.pace();
    let (bare, usher) = runtime.block_on(async { (bare(pace).await, usher(pace).await) });
    say("the bare machine", asking, &bare);
    say("Usher, JSON, SQLite FULL", asking, &usher);
    let p99 = |ran: &Ran| ran.took.attempts.value_at_quantile(0.99) as f64;
    println!(
        "    of the bare machine's: attempts {:.2}, p99 {:.2}",
        usher.attempts_per_second / bare.attempts_per_second,
        p99(&usher) / p99(&bare),
    );
    bare.attempts_per_second
}

fn say(who: &str, asking: Asking, Ran { attempts_per_second, requests_per_second, took }: &Ran) {
    let at = |took: &Histogram<u64>, share| took.value_at_quantile(share) as f64 / 1_000.0;
    println!(
        "{who}, 64 sockets, {}: {attempts_per_second:.0} attempts/s, p50 {:.2} ms, p99 {:.2} ms; \
         {requests_per_second:.0} requests/s; sales and releases, each from the disk, p50 {:.2} ms, p99 {:.2} ms",
        asking.name(),
        at(&took.attempts, 0.5),
        at(&took.attempts, 0.99),
        at(&took.ends, 0.5),
        at(&took.ends, 0.99),
    );
}

fn main() {
    let rounds = std::env::args().find_map(|said| said.parse().ok()).unwrap_or(ROUNDS);
    for _ in 0..rounds {
        let bare = measure(Asking::AsFastAsTheyCan);
        measure(Asking::Paced(PACE));
        measure(Asking::InProportion(bare * PACE / BARE_WHERE_IT_WAS_SET));
    }
}
