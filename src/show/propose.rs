//! Proposing: all the rules, against the state this node has.
//!
//! The ladder of refusals is the protocol's, in its order: of several that are true the first is
//! said. What is proposed here is only asked for; whether it was got is decided by the entry's
//! guard, in the log's order ([`Show::apply`]).

use uuid::Uuid;

use crate::hall::{Seat, SeatSet};

use super::asked::Asked;
use super::best::leaves_orphans;
use super::command::{Command, Decision, Purchase};
use super::entry::{Entry, Fact, Sale};
use super::hold::{Hold, HoldState};
use super::{HoldId, OrderId, Orphans, Refusal, SessionId, Show, Time};

/// What comes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Put these into the log, one after another.
    Append(Vec<Entry>),
    /// Nothing is to be done: this order was made by the same purchase before.
    Bought(OrderId),
    /// Nothing is to be done: it is so already.
    AlreadySo,
    /// It depends on what becomes of entries that were proposed just before: ask again after.
    AskAgain,
}

/// What comes of `command` at `now`, given what this batch has `asked` for already. `fresh` names
/// what the command creates and must be new with every call.
///
/// # Errors
/// The refusal to be told, where a rule is against it.
pub fn propose(
    show: &Show,
    asked: &mut Asked,
    command: &Command,
    now: Time,
    fresh: Uuid,
) -> Result<Proposal, Refusal> {
    let now = now.max(show.time);
    let session = command.session();
    if session.is_some_and(|session| asked.sessions.contains(&session)) {
        return Ok(Proposal::AskAgain);
    }
    let proposal = match command {
        Command::Hold { session, seats } => {
            show.may_hold(*session, now)?;
            let seats = show.seats_named(seats)?;
            if asked.any_of(&seats) {
                return Ok(Proposal::AskAgain);
            }
            show.can_be_had(&seats, &show.free)?;
            if show.leaves_orphans_beside(asked, &show.free, &seats) {
                return Ok(Proposal::AskAgain);
            }
            Proposal::Append(vec![show.granting(fresh, *session, seats, now)])
        }
        Command::HoldBest { session, wish } => {
            show.may_hold(*session, now)?;
            match show.best_for(wish, asked)? {
                Some(seats) => Proposal::Append(vec![show.granting(fresh, *session, seats, now)]),
                None => Proposal::AskAgain,
            }
        }
        Command::Change { session, hold, seats } => {
            let hold = show.hold_to_change(*session, *hold, now)?;
            let seats = show.seats_named(seats)?;
            if asked.any_of(&seats) {
                return Ok(Proposal::AskAgain);
            }
            let mut free = show.free.clone();
            hold.seats.iter().for_each(|seat| free.insert(*seat));
            show.can_be_had(&seats, &free)?;
            if show.leaves_orphans_beside(asked, &free, &seats) {
                return Ok(Proposal::AskAgain);
            }
            let fact = Fact::SeatsChanged { hold: hold.id, seats: seats.into() };
            Proposal::Append(vec![Entry { time: now, fact }])
        }
        Command::Release { session, hold } => {
            let hold = show.hold_to_change(*session, *hold, now)?.id;
            Proposal::Append(vec![Entry { time: now, fact: Fact::HoldReleased { hold } }])
        }
        Command::Buy { session, hold, purchase } => {
            if let Some(order) = show.orders.of_key(*session, &purchase.key) {
                return Ok(Proposal::Bought(order));
            }
            let hold = show.hold_to_change(*session, *hold, now)?;
            Proposal::Append(show.purchase(hold, purchase, now, fresh))
        }
        Command::Join { session, wish } => show.joining(*session, wish, asked, now, fresh)?,
        Command::Leave { session } => show.leaving(*session, now),
        Command::Accept { session } => show.accepting(*session, now)?,
        Command::Decline { session } => show.declining(*session, now)?,
        Command::Block { seats } => show.blocking(seats, asked, now, true)?,
        Command::Unblock { seats } => show.blocking(seats, asked, now, false)?,
        Command::Lapse { hold } => show.lapse(*hold, now),
        Command::Offer { ticket } => show.offering(*ticket, now, fresh),
        Command::Part { ticket } => show.parting(*ticket, now),
        Command::Dismiss { ticket, reason } => show.dismissing(*ticket, *reason, now),
        Command::OfRoom(command) => show.of_the_waiting_room(*command, now)?,
    };
    if let Proposal::Append(entries) = &proposal {
        asked.note(show, session, entries);
    }
    Ok(proposal)
}

