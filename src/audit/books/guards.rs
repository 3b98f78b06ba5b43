//! What may stand in the log: the promise behind each kind of entry, in the books' own words.

use crate::hall::Seat;
use crate::show::{Entry, Fact, HoldId, Money, Sale, Time};

use super::super::Replay;
use super::{Books, Place, Standing};

impl Books {
    /// Whether an entry may count: the promise behind its guard, in the books' own words.
    pub(super) fn may(&self, entry: &Entry, replay: &Replay) -> Result<(), String> {
        match &entry.fact {
            Fact::SeatsHeld { hold, session, seats, .. } => {
                self.can_be_had(seats, None)?;
                if self.holds.contains_key(hold) {
                    return Err(format!("hold {hold} stands already"));
                }
                if self.sessions.contains(session) {
                    return Err(format!("session {session} has a hold already"));
                }
                Ok(())
            }
            Fact::SeatsChanged { hold, seats } => {
                self.not_paying(*hold)?;
                self.can_be_had(seats, Some(*hold))
            }
            Fact::HoldReleased { hold } => self.not_paying(*hold).map(|_| ()),
            Fact::HoldLapsed { hold } => {
                let end = self.end_of(self.standing(*hold)?);
                if self.time < end {
                    return Err(format!(
                        "hold {hold} lapsed {} ms too soon",
                        end.ms_since(self.time)
                    ));
                }
                Ok(())
            }
            Fact::PaymentBegun { hold, attempt, seats, .. } => {
                let standing = self.not_paying(*hold)?;
                if seats.as_deref().is_some_and(|seats| *seats != *standing.seats) {
                    return Err(format!("hold {hold} has other seats than were to be paid"));
                }
                if standing.offered {
                    return Err(format!("hold {hold} is an offer, not accepted yet"));
                }
                let attempts = standing.attempts;
                if u64::from(*attempt) != u64::from(attempts) + 1 {
                    return Err(format!("payment {attempt} of hold {hold} follows {attempts}"));
                }
                Ok(())
            }
            Fact::PaymentDeclined { hold, attempt, .. } => self.paying(*hold, *attempt),
            Fact::SeatsSold(sale) => {
                self.paying(sale.hold, sale.attempt)?;
                if self.orders.contains(&sale.order) {
                    return Err(format!("order {} was made already", sale.order));
                }
                Ok(())
            }
            Fact::SeatsBlocked { seats } | Fact::SeatsUnblocked { seats } => {
                self.all_different(seats)?;
                let taken = |seat: &&Seat| {
                    !matches!(self.places[seat.0 as usize], Place::Free | Place::Blocked)
                        || self.line.keeps(**seat).is_some()
                };
                match seats.iter().find(taken) {
                    Some(seat) => Err(self.who_has(*seat)),
                    None => Ok(()),
                }
            }
            Fact::TicketTaken(joining) => self.may_join(joining),
            Fact::SeatsOffered { ticket, hold, seats, .. } => {
                self.may_offer(*ticket, *hold, seats, replay.floor())
            }
            Fact::OfferAccepted { hold, .. } if self.standing(*hold)?.offered => Ok(()),
            Fact::OfferAccepted { hold, .. } => Err(format!("hold {hold} is not an offer")),
            Fact::TicketParted { ticket } => self.may_part(*ticket),
            Fact::TicketClosed { ticket, reason } => self.may_close(*ticket, *reason),
            Fact::OfRoom(fact) => self.may_in_the_room(fact),
        }
    }

