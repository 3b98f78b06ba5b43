//! The lobby: those who wait for their number and have a socket here.
//!
//! When a number is called, whoever is here with it is let in at once; whose socket is elsewhere is
//! in another node's lobby, and who has none has a minute to come. It remembers nobody: an entry lives
//! as long as the socket that showed the ticket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::show::{Draw, Head, SessionId};

/// What a waiting socket showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// An arrival, from before the doors opened.
    Arrival(u64),
    /// A number.
    Number(u64),
}

/// One show's lobby.
#[derive(Debug, Default)]
pub struct Lobby(Mutex<Present>);

#[derive(Debug, Default)]
struct Present {
    here: BTreeMap<Shown, Here>,
    /// How many entries there were.
    entries: u64,
    /// The arrivals that were here when the doors opened, by the numbers drawn for them.
    drawn: BTreeMap<u64, u64>,
}

/// Whoever showed one thing.
#[derive(Debug)]
struct Here {
    session: SessionId,
    /// The log's head when it was given.
    given: Head,
    /// How many sockets showed it.
    sockets: usize,
    /// Which entry of the lobby this is.
    entry: u64,
}

/// A socket's being in the lobby: it ends with this.
#[derive(Debug)]
pub struct Presence {
    lobby: Arc<Lobby>,
    shown: Shown,
    entry: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.lobby.present();
        // It may be another's by now, or be there anew, after history was lost.
        if let Some(here) = present.here.get_mut(&self.shown)
            && here.entry == self.entry
        {
            here.sockets -= 1;
            if here.sockets == 0 {
                present.here.remove(&self.shown);
            }
        }
    }
}

impl Lobby {
    /// A socket of `session` waits here with what it showed, which was given at this head of the log.
    pub fn enter(self: &Arc<Self>, shown: Shown, given: Head, session: SessionId) -> Presence {
        let mut present = self.present();
        // Of two that differ one was given in a history that is lost, and who comes was looked at just now.
        if present.here.get(&shown).is_none_or(|here| here.given != given) {
            present.entries += 1;
            let here = Here { session, given, sockets: 0, entry: present.entries };
            present.here.insert(shown, here);
        }
        let mut entry = present.entries;
        if let Some(here) = present.here.get_mut(&shown) {
            here.sockets += 1;
            entry = here.entry;
        }
        drop(present);
        Presence { lobby: self.clone(), shown, entry }
    }

    /// History was lost: whoever showed what was given in it waits for nothing, and is not let in with
    /// what another may have by now. Numbers are drawn anew, if at all.
    pub fn forget_what_was_lost(&self, is_kept: impl Fn(Head) -> bool) {
        let mut present = self.present();
        present.here.retain(|_, here| is_kept(here.given));
        present.drawn.clear();
    }

    /// Whose number this is, if they are here, and the log's head when it was given.
    pub fn who_has(&self, number: u64) -> Option<(SessionId, Head)> {
        self.present().who_has(number)
    }

    /// Those here with numbers after `before` up to `upto`, by their numbers.
    pub fn between(&self, before: u64, upto: u64) -> Vec<(u64, SessionId)> {
        let present = self.present();
        if upto <= before {
            return Vec::new();
        }
        let first = before + 1;
        let numbers = present.here.range(Shown::Number(first)..=Shown::Number(upto));
        let numbers = numbers.filter_map(|(shown, here)| match shown {
            Shown::Number(number) => Some((*number, here.session)),
            Shown::Arrival(_) => None,
        });
        let drawn = present.drawn.range(first..=upto).filter_map(|(number, arrival)| {
            Some((*number, present.here.get(&Shown::Arrival(*arrival))?.session))
        });
        numbers.chain(drawn).collect()
    }

