//! The waiting room's tickets: what somebody who waits keeps, so that no node has to.
//!
//! A ticket says whose it is, where they stand, until when it is good, and at which head of the log
//! that was so. It is the only place where a number's owner is kept; whether the number is still
//! worth something is for the show to say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::show::{Head, SessionId, ShowId, Time};

use super::ring::SIGNATURE_BYTES;
use super::{Disbelief, Tokens};

/// A place in a show's waiting room, as its owner shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Whose it is: it is worth nothing to anybody else.
    pub session: SessionId,
    /// Where they stand.
    pub standing: Standing,
    /// From then on it is no ticket: an arrival's and a number's when the show starts, a pass's when
    /// it ends.
    pub until: Time,
    /// The log's head with the entry that gave it: to be kept as proof.
    pub head: Head,
}

/// Where the owner of a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Standing {
    /// They came before the doors opened, as this one: their number is drawn when they do.
    Early { arrival: u64 },
    /// They have this number.
    Waiting { number: u64 },
    /// They have a pass, by this number.
    Admitted { number: u64 },
}

/// The first byte of every ticket: session tokens have another.
const VERSION: u8 = 2;

/// Version, kind, session, number, end; epoch, seq and chain of the head. The show's name follows.
const FIXED_BYTES: usize = 1 + 1 + 16 + 8 + 8 + 8 + 8 + 32;
const TICKET_BYTES_MAX: usize = FIXED_BYTES + ShowId::LENGTH_MAX + SIGNATURE_BYTES;

impl Tokens {
    /// The text of a ticket.
    pub fn ticket(&self, show: &ShowId, ticket: &Ticket, now: Time) -> String {
        let (kind, number) = match ticket.standing {
            Standing::Early { arrival } => (0, arrival),
            Standing::Waiting { number } => (1, number),
            Standing::Admitted { number } => (2, number),
        };
        let mut bytes = Vec::with_capacity(TICKET_BYTES_MAX);
        bytes.extend_from_slice(&[VERSION, kind]);
        bytes.extend_from_slice(ticket.session.0.as_bytes());
        for number in [number, ticket.until.0, ticket.head.epoch, ticket.head.seq] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&ticket.head.chain);
        bytes.extend_from_slice(show.as_str().as_bytes());
        self.ring.sign(&mut bytes, now);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a ticket says to `show` of `session`; none where it is forged or has ended, or is of
    /// another show or session.
    pub fn read_ticket(
        &self,
        text: &str,
        show: &ShowId,
        session: SessionId,
        now: Time,
    ) -> Option<Ticket> {
        self.judge_ticket(text, show, session, now).ok()
    }

    /// As [`Tokens::read_ticket`], for those to whom it matters why not: a ticket that may be signed
    /// by a key which is only news to this node is not to be thrown away.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn judge_ticket(
        &self,
        text: &str,
        show: &ShowId,
        session: SessionId,
        now: Time,
    ) -> Result<Ticket, Disbelief> {
        // Decoding into a fixed buffer: a ticket of megabytes costs nothing.
        let mut bytes = [0; TICKET_BYTES_MAX];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        let length = length.map_err(|_| Disbelief::Bad)?;
        if bytes[0] != VERSION {
            return Err(Disbelief::Bad);
        }
        let claims = self.ring.claims(&bytes[..length], now)?;
        let (of, ticket) = parse(claims).ok_or(Disbelief::Bad)?;
        let is_theirs = of == show.as_str().as_bytes() && ticket.session == session;
        if is_theirs && now < ticket.until { Ok(ticket) } else { Err(Disbelief::Bad) }
    }
}

