//! One socket as its shard sees it: a position, and what is unfinished.
//!
//! Everything in here belongs to one thread, so it is plain cells: no lock, no atomics. It writes;
//! reading is the [`Socket`](super::Socket)'s.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Context, Waker};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::audience::Audience;
use super::board::{Place, SeatFrame};
use super::counters::add;
use super::outbox::Outbox;
use super::settings::{CONTROL_FRAMES_BURST, OUTBOX_PIECES_FULL, OUTBOX_PIECES_MAX};
use super::{Shard, SocketId};
use crate::protocol::seats::Format;
use crate::protocol::websocket::{CloseCode, close_frame};
use crate::show::SessionId;

use std::sync::atomic::Ordering;

pub(super) struct Viewer {
    at_hand: AtHand,
    pub(super) id: SocketId,
    pub(super) audience: Rc<Audience>,
    pub(super) session: Cell<Option<SessionId>>,
    /// What the heartbeat knows.
    pub(super) pulse: Pulse,
    outbox: RefCell<Outbox>,
    /// Writes the outbox while there is anything in it.
    flusher: RefCell<Option<AbortHandle>>,
    /// The task of this socket's life, to be ended when it overstays.
    life: OnceCell<AbortHandle>,
    waker: RefCell<Option<Waker>>,
    ending: Cell<Ending>,
}

/// All that a round of fan-out looks at, in one cache line. Ten thousand viewers do not fit the
/// cache, and with these fields spread out their misses were a twentieth of the cost of a write.
#[repr(align(64))]
struct AtHand {
    stream: TcpStream,
    /// Where the last frame sent, or waiting to be, leads.
    place: Cell<Place>,
    format: Format,
    /// Nothing is unfinished, and nothing ended.
    is_ready: Cell<bool>,
}

const _: () = assert!(size_of::<AtHand>() == 64);

/// Times are counted in the shard's ticks.
#[derive(Debug)]
pub(super) struct Pulse {
    /// When the next ping is due.
    pub(super) ping_at: Cell<u32>,
    /// Pings since a sign of life.
    pub(super) pings_unanswered: Cell<u8>,
    /// When the server began to wait for the rest of a message.
    pub(super) waiting_since: Cell<Option<u32>>,
    /// Pings and pongs the client may still send.
    pub(super) controls_left: Cell<u32>,
}

/// How far a socket's end has come. It only goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It lives.
    Not,
    /// It shall end when what is under way is done; its life has not been told yet.
    Asked { code: CloseCode, since_tick: u32 },
    /// Its life has been told.
    Told { code: CloseCode, since_tick: u32 },
    /// The close frame is sent or waits to be, and nothing follows it. What is left must be done
    /// by then.
    Closing { by: Instant },
    /// The stream is no more.
    Gone,
}

impl Viewer {
    /// A viewer that is about to be shown the frame that leads to `place`.
    pub(super) fn new(
        id: SocketId,
        stream: TcpStream,
        audience: Rc<Audience>,
        format: Format,
        place: Place,
        first_ping_at: u32,
    ) -> Self {
        Self {
            at_hand: AtHand { stream, place: Cell::new(place), format, is_ready: Cell::new(true) },
            id,
            audience,
            session: Cell::new(None),
            pulse: Pulse {
                ping_at: Cell::new(first_ping_at),
                pings_unanswered: Cell::new(0),
                waiting_since: Cell::new(None),
                controls_left: Cell::new(CONTROL_FRAMES_BURST),
            },
            outbox: RefCell::default(),
            flusher: RefCell::default(),
            life: OnceCell::new(),
            waker: RefCell::default(),
            ending: Cell::new(Ending::Not),
        }
    }

    pub(super) fn shard(&self) -> &Rc<Shard> {
        &self.audience.shard
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.at_hand.stream
    }

    pub(super) fn format(&self) -> Format {
        self.at_hand.format
    }

    /// Where the last frame sent, or waiting to be, leads.
    pub(super) fn place(&self) -> Place {
        self.at_hand.place.get()
    }

    pub(super) fn ending(&self) -> Ending {
        self.ending.get()
    }

