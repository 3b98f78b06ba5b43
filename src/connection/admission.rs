//! The way through the waiting room: what showing a ticket comes to, and what `identify` says of it.
//!
//! A ticket is judged here, by its signature alone; what its number is, the show says. Takes a number
//! for whoever has none, and lets in who is called and comes.

use crate::box_office::{Answer, OpenShow, Presence, Refused, Reply, Shown, Stands};
use crate::config::NEWS_TIME_MAX;
use crate::protocol::rpc::{AdmissionState, AdmissionView};
use crate::show::{Command, Head, Refusal, RoomCommand, SessionId};
use crate::tokens::{Disbelief, Standing, Ticket};

use super::answer::{Asker, Doorkeeper};

/// How often one request looks again after something was done for it: it takes a number, comes back,
/// comes in.
const STEPS_MAX: usize = 4;

/// Somebody's place in the waiting room, as their socket knows it.
#[derive(Debug)]
pub(super) struct InLine {
    ticket: Ticket,
    /// They are let in at once when it is their turn, as long as their socket is there.
    _presence: Option<Presence>,
}

/// What `identify` says of the waiting room.
pub(super) struct Admitted {
    pub(super) view: AdmissionView,
    /// The position of the entry by which a number was taken, if one was.
    pub(super) seq: Option<u64>,
}

impl Doorkeeper {
    /// Where somebody stands in the waiting room, after all was done for them that can be: whoever has
    /// no number takes one, unless they have seats or wait for some (`busy`), and need no place to pick
    /// at. None where there is no waiting room, or no more.
    ///
    /// # Errors
    /// Where a number would have to be taken and cannot be now, or too many were from this address.
    pub(super) async fn admission(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        session: SessionId,
        shown: Option<&str>,
        busy: bool,
    ) -> Result<Option<Admitted>, Refused> {
        let now = self.clock.now();
        if !show.has_waiting_room() || now >= show.definition().starts_at {
            return Ok(None);
        }
        let mut ticket = self.ticket_of(show, asker, session, shown).await?;
        let mut stands = self.come_in(show, asker, session, ticket.as_ref()).await;
        let mut seq = None;
        if stands.is_none() && !busy {
            self.count_number(asker).map_err(|refusal| self.at_the_door(refusal))?;
            let taken = match room(show, asker, RoomCommand::TakeNumber { session }).await {
                Ok(taken) => taken,
                Err(Refused { refusal: Refusal::ShowOver, .. }) => return Ok(None),
                Err(refused) => return Err(refused),
            };
            let Answer::Number { number, early, head } = taken.answer else { return Ok(None) };
            let standing = match early {
                true => Standing::Early { arrival: number },
                false => Standing::Waiting { number },
            };
            let until = show.definition().starts_at;
            ticket = Some(Ticket { session, standing, until, head });
            seq = Some(taken.seq);
            stands = self.come_in(show, asker, session, ticket.as_ref()).await;
        }
        let Some(stands) = stands else { return Ok(None) };
        Ok(Some(Admitted { view: self.view(show, asker, ticket.as_ref(), session, stands), seq }))
    }

    /// Whoever shows a ticket whose number is called comes in: for requests that are not `identify`.
    ///
    /// # Errors
    /// Where the ticket cannot be judged now.
    pub(super) async fn appear(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        session: SessionId,
        shown: &str,
    ) -> Result<(), Refused> {
        if show.has_waiting_room() {
            let ticket = self.ticket_of(show, asker, session, Some(shown)).await?;
            // Whether they are in is judged with what they ask for.
            let _stands = self.come_in(show, asker, session, ticket.as_ref()).await;
        }
        Ok(())
    }

    /// Gives back the pass, or the number of the ticket shown or of this socket.
    pub(super) async fn leave_the_room(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        session: SessionId,
        shown: Option<&str>,
    ) -> Result<Reply, Refused> {
        let ticket = self.ticket_of(show, asker, session, shown).await?;
        let number = match stands(show, session, ticket.as_ref()) {
            // Who came early and is not there when called is passed over.
            None | Some(Stands::Early { .. }) => None,
            Some(
                Stands::Waiting { number, .. }
                | Stands::Called { number }
                | Stands::Admitted { number, .. },
            ) => Some(number),
        };
        let left = room(show, asker, RoomCommand::GiveBack { session, number }).await?;
        asker.line = None;
        Ok(left)
    }

    /// The ticket that counts: this socket keeps its number, as long as that stands for anything; else
    /// the one that is shown, if it is believed. One that was given in a history that is lost counts for
    /// nothing: another may have its number by now.
    ///
    /// # Errors
    /// Where it may be signed by a key, or be given at a place of the log, that this node has not heard of.
    async fn ticket_of(
        &self,
        show: &OpenShow,
        asker: &Asker,
        session: SessionId,
        shown: Option<&str>,
    ) -> Result<Option<Ticket>, Refused> {
        let Some(ticket) = self.believed(show, asker, session, shown)? else { return Ok(None) };
        let Head { epoch, seq, .. } = ticket.head;
        if !show.has(ticket.head) && !show.knows((epoch, seq), NEWS_TIME_MAX).await {
            // Given at another node: here it may look like a number that nobody took.
            return Err(self.at_the_door(Refusal::Unavailable));
        }
        let is_in = matches!(stands(show, session, Some(&ticket)), Some(Stands::Admitted { .. }));
        if matches!(ticket.standing, Standing::Admitted { .. }) && !is_in {
            // Perhaps they were let in at another node a moment ago. Where the log does not answer, what
            // is known here will do: nothing is held without it.
            let _looked = show.looks_again(NEWS_TIME_MAX).await;
        }
        Ok(Some(ticket).filter(|ticket| show.has(ticket.head)))
    }

