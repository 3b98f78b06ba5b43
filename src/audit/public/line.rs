//! What everybody may read of a show's log, a line for each entry.
//!
//! Every field is named here because it may be read by all: what a later kind of entry says is not
//! public until somebody has thought about it. The names of holds, orders and waitlist tickets are:
//! they are random, say nothing of anybody, nothing can be asked with them without the session they
//! belong to, and by them their owners find their own.

use serde_json::{Value, json};

use crate::hall::Seat;
use crate::log::{Chain, Genesis};
use crate::show::{Alias, Definition, DrawSecret, Fact, Outcome, RoomFact, SessionId};

use super::super::{Replay, Step};
use super::hex::to_hex;

/// What the first line says it is.
pub(super) const FORMAT: &str = "public log 1";

/// The first line: the show without its secret, and where its chain begins.
pub fn first_line(definition: &Definition, genesis: &Genesis) -> Value {
    let (_, chain) = genesis.beginning();
    let open = Definition { draw_secret: None, ..definition.clone() };
    let mut line = json!({
        "usher": FORMAT,
        "show": open,
        "lives": genesis.lives.to_string(),
        "chain": chain.to_string(),
    });
    match definition.draw_secret {
        // Told when the doors open, and with it the bytes that it stands in.
        Some(secret) => line["commitment"] = json!(secret.commitment()),
        None => line["genesis"] = json!(String::from_utf8_lossy(&genesis.bytes)),
    }
    line
}

/// The line of an entry; `replay` is after it.
pub fn entry_line(step: &Step, replay: &Replay, genesis: &Genesis) -> Value {
    let definition = replay.show().definition();
    let alias = |session: SessionId| Alias::of(&definition.id, session).to_string();
    let (kind, mut line) = told(&step.entry.fact, &alias);
    if let Outcome::Sold { session, .. } = step.outcome {
        line["by"] = json!(alias(session));
    }
    if let Fact::OfRoom(fact) = &step.entry.fact {
        line["bytes"] = json!(to_hex(&step.recorded.bytes));
        let counts = step.outcome != Outcome::Void;
        if matches!(fact, RoomFact::DoorsOpened { .. }) && counts {
            line["genesis"] = json!(String::from_utf8_lossy(&genesis.bytes));
        }
    }
    line["seq"] = json!(step.recorded.seq);
    line["time"] = json!(step.entry.time);
    line["entry"] = json!(kind);
    line["void"] = json!(step.outcome == Outcome::Void);
    line["chain"] = json!(Chain(replay.head().chain).to_string());
    line
}

/// The name of a kind, and what everybody may know of an entry of it; `by` is whose it is, as `alias`
/// says.
pub fn told(fact: &Fact, alias: &dyn Fn(SessionId) -> String) -> (&'static str, Value) {
    let seats = |seats: &[Seat]| seats.iter().map(|seat| seat.0).collect::<Vec<_>>();
    match fact {
        Fact::SeatsHeld { hold, session, seats: held, expires_at } => (
            "seats_held",
            json!({ "hold": hold, "by": alias(*session), "seats": seats(held),
                "expires_at": expires_at }),
        ),
        Fact::SeatsChanged { hold, seats: held } => {
            ("seats_changed", json!({ "hold": hold, "seats": seats(held) }))
        }
        Fact::HoldReleased { hold } => ("hold_released", json!({ "hold": hold })),
        Fact::HoldLapsed { hold } => ("hold_lapsed", json!({ "hold": hold })),
        Fact::PaymentBegun { hold, attempt, pinned_until, .. } => (
            "payment_begun",
            json!({ "hold": hold, "attempt": attempt, "pinned_until": pinned_until }),
        ),
        Fact::PaymentDeclined { hold, attempt, .. } => {
            ("payment_declined", json!({ "hold": hold, "attempt": attempt }))
        }
        Fact::SeatsSold(sale) => (
            "seats_sold",
            json!({ "hold": sale.hold, "attempt": sale.attempt, "order": sale.order,
                "total": sale.total }),
        ),
        Fact::SeatsBlocked { seats: blocked } => {
            ("seats_blocked", json!({ "seats": seats(blocked) }))
        }
        Fact::SeatsUnblocked { seats: blocked } => {
            ("seats_unblocked", json!({ "seats": seats(blocked) }))
        }
        Fact::TicketTaken(joining) => (
            "ticket_taken",
            json!({ "ticket": joining.ticket, "by": alias(joining.session),
                "until": joining.until, "quantity": joining.wish.quantity,
                "together": joining.wish.together, "categories": joining.wish.categories,
                "sections": joining.wish.sections, "areas": joining.wish.areas }),
        ),
        Fact::SeatsOffered { ticket, hold, seats: offered, expires_at } => (
            "seats_offered",
            json!({ "ticket": ticket, "hold": hold, "seats": seats(offered),
                "expires_at": expires_at }),
        ),
        Fact::OfferAccepted { hold, expires_at } => {
            ("offer_accepted", json!({ "hold": hold, "expires_at": expires_at }))
        }
        Fact::TicketParted { ticket } => ("ticket_parted", json!({ "ticket": ticket })),
        Fact::TicketClosed { ticket, reason } => {
            ("ticket_closed", json!({ "ticket": ticket, "reason": reason.word() }))
        }
        Fact::OfRoom(fact) => of_the_room(fact),
    }
}

/// The name of a kind of the waiting room, and all that an entry of it says.
pub(super) fn of_the_room(fact: &RoomFact) -> (&'static str, Value) {
    match fact {
        RoomFact::NumbersTaken { aliases } => {
            let aliases: Vec<String> = aliases.iter().map(ToString::to_string).collect();
            ("numbers_taken", json!({ "aliases": aliases }))
        }
        RoomFact::DoorsOpened { secret } => ("doors_opened", json!({ "secret": secret })),
        RoomFact::NumbersCalled { next, upto, until } => {
            ("numbers_called", json!({ "next": next, "upto": upto, "until": until }))
        }
        RoomFact::NumberReturned { number } => ("number_returned", json!({ "number": number })),
        RoomFact::Admitted { number, alias, until } => {
            ("admitted", json!({ "number": number, "alias": alias.to_string(), "until": until }))
        }
        RoomFact::PlaceGivenBack { number } => ("place_given_back", json!({ "number": number })),
        RoomFact::PlacesLapsed => ("places_lapsed", json!({})),
    }
}

/// The definition in a genesis, as it is published, and its secret.
pub(super) fn published(genesis: &str) -> Option<(Definition, Option<DrawSecret>)> {
    let definition: Definition = serde_json::from_str(genesis).ok()?;
    let secret = definition.draw_secret;
    Some((Definition { draw_secret: None, ..definition }, secret))
}
