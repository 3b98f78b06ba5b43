//! What must be true, seat by seat and waiter by waiter: no bitmaps, no log, no cleverness.

use std::collections::BTreeMap;

use usher::box_office::{Answer, Refused, Reply};
use usher::hall::Seat;
use usher::show::{
    CloseReason, Command, Entry, Fact, HoldId, Outcome, Refusal, SeatState, SessionId, Show,
    TicketId, Time, Wish,
};

use super::Seen;

/// The seats, the holds and the line.
pub(super) struct Model {
    pub(super) seats: Vec<SeatState>,
    pub(super) holds: BTreeMap<HoldId, ModelHold>,
    /// Who waits, the first in line first.
    pub(super) line: Vec<Waiter>,
    /// Commands of which nobody knows whether they were done.
    pub(super) unknown: Vec<Command>,
}

#[derive(Clone)]
pub(super) struct ModelHold {
    pub(super) session: SessionId,
    pub(super) seats: Vec<Seat>,
    pub(super) expires_at: Time,
}

/// Somebody in line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waiter {
    pub(super) ticket: TicketId,
    pub(super) wish: Wish,
    pub(super) offer: Option<HoldId>,
}

/// What an entry did about those who wait, at its place in the log.
pub(super) enum InLine {
    Joined(Waiter),
    Offered { ticket: TicketId, hold: HoldId, session: SessionId, seats: Vec<Seat>, until: Time },
    Accepted { hold: HoldId, until: Time },
    Parted(TicketId),
    Closed(TicketId, CloseReason),
}

/// What an entry did about those who wait. (What an offer was is read from the entry: by now it may
/// be gone.)
pub(super) fn in_line(entry: Entry, outcome: Outcome) -> Option<InLine> {
    let fact = entry.fact;
    Some(match (outcome, fact) {
        (Outcome::Joined { ticket, .. }, Fact::TicketTaken(joining)) => {
            InLine::Joined(Waiter { ticket, wish: joining.wish, offer: None })
        }
        (
            Outcome::Offered { ticket, hold, session },
            Fact::SeatsOffered { seats, expires_at: until, .. },
        ) => InLine::Offered { ticket, hold, session, seats: seats.to_vec(), until },
        (Outcome::Accepted { hold, .. }, Fact::OfferAccepted { expires_at: until, .. }) => {
            InLine::Accepted { hold, until }
        }
        (Outcome::Parted { ticket, .. }, _) => InLine::Parted(ticket),
        (Outcome::Closed { ticket, reason, .. }, _) => InLine::Closed(ticket, reason),
        _ => return None,
    })
}

impl Model {
    /// What the log says of those who wait: whether it may be so, by what was known before, and by how
    /// the show stands at the end of the turn.
    pub(super) fn hears(&mut self, what: InLine, show: &Show, seen: &mut Seen) {
        match what {
            InLine::Joined(waiter) => {
                seen.joined += 1;
                self.line.push(waiter);
            }
            InLine::Offered { ticket, hold, session, seats, until } => {
                seen.offered += 1;
                let at = self.place(ticket);
                let wish = self.line[at].wish.clone();
                assert_eq!(seats.len(), wish.quantity as usize, "a whole party");
                // One before may have been given other seats in the same turn than were to be offered: then
                // its offer comes right after.
                let is_served = |other: &&Waiter| {
                    show.ticket(other.ticket).is_none_or(|ticket| {
                        ticket.offer.is_some() || ticket.kept().len() == wish.quantity as usize
                    })
                };
                let mut before = self.line[..at].iter();
                let before =
                    before.find(|it| it.offer.is_none() && it.wish == wish && !is_served(it));
                assert_eq!(before, None, "who wants the same and came before was overtaken");
                self.hold(hold, session, seats, until);
                assert_eq!(self.line[at].offer.replace(hold), None, "one offer each");
            }
            InLine::Accepted { hold, until } => {
                seen.accepted += 1;
                self.line.retain(|waiter| waiter.offer != Some(hold));
                self.holds.get_mut(&hold).expect("an offer").expires_at = until;
            }
            InLine::Parted(ticket) => {
                let at = self.place(ticket);
                self.line[at].wish.together = false;
            }
            InLine::Closed(ticket, reason) => {
                match reason {
                    CloseReason::Lapsed => seen.offers_lapsed += 1,
                    CloseReason::SoldOut | CloseReason::Timeout => seen.dismissed += 1,
                    _ => {}
                }
                let gone = self.line.remove(self.place(ticket));
                if let Some(hold) = gone.offer.filter(|hold| self.holds.contains_key(hold)) {
                    self.free(hold);
                }
            }
        }
    }

    fn place(&self, ticket: TicketId) -> usize {
        let place = self.line.iter().position(|waiter| waiter.ticket == ticket);
        place.expect("a ticket that the model knows")
    }