    /// Works out the numbers of those who came early. It takes some 50 µs for each, or a third of a µs
    /// for everybody who ever came: either is not for a task that others wait for.
    pub fn draw(&self, draw: &Draw) {
        let early: Vec<u64> = {
            let present = self.present();
            let arrivals = present.here.range(Shown::Arrival(0)..=Shown::Arrival(u64::MAX));
            arrivals.filter_map(|(shown, _)| shown.arrival()).collect()
        };
        let number_of: Box<dyn Fn(u64) -> Option<u64>> = if early.len() as u64 > draw.count / 100 {
            let numbers = draw.numbers();
            Box::new(move |arrival| {
                numbers.get(usize::try_from(arrival).ok()?.checked_sub(1)?).copied()
            })
        } else {
            Box::new(|arrival| draw.number_of(arrival))
        };
        let drawn: Vec<(u64, u64)> =
            early.into_iter().filter_map(|early| Some((number_of(early)?, early))).collect();
        self.present().drawn = drawn.into_iter().collect();
    }

    /// Held for the length of one look.
    fn present(&self) -> MutexGuard<'_, Present> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    fn who_has(&self, number: u64) -> Option<(SessionId, Head)> {
        let by_draw = || self.here.get(&Shown::Arrival(*self.drawn.get(&number)?));
        let here = self.here.get(&Shown::Number(number)).or_else(by_draw);
        here.map(|here| (here.session, here.given))
    }
}

impl Shown {
    fn arrival(self) -> Option<u64> {
        match self {
            Self::Arrival(arrival) => Some(arrival),
            Self::Number(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::show::{DrawSecret, Head};

    use super::*;

    fn session(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    fn given(seq: u64) -> Head {
        Head { epoch: 1, seq, chain: [0; 32] }
    }

    #[test]
    fn whoever_has_a_socket_here_is_found_by_the_number_until_the_last_socket_is_gone() {
        let lobby = Arc::new(Lobby::default());
        let first = lobby.enter(Shown::Number(7), given(7), session(1));
        let second = lobby.enter(Shown::Number(7), given(7), session(1));
        let _other = lobby.enter(Shown::Number(9), given(9), session(2));
        assert_eq!(lobby.between(6, 9), [(7, session(1)), (9, session(2))]);
        assert_eq!(lobby.between(7, 8), []);
        drop(first);
        assert_eq!(lobby.who_has(7), Some((session(1), given(7))));
        drop(second);
        assert_eq!(lobby.who_has(7), None);
    }

    #[test]
    fn who_came_early_is_found_by_the_number_that_was_drawn() {
        let lobby = Arc::new(Lobby::default());
        let here: Vec<_> = (1..=5)
            .map(|nth| lobby.enter(Shown::Arrival(nth), given(nth), session(nth.into())))
            .collect();
        let head = Head { epoch: 1, seq: 6, chain: [9; 32] };
        let draw = Draw { secret: DrawSecret([3; 32]), head, count: 5 };
        assert_eq!(lobby.between(0, 5), []);
        lobby.draw(&draw);
        let mut found = lobby.between(0, 5);
        found.sort_unstable();
        let mut drawn: Vec<_> = (1..=5)
            .map(|nth| (draw.number_of(nth).expect("it arrived"), session(nth.into())))
            .collect();
        drawn.sort_unstable();
        assert_eq!(found, drawn);
        drop(here);
        assert_eq!(lobby.between(0, 5), []);
    }

    #[test]
    fn who_showed_a_number_of_a_lost_history_is_not_taken_for_who_has_it_now() {
        let lobby = Arc::new(Lobby::default());
        let kept = lobby.enter(Shown::Number(6), given(6), session(1));
        let lost = lobby.enter(Shown::Number(7), given(7), session(1));
        lobby.forget_what_was_lost(|given| given.seq < 7);
        assert_eq!(lobby.between(0, 9), [(6, session(1))]);
        let _now = lobby.enter(Shown::Number(7), Head { epoch: 2, ..given(7) }, session(2));
        drop(lost);
        let here = lobby.who_has(7).map(|(session, _)| session);
        assert_eq!(here, Some(session(2)), "and stays when the other socket closes");
        drop(kept);
        assert_eq!(lobby.who_has(6), None);
    }
}
