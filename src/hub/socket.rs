//! A socket as its life sees it: messages in, messages out, and an end.
//!
//! It owns the reading side. Pings, pongs, faults and the close handshake are dealt with in here,
//! so that whoever lives with a socket sees only what a client meant to say.

use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::SocketId;
use super::viewer::{Ending, Viewer};
use crate::protocol::websocket::{CONTROL_BYTES_MAX, CloseCode, Message, Opcode, Reader, frame};
use crate::show::SessionId;

/// What a socket has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message, which this protocol has no use for: close with
    /// [`CloseCode::Unsupported`].
    Binary,
    /// The server wants this socket to end: finish what is under way, then
    /// [`close`](Socket::close) with this code. It is said once; a life that stays on is closed by
    /// the hub after [`Settings::close_within`](super::Settings::close_within).
    Leave(CloseCode),
    /// There is no socket any more: it was closed, by whichever side, or the peer is dead. Nothing
    /// sent from here on arrives.
    Gone,
}

/// One viewer's socket, in the hands of the task that is its life. It stays on its shard's thread.
/// Dropping it drops the connection; [`close`](Self::close) says why first.
pub struct Socket {
    viewer: Rc<Viewer>,
    place: usize,
    reader: Reader,
    /// What came before the hub had the stream; read first.
    read_ahead: Bytes,
    /// Whether the reader may have another message without reading on.
    has_more: bool,
}

enum Event {
    Message(Message),
    Refused(CloseCode),
    Leave(CloseCode),
    Closing,
    Gone,
}

impl Socket {
    pub(super) fn new(
        viewer: Rc<Viewer>,
        place: usize,
        read_ahead: Bytes,
        message_bytes_max: usize,
    ) -> Self {
        let has_more = !read_ahead.is_empty();
        Self { viewer, place, reader: Reader::new(message_bytes_max), read_ahead, has_more }
    }

    /// Which one it is.
    pub fn id(&self) -> SocketId {
        self.viewer.id
    }

