//! What a request is answered with: a result, a refusal by the show's rules, or a fault.

use std::borrow::Cow;

use serde::Serialize;

use crate::hall::Seat;
use crate::show::{Refusal, Time};

use super::fault::{Fault, Faulty};
use super::request::Id;
use super::view::{AdmissionView, HoldView, OrderView, WaitingView};

/// The code of every refusal; which one it is stands in `data.reason`.
pub const REFUSED: i32 = -32000;

/// What a method answers when it was granted.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Granted<'a> {
    /// To `identify`.
    Identified {
        /// The token to keep: it may be newer than the one that was shown.
        session: &'a str,
        /// What the session holds in this show.
        holds: &'a [HoldView],
        /// What it bought in this show.
        orders: &'a [OrderView],
        /// Its place in the waitlist.
        #[serde(skip_serializing_if = "Option::is_none")]
        waiting: Option<&'a WaitingView>,
        /// Its place in the waiting room.
        #[serde(skip_serializing_if = "Option::is_none")]
        admission: Option<&'a AdmissionView>,
        /// The position of the change, where it took a number or came to its turn.
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// The server's clock.
        now: Time,
    },
    /// To `hold`, `hold_best`, `change` and `waitlist.accept`.
    Held {
        /// As it is now.
        hold: &'a HoldView,
        /// The position of the change.
        seq: u64,
        /// The server's clock.
        now: Time,
    },
    /// To `waitlist.join`.
    Waiting {
        /// As it is now.
        waiting: &'a WaitingView,
        /// The position of the change.
        seq: u64,
        /// The server's clock.
        now: Time,
    },
    /// To `release`, `waitlist.leave`, `waitlist.decline` and `admission.leave`.
    Released {
        /// The position of the change.
        seq: u64,
    },
    /// To `buy`.
    Bought {
        /// The order; the same one each time the same purchase is repeated.
        order: &'a OrderView,
        /// The position of the sale.
        seq: u64,
        /// The server's clock.
        now: Time,
    },
}

/// The response to a request that was granted.
pub fn granted(id: &Id, result: &Granted<'_>) -> String {
    #[derive(Serialize)]
    struct Response<'a> {
        jsonrpc: &'static str,
        id: &'a Id,
        result: &'a Granted<'a>,
    }
    to_json(&Response { jsonrpc: "2.0", id, result })
}

/// The response to a message that was faulty.
pub fn faulty(faulty: &Faulty) -> String {
    fault(faulty.id.as_ref(), &faulty.fault)
}

/// The response to a request with a fault; without an id that could be told, to nobody.
pub fn fault(id: Option<&Id>, fault: &Fault) -> String {
    error(id, fault.code(), &fault.sentence(), None)
}

/// The response to a request that was refused by the rules.
///
/// `holding` is the hold that [`Refusal::AlreadyHolding`] speaks of, as its holder sees it; other
/// refusals have none. `now` is the server's clock.
pub fn refused(id: &Id, refusal: &Refusal, holding: Option<&HoldView>, now: Time) -> String {
    let data = Reason::of(refusal, holding, now);
    error(Some(id), REFUSED, &sentence(refusal), Some(&data))
}

fn error(id: Option<&Id>, code: i32, message: &str, data: Option<&Reason<'_>>) -> String {
    #[derive(Serialize)]
    struct Response<'a> {
        jsonrpc: &'static str,
        id: Option<&'a Id>,
        error: Error<'a>,
    }
    #[derive(Serialize)]
    struct Error<'a> {
        code: i32,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a Reason<'a>>,
    }
    to_json(&Response { jsonrpc: "2.0", id, error: Error { code, message, data } })
}

/// `data` of a refusal: its reason, and the fields that go with it.
#[derive(Serialize, Default)]
struct Reason<'a> {
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_sale_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<&'a HoldView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seats: Option<Seats<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// Wherever there is a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Time>,
}

