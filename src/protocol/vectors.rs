//! Holds the encoders and decoders to `tests/vectors`, the files that other clients' authors run
//! theirs against. The vectors were written by another program, so that they can disagree.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::hall::Seat;
use crate::show::{Currency, HoldId, Money, OrderId, Refusal, ShowId, TicketId, Time};

use super::picture::{Applied, Picture};
use super::rpc::response::{self, Granted};
use super::rpc::{self, FromServer, Incoming, Method, Notice};
use super::seats::{self, Format, Run, SeatFrame};
use super::two_bits;

fn vectors<T: DeserializeOwned>(file: &str) -> Vec<T> {
    #[derive(Deserialize)]
    struct File<T> {
        vectors: Vec<T>,
    }
    serde_json::from_str::<File<T>>(file).unwrap().vectors
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Means {
    Snapshot { epoch: String, seq: u64, n: u32, states: String },
    Diff { from: u64, to: u64, runs: Vec<(u32, u32, u8)> },
}

impl Means {
    fn frame(&self) -> SeatFrame {
        match self {
            Self::Snapshot { epoch, seq, n, states } => SeatFrame::Snapshot {
                epoch: epoch.parse().unwrap(),
                seq: *seq,
                seats: *n,
                two_bits: packed(states),
            },
            Self::Diff { from, to, runs } => {
                let run = |&(gap, length, state)| {
                    assert!(state < 4);
                    Run { gap, length, state: two_bits::state_of(state) }
                };
                SeatFrame::Diff { from: *from, to: *to, runs: runs.iter().map(run).collect() }
            }
        }
    }
}

fn packed(digits: &str) -> Vec<u8> {
    let states: Vec<_> = digits.bytes().map(|digit| two_bits::state_of(digit - b'0')).collect();
    two_bits::of_states(&states)
}

fn encode(format: Format, frame: &SeatFrame) -> Vec<u8> {
    match frame {
        SeatFrame::Snapshot { epoch, seq, seats, two_bits } => {
            seats::encode_snapshot(format, *epoch, *seq, *seats, two_bits)
        }
        SeatFrame::Diff { from, to, runs } => seats::encode_diff(format, *from, *to, runs),
    }
}

#[test]
fn binary_frames_are_written_and_read_as_the_vectors_say() {
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        hex: String,
        means: Option<Means>,
        invalid: Option<String>,
    }
    for Vector { name, hex, means, invalid } in
        vectors(include_str!("../../tests/vectors/seat-frames.json"))
    {
        let read = seats::decode(Format::Binary, &bytes(&hex));
        match (means, invalid) {
            (Some(means), None) => {
                assert_eq!(read.as_ref(), Ok(&means.frame()), "{name}");
                assert_eq!(encode(Format::Binary, &means.frame()), bytes(&hex), "{name}");
            }
            (None, Some(why)) => assert!(read.is_err(), "{name}: {why}"),
            _ => panic!("{name}: either it means something or it is invalid"),
        }
    }
}

#[test]
fn json_frames_are_written_and_read_as_the_vectors_say() {
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        text: String,
        means: Option<Means>,
        written: Option<bool>,
        invalid: Option<String>,
    }
    for vector in vectors::<Vector>(include_str!("../../tests/vectors/json-frames.json")) {
        let Vector { name, text, means, written, invalid } = vector;
        let read = seats::decode(Format::Json, text.as_bytes());
        match (means, invalid) {
            (Some(means), None) => {
                assert_eq!(read.as_ref(), Ok(&means.frame()), "{name}");
                if written != Some(false) {
                    let ours = encode(Format::Json, &means.frame());
                    assert_eq!(String::from_utf8(ours).unwrap(), text, "{name}");
                }
            }
            (None, Some(why)) => assert!(read.is_err(), "{name}: {why}"),
            _ => panic!("{name}: either it means something or it is invalid"),
        }
    }
}

