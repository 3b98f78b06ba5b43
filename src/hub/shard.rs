//! A shard: one thread that wholly owns its sockets.
//!
//! Reading and writing a socket happen on this thread only, so what it knows of them needs no lock
//! and no queue per viewer. Others reach it through its inbox. It owns the audiences and the
//! tasks of its sockets' lives; it decides nothing about shows.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use super::audience::{Audience, Pace};
use super::board::{Bell, Board, BoardId, Place, SeatFrame};
use super::counters::{Counters, add};
use super::directory::Directory;
use super::settings::{READ_BYTES, SEND_BUFFER_BYTES, Settings};
use super::socket::Socket;
use super::sweep::{Sweep, Walk};
use super::viewer::Viewer;
use super::{SocketId, heartbeat, sweep};
use crate::protocol::seats::Format;
use crate::protocol::websocket::CloseCode;
use crate::show::ShowId;

/// Messages taken from the inbox before others on the thread have their turn.
const INBOX_TURN: usize = 64;

/// What a shard is told.
///
/// The inbox has no bound of its own; each kind has one: a bell has one message under way,
/// adoptions are bounded by the upgrades a second, notices answer requests that are counted, and
/// the rest is said by the server's owner.
pub(super) enum Message {
    /// A socket is to live here.
    Adopt(Box<Adoption>),
    /// A board has something new.
    Behind(BoardId),
    /// Something to say to one socket: a whole frame.
    Notice(SocketId, Bytes),
    /// Something to do with every socket of a show, or of all.
    Walk(Option<ShowId>, Walk),
    /// New sockets are turned away from now on.
    Drain,
    /// The thread is to end, and every socket with it.
    Stop,
}

/// Makes the task of a socket's life, on the shard's thread.
pub(super) type Life = Box<dyn FnOnce(Socket) -> AbortHandle + Send>;

/// A socket on its way to its shard.
pub(super) struct Adoption {
    pub(super) id: SocketId,
    pub(super) stream: std::net::TcpStream,
    pub(super) read_ahead: Bytes,
    pub(super) show: ShowId,
    pub(super) board: Arc<Board>,
    pub(super) format: Format,
    pub(super) since: Option<Place>,
    pub(super) life: Life,
}

/// What all shards and their hub share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) directory: Directory,
    /// Told whenever a socket has ended.
    pub(super) ended: Notify,
}

/// One shard, on its own thread.
pub(super) struct Shard {
    pub(super) index: usize,
    pub(super) settings: Settings,
    pub(super) shared: Arc<Shared>,
    pub(super) counters: Arc<Counters>,
    pub(super) sweep: Sweep,
    /// What one read is read into, for all sockets.
    pub(super) scratch: RefCell<Box<[u8]>>,
    audiences: RefCell<HashMap<BoardId, Rc<Audience>>>,
    /// The sockets that hear a session's notices.
    listeners: RefCell<HashMap<SocketId, Rc<Viewer>>>,
    inbox: mpsc::UnboundedSender<Message>,
    ticks: Cell<u32>,
    is_draining: Cell<bool>,
}

/// What drives a shard's thread. What other threads woke goes before what came on a socket: an answer
/// that has waited for the disk does not wait for those who ask only now, too. In the usual order it
/// waited 0.21 ms for them at 40,000 attempts a second, and in this one 0.17. Nobody is kept out: who is
/// woken from elsewhere runs once, and the sockets are looked at after so many tasks in any case.
fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .global_queue_interval(1)
        .build_local(LocalOptions::default())
}

/// Runs a shard until it is told to stop; the body of its thread. Says first whether it could start.
pub(super) fn run(
    index: usize,
    settings: Settings,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    inbox: (mpsc::UnboundedSender<Message>, mpsc::UnboundedReceiver<Message>),
    started: &std::sync::mpsc::Sender<io::Result<()>>,
) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        // Whoever started it waits to hear this.
        Err(error) => return drop(started.send(Err(error))),
    };
    drop(started.send(Ok(())));
    let (sender, receiver) = inbox;
    let shard = Rc::new(Shard {
        index,
        settings,
        shared,
        counters,
        sweep: Sweep::default(),
        scratch: RefCell::new(vec![0; READ_BYTES].into_boxed_slice()),
        audiences: RefCell::default(),
        listeners: RefCell::default(),
        inbox: sender,
        ticks: Cell::new(0),
        is_draining: Cell::new(false),
    });
    let sweeping = runtime.spawn_local(sweep::sweep(Rc::clone(&shard)));
    let beating = runtime.spawn_local(heartbeat::beat(Rc::clone(&shard)));
    runtime.block_on(async {
        tokio::select! {
            () = shard.listen(receiver) => {}
            // A shard that no longer shows anything must not go on as if it did: its viewers are
            // cut off and come back on another.
            end = sweeping => tracing::error!(index, ?end, "a shard's sweep ended"),
            end = beating => tracing::error!(index, ?end, "a shard's heartbeat ended"),
        }
    });
    // Ends every task of the thread, and with them their sockets.
    drop(runtime);
}

