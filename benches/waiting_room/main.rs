//! The waiting room in a rush: 100,000 numbers taken over 5,000 sockets at 20,000 a second, each
//! acknowledged from the disk; what they cost in memory; and how soon the next is let in when one
//! leaves, while everybody hears the counter; and how soon a seat that is let go is offered to whom
//! it is due. The server is a process of its own, with SQLite.
//! `cargo bench --bench waiting_room`.

#[path = "../line/mod.rs"]
mod line;
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use usher::show::Time;
use usher::tokens::Tokens;

use line::Line;
use server::{Child, SECRET};

const SOCKETS: usize = 5_000;
const NUMBERS: usize = 100_000;
/// Numbers a second.
const RATE: f64 = 20_000.0;
/// How many wait where some leave, and how many places there are.
const WAITING: usize = 2_000;
const PLACES: usize = 100;
/// How often one leaves there.
const LEAVES_EVERY: Duration = Duration::from_millis(10);

/// How many seats there are, and how many wait for them.
const SEATS: usize = server::SEATS;
const IN_LINE: usize = 1_000;
/// How many of a crowd that waits for seats leave it.
const CROWD_LEAVES: usize = 2_200;

fn request(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

async fn opened(address: SocketAddr, show: &str, count: usize) -> Vec<Line> {
    let mut lines = Vec::with_capacity(count);
    while lines.len() < count {
        let some = (0..100.min(count - lines.len())).map(|_| Line::open(address, show));
        lines.extend(futures_util::future::join_all(some).await);
    }
    lines
}

/// Takes `NUMBERS` numbers, as many on each socket, at their times; prints how it went.
async fn rush(child: &Child) {
    let show = child.a_show(PLACES).await;
    let lines = opened(child.address, &show, SOCKETS).await;
    let tokens = Tokens::new(SECRET);
    let now = Time(server::wall_ms());
    let before_kb = child.resident_kb();
    let began = Instant::now() + Duration::from_millis(500);
    let people = lines.into_iter().enumerate().map(|(nth, mut line)| {
        let sessions: Vec<String> = (0..NUMBERS / SOCKETS).map(|_| tokens.issue(now).1).collect();
        tokio::spawn(async move {
            let mut took = Histogram::<u64>::new(3).expect("a histogram");
            for (round, session) in sessions.iter().enumerate() {
                let due = (round * SOCKETS + nth) as f64 / RATE;
                let due = began + Duration::from_secs_f64(due);
                tokio::time::sleep_until(due).await;
                let answer = line.ask(&request("identify", &json!({ "session": session }))).await;
                assert!(answer.contains(r#""number":"#), "{answer}");
                took.record(due.elapsed().as_micros() as u64).expect("a short time");
            }
            (line, took)
        })
    });
    let people: Vec<_> = people.collect();
    let mut took = Histogram::<u64>::new(3).expect("a histogram");
    let mut lines = Vec::new();
    for person in people {
        let (line, theirs) = person.await.expect("a socket that lives");
        took.add(theirs).expect("a sum");
        lines.push(line);
    }
    let seconds = began.elapsed().as_secs_f64();
    let kb = child.resident_kb();
    println!(
        "{NUMBERS} numbers over {SOCKETS} sockets in {seconds:.2} s ({:.0}/s, {RATE:.0}/s offered): \
         acknowledged after p50 {:.1} ms, p99 {:.1} ms; the server has {} MB, {} MB more than before \
         the first number ({:.0} bytes a number)",
        NUMBERS as f64 / seconds,
        took.value_at_quantile(0.5) as f64 / 1_000.0,
        took.value_at_quantile(0.99) as f64 / 1_000.0,
        kb / 1_024,
        (kb - before_kb) / 1_024,
        (kb - before_kb) as f64 * 1_024.0 / NUMBERS as f64,
    );
    drop(lines);
}

/// What a waiting socket was told.
enum Told {
    /// It may pick now.
    Open(usize),
    /// A message of so many bytes, seat frames aside.
    Bytes(usize),
}

/// People wait, one after another leaves: how soon is the next in, and what does everybody hear?
async fn leaving(child: &Child) {
    let show = child.a_show(PLACES).await;
    let mut lines = opened(child.address, &show, WAITING).await;
    for line in &mut lines {
        line.ask(&request("identify", &json!({}))).await;
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    let (mut leave, mut people) = (Vec::new(), tokio::task::JoinSet::new());
    for (nth, mut line) in lines.into_iter().enumerate() {
        let (go, mut goes) = mpsc::unbounded_channel::<()>();
        leave.push(go);
        let tell = tell.clone();
        people.spawn(async move {
            loop {
                tokio::select! {
                    message = line.hear() => {
                        let open = message.contains("admission.open");
                        let of_room = open || message.contains("admission.serving");
                        let news = if open { Told::Open(nth) } else { Told::Bytes(message.len()) };
                        if of_room && tell.send(news).is_err() {
                            return;
                        }
                    }
                    gone = goes.recv() => match gone {
                        Some(()) => line.say(&request("admission.leave", &json!({}))).await,
                        None => return,
                    },
                }
            }
        });
    }
    let mut took = Histogram::<u64>::new(3).expect("a histogram");
    let (mut bytes, mut messages) = (0, 0);
    let began = Instant::now();
    let leaves = WAITING - PLACES;
    for (nth, goes) in leave.iter().enumerate().take(leaves) {
        tokio::time::sleep_until(began + LEAVES_EVERY * nth as u32).await;
        let left = Instant::now();
        goes.send(()).expect("they are there");
        loop {
            match told.recv().await.expect("somebody is told") {
                Told::Bytes(count) => {
                    bytes += count;
                    messages += 1;
                }
                // Those who came first were let in when they came.
                Told::Open(who) if who < PLACES => {}
                Told::Open(who) => {
                    assert_eq!(who, nth + PLACES, "in their order");
                    took.record(left.elapsed().as_micros() as u64).expect("a short time");
                    break;
                }
            }
        }
    }
    drop(leave);
    people.join_all().await;
    let seconds = began.elapsed().as_secs_f64();
    let each = |count: usize| count as f64 / seconds / WAITING as f64;
    println!(
        "{leaves} leave one after another, {:.0}/s: the next may pick after p50 {:.1} ms, p99 {:.1} \
         ms, at most {:.1} ms; meanwhile each of {WAITING} hears {:.2} messages and {:.0} bytes a second",
        leaves as f64 / seconds,
        took.value_at_quantile(0.5) as f64 / 1_000.0,
        took.value_at_quantile(0.99) as f64 / 1_000.0,
        took.max() as f64 / 1_000.0,
        each(messages),
        each(bytes),
    );
}

/// People wait for seats; one after another a seat is let go, offered to the first in line, taken,
/// and let go in its turn. How soon is the offer in the waiter's socket?
async fn offering(child: &Child) {
    let show = child.a_show_of(&json!({})).await;
    let mut lines = opened(child.address, &show, SEATS + IN_LINE).await;
    let mut held = std::collections::VecDeque::new();
    for (nth, line) in lines.iter_mut().enumerate() {
        line.ask(&request("identify", &json!({}))).await;
        if nth < SEATS {
            let answer = line.ask(&request("hold", &json!({ "seats": [nth] }))).await;
            held.push_back((nth, hold_of(&answer)));
        } else {
            let answer = line.ask(&request("waitlist.join", &json!({ "quantity": 1 }))).await;
            assert!(answer.contains(r#""waiting""#), "{answer}");
        }
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    let (mut asks, mut people) = (Vec::new(), tokio::task::JoinSet::new());
    for (nth, mut line) in lines.into_iter().enumerate() {
        let (ask, mut asked) = mpsc::unbounded_channel::<String>();
        asks.push(ask);
        let tell = tell.clone();
        people.spawn(async move {
            loop {
                tokio::select! {
                    message = line.hear() => {
                        let offered = message.contains("waitlist.offer");
                        if offered && tell.send((nth, hold_of(&message))).is_err() {
                            return;
                        }
                    }
                    text = asked.recv() => match text {
                        Some(text) => line.say(&text).await,
                        None => return,
                    },
                }
            }
        });
    }
    let mut took = Histogram::<u64>::new(3).expect("a histogram");
    let began = Instant::now();
    for nth in 0..IN_LINE {
        tokio::time::sleep_until(began + LEAVES_EVERY * nth as u32).await;
        let (holder, hold) = held.pop_front().expect("all seats are held");
        let let_go = Instant::now();
        asks[holder].send(request("release", &json!({ "hold": hold }))).expect("they are there");
        let (who, hold) = told.recv().await.expect("somebody is offered it");
        took.record(let_go.elapsed().as_micros() as u64).expect("a short time");
        assert_eq!(who, SEATS + nth, "in their order");
        asks[who].send(request("waitlist.accept", &json!({}))).expect("they are there");
        held.push_back((who, hold));
    }
    drop(asks);
    people.join_all().await;
    println!(
        "{IN_LINE} wait for one of {SEATS} seats: from its release a seat is offered in the first \
         waiter's socket after p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
        took.value_at_quantile(0.5) as f64 / 1_000.0,
        took.value_at_quantile(0.99) as f64 / 1_000.0,
        took.max() as f64 / 1_000.0,
    );
}

/// 100,000 join the waitlist, twenty on each socket; the answer is the sockets.
async fn all_join(child: &Child, show: &str) -> Vec<Line> {
    let tokens = Tokens::new(SECRET);
    let now = Time(server::wall_ms());
    let lines = opened(child.address, show, SOCKETS).await;
    let before_kb = child.resident_kb();
    let began = Instant::now();
    let joining = lines.into_iter().map(|mut line| {
        let sessions: Vec<String> = (0..NUMBERS / SOCKETS).map(|_| tokens.issue(now).1).collect();
        tokio::spawn(async move {
            for session in sessions {
                line.ask(&request("identify", &json!({ "session": session }))).await;
                let answer = line.ask(&request("waitlist.join", &json!({ "quantity": 1 }))).await;
                assert!(answer.contains(r#""waiting""#), "{answer}");
            }
            line
        })
    });
    let joining: Vec<_> = joining.collect();
    let mut lines = Vec::new();
    for line in joining {
        lines.push(line.await.expect("a socket that lives"));
    }
    println!(
        "{NUMBERS} join the waitlist over {SOCKETS} sockets in {:.1} s; {:.0} bytes of the server each",
        began.elapsed().as_secs_f64(),
        (child.resident_kb() - before_kb) as f64 * 1_024.0 / NUMBERS as f64,
    );
    lines
}

/// 100,000 wait for seats over 5,000 sockets, and some of them give up one after another: everybody behind
/// moves up. What does everybody hear of it, and how soon are those who leave answered meanwhile?
async fn crowd(child: &Child) {
    let show = child.a_show_of(&json!({ "wait_ms": 86_400_000 })).await;
    let mut holders = opened(child.address, &show, SEATS).await;
    for (nth, line) in holders.iter_mut().enumerate() {
        line.ask(&request("identify", &json!({}))).await;
        hold_of(&line.ask(&request("hold", &json!({ "seats": [nth] }))).await);
    }
    let mut lines = all_join(child, &show).await;
    let leaving: Vec<Line> = lines.drain(..CROWD_LEAVES).collect();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut people = tokio::task::JoinSet::new();
    for mut line in lines {
        let tell = tell.clone();
        people.spawn(async move {
            loop {
                let message = line.hear().await;
                if message.contains("waitlist.position") && tell.send(message.len()).is_err() {
                    return;
                }
            }
        });
    }
    let mut took = Histogram::<u64>::new(3).expect("a histogram");
    let began = Instant::now();
    for (nth, mut line) in leaving.into_iter().enumerate() {
        tokio::time::sleep_until(began + LEAVES_EVERY * nth as u32).await;
        let asked = Instant::now();
        line.ask(&request("waitlist.leave", &json!({}))).await;
        took.record(asked.elapsed().as_micros() as u64).expect("a short time");
    }
    let seconds = began.elapsed().as_secs_f64();
    people.shutdown().await;
    drop(tell);
    let (mut messages, mut bytes) = (0_u32, 0);
    while let Some(length) = told.recv().await {
        messages += 1;
        bytes += length;
    }
    println!(
        "of {NUMBERS} in line {CROWD_LEAVES} leave one after another in {seconds:.1} s: answered after p50 \
         {:.1} ms, p99 {:.1} ms, at most {:.1} ms; meanwhile each socket hears {:.2} messages and {:.1} bytes \
         a second of its place",
        took.value_at_quantile(0.5) as f64 / 1_000.0,
        took.value_at_quantile(0.99) as f64 / 1_000.0,
        took.max() as f64 / 1_000.0,
        f64::from(messages) / seconds / SOCKETS as f64,
        bytes as f64 / seconds / SOCKETS as f64,
    );
}

/// The id of the hold that a message is about.
fn hold_of(message: &str) -> String {
    let (_, rest) = message.split_once(r#""hold":{"id":""#).expect("a hold");
    rest[..36].to_owned()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    if server::is_the_child() {
        return runtime.block_on(server::serve());
    }
    runtime.block_on(async {
        let child = Child::start();
        rush(&child).await;
        leaving(&child).await;
        offering(&child).await;
        crowd(&child).await;
    });
}
