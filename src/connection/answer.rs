//! One message, one answer: the same over a socket and over HTTP.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use uuid::Uuid;

use crate::box_office::{Answer, Clock, OpenShow, Refused, Reply};
use crate::checkout;
use crate::config::NEWS_TIME_MAX;
use crate::hub::SocketId;
use crate::protocol::rpc::request::{self, Fault, Faulty, Incoming, Method, Request};
use crate::protocol::rpc::response::{self, Granted};
use crate::show::{Command, Purchase, Refusal, SessionId};
use crate::tokens::{Disbelief, Tokens};

use super::admission::InLine;
use super::rate::{Buckets, Rate};

/// How fast buyers may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Messages, by socket; over HTTP by session.
    pub messages: Rate,
    /// Attempts at seats, by session, over all its sockets.
    pub attempts: Rate,
    /// Numbers of waiting rooms, by address, over all who come from it.
    pub numbers: Rate,
}

/// Who stands at the door of every show: knows sessions, rates and refusals.
pub struct Doorkeeper {
    pub(super) rates: Rates,
    pub(super) clock: Clock,
    pub(super) tokens: Tokens,
    attempts: Buckets<SessionId>,
    messages: Buckets<SessionId>,
    numbers: Buckets<IpAddr>,
    refusals: DashMap<&'static str, AtomicU64>,
}

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The message.
    pub text: String,
    /// Whether it says `too_fast`: ten of these in a row are abuse.
    pub too_fast: bool,
}

/// Who asks.
#[derive(Debug)]
pub struct Asker {
    /// From where: the address that whoever let them in counts them by.
    from: IpAddr,
    /// The socket, where there is one.
    pub(super) socket: Option<SocketId>,
    /// Who it is, once identified.
    pub(super) known: Option<Known>,
    /// The epoch and position they were shown elsewhere, until this node is known to have got there.
    ahead: Option<(u64, u64)>,
    /// Their place in the waiting room, as their socket knows it.
    pub(super) line: Option<InLine>,
}

/// Somebody identified.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) session: SessionId,
    /// The token to give back to who asks again.
    pub(super) token: String,
}

impl Asker {
    /// Somebody on a socket, unknown as yet, who was shown `ahead` by another node.
    pub(super) fn on(socket: SocketId, from: IpAddr, ahead: Option<(u64, u64)>) -> Self {
        Self { from, socket: Some(socket), known: None, ahead, line: None }
    }

    /// Somebody without a socket.
    fn without_socket(from: IpAddr, known: Option<Known>) -> Self {
        Self { from, socket: None, known, ahead: None, line: None }
    }

    /// Whose messages they are, once that is known.
    pub fn session(&self) -> Option<SessionId> {
        self.known.as_ref().map(|known| known.session)
    }
}

impl Doorkeeper {
    /// A doorkeeper who judges tokens by `tokens` and time by `clock`.
    pub fn new(tokens: Tokens, rates: Rates, clock: Clock) -> Self {
        Self {
            tokens,
            attempts: Buckets::new(rates.attempts),
            messages: Buckets::new(rates.messages),
            numbers: Buckets::new(rates.numbers),
            rates,
            clock,
            refusals: DashMap::new(),
        }
    }

    /// How often each refusal was said, by its reason.
    pub fn refusals(&self) -> Vec<(&'static str, u64)> {
        let count = |entry: dashmap::mapref::multiple::RefMulti<'_, &'static str, AtomicU64>| {
            (*entry.key(), entry.value().load(Ordering::Relaxed))
        };
        self.refusals.iter().map(count).collect()
    }

    /// Who a bearer of this token is, for requests without a socket; they came from this address.
    ///
    /// # Errors
    /// `bad_session` where the token is forged or has ended; `unavailable` where it may be of a key that
    /// this node, cut off, has not heard of.
    pub fn bearer(&self, token: Option<&str>, from: IpAddr) -> Result<Asker, Refusal> {
        let Some(token) = token else { return Ok(Asker::without_socket(from, None)) };
        let (session, token) = self.judge(token.to_owned())?;
        Ok(Asker::without_socket(from, Some(Known { session, token })))
    }

    /// Counts one number of a waiting room that somebody is about to take.
    ///
    /// # Errors
    /// `too_fast`, where too many were taken from their address.
    pub(super) fn count_number(&self, asker: &Asker) -> Result<(), Refusal> {
        let taken = self.numbers.take(asker.from, self.clock.now());
        taken.map_err(|retry_after_ms| Refusal::TooFast { retry_after_ms })
    }

