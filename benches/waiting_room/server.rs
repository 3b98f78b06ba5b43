//! The server of the bench: this same program, started again as another process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use usher::config::{Demo, Key, Limits, Settings};
use usher::server::Server;

/// Signs the sessions: the clients make their own.
pub(crate) const SECRET: [u8; 32] = [7; 32];
/// Of every show.
pub(crate) const SEATS: usize = 50;
const KEY: &str = "a-key-for-the-bench-only";
/// Says to this program that it is the server, and in which folder.
const FOLDER: &str = "USHER_BENCH_FOLDER";

/// A server that runs; it ends with this.
pub(crate) struct Child {
    process: std::process::Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Child {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let said = process.stdout.take().expect("its output");
        BufReader::new(said).read_line(&mut line).expect("its address");
        let address = line.trim().parse().expect("an address");
        Self { process, address, _folder: folder }
    }

    /// How much memory it has.
    pub(crate) fn resident_kb(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Puts on a show where so many may pick at once.
    pub(crate) async fn a_show(&self, picking_max: usize) -> String {
        let admission = json!({"picking_max": picking_max, "pass_ms": 3_600_000});
        self.a_show_of(&json!({ "admission": admission })).await
    }

    /// Puts on a show with this policy.
    pub(crate) async fn a_show_of(&self, policy: &Value) -> String {
        let hall = self.post("/v1/halls?name=Bench", &plan()).await;
        let show = json!({
            "hall": hall["hall"], "title": "Bench", "starts_at": 4_000_000_000_000_u64,
            "currency": "EUR", "prices": {"All": 1_000},
            "policy": policy,
        });
        let show = self.post("/v1/shows", &show).await;
        show["id"].as_str().expect("an id").to_owned()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("http://{}{path}", self.address);
        let posted = reqwest::Client::new().post(url).bearer_auth(KEY).json(body).send().await;
        let posted = posted.expect("an answer");
        assert_eq!(posted.status().as_u16(), 201);
        posted.json().await.expect("JSON")
    }
}

/// Whether this process is to be the server.
pub(crate) fn is_the_child() -> bool {
    std::env::var_os(FOLDER).is_some()
}

/// Serves until nobody holds the other end of its input.
pub(crate) async fn serve() {
    let fast = 1_000_000_000;
    let settings = Settings {
        listen: "127.0.0.1:0".parse().expect("an address"),
        data: std::env::var_os(FOLDER).expect("a folder").into(),
        key: Some(Key(KEY.to_owned())),
        signing_keys: Some(vec![Key(STANDARD.encode(SECRET))]),
        demo: Demo::None,
        limits: Limits {
            sockets_max: 15_000,
            sockets_per_address_max: 15_000,
            upgrades_per_second: fast,
            messages_per_second: fast,
            messages_burst: fast,
            attempts_per_second: fast,
            attempts_burst: fast,
            numbers_per_second: fast,
            numbers_burst: fast,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let server = Server::new(settings).await.expect("the house opens");
    let listener = server.bind().await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        drop(stop);
    });
    server
        .run(listener, async {
            drop(stopped.await);
        })
        .await;
}

/// Milliseconds since the Unix epoch.
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis() as u64
}

fn plan() -> Value {
    let seat = |seat: u64| {
        json!({
            "seat_number": seat.to_string(), "seat_guid": seat.to_string(),
            "position": {"x": seat * 25, "y": 0}, "category": "All",
        })
    };
    let seats: Vec<Value> = (0..SEATS as u64).map(seat).collect();
    json!({
        "name": "Bench", "size": {"width": 1250, "height": 100},
        "categories": [{"name": "All", "color": "#808080"}],
        "zones": [{
            "name": "House", "position": {"x": 0, "y": 0},
            "rows": [{"row_number": "1", "position": {"x": 0, "y": 0}, "seats": seats}],
        }],
    })
}
