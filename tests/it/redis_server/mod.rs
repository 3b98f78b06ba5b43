//! A real Redis for one test: started on a free port in a folder of its own, and made to suffer what
//! happens to one (a stop, a kill, a pause, a failover). It is gone when it is dropped.
//!
//! `USHER_REDIS_SERVER` names another program in its stead, such as `valkey-server`.

mod cluster;
mod resp;
mod sentinel;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) use cluster::RedisCluster;
pub(crate) use resp::Reply;
pub(crate) use sentinel::Sentinel;

/// How long anything here may take on a machine that is busy with all the other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Redis of this test's own.
pub(crate) struct RedisServer {
    port: u16,
    /// All settings that are not everybody's.
    settings: Vec<String>,
    /// None while it is stopped.
    child: Option<Child>,
    folder: TempDir,
}

impl RedisServer {
    /// One that has on its disk what it has acknowledged: the append-only file, synced always.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// One with these settings, as words of its command line; what is not said is as Redis has it,
    /// but that nothing is saved now and then.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = settings.iter().map(|word| (*word).to_owned()).collect();
        let mut server = Self { port: 0, settings, child: None, folder };
        // Between the choice of a port and its use somebody else may take it.
        for _ in 0..20 {
            server.port = free_port();
            if server.try_start_again() {
                return server;
            }
        }
        panic!("the Redis does not start: {}", server.told());
    }

    /// A replica of whoever listens at `port` (a server, or a proxy before it), in step with it, that
    /// keeps what it has as carefully as [`RedisServer::start`]'s.
    pub(crate) fn replica_of(port: u16) -> Self {
        let of = port.to_string();
        let replica = Self::start_with(&[
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--replicaof",
            "127.0.0.1",
            &of,
        ]);
        replica.wait_in_step(port);
        replica
    }

    /// Where it listens on this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its address, as `usher --redis` takes it.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Whether it was started and neither stopped nor killed.
    pub(crate) fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Asks it something.
    pub(crate) fn ask(&self, words: &[&str]) -> Reply {
        resp::ask(self.port, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// What it says of itself in `INFO` under this name.
    pub(crate) fn info(&self, name: &str) -> Option<String> {
        info(&self.ask(&["INFO"]).text(), name)
    }

    /// Stops it as an operator does.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        self.wait_gone();
    }

    /// `kill -9`: no warning, no time for anything.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.wait_gone();
    }

    /// Starts it again where it was, with what is on its disk.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none(), "it runs");
        // The port was its own; another process could have it only by a bad coincidence.
        assert!(self.try_start_again(), "it does not start again: {}", self.told());
    }

    /// Starts it again where it was, with nothing: its disk was lost.
    pub(crate) fn start_again_empty(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let of_the_data = |name: &Path| name.extension().is_none_or(|end| end != "log");
        for entry in std::fs::read_dir(self.folder.path()).expect("its folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                std::fs::remove_dir_all(path).expect("gone");
            } else if of_the_data(&path) {
                std::fs::remove_file(path).expect("gone");
            }
        }
        self.start_again();
    }

    /// Makes it stand still, as a machine that is out of memory does: its port is open, and nothing
    /// answers.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// Makes this replica a primary, as a failover does.
    pub(crate) fn promote(&self) {
        assert_eq!(self.ask(&["REPLICAOF", "NO", "ONE"]), Reply::Text("OK".to_owned()));
    }

    /// Makes it the replica of whoever listens at `port`: all it knew otherwise is lost. Answers when
    /// it is in step.
    pub(crate) fn follow(&self, port: u16) {
        let told = self.ask(&["REPLICAOF", "127.0.0.1", &port.to_string()]);
        assert_eq!(told, Reply::Text("OK".to_owned()));
        self.wait_in_step(port);
    }

    /// Both must find it so: the primary learns of it up to a second later.
    fn wait_in_step(&self, with: u16) {
        let online = format!("port={},state=online", self.port);
        wait_until("the replica is in step", || {
            let known = matches!(resp::ask(with, &["INFO", "replication"]),
                Ok(Reply::Text(said)) if said.contains(&online));
            known && self.info("master_link_status").as_deref() == Some("up")
        });
    }

    /// Starts the process and waits until it answers; false where it ended instead.
    fn try_start_again(&mut self) -> bool {
        let program = program();
        let port = self.port.to_string();
        let everybody = [
            ["--port", &port],
            ["--bind", "127.0.0.1"],
            ["--save", ""],
            ["--logfile", "redis.log"],
            // A test does not wait for other replicas that might come.
            ["--repl-diskless-sync-delay", "0"],
            ["--repl-ping-replica-period", "1"],
        ];
        let started = Command::new(&program)
            .args(everybody.iter().flatten())
            .args(&self.settings)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let mut child = match started {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("{program} is missing: apt-get install redis-server")
            }
            started => started.unwrap_or_else(|error| panic!("{program}: {error}")),
        };
        let mut answers = false;
        wait_until("the Redis answers or ends", || {
            let ended = child.try_wait().expect("a child").is_some();
            answers = !ended && is_process(self.port, child.id());
            ended || answers
        });
        self.child = answers.then_some(child);
        answers
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it runs");
        signal(child, name);
    }

    fn wait_gone(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.wait().expect("an end");
    }

    /// What it wrote into its own log.
    fn told(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("redis.log")).unwrap_or_default()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// What is started as a Redis.