    /// Whether anything may still be said on it.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.ending.get(), Ending::Closing { .. } | Ending::Gone)
    }

    /// Whether a seat frame can be written now: it is open and nothing is unfinished.
    pub(super) fn is_ready(&self) -> bool {
        self.at_hand.is_ready.get()
    }

    /// Whether so much waits that no more requests should be read.
    pub(super) fn is_full(&self) -> bool {
        self.outbox.borrow().len() >= OUTBOX_PIECES_FULL
    }

    /// Whether all that was to be said is with the kernel.
    pub(super) fn is_flushed(&self) -> bool {
        self.outbox.borrow().is_empty()
    }

    pub(super) fn set_life(&self, life: AbortHandle) {
        // A viewer is adopted once, so there is no earlier one.
        self.life.set(life).ok();
    }

    /// Ends the socket's life where it stands.
    pub(super) fn abort_life(&self) {
        if let Some(life) = self.life.get() {
            life.abort();
        }
    }

    /// Writes a seat frame; only to a viewer that [is ready](Self::is_ready).
    pub(super) fn show(self: &Rc<Self>, frame: &SeatFrame) {
        self.at_hand.place.set(frame.place());
        self.put(frame.framed(), true);
    }

    /// Sends a whole WebSocket frame that is no seat frame: at once if nothing waits.
    pub(super) fn send(self: &Rc<Self>, framed: &Bytes) {
        if !self.is_open() {
            return;
        }
        let counters = &self.shard().counters;
        add(&counters.messages, 1);
        add(&counters.bytes, framed.len() as u64);
        self.put(framed, false);
    }

    fn put(self: &Rc<Self>, framed: &Bytes, is_seat_frame: bool) {
        if !self.is_ready() {
            self.outbox.borrow_mut().push(framed.clone(), is_seat_frame);
            if self.outbox.borrow().len() > OUTBOX_PIECES_MAX {
                self.shard().counters.count_close(CloseCode::Fault);
                self.lose();
            }
            return;
        }
        // Past the runtime's own record of whether the socket is writable: it nearly always is, and
        // looking costs a cache miss. The flush asks the runtime before it tries again.
        match socket2::SockRef::from(self.stream()).send(framed) {
            Ok(written) if written == framed.len() => {}
            Ok(written) => self.keep(framed.slice(written..), is_seat_frame),
            Err(error) if is_transient(&error) => self.keep(framed.clone(), is_seat_frame),
            Err(_) => self.lose(),
        }
    }

    /// Keeps what the kernel did not take, and has it written when it will. The task for it is
    /// there only as long as it is needed: an idle socket does not pay for it.
    fn keep(self: &Rc<Self>, rest: Bytes, is_seat_frame: bool) {
        self.at_hand.is_ready.set(false);
        self.outbox.borrow_mut().push(rest, is_seat_frame);
        // It may have written all and not have ended yet.
        if self.flusher.borrow().is_some() {
            return;
        }
        self.shard().counters.slow.fetch_add(1, Ordering::Relaxed);
        let task = tokio::task::spawn_local(flush(Rc::clone(self)));
        self.flusher.replace(Some(task.abort_handle()));
    }

    /// Writes what waits, and with it the frame that catches up on what was missed meanwhile.
    /// Tells whether all is written.
    fn flush_once(&self) -> io::Result<bool> {
        let mut outbox = self.outbox.borrow_mut();
        if self.is_open() && !outbox.has_seat_frame() {
            let frame = self.audience.board.frame_since(Some(self.place()), self.format());
            if let Some(frame) = frame {
                self.shard().count_frame(&frame);
                add(&self.shard().counters.catch_ups, 1);
                self.at_hand.place.set(frame.place());
                outbox.push(frame.framed().clone(), true);
            }
        }
        if outbox.is_empty() {
            return Ok(true);
        }
        if outbox.write_with(|slices| self.stream().try_write_vectored(slices))? > 0 {
            // Whoever takes bytes from us is alive, however slow: no pong is owed for them.
            self.pulse.pings_unanswered.set(0);
        }
        Ok(false)
    }

    /// Asks the socket's life to come to its end.
    pub(super) fn ask_to_leave(&self, code: CloseCode) {
        if self.ending.get() == Ending::Not {
            self.ending.set(Ending::Asked { code, since_tick: self.shard().tick_now() });
            self.wake();
        }
    }

    /// The code it was asked to leave with, once.
    pub(super) fn take_asked(&self) -> Option<CloseCode> {
        let Ending::Asked { code, since_tick } = self.ending.get() else { return None };
        self.ending.set(Ending::Told { code, since_tick });
        Some(code)
    }

    /// Sends the close frame; nothing can be said after it.
    pub(super) fn begin_close(self: &Rc<Self>, code: CloseCode, reason: &str) {
        if !self.is_open() {
            return;
        }
        self.send(&close_frame(code, reason));
        self.shard().counters.count_close(code);
        self.at_hand.is_ready.set(false);
        if self.ending.get() != Ending::Gone {
            let by = Instant::now() + self.shard().settings.close_within;
            self.ending.set(Ending::Closing { by });
        }
        self.wake();
    }

    /// The stream is of no use any more.
    pub(super) fn lose(&self) {
        self.at_hand.is_ready.set(false);
        self.ending.set(Ending::Gone);
        self.stop_flushing();
        self.wake();
    }

    /// Drops what waits.
    pub(super) fn stop_flushing(&self) {
        if let Some(flusher) = self.flusher.take() {
            flusher.abort();
            self.shard().counters.slow.fetch_sub(1, Ordering::Relaxed);
        }
        // Borrowed only by a flush that lost the stream itself, which drops it all anyway.
        if let Ok(mut outbox) = self.outbox.try_borrow_mut() {
            *outbox = Outbox::default();
        }
    }

    /// The life's task is to be woken when something happens here.
    pub(super) fn wake_by(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match &*waker {
            Some(known) if known.will_wake(context.waker()) => {}
            _ => *waker = Some(context.waker().clone()),
        }
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// Writes a viewer's outbox whenever its stream can take more, until nothing is left.
async fn flush(viewer: Rc<Viewer>) {
    loop {
        if viewer.stream().writable().await.is_err() {
            return viewer.lose();
        }
        match viewer.flush_once() {
            Ok(false) => {}
            Ok(true) => {
                viewer.at_hand.is_ready.set(viewer.is_open());
                viewer.stop_flushing();
                return viewer.wake();
            }
            Err(error) if is_transient(&error) => {}
            Err(_) => return viewer.lose(),
        }
        if !viewer.is_full() {
            viewer.wake();
        }
    }
}

/// Whether a write may simply be tried again later.
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
