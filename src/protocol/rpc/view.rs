//! The objects that results and notifications carry: a hold, an order, a head.
//!
//! They are what a client sees, no more: plain values that the box office fills in and the Rust
//! client reads back.

use serde::{Deserialize, Serialize};

use crate::hall::Seat;
use crate::show::{self, Hold, HoldId, Money, Order, OrderId, ShowId, Ticket, TicketId, Time};

/// A hold, as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// Its name in requests.
    pub id: HoldId,
    /// Its seats.
    pub seats: Vec<Seat>,
    /// What the screen counts down to. The server frees the seats a little later.
    pub expires_at: Time,
    /// What the seats cost together.
    pub total: Money,
    /// What is happening to it.
    pub state: HoldState,
}

impl HoldView {
    /// The view of `hold`; what its seats cost is for the caller to say.
    pub fn of(hold: &Hold, total: Money) -> Self {
        Self {
            id: hold.id,
            seats: hold.seats.to_vec(),
            expires_at: hold.expires_at,
            total,
            state: match hold.state {
                show::HoldState::Held => HoldState::Held,
                show::HoldState::Paying => HoldState::Paying,
                show::HoldState::Offered => HoldState::Offered,
            },
        }
    }
}

/// What is happening to a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldState {
    /// It may be changed, released or bought.
    Held,
    /// A payment for it is under way.
    Paying,
    /// It is offered to somebody who waited.
    Offered,
}

/// A place in the waitlist, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    /// Its name.
    pub ticket: TicketId,
    /// For how many.
    pub quantity: u32,
    /// The place in line: 1 for the first. Those with an offer count.
    pub position: u32,
    /// When it was taken.
    pub since: Time,
    /// When it ends by itself.
    pub until: Time,
    /// The show's head after the entry that took it: to be kept as proof.
    pub head: HeadView,
}

impl WaitingView {
    /// The view of a ticket; its place in line is for the caller to say.
    pub fn of(ticket: &Ticket, position: u32) -> Self {
        Self {
            ticket: ticket.id,
            quantity: ticket.wish.quantity,
            position,
            since: ticket.since,
            until: ticket.until,
            head: HeadView::of(&ticket.head),
        }
    }
}

/// A place in the waiting room, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionView {
    /// Where they stand.
    pub state: AdmissionState,
    /// To be kept, in place of an older one, and shown at every `identify`.
    pub ticket: String,
    /// Before the doors open: as which they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<u64>,
    /// Afterwards: their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// While they wait: up to which number all have been called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<u64>,
    /// While they wait, and where it is known: how many have been called a minute, lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u64>,
    /// Once they may pick seats: until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// Where somebody stands in the waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdmissionState {
    /// The doors have not opened: numbers are drawn when they do.
    Early,
    /// It is not their turn yet, or not any more.
    Waiting,
    /// They may pick seats.
    Admitted,
}

/// An order, as its buyer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its number.
    pub id: OrderId,
    /// For which show.
    pub show: ShowId,
    /// The seats bought.
    pub seats: Vec<Seat>,
    /// What was paid.
    pub total: Money,
    /// When the sale was made.
    pub bought_at: Time,
    /// How it was paid.
    pub payment: PaymentView,
    /// The show's head after the entry that made the order: to be kept as proof.
    pub head: HeadView,
}

impl OrderView {
    /// The view of an order of `show`.
    pub fn of(order: &Order, show: &ShowId) -> Self {
        Self {
            id: order.id,
            show: show.clone(),
            seats: order.seats.to_vec(),
            total: order.total,
            bought_at: order.bought_at,
            payment: PaymentView {
                id: order.payment.id.clone(),
                state: match order.payment.state {
                    show::PaymentState::Authorised => PaymentState::Authorised,
                    show::PaymentState::Captured => PaymentState::Captured,
                },
            },
            head: HeadView::of(&order.head),
        }
    }
}

/// A payment, as its payer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    /// The gateway's name for it.
    pub id: String,
    /// How far it has come.
    pub state: PaymentState,
}

/// How far a payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentState {
    /// The money is set aside, and will be taken.
    Authorised,
    /// The money is taken.
    Captured,
}

/// The head of a show's log: who keeps it can hold the published log against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadView {
    /// The life of the log; a decimal string in JSON.
    #[serde(with = "decimal")]
    pub epoch: u64,
    /// The position.
    pub seq: u64,
    /// The chain after the entry at that position; 64 hexadecimal digits in JSON.
    #[serde(with = "hexadecimal")]
    pub chain: [u8; 32],
}

impl HeadView {
    /// The view of a head.
    pub fn of(head: &show::Head) -> Self {
        Self { epoch: head.epoch, seq: head.seq, chain: head.chain }
    }
}

/// A 64-bit number as a decimal string: JavaScript's numbers are too small for it.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom("not a decimal number of 64 bits"))
    }
}

/// Bytes as lower-case hexadecimal digits.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let text: String = digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect();
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || D::Error::custom("not 64 lower-case hexadecimal digits");
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let value = |digit: u8| DIGITS.iter().position(|&known| known == digit);
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = value(pair[0]).zip(value(pair[1])).ok_or_else(wrong)?;
            *byte = (high << 4 | low) as u8;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_decimal_string_a_number_and_hexadecimal_digits() {
        let mut chain = [0xa0; 32];
        chain[31] = 0x0f;
        let head = HeadView { epoch: u64::MAX, seq: 7, chain };
        let json = serde_json::to_string(&head).unwrap();
        let digits = "a0".repeat(31);
        assert_eq!(
            json,
            format!(r#"{{"epoch":"18446744073709551615","seq":7,"chain":"{digits}0f"}}"#)
        );
        assert_eq!(serde_json::from_str::<HeadView>(&json).unwrap(), head);
        let shorter = json.replace("0f\"", "0\"");
        assert!(serde_json::from_str::<HeadView>(&shorter).is_err());
    }
}