fn program() -> String {
    let given = std::env::var("USHER_REDIS_SERVER").ok().filter(|name| !name.is_empty());
    given.unwrap_or_else(|| "redis-server".to_owned())
}

/// Whether the Redis at `port` answers and is this process: it has read all that is on its disk.
fn is_process(port: u16, id: u32) -> bool {
    match resp::ask(port, &["INFO"]) {
        Ok(Reply::Text(said)) => {
            info(&said, "process_id") == Some(id.to_string())
                && info(&said, "loading").as_deref() == Some("0")
        }
        Ok(_) | Err(_) => false,
    }
}

fn info(said: &str, name: &str) -> Option<String> {
    let value = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(|value| value.trim().to_owned())
}

/// Sends a signal to a process of this test's own.
pub(crate) fn signal(child: &Child, name: &str) {
    let told = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(told.expect("told").success());
}

/// A port nobody listens on now, with room above it for a cluster's second one.
fn free_port() -> u16 {
    let mut taken = Vec::new();
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        if port < u16::MAX - cluster::BUS {
            return port;
        }
        // Held until one is found, so that it is not offered again.
        taken.push(listener);
    }
}

/// Looks again and again until it is so.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_it_acknowledged_is_there_after_a_kill() {
    let mut redis = RedisServer::start();
    assert_eq!(redis.ask(&["SET", "hamlet", "to be"]), Reply::Text("OK".to_owned()));
    redis.kill();
    assert!(resp::ask(redis.port(), &["PING"]).is_err(), "nobody is there");
    redis.start_again();
    assert_eq!(redis.ask(&["GET", "hamlet"]), Reply::Text("to be".to_owned()));
    redis.stop();
    redis.start_again_empty();
    assert_eq!(redis.ask(&["GET", "hamlet"]), Reply::Nothing);
}

#[test]
fn a_replica_goes_on_where_its_primary_ended() {
    let mut primary = RedisServer::start();
    let replica = RedisServer::replica_of(primary.port());
    primary.ask(&["SET", "hamlet", "to be"]);
    wait_until("the replica has it", || {
        replica.ask(&["GET", "hamlet"]) == Reply::Text("to be".to_owned())
    });
    let refused = replica.ask(&["SET", "hamlet", "not to be"]);
    assert!(matches!(refused, Reply::Refusal(_)), "{refused:?}");
    primary.kill();
    replica.promote();
    assert_eq!(replica.ask(&["SET", "hamlet", "not to be"]), Reply::Text("OK".to_owned()));
    primary.start_again();
    primary.follow(replica.port());
    assert_eq!(primary.ask(&["GET", "hamlet"]), Reply::Text("not to be".to_owned()));
}
