//! Two whole servers on one log: what is done at one is so at the other. (`many_nodes` does it with
//! processes and a Redis; here the log can be made deaf, and clocks wrong.)

mod admission;
mod log;
mod outside;
mod troubles;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use usher::box_office::Clock;
use usher::config::{Demo, Key, Settings};
use usher::log::Log;
use usher::log::memory::{Fault, MemoryLog};
use usher::server::Server;
use usher::web::House;

use crate::open_house::{KEY, for_quick_buyers, new_show, small_plan};
use log::{Deaf, wall_ms};

/// One server.
struct Node {
    url: String,
    house: Arc<House>,
    running: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Node {
    /// Its secrets are those of the folder.
    async fn start(log: &MemoryLog, clock: Clock, folder: &Path) -> Self {
        Self::start_on(Arc::new(Deaf::new(log)), clock, folder).await
    }

    async fn start_on(log: Arc<dyn Log>, clock: Clock, folder: &Path) -> Self {
        let mut settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            data: folder.to_owned(),
            key: Some(Key(KEY.to_owned())),
            demo: Demo::None,
            shards: Some(1),
            ..Settings::default()
        };
        for_quick_buyers(&mut settings);
        let server = Server::on_log(settings, log, clock).await;
        let server = server.expect("the house opens");
        let listener = server.bind().await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let house = server.house().clone();
        let running = tokio::spawn(server.run(listener, std::future::pending()));
        Self { url, house, running }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = Client::new().post(format!("{}{path}", self.url)).bearer_auth(KEY);
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "{path}");
        answer.json().await.expect("JSON")
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// How far its machine's clock is ahead of the log's, as it found last.
    async fn clock_offset_ms(&self) -> i64 {
        let (_, metrics) = self.get("/metrics").await;
        let told = metrics.lines().find_map(|line| line.strip_prefix("usher_clock_offset_ms "));
        told.expect("it is told").parse().expect("a number")
    }

