//! A show's state to and from bytes, so that opening need not replay the whole log.
//!
//! Free seats are not written: they are those that are nothing else. The layout is in
//! `docs/log-format.md`. Those of every older version are read as well: the log before one may have
//! been trimmed. One of a newer version is not used.

use std::sync::Arc;

use crate::hall::{Floor, Seat, SeatSet};

use super::admission::WaitingRoom;
use super::codec::{CodecError, Reader, Writer};
use super::entry::{
    read_customer, read_money, read_payment, write_customer, write_money, write_payment,
};
use super::hold::{Hold, HoldState};
use super::order::Order;
use super::waitlist::{House, Queue, Ticket};
use super::{Definition, Head, HoldId, OrderId, SessionId, Show, Time};

const SNAPSHOT_VERSION: u8 = 2;
/// From before there was a waitlist: the same, but that it ends where the tickets begin.
const WITHOUT_WAITLIST: u8 = 1;

impl Show {
    /// The state as bytes.
    pub fn to_snapshot(&self) -> Vec<u8> {
        let mut to = Writer::with_capacity(64 + self.sold.words().len() * 16);
        to.byte(SNAPSHOT_VERSION);
        to.number(u64::from(self.definition.seats));
        to.time(self.time);
        for set in [&self.sold, &self.blocked] {
            set.words().iter().for_each(|word| to.bytes(&word.to_le_bytes()));
        }
        to.number(self.holds.len() as u64);
        self.holds.iter().for_each(|hold| write_hold(hold, &mut to));
        to.number(self.orders.len() as u64);
        // Each session's orders keep their age: that is the order their buyer is told them in.
        let mut orders: Vec<&Order> = self.orders.iter().collect();
        orders.sort_by_key(|order| (order.head.seq, order.id));
        orders.into_iter().for_each(|order| write_order(order, &mut to));
        to.number(self.lapsed.len() as u64);
        for (hold, session, at) in self.lapsed.iter() {
            to.id(hold.0);
            to.id(session.0);
            to.time(at);
        }
        self.queue.write(&mut to);
        if let Some(room) = &self.room {
            room.write(&mut to);
        }
        to.finish()
    }

    /// The state that [`Show::to_snapshot`] wrote, in this version of the program or an older one.
    ///
    /// # Errors
    /// Where the bytes are not a snapshot of this show, or a newer program's.
    pub fn from_snapshot(
        definition: Arc<Definition>,
        floor: Arc<Floor>,
        bytes: &[u8],
    ) -> Result<Self, CodecError> {
        let mut from = Reader::new(bytes);
        let version = from.byte()?;
        if ![WITHOUT_WAITLIST, SNAPSHOT_VERSION].contains(&version) {
            return Err(CodecError::Version(version));
        }
        if from.small()? != definition.seats {
            return Err(CodecError::Value("a snapshot of another hall"));
        }
        let mut show = Self::new(definition, floor);
        show.time = from.time()?;
        show.sold = read_set(&mut from, show.definition.seats)?;
        show.blocked = read_set(&mut from, show.definition.seats)?;
        for _ in 0..from.length()? {
            let hold = read_hold(&mut from)?;
            for seat in &hold.seats {
                if seat.0 >= show.definition.seats || show.held.has(*seat) {
                    return Err(CodecError::Value("a hold on seats that cannot be"));
                }
                show.held.insert(*seat);
            }
            show.holds.insert(hold);
        }
        for _ in 0..from.length()? {
            show.orders.insert(read_order(&mut from, show.definition.seats)?);
        }
        for _ in 0..from.length()? {
            let (hold, session) = (HoldId(from.id()?), SessionId(from.id()?));
            show.lapsed.insert(hold, session, from.time()?);
        }
        for taken in [&show.held, &show.sold, &show.blocked] {
            show.free.remove_all(taken);
        }
        let parts = [&show.free, &show.held, &show.sold, &show.blocked];
        if parts.iter().map(|set| set.count()).sum::<u32>() != show.definition.seats {
            return Err(CodecError::Value("a seat in two states"));
        }
        if version != WITHOUT_WAITLIST {
            let mut house = House {
                floor: &show.floor,
                free: &mut show.free,
                sold: &show.sold,
                blocked: &show.blocked,
            };
            show.queue = Queue::read(&mut from, &mut house)?;
            if show.room.is_some() {
                show.room = Some(WaitingRoom::read(&mut from)?);
            }
        }
        from.finish()?;
        show.offers_and_tickets_match()?;
        Ok(show)
    }
}