/// Seats of the hall, or numbers that may be none of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Seats<'a> {
    Known(&'a [Seat]),
    AsNamed(&'a [u64]),
}

impl<'a> Reason<'a> {
    fn of(refusal: &'a Refusal, holding: Option<&'a HoldView>, now: Time) -> Self {
        let mut data = Self { reason: refusal.reason(), ..Self::default() };
        match refusal {
            Refusal::TooFast { retry_after_ms } => data.retry_after_ms = Some(*retry_after_ms),
            Refusal::NotOnSale { on_sale_at } => {
                data.on_sale_at = Some(*on_sale_at);
                data.now = Some(now);
            }
            Refusal::AlreadyHolding { .. } => {
                data.hold = holding;
                data.now = Some(now);
            }
            Refusal::TooManySeats { max } => data.max = Some(*max),
            Refusal::UnknownSeat { seats } | Refusal::SeatNamedTwice { seats } => {
                data.seats = Some(Seats::AsNamed(seats));
            }
            Refusal::SeatBlocked { seats }
            | Refusal::SeatsTaken { seats }
            | Refusal::WaitlistFirst { seats }
            | Refusal::OthersAreHolding { seats }
            | Refusal::SoldOut { seats }
            | Refusal::NotTogether { seats }
            | Refusal::OrphanSeat { seats } => data.seats = Some(Seats::Known(seats)),
            Refusal::PaymentDeclined { code } => data.code = Some(code),
            Refusal::NotIdentified
            | Refusal::BadSession
            | Refusal::Unavailable
            | Refusal::ShowOver
            | Refusal::NotAdmitted
            | Refusal::NoSuchHold
            | Refusal::HoldExpired
            | Refusal::PaymentInProgress
            | Refusal::NoOffer
            | Refusal::AlreadyWaiting
            | Refusal::NoSeatsNamed
            | Refusal::SeatsAvailable
            | Refusal::PaymentUnavailable => {}
        }
        data
    }
}

/// A sentence that a buyer may be shown.
fn sentence(refusal: &Refusal) -> Cow<'static, str> {
    Cow::Borrowed(match refusal {
        Refusal::TooFast { .. } => "That was too fast. Please wait a moment and try again.",
        Refusal::NotIdentified => "Please say who you are first.",
        Refusal::BadSession => "Your session has ended. Please start again.",
        Refusal::Unavailable => "We cannot do that just now. Please try again in a moment.",
        Refusal::ShowOver => "This show has begun. Its seats can no longer be held.",
        Refusal::NotOnSale { .. } => "Seats for this show are not on sale yet.",
        Refusal::NotAdmitted => "It is not your turn yet. Please keep your place in line.",
        Refusal::NoSuchHold => "These seats are not held for you.",
        Refusal::HoldExpired => "Your time to buy these seats has run out.",
        Refusal::PaymentInProgress => "A payment for these seats is under way.",
        Refusal::AlreadyHolding { .. } => {
            "You are holding seats already. Buy or release them first, or change them."
        }
        Refusal::NoOffer => "Nothing is offered to you just now.",
        Refusal::AlreadyWaiting => "You are on the waiting list already.",
        Refusal::NoSeatsNamed => "Please choose at least one seat.",
        Refusal::SeatNamedTwice { .. } => "A seat was chosen twice.",
        Refusal::TooManySeats { max: 1 } => "You may hold only one seat at a time.",
        Refusal::TooManySeats { max } => {
            return Cow::Owned(format!("You may hold at most {max} seats at a time."));
        }
        Refusal::UnknownSeat { .. } => "This house has no such seat.",
        Refusal::SeatBlocked { seats } if seats.len() == 1 => "One of these is not for sale.",
        Refusal::SeatBlocked { .. } => "Some of these seats are not for sale.",
        Refusal::SeatsTaken { seats } if seats.len() == 1 => {
            "One of these seats has just been taken. Please choose another."
        }
        Refusal::SeatsTaken { .. } => {
            "Some of these seats have just been taken. Please choose others."
        }
        Refusal::WaitlistFirst { .. } => {
            "These seats are kept for those who wait. You may join the waiting list."
        }
        Refusal::OthersAreHolding { .. } => {
            "Too few seats are free just now, but others are still deciding. You may join the \
             waiting list."
        }
        Refusal::SoldOut { .. } => "There are not enough seats left.",
        Refusal::NotTogether { .. } => "There are enough seats, but not side by side.",
        Refusal::OrphanSeat { .. } => {
            "That would leave a single seat alone. Please choose seats that do not."
        }
        Refusal::SeatsAvailable => "There are seats for you: there is no need to wait.",
        Refusal::PaymentDeclined { .. } => {
            "The payment was declined. Your seats are still held: you may try another card."
        }
        Refusal::PaymentUnavailable => {
            "Payments are not possible just now. Your seats are still held: please try again."
        }
    })
}

/// Our own types, with string keys and no failing serializers, cannot fail to become JSON. Were
/// one ever to, the asker is told of a fault in the house, as JSON-RPC has it.
pub(super) fn to_json<T: Serialize>(message: &T) -> String {
    serde_json::to_string(message).unwrap_or_else(|_| {
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"A fault of ours."}}"#
            .to_owned()
    })
}