impl Shard {
    async fn listen(self: &Rc<Self>, mut inbox: mpsc::UnboundedReceiver<Message>) {
        let mut messages = Vec::with_capacity(INBOX_TURN);
        while inbox.recv_many(&mut messages, INBOX_TURN).await > 0 {
            for message in messages.drain(..) {
                match message {
                    Message::Adopt(adoption) => self.adopt(*adoption),
                    Message::Behind(board) => self.behind(board),
                    Message::Notice(socket, framed) => {
                        if let Some(viewer) = self.listeners.borrow().get(&socket) {
                            viewer.send(&framed);
                        }
                    }
                    Message::Walk(show, walk) => self.begin_walk(show.as_ref(), walk),
                    Message::Drain => self.is_draining.set(true),
                    Message::Stop => return,
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Ticks since the shard's start.
    pub(super) fn tick_now(&self) -> u32 {
        self.ticks.get()
    }

    /// Another tick.
    pub(super) fn count_tick(&self) -> u32 {
        self.ticks.set(self.ticks.get().wrapping_add(1));
        self.ticks.get()
    }

    /// Counts a seat frame for one socket.
    pub(super) fn count_frame(&self, frame: &SeatFrame) {
        add(&self.counters.frames, 1);
        add(&self.counters.bytes, frame.framed().len() as u64);
        if frame.is_snapshot() {
            add(&self.counters.snapshots, 1);
        }
    }

    /// The audiences there are, of one show or of all.
    pub(super) fn audiences(&self, show: Option<&ShowId>) -> Vec<Rc<Audience>> {
        let audiences = self.audiences.borrow();
        let asked = audiences.values().filter(|audience| show.is_none_or(|s| *s == audience.show));
        asked.cloned().collect()
    }

    /// From now on the viewer hears what is said to its session.
    pub(super) fn listen_to_session(&self, viewer: &Rc<Viewer>) {
        self.listeners.borrow_mut().insert(viewer.id, Rc::clone(viewer));
    }

    /// The socket is no more.
    pub(super) fn forget(&self, viewer: &Viewer, place: usize) {
        self.listeners.borrow_mut().remove(&viewer.id);
        let audience = &viewer.audience;
        if audience.leave(place) {
            audience.board.take_down(&audience.bell);
            let id = audience.board.id();
            // The show may have been opened afresh on another board meanwhile.
            self.audiences.borrow_mut().remove(&id);
        }
        self.count_end();
    }

    fn count_end(&self) {
        self.counters.sockets.fetch_sub(1, Ordering::AcqRel);
        self.shared.ended.notify_waiters();
    }

    fn adopt(self: &Rc<Self>, adoption: Adoption) {
        let Adoption { id, stream, read_ahead, show, board, format, since, life } = adoption;
        let stream = match prepared(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a socket could not be taken over");
                return self.count_end();
            }
        };
        let audience = self.audience_of(show, board);
        // Pings are spread over the ticks, whatever rush the sockets came in: the first comes
        // between half the usual time and the whole of it.
        let every = self.settings.ticks(self.settings.ping_every);
        let half = every.div_ceil(2);
        let first_ping_at = self.tick_now() + half + (id.0 % u64::from(half)) as u32 + 1;
        let first = audience.board.first_frame(since, format);
        let viewer =
            Viewer::new(id, stream, Rc::clone(&audience), format, first.place(), first_ping_at);
        let viewer = Rc::new(viewer);
        let place = audience.enter(Rc::clone(&viewer));
        self.count_frame(&first);
        viewer.show(&first);
        if self.is_draining.get() {
            viewer.begin_close(CloseCode::GoingAway, "");
        }
        let message_bytes_max = self.settings.message_bytes_max;
        let socket = Socket::new(Rc::clone(&viewer), place, read_ahead, message_bytes_max);
        viewer.set_life(life(socket));
    }

    fn audience_of(self: &Rc<Self>, show: ShowId, board: Arc<Board>) -> Rc<Audience> {
        let mut audiences = self.audiences.borrow_mut();
        let audience = audiences.entry(board.id()).or_insert_with(|| {
            let bell = Arc::new(Bell::new(board.id(), self.inbox.clone()));
            board.hang(Arc::clone(&bell));
            Rc::new(Audience::new(show, board, bell, Rc::clone(self)))
        });
        Rc::clone(audience)
    }

    fn behind(&self, board: BoardId) {
        let audiences = self.audiences.borrow();
        let Some(audience) = audiences.get(&board) else { return };
        match audience.pace.get() {
            Pace::Quiet => self.sweep.want_round(audience),
            Pace::Due => {}
            Pace::InRound { .. } => audience.pace.set(Pace::InRound { again: true }),
        }
    }

    /// Wants a round for every show whose position moved without a seat since the last.
    pub(super) fn note_moved(&self) {
        for audience in self.audiences.borrow().values() {
            if audience.pace.get() == Pace::Quiet && audience.bell.is_noted() {
                self.sweep.want_round(audience);
            }
        }
    }
}

/// Registers the stream with this thread, and sets what every socket needs.
fn prepared(stream: std::net::TcpStream) -> std::io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    // A small frame must not wait for the last one's acknowledgement.
    stream.set_nodelay(true)?;
    socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES)?;
    TcpStream::from_std(stream)
}
