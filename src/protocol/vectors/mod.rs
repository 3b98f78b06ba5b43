//! Holds the encoders and decoders to `tests/vectors`, the files that other clients' authors run
//! theirs against. The vectors were written by another program, so that they can disagree.

mod answers;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::picture::{Applied, Picture};
use super::rpc::response;
use super::rpc::{self, Incoming, Method};
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
        vectors(include_str!("../../../tests/vectors/seat-frames.json"))
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
    for vector in vectors::<Vector>(include_str!("../../../tests/vectors/json-frames.json")) {
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
    for Vector { name, steps } in vectors(include_str!("../../../tests/vectors/sequences.json")) {
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
        Method::Identify { session, ticket } => json!({ "session": session, "ticket": ticket }),
        Method::Hold { seats } => json!({ "seats": seats }),
        Method::HoldBest(wish) | Method::WaitlistJoin(wish) => json!({
            "quantity": wish.quantity, "together": wish.together, "areas": wish.areas,
            "categories": wish.categories, "sections": wish.sections,
        }),
        Method::Change { hold, seats } => json!({ "hold": hold, "seats": seats }),
        Method::WaitlistLeave
        | Method::WaitlistAccept
        | Method::WaitlistDecline
        | Method::AdmissionLeave => json!({}),
        Method::Release { hold } => json!({ "hold": hold }),
        Method::Buy(buy) => json!({
            "hold": buy.hold, "payment": buy.payment, "key": buy.key,
            "customer": buy.customer.as_ref().map(|who| json!({ "name": who.name, "email": who.email })),
        }),
    };
    let members = means.as_object_mut().unwrap();
    if let Some(ticket) = &request.ticket {
        members.insert("ticket".to_owned(), ticket.as_str().into());
    }
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
    for vector in vectors::<Vector>(include_str!("../../../tests/vectors/requests.json")) {
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
