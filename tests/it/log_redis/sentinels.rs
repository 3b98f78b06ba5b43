//! A primary that Sentinels know: found by its name, and found again after a failover.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use usher::log::{Known, Log};

use super::{EPOCH, after, append, begun, entries, heard, heard_of, next, open, texts, until};
use crate::redis_server::{RedisServer, wait_until};

/// A Sentinel that watches one primary, and is enough of them to replace it.
struct Sentinel {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Sentinel {
    fn of(primary: &RedisServer) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            listener.local_addr().expect("its address").port()
        };
        let settings = [
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("sentinel monitor box 127.0.0.1 {} 1", primary.port()),
            "sentinel down-after-milliseconds box 500".to_owned(),
            "sentinel failover-timeout box 10000".to_owned(),
        ];
        std::fs::write(folder.path().join("sentinel.conf"), settings.join("\n")).expect("written");
        let program = std::env::var("USHER_REDIS_SERVER").ok().filter(|name| !name.is_empty());
        let child = Command::new(program.as_deref().unwrap_or("redis-server"))
            .args(["sentinel.conf", "--sentinel"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("a Sentinel");
        let sentinel = Self { port, child, _folder: folder };
        wait_until("the Sentinel knows the replica", || {
            let told = sentinel.ask(&["SENTINEL", "MASTERS"]);
            told.contains("num-slaves\n1\n")
        });
        sentinel
    }

    /// Asks it something; the answer's lines without what frames them.
    fn ask(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        let told = Command::new("redis-cli").args(["-p", &port]).args(words).output();
        String::from_utf8(told.expect("redis-cli").stdout).expect("text")
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_found_by_its_name_and_found_again_after_a_failover() {
    let mut primary = RedisServer::start();
    let replica = RedisServer::replica_of(primary.port());
    let sentinel = Sentinel::of(&primary);
    // The first is not there: another is asked.
    let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/box", sentinel.port);
    let (log, other) = (open(&url).await, open(&url).await);
    let hamlet = begun(&log).await;
    let mut hearing = other.watch(&hamlet).expect("others can append");
    for _ in 0..2 {
        next(&mut hearing).await;
    }
    let first = append(&log, Known::nothing(EPOCH), &["a"]).await;
    heard_of(&mut hearing, &first).await;
    until("the replica has it", async || super::pages(&replica) == 1).await;

    primary.kill();
    let mut last = after(&first);
    until("it goes on at the replica", async || {
        match log.append(&hamlet, last, entries(&["b"])).await {
            Ok(told) => last = after(&told),
            Err(_) => return false,
        }
        true
    })
    .await;
    assert_eq!(super::pages(&replica), 2);
    // The old primary comes back and is told to follow; nobody takes it for the primary.
    primary.start_again();
    until("it is heard at the new primary", async || {
        last = after(&append(&log, last, &["c"]).await);
        let soon = std::time::Duration::from_millis(200);
        tokio::time::timeout(soon, heard(&mut hearing)).await.is_ok()
    })
    .await;
    let found = texts(&other).await;
    assert_eq!(found[..2], ["a", "b"]);
    assert_eq!(found.len() as i64, super::pages(&replica));
}