    /// Counts one message of a session without a socket.
    ///
    /// # Errors
    /// `too_fast`.
    pub fn count_message(&self, asker: &Asker) -> Result<(), Refusal> {
        let Some(session) = asker.session() else { return Ok(()) };
        let taken = self.messages.take(session, self.clock.now());
        taken.map_err(|retry_after_ms| Refusal::TooFast { retry_after_ms })
    }

    /// Answers a request. `asker` is known better afterwards where it identified itself; `hear` is
    /// called with its session before anything is looked up, so that what happens from then on is
    /// told, and nothing falls between what it is answered and what it is told.
    pub async fn answer(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        request: &Request,
        hear: impl FnOnce(SessionId),
    ) -> Answered {
        let answered = match &request.method {
            Method::Identify { session, ticket } => {
                let shown = (session, ticket.as_deref());
                let identified = self.identify(show, asker, request, shown, hear).await;
                let text = identified.unwrap_or_else(|refused| self.refuse(request, &refused));
                return Answered { text, too_fast: false };
            }
            _ => self.ask(show, asker, request).await,
        };
        let too_fast =
            matches!(&answered, Err(No::Refused(Refused { refusal: Refusal::TooFast { .. }, .. })));
        let text = match answered {
            Ok(Reply { answer: Answer::Hold(hold), seq, now }) => {
                response::granted(&request.id, &Granted::Held { hold: &hold, seq, now })
            }
            Ok(Reply { answer: Answer::Order(order), seq, now }) => {
                response::granted(&request.id, &Granted::Bought { order: &order, seq, now })
            }
            Ok(Reply { answer: Answer::Waiting(waiting), seq, now }) => {
                response::granted(&request.id, &Granted::Waiting { waiting: &waiting, seq, now })
            }
            Ok(Reply { answer: Answer::Done | Answer::Number { .. }, seq, .. }) => {
                response::granted(&request.id, &Granted::Released { seq })
            }
            Err(No::Fault(fault)) => response::fault(Some(&request.id), &fault),
            Err(No::Refused(refused)) => self.refuse(request, &refused),
        };
        Answered { text, too_fast }
    }

    /// Answers with a refusal, and counts it.
    pub fn refuse(&self, request: &Request, refused: &Refused) -> String {
        let reason = refused.refusal.reason();
        self.refusals.entry(reason).or_default().fetch_add(1, Ordering::Relaxed);
        response::refused(&request.id, &refused.refusal, refused.holding.as_ref(), refused.now)
    }

    /// A refusal that no show was asked for.
    pub fn at_the_door(&self, refusal: Refusal) -> Refused {
        Refused { refusal, holding: None, now: self.clock.now() }
    }

    /// Whether this node knows all that this asker was shown elsewhere. Where it is cut off, what it
    /// knows of a session may be old: somebody who has just bought must not be told that they have
    /// nothing.
    async fn is_up_to_date(&self, show: &OpenShow, asker: &mut Asker) -> bool {
        let Some(ahead) = asker.ahead else { return true };
        let knows = show.knows(ahead, NEWS_TIME_MAX).await;
        asker.ahead = asker.ahead.filter(|_| !knows);
        knows
    }

    async fn identify(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        request: &Request,
        (token, ticket): (&Option<String>, Option<&str>),
        hear: impl FnOnce(SessionId),
    ) -> Result<String, Refused> {
        if !self.is_up_to_date(show, asker).await {
            return Err(self.at_the_door(Refusal::Unavailable));
        }
        let judged = match (token, &asker.known) {
            (Some(token), _) => self.judge(token.clone()),
            (None, Some(known)) => Ok((known.session, known.token.clone())),
            (None, None) => Ok(self.tokens.issue(self.clock.now())),
        };
        let (session, token) = judged.map_err(|refusal| self.at_the_door(refusal))?;
        if asker.session() != Some(session) {
            // What another showed on this socket is not this one's.
            asker.line = None;
        }
        asker.known = Some(Known { session, token: token.clone() });
        hear(session);
        let before = show.look(session);
        let busy = !before.holds.is_empty() || before.waiting.is_some();
        let admitted = self.admission(show, asker, session, ticket, busy).await?;
        // Coming in takes a while, in which more may have happened.
        let looked = if admitted.is_some() { show.look(session) } else { before };
        let known = Granted::Identified {
            session: &token,
            holds: &looked.holds,
            orders: &looked.orders,
            waiting: looked.waiting.as_ref(),
            admission: admitted.as_ref().map(|admitted| &admitted.view),
            seq: admitted.as_ref().and_then(|admitted| admitted.seq),
            now: looked.now,
        };
        Ok(response::granted(&request.id, &known))
    }

