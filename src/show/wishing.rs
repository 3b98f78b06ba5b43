//! What is answered to a wish: the best seats, or the first reason why not.

use crate::hall::Seat;

use super::asked::Asked;
use super::best::{best_seats, can_ever_sit_together, count_of_wish, leaves_orphans};
use super::{Orphans, Refusal, Show, Wish};

impl Show {
    /// Rung 5 for a wish.
    pub(super) fn fits_a_party(&self, wish: &Wish) -> Result<(), Refusal> {
        let max = self.definition.policy.seats_max;
        match wish.quantity {
            0 => Err(Refusal::NoSeatsNamed),
            many if many > max => Err(Refusal::TooManySeats { max }),
            _ => Ok(()),
        }
    }

    /// Rungs 5 and 6 for a wish: the best seats; none where it hangs on what this batch asked for.
    pub(super) fn best_for(
        &self,
        wish: &Wish,
        asked: &Asked,
    ) -> Result<Option<Vec<Seat>>, Refusal> {
        self.fits_a_party(wish)?;
        let orphans = self.definition.policy.orphans;
        if asked.sessions.is_empty() {
            if let Some(seats) = best_seats(&self.floor, &self.free, wish, orphans) {
                return Ok(Some(seats));
            }
        } else {
            let mut free = self.free.clone();
            free.remove_all(&asked.seats);
            if let Some(seats) = best_seats(&self.floor, &free, wish, orphans) {
                return Ok(Some(seats));
            }
            if best_seats(&self.floor, &self.free, wish, orphans).is_some() {
                return Ok(None);
            }
        }
        Err(self.why_no_best(wish))
    }

    /// Rungs 6 and 7 for a wish that cannot be had.
    fn why_no_best(&self, wish: &Wish) -> Refusal {
        // There may be seats, but every choice of them leaves a single one alone.
        if let Some(seats) = best_seats(&self.floor, &self.free, wish, Orphans::Allow) {
            let seats = leaves_orphans(&self.floor, &self.free, &seats);
            return Refusal::OrphanSeat { seats };
        }
        let seats = Vec::new();
        let available = count_of_wish(&self.floor, &self.free, wish);
        let held = count_of_wish(&self.floor, &self.held, wish);
        let kept = count_of_wish(&self.floor, self.kept(), wish);
        if available + held + kept < wish.quantity {
            return Refusal::SoldOut { seats };
        }
        let mut hoped = self.free.clone();
        hoped.insert_all(&self.held);
        hoped.insert_all(self.kept());
        if wish.together && !can_ever_sit_together(&self.floor, &hoped, wish) {
            return Refusal::NotTogether { seats };
        }
        if kept > 0 {
            let mut with_kept = self.free.clone();
            with_kept.insert_all(self.kept());
            if best_seats(&self.floor, &with_kept, wish, Orphans::Allow).is_some() {
                return Refusal::WaitlistFirst { seats };
            }
        }
        if available < wish.quantity {
            return Refusal::OthersAreHolding { seats };
        }
        Refusal::NotTogether { seats }
    }
}
