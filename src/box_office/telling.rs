//! What an outcome gives to say: an answer to who asked, notices to their sockets.

use crate::hub::SocketId;
use crate::protocol::rpc::{HoldView, Notice, OrderView, ReleaseReason, WaitingView};
use crate::show::{
    CloseReason, Command, Decision, Hold, HoldId, Outcome, Refusal, SessionId, Show, Ticket, Time,
};

use super::pending::{Answer, Refused, Told};

/// What is answered to a command whose entries had these outcomes; none where they were void.
pub(super) fn answer(
    show: &Show,
    command: &Command,
    outcomes: &[Outcome],
    now: Time,
) -> Option<Result<Answer, Refused>> {
    let hold = |id: HoldId| show.hold(id).map(|hold| Ok(Answer::Hold(view_of(show, hold))));
    match outcomes.last()? {
        Outcome::Void => None,
        Outcome::Held { hold: id, .. }
        | Outcome::Changed { hold: id, .. }
        | Outcome::Accepted { hold: id, .. } => hold(*id),
        Outcome::Sold { order, .. } => show
            .order(*order)
            .map(|order| Ok(Answer::Order(OrderView::of(order, &show.definition().id)))),
        Outcome::PaymentDeclined { .. } => {
            let refusal = Refusal::PaymentDeclined { code: declined_code(command) };
            Some(Err(Refused::of(show, refusal, now)))
        }
        Outcome::Joined { ticket, .. } => {
            show.ticket(*ticket).map(|ticket| Ok(Answer::Waiting(waiting_of(show, ticket))))
        }
        Outcome::Released { .. }
        | Outcome::Lapsed { .. }
        | Outcome::PaymentBegun { .. }
        | Outcome::Blocking
        | Outcome::Offered { .. }
        | Outcome::Parted { .. }
        | Outcome::Closed { .. }
        | Outcome::OfRoom(_) => Some(Ok(Answer::Done)),
    }
}

/// What an outcome gives the session to be told. The asker of a grant gets the answer instead; an
/// end is told to all, the asker included.
pub(super) fn told(
    show: &Show,
    outcome: Outcome,
    asker: Option<SocketId>,
    now: Time,
    hears: &dyn Fn(SessionId, Option<SocketId>) -> bool,
) -> impl Iterator<Item = Told> {
    let tell = |session, except, notice: &dyn Fn() -> Option<Notice>| {
        let notice = if hears(session, except) { notice() } else { None };
        notice.map(|notice| Told { session, except, notice })
    };
    let view = |id: HoldId| show.hold(id).map(|hold| view_of(show, hold));
    let changed = |id: HoldId| Some(Notice::HoldChanged { hold: view(id)?, now });
    let closed =
        |reason: CloseReason| Some(Notice::WaitlistClosed { reason: reason.word().into() });
    let (first, second) = match outcome {
        Outcome::Held { hold, session, ticket } => (
            tell(session, asker, &|| changed(hold)),
            ticket.and_then(|_| tell(session, None, &|| closed(CloseReason::Accepted))),
        ),
        Outcome::Changed { hold, session } => (tell(session, asker, &|| changed(hold)), None),
        Outcome::Sold { order, session } => {
            let order = || Some(OrderView::of(show.order(order)?, &show.definition().id));
            (tell(session, asker, &|| Some(Notice::Order { order: order()?, now })), None)
        }
        Outcome::Lapsed { hold, session } => {
            (tell(session, None, &|| Some(Notice::HoldExpired { hold })), None)
        }
        Outcome::Released { hold, session } => {
            let reason = ReleaseReason::Released;
            (tell(session, None, &|| Some(Notice::HoldReleased { hold, reason })), None)
        }
        Outcome::Offered { hold, session, .. } => {
            let offer = || Some(Notice::WaitlistOffer { hold: view(hold)?, now });
            (tell(session, None, &offer), None)
        }
        Outcome::Accepted { hold, session, .. } => (
            tell(session, asker, &|| changed(hold)),
            tell(session, None, &|| closed(CloseReason::Accepted)),
        ),
        Outcome::Parted { session, .. } => {
            (tell(session, None, &|| Some(Notice::WaitlistApart {})), None)
        }
        Outcome::Closed { session, reason, .. } => (tell(session, None, &|| closed(reason)), None),
        Outcome::Void
        | Outcome::Joined { .. }
        | Outcome::PaymentBegun { .. }
        | Outcome::PaymentDeclined { .. }
        | Outcome::Blocking
        | Outcome::OfRoom(_) => (None, None),
    };
    first.into_iter().chain(second)
}

/// A hold, as its holder sees it.
pub(super) fn view_of(show: &Show, hold: &Hold) -> HoldView {
    HoldView::of(hold, show.total(&hold.seats))
}

/// A ticket, as its owner sees it.
pub(super) fn waiting_of(show: &Show, ticket: &Ticket) -> WaitingView {
    WaitingView::of(ticket, show.position(ticket))
}

fn declined_code(command: &Command) -> String {
    match command {
        Command::Buy { purchase, .. } => match &purchase.payment {
            Decision::Declined { code } => code.clone(),
            Decision::Approved(_) => String::new(),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use crate::hall::{Floor, Hall, HallId, Size};
    use crate::show::{Currency, Definition, Policy, ShowId, TicketId};

    use super::*;

    fn show() -> Show {
        let hall = Hall {
            name: String::new(),
            categories: Vec::new(),
            sections: Vec::new(),
            areas: Vec::new(),
            decorations: Vec::new(),
            size: Size { width: 1.0, height: 1.0 },
        };
        let definition = Definition {
            id: ShowId::parse("little").unwrap(),
            title: String::new(),
            hall: HallId(String::new()),
            seats: 0,
            starts_at: Time(1),
            on_sale_at: None,
            currency: Currency::parse("EUR").unwrap(),
            prices: Vec::new(),
            policy: Policy::default(),
            draw_secret: None,
        };
        Show::new(Arc::new(definition), Arc::new(Floor::new(&hall)))
    }

    #[test]
    fn who_waits_and_is_given_a_hold_is_told_that_the_waiting_is_over() {
        let (hold, session) = (HoldId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        let show = show();
        let closed = |ticket| {
            let outcome = Outcome::Held { hold, session, ticket };
            let all = told(&show, outcome, None, Time(0), &|_, _| true);
            all.filter(|told| matches!(told.notice, Notice::WaitlistClosed { .. })).count()
        };
        assert_eq!(closed(Some(TicketId(Uuid::from_u128(3)))), 1);
        assert_eq!(closed(None), 0);
    }
}