#[test]
fn sequences_of_frames_lead_where_the_vectors_say() {
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        steps: Vec<Step>,
    }
    #[derive(Deserialize)]
    struct Step {
        hex: String,
        then: String,
        epoch: Option<String>,
        seq: Option<u64>,
        states: Option<String>,
    }
    for Vector { name, steps } in vectors(include_str!("../../tests/vectors/sequences.json")) {
        let mut picture = None;
        for (i, step) in steps.iter().enumerate() {
            let frame = seats::decode(Format::Binary, &bytes(&step.hex)).unwrap();
            let applied = Picture::apply(&mut picture, frame);
            let then = match applied {
                Ok(Applied::Replaced | Applied::Moved) => "applied",
                Ok(Applied::Known) => "ignored",
                Err(_) => "reopen",
            };
            assert_eq!(then, step.then, "{name}, step {i}");
            if applied.is_ok() {
                let seen = picture.as_ref().unwrap();
                assert_eq!(Some(seen.epoch().to_string()), step.epoch, "{name}, step {i}");
                assert_eq!(Some(seen.seq()), step.seq, "{name}, step {i}");
                let states: String = seen.states().map(|state| (state as u8).to_string()).collect();
                assert_eq!(Some(states), step.states, "{name}, step {i}");
            }
        }
    }
}

/// What a request means, as the vectors write it: its members, absent ones left out.
fn meaning(request: &rpc::Request) -> Value {
    let mut means = match &request.method {
        Method::Identify { session } => json!({ "session": session }),
        Method::Hold { seats } => json!({ "seats": seats }),
        Method::HoldBest(wish) | Method::WaitlistJoin(wish) => json!({
            "quantity": wish.quantity, "together": wish.together, "areas": wish.areas,
            "categories": wish.categories, "sections": wish.sections,
        }),
        Method::Change { hold, seats } => json!({ "hold": hold, "seats": seats }),
        Method::WaitlistLeave | Method::WaitlistAccept | Method::WaitlistDecline => json!({}),
        Method::Release { hold } => json!({ "hold": hold }),
        Method::Buy(buy) => json!({
            "hold": buy.hold, "payment": buy.payment, "key": buy.key,
            "customer": buy.customer.as_ref().map(|who| json!({ "name": who.name, "email": who.email })),
        }),
    };
    let members = means.as_object_mut().unwrap();
    members.retain(|_, value| !value.is_null());
    members.insert("method".to_owned(), request.method.name().into());
    members.insert("id".to_owned(), request.id.as_json().into());
    means
}

#[test]
fn requests_are_read_as_the_vectors_say() {
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        ask: String,
        means: Option<Value>,
        fault: Option<Value>,
        ignored: Option<bool>,
    }
    for vector in vectors::<Vector>(include_str!("../../tests/vectors/requests.json")) {
        let Vector { name, ask, means, fault, ignored } = vector;
        match rpc::request::parse(ask.as_bytes()) {
            Ok(Incoming::Request(request)) => {
                assert_eq!(Some(meaning(&request)), means, "{name}");
            }
            Ok(Incoming::Ignored) => assert_eq!(ignored, Some(true), "{name}"),
            Err(faulty) => {
                let id = faulty.id.as_ref().map(|id| id.as_json());
                let ours = json!({ "code": faulty.fault.code(), "id": id });
                assert_eq!(Some(ours), fault, "{name}");
                let answer: Value = serde_json::from_str(&response::faulty(&faulty)).unwrap();
                assert_eq!(answer["error"]["code"], faulty.fault.code(), "{name}");
                assert_eq!(answer["jsonrpc"], "2.0", "{name}");
            }
        }
    }
}

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
            let granted =
                Granted::Identified { session: "secret", holds, orders, waiting: None, now };
            response::granted(&request("1"), &granted)
        }
        "identified while waiting" => {
            let (holds, orders, waiting) = (&[][..], &[][..], Some(&waiting()));
            let granted = Granted::Identified { session: "secret", holds, orders, waiting, now };
            response::granted(&request("1"), &granted)
        }
        "joined the waitlist" => {
            let granted = Granted::Waiting { waiting: &waiting(), seq: 9, now };
            response::granted(&request("6"), &granted)
        }
        "seats kept for those who wait" => {
            refused(Refusal::WaitlistFirst { seats: vec![Seat(12)] })
        }
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
    for Vector { name, of, text } in vectors(include_str!("../../tests/vectors/answers.json")) {
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
