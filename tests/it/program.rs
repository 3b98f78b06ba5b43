//! The binary, started as anybody starts it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use usher::client::House;
use usher::show::ShowId;

use crate::open_house::{KEY, new_show};

/// A running `usher serve`; killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    address: String,
}

/// What every server of a test is told: a port of its own, and limits that no quick buyer meets.
const EVERY_SERVER: [&str; 23] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--demo",
    "none",
    "--key",
    KEY,
    "--shards",
    "1",
    "--messages-per-second",
    "100000",
    "--messages-burst",
    "100000",
    "--attempts-per-second",
    "100000",
    "--attempts-burst",
    "100000",
    "--numbers-per-second",
    "100000",
    "--numbers-burst",
    "100000",
    "--upgrades-per-second",
    "100000",
];

fn every_server_and(words: &[&str]) -> Vec<String> {
    EVERY_SERVER.iter().chain(words).map(|word| (*word).to_owned()).collect()
}

/// `usher serve` on a folder.
pub(crate) fn serve(data: &Path) -> Vec<String> {
    let data = data.to_str().expect("text");
    every_server_and(&["--data", data, "--log-level", "error"])
}

/// `usher serve` on a Redis: one node of many.
pub(crate) fn serve_on(redis: &str, durability: &str) -> Vec<String> {
    every_server_and(&["--redis", redis, "--durability", durability, "--log-level", "info"])
}

fn usher(words: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    // A variable of whoever runs the tests must not set what these words leave open.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("USHER_")) {
        command.env_remove(name);
    }
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs it to its end: the exit code, and what it said on either road.
pub(crate) fn run(words: &[String]) -> (Option<i32>, String, String) {
    let output = usher(words).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// `usher verify` on a folder: the exit code, and all it said.
pub(crate) fn verify(data: &Path) -> (Option<i32>, String) {
    verify_with(&["--data", data.to_str().expect("text")])
}

/// `usher verify` with these words: the exit code, and all it said.
pub(crate) fn verify_with(words: &[&str]) -> (Option<i32>, String) {
    let words: Vec<String> = ["verify"].iter().chain(words).map(|word| word.to_string()).collect();
    let (code, out, errors) = run(&words);
    (code, out + &errors)
}

impl Program {
    /// Starts it on a folder and waits until it says where it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_as(&serve(data), Stdio::inherit())
    }

    /// Starts it with these words, its log of operations going to `told`, and waits until it says
    /// where it listens.
    pub(crate) fn start_as(words: &[String], told: impl Into<Stdio>) -> Self {
        let mut command = usher(words);
        let mut child = command.stdout(Stdio::piped()).stderr(told).spawn().expect("it starts");
        // Read to the end of the first line and then no more: it must not die of that.
        let said = child.stdout.take().expect("its words");
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("Usher is open: ").map(ToOwned::to_owned);
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, address }
    }

    /// Where it listens, as a browser would be given it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// As its clients know it.
    pub(crate) fn house(&self) -> House {
        House::at(&self.address).expect("an address")
    }

    /// Puts on a show of ten seats in a row and a floor for the others.
    pub(crate) async fn a_show(&self, seats: u32, policy: Value) -> ShowId {
        let mut plan = crate::open_house::small_plan();
        if seats > 10 {
            plan["zones"][0]["areas"] = json!([{
                "shape": "rectangle", "name": "Floor", "capacity": seats - 10,
                "category": "Stalls", "position": {"x": 0, "y": 0},
                "rectangle": {"width": 10, "height": 10},
            }]);
        }
        let hall = self.post("v1/halls?name=Small", &plan).await;
        let mut show = new_show(&hall["hall"]);
        show["policy"] = policy;
        let show = self.post("v1/shows", &show).await;
        ShowId::parse(show["id"].as_str().expect("a name")).expect("a name")
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", self.address));
        let answer = request.bearer_auth(KEY).body(body.to_string()).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 201, "{path}");
        answer.json().await.expect("JSON")
    }

    /// `kill -9`: no warning, no time for anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// `kill -TERM`: the way an operator stops it.
    pub(crate) fn terminate(&self) {
        crate::redis_server::signal(&self.child, "TERM");
    }

    /// Waits for its end; the exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("an end").code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