impl Show {
    /// Rungs 2 and 4: is the show on, is it the session's turn, and does the session neither hold nor wait yet?
    pub(super) fn may_hold(&self, session: SessionId, now: Time) -> Result<(), Refusal> {
        if now >= self.definition.starts_at {
            return Err(Refusal::ShowOver);
        }
        if let Some(on_sale_at) = self.definition.on_sale_at
            && now < on_sale_at
        {
            return Err(Refusal::NotOnSale { on_sale_at });
        }
        if !self.is_admitted(session, now) {
            return Err(Refusal::NotAdmitted);
        }
        match self.holds.of_session(session) {
            Some(hold) => Err(Refusal::AlreadyHolding { hold: hold.id }),
            None if self.queue.of_session(session).is_some() => Err(Refusal::AlreadyWaiting),
            None => Ok(()),
        }
    }

    /// Rung 3: the session's hold, still to be had, not being paid.
    fn hold_to_change(&self, session: SessionId, id: HoldId, now: Time) -> Result<&Hold, Refusal> {
        if self.lapsed.was_of(id, session) {
            return Err(Refusal::HoldExpired);
        }
        let own = self.holds.get(id).filter(|hold| hold.session == session);
        let hold = own.ok_or(Refusal::NoSuchHold)?;
        if hold.frees_at(self.definition.policy.grace_ms) <= now {
            return Err(Refusal::HoldExpired);
        }
        match hold.state {
            HoldState::Paying => Err(Refusal::PaymentInProgress),
            HoldState::Held | HoldState::Offered => Ok(hold),
        }
    }

    /// Rung 5: a proper list of seats that are for sale, ascending.
    fn seats_named(&self, named: &[u64]) -> Result<Vec<Seat>, Refusal> {
        let seats = self.seats_listed(named)?;
        let max = self.definition.policy.seats_max;
        // The rung's order wants the size judged before whether the seats exist.
        if seats.len() as u64 > u64::from(max) {
            return Err(Refusal::TooManySeats { max });
        }
        let seats = self.seats_of_hall(&seats)?;
        let blocked: Vec<Seat> =
            seats.iter().copied().filter(|seat| self.blocked.has(*seat)).collect();
        if blocked.is_empty() { Ok(seats) } else { Err(Refusal::SeatBlocked { seats: blocked }) }
    }

    /// At least one, none twice; ascending.
    fn seats_listed(&self, named: &[u64]) -> Result<Vec<u64>, Refusal> {
        if named.is_empty() {
            return Err(Refusal::NoSeatsNamed);
        }
        let mut sorted = named.to_vec();
        sorted.sort_unstable();
        let mut twice: Vec<u64> =
            sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        if twice.is_empty() {
            return Ok(sorted);
        }
        twice.dedup();
        Err(Refusal::SeatNamedTwice { seats: twice })
    }

    fn seats_of_hall(&self, named: &[u64]) -> Result<Vec<Seat>, Refusal> {
        let count = u64::from(self.definition.seats);
        let unknown: Vec<u64> = named.iter().copied().filter(|seat| *seat >= count).collect();
        if unknown.is_empty() {
            Ok(named.iter().map(|seat| Seat(*seat as u32)).collect())
        } else {
            Err(Refusal::UnknownSeat { seats: unknown })
        }
    }

    /// Rungs 6 and 7 for seats that were named; `free` has the asker's own seats in it.
    fn can_be_had(&self, seats: &[Seat], free: &SeatSet) -> Result<(), Refusal> {
        let gone: Vec<Seat> = seats.iter().copied().filter(|seat| !free.has(*seat)).collect();
        let wanted = seats.len() as u32;
        if !gone.is_empty() {
            return Err(if free.has_at_least(wanted) {
                Refusal::SeatsTaken { seats: gone }
            } else if gone.iter().any(|seat| self.kept().has(*seat)) {
                Refusal::WaitlistFirst { seats: gone }
            } else if free.count() + self.held_by_others(free) + self.kept().count() >= wanted {
                Refusal::OthersAreHolding { seats: gone }
            } else {
                Refusal::SoldOut { seats: gone }
            });
        }
        match self.definition.policy.orphans {
            Orphans::Allow => Ok(()),
            Orphans::Forbid => {
                let alone = leaves_orphans(&self.floor, free, seats);
                if alone.is_empty() { Ok(()) } else { Err(Refusal::OrphanSeat { seats: alone }) }
            }
        }
    }