    /// What the show takes on trust from who proposed the entry.
    pub(super) fn fits_the_rules(&self, entry: &Entry, replay: &Replay) -> Result<(), String> {
        let policy = &self.definition.policy;
        let lasts = |from: Time, to: Time, ms: u64, what: &str| {
            if to == from.plus_ms(ms) {
                Ok(())
            } else {
                Err(format!("{what} lasts {} ms, not {ms}", to.ms_since(from)))
            }
        };
        let fits = |seats: &[Seat]| match seats.len() {
            many if many as u64 > u64::from(policy.seats_max) => {
                Err(format!("{many} seats, where {} are the most", policy.seats_max))
            }
            _ => Ok(()),
        };
        self.fits_the_room(entry)?;
        match &entry.fact {
            Fact::SeatsHeld { seats, expires_at, .. } => {
                fits(seats)?;
                lasts(entry.time, *expires_at, policy.hold_ms, "the hold")
            }
            Fact::SeatsChanged { seats, .. } => fits(seats),
            Fact::PaymentBegun { pinned_until, .. } => {
                lasts(entry.time, *pinned_until, policy.pay_ms, "the pin")
            }
            Fact::SeatsSold(sale) => match self.price_of(sale, replay) {
                Some(price) if price != sale.total => {
                    let said = |money: Money| format!("{} {}", money.amount, money.currency);
                    Err(format!("{} was paid for seats of {}", said(sale.total), said(price)))
                }
                _ => Ok(()),
            },
            Fact::TicketTaken(joining) => {
                if joining.wish.quantity > policy.seats_max {
                    return Err(format!("a party of {}", joining.wish.quantity));
                }
                lasts(entry.time, joining.until, policy.wait_ms, "the ticket")
            }
            Fact::SeatsOffered { expires_at, .. } => {
                lasts(entry.time, *expires_at, policy.offer_ms, "the offer")
            }
            Fact::OfferAccepted { expires_at, .. } => {
                lasts(entry.time, *expires_at, policy.hold_ms, "the hold")
            }
            Fact::OfRoom(_)
            | Fact::TicketParted { .. }
            | Fact::TicketClosed { .. }
            | Fact::HoldReleased { .. }
            | Fact::HoldLapsed { .. }
            | Fact::PaymentDeclined { .. }
            | Fact::SeatsBlocked { .. }
            | Fact::SeatsUnblocked { .. } => Ok(()),
        }
    }

    /// What the seats of a sale cost; none where their categories are unknown.
    fn price_of(&self, sale: &Sale, replay: &Replay) -> Option<Money> {
        replay.hall()?;
        let price = |seat: &Seat| {
            let category = replay.floor().category_of(*seat)?;
            self.definition.prices.get(usize::from(category)).copied()
        };
        let seats = &self.holds.get(&sale.hold)?.seats;
        let amount = seats.iter().map(price).sum::<Option<u64>>()?;
        Some(Money { amount, currency: self.definition.currency })
    }

    fn standing(&self, hold: HoldId) -> Result<&Standing, String> {
        self.holds.get(&hold).ok_or_else(|| format!("hold {hold} does not stand"))
    }

    fn not_paying(&self, hold: HoldId) -> Result<&Standing, String> {
        let standing = self.standing(hold)?;
        if standing.paying { Err(format!("hold {hold} is being paid")) } else { Ok(standing) }
    }

    fn paying(&self, hold: HoldId, attempt: u32) -> Result<(), String> {
        let standing = self.standing(hold)?;
        if standing.paying && standing.attempts == attempt {
            Ok(())
        } else {
            Err(format!("payment {attempt} of hold {hold} is not under way"))
        }
    }

    /// When a hold may lapse: after its deadline and the buffer, and while it is being paid not
    /// before the pin.
    fn end_of(&self, standing: &Standing) -> Time {
        let deadline = standing.expires_at.plus_ms(self.definition.policy.grace_ms);
        match standing.pinned_until {
            Some(pin) if standing.paying && pin > deadline => pin,
            _ => deadline,
        }
    }

    /// Every seat is free, or is `own`'s already.
    fn can_be_had(&self, seats: &[Seat], own: Option<HoldId>) -> Result<(), String> {
        self.all_different(seats)?;
        let taken = |seat: &&Seat| match self.places[seat.0 as usize] {
            Place::Free => self.line.keeps(**seat).is_some(),
            Place::Held(hold) => Some(hold) != own,
            Place::Sold(_) | Place::Blocked => true,
        };
        match seats.iter().find(taken) {
            Some(seat) => Err(self.who_has(*seat)),
            None => Ok(()),
        }
    }

    /// At least one seat, of this hall, in ascending order.
    fn all_different(&self, seats: &[Seat]) -> Result<(), String> {
        let last = seats.last().ok_or("it names no seats")?;
        if seats.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err("its seats are not in order, each once".to_owned());
        }
        if last.0 >= self.definition.seats {
            return Err(format!("there is no seat {}", last.0));
        }
        Ok(())
    }

    fn who_has(&self, seat: Seat) -> String {
        let Seat(number) = seat;
        match self.places[number as usize] {
            Place::Free => match self.line.keeps(seat) {
                Some(ticket) => format!("seat {number} is kept for ticket {ticket}"),
                None => format!("seat {number} is free"),
            },
            Place::Held(hold) => format!("seat {number} is held by {hold}"),
            Place::Sold(order) => format!("seat {number} is sold to order {order}"),
            Place::Blocked => format!("seat {number} is not for sale"),
        }
    }
}
