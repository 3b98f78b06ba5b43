//! The binary, started as anybody starts it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use usher::client::House;
use usher::show::ShowId;

use crate::open_house::{KEY, new_show};

/// A running `usher serve`; killed when it is dropped.
pub(super) struct Program {
    child: Child,
    address: String,
}

/// `usher serve` on a port of its own, with limits that no quick buyer meets.
pub(super) fn serve(data: &Path) -> Vec<String> {
    let data = data.to_str().expect("text");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data,
        "--demo",
        "none",
        "--key",
        KEY,
        "--shards",
        "1",
        "--log-level",
        "error",
        "--messages-per-second",
        "100000",
        "--messages-burst",
        "100000",
        "--attempts-per-second",
        "100000",
        "--attempts-burst",
        "100000",
    ];
    words.map(ToOwned::to_owned).into()
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
pub(super) fn run(words: &[String]) -> (Option<i32>, String, String) {
    let output = usher(words).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// `usher verify`: the exit code, and all it said.
pub(super) fn verify(data: &Path) -> (Option<i32>, String) {
    let data = data.to_str().expect("text").to_owned();
    let (code, out, errors) = run(&["verify".to_owned(), "--data".to_owned(), data]);
    (code, out + &errors)
}

impl Program {
    /// Starts it and waits until it says where it listens.
    pub(super) fn start(data: &Path) -> Self {
        let mut child = usher(&serve(data)).stdout(Stdio::piped()).spawn().expect("it starts");
        // Read to the end of the first line and then no more: it must not die of that.
        let said = child.stdout.take().expect("its words");
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("Usher is open: ").map(ToOwned::to_owned);
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, address }
    }

    /// As its clients know it.
    pub(super) fn house(&self) -> House {
        House::at(&self.address).expect("an address")
    }

    /// Puts on a show of ten seats in a row and a floor for the others.
    pub(super) async fn a_show(&self, seats: u32, policy: Value) -> ShowId {
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
    pub(super) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// `kill -TERM`: the way an operator stops it.
    pub(super) fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("told").success());
    }

    /// Waits for its end; the exit code.
    pub(super) fn ended(&mut self) -> Option<i32> {
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
