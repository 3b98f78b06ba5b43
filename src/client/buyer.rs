//! A viewer that also asks for things: one method for each of the protocol's.
//!
//! Responses are matched by id; what is told unasked meanwhile is kept, in order, for who asks for
//! it. One request at a time is the plain way; [`Buyer::ask`] and [`Buyer::answer`] let several be
//! under way at once.

use std::collections::{BTreeMap, VecDeque};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::protocol::picture::Picture;
use crate::protocol::rpc::{
    AdmissionState, AdmissionView, Card, FromServer, HoldView, Notice, OrderView, RpcError,
    WaitingView, reply,
};
use crate::protocol::seats::Format;
use crate::protocol::{HoldId, ShowId, Time, Wish};

use super::error::ClientError;
use super::house::House;
use super::viewer::{Heard, Viewer};

/// The answer to `identify`.
#[derive(Clone, Debug, Deserialize)]
pub struct Identified {
    /// The token to keep.
    pub session: String,
    /// What the session holds in this show.
    pub holds: Vec<HoldView>,
    /// What it bought in this show.
    pub orders: Vec<OrderView>,
    /// Its place in the waitlist.
    pub waiting: Option<WaitingView>,
    /// Its place in the waiting room; none where the show has none.
    pub admission: Option<AdmissionView>,
    /// The position of the change, where a number was taken or came to its turn.
    pub seq: Option<u64>,
    /// The server's clock.
    pub now: Time,
}

impl Identified {
    /// Whether seats may be asked for already.
    pub fn is_admitted(&self) -> bool {
        self.admission.as_ref().is_none_or(|place| place.state == AdmissionState::Admitted)
    }
}

/// The answer to `hold`, `hold_best`, `change` and `waitlist.accept`.
#[derive(Clone, Debug, Deserialize)]
pub struct Held {
    /// As it is now.
    pub hold: HoldView,
    /// The position of the change.
    pub seq: u64,
    /// The server's clock.
    pub now: Time,
}

/// The answer to `waitlist.join`.
#[derive(Clone, Debug, Deserialize)]
pub struct Joined {
    /// The place in line.
    pub waiting: WaitingView,
    /// The position of the change.
    pub seq: u64,
    /// The server's clock.
    pub now: Time,
}

/// The answer to `release`, `waitlist.leave`, `waitlist.decline` and `admission.leave`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Released {
    /// The position of the change.
    pub seq: u64,
}

/// The answer to `buy`.
#[derive(Clone, Debug, Deserialize)]
pub struct Bought {
    /// The order.
    pub order: OrderView,
    /// The position of the sale.
    pub seq: u64,
    /// The server's clock.
    pub now: Time,
}

/// A wish as params.
#[derive(Serialize)]
struct Wished<'a> {
    quantity: u32,
    together: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    categories: Option<&'a [u16]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sections: Option<&'a [u16]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    areas: Option<&'a [u16]>,
}

impl<'a> From<&'a Wish> for Wished<'a> {
    fn from(wish: &'a Wish) -> Self {
        Self {
            quantity: wish.quantity,
            together: wish.together,
            categories: wish.categories.as_deref(),
            sections: wish.sections.as_deref(),
            areas: wish.areas.as_deref(),
        }
    }
}

type Answer = Result<Box<RawValue>, RpcError>;

/// A viewer that also asks.
#[derive(Debug)]
pub struct Buyer {
    viewer: Viewer,
    last_id: u64,
    /// Answers that came before they were asked for, by id. Never more than were sent.
    answers: BTreeMap<u64, Answer>,
    /// Kept until taken. A buyer hears only of its own session, so this stays short.
    notices: VecDeque<Notice>,
}

impl Buyer {
    /// Opens a socket; nobody is identified yet.
    pub async fn connect(
        house: &House,
        show: &ShowId,
        format: Format,
        known: Option<Picture>,
    ) -> Result<Self, ClientError> {
        Ok(Self::from(Viewer::connect(house, show, format, known).await?))
    }

    /// Says who is asking: with a token issued earlier, or with none to be issued one.
    pub async fn identify(&mut self, session: Option<&str>) -> Result<Identified, ClientError> {
        self.identify_with(session, None).await
    }

    /// As [`Buyer::identify`], where a ticket of the show's waiting room is known, too.
    pub async fn identify_with(
        &mut self,
        session: Option<&str>,
        ticket: Option<&str>,
    ) -> Result<Identified, ClientError> {
        self.call("identify", &json!({ "session": session, "ticket": ticket })).await
    }

    /// Waits for one's turn to ask for seats: gives the pass, and when it ends. What else is told
    /// meanwhile is kept.
    pub async fn until_open(&mut self) -> Result<(String, Time), ClientError> {
        loop {
            let is_open = |notice: &Notice| matches!(notice, Notice::AdmissionOpen { .. });
            let place = self.notices.iter().position(is_open);
            let notice = place.and_then(|place| self.notices.remove(place));
            if let Some(Notice::AdmissionOpen { ticket, until, .. }) = notice {
                return Ok((ticket, until));
            }
            self.next().await?;
        }
    }

    /// Leaves the waiting room: gives back the pass, or the number that stands on the ticket.
    pub async fn leave_waiting_room(
        &mut self,
        ticket: Option<&str>,
    ) -> Result<Released, ClientError> {
        self.call("admission.leave", &json!({ "ticket": ticket })).await
    }

