//! A whole server for one test: fresh, on a port of its own, with one show in a small hall. It stops
//! when it is dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Weak};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use usher::box_office::Clock;
use usher::client::House;
use usher::config::{Demo, Key, Limits, Settings};
use usher::log::sqlite::{FILE_NAME, SqliteLog};
use usher::server::Server;
use usher::show::Time;
use usher::web;

/// The box office's key of every test house.
pub(crate) const KEY: &str = "a-key-for-the-tests-only";

/// A running server.
pub(crate) struct OpenHouse {
    address: SocketAddr,
    /// Held weakly: it is closed, and its log with it, when the server has ended.
    house: Weak<web::House>,
    http: Client,
    /// Dropping it is the stop signal.
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    clock: Clock,
    /// Its data; goes last.
    folder: Option<TempDir>,
}

impl OpenHouse {
    /// With the settings of every house, but no demo.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_in(folder, Clock::of_the_wall(), change).await
    }

    /// With a clock that stands until it is moved, and room for quick buyers.
    pub(crate) async fn start_at(time: Time) -> Self {
        Self::start_at_with(time, |_| {}).await
    }

    /// As [`OpenHouse::start_at`], with settings of its own.
    pub(crate) async fn start_at_with(time: Time, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let change = |settings: &mut Settings| {
            for_quick_buyers(settings);
            change(settings);
        };
        Self::start_in(folder, Clock::by_hand(time), change).await
    }

    async fn start_in(folder: TempDir, clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            data: folder.path().to_owned(),
            key: Some(Key(KEY.to_owned())),
            demo: Demo::None,
            shards: Some(1),
            ..Settings::default()
        };
        change(&mut settings);
        let log = SqliteLog::open(folder.path().join(FILE_NAME)).expect("a log");
        let server = Server::on_log(settings, Arc::new(log), clock.clone()).await;
        let server = server.expect("the house opens");
        let listener = server.bind().await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let house = Arc::downgrade(server.house());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(listener, async {
            // Dropped or sent: both mean stop.
            drop(stopped.await);
        }));
        let (stop, running, folder) = (Some(stop), Some(running), Some(folder));
        Self { address, house, http: Client::new(), stop, running, clock, folder }
    }

    /// Tells it to stop and waits until it has.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            running.await.expect("the server ends by itself");
        }
    }

    /// Stops it, and starts another on the same data.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(0).await
    }

    /// Stops it, lets time pass (on a clock that is moved by hand), and starts another.
    pub(crate) async fn restart_after(mut self, ms: u64) -> Self {
        self.stop().await;
        self.clock.pass(ms);
        let folder = self.folder.take().expect("its folder");
        Self::start_in(folder, self.clock.clone(), for_quick_buyers).await
    }

    /// As [`OpenHouse::restart`], with the limits that a house has unless it is told otherwise.
    pub(crate) async fn restart_with_usual_limits(mut self) -> Self {
        self.stop().await;
        let folder = self.folder.take().expect("its folder");
        Self::start_in(folder, self.clock.clone(), |_| {}).await
    }

    /// Its clock: only one moved by hand can be moved.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The house as the client of this crate knows it.
    pub(crate) fn for_clients(&self) -> House {
        House::at(&self.address.to_string()).expect("an address")
    }

    /// Where its data is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().expect("its folder").path()
    }

    /// Its rooms, for what no visitor can bring about.
    pub(crate) fn rooms(&self) -> Arc<web::House> {
        self.house.upgrade().expect("the server runs")
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request to it, by its path.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("an answer")
    }

    /// POST of JSON, as the box office.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path).bearer_auth(KEY);
        request.body(body.to_string()).send().await.expect("an answer")
    }

    /// Puts a show on, in a hall of two rows of five, and gives its name.
    pub(crate) async fn a_show(&self) -> String {
        self.a_show_in(&small_plan(), |_| {}).await
    }

    /// Puts a show on in a hall of this plan, with changes to what is asked for, and gives its name.
    pub(crate) async fn a_show_in(&self, plan: &Value, change: impl FnOnce(&mut Value)) -> String {
        let hall = self.post("/v1/halls?name=Small+Hall", plan).await;
        assert_eq!(hall.status(), 201);
        let hall: Value = hall.json().await.expect("JSON");
        let mut show = new_show(&hall["hall"]);
        change(&mut show);
        let show = self.post("/v1/shows", &show).await;
        assert_eq!(show.status(), 201);
        let show: Value = show.json().await.expect("JSON");
        show["id"].as_str().expect("a name").to_owned()
    }

    /// One JSON-RPC request over HTTP, and the answer.
    pub(crate) async fn rpc(&self, show: &str, token: Option<&str>, request: &Value) -> Value {
        let mut asking = self.request(Method::POST, &format!("/v1/shows/{show}/rpc"));
        if let Some(token) = token {
            asking = asking.bearer_auth(token);
        }
        let answer = asking.body(request.to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.json().await.expect("JSON")
    }

    /// A new session's token.
    pub(crate) async fn identify(&self, show: &str) -> String {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "identify"});
        let answer = self.rpc(show, None, &request).await;
        answer["result"]["session"].as_str().expect("a token").to_owned()
    }
}

/// Limits that no story meets by accident.
pub(crate) fn for_quick_buyers(settings: &mut Settings) {
    let (per_second, burst) = (100_000, 100_000);
    settings.limits = Limits {
        messages_per_second: per_second,
        messages_burst: burst,
        attempts_per_second: per_second,
        attempts_burst: burst,
        numbers_per_second: per_second,
        numbers_burst: burst,
        ..settings.limits
    };
}

/// A show in a hall, far in the future.
pub(crate) fn new_show(hall: &Value) -> Value {
    json!({
        "hall": hall, "title": "The Tempest", "starts_at": 4_102_444_800_000_u64,
        "currency": "EUR", "prices": {"Stalls": 4500},
    })
}

/// A plan of two rows of five seats.
pub(crate) fn small_plan() -> Value {
    let row = |row: usize| {
        let seat = |seat: usize| {
            json!({
                "seat_guid": format!("{row}-{seat}"), "seat_number": seat.to_string(),
                "category": "Stalls", "position": {"x": seat * 30, "y": 0},
            })
        };
        json!({
            "row_number": row.to_string(), "row_number_position": "both",
            "position": {"x": 0, "y": row * 40}, "seats": (1..=5).map(seat).collect::<Vec<_>>(),
        })
    };
    json!({
        "name": "Small", "size": {"width": 200, "height": 120},
        "categories": [{"name": "Stalls", "color": "#9C27B0"}],
        "zones": [{
            "name": "Ground floor", "position": {"x": 0, "y": 0}, "areas": [],
            "rows": [row(1), row(2)],
        }],
    })
}
