//! The door: how many are let in, from where, and how fast; and whether it is open at all.
//!
//! Owns the counts of open sockets. A [`Place`] is a socket's permission to be; dropping it gives
//! the place back, so no way out can forget to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::config::Limits;

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
}

#[derive(Debug)]
struct Counts {
    places: u32,
    by_address: HashMap<IpAddr, u32>,
    /// How many may still come, refilled as time goes by: up to one second's worth.
    upgrades_left: f64,
    refilled_at: Instant,
}

/// A taken place; dropped, it is free again.
#[derive(Debug)]
pub struct Place {
    door: Arc<Door>,
    address: IpAddr,
}

impl Door {
    /// A door not open yet.
    pub fn new(limits: Limits, now: Instant) -> Self {
        let counts = Counts {
            places: 0,
            by_address: HashMap::new(),
            upgrades_left: f64::from(limits.upgrades_per_second),
            refilled_at: now,
        };
        Self { limits, standing: watch::Sender::new(Standing::Opening), counts: Mutex::new(counts) }
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

    /// A place for a client of `address` (as counted), or why not.
    pub fn enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Place, TurnedAway> {
        if self.standing() != Standing::Open {
            return Err(TurnedAway::NotOpen);
        }
        let mut counts = self.counts();
        if counts.places >= self.limits.sockets_max {
            return Err(TurnedAway::Full);
        }
        let taken = counts.by_address.get(&address).copied().unwrap_or(0);
        if taken >= self.limits.sockets_per_address_max {
            return Err(TurnedAway::Crowded);
        }
        if !counts.may_upgrade(f64::from(self.limits.upgrades_per_second), now) {
            return Err(TurnedAway::Rush);
        }
        counts.places += 1;
        counts.by_address.insert(address, taken + 1);
        Ok(Place { door: self.clone(), address })
    }

    /// How many places are taken.
    pub fn places_taken(&self) -> u32 {
        self.counts().places
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn may_upgrade(&mut self, per_second: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.refilled_at).as_secs_f64();
        self.upgrades_left = (self.upgrades_left + passed * per_second).min(per_second);
        self.refilled_at = now.max(self.refilled_at);
        let may = self.upgrades_left >= 1.0;
        if may {
            self.upgrades_left -= 1.0;
        }
        may
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.door.counts();
        counts.places = counts.places.saturating_sub(1);
        if let Some(taken) = counts.by_address.get_mut(&self.address) {
            *taken -= 1;
            // The map holds those who are here, not all who ever were.
            if *taken == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

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
    fn nobody_is_let_in_before_it_opens_or_while_it_drains() {
        let (door, now) = door(Limits::default());
        for standing in [Standing::Opening, Standing::Draining] {
            door.set(standing);
            assert_eq!(door.enter(address(1), now).err(), Some(TurnedAway::NotOpen));
        }
    }
}