    fn believed(
        &self,
        show: &OpenShow,
        asker: &Asker,
        session: SessionId,
        shown: Option<&str>,
    ) -> Result<Option<Ticket>, Refused> {
        let own = asker.line.as_ref().map(|line| line.ticket);
        let own = own.filter(|own| own.session == session);
        let counts =
            |own: &Ticket| show.has(own.head) && stands(show, session, Some(own)).is_some();
        if let Some(own) = own.filter(counts) {
            return Ok(Some(own));
        }
        let Some(shown) = shown else { return Ok(None) };
        let now = self.clock.now();
        match self.tokens.judge_ticket(shown, &show.definition().id, session, now) {
            Ok(ticket) => Ok(Some(ticket)),
            Err(Disbelief::Bad) => Ok(None),
            Err(Disbelief::NotKnown) => Err(self.at_the_door(Refusal::Unavailable)),
        }
    }

    /// Where they stand, once they came in if they were called, or came back if they were passed over.
    async fn come_in(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        session: SessionId,
        ticket: Option<&Ticket>,
    ) -> Option<Stands> {
        let mut asked = false;
        for _ in 0..STEPS_MAX {
            let stands = stands(show, session, ticket)?;
            if let (Some(ticket), Some(_)) = (ticket, asker.socket) {
                let shown = match stands {
                    Stands::Early { arrival } => Some(Shown::Arrival(arrival)),
                    Stands::Waiting { number, .. } | Stands::Called { number } => {
                        Some(Shown::Number(number))
                    }
                    Stands::Admitted { .. } => None,
                };
                let given = by_draw(show, ticket).unwrap_or(ticket.head);
                let presence = shown.map(|shown| show.is_here(shown, given, session));
                asker.line = Some(InLine { ticket: *ticket, _presence: presence });
                // Who is called from here on is seen to be here. Who was called, or drawn, between the
                // look and now, was not: so the look is taken again.
                if self::stands(show, session, Some(ticket)) != Some(stands) {
                    continue;
                }
            }
            let number = match stands {
                Stands::Called { number } => number,
                Stands::Waiting { number, soon: true } if !asked => number,
                Stands::Early { .. } | Stands::Waiting { .. } | Stands::Admitted { .. } => {
                    return Some(stands);
                }
            };
            asked = true;
            if room(show, asker, RoomCommand::Appear { session, number }).await.is_err() {
                return Some(stands);
            }
        }
        stands(show, session, ticket)
    }

    fn view(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        shown: Option<&Ticket>,
        session: SessionId,
        stands: Stands,
    ) -> AdmissionView {
        let starts_at = show.definition().starts_at;
        let (standing, end) = match stands {
            Stands::Early { arrival } => (Standing::Early { arrival }, starts_at),
            Stands::Waiting { number, .. } | Stands::Called { number } => {
                (Standing::Waiting { number }, starts_at)
            }
            Stands::Admitted { number, until } => (Standing::Admitted { number }, until),
        };
        let ticket = match (shown, standing) {
            // Who came early keeps what says so: were the draw lost, they would be drawn again.
            (
                Some(early @ Ticket { standing: Standing::Early { .. }, .. }),
                Standing::Waiting { .. },
            ) => *early,
            (shown, standing) => {
                // Proof of when the number was given; without its ticket, of now.
                let given = shown.map(|shown| by_draw(show, shown).unwrap_or(shown.head));
                let head = given.unwrap_or_else(|| show.head());
                Ticket { session, standing, until: end, head }
            }
        };
        let text = self.tokens.ticket(&show.definition().id, &ticket, self.clock.now());
        if let Some(line) = &mut asker.line {
            line.ticket = ticket;
        }
        let (serving, per_minute) =
            show.serving().map_or((None, None), |(at, pace)| (Some(at), pace));
        match standing {
            Standing::Early { arrival } => AdmissionView {
                state: AdmissionState::Early,
                ticket: text,
                arrival: Some(arrival),
                number: None,
                serving: None,
                per_minute: None,
                until: None,
            },
            Standing::Waiting { number } => AdmissionView {
                state: AdmissionState::Waiting,
                ticket: text,
                arrival: None,
                number: Some(number),
                serving,
                per_minute,
                until: None,
            },
            Standing::Admitted { number } => AdmissionView {
                state: AdmissionState::Admitted,
                ticket: text,
                arrival: None,
                number: Some(number),
                serving,
                per_minute,
                until: Some(end),
            },
        }
    }
}

/// The head of the draw by which a ticket's number was given, where it is of one who came early.
fn by_draw(show: &OpenShow, ticket: &Ticket) -> Option<Head> {
    let is_early = matches!(ticket.standing, Standing::Early { .. });
    is_early.then(|| show.in_waiting_room(|room| room.draw().map(|draw| draw.head)))??
}

fn stands(show: &OpenShow, session: SessionId, ticket: Option<&Ticket>) -> Option<Stands> {
    let shown = ticket.map(|ticket| match ticket.standing {
        Standing::Early { arrival } => Shown::Arrival(arrival),
        Standing::Waiting { number } | Standing::Admitted { number } => Shown::Number(number),
    });
    show.stands(session, shown)
}

async fn room(show: &OpenShow, asker: &Asker, command: RoomCommand) -> Result<Reply, Refused> {
    show.ask(Command::OfRoom(command), asker.socket).await
}
