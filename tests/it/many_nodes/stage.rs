//! Several nodes of one house: real processes on one Redis, each with a line of its own to it that
//! can be broken.

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use usher::client::House;
use usher::show::ShowId;

use crate::program::{self, Program};
use crate::proxy::Proxy;

/// How long anything may take on a machine that is busy with all the other tests.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How many nodes there are.
pub(super) const NODES: usize = 3;
/// Seats of a show: enough that it is not sold out in the end.
pub(super) const SEATS: u32 = 20_000;

/// Waits until it is so.
pub(super) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Where the nodes are at the moment: a node that is started again has another address.
#[derive(Clone)]
pub(super) struct Houses(Arc<Mutex<Vec<House>>>);

impl Houses {
    /// Where this node is; of those that come after the last, the first again.
    pub(super) fn at(&self, node: usize) -> House {
        let houses = self.0.lock().expect("no panic under it");
        houses[node % houses.len()].clone()
    }

    fn moved(&self, node: usize, to: House) {
        self.0.lock().expect("no panic under it")[node] = to;
    }
}

struct Node {
    words: Vec<String>,
    program: Option<Program>,
    /// None where it knows the Redis directly.
    line: Option<Proxy>,
}

/// The nodes, and where they are.
pub(super) struct Stage {
    nodes: Vec<Node>,
    houses: Houses,
    folder: TempDir,
}

impl Stage {
    /// Three nodes, each with a line to the Redis that listens at `port`.
    pub(super) fn with_lines_to(port: u16, durability: &str) -> Self {
        let lines = (0..NODES).map(|_| Proxy::to(port));
        Self::open(lines.map(|line| (line.url(), Some(line))).collect(), durability)
    }

    /// Three nodes that are told this address.
    pub(super) fn on(redis: &str, durability: &str) -> Self {
        Self::open((0..NODES).map(|_| (redis.to_owned(), None)).collect(), durability)
    }

    fn open(redis: Vec<(String, Option<Proxy>)>, durability: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Begun before the nodes, so that one that does not start is told of.
        let mut stage = Self { nodes: Vec::new(), houses: Houses(Arc::default()), folder };
        for (number, (url, line)) in redis.into_iter().enumerate() {
            let words = program::serve_on(&url, durability);
            stage.nodes.push(Node { words, program: None, line });
            let program = Program::start_as(&stage.nodes[number].words, stage.log_of(number));
            stage.houses.0.lock().expect("no panic under it").push(program.house());
            stage.nodes[number].program = Some(program);
        }
        stage
    }

    /// Where the nodes are.
    pub(super) fn houses(&self) -> &Houses {
        &self.houses
    }

    /// A node's line to the Redis.
    pub(super) fn line(&self, node: usize) -> &Proxy {
        self.nodes[node].line.as_ref().expect("a node with a line")
    }

    /// All nodes' lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Proxy> {
        self.nodes.iter().filter_map(|node| node.line.as_ref())
    }

    /// Puts on a show at the first node, and waits until all know it.
    pub(super) async fn a_show(&self) -> ShowId {
        self.a_show_with(SEATS, json!({})).await
    }

    /// As [`Stage::a_show`], of so many seats and with this policy.
    pub(super) async fn a_show_with(&self, seats: u32, policy: Value) -> ShowId {
        let show = self.program(0).a_show(seats, policy).await;
        for node in 0..self.nodes.len() {
            let began = Instant::now();
            while self.houses.at(node).head(&show).await.is_err() {
                assert!(began.elapsed() < PATIENCE, "node {node} never hears of the show");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        show
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self, node: usize) {
        self.nodes[node].program.take().expect("it runs").kill();
    }

    /// SIGTERM; answers its exit code when it is gone.
    pub(super) fn terminate(&mut self, node: usize) -> Option<i32> {
        let mut program = self.nodes[node].program.take().expect("it runs");
        program.terminate();
        program.ended()
    }

    /// Starts a node again.
    pub(super) fn start_again(&mut self, node: usize) {
        let program = Program::start_as(&self.nodes[node].words, self.log_of(node));
        self.houses.moved(node, program.house());
        self.nodes[node].program = Some(program);
    }

    /// The sum of a counter of this name over all nodes' metrics.
    pub(super) async fn counted(&self, name: &str) -> Vec<u64> {
        let mut counts = Vec::new();
        for node in 0..self.nodes.len() {
            let metrics = format!("{}metrics", self.program(node).address());
            let text = reqwest::get(metrics).await.expect("an answer").text().await;
            let text = text.expect("text");
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            let value = value.unwrap_or_else(|| panic!("no {name} in {text}"));
            counts.push(value.parse().expect("a number"));
        }
        counts
    }

    /// All a node wrote into its log of operations.
    pub(super) fn told(&self, node: usize) -> String {
        fs::read_to_string(self.path(node)).expect("its log")
    }

    fn program(&self, node: usize) -> &Program {
        self.nodes[node].program.as_ref().expect("it runs")
    }

    fn path(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{node}.log"))
    }

    /// The file for a node's log of operations, at its end.
    fn log_of(&self, node: usize) -> File {
        let mut file = OpenOptions::new();
        file.create(true).append(true).open(self.path(node)).expect("a file")
    }
}

impl Drop for Stage {
    /// Where the test failed, what the nodes had to say.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for node in 0..self.nodes.len() {
            let told = fs::read_to_string(self.path(node)).unwrap_or_default();
            let lines: Vec<_> = told.lines().collect();
            let last = lines.iter().skip(lines.len().saturating_sub(60));
            eprintln!("node {node}, its last words:");
            last.for_each(|line| eprintln!("  {line}"));
        }
    }
}
