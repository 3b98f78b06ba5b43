//! The door: how many are let in, from where, and how fast they come and ask; and whether it is open
//! at all.
//!
//! Owns the counts of open sockets and of messages over HTTP. A [`Place`] is a socket's permission to be; dropping it gives
//! the place back, so no way out can forget to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::config::{FAREWELLS_MAX, Limits};

use super::allowance::Allowance;

/// Whether the house lets people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does not yet: shows are being opened.
    Opening,
    /// It does.
    Open,
    /// No more: it is stopping.
    Draining,
}

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// The house is not open.
    NotOpen,
    /// All places are taken.
    Full,
    /// Too many came in this second.
    Rush,
    /// This address has all its places taken.
    Crowded,
}

/// The door of one server.
#[derive(Debug)]
pub struct Door {
    limits: Limits,
    standing: watch::Sender<Standing>,
    /// A plain lock, held for the counting alone. The map is seeded at random: its keys come from
    /// outside.
    counts: Mutex<Counts>,
    /// What each address may still ask over HTTP. Apart from the counts: who asks need not wait for
    /// those who come in.
    asking: Mutex<Asking>,
}

#[derive(Debug, Default)]
struct Asking {
    by_address: HashMap<IpAddr, Allowance>,
    since_swept: u32,
}

#[derive(Debug)]
struct Counts {
    places: u32,
    by_address: HashMap<IpAddr, u32>,
    /// Of the places, those of sockets that only hear why they may not stay.
    farewells: u32,
    /// How many may still come: up to one second's worth.
    upgrades: Allowance,
}

/// A taken place; dropped, it is free again.
#[derive(Debug)]
pub struct Place {
    door: Arc<Door>,
    /// None: whoever has it was let in only to hear why not to stay.
    address: Option<IpAddr>,
}

impl Door {
    /// Addresses that asked are forgotten, once they may ask as much as a new one, after so many
    /// questions: what is kept is bounded by them and by who asked within the last seconds.
    const SWEEP_EVERY: u32 = 16_384;

    /// A door not open yet.
    pub fn new(limits: Limits, now: Instant) -> Self {
        let counts = Counts {
            places: 0,
            by_address: HashMap::new(),
            farewells: 0,
            upgrades: Allowance::full(limits.upgrades_per_second, now),
        };
        Self {
            limits,
            standing: watch::Sender::new(Standing::Opening),
            counts: Mutex::new(counts),
            asking: Mutex::default(),
        }
    }

    /// From now on the house stands so.
    pub fn set(&self, standing: Standing) {
        self.standing.send_replace(standing);
    }

    /// How the house stands.
    pub fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Tells when it stands otherwise.
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// A place for a client of `address` (as counted), or why not. Whoever is crowded out has come
    /// in, too, as far as the rush is concerned: a handshake costs the same whatever follows.
    pub fn enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Place, TurnedAway> {
        if self.standing() != Standing::Open {
            return Err(TurnedAway::NotOpen);
        }
        let mut counts = self.counts();
        if counts.places >= self.limits.sockets_max {
            return Err(TurnedAway::Full);
        }
        let rate = self.limits.upgrades_per_second;
        counts.upgrades.take(rate, rate, now).map_err(|_| TurnedAway::Rush)?;
        let taken = counts.by_address.get(&address).copied().unwrap_or(0);
        if taken >= self.limits.sockets_per_address_max {
            return Err(TurnedAway::Crowded);
        }
        counts.places += 1;
        counts.by_address.insert(address, taken + 1);
        Ok(Place { door: self.clone(), address: Some(address) })
    }

    /// A place for who was just crowded out, to hear that on a socket and go; none where too many
    /// are hearing it already.
    pub fn farewell(self: &Arc<Self>) -> Result<Place, TurnedAway> {
        let mut counts = self.counts();
        if counts.places >= self.limits.sockets_max {
            return Err(TurnedAway::Full);
        }
        if counts.farewells >= FAREWELLS_MAX {
            return Err(TurnedAway::Crowded);
        }
        counts.places += 1;
        counts.farewells += 1;
        Ok(Place { door: self.clone(), address: None })
    }

    /// Counts one message that came from `address` (as counted) over HTTP.
    ///
    /// # Errors
    /// After how long the next may come, where this was too many.
    pub fn ask(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let Limits { http_messages_per_second: rate, http_messages_burst: burst, .. } = self.limits;
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.since_swept += 1;
        if asking.since_swept >= Self::SWEEP_EVERY {
            asking.since_swept = 0;
            asking.by_address.retain(|_, allowance| !allowance.is_full(rate, burst, now));
        }
        let allowance =
            asking.by_address.entry(address).or_insert_with(|| Allowance::full(burst, now));
        allowance.take(rate, burst, now)
    }