    /// The session of a token, and the token to keep from now on.
    fn judge(&self, token: String) -> Result<(SessionId, String), Refusal> {
        let judged = self.tokens.judge(&token, self.clock.now());
        let (session, renewed) = judged.map_err(|why| match why {
            Disbelief::Bad => Refusal::BadSession,
            // A client throws a bad session away: not for what may only be news to this node.
            Disbelief::NotKnown => Refusal::Unavailable,
        })?;
        Ok((session, renewed.unwrap_or(token)))
    }

    async fn ask(
        &self,
        show: &OpenShow,
        asker: &mut Asker,
        request: &Request,
    ) -> Result<Reply, No> {
        let (method, ticket) = (&request.method, request.ticket.as_deref());
        let refuse = |refusal| No::Refused(self.at_the_door(refusal));
        let Some(session) = asker.session() else { return Err(refuse(Refusal::NotIdentified)) };
        if method.is_attempt() {
            let taken = self.attempts.take(session, self.clock.now());
            taken.map_err(|retry_after_ms| refuse(Refusal::TooFast { retry_after_ms }))?;
        }
        if let Method::AdmissionLeave = method {
            let left = self.leave_the_room(show, asker, session, ticket).await;
            return left.map_err(No::Refused);
        }
        if let Some(ticket) = ticket {
            self.appear(show, asker, session, ticket).await.map_err(No::Refused)?;
        }
        let Some(command) = command(session, method) else {
            return Err(No::Fault(Fault::NoSuchMethod));
        };
        show.ask(command, asker.socket).await.map_err(No::Refused)
    }
}

/// Reads one message to a show: the text of a socket, or a request's body. What is wrong with it comes
/// before every refusal, so it is all found here: an index that the hall does not have is a fault in
/// the request, not a wish that cannot be had.
pub fn read(show: &OpenShow, message: &[u8]) -> Result<Incoming, Faulty> {
    let incoming = request::parse(message)?;
    let Incoming::Request(Request { id, method, .. }) = &incoming else { return Ok(incoming) };
    let Some(wish) = method.wish() else { return Ok(incoming) };
    let hall = show.hall();
    let lists = [
        ("categories", &wish.categories, hall.categories.len()),
        ("sections", &wish.sections, hall.sections.len()),
        ("areas", &wish.areas, hall.areas.len()),
    ];
    for (name, indexes, count) in lists {
        let beyond = |index: &&u16| usize::from(**index) >= count;
        if let Some(index) = indexes.iter().flatten().find(beyond) {
            let fault = Fault::no_such_index(name, *index);
            return Err(Faulty { id: Some(id.clone()), fault });
        }
    }
    Ok(incoming)
}

/// Why a request got no grant.
enum No {
    /// It is not a request this show could judge.
    Fault(Fault),
    /// The rules are against it.
    Refused(Refused),
}

/// What a method asks of the show; `identify` asks nothing of it.
fn command(session: SessionId, method: &Method) -> Option<Command> {
    Some(match method {
        Method::Identify { .. } | Method::AdmissionLeave => return None,
        Method::Hold { seats } => Command::Hold { session, seats: seats.clone() },
        Method::HoldBest(wish) => Command::HoldBest { session, wish: wish.clone() },
        Method::Change { hold, seats } => {
            Command::Change { session, hold: *hold, seats: seats.clone() }
        }
        Method::Release { hold } => Command::Release { session, hold: *hold },
        Method::Buy(asked) => {
            let purchase = Purchase {
                key: asked.key.clone().unwrap_or_else(|| asked.hold.to_string()),
                payment: checkout::decide(asked.payment, Uuid::new_v4()),
                customer: asked.customer.clone(),
            };
            Command::Buy { session, hold: asked.hold, purchase: Box::new(purchase) }
        }
        Method::WaitlistJoin(wish) => Command::Join { session, wish: wish.clone() },
        Method::WaitlistLeave => Command::Leave { session },
        Method::WaitlistAccept => Command::Accept { session },
        Method::WaitlistDecline => Command::Decline { session },
    })
}

impl std::fmt::Debug for Doorkeeper {
    /// Without the sessions' secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorkeeper").field("rates", &self.rates).finish_non_exhaustive()
    }
}
