//! A Sentinel: it watches a primary and its replica, and puts the one in the other's place.

use std::fs;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{RedisServer, Reply, free_port, program, resp, wait_until};

/// What it calls the primary.
const NAME: &str = "house";

/// One Sentinel, whose word alone is enough. It is gone when it is dropped.
pub(crate) struct Sentinel {
    port: u16,
    child: Child,
    /// Where it notes what it knows, and what it does.
    folder: TempDir,
}

impl Sentinel {
    /// One that watches `primary`, and knows its one replica.
    pub(crate) fn over(primary: &RedisServer) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
        let settings = format!(
            "port {port}\n\
             bind 127.0.0.1\n\
             logfile sentinel.log\n\
             sentinel monitor {NAME} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {NAME} 500\n\
             sentinel failover-timeout {NAME} 3000\n",
            primary.port()
        );
        let path = folder.path().join("sentinel.conf");
        fs::write(&path, settings).expect("a file");
        let child = Command::new(program())
            .arg(path)
            .arg("--sentinel")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let sentinel = Self { port, child: child.expect("it starts"), folder };
        wait_until("the Sentinel knows the replica", || {
            matches!(sentinel.ask(&["SENTINEL", "REPLICAS", NAME]),
                Some(Reply::List(replicas)) if replicas.len() == 1)
        });
        sentinel
    }

    /// Its address, as `usher --redis` takes it.
    pub(crate) fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/{NAME}", self.port)
    }

    /// Waits until it names this server as the primary.
    pub(crate) fn wait_for(&self, primary: &RedisServer) {
        let port = Reply::Text(primary.port().to_string());
        wait_until("the Sentinel has put another in the dead one's place", || {
            matches!(self.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]),
                Some(Reply::List(place)) if place.get(1) == Some(&port))
                && primary.info("role").as_deref() == Some("master")
        });
    }

    fn ask(&self, words: &[&str]) -> Option<Reply> {
        resp::ask(self.port, words).ok()
    }
}

impl Drop for Sentinel {
    /// Where the test failed, what it did.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let told = fs::read_to_string(self.folder.path().join("sentinel.log"));
            eprintln!("the Sentinel:\n{}", told.unwrap_or_default());
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
