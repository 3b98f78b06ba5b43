//! A `redis-server` of the bench's own, and logs on it.

use std::net::TcpListener as Port;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use usher::config::{Durability, RedisAddress};
use usher::log::Log;
use usher::log::redis::RedisLog;

/// When Redis syncs its append-only file.
#[derive(Clone, Copy)]
pub(crate) enum Fsync {
    /// Once a second.
    EverySecond,
    /// Before every answer.
    Always,
}

impl Fsync {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EverySecond => "everysec",
            Self::Always => "always",
        }
    }
}

/// It ends with this.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    pub(crate) async fn start(fsync: Fsync) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Free a moment ago; nobody else here asks for ports.
        let port = Port::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        let port = port.expect("a port").port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", fsync.name()])
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server: apt-get install redis-server");
        let redis = Self { child, port, _folder: folder };
        while redis.say("PING").await.is_none_or(|said| !said.contains("PONG")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A log for each of so many nodes; the last is so much further away, there and back.
    pub(crate) async fn logs(
        &self,
        nodes: usize,
        durability: Durability,
        last: Option<Duration>,
    ) -> Vec<Arc<dyn Log>> {
        let mut logs: Vec<Arc<dyn Log>> = Vec::new();
        for node in 0..nodes {
            let url = match last.filter(|_| node + 1 == nodes) {
                Some(delay) => far_away(self.port, delay).await,
                None => self.url(),
            };
            let address: RedisAddress = url.parse().expect("an address");
            logs.push(Arc::new(RedisLog::open(&address, durability).await.expect("a log")));
        }
        logs
    }

    /// The processor time Redis has used.
    pub(crate) async fn cpu(&self) -> Duration {
        let said = self.say("INFO cpu").await.expect("Redis answers");
        let of = |name: &str| -> f64 {
            let line = said.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|seconds| seconds.trim().parse().ok()).expect("a number")
        };
        Duration::from_secs_f64(of("used_cpu_user:") + of("used_cpu_sys:"))
    }

    async fn say(&self, words: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        stream.write_all(format!("{words}\r\nQUIT\r\n").as_bytes()).await.ok()?;
        let mut said = String::new();
        stream.read_to_string(&mut said).await.ok()?;
        Some(said)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address at which the Redis at `port` answers `delay` later.
async fn far_away(port: u16, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            // The server ends before the log that tries to reach it again.
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
            near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).expect("no delay");
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::spawn(carry(near_read, far_write, delay / 2));
            tokio::spawn(carry(far_read, near_write, delay / 2));
        }
    });
    format!("redis://{address}")
}

/// Hands on what comes, each piece so much later, without holding up those behind it.
async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin + Send + 'static,
    delay: Duration,
) {
    let (on_the_way, mut arriving) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some((at, bytes)) = arriving.recv().await {
            let bytes: Vec<u8> = bytes;
            tokio::time::sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut bytes = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let at = tokio::time::Instant::now() + delay;
        if on_the_way.send((at, bytes[..count].to_vec())).is_err() {
            return;
        }
    }
}
