//! The backend's fixtures: two nodes at one Redis, or at one cluster. A server is shared by all tests
//! that run at the time, and is gone with the last of them.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use usher::config::{Durability, RedisAddress};
use usher::log::redis::RedisLog;

use super::Fixture;
use crate::redis_server::{RedisCluster, RedisServer, Reply, wait_until};

/// How many databases a server has.
const DATABASES: &str = "4096";

impl Fixture {
    /// In a database of its own.
    pub(super) async fn redis() -> Self {
        static RUNNING: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
        let server = shared(&RUNNING, || RedisServer::start_with(&settings())).await;
        let fixture = two_nodes(&database_of(&server), Durability::Disk).await;
        Self { shared: Some(server), ..fixture }
    }

    /// The same with a replica, which has everything before it is told.
    pub(super) async fn redis_replicated() -> Self {
        static RUNNING: Mutex<Weak<(RedisServer, RedisServer)>> = Mutex::new(Weak::new());
        let servers = shared(&RUNNING, || {
            let primary = RedisServer::start_with(&settings());
            let port = primary.port().to_string();
            let follow = ["--replicaof", "127.0.0.1", &port];
            let replica = RedisServer::start_with(&[&settings()[..], &follow].concat());
            wait_until("the replica is in step", || {
                primary.info("slave0").is_some_and(|told| told.contains("state=online"))
            });
            (primary, replica)
        });
        let servers = servers.await;
        let level = Durability::Replicated { replicas: 1 };
        let fixture = two_nodes(&database_of(&servers.0), level).await;
        Self { shared: Some(servers), ..fixture }
    }

    /// Alone on an emptied cluster: a cluster has no databases.
    pub(super) async fn redis_cluster() -> Self {
        static RUNNING: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
        static TURNS: Mutex<Option<Arc<tokio::sync::Mutex<()>>>> = Mutex::new(None);
        let cluster = shared(&RUNNING, RedisCluster::start).await;
        let turns =
            TURNS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().clone();
        let turn = turns.lock_owned().await;
        for primary in cluster.primaries() {
            assert_eq!(primary.ask(&["FLUSHALL"]), Reply::Text("OK".to_owned()));
        }
        let fixture = two_nodes(&cluster.url(), Durability::Disk).await;
        Self { shared: Some(cluster), _turn: Some(turn), ..fixture }
    }
}

/// The one that runs, or a new one.
async fn shared<T: Send + Sync + 'static>(
    running: &'static Mutex<Weak<T>>,
    start: impl FnOnce() -> T + Send + 'static,
) -> Arc<T> {
    let started = tokio::task::spawn_blocking(move || {
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let new = Arc::new(start());
            *running = Arc::downgrade(&new);
            new
        })
    });
    started.await.expect("it starts")
}

/// Durable, with a database for each fixture.
fn settings() -> [&'static str; 6] {
    ["--appendonly", "yes", "--appendfsync", "always", "--databases", DATABASES]
}

/// The address of a database that no other fixture uses.
fn database_of(server: &RedisServer) -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let databases = DATABASES.parse::<u16>().expect("a number");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(number < databases, "each has one to itself");
    format!("{}/{number}", server.url())
}

async fn two_nodes(url: &str, level: Durability) -> Fixture {
    let address: RedisAddress = url.parse().expect("an address");
    let open = async || RedisLog::open(&address, level).await.expect("a log");
    Fixture::of(Arc::new(open().await), Arc::new(open().await))
}
