//! The backend's fixtures: two nodes at one Redis, or at one cluster. A server is shared by all tests
//! that run at the time, and is gone with the last of them.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use usher::config::{Durability, RedisAddress};
use usher::log::redis::RedisLog;

use super::Fixture;
use crate::redis_server::{RedisCluster, RedisServer, Reply};

/// How many databases the one server has: each fixture has one to itself.
const DATABASES: u16 = 4_096;

impl Fixture {
    /// In a database of its own.
    pub(super) async fn redis() -> Self {
        static RUNNING: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let databases = DATABASES.to_string();
        let server = shared(&RUNNING, move || {
            let durable = ["--appendonly", "yes", "--appendfsync", "always"];
            let databases = ["--databases", &databases];
            RedisServer::start_with(&[&durable[..], &databases].concat())
        });
        let server = server.await;
        let database = NEXT.fetch_add(1, Ordering::Relaxed) % DATABASES;
        let fixture = two_nodes(&format!("{}/{database}", server.url())).await;
        Self { shared: Some(server), ..fixture }
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
        let fixture = two_nodes(&cluster.url()).await;
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

async fn two_nodes(url: &str) -> Fixture {
    let address: RedisAddress = url.parse().expect("an address");
    let open = async || RedisLog::open(&address, Durability::Disk).await.expect("a log");
    Fixture::of(Arc::new(open().await), Arc::new(open().await))
}
