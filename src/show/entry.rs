//! Entries: what happened to a show, as plain facts in the past tense, to and from bytes.
//!
//! An entry of a released version never changes its bytes or its guard ([`super::apply`]): a new
//! rule is a new kind. The format is written down in `docs/log-format.md`.

use crate::hall::Seat;

use super::codec::{CodecError, Reader, Writer};
use super::order::{Customer, Payment, PaymentState};
use super::waitlist::{Joining, read_wish, write_wish};
use super::{CloseReason, Currency, HoldId, Money, OrderId, RoomFact, SessionId, TicketId, Time};

/// The version every entry begins with.
pub const ENTRY_VERSION: u8 = 1;

/// One fact, and when it was proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The proposing node's clock. Applying takes the later of this and the predecessor's.
    pub time: Time,
    /// What happened, if its guard is true.
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Fact {
    /// A session was given seats until a deadline.
    SeatsHeld { hold: HoldId, session: SessionId, seats: Box<[Seat]>, expires_at: Time },
    /// A hold's seats were swapped for these, the deadline unmoved.
    SeatsChanged { hold: HoldId, seats: Box<[Seat]> },
    /// The buyer gave the seats back.
    HoldReleased { hold: HoldId },
    /// The deadline and its buffer passed.
    HoldLapsed { hold: HoldId },
    /// A payment began; the hold is pinned until `pinned_until`, if it is the first.
    ///
    /// It names the seats it is for (kind 15): what is charged is their price, and meanwhile another
    /// node may have swapped them. Kind 5, of logs from before that, names none.
    PaymentBegun {
        /// What is paid for.
        hold: HoldId,
        /// The hold's next attempt, from 1.
        attempt: u32,
        /// Until when the hold is pinned, if no earlier attempt has pinned it.
        pinned_until: Time,
        /// The seats, ascending.
        seats: Option<Box<[Seat]>>,
    },
    /// The bank said no.
    PaymentDeclined { hold: HoldId, attempt: u32, code: String },
    /// The seats were sold.
    SeatsSold(Box<Sale>),
    /// The house took seats off sale.
    SeatsBlocked { seats: Box<[Seat]> },
    /// The house put seats back on sale.
    SeatsUnblocked { seats: Box<[Seat]> },
    /// A session took a ticket: it waits for seats of its wish.
    TicketTaken(Box<Joining>),
    /// The seats kept for a ticket were offered to it, until a deadline.
    SeatsOffered { ticket: TicketId, hold: HoldId, seats: Box<[Seat]>, expires_at: Time },
    /// An offer was accepted: it is an ordinary hold with a new deadline.
    OfferAccepted { hold: HoldId, expires_at: Time },
    /// A party that can never again sit together goes on waiting for seats apart.
    TicketParted { ticket: TicketId },
    /// A ticket was closed.
    TicketClosed { ticket: TicketId, reason: CloseReason },
    /// Something happened in the waiting room.
    OfRoom(RoomFact),
}

/// What a sale says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The hold whose seats they are.
    pub hold: HoldId,
    /// The payment under way.
    pub attempt: u32,
    /// The order's name.
    pub order: OrderId,
    /// The buyer's own name for the purchase.
    pub key: String,
    /// What was paid.
    pub total: Money,
    /// With what.
    pub payment: Payment,
    /// Who, as far as they said.
    pub customer: Option<Customer>,
}

impl Entry {
    /// The entry as the log keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::with_capacity(64);
        to.byte(ENTRY_VERSION);
        to.byte(self.fact.kind());
        to.time(self.time);
        self.fact.write(&mut to);
        to.finish()
    }

    /// Reads what [`Entry::to_bytes`] wrote.
    ///
    /// # Errors
    /// Where the bytes are not an entry this program knows.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(bytes);
        let version = from.byte()?;
        if version != ENTRY_VERSION {
            return Err(CodecError::Version(version));
        }
        let kind = from.byte()?;
        let time = from.time()?;
        let fact = Fact::read(kind, &mut from)?;
        from.finish()?;
        Ok(Self { time, fact })
    }
}

impl Fact {
    /// Whether it is about those who wait: what it comes to rests on the hall's rows.
    pub fn is_of_the_waitlist(&self) -> bool {
        (10..=14).contains(&self.kind())
    }

    /// The byte that names the kind.
    fn kind(&self) -> u8 {
        match self {
            Self::SeatsHeld { .. } => 1,
            Self::SeatsChanged { .. } => 2,
            Self::HoldReleased { .. } => 3,
            Self::HoldLapsed { .. } => 4,
            Self::PaymentBegun { seats: None, .. } => 5,
            Self::PaymentBegun { seats: Some(_), .. } => 15,
            Self::PaymentDeclined { .. } => 6,
            Self::SeatsSold(_) => 7,
            Self::SeatsBlocked { .. } => 8,
            Self::SeatsUnblocked { .. } => 9,
            Self::TicketTaken(_) => 10,
            Self::SeatsOffered { .. } => 11,
            Self::OfferAccepted { .. } => 12,
            Self::TicketParted { .. } => 13,
            Self::TicketClosed { .. } => 14,
            Self::OfRoom(fact) => fact.kind(),
        }
    }