    /// What the client says next. Pings are answered and pongs heard only while somebody waits
    /// here, so come back soon: within a ping's time, at most. While too many answers wait for a
    /// client that does not read them, nothing is read from it. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Incoming {
        loop {
            let event = std::future::poll_fn(|context| self.poll_event(context)).await;
            self.viewer.pulse.waiting_since.set(None);
            match event {
                Event::Message(message) => {
                    if let Some(incoming) = self.hear(message) {
                        return incoming;
                    }
                }
                Event::Refused(code) => self.viewer.begin_close(code, ""),
                Event::Leave(code) => return Incoming::Leave(code),
                Event::Closing => {
                    self.finish().await;
                    return Incoming::Gone;
                }
                Event::Gone => return Incoming::Gone,
            }
        }
    }

    /// Sends a text message: at once if nothing waits, else in its order behind what does. On a
    /// socket that is closing or gone it is dropped.
    pub fn send(&self, text: impl AsRef<[u8]>) {
        self.viewer.send(&frame(Opcode::Text, text.as_ref()));
    }

    /// From now on this socket hears what is said to `session` at its show, and to no other.
    pub fn subscribe(&self, session: SessionId) {
        let shard = self.viewer.shard();
        let show = &self.viewer.audience.show;
        let former = self.viewer.session.replace(Some(session));
        if former == Some(session) {
            return;
        }
        if let Some(former) = former {
            shard.shared.directory.leave(show, former, self.id());
        }
        shard.listen_to_session(&self.viewer);
        shard.shared.directory.enter(show, session, self.id(), shard.index);
    }

    /// Closes it: sends the code, and waits for the peer's end, for
    /// [`Settings::close_within`](super::Settings::close_within) at most. The reason is for the
    /// client's author: it must not tell anything internal.
    pub async fn close(mut self, code: CloseCode, reason: &str) {
        self.viewer.begin_close(code, reason);
        self.finish().await;
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        let viewer = Rc::clone(&self.viewer);
        viewer.wake_by(context);
        match viewer.ending() {
            Ending::Not | Ending::Told { .. } => {}
            Ending::Asked { .. } => {
                if let Some(code) = viewer.take_asked() {
                    return Poll::Ready(Event::Leave(code));
                }
            }
            Ending::Closing { .. } => return Poll::Ready(Event::Closing),
            Ending::Gone => return Poll::Ready(Event::Gone),
        }
        if viewer.is_full() {
            // Woken by the flush.
            return Poll::Pending;
        }
        if self.has_more {
            let ahead = std::mem::take(&mut self.read_ahead);
            if let Some(event) = self.read(&ahead) {
                return Poll::Ready(event);
            }
        }
        loop {
            if self.reader.is_within_message() && viewer.pulse.waiting_since.get().is_none() {
                viewer.pulse.waiting_since.set(Some(viewer.shard().tick_now()));
            }
            if ready!(viewer.stream().poll_read_ready(context)).is_err() {
                return Poll::Ready(self.lost());
            }
            let mut scratch = viewer.shard().scratch.borrow_mut();
            match try_read(viewer.stream(), &mut scratch) {
                Ok(0) => return Poll::Ready(self.lost()),
                Ok(length) => {
                    if let Some(event) = self.read(&scratch[..length]) {
                        return Poll::Ready(event);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(self.lost()),
            }
        }
    }

    fn lost(&self) -> Event {
        self.viewer.lose();
        Event::Gone
    }

    fn read(&mut self, bytes: &[u8]) -> Option<Event> {
        let read = self.reader.read(bytes);
        self.has_more = matches!(read, Ok(Some(_))) && self.reader.is_within_message();
        match read {
            Ok(None) => None,
            Ok(Some(message)) => Some(Event::Message(message)),
            Err(fault) => Some(Event::Refused(fault.close_code())),
        }
    }

    /// Deals with what is not for the socket's life; gives what is.
    fn hear(&mut self, message: Message) -> Option<Incoming> {
        let pulse = &self.viewer.pulse;
        pulse.pings_unanswered.set(0);
        match message {
            Message::Text(text) => return Some(Incoming::Text(text)),
            Message::Binary(_) => return Some(Incoming::Binary),
            Message::Close(code) => {
                let code = code.and_then(CloseCode::of).unwrap_or(CloseCode::Normal);
                self.viewer.begin_close(code, "");
            }
            Message::Ping(_) | Message::Pong => {
                let Some(left) = pulse.controls_left.get().checked_sub(1) else {
                    self.viewer.begin_close(CloseCode::Abuse, "too many pings");
                    return None;
                };
                pulse.controls_left.set(left);
                if let Message::Ping(payload) = message {
                    debug_assert!(payload.len() <= CONTROL_BYTES_MAX);
                    self.viewer.send(&frame(Opcode::Pong, &payload));
                }
            }
        }
        None
    }

    /// Waits until the close frame is out and the peer has closed its side, or for its time.
    ///
    /// What still comes is read and dropped: closing a socket with unread bytes resets it, and the
    /// reset can overtake the close frame and hide the code from the client.
    async fn finish(&mut self) {
        if let Ending::Closing { by } = self.viewer.ending() {
            let is_done = timeout_at(by, self.hear_out()).await.is_ok();
            if !is_done && !self.viewer.is_flushed() {
                // It takes nothing: let the kernel forget what waits for it, too.
                self.viewer.stream().set_zero_linger().ok();
            }
        }
        self.viewer.lose();
    }

    async fn hear_out(&self) {
        let viewer = &self.viewer;
        std::future::poll_fn(|context| {
            viewer.wake_by(context);
            if viewer.is_flushed() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // The end of our side lets a client that waits for it close at once.
        SockRef::from(viewer.stream()).shutdown(std::net::Shutdown::Write).ok();
        while viewer.stream().readable().await.is_ok() {
            let read = {
                let mut scratch = viewer.shard().scratch.borrow_mut();
                try_read(viewer.stream(), &mut scratch)
            };
            match read {
                Ok(0) => return,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {}
            }
            // A client that sends without end is always readable: it must not keep the thread.
            tokio::task::consume_budget().await;
        }
    }
}

/// Reads what is there. Less than there was room for is all there was: the runtime is told so, or every
/// message would cost a second read that finds nothing.
fn try_read(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut last = None;
    let more = stream.try_io(Interest::READABLE, || {
        let length = (&*SockRef::from(stream)).read(buffer)?;
        if (1..buffer.len()).contains(&length) {
            last = Some(length);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(length)
    });
    last.map_or(more, Ok)
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.viewer.lose();
        let shard = self.viewer.shard();
        if let Some(session) = self.viewer.session.take() {
            shard.shared.directory.leave(&self.viewer.audience.show, session, self.id());
        }
        shard.forget(&self.viewer, self.place);
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.id()).finish_non_exhaustive()
    }
}
