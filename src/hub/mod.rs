//! The hub: everybody who watches, and how what happens reaches them.
//!
//! It owns the sockets after their upgrade, spread over [shards](shard): one thread each, which
//! alone reads and writes them. A show's [`Board`] is written by its box office; a viewer is a
//! position on it. Frames are encoded once and shared; each viewer that is behind costs one write.
//! It knows the WebSocket and the seat frames, and nothing of holds, sales or requests.
//!
//! ```text
//!  box office ──publish──▶ Board ──bell──▶ shard: sweep ──one write each──▶ sockets
//!  HTTP upgrade ──adopt──▶ shard: a Socket and its life ──next, send──▶ connection
//! ```

mod audience;
mod board;
mod counters;
mod directory;
mod heartbeat;
mod outbox;
mod settings;
mod shard;
mod socket;
mod sweep;
mod viewer;

#[cfg(test)]
mod tests;

pub use board::{Board, Place, SeatFrame};
pub use counters::Totals;
pub use settings::Settings;
pub use socket::{Incoming, Socket};

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::protocol::seats::Format;
use crate::protocol::websocket::{CloseCode, Opcode, frame};
use crate::show::{SessionId, ShowId};

use counters::Counters;
use shard::{Adoption, Message, Shard, Shared};
use sweep::Walk;

/// Which socket: unique in this process, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(u64);

/// A socket that was upgraded and is to be served.
#[derive(Debug)]
pub struct Adopted {
    /// The connection itself, after the answer to its upgrade was written.
    pub stream: TcpStream,
    /// What was read from it beyond the request.
    pub read_ahead: Bytes,
    /// The show it follows.
    pub show: ShowId,
    /// That show's board.
    pub board: Arc<Board>,
    /// How it wants its seat frames.
    pub format: Format,
    /// The epoch and seq it asks to resume from.
    pub since: Option<Place>,
}