/// The name of the show and the rest of what a ticket says.
fn parse(claims: &[u8]) -> Option<(&[u8], Ticket)> {
    let (&[_, kind], rest) = claims.split_first_chunk()?;
    let (session, mut rest) = rest.split_first_chunk()?;
    let mut numbers = [0; 4];
    for number in &mut numbers {
        let (bytes, after) = rest.split_first_chunk()?;
        (*number, rest) = (u64::from_be_bytes(*bytes), after);
    }
    let (chain, show) = rest.split_first_chunk()?;
    let [number, until, epoch, seq] = numbers;
    let standing = match kind {
        0 => Standing::Early { arrival: number },
        1 => Standing::Waiting { number },
        2 => Standing::Admitted { number },
        _ => return None,
    };
    let session = SessionId(Uuid::from_bytes(*session));
    let head = Head { epoch, seq, chain: *chain };
    Some((show, Ticket { session, standing, until: Time(until), head }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::{SigningKey, TOKEN_VALID_MS};

    const NOW: Time = Time(1_800_000_000_000);

    fn house() -> Tokens {
        Tokens::new([7; 32])
    }

    fn show(name: &str) -> ShowId {
        ShowId::parse(name).expect("a show's name")
    }

    prop_compose! {
        fn ticket()(
            session in any::<u128>(),
            kind in 0..3u8,
            number in any::<u64>(),
            lasts in 1..=u64::MAX - NOW.0,
            epoch in any::<u64>(),
            seq in any::<u64>(),
            chain in any::<[u8; 32]>(),
        ) -> Ticket {
            let standing = match kind {
                0 => Standing::Early { arrival: number },
                1 => Standing::Waiting { number },
                _ => Standing::Admitted { number },
            };
            let session = SessionId(Uuid::from_u128(session));
            let head = Head { epoch, seq, chain };
            Ticket { session, standing, until: NOW.plus_ms(lasts), head }
        }
    }

    proptest! {
        #[test]
        fn a_ticket_says_again_what_was_written_on_it(
            ticket in ticket(),
            name in "[a-z0-9-]{1,64}",
        ) {
            let show = show(&name);
            let text = house().ticket(&show, &ticket, NOW);
            prop_assert!(text.len() <= 238, "{}", text.len());
            prop_assert_eq!(house().read_ticket(&text, &show, ticket.session, NOW), Some(ticket));
        }

        #[test]
        fn an_altered_ticket_is_refused(
            ticket in ticket(),
            at in any::<prop::sample::Index>(),
            letter in "[A-Za-z0-9_-]",
        ) {
            let show = show("opening-night");
            let text = house().ticket(&show, &ticket, NOW);
            let at = at.index(text.len());
            let mut altered = text.clone();
            altered.replace_range(at..=at, &letter);
            prop_assume!(altered != text);
            prop_assert_eq!(house().read_ticket(&altered, &show, ticket.session, NOW), None);
        }

        #[test]
        fn a_ticket_is_worth_nothing_to_anybody_else(ticket in ticket(), other in any::<u128>()) {
            let here = show("opening-night");
            let text = house().ticket(&here, &ticket, NOW);
            let other = SessionId(Uuid::from_u128(other));
            prop_assume!(other != ticket.session);
            prop_assert_eq!(house().read_ticket(&text, &here, other, NOW), None);
            // Nor elsewhere, however alike the name.
            for name in ["closing-night", "opening-nigh", "opening-night2", "o"] {
                let there = house().read_ticket(&text, &show(name), ticket.session, NOW);
                prop_assert_eq!(there, None, "{}", name);
            }
            let stranger = Tokens::new([8; 32]);
            prop_assert_eq!(stranger.read_ticket(&text, &here, ticket.session, NOW), None);
        }

        #[test]
        fn a_ticket_is_one_until_its_end(ticket in ticket()) {
            let show = show("opening-night");
            let text = house().ticket(&show, &ticket, NOW);
            let read = |at| house().read_ticket(&text, &show, ticket.session, at);
            prop_assert_eq!(read(Time(ticket.until.0 - 1)), Some(ticket));
            prop_assert_eq!(read(ticket.until), None);
        }

        #[test]
        fn a_session_token_is_no_ticket_and_a_ticket_no_session_token(
            ticket in ticket(),
            name in "[a-z0-9-]{1,64}",
        ) {
            let show = show(&name);
            let text = house().ticket(&show, &ticket, NOW);
            prop_assert_eq!(house().verify(&text, NOW), None);
            let (session, token) = house().issue(NOW);
            prop_assert_eq!(house().read_ticket(&token, &show, session, NOW), None);
        }

        #[test]
        fn what_is_no_ticket_is_refused_without_a_panic(text in ".{0,400}|[A-Za-z0-9_-]{0,400}") {
            let session = SessionId(Uuid::nil());
            prop_assert_eq!(house().read_ticket(&text, &show("x"), session, NOW), None);
        }
    }

    #[test]
    fn what_is_signed_but_says_nothing_that_can_be_is_no_ticket() {
        let (show, session) = (show("x"), SessionId(Uuid::nil()));
        let (mut whole, ring) = (vec![VERSION, 3], house().ring);
        whole.resize(FIXED_BYTES, 0xff);
        whole.extend_from_slice(show.as_str().as_bytes());
        for claims in [&[VERSION][..], &[VERSION, 1], &whole[..FIXED_BYTES - 1], &whole] {
            let mut signed = claims.to_vec();
            ring.sign(&mut signed, NOW);
            let text = URL_SAFE_NO_PAD.encode(signed);
            assert_eq!(house().judge_ticket(&text, &show, session, NOW), Err(Disbelief::Bad));
        }
    }

    #[test]
    fn tickets_outlive_a_rotation_and_a_key_that_is_only_news_here_is_not_called_forged() {
        let (show, session) = (show("x"), SessionId(Uuid::from_u128(5)));
        let head = Head { epoch: 1, seq: 2, chain: [3; 32] };
        let standing = Standing::Waiting { number: 9 };
        let until = NOW.plus_ms(TOKEN_VALID_MS);
        let ticket = Ticket { session, standing, until, head };
        let key = |letter, at| SigningKey { secret: [letter; 32], signs_from: Time(at) };
        let tokens = Tokens::of(&[key(1, 0)]);
        let old = tokens.ticket(&show, &ticket, NOW);
        tokens.replace(&[key(1, 0), key(2, NOW.0 + 1)]);
        let later = NOW.plus_ms(60_000);
        assert_eq!(tokens.read_ticket(&old, &show, session, later), Some(ticket));

        let behind = Tokens::of(&[key(1, 0)]);
        let new = tokens.ticket(&show, &ticket, later);
        let judged = || behind.judge_ticket(&new, &show, session, later).map(drop);
        assert_eq!(judged(), Err(Disbelief::Bad), "its keys were given");
        behind.compared(NOW);
        assert_eq!(judged(), Err(Disbelief::NotKnown));
        behind.replace(&[key(1, 0), key(2, NOW.0 + 1)]);
        assert_eq!(judged(), Ok(()));
    }
}
