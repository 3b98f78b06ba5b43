//! Those who go through a waiting room: they take numbers, have sockets or none, come back in time or
//! too late, and leave. They do what the program does for a socket and its ticket, command by command.

use std::cell::Cell;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use usher::box_office::{Lobby, Pending, Presence, Shown};
use usher::show::{
    Admission, Alias, Command, Head, Outcome, Place, RoomCommand, RoomOutcome, SessionId, Show,
    ShowId, Time, WaitingRoom,
};

/// What somebody was given, and where in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) shown: Shown,
    pub(crate) head: Head,
}

/// Somebody who goes through a waiting room.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) session: SessionId,
    pub(crate) alias: Alias,
    pub(crate) ticket: Option<Ticket>,
    /// While they have a socket that showed the ticket.
    pub(crate) presence: Option<Presence>,
    /// Their number once it was drawn, and by which draw.
    drawn: Cell<Option<(Head, u64)>>,
}

impl Guest {
    /// Somebody who has not come yet.
    pub(crate) fn new(show: &ShowId, session: SessionId) -> Self {
        Self {
            session,
            alias: Alias::of(show, session),
            ticket: None,
            presence: None,
            drawn: Cell::default(),
        }
    }

    /// Their number, as far as it is known by now.
    pub(crate) fn number(&self, room: &WaitingRoom) -> Option<u64> {
        match self.ticket?.shown {
            Shown::Arrival(arrival) => {
                let draw = room.draw()?;
                let known = self.drawn.get().filter(|(by, _)| *by == draw.head);
                let number = known.map_or_else(|| draw.number_of(arrival), |(_, it)| Some(it))?;
                self.drawn.set(Some((draw.head, number)));
                Some(number)
            }
            Shown::Number(number) => Some(number),
        }
    }

    /// Whether their ticket still stands for anything.
    pub(crate) fn is_in_line(&self, room: &WaitingRoom) -> bool {
        let number = self.number(room);
        let stands = |number| room.is_ahead(number) || room.place(number).is_some();
        self.ticket.is_some() && (room.draw().is_none() && number.is_none())
            || number.is_some_and(stands)
    }

    /// What they do next, by chance: most of the time nothing.
    pub(crate) fn acts(
        &mut self,
        room: &WaitingRoom,
        lobby: &Arc<Lobby>,
        random: &mut StdRng,
    ) -> Option<Command> {
        let session = self.session;
        let of_room = |command| Some(Command::OfRoom(command));
        if self.ticket.is_none() && room.pass_of(&self.alias).is_some() {
            // They asked to leave, and nobody knows whether they did.
            return of_room(RoomCommand::GiveBack { session, number: None });
        }
        if !self.is_in_line(room) {
            self.forgets();
            return of_room(RoomCommand::TakeNumber { session });
        }
        match random.random_range(0..16) {
            0 => {
                let number = self.number(room);
                self.forgets();
                of_room(RoomCommand::GiveBack { session, number })
            }
            1..4 => {
                self.presence = None;
                None
            }
            4..10 => self.comes(room, lobby),
            _ => None,
        }
    }

    /// They throw their ticket away.
    pub(crate) fn forgets(&mut self) {
        (self.ticket, self.presence) = (None, None);
        self.drawn.set(None);
    }

    /// They open a socket, or another, and show their ticket.
    pub(crate) fn comes(&mut self, room: &WaitingRoom, lobby: &Arc<Lobby>) -> Option<Command> {
        let (ticket, session) = (self.ticket?, self.session);
        let number = self.number(room);
        let shown = number.map_or(ticket.shown, Shown::Number);
        // A number that was drawn is worth something for as long as the draw is.
        let by_draw = self.drawn.get().filter(|_| matches!(ticket.shown, Shown::Arrival(_)));
        let given = by_draw.map_or(ticket.head, |(draw, _)| draw);
        self.presence = Some(lobby.enter(shown, given, session));
        let number = number?;
        Some(Command::OfRoom(RoomCommand::Appear { session, number }))
    }

    /// Whether they are here, were called, and are not let in, or were passed over all the same.
    pub(crate) fn is_kept_waiting(&self, room: &WaitingRoom) -> bool {
        let called = |number| {
            matches!(room.place(number), Some(Place::Called { .. } | Place::PassedOver { .. }))
        };
        self.presence.is_some()
            && room.pass_of(&self.alias).is_none()
            && self.number(room).is_some_and(called)
    }
}

/// As the task does: whoever is here and was called by one of these comes at once.
pub(crate) fn let_in(show: &Show, lobby: &Lobby, outcomes: &[Outcome]) -> Vec<Pending> {
    let Some(room) = show.waiting_room() else { return Vec::new() };
    let mut come = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::OfRoom(RoomOutcome::NumbersCalled { before, upto }) => {
                come.extend(lobby.between(*before, *upto));
                come.extend(again(room, lobby, *before));
            }
            Outcome::OfRoom(RoomOutcome::DoorsOpened) => {
                lobby.draw(room.draw().expect("the doors are open"));
                come.extend(lobby.between(0, room.serving()));
            }
            Outcome::OfRoom(RoomOutcome::PlacesLapsed | RoomOutcome::PlaceGivenBack { .. })
            | Outcome::Sold { .. }
            | Outcome::Joined { .. } => {
                let here = |number| Some((number, lobby.who_has(number)?.0));
                let has_no_pass = |(_, session): &(u64, SessionId)| {
                    show.alias_of(*session).is_some_and(|alias| room.pass_of(&alias).is_none())
                };
                come.extend(room.not_come().filter_map(here).filter(has_no_pass));
            }
            _ => {}
        }
    }
    come.into_iter().map(appears).collect()
}

/// As the task does after anything that may have been missed.
pub(crate) fn let_in_all(show: &Show, lobby: &Lobby) -> Vec<Pending> {
    let Some(room) = show.waiting_room() else { return Vec::new() };
    lobby.between(0, room.serving()).into_iter().map(appears).collect()
}

fn again(room: &WaitingRoom, lobby: &Lobby, upto: u64) -> Vec<(u64, SessionId)> {
    let called = room.called_up_to(upto);
    called.filter_map(|number| Some((number, lobby.who_has(number)?.0))).collect()
}

fn appears((number, session): (u64, SessionId)) -> Pending {
    let command = Command::OfRoom(RoomCommand::Appear { session, number });
    Pending { command, socket: None, answer: None }
}

/// The rules of a waiting room, by the story's seed. Every other story has one, every fourth with doors.
pub(crate) fn any_admission(seed: u64, begins: Time) -> Option<Admission> {
    let mut random = StdRng::seed_from_u64(!seed);
    let call_ms = if random.random() { 1..100 } else { 500..3_000 };
    let doors_at = begins.plus_ms(random.random_range(0..15_000));
    seed.is_multiple_of(2).then(|| Admission {
        picking_max: random.random_range(1..=5),
        pass_ms: random.random_range(300..6_000),
        call_ms: random.random_range(call_ms),
        doors_at: Some(doors_at).filter(|_| seed.is_multiple_of(4)),
    })
}
