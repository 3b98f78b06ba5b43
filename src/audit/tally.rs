//! How often each promise was kept: the figures an audit ends with.

use std::fmt;

/// Counted over all shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Shows.
    pub shows: u64,
    /// Entries in their logs.
    pub entries: u64,
    /// Of them those whose guard was false: somebody else was quicker.
    pub void: u64,
    /// Of them those whose time was before their predecessor's, and was taken as that one's.
    pub late: u64,
    /// Holds that were granted.
    pub holds: u64,
    /// Holds whose seats were swapped.
    pub swaps: u64,
    /// Holds that were given back.
    pub releases: u64,
    /// Holds that lapsed.
    pub lapses: u64,
    /// Payments that were declined.
    pub declined: u64,
    /// Orders.
    pub orders: u64,
    /// Seats in those orders.
    pub seats_sold: u64,
    /// Orders whose total was compared with the show's prices: those of halls in the catalogue.
    pub totals: u64,
    /// Tickets taken for the waitlist.
    pub joins: u64,
    /// Offers made to them.
    pub offers: u64,
    /// Offers accepted.
    pub accepted: u64,
    /// Tickets that the house closed.
    pub dismissed: u64,
    /// How often all who waited were looked at, and nobody was passed over.
    pub looked_down_the_line: u64,
    /// Numbers, and arrivals before the doors, that were taken in waiting rooms.
    pub numbers: u64,
    /// Of them those that were drawn.
    pub drawn: u64,
    /// Passes.
    pub admitted: u64,
    /// Calls that nobody came to.
    pub passed_over: u64,
    /// Holds and tickets of shows with a waiting room, each by somebody with a pass.
    pub picked: u64,
    /// Snapshots that are what a replay comes to.
    pub snapshots: u64,
}

impl fmt::Display for Tally {
    /// A line for each promise, by its number in `docs/architecture.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shows, entries, void, late, holds, swaps, releases, lapses, .. } = self;
        let Self { declined, orders, seats_sold, totals, snapshots, .. } = self;
        writeln!(
            f,
            "1  A seat is sold once: {seats_sold} seats in {orders} orders, none twice, each from a \
             hold that stood; {totals} totals are their seats' prices; {declined} payments declined \
             and nothing sold."
        )?;
        writeln!(
            f,
            "2  All the seats or none: {holds} holds and {swaps} swaps whole and within the show's \
             most; {void} entries that came too late changed nothing."
        )?;
        writeln!(
            f,
            "3  A hold lasts what the screen says: {lapses} lapsed, none before its deadline and \
             buffer; {releases} were given back."
        )?;
        let Self { joins, offers, accepted, dismissed, looked_down_the_line, .. } = self;
        if *joins == 0 {
            writeln!(f, "4  Those who wait are served in order: nobody has waited in this log.")?;
        } else {
            writeln!(
                f,
                "4  Those who wait are served in order: {joins} tickets, {offers} offers of whole \
                 parties, {accepted} accepted; {dismissed} dismissed, each for a reason that was \
                 true; after {looked_down_the_line} entries nobody was passed over, and nobody waited \
                 in vain."
            )?;
        }
        let Self { numbers, drawn, admitted, passed_over, picked, .. } = self;
        if *numbers > 0 {
            writeln!(
                f,
                "4  Nobody picks out of turn: {numbers} numbers called in order, {drawn} of them drawn \
                 as was committed to; {admitted} passes, each for who took its number; {passed_over} \
                 calls passed over, none before its end; {picked} holds and tickets, each with a \
                 pass; no place left free while somebody waited."
            )?;
        }
        write!(
            f,
            "6  Acknowledged means durable: {entries} entries of {shows} shows without a hole, each \
             as it was written; time never goes back ({late} taken later); {snapshots} snapshots \
             are what a replay comes to."
        )
    }
}