    /// What everybody may see: free seats that the show keeps for those who wait are held.
    pub(super) fn seen_with(&self, show: &Show) -> Vec<SeatState> {
        let seen = |(seat, state): (u32, &SeatState)| match show.kept().has(Seat(seat)) {
            true => {
                assert_eq!(*state, SeatState::Available, "seat {seat} cannot be kept");
                SeatState::Held
            }
            false => *state,
        };
        (0..).zip(&self.seats).map(seen).collect()
    }

    /// The line is as it was, and nobody in it who would take any seat goes without a free one.
    pub(super) fn judge_the_line(&self, show: &Show) {
        let line = show.tickets().map(|ticket| (ticket.id, ticket.offer));
        assert!(line.eq(self.line.iter().map(|waiter| (waiter.ticket, waiter.offer))));
        let easy = |waiter: &&Waiter| {
            let Wish { together, categories, .. } = &waiter.wish;
            // Whose party is whole is only waiting for the log to take the offer.
            let kept = show.ticket(waiter.ticket).map_or(0, |ticket| ticket.kept().len());
            let lacks = kept < waiter.wish.quantity as usize;
            waiter.offer.is_none() && lacks && !together && categories.is_none()
        };
        if self.line.iter().any(|waiter| easy(&waiter)) {
            assert!(show.free().is_empty(), "a free seat, while somebody would take any");
        }
    }

    /// Whether an answer may be given, by what was answered before.
    pub(super) fn judge(
        &mut self,
        command: Command,
        answer: Result<Reply, Refused>,
        seen: &mut Seen,
    ) {
        match (command, answer.map(|reply| reply.answer)) {
            (
                Command::Hold { session, .. } | Command::HoldBest { session, .. },
                Ok(Answer::Hold(hold)),
            ) => {
                seen.held += 1;
                assert!(self.holds.values().all(|other| other.session != session), "one hold each");
                self.hold(hold.id, session, hold.seats, hold.expires_at);
            }
            (Command::Change { hold: id, session, .. }, Ok(Answer::Hold(hold))) => {
                let before = self.free(id);
                assert_eq!((before.session, before.expires_at), (session, hold.expires_at));
                self.hold(id, session, hold.seats, hold.expires_at);
            }
            // What was offered is heard of as the end of a ticket.
            (Command::Release { hold, .. }, Ok(Answer::Done))
                if !self.holds.contains_key(&hold) => {}
            (Command::Release { hold, session }, Ok(Answer::Done)) => {
                assert_eq!(self.free(hold).session, session, "only its own");
            }
            (Command::Join { .. }, Ok(Answer::Waiting(waiting))) => {
                assert_eq!(waiting.position as usize, self.place(waiting.ticket) + 1);
            }
            (Command::Accept { .. }, Ok(Answer::Hold(hold))) => {
                assert_eq!(self.holds[&hold.id].expires_at, hold.expires_at);
            }
            (Command::Leave { .. } | Command::Decline { .. }, Ok(Answer::Done)) => {}
            // The model of the waiting room goes by the log.
            (Command::OfRoom(_), Ok(Answer::Done | Answer::Number { .. })) => {}
            (Command::Buy { hold, session, .. }, Ok(Answer::Order(order))) => {
                seen.sold += 1;
                // The same purchase twice in one turn gives the same order twice.
                match self.holds.get(&hold) {
                    Some(held) => {
                        assert_eq!((&held.seats, held.session), (&order.seats, session));
                        self.sell(hold);
                    }
                    None => {
                        let sold = |seat: &Seat| self.seats[seat.0 as usize] == SeatState::Sold;
                        assert!(order.seats.iter().all(sold), "an order of seats not sold");
                    }
                }
            }
            (command, Err(Refused { refusal: Refusal::Unavailable, .. })) => {
                seen.unknown += 1;
                self.unknown.push(command);
            }
            (_, Err(_)) => seen.refused += 1,
            (command, Ok(answer)) => panic!("{command:?} was answered {answer:?}"),
        }
    }

    pub(super) fn hold(
        &mut self,
        id: HoldId,
        session: SessionId,
        seats: Vec<Seat>,
        expires_at: Time,
    ) {
        for seat in &seats {
            let state = &mut self.seats[seat.0 as usize];
            assert_eq!(*state, SeatState::Available, "seat {} was not to be had", seat.0);
            *state = SeatState::Held;
        }
        self.holds.insert(id, ModelHold { session, seats, expires_at });
    }

    pub(super) fn free(&mut self, id: HoldId) -> ModelHold {
        self.end(id, SeatState::Available)
    }

    pub(super) fn sell(&mut self, id: HoldId) {
        self.end(id, SeatState::Sold);
    }

    fn end(&mut self, id: HoldId, state: SeatState) -> ModelHold {
        let hold = self.holds.remove(&id).expect("a hold that the model knows");
        for seat in &hold.seats {
            assert_eq!(self.seats[seat.0 as usize], SeatState::Held);
            self.seats[seat.0 as usize] = state;
        }
        hold
    }
}