    /// Whether the choice would leave a single seat alone if all that this batch asked for before is
    /// granted: then it depends on whether it is.
    fn leaves_orphans_beside(&self, asked: &Asked, free: &SeatSet, seats: &[Seat]) -> bool {
        if self.definition.policy.orphans == Orphans::Allow || asked.sessions.is_empty() {
            return false;
        }
        let mut left = free.clone();
        left.remove_all(&asked.seats);
        !leaves_orphans(&self.floor, &left, seats).is_empty()
    }

    fn held_by_others(&self, free: &SeatSet) -> u32 {
        self.held
            .words()
            .iter()
            .zip(free.words())
            .map(|(held, free)| (held & !free).count_ones())
            .sum()
    }

    fn granting(&self, fresh: Uuid, session: SessionId, seats: Vec<Seat>, now: Time) -> Entry {
        let fact = Fact::SeatsHeld {
            hold: HoldId(fresh),
            session,
            seats: seats.into(),
            expires_at: now.plus_ms(self.definition.policy.hold_ms),
        };
        Entry { time: now, fact }
    }

    /// The payment begins, and ends as the gateway said, in one append: a gateway whose answer is
    /// known without asking anyone leaves nothing in between to lose.
    fn purchase(&self, hold: &Hold, purchase: &Purchase, now: Time, fresh: Uuid) -> Vec<Entry> {
        let accepted = (hold.state == HoldState::Offered).then(|| self.acceptance(hold.id, now));
        let attempt = hold.attempts.saturating_add(1);
        let pinned_until = now.plus_ms(self.definition.policy.pay_ms);
        let seats = Some(hold.seats.clone());
        let begun = Fact::PaymentBegun { hold: hold.id, attempt, pinned_until, seats };
        let ended = match &purchase.payment {
            Decision::Declined { code } => {
                Fact::PaymentDeclined { hold: hold.id, attempt, code: code.clone() }
            }
            Decision::Approved(payment) => Fact::SeatsSold(Box::new(Sale {
                hold: hold.id,
                attempt,
                order: OrderId(fresh),
                key: purchase.key.clone(),
                total: self.total(&hold.seats),
                payment: payment.clone(),
                customer: purchase.customer.clone(),
            })),
        };
        let facts = accepted.into_iter().chain([begun, ended]);
        facts.map(|fact| Entry { time: now, fact }).collect()
    }

    fn blocking(
        &self,
        named: &[u64],
        asked: &Asked,
        now: Time,
        block: bool,
    ) -> Result<Proposal, Refusal> {
        let mut named = named.to_vec();
        named.sort_unstable();
        named.dedup();
        let seats = self.seats_of_hall(&named)?;
        if asked.any_of(&seats) {
            return Ok(Proposal::AskAgain);
        }
        // What is kept for those who wait is as good as held.
        let held = |seat: &Seat| self.held.has(*seat) || self.kept().has(*seat);
        let taken = |seat: &Seat| held(seat) || self.sold.has(*seat);
        let gone: Vec<Seat> = seats.iter().copied().filter(taken).collect();
        if !gone.is_empty() {
            return Err(Refusal::SeatsTaken { seats: gone });
        }
        let so = if block { &self.blocked } else { &self.free };
        let seats: Box<[Seat]> = seats.into_iter().filter(|seat| !so.has(*seat)).collect();
        if seats.is_empty() {
            return Ok(Proposal::AlreadySo);
        }
        let fact =
            if block { Fact::SeatsBlocked { seats } } else { Fact::SeatsUnblocked { seats } };
        Ok(Proposal::Append(vec![Entry { time: now, fact }]))
    }

    fn lapse(&self, id: HoldId, now: Time) -> Proposal {
        let due = |hold: &&Hold| hold.frees_at(self.definition.policy.grace_ms) <= now;
        match self.holds.get(id).filter(due) {
            Some(_) => {
                Proposal::Append(vec![Entry { time: now, fact: Fact::HoldLapsed { hold: id } }])
            }
            None => Proposal::AlreadySo,
        }
    }
}
