//! A waiting room at three nodes, while nodes and Redis are killed and lines are cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use usher::catalogue::Catalogue;
use usher::client::{Buyer, Notice};
use usher::log::redis::RedisLog;
use usher::log::{Log, StreamId};
use usher::protocol::seats::Format;
use usher::show::{Entry, Head, Show, ShowId};

use super::crowd::verify;
use super::stage::{Houses, NODES, Stage, until};
use crate::redis_server::RedisServer;
use crate::simulation::room::NaiveRoom;
use crate::stories::admission::number;

/// How many come, a third of them at each node.
const PEOPLE: u64 = 45;
const HOUR_MS: u64 = 3_600_000;

/// Somebody who waits, is let in, and leaves when they may.
struct Person {
    houses: Houses,
    show: ShowId,
    node: usize,
    may_leave: Arc<Semaphore>,
    came: Arc<AtomicU64>,
    let_in: Arc<AtomicU64>,
    /// What they keep: session and ticket.
    kept: Value,
    number: Option<u64>,
}

impl Person {
    /// Until they were let in and have left; their number.
    async fn waits_and_picks(mut self) -> u64 {
        while !self.is_let_in_there().await {
            self.node += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.let_in.fetch_add(1, Ordering::SeqCst);
        self.may_leave.acquire().await.expect("it stays open").forget();
        while !self.leaves().await {
            self.node += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.number.expect("a number")
    }

    /// Waits at one node; false where that node, or its Redis, is gone.
    async fn is_let_in_there(&mut self) -> bool {
        let house = self.houses.at(self.node);
        let connected = Buyer::connect(&house, &self.show, Format::Json, None).await;
        let Ok(mut socket) = connected else { return false };
        let told: Value = match socket.call("identify", &self.kept).await {
            Ok(told) => told,
            Err(error) => {
                assert!(error.refusal().is_none_or(|reason| reason == "unavailable"), "{error}");
                return false;
            }
        };
        let admission = &told["admission"];
        let number = admission["number"].as_u64().expect("a number");
        match self.number.replace(number) {
            None => drop(self.came.fetch_add(1, Ordering::SeqCst)),
            Some(before) => assert_eq!(before, number, "it was another: {told}"),
        }
        self.kept = json!({"session": told["session"], "ticket": admission["ticket"]});
        if admission["state"] == "admitted" {
            return true;
        }
        while let Ok(notice) = socket.notice().await {
            if let Notice::AdmissionOpen { ticket, .. } = notice {
                self.kept["ticket"] = ticket.into();
                return true;
            }
        }
        false
    }

    /// False where it is not known whether they have.
    async fn leaves(&self) -> bool {
        let house = self.houses.at(self.node);
        let connected = Buyer::connect(&house, &self.show, Format::Json, None).await;
        let Ok(mut socket) = connected else { return false };
        let Ok(told) = socket.call::<_, Value>("identify", &self.kept).await else { return false };
        let has_left = told["admission"]["state"] != "admitted";
        has_left || socket.call::<_, Value>("admission.leave", &json!({})).await.is_ok()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_at_all_nodes_are_let_in_by_their_numbers_whatever_breaks() {
    let mut redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let admission = json!({"picking_max": 3, "pass_ms": HOUR_MS, "call_ms": 1_500});
    let show = stage.a_show_with(100, json!({ "admission": admission })).await;
    let (may_leave, let_in) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU64::new(0)));
    let came = Arc::new(AtomicU64::new(0));
    let mut people = Vec::new();
    for nth in 0..PEOPLE {
        let person = Person {
            houses: stage.houses().clone(),
            show: show.clone(),
            node: nth as usize % NODES,
            may_leave: may_leave.clone(),
            came: came.clone(),
            let_in: let_in.clone(),
            kept: json!({}),
            number: None,
        };
        people.push(tokio::spawn(person.waits_and_picks()));
        // One after another, so that those of one node are not all in front of the others.
        until("they have a number", || came.load(Ordering::SeqCst) > nth).await;
    }
    let mut expected = 3;
    let mut may_come = async |more: u64, what: &str| {
        expected += more;
        may_leave.add_permits(more as usize);
        until(what, || let_in.load(Ordering::SeqCst) >= expected).await;
    };
    may_come(9, "some are let in").await;
    stage.kill(1);
    may_come(9, "some are let in by the nodes that are left").await;
    stage.start_again(1);
    // Those of the first node are fewer than are left: the others are passed over, and come back.
    stage.line(2).cut();
    may_come(3, "some are let in beside a node that is cut off").await;
    stage.line(2).pass();
    may_come(6, "some are let in when it is there again").await;
    redis.kill();
    redis.start_again();
    may_come(6, "some are let in after Redis was away").await;
    may_leave.add_permits(PEOPLE as usize);
    until("everybody was let in", || let_in.load(Ordering::SeqCst) == PEOPLE).await;
    let mut numbers = Vec::new();
    for person in people {
        numbers.push(person.await.expect("they leave"));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len() as u64, PEOPLE, "a number that two have");
    let room = in_hindsight(&redis.url(), &show).await;
    for number in numbers {
        assert!(room.was_let_in(number), "{number} was told so, and the log does not know");
    }
    verify(&redis.url()).await;
}

/// The whole log before the eyes of a list of people: nobody was overtaken but those who were passed
/// over, and nobody let in who was not called.
async fn in_hindsight(redis: &str, show: &ShowId) -> NaiveRoom {
    let log = RedisLog::open_read_only(&redis.parse().expect("an address")).await;
    let log: Arc<dyn Log> = Arc::new(log.expect("a log"));
    let programme = Catalogue::open(log.clone()).await.expect("a programme");
    let definition = programme.show(show).expect("the show");
    let hall = programme.hall(&definition.hall).expect("its hall");
    let mut replayed = Show::new(definition, hall.floor);
    let mut room = NaiveRoom::of(&replayed, false).expect("a waiting room");
    let entries = log.read(&StreamId::show(show), 0, usize::MAX).await.expect("the log");
    for recorded in entries {
        let entry = Entry::from_bytes(&recorded.bytes).expect("an entry");
        let head = Head { epoch: 1, seq: recorded.seq, chain: [0; 32] };
        let outcome = replayed.apply(head, &entry, &mut Vec::new());
        room.hears(&entry, outcome, None);
    }
    room.agrees(replayed.waiting_room().expect("a waiting room"));
    room
}

/// A socket at a node with what somebody keeps, and what it is told.
async fn come(stage: &Stage, node: usize, show: &ShowId, kept: &Value) -> (Buyer, Value) {
    let connected = Buyer::connect(&stage.houses().at(node), show, Format::Json, None).await;
    let mut socket = connected.expect("a socket");
    let told: Value = socket.call("identify", kept).await.expect("identified");
    (socket, told)
}

fn kept(told: &Value) -> Value {
    json!({"session": told["session"], "ticket": told["admission"]["ticket"]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_at_another_node_than_the_one_that_calls_is_let_in_there() {
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let admission = json!({"picking_max": 1, "pass_ms": HOUR_MS});
    let show = stage.a_show_with(10, json!({ "admission": admission })).await;
    let (mut first, told) = come(&stage, 0, &show, &json!({})).await;
    assert_eq!(told["admission"]["state"], "admitted", "{told}");
    let (mut second, told) = come(&stage, 1, &show, &json!({})).await;
    assert_eq!(told["admission"]["state"], "waiting", "{told}");
    let _: Value = first.call("admission.leave", &json!({})).await.expect("left");
    let ticket = loop {
        if let Notice::AdmissionOpen { ticket, .. } = second.notice().await.expect("told") {
            break ticket;
        }
    };
    // The pass is one at every node.
    let pass = json!({"session": told["session"], "ticket": ticket});
    let (mut third, told) = come(&stage, 2, &show, &pass).await;
    assert_eq!(told["admission"]["state"], "admitted", "{told}");
    assert_eq!(told["admission"]["number"], 2, "{told}");
    third.hold(&[1]).await.expect("seats");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_nodes_tell_the_same_draw_and_everybody_has_the_number_they_work_out() {
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let doors_at = now.as_millis() as u64 + 6_000;
    let admission = json!({"picking_max": 4, "pass_ms": HOUR_MS, "doors_at": doors_at});
    let show = stage.a_show_with(100, json!({ "admission": admission })).await;
    let mut people = Vec::new();
    for nth in 0..4 * NODES {
        people.push(come(&stage, nth % NODES, &show, &json!({})).await);
    }
    // Whoever came too late on a very busy machine has a number already.
    people.retain(|(_, told)| told["admission"]["state"] == "early");
    assert!(people.len() > NODES, "nearly nobody came before the doors opened");
    let mut draws = Vec::new();
    for (socket, _) in &mut people {
        draws.push(loop {
            let notice = socket.notice().await.expect("told of the draw");
            if let Notice::AdmissionDrawn { .. } = &notice {
                break serde_json::to_value(&notice).expect("JSON")["params"].take();
            }
        });
    }
    draws.dedup();
    let [drawn] = &draws[..] else { panic!("draws that differ: {draws:?}") };
    for (nth, (_socket, early)) in people.iter().enumerate() {
        let arrival = early["admission"]["arrival"].as_u64().expect("an arrival");
        // At another node than the one they came to.
        let (_there, told) = come(&stage, nth + 1, &show, &kept(early)).await;
        assert_eq!(told["admission"]["number"], number(drawn, arrival), "{told} of {drawn}");
    }
}
