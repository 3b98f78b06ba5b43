//! A waiting room's ticket, as anybody can read it who has one: what it claims. Whether the house
//! signed it, only the house can tell; whether the log bears it out, anyone can.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::show::{Head, SessionId, ShowId};

/// What a ticket claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicTicket {
    /// Of which show it is.
    pub show: ShowId,
    /// Whose it is.
    pub session: SessionId,
    /// The arrival or number on it.
    pub number: u64,
    /// Whether that is an arrival, from before the doors opened.
    pub early: bool,
    /// The head of the log that it was given with.
    pub head: Head,
}

/// The version, the kind, a session, four numbers and a chain; and the signature, at the end.
const BEFORE_THE_SHOW: usize = 2 + 16 + 4 * 8 + 32;
const SIGNATURE: usize = 32;

impl PublicTicket {
    /// Reads what `identify` gave as `admission.ticket`; none where it is no such thing.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let claims = bytes.get(..bytes.len().checked_sub(SIGNATURE)?)?;
        let (&[2, kind @ 0..=2], rest) = claims.split_first_chunk()? else { return None };
        let show = claims.get(BEFORE_THE_SHOW..)?;
        let show = ShowId::parse(std::str::from_utf8(show).ok()?)?;
        let (session, rest) = rest.split_first_chunk()?;
        let number = |at: usize| {
            let bytes = rest.get(8 * at..)?.first_chunk()?;
            Some(u64::from_be_bytes(*bytes))
        };
        let chain = *rest.get(4 * 8..)?.first_chunk()?;
        Some(Self {
            show,
            session: SessionId(Uuid::from_bytes(*session)),
            number: number(0)?,
            early: kind == 0,
            head: Head { epoch: number(2)?, seq: number(3)?, chain },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Time;
    use crate::tokens::{Standing, Ticket, Tokens};

    #[test]
    fn what_the_house_gives_is_read_as_it_was_meant() {
        let house = Tokens::new([7; 32]);
        let show = ShowId::parse("hamlet").expect("a show's name");
        let session = SessionId(Uuid::from_u128(77));
        let head = Head { epoch: u64::MAX - 1, seq: 5, chain: [9; 32] };
        let standings = [
            (Standing::Early { arrival: 3 }, true, 3),
            (Standing::Waiting { number: u64::MAX }, false, u64::MAX),
            (Standing::Admitted { number: 4 }, false, 4),
        ];
        for (standing, early, number) in standings {
            let ticket = Ticket { session, standing, until: Time(1_000), head };
            let text = house.ticket(&show, &ticket, Time(10));
            let meant = PublicTicket { show: show.clone(), session, number, early, head };
            assert_eq!(PublicTicket::read(&text), Some(meant));
            for end in 0..text.len() - 48 {
                assert_eq!(PublicTicket::read(&text[..end]), None, "{end} letters");
            }
        }
        assert_eq!(PublicTicket::read(&house.issue(Time(10)).1), None);
    }
}
