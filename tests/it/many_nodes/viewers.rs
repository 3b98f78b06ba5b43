//! Viewers on all nodes, who go to the next node with what they know when theirs is gone.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use usher::client::{Applied, FromServer, Heard, Notice, Picture, Viewer};
use usher::protocol::rpc::StorageState;
use usher::protocol::seats::Format;
use usher::show::ShowId;

use super::stage::Houses;

/// What a viewer has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The map as it shows it now.
    pub(super) picture: Option<Picture>,
    /// How storage was said to be, each time it was.
    pub(super) storage: Vec<(Instant, StorageState)>,
    /// The lives it was in, and since when.
    pub(super) epochs: Vec<(Instant, u64)>,
    /// Snapshots after the first.
    pub(super) snapshots: u64,
    /// Sockets that ended, and connections that were refused.
    pub(super) reconnects: u64,
}

impl Seen {
    /// What it was told of storage last.
    pub(super) fn storage_is(&self) -> Option<StorageState> {
        self.storage.last().map(|(_, state)| *state)
    }
}

/// A viewer that goes on until it is dropped.
pub(super) struct Watcher {
    seen: Arc<Mutex<Seen>>,
    /// The node it began at.
    pub(super) node: usize,
    watching: tokio::task::JoinHandle<()>,
}

impl Watcher {
    /// Begins to watch at this node.
    pub(super) fn begin(houses: Houses, show: ShowId, node: usize, format: Format) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let watching = tokio::spawn(watch(houses, show, node, format, seen.clone()));
        Self { seen, node, watching }
    }

    /// What it has seen so far.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        // Where the watching failed it says so itself, and the picture stays what it was.
        assert!(!self.watching.is_finished(), "a viewer of node {} failed", self.node);
        self.seen.lock().expect("no panic under it")
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

async fn watch(
    houses: Houses,
    show: ShowId,
    mut node: usize,
    format: Format,
    seen: Arc<Mutex<Seen>>,
) {
    loop {
        let known = seen.lock().expect("no panic under it").picture.clone();
        match Viewer::connect(&houses.at(node), &show, format, known).await {
            Ok(viewer) => follow(viewer, node, &seen).await,
            Err(error) => assert!(!error.is_breach(), "node {node}: {error}"),
        }
        seen.lock().expect("no panic under it").reconnects += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        node += 1;
    }
}

/// Until the socket ends.
async fn follow(mut viewer: Viewer, node: usize, seen: &Mutex<Seen>) {
    loop {
        let heard = match viewer.next().await {
            Ok(heard) => heard,
            Err(error) => {
                assert!(!error.is_breach(), "node {node}: {error}");
                return;
            }
        };
        let mut seen = seen.lock().expect("no panic under it");
        match heard {
            Heard::Seats(applied) => {
                if applied == Applied::Replaced && seen.picture.is_some() {
                    seen.snapshots += 1;
                }
                seen.picture = viewer.picture().cloned();
                let epoch = viewer.picture().map_or(0, Picture::epoch);
                if seen.epochs.last().map(|(_, epoch)| *epoch) != Some(epoch) {
                    seen.epochs.push((Instant::now(), epoch));
                }
            }
            Heard::Said(FromServer::Notice(notice)) => {
                if let Notice::ServerStatus { storage } = *notice {
                    seen.storage.push((Instant::now(), storage));
                }
            }
            Heard::Said(_) | Heard::Ping => {}
        }
    }
}
