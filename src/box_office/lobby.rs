//! The lobby: those who wait for their number and have a socket here.
//!
//! When a number is called, whoever is here with it is let in at once; whose socket is elsewhere is
//! in another node's lobby, and who has none has a minute to come. It remembers nobody: an entry lives
//! as long as the socket that showed the ticket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::show::{Draw, SessionId};

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
    /// Whose it is, and how many sockets showed it.
    here: BTreeMap<Shown, (SessionId, usize)>,
    /// The arrivals that were here when the doors opened, by the numbers drawn for them.
    drawn: BTreeMap<u64, u64>,
}

/// A socket's being in the lobby: it ends with this.
#[derive(Debug)]
pub struct Presence {
    lobby: Arc<Lobby>,
    shown: Shown,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.lobby.present();
        if let Some((_, sockets)) = present.here.get_mut(&self.shown) {
            *sockets -= 1;
            if *sockets == 0 {
                present.here.remove(&self.shown);
            }
        }
    }
}

impl Lobby {
    /// A socket of `session` waits here with what it showed.
    pub fn enter(self: &Arc<Self>, shown: Shown, session: SessionId) -> Presence {
        self.present().here.entry(shown).or_insert((session, 0)).1 += 1;
        Presence { lobby: self.clone(), shown }
    }

    /// Whose number this is, if they are here.
    pub fn who_has(&self, number: u64) -> Option<SessionId> {
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
        let numbers = numbers.filter_map(|(shown, (session, _))| match shown {
            Shown::Number(number) => Some((*number, *session)),
            Shown::Arrival(_) => None,
        });
        let drawn = present.drawn.range(first..=upto).filter_map(|(number, arrival)| {
            let (session, _) = present.here.get(&Shown::Arrival(*arrival))?;
            Some((*number, *session))
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
        self.present().drawn.extend(drawn);
    }

    /// Held for the length of one look.
    fn present(&self) -> MutexGuard<'_, Present> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    fn who_has(&self, number: u64) -> Option<SessionId> {
        let by_draw = || self.here.get(&Shown::Arrival(*self.drawn.get(&number)?));
        let here = self.here.get(&Shown::Number(number)).or_else(by_draw);
        here.map(|(session, _)| *session)
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

    #[test]
    fn whoever_has_a_socket_here_is_found_by_the_number_until_the_last_socket_is_gone() {
        let lobby = Arc::new(Lobby::default());
        let first = lobby.enter(Shown::Number(7), session(1));
        let second = lobby.enter(Shown::Number(7), session(1));
        let _other = lobby.enter(Shown::Number(9), session(2));
        assert_eq!(lobby.between(6, 9), [(7, session(1)), (9, session(2))]);
        assert_eq!(lobby.between(7, 8), []);
        drop(first);
        assert_eq!(lobby.who_has(7), Some(session(1)));
        drop(second);
        assert_eq!(lobby.who_has(7), None);
    }

    #[test]
    fn who_came_early_is_found_by_the_number_that_was_drawn() {
        let lobby = Arc::new(Lobby::default());
        let here: Vec<_> =
            (1..=5).map(|nth| lobby.enter(Shown::Arrival(nth), session(nth.into()))).collect();
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
}