    fn write(&self, to: &mut Writer) {
        match self {
            Self::SeatsHeld { hold, session, seats, expires_at } => {
                to.id(hold.0);
                to.id(session.0);
                to.time(*expires_at);
                to.seats(seats);
            }
            Self::SeatsChanged { hold, seats } => {
                to.id(hold.0);
                to.seats(seats);
            }
            Self::HoldReleased { hold } | Self::HoldLapsed { hold } => to.id(hold.0),
            Self::PaymentBegun { hold, attempt, pinned_until, seats } => {
                to.id(hold.0);
                to.number(u64::from(*attempt));
                to.time(*pinned_until);
                if let Some(seats) = seats {
                    to.seats(seats);
                }
            }
            Self::PaymentDeclined { hold, attempt, code } => {
                to.id(hold.0);
                to.number(u64::from(*attempt));
                to.text(code);
            }
            Self::SeatsSold(sale) => sale.write(to),
            Self::SeatsBlocked { seats } | Self::SeatsUnblocked { seats } => to.seats(seats),
            Self::TicketTaken(joining) => {
                to.id(joining.ticket.0);
                to.id(joining.session.0);
                to.time(joining.until);
                write_wish(&joining.wish, to);
            }
            Self::SeatsOffered { ticket, hold, seats, expires_at } => {
                to.id(ticket.0);
                to.id(hold.0);
                to.time(*expires_at);
                to.seats(seats);
            }
            Self::OfferAccepted { hold, expires_at } => {
                to.id(hold.0);
                to.time(*expires_at);
            }
            Self::TicketParted { ticket } => to.id(ticket.0),
            Self::TicketClosed { ticket, reason } => {
                to.id(ticket.0);
                to.byte(reason.number());
            }
            Self::OfRoom(fact) => fact.write(to),
        }
    }

    fn read(kind: u8, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match kind {
            1 => {
                let (hold, session) = (HoldId(from.id()?), SessionId(from.id()?));
                let expires_at = from.time()?;
                Self::SeatsHeld { hold, session, seats: from.seats()?, expires_at }
            }
            2 => Self::SeatsChanged { hold: HoldId(from.id()?), seats: from.seats()? },
            3 => Self::HoldReleased { hold: HoldId(from.id()?) },
            4 => Self::HoldLapsed { hold: HoldId(from.id()?) },
            kind @ (5 | 15) => Self::PaymentBegun {
                hold: HoldId(from.id()?),
                attempt: from.small()?,
                pinned_until: from.time()?,
                seats: if kind == 15 { Some(from.seats()?) } else { None },
            },
            6 => Self::PaymentDeclined {
                hold: HoldId(from.id()?),
                attempt: from.small()?,
                code: from.text()?,
            },
            7 => Self::SeatsSold(Box::new(Sale::read(from)?)),
            8 => Self::SeatsBlocked { seats: from.seats()? },
            9 => Self::SeatsUnblocked { seats: from.seats()? },
            10 => Self::TicketTaken(Box::new(Joining {
                ticket: TicketId(from.id()?),
                session: SessionId(from.id()?),
                until: from.time()?,
                wish: read_wish(from)?,
            })),
            11 => {
                let (ticket, hold) = (TicketId(from.id()?), HoldId(from.id()?));
                let expires_at = from.time()?;
                Self::SeatsOffered { ticket, hold, seats: from.seats()?, expires_at }
            }
            12 => Self::OfferAccepted { hold: HoldId(from.id()?), expires_at: from.time()? },
            13 => Self::TicketParted { ticket: TicketId(from.id()?) },
            14 => Self::TicketClosed {
                ticket: TicketId(from.id()?),
                reason: CloseReason::logged(from.byte()?)
                    .ok_or(CodecError::Value("not a reason to close a ticket"))?,
            },
            kind => Self::OfRoom(RoomFact::read(kind, from)?),
        })
    }
}

impl Sale {
    fn write(&self, to: &mut Writer) {
        to.id(self.hold.0);
        to.number(u64::from(self.attempt));
        to.id(self.order.0);
        to.text(&self.key);
        write_money(self.total, to);
        write_payment(&self.payment, to);
        write_customer(self.customer.as_ref(), to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            hold: HoldId(from.id()?),
            attempt: from.small()?,
            order: OrderId(from.id()?),
            key: from.text()?,
            total: read_money(from)?,
            payment: read_payment(from)?,
            customer: read_customer(from)?,
        })
    }
}

pub(super) fn write_money(money: Money, to: &mut Writer) {
    to.number(money.amount);
    to.bytes(money.currency.as_str().as_bytes());
}

pub(super) fn read_money(from: &mut Reader<'_>) -> Result<Money, CodecError> {
    let amount = from.number()?;
    let code: [u8; 3] = from.array()?;
    let currency = std::str::from_utf8(&code).ok().and_then(Currency::parse);
    Ok(Money { amount, currency: currency.ok_or(CodecError::Value("not a currency"))? })
}

pub(super) fn write_payment(payment: &Payment, to: &mut Writer) {
    to.text(&payment.id);
    to.byte(payment.state as u8);
}

pub(super) fn read_payment(from: &mut Reader<'_>) -> Result<Payment, CodecError> {
    let id = from.text()?;
    let state = match from.byte()? {
        0 => PaymentState::Authorised,
        1 => PaymentState::Captured,
        _ => return Err(CodecError::Value("not a payment's state")),
    };
    Ok(Payment { id, state })
}

pub(super) fn write_customer(customer: Option<&Customer>, to: &mut Writer) {
    to.byte(u8::from(customer.is_some()));
    if let Some(customer) = customer {
        to.text(&customer.name);
        to.text(&customer.email);
    }
}

pub(super) fn read_customer(from: &mut Reader<'_>) -> Result<Option<Customer>, CodecError> {
    match from.byte()? {
        0 => Ok(None),
        1 => Ok(Some(Customer { name: from.text()?, email: from.text()? })),
        _ => Err(CodecError::Value("neither a customer nor none")),
    }
}