    async fn rpc(&self, show: &str, token: Option<&str>, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut asking = Client::new().post(format!("{}/v1/shows/{show}/rpc", self.url));
        if let Some(token) = token {
            asking = asking.bearer_auth(token);
        }
        let answer = asking.body(request.to_string()).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Holds a seat, asking again for as long as nothing is known of what was asked.
    async fn hold_in_the_end(&self, show: &str, token: &str, seat: u32) {
        let hold = json!({
            "jsonrpc": "2.0", "id": 1, "method": "hold", "params": {"seats": [seat]},
        });
        loop {
            let url = format!("{}/v1/shows/{show}/rpc", self.url);
            let asking = Client::new().post(url).bearer_auth(token).body(hold.to_string());
            let answer = asking.send().await.expect("an answer");
            let answer: Value = answer.json().await.expect("JSON");
            if answer["error"]["data"]["reason"] != "unavailable" {
                return assert!(answer["result"]["hold"].is_object(), "{answer}");
            }
        }
    }

    async fn a_show(&self) -> String {
        let hall = self.post("/v1/halls?name=Small", &small_plan()).await;
        let show = self.post("/v1/shows", &new_show(&hall["hall"])).await;
        show["id"].as_str().expect("a name").to_owned()
    }
}

async fn two_nodes() -> (Node, Node, TempDir) {
    let (log, folder) = (MemoryLog::new(), tempfile::tempdir().expect("a folder"));
    let here = Node::start(&log, Clock::of_the_wall(), folder.path()).await;
    let there = Node::start(&log, Clock::of_the_wall(), folder.path()).await;
    (here, there, folder)
}

#[tokio::test]
async fn a_show_that_one_node_put_on_is_at_once_there_at_the_other() {
    let (here, there, _folder) = two_nodes().await;
    let show = here.a_show().await;
    let (status, body) = there.get(&format!("/v1/shows/{show}/seats")).await;
    assert_eq!(status, 200, "{body}");
    let (status, _) = there.get("/v1/shows/of-another-house").await;
    assert_eq!(status, 404, "and what nobody put on is not");
    // A hall that came in here, a show put on there.
    let hall = here.post("/v1/halls?name=Large", &small_plan()).await;
    let second = there.post("/v1/shows", &new_show(&hall["hall"])).await;
    let second = second["id"].as_str().expect("a name");
    assert_eq!(here.get(&format!("/v1/shows/{second}")).await.0, 200);
}

#[tokio::test]
async fn while_the_log_is_away_nobody_is_told_that_there_is_no_such_show() {
    let (log, folder) = (MemoryLog::new(), tempfile::tempdir().expect("a folder"));
    let node = Node::start(&log, Clock::of_the_wall(), folder.path()).await;
    assert_eq!(node.get("/v1/shows/of-another-house").await.0, 404);
    // More than can be asked while this test runs.
    for _ in 0..10_000 {
        log.fail_next_append(Fault::Lost);
    }
    assert_eq!(node.get("/v1/shows/of-another-house").await.0, 503, "it may be on by now");
}

#[tokio::test]
async fn a_session_of_one_node_is_known_at_the_other_with_what_it_holds() {
    let (here, there, _folder) = two_nodes().await;
    let show = here.a_show().await;
    let session = here.rpc(&show, None, "identify", json!({})).await;
    let token = session["session"].as_str().expect("a token");
    let held = here.rpc(&show, Some(token), "hold", json!({"seats": [1]})).await;
    let seq = held["seq"].as_u64().expect("a place");
    // Ahead of that node: it catches up first, and then there is nothing new to tell.
    let head: Value =
        serde_json::from_str(&here.get(&format!("/v1/shows/{show}/head")).await.1).expect("JSON");
    let epoch = head["epoch"].as_str().expect("an epoch");
    there.get(&format!("/v1/shows/{show}")).await;
    let (status, body) = there.get(&format!("/v1/shows/{show}/seats?since={epoch}.{seq}")).await;
    assert_eq!((status, body.as_str()), (204, ""));
    let session = there.rpc(&show, Some(token), "identify", json!({"session": token})).await;
    assert_eq!(session["holds"][0]["id"], held["hold"]["id"]);
    let hold = &held["hold"]["id"];
    let pays = json!({"hold": hold, "payment": {"method": "test"}});
    let bought = there.rpc(&show, Some(token), "buy", pays).await;
    assert!(bought["order"]["id"].is_string(), "{bought}");
}

#[tokio::test]
async fn a_node_whose_clock_is_wrong_goes_by_the_logs() {
    let (log, folder) = (MemoryLog::new(), tempfile::tempdir().expect("a folder"));
    let hour = 3_600_000_i64;
    for wrong_by in [-hour, hour] {
        let clock = Clock::of_a_wall_off_by(wrong_by);
        let node = Node::start(&log, clock.clone(), folder.path()).await;
        assert!(clock.now().0.abs_diff(wall_ms()) < 5_000, "off by {wrong_by}");
        let told = node.clock_offset_ms().await;
        assert!((told - wrong_by).abs() < 5_000, "{told} for {wrong_by}");
        // A hold lasts as long as it says.
        let show = node.a_show().await;
        let session = node.rpc(&show, None, "identify", json!({})).await;
        let token = session["session"].as_str().expect("a token");
        let held = node.rpc(&show, Some(token), "hold", json!({"seats": [1]})).await;
        let expires_at = held["hold"]["expires_at"].as_u64().expect("a time");
        assert!(expires_at.abs_diff(wall_ms() + 300_000) < 10_000, "{expires_at}");
    }
}

#[tokio::test]
async fn a_log_whose_clock_jumps_takes_no_hold_from_anybody() {
    let (log, folder) = (Deaf::new(&MemoryLog::new()), tempfile::tempdir().expect("a folder"));
    let clock = Clock::of_the_wall();
    let node = Node::start_on(Arc::new(log.clone()), clock.clone(), folder.path()).await;
    let show = node.a_show().await;
    let session = node.rpc(&show, None, "identify", json!({})).await;
    let token = session["session"].as_str().expect("a token");
    node.rpc(&show, Some(token), "hold", json!({"seats": [1]})).await;
    // Another machine keeps the log now, ten minutes ahead: twice as long as a hold lasts.
    log.ahead_ms.store(600_000, Ordering::SeqCst);
    while node.clock_offset_ms().await > -500_000 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(clock.now().0.abs_diff(wall_ms()) < 5_000, "the house's clock jumped, too");
    let session = node.rpc(&show, Some(token), "identify", json!({"session": token})).await;
    assert_eq!(session["holds"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_programme_that_the_log_lost_is_put_back_and_goes_on_being_played() {
    let (log, folder) = (MemoryLog::new(), tempfile::tempdir().expect("a folder"));
    let node = Node::start(&log, Clock::of_the_wall(), folder.path()).await;
    let show = node.a_show().await;
    let before = node.get(&format!("/v1/shows/{show}/head")).await;
    let mut changes = node.house.catalogue.changes();
    log.lose_all();
    let put_back = tokio::time::timeout(Duration::from_secs(30), changes.changed()).await;
    put_back.expect("in time").expect("the house is open");
    let late = Node::start(&log, Clock::of_the_wall(), folder.path()).await;
    assert_eq!(late.get(&format!("/v1/shows/{show}")).await.0, 200);
    let session = late.rpc(&show, None, "identify", json!({})).await;
    let token = session["session"].as_str().expect("a token");
    // Each node that knew the lost life begins another, which all go into.
    late.hold_in_the_end(&show, token, 1).await;
    assert_ne!(late.get(&format!("/v1/shows/{show}/head")).await, before, "it is another life");
}
