//! One socket's life, from its first message to its close.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use crate::box_office::OpenShow;
use crate::config::{NOT_JSON_PER_MINUTE_MAX, TOO_FAST_IN_A_ROW_MAX};
use crate::hub::{Incoming, Socket};
use crate::protocol::rpc::request::{self, Fault};
use crate::protocol::rpc::response;
use crate::protocol::rpc::{Notice, StorageState};
use crate::protocol::websocket::CloseCode;
use crate::show::{Refusal, Time};

use super::answer::{Asker, Doorkeeper, read};
use super::rate::Bucket;

/// Lives a socket's life: reads its messages one after another, and answers each before it reads the
/// next, so that answers come in the order asked. Seat frames and notices are the hub's: they do not
/// wait for this. `from` is the address the client is counted by, `ahead` the epoch and position it was
/// shown by another node, where this one may not have got there.
pub async fn live(
    mut socket: Socket,
    from: IpAddr,
    ahead: Option<(u64, u64)>,
    show: Arc<OpenShow>,
    door: Arc<Doorkeeper>,
) {
    let mut visitor = Visitor::new(&socket, from, ahead, &door);
    if show.has_ended() {
        // It ended between the upgrade and here: its sockets were told before this was one of them.
        return socket.close(CloseCode::Fault, "").await;
    }
    if show.is_away() {
        // Whoever was here when it went was told; who comes now must be, too.
        socket.send(Notice::ServerStatus { storage: StorageState::Away }.encode());
    }
    loop {
        let next = match socket.next().await {
            Incoming::Text(text) => visitor.says(&socket, &show, &door, text.as_bytes()).await,
            Incoming::Binary => Next::Close(CloseCode::Unsupported, "text messages only"),
            Incoming::Leave(code) => Next::Close(code, ""),
            Incoming::Gone => return,
        };
        match next {
            Next::Nothing => {}
            Next::Answer(text) => socket.send(text),
            Next::AnswerAndClose(text, reason) => {
                socket.send(text);
                return socket.close(CloseCode::Abuse, reason).await;
            }
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
    /// This is said, and then it has been enough: what is going on is abuse.
    AnswerAndClose(String, &'static str),
    /// The socket is closed.
    Close(CloseCode, &'static str),
}

/// Who is at the other end, and how they behave.
struct Visitor {
    asker: Asker,
    messages: Bucket,
    too_fast_in_a_row: u32,
    not_json: TooOften,
}

impl Visitor {
    fn new(socket: &Socket, from: IpAddr, ahead: Option<(u64, u64)>, door: &Doorkeeper) -> Self {
        Self {
            asker: Asker::on(socket.id(), from, ahead),
            messages: Bucket::full(door.rates.messages, door.clock.now()),
            too_fast_in_a_row: 0,
            not_json: TooOften::default(),
        }
    }

    async fn says(
        &mut self,
        socket: &Socket,
        show: &OpenShow,
        door: &Doorkeeper,
        message: &[u8],
    ) -> Next {
        let now = door.clock.now();
        let counted = self.messages.take(door.rates.messages, now);
        let mut too_fast = counted.is_err();
        let answer = match (read(show, message), counted) {
            (Ok(request::Incoming::Ignored), _) => None,
            (Ok(request::Incoming::Request(request)), Ok(())) => {
                let hear = |session| socket.subscribe(session);
                let answered = door.answer(show, &mut self.asker, &request, hear).await;
                too_fast = answered.too_fast;
                Some(answered.text)
            }
            (Ok(request::Incoming::Request(request)), Err(retry_after_ms)) => {
                let refusal = Refusal::TooFast { retry_after_ms };
                Some(door.refuse(&request, &door.at_the_door(refusal)))
            }
            (Err(faulty), _) => {
                let text = response::faulty(&faulty);
                if faulty.fault == Fault::NotJson && self.not_json.one_more(now) {
                    return Next::AnswerAndClose(text, "not JSON");
                }
                Some(text)
            }
        };
        self.too_fast_in_a_row = if too_fast { self.too_fast_in_a_row + 1 } else { 0 };
        match answer {
            Some(text) if self.too_fast_in_a_row >= TOO_FAST_IN_A_ROW_MAX => {
                Next::AnswerAndClose(text, "too fast")
            }
            None if self.too_fast_in_a_row >= TOO_FAST_IN_A_ROW_MAX => {
                Next::Close(CloseCode::Abuse, "too fast")
            }
            Some(text) => Next::Answer(text),
            None => Next::Nothing,
        }
    }
}

/// Notices when something happens too often within any one minute.
#[derive(Debug, Default)]
struct TooOften {
    /// When it happened, the last times; as many as are allowed at most.
    times: VecDeque<Time>,
}

impl TooOften {
    const MINUTE_MS: u64 = 60_000;

    /// It happened once more; whether that is too often.
    fn one_more(&mut self, now: Time) -> bool {
        self.times.retain(|time| now.ms_since(*time) < Self::MINUTE_MS);
        self.times.push_back(now);
        self.times.len() >= NOT_JSON_PER_MINUTE_MAX as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_within_any_minute_are_too_many_and_three_over_more_are_not() {
        let mut not_json = TooOften::default();
        let seconds = [0, 30, 61, 89, 100];
        let too_often = seconds.map(|second| not_json.one_more(Time(second * 1_000)));
        assert_eq!(too_often, [false, false, false, true, true]);
    }
}