/// The hub's handle. It must be [stopped](Self::stop) to end its threads.
#[derive(Debug)]
pub struct Hub {
    shards: Vec<Handle>,
    shared: Arc<Shared>,
    next_socket: AtomicU64,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Handle {
    inbox: mpsc::UnboundedSender<Message>,
    counters: Arc<Counters>,
}

impl Hub {
    /// Starts the shards' threads. Fails when the system gives no thread or no poll.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut hub = Self {
            shards: Vec::new(),
            shared: Arc::clone(&shared),
            next_socket: AtomicU64::new(0),
            threads: Mutex::default(),
        };
        for index in 0..settings.shards.max(1) {
            let counters = Arc::new(Counters::default());
            let inbox = mpsc::unbounded_channel();
            hub.shards.push(Handle { inbox: inbox.0.clone(), counters: Arc::clone(&counters) });
            let (settings, shared) = (settings.clone(), Arc::clone(&shared));
            let (tell, told) = std::sync::mpsc::channel();
            let thread = std::thread::Builder::new()
                .name(format!("fan-out-{index}"))
                .spawn(move || shard::run(index, settings, shared, counters, inbox, &tell))?;
            hub.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
            told.recv().unwrap_or_else(|_| Err(io::Error::other("a shard did not start")))?;
        }
        Ok(hub)
    }

    /// Takes a socket over, on the shard with the fewest. Its first seat frame is sent unasked;
    /// then `life` is its life: the socket is dropped when it ends. Fails when the stream cannot be
    /// taken from the runtime it came from.
    pub fn adopt<F, Fut>(&self, adopted: Adopted, life: F) -> io::Result<()>
    where
        F: FnOnce(Socket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let Adopted { stream, read_ahead, show, board, format, since } = adopted;
        let adoption = Adoption {
            id: SocketId(self.next_socket.fetch_add(1, Ordering::Relaxed)),
            stream: stream.into_std()?,
            read_ahead,
            show,
            board,
            format,
            since,
            life: Box::new(|socket| tokio::task::spawn_local(life(socket)).abort_handle()),
        };
        let sockets = |shard: &&Handle| shard.counters.sockets.load(Ordering::Relaxed);
        let alive = self.shards.iter().filter(|shard| !shard.inbox.is_closed());
        // None is alive once the hub has stopped: the stream is dropped.
        let Some(shard) = alive.min_by_key(sockets) else { return Ok(()) };
        shard.counters.sockets.fetch_add(1, Ordering::AcqRel);
        if shard.inbox.send(Message::Adopt(Box::new(adoption))).is_err() {
            // Stopped: the stream is dropped with the message.
            shard.counters.sockets.fetch_sub(1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Whether a socket of `session` at `show`, other than `except`, would hear a notice.
    pub fn hears(&self, show: &ShowId, session: SessionId, except: Option<SocketId>) -> bool {
        self.shared.directory.hears(show, session, except)
    }

    /// Says `text` to every socket of `session` at `show`, but `except`.
    pub fn notify(
        &self,
        show: &ShowId,
        session: SessionId,
        except: Option<SocketId>,
        text: impl AsRef<[u8]>,
    ) {
        let sockets = self.shared.directory.sockets(show, session, except);
        if sockets.is_empty() {
            return;
        }
        let framed = frame(Opcode::Text, text.as_ref());
        for (shard, socket) in sockets {
            if let Some(shard) = self.shards.get(shard) {
                // A stopped shard has no sockets.
                shard.inbox.send(Message::Notice(socket, framed.clone())).ok();
            }
        }
    }

    /// Says `text` to every socket of `show`: the same bytes.
    pub fn broadcast(&self, show: &ShowId, text: impl AsRef<[u8]>) {
        self.walk(Some(show), Walk::Say(frame(Opcode::Text, text.as_ref())));
    }

    /// Says `text` to every socket there is: the same bytes.
    pub fn broadcast_to_all(&self, text: impl AsRef<[u8]>) {
        self.walk(None, Walk::Say(frame(Opcode::Text, text.as_ref())));
    }

    /// Asks every socket of `show` to leave, with `code`.
    pub fn close_show(&self, show: &ShowId, code: CloseCode) {
        self.walk(Some(show), Walk::Ask(code));
    }

    /// Says `text` to everybody, asks all to leave, turns new ones away, and waits until nobody is
    /// left. After `within` the rest are cut off. Gives how many those were.
    pub async fn drain(&self, text: impl AsRef<[u8]>, within: Duration) -> usize {
        for shard in &self.shards {
            // A stopped shard has nobody to turn away.
            shard.inbox.send(Message::Drain).ok();
        }
        self.broadcast_to_all(text);
        self.walk(None, Walk::Ask(CloseCode::GoingAway));
        if tokio::time::timeout(within, self.nobody_is_left()).await.is_ok() {
            return 0;
        }
        let left = self.sockets();
        self.walk(None, Walk::Cut);
        left
    }

    /// How many sockets there are now.
    pub fn sockets(&self) -> usize {
        self.shards.iter().map(|shard| shard.counters.sockets.load(Ordering::Acquire)).sum()
    }

    /// What was counted since the start.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for shard in &self.shards {
            shard.counters.add_to(&mut totals);
        }
        totals
    }

    /// Ends the shards' threads, and with them whatever sockets are left, without a word. Blocks
    /// until they have ended: a few milliseconds.
    pub fn stop(&self) {
        for shard in &self.shards {
            // One that has stopped need not be told.
            shard.inbox.send(Message::Stop).ok();
        }
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a fan-out thread panicked");
            }
        }
    }

    async fn nobody_is_left(&self) {
        loop {
            let ended = self.shared.ended.notified();
            if self.sockets() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn walk(&self, show: Option<&ShowId>, walk: Walk) {
        for shard in &self.shards {
            // A stopped shard has no sockets to walk over.
            shard.inbox.send(Message::Walk(show.cloned(), walk.clone())).ok();
        }
    }
}
