//! What a server says, seat frames aside: `tests/vectors/answers.json`.

use serde::Deserialize;
use serde_json::Value;

use crate::hall::Seat;
use crate::protocol::rpc::response::{self, Granted};
use crate::protocol::rpc::{self, FromServer, Incoming, Notice};
use crate::show::{Currency, DrawSecret, HoldId, Money, OrderId, Refusal, ShowId, TicketId, Time};

use super::vectors;

fn id(last: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x018f_6e2a_7c1d_7000_8000_0000_0000_0000 + last)
}

fn hold() -> rpc::HoldView {
    rpc::HoldView {
        id: HoldId(id(0x2a)),
        seats: vec![Seat(12), Seat(13)],
        expires_at: Time(1_795_000_300_000),
        total: Money { amount: 9000, currency: Currency::parse("EUR").unwrap() },
        state: rpc::HoldState::Held,
    }
}

fn waiting() -> rpc::WaitingView {
    rpc::WaitingView {
        ticket: TicketId(id(0x2c)),
        quantity: 2,
        position: 17,
        since: Time(1_795_000_000_000),
        until: Time(1_795_003_600_000),
        head: rpc::HeadView { epoch: u64::MAX, seq: 9, chain: [0x9f; 32] },
    }
}

fn order() -> rpc::OrderView {
    rpc::OrderView {
        id: OrderId(id(0x2b)),
        show: ShowId::parse("opening-night").unwrap(),
        seats: vec![Seat(12), Seat(13)],
        total: Money { amount: 9000, currency: Currency::parse("EUR").unwrap() },
        bought_at: Time(1_795_000_010_000),
        payment: rpc::PaymentView { id: "test-1".to_owned(), state: rpc::PaymentState::Captured },
        head: rpc::HeadView { epoch: u64::MAX, seq: 8, chain: [0x9f; 32] },
    }
}

fn identified<'a>(
    holds: &'a [rpc::HoldView],
    orders: &'a [rpc::OrderView],
    waiting: Option<&'a rpc::WaitingView>,
    admission: Option<&'a rpc::AdmissionView>,
) -> Granted<'a> {
    let now = Time(1_795_000_000_000);
    Granted::Identified { session: "secret", holds, orders, waiting, admission, seq: None, now }
}

/// Where somebody stands in the waiting room in the vector of that name, and its `seq`.
fn admission(name: &str) -> (rpc::AdmissionView, Option<u64>) {
    let ticket = "a ticket".to_owned();
    let nothing = rpc::AdmissionView {
        state: rpc::AdmissionState::Early,
        ticket,
        arrival: None,
        number: None,
        serving: None,
        per_minute: None,
        until: None,
    };
    match name {
        "identified before the doors open" => {
            (rpc::AdmissionView { arrival: Some(17), ..nothing }, Some(9))
        }
        "identified in the waiting room" => {
            let state = rpc::AdmissionState::Waiting;
            let (number, serving, per_minute) = (Some(4_711), Some(4_200), Some(180));
            (rpc::AdmissionView { state, number, serving, per_minute, ..nothing }, None)
        }
        "identified with a pass" => {
            let (state, number) = (rpc::AdmissionState::Admitted, Some(4_200));
            let until = Some(Time(1_795_000_600_000));
            (rpc::AdmissionView { state, number, until, ..nothing }, Some(12))
        }
        _ => panic!("no such vector: {name}"),
    }
}