impl Show {
    /// Every offer is a hold of its ticket's session, and every offered hold a ticket's.
    fn offers_and_tickets_match(&self) -> Result<(), CodecError> {
        let offered = |hold: &&Hold| hold.state == HoldState::Offered;
        let theirs = |(ticket, hold): (&Ticket, HoldId)| {
            self.hold(hold).filter(offered).is_some_and(|hold| hold.session == ticket.session)
        };
        let tickets = self.queue.iter().filter_map(|ticket| Some((ticket, ticket.offer?)));
        let tickets: Vec<bool> = tickets.map(theirs).collect();
        let offers = self.holds.iter().filter(offered).count();
        if tickets.len() != offers || tickets.contains(&false) {
            return Err(CodecError::Value("an offer without its ticket, or a ticket without it"));
        }
        Ok(())
    }
}

fn read_set(from: &mut Reader<'_>, seats: u32) -> Result<SeatSet, CodecError> {
    let mut set = SeatSet::empty(seats);
    for index in 0..set.words().len() as u32 {
        let mut word = u64::from_le_bytes(from.array()?);
        while word != 0 {
            let seat = index * 64 + word.trailing_zeros();
            if seat >= seats {
                return Err(CodecError::Value("a seat past the last"));
            }
            set.insert(Seat(seat));
            word &= word - 1;
        }
    }
    Ok(set)
}

fn write_hold(hold: &Hold, to: &mut Writer) {
    to.id(hold.id.0);
    to.id(hold.session.0);
    to.seats(&hold.seats);
    to.time(hold.expires_at);
    to.byte(match hold.state {
        HoldState::Held => 0,
        HoldState::Paying => 1,
        HoldState::Offered => 2,
    });
    to.number(u64::from(hold.attempts));
    to.number(hold.pinned_until.map_or(0, |pin| pin.0));
}

fn read_hold(from: &mut Reader<'_>) -> Result<Hold, CodecError> {
    Ok(Hold {
        id: HoldId(from.id()?),
        session: SessionId(from.id()?),
        seats: from.seats()?,
        expires_at: from.time()?,
        state: match from.byte()? {
            0 => HoldState::Held,
            1 => HoldState::Paying,
            2 => HoldState::Offered,
            _ => return Err(CodecError::Value("not a hold's state")),
        },
        attempts: from.small()?,
        pinned_until: Some(from.time()?).filter(|pin| *pin != Time(0)),
    })
}

fn write_order(order: &Order, to: &mut Writer) {
    to.id(order.id.0);
    to.id(order.hold.0);
    to.id(order.session.0);
    to.text(&order.key);
    to.seats(&order.seats);
    write_money(order.total, to);
    to.time(order.bought_at);
    write_payment(&order.payment, to);
    write_customer(order.customer.as_ref(), to);
    to.bytes(&order.head.epoch.to_le_bytes());
    to.number(order.head.seq);
    to.bytes(&order.head.chain);
}

fn read_order(from: &mut Reader<'_>, seats: u32) -> Result<Order, CodecError> {
    let order = Order {
        id: OrderId(from.id()?),
        hold: HoldId(from.id()?),
        session: SessionId(from.id()?),
        key: from.text()?,
        seats: from.seats()?,
        total: read_money(from)?,
        bought_at: from.time()?,
        payment: read_payment(from)?,
        customer: read_customer(from)?,
        head: Head {
            epoch: u64::from_le_bytes(from.array()?),
            seq: from.number()?,
            chain: from.array()?,
        },
    };
    if order.seats.iter().any(|seat| seat.0 >= seats) {
        return Err(CodecError::Value("an order of seats past the last"));
    }
    Ok(order)
}