    /// How many places are taken.
    pub fn places_taken(&self) -> u32 {
        self.counts().places
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.door.counts();
        counts.places = counts.places.saturating_sub(1);
        let Some(address) = self.address else {
            counts.farewells = counts.farewells.saturating_sub(1);
            return;
        };
        if let Some(taken) = counts.by_address.get_mut(&address) {
            *taken -= 1;
            // The map holds those who are here, not all who ever were.
            if *taken == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
    }

    fn door(limits: Limits) -> (Arc<Door>, Instant) {
        let now = Instant::now();
        let door = Arc::new(Door::new(limits, now));
        door.set(Standing::Open);
        (door, now)
    }

    #[test]
    fn who_leaves_gives_the_place_back() {
        let (door, now) = door(Limits { sockets_per_address_max: 1, ..Limits::default() });
        let place = door.enter(address(1), now).expect("the first is let in");
        assert_eq!(door.enter(address(1), now).err(), Some(TurnedAway::Crowded));
        let other = door.enter(address(2), now).expect("another address has places of its own");
        assert_eq!(door.places_taken(), 2);
        drop((place, other));
        assert_eq!(door.places_taken(), 0);
        assert!(door.counts().by_address.is_empty());
        door.enter(address(1), now).expect("the place is free again");
    }

    #[test]
    fn a_full_house_turns_everybody_away() {
        let (door, now) = door(Limits { sockets_max: 1, ..Limits::default() });
        let _place = door.enter(address(1), now).expect("the first is let in");
        assert_eq!(door.enter(address(2), now).err(), Some(TurnedAway::Full));
    }

    #[test]
    fn in_a_rush_a_seconds_worth_is_let_in_each_second() {
        let (door, now) = door(Limits { upgrades_per_second: 10, ..Limits::default() });
        let in_one_go = |at| (0..50).filter(|nth| door.enter(address(*nth), at).is_ok()).count();
        assert_eq!(in_one_go(now), 10);
        assert_eq!(in_one_go(now + Duration::from_millis(500)), 5);
        assert_eq!(in_one_go(now + Duration::from_secs(60)), 10);
    }

    #[test]
    fn who_is_crowded_out_is_counted_among_those_who_came() {
        let (door, now) = door(Limits {
            sockets_per_address_max: 1,
            upgrades_per_second: 3,
            ..Limits::default()
        });
        let _place = door.enter(address(1), now).expect("the first is let in");
        for why in [TurnedAway::Crowded, TurnedAway::Crowded, TurnedAway::Rush] {
            assert_eq!(door.enter(address(1), now).err(), Some(why));
        }
    }

    #[test]
    fn only_so_many_at_once_hear_why_they_may_not_stay() {
        let (door, _) = door(Limits::default());
        let hearing: Vec<_> = (0..FAREWELLS_MAX).map(|_| door.farewell()).collect();
        assert!(hearing.iter().all(Result::is_ok));
        assert_eq!(door.places_taken(), FAREWELLS_MAX);
        assert_eq!(door.farewell().err(), Some(TurnedAway::Crowded));
        drop(hearing);
        assert_eq!(door.places_taken(), 0);
        door.farewell().expect("the others have gone");
        let (full, now) = super::tests::door(Limits { sockets_max: 1, ..Limits::default() });
        let _place = full.enter(address(1), now).expect("the only place");
        assert_eq!(full.farewell().err(), Some(TurnedAway::Full));
    }

    #[test]
    fn each_address_asks_at_its_own_rate_and_is_forgotten() {
        let (door, now) = door(Limits {
            http_messages_per_second: 2,
            http_messages_burst: 2,
            ..Limits::default()
        });
        assert_eq!([(); 2].map(|()| door.ask(address(1), now)), [Ok(()); 2]);
        assert_eq!(door.ask(address(1), now), Err(Duration::from_millis(500)));
        assert_eq!(door.ask(address(2), now), Ok(()));
        for nth in 0..Door::SWEEP_EVERY {
            let later = now + Duration::from_secs(1 + u64::from(nth));
            door.ask(address(3), later).expect("one a second");
        }
        assert_eq!(door.asking.lock().expect("no panic").by_address.len(), 1);
    }

    #[test]
    fn nobody_is_let_in_before_it_opens_or_while_it_drains() {
        let (door, now) = door(Limits::default());
        for standing in [Standing::Opening, Standing::Draining] {
            door.set(standing);
            assert_eq!(door.enter(address(1), now).err(), Some(TurnedAway::NotOpen));
        }
    }
}