/// What our server says for the vector of that name.
fn answer(name: &str) -> String {
    let now = Time(1_795_000_000_000);
    let request = |text: &str| {
        let ask = format!(r#"{{"jsonrpc":"2.0","id":{text},"method":"identify"}}"#);
        match rpc::request::parse(ask.as_bytes()) {
            Ok(Incoming::Request(request)) => request.id,
            other => panic!("{other:?}"),
        }
    };
    let (hold, order) = (hold(), order());
    let refused = |refusal| response::refused(&request("5"), &refusal, Some(&hold), now);
    match name {
        "identified" => {
            let (holds, orders) = (&[hold][..], &[order][..]);
            response::granted(&request("1"), &identified(holds, orders, None, None))
        }
        "identified while waiting" => {
            let (holds, orders, waiting) = (&[][..], &[][..], Some(&waiting()));
            response::granted(&request("1"), &identified(holds, orders, waiting, None))
        }
        _ if name.starts_with("identified ") => {
            let (admission, seq) = admission(name);
            let mut granted = identified(&[], &[], None, Some(&admission));
            if let Granted::Identified { seq: its, .. } = &mut granted {
                *its = seq;
            }
            response::granted(&request("1"), &granted)
        }
        "joined the waitlist" => {
            let granted = Granted::Waiting { waiting: &waiting(), seq: 9, now };
            response::granted(&request("6"), &granted)
        }
        "seats kept for those who wait" => {
            refused(Refusal::WaitlistFirst { seats: vec![Seat(12)] })
        }
        "not admitted" => refused(Refusal::NotAdmitted),
        "seats available to who would wait" => refused(Refusal::SeatsAvailable),
        "waiting already" => refused(Refusal::AlreadyWaiting),
        "nothing offered" => refused(Refusal::NoOffer),
        "held" => {
            response::granted(&request(r#""a""#), &Granted::Held { hold: &hold, seq: 7, now })
        }
        "released" => response::granted(&request("3"), &Granted::Released { seq: 9 }),
        "bought" => {
            response::granted(&request("4"), &Granted::Bought { order: &order, seq: 8, now })
        }
        "too fast" => refused(Refusal::TooFast { retry_after_ms: 250 }),
        "seats taken" => refused(Refusal::SeatsTaken { seats: vec![Seat(12)] }),
        "sold out, none named" => refused(Refusal::SoldOut { seats: vec![] }),
        "already holding" => refused(Refusal::AlreadyHolding { hold: hold.id }),
        "not on sale yet" => refused(Refusal::NotOnSale { on_sale_at: Time(1_795_000_600_000) }),
        "too many seats" => refused(Refusal::TooManySeats { max: 10 }),
        "an unknown seat" => refused(Refusal::UnknownSeat { seats: vec![5_000_000_000] }),
        "declined" => refused(Refusal::PaymentDeclined { code: "card_declined".to_owned() }),
        "a fault whose id cannot be told" => response::fault(None, &rpc::Fault::NotJson),
        _ => notice(name).encode(),
    }
}

fn notice(name: &str) -> Notice {
    let now = Time(1_795_000_000_000);
    match name {
        "hold.changed" => Notice::HoldChanged { hold: hold(), now },
        "waitlist.position" => Notice::WaitlistPosition { position: 3 },
        "waitlist.offer" => Notice::WaitlistOffer {
            hold: rpc::HoldView { state: rpc::HoldState::Offered, ..hold() },
            now,
        },
        "waitlist.apart" => Notice::WaitlistApart {},
        "waitlist.closed" => Notice::WaitlistClosed { reason: "sold_out".into() },
        "order" => Notice::Order { order: order(), now },
        "hold.expired" => Notice::HoldExpired { hold: hold().id },
        "hold.released" => {
            Notice::HoldReleased { hold: hold().id, reason: rpc::ReleaseReason::Released }
        }
        "admission.open" => {
            let until = Time(1_795_000_600_000);
            Notice::AdmissionOpen { ticket: "a pass".to_owned(), until, now }
        }
        "admission.serving" => Notice::AdmissionServing { serving: 4_200, per_minute: Some(180) },
        "admission.serving, at first" => {
            Notice::AdmissionServing { serving: 300, per_minute: None }
        }
        "admission.drawn" => Notice::AdmissionDrawn {
            secret: DrawSecret([0x5e; 32]),
            head: rpc::HeadView { epoch: u64::MAX, seq: 10, chain: [0x9f; 32] },
            count: 10_000,
        },
        "show.closed" => Notice::ShowClosed { reason: "show_over".to_owned() },
        "server.draining" => Notice::ServerDraining { reconnect_after_ms: 1500 },
        "server.status" => Notice::ServerStatus { storage: rpc::StorageState::Away },
        _ => panic!("no such vector: {name}"),
    }
}

#[test]
fn answers_are_written_and_read_as_the_vectors_say() {
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        of: String,
        text: String,
    }
    for Vector { name, of, text } in vectors(include_str!("../../../tests/vectors/answers.json")) {
        let said: Value = serde_json::from_str(&text).unwrap();
        let ours: Value = serde_json::from_str(&answer(&name)).unwrap();
        assert_eq!(ours, said, "{name}");
        match rpc::reply::read(&text).unwrap() {
            FromServer::Notice(read) => assert_eq!(*read, notice(&name)),
            FromServer::Response(_, Err(error)) => {
                assert_eq!(Some(i64::from(error.code)), said["error"]["code"].as_i64());
                assert_eq!(error.reason(), said["error"]["data"]["reason"].as_str());
                assert_eq!(of == "fault", error.reason().is_none());
            }
            FromServer::Response(_, Ok(result)) => {
                let result: Value = serde_json::from_str(result.get()).unwrap();
                assert_eq!(result, said["result"]);
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
