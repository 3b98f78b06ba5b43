//! Tickets: places in the waitlist, and why they end.

use crate::hall::Seat;

use super::super::codec::{CodecError, Reader, Writer};
use super::super::{Head, HoldId, SessionId, TicketId, Time, Wish};

/// Why a ticket was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloseReason {
    /// The unsold seats of its wish are fewer than its party.
    SoldOut,
    /// It waited as long as anybody waits.
    Timeout,
    /// The show began.
    ShowOver,
    /// Its owner left.
    Left,
    /// Its offer lapsed.
    Lapsed,
    /// Its offer was declined.
    Declined,
    /// Its offer was accepted.
    Accepted,
}

impl CloseReason {
    /// The stable word that clients act on.
    pub fn word(self) -> &'static str {
        match self {
            Self::SoldOut => "sold_out",
            Self::Timeout => "timeout",
            Self::ShowOver => "show_over",
            Self::Left => "left",
            Self::Lapsed => "lapsed",
            Self::Declined => "declined",
            Self::Accepted => "accepted",
        }
    }

    /// The log's number for it. That an offer lapsed or was accepted are entries of their own, so
    /// these reasons are not written; they have numbers all the same, so that every value has one
    /// form.
    pub(in crate::show) fn number(self) -> u8 {
        match self {
            Self::SoldOut => 0,
            Self::Timeout => 1,
            Self::ShowOver => 2,
            Self::Left => 3,
            Self::Lapsed => 4,
            Self::Declined => 5,
            Self::Accepted => 6,
        }
    }

    /// The reason that an entry may give.
    pub(in crate::show) fn logged(number: u8) -> Option<Self> {
        let logged = [Self::SoldOut, Self::Timeout, Self::ShowOver, Self::Left, Self::Declined];
        logged.into_iter().find(|reason| reason.number() == number)
    }
}

/// What the taking of a ticket says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Its name.
    pub ticket: TicketId,
    /// Whose it is.
    pub session: SessionId,
    /// When it ends by itself.
    pub until: Time,
    /// What is waited for.
    pub wish: Wish,
}

/// A place in the waitlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its name.
    pub id: TicketId,
    /// Whose it is.
    pub session: SessionId,
    /// What is waited for; each list ascending, each index once.
    pub wish: Wish,
    /// When it was taken.
    pub since: Time,
    /// When it ends by itself, unless it has an offer then.
    pub until: Time,
    /// The log's head as it was after the entry that took it: the order of tickets is the log's.
    pub head: Head,
    /// The hold by which its seats are offered to it.
    pub offer: Option<HoldId>,
    /// The seats kept for it while it has no offer, ascending.
    pub(super) kept: Vec<Seat>,
    /// Where a party that wants to sit together gathers; there is one while any seat is kept.
    pub(super) run: Option<Run>,
    /// Its place among all tickets ever taken, for counting those before it.
    pub(super) ordinal: usize,
}

/// As many neighbours as a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::show) enum Run {
    /// In a row, from this seat on.
    Row(Seat),
    /// Any places of this area.
    Area(u16),
}

impl Ticket {
    /// The seats kept for it while it has no offer, ascending.
    pub fn kept(&self) -> &[Seat] {
        &self.kept
    }

    /// Whether its party lacks seats.
    pub(super) fn lacks(&self) -> bool {
        (self.kept.len() as u64) < u64::from(self.wish.quantity)
    }
}

/// A wish as entries and snapshots keep it.
pub(in crate::show) fn write_wish(wish: &Wish, to: &mut Writer) {
    to.number(u64::from(wish.quantity));
    to.byte(u8::from(wish.together));
    for list in [&wish.categories, &wish.sections, &wish.areas] {
        to.byte(u8::from(list.is_some()));
        if let Some(list) = list {
            to.number(list.len() as u64);
            list.iter().for_each(|index| to.number(u64::from(*index)));
        }
    }
}

/// Reads what [`write_wish`] wrote.
pub(in crate::show) fn read_wish(from: &mut Reader<'_>) -> Result<Wish, CodecError> {
    let quantity = from.small()?;
    let together = read_flag(from)?;
    Ok(Wish {
        quantity,
        together,
        categories: read_list(from)?,
        sections: read_list(from)?,
        areas: read_list(from)?,
    })
}

fn read_list(from: &mut Reader<'_>) -> Result<Option<Vec<u16>>, CodecError> {
    if !read_flag(from)? {
        return Ok(None);
    }
    let length = from.length()?;
    let index = |_| u16::try_from(from.number()?).map_err(|_| CodecError::Number);
    (0..length).map(index).collect::<Result<_, _>>().map(Some)
}

fn read_flag(from: &mut Reader<'_>) -> Result<bool, CodecError> {
    match from.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(CodecError::Value("neither yes nor no")),
    }
}

pub(super) fn write_ticket(ticket: &Ticket, to: &mut Writer) {
    to.id(ticket.id.0);
    to.id(ticket.session.0);
    write_wish(&ticket.wish, to);
    to.time(ticket.since);
    to.time(ticket.until);
    to.bytes(&ticket.head.epoch.to_le_bytes());
    to.number(ticket.head.seq);
    to.bytes(&ticket.head.chain);
    to.byte(u8::from(ticket.offer.is_some()));
    if let Some(hold) = ticket.offer {
        to.id(hold.0);
    }
    to.seats(&ticket.kept);
    match ticket.run {
        None => to.byte(0),
        Some(Run::Row(first)) => {
            to.byte(1);
            to.number(u64::from(first.0));
        }
        Some(Run::Area(area)) => {
            to.byte(2);
            to.number(u64::from(area));
        }
    }
}

pub(super) fn read_ticket(from: &mut Reader<'_>) -> Result<Ticket, CodecError> {
    Ok(Ticket {
        id: TicketId(from.id()?),
        session: SessionId(from.id()?),
        wish: read_wish(from)?.in_order(),
        since: from.time()?,
        until: from.time()?,
        head: Head {
            epoch: u64::from_le_bytes(from.array()?),
            seq: from.number()?,
            chain: from.array()?,
        },
        offer: if read_flag(from)? { Some(HoldId(from.id()?)) } else { None },
        kept: from.seats()?.into_vec(),
        run: match from.byte()? {
            0 => None,
            1 => Some(Run::Row(Seat(from.small()?))),
            2 => {
                let area = u16::try_from(from.number()?).map_err(|_| CodecError::Number)?;
                Some(Run::Area(area))
            }
            _ => return Err(CodecError::Value("not a run of seats")),
        },
        ordinal: 0,
    })
}
