//! A buyer's ordinary "no": typed, with a stable reason. Not a failure of the house.

use crate::hall::Seat;

use super::{HoldId, Time};

/// Why not. In the order of `docs/protocol.md`: where several are true, the first is said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Refusal {
    /// Too many messages or attempts; ask again after so long.
    TooFast { retry_after_ms: u64 },
    /// This needs `identify` first.
    NotIdentified,
    /// The session token is forged or has ended.
    BadSession,
    /// The log did not answer: nothing is known to have changed. Ask again, with the same key.
    Unavailable,
    /// The show has begun.
    ShowOver,
    /// Sales have not begun.
    NotOnSale { on_sale_at: Time },
    /// The show has a waiting room, and it is not this session's turn.
    NotAdmitted,
    /// No hold of this session has this id.
    NoSuchHold,
    /// The hold lapsed.
    HoldExpired,
    /// The hold is being paid for.
    PaymentInProgress,
    /// The session holds seats already.
    AlreadyHolding { hold: HoldId },
    /// Nothing is offered to the session.
    NoOffer,
    /// The session waits already.
    AlreadyWaiting,
    /// No seats were asked for.
    NoSeatsNamed,
    /// These were named more than once.
    SeatNamedTwice { seats: Vec<u64> },
    /// More than one may hold.
    TooManySeats { max: u32 },
    /// The hall has no such seats.
    UnknownSeat { seats: Vec<u64> },
    /// These are not for sale.
    SeatBlocked { seats: Vec<Seat> },
    /// These are not available, but as many others are.
    SeatsTaken { seats: Vec<Seat> },
    /// One of these, or what would do, is kept for those who wait.
    WaitlistFirst { seats: Vec<Seat> },
    /// Too few are available, but with those held there could be enough.
    OthersAreHolding { seats: Vec<Seat> },
    /// Not even if every hold lapsed.
    SoldOut { seats: Vec<Seat> },
    /// Enough, but not side by side.
    NotTogether { seats: Vec<Seat> },
    /// The choice would leave these alone.
    OrphanSeat { seats: Vec<Seat> },
    /// There is no need to wait.
    SeatsAvailable,
    /// The bank said no.
    PaymentDeclined { code: String },
    /// The bank did not answer.
    PaymentUnavailable,
}

impl Refusal {
    /// The stable word that clients act on, and metrics count by.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooFast { .. } => "too_fast",
            Self::NotIdentified => "not_identified",
            Self::BadSession => "bad_session",
            Self::Unavailable => "unavailable",
            Self::ShowOver => "show_over",
            Self::NotOnSale { .. } => "not_on_sale",
            Self::NotAdmitted => "not_admitted",
            Self::NoSuchHold => "no_such_hold",
            Self::HoldExpired => "hold_expired",
            Self::PaymentInProgress => "payment_in_progress",
            Self::AlreadyHolding { .. } => "already_holding",
            Self::NoOffer => "no_offer",
            Self::AlreadyWaiting => "already_waiting",
            Self::NoSeatsNamed => "no_seats_named",
            Self::SeatNamedTwice { .. } => "seat_named_twice",
            Self::TooManySeats { .. } => "too_many_seats",
            Self::UnknownSeat { .. } => "unknown_seat",
            Self::SeatBlocked { .. } => "seat_blocked",
            Self::SeatsTaken { .. } => "seats_taken",
            Self::WaitlistFirst { .. } => "waitlist_first",
            Self::OthersAreHolding { .. } => "others_are_holding",
            Self::SoldOut { .. } => "sold_out",
            Self::NotTogether { .. } => "not_together",
            Self::OrphanSeat { .. } => "orphan_seat",
            Self::SeatsAvailable => "seats_available",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::PaymentUnavailable => "payment_unavailable",
        }
    }
}
