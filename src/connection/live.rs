//! One socket's life, from its first message to its close.

use std::sync::Arc;

use crate::box_office::OpenShow;
use crate::config::{NOT_JSON_PER_MINUTE_MAX, TOO_FAST_IN_A_ROW_MAX};
use crate::hub::{Incoming, Socket};
use crate::protocol::rpc::request::{self, Fault};
use crate::protocol::rpc::response;
use crate::protocol::websocket::CloseCode;
use crate::show::{Refusal, SessionId, Time};

use super::answer::{Asker, Doorkeeper, PerMinute};
use super::rate::Bucket;

/// Lives a socket's life: reads its messages one after another, and answers each before it reads the
/// next, so that answers come in the order asked. Seat frames and notices are the hub's: they do not
/// wait for this.
pub async fn live(mut socket: Socket, show: Arc<OpenShow>, door: Arc<Doorkeeper>) {
    let mut visitor = Visitor::new(&socket, &door);
    loop {
        let next = match socket.next().await {
            Incoming::Text(text) => visitor.says(&show, &door, text.as_bytes()).await,
            Incoming::Binary => Next::Close(CloseCode::Unsupported, "text messages only"),
            Incoming::Leave(code) => Next::Close(code, ""),
            Incoming::Gone => return,
        };
        if let Some(session) = visitor.newly_known() {
            socket.subscribe(session);
        }
        match next {
            Next::Nothing => {}
            Next::Answer(text) => socket.send(text),
            Next::Close(code, reason) => return socket.close(code, reason).await,
        }
    }
}

/// What comes of a message.
enum Next {
    /// It is not answered.
    Nothing,
    /// This is said.
    Answer(String),
    /// The socket is closed.
    Close(CloseCode, &'static str),
}

/// Who is at the other end, and how they behave.
struct Visitor {
    asker: Asker,
    /// Whom the hub tells of notices on this socket.
    subscribed: Option<SessionId>,
    messages: Bucket,
    too_fast_in_a_row: u32,
    not_json: PerMinute,
}

impl Visitor {
    fn new(socket: &Socket, door: &Doorkeeper) -> Self {
        Self {
            asker: Asker::on(socket.id()),
            subscribed: None,
            messages: Bucket::full(door.rates.messages, door.clock.now()),
            too_fast_in_a_row: 0,
            not_json: PerMinute::default(),
        }
    }

    /// The session, where it is another than the hub was told.
    fn newly_known(&mut self) -> Option<SessionId> {
        let session = self.asker.session();
        if session == self.subscribed {
            return None;
        }
        self.subscribed = session;
        session
    }

    async fn says(&mut self, show: &OpenShow, door: &Doorkeeper, message: &[u8]) -> Next {
        let now = door.clock.now();
        let counted = self.messages.take(door.rates.messages, now);
        let mut too_fast = counted.is_err();
        let next = match (request::parse(message), counted) {
            (Ok(request::Incoming::Ignored), _) => Next::Nothing,
            (Ok(request::Incoming::Request(request)), Ok(())) => {
                let answered = door.answer(show, &mut self.asker, &request).await;
                too_fast = answered.too_fast;
                Next::Answer(answered.text)
            }
            (Ok(request::Incoming::Request(request)), Err(retry_after_ms)) => {
                let refusal = Refusal::TooFast { retry_after_ms };
                Next::Answer(door.turn_away(show, &request, refusal))
            }
            (Err(faulty), _) if faulty.fault == Fault::NotJson && self.too_often_not_json(now) => {
                Next::Close(CloseCode::Abuse, "not JSON")
            }
            (Err(faulty), _) => Next::Answer(response::faulty(&faulty)),
        };
        self.too_fast_in_a_row = if too_fast { self.too_fast_in_a_row + 1 } else { 0 };
        if self.too_fast_in_a_row >= TOO_FAST_IN_A_ROW_MAX {
            return Next::Close(CloseCode::Abuse, "too fast");
        }
        next
    }

    fn too_often_not_json(&mut self, now: Time) -> bool {
        self.not_json.one_more(now) >= NOT_JSON_PER_MINUTE_MAX
    }
}