    /// Asks for these seats, all or none.
    pub async fn hold(&mut self, seats: &[u32]) -> Result<Held, ClientError> {
        self.call("hold", &json!({ "seats": seats })).await
    }

    /// Asks for the best seats there are.
    pub async fn hold_best(&mut self, wish: &Wish) -> Result<Held, ClientError> {
        self.call("hold_best", &Wished::from(wish)).await
    }

    /// Waits in line for the best seats there may be.
    pub async fn join(&mut self, wish: &Wish) -> Result<Joined, ClientError> {
        self.call("waitlist.join", &Wished::from(wish)).await
    }

    /// Waits no longer.
    pub async fn leave(&mut self) -> Result<Released, ClientError> {
        self.call("waitlist.leave", &json!({})).await
    }

    /// Takes what is offered.
    pub async fn accept(&mut self) -> Result<Held, ClientError> {
        self.call("waitlist.accept", &json!({})).await
    }

    /// Lets the next have what is offered.
    pub async fn decline(&mut self) -> Result<Released, ClientError> {
        self.call("waitlist.decline", &json!({})).await
    }

    /// Swaps a hold's seats for these.
    pub async fn change(&mut self, hold: HoldId, seats: &[u32]) -> Result<Held, ClientError> {
        self.call("change", &json!({ "hold": hold, "seats": seats })).await
    }

    /// Gives a hold's seats back.
    pub async fn release(&mut self, hold: HoldId) -> Result<Released, ClientError> {
        self.call("release", &json!({ "hold": hold })).await
    }

    /// Buys a hold's seats with the `test` gateway. The same `key` is the same purchase.
    pub async fn buy(
        &mut self,
        hold: HoldId,
        card: Card,
        key: Option<&str>,
    ) -> Result<Bought, ClientError> {
        let mut params = json!({ "hold": hold, "payment": { "method": "test", "card": card } });
        if let Some(key) = key {
            params["key"] = key.into();
        }
        self.call("buy", &params).await
    }

    /// Asks anything and waits for the answer.
    pub async fn call<P: Serialize, T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &P,
    ) -> Result<T, ClientError> {
        let id = self.ask(method, params).await?;
        self.answer(id).await
    }

    /// Sends a request, and gives the id to wait for.
    pub async fn ask<P: Serialize>(
        &mut self,
        method: &str,
        params: &P,
    ) -> Result<u64, ClientError> {
        self.last_id += 1;
        self.viewer.say(reply::request(self.last_id, method, params)).await?;
        Ok(self.last_id)
    }

    /// Waits for the answer to the request of this id, applying frames meanwhile.
    pub async fn answer<T: DeserializeOwned>(&mut self, id: u64) -> Result<T, ClientError> {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                let result = answer?;
                return serde_json::from_str(result.get())
                    .map_err(|why| ClientError::Message(format!("a result: {why}")));
            }
            self.next().await?;
        }
    }

    /// Waits for whatever comes next, and keeps it where it belongs: frames in the picture, answers
    /// and notices for who asks for them.
    pub async fn next(&mut self) -> Result<(), ClientError> {
        match self.viewer.next().await? {
            Heard::Said(FromServer::Response(Some(id), answer)) => self.take_answer(id, answer),
            Heard::Said(FromServer::Response(None, answer)) => {
                let why = format!("an answer to nobody: {:?}", answer.err());
                Err(ClientError::Message(why))
            }
            Heard::Said(FromServer::Notice(notice)) => {
                self.notices.push_back(*notice);
                Ok(())
            }
            Heard::Said(FromServer::SeatFrame | FromServer::Unknown)
            | Heard::Seats(_)
            | Heard::Ping => Ok(()),
        }
    }

    fn take_answer(&mut self, id: u64, answer: Answer) -> Result<(), ClientError> {
        if id == 0 || id > self.last_id || self.answers.insert(id, answer).is_some() {
            return Err(ClientError::Message(format!("an answer to {id}, which was not asked")));
        }
        Ok(())
    }

    /// The next thing told unasked, waiting for it where there is none yet.
    pub async fn notice(&mut self) -> Result<Notice, ClientError> {
        loop {
            if let Some(notice) = self.notices.pop_front() {
                return Ok(notice);
            }
            self.next().await?;
        }
    }

    /// Waits until the picture is of `seq` or later.
    pub async fn until(&mut self, seq: u64) -> Result<&Picture, ClientError> {
        while self.viewer.picture().is_none_or(|seen| seen.seq() < seq) {
            self.next().await?;
        }
        self.viewer.picture().ok_or(ClientError::Lost(crate::protocol::picture::Lost::NoSnapshot))
    }

    /// The socket beneath.
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The socket beneath, to say something that no method says.
    pub fn viewer_mut(&mut self) -> &mut Viewer {
        &mut self.viewer
    }

    /// Gives the socket back; answers and notices that were not taken are dropped.
    pub fn into_viewer(self) -> Viewer {
        self.viewer
    }
}

impl From<Viewer> for Buyer {
    fn from(viewer: Viewer) -> Self {
        Self { viewer, last_id: 0, answers: BTreeMap::new(), notices: VecDeque::new() }
    }
}
