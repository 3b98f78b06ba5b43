//! What a client asks: a text message parsed once into a typed [`Method`].
//!
//! The order of judgement is the order of the standard codes: not JSON, not a request, no such
//! method, wrong params. All of them come before any rule of the show.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::show::{Customer, HoldId, Wish};

pub use super::fault::{Fault, Faulty};

/// A request's id: a string or a number, kept as it was written, to be echoed verbatim.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Id(Box<RawValue>);

impl Id {
    fn of(raw: &RawValue) -> Option<Self> {
        let first = raw.get().bytes().next()?;
        matches!(first, b'"' | b'-' | b'0'..=b'9').then(|| Self(raw.to_owned()))
    }

    /// The id as it was written, quotes included.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

/// A message that could be read.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// To be answered by exactly one response.
    Request(Request),
    /// A message without an id: neither acted on nor answered.
    Ignored,
}

/// A request whose params have the right types.
#[derive(Clone, Debug)]
pub struct Request {
    /// To be echoed.
    pub id: Id,
    /// What is asked.
    pub method: Method,
    /// The waiting room's ticket that was shown beside `hold`, `hold_best`, `buy`, `waitlist.join` and
    /// `admission.leave`, unchecked. Where there is no socket that remembers it, it comes with each of
    /// them.
    pub ticket: Option<String>,
}

/// What is asked, with its params.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// Who is asking: a session token issued earlier, or none to be issued one.
    Identify {
        /// The token, unchecked.
        session: Option<String>,
        /// The waiting room's ticket, unchecked.
        ticket: Option<String>,
    },
    /// These seats.
    Hold {
        /// As named; they may not exist, or be named twice.
        seats: Vec<u64>,
    },
    /// The best seats there are. The indexes in it are not yet held against the hall.
    HoldBest(Wish),
    /// Other seats instead.
    Change {
        /// The hold.
        hold: HoldId,
        /// As named; they may not exist, or be named twice.
        seats: Vec<u64>,
    },
    /// No seats after all.
    Release {
        /// The hold.
        hold: HoldId,
    },
    /// To pay for a hold.
    Buy(Buy),
    /// A place in the waitlist. The indexes in it are not yet held against the hall.
    WaitlistJoin(Wish),
    /// To wait no longer.
    WaitlistLeave,
    /// What is offered.
    WaitlistAccept,
    /// Not what is offered.
    WaitlistDecline,
    /// To give back the pass, or the number of the ticket beside it.
    AdmissionLeave,
}

impl Method {
    /// The method's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Identify { .. } => "identify",
            Self::Hold { .. } => "hold",
            Self::HoldBest(_) => "hold_best",
            Self::Change { .. } => "change",
            Self::Release { .. } => "release",
            Self::Buy(_) => "buy",
            Self::WaitlistJoin(_) => "waitlist.join",
            Self::WaitlistLeave => "waitlist.leave",
            Self::WaitlistAccept => "waitlist.accept",
            Self::WaitlistDecline => "waitlist.decline",
            Self::AdmissionLeave => "admission.leave",
        }
    }

    /// Whether it counts against a session's attempts at seats.
    pub fn is_attempt(&self) -> bool {
        matches!(
            self,
            Self::Hold { .. } | Self::HoldBest(_) | Self::Change { .. } | Self::WaitlistJoin(_)
        )
    }

    /// The wish in it, where it has one.
    pub fn wish(&self) -> Option<&Wish> {
        match self {
            Self::HoldBest(wish) | Self::WaitlistJoin(wish) => Some(wish),
            _ => None,
        }
    }
}

/// How a hold is to be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buy {
    /// The hold.
    pub hold: HoldId,
    /// By which means.
    pub payment: PaymentMethod,
    /// Who buys, if they say so.
    pub customer: Option<Customer>,
    /// Repeats with the same key are the same purchase. Where none was given: the hold's id.
    pub key: Option<String>,
}

/// The means of payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum PaymentMethod {
    /// The deterministic gateway of the demo and the tests.
    Test {
        /// What it is to answer.
        #[serde(default, deserialize_with = "null_is_the_default")]
        card: Card,
    },
}

fn null_is_the_default<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Card, D::Error> {
    Option::<Card>::deserialize(from).map(Option::unwrap_or_default)
}

/// A card of the `test` gateway: it does what it is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Card {
    /// The payment goes through.
    #[default]
    Approved,
    /// It does not.
    Declined,
}

/// Reads one message: the text of a socket, or a request's body.
pub fn parse(message: &[u8]) -> Result<Incoming, Faulty> {
    let nobody = |fault| Faulty { id: None, fault };
    let text = std::str::from_utf8(message).map_err(|_| nobody(Fault::NotJson))?;
    // serde would also take an array for a struct.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(nobody(not_an_object(text, "it is not one object")));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text)
        .map_err(|_| nobody(not_an_object(text, "a member is there twice")))?;
    envelope.open()
}

/// Which of the two faults a message is that could not be read as an object.
fn not_an_object(text: &str, otherwise: &'static str) -> Fault {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Fault::NotARequest(otherwise),
        Err(_) => Fault::NotJson,
    }
}

/// The four members, unread: an explicit `null` is told apart from an absence.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Envelope<'_> {
    fn open(self) -> Result<Incoming, Faulty> {
        let id = self.id.and_then(Id::of);
        let not_a_request = |why| Faulty { id: id.clone(), fault: Fault::NotARequest(why) };
        if self.id.is_some() && id.is_none() {
            return Err(not_a_request("the id is neither a string nor a number"));
        }
        if self.jsonrpc.and_then(string).as_deref() != Some("2.0") {
            return Err(not_a_request("jsonrpc is not \"2.0\""));
        }
        let Some(name) = self.method.and_then(string) else {
            return Err(not_a_request("the method is not a string"));
        };
        let Some(id) = id else { return Ok(Incoming::Ignored) };
        match Method::parse(&name, self.params.map_or("{}", RawValue::get)) {
            Ok((method, ticket)) => Ok(Incoming::Request(Request { id, method, ticket })),
            Err(fault) => Err(Faulty { id: Some(id), fault }),
        }
    }
}

/// A JSON string's text; copied only where it has escapes.
fn string(raw: &RawValue) -> Option<std::borrow::Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}
