//! A waiting room with a thousand numbers, some called, some with passes: what there is to see of it before the
//! program is killed, and that it is the same afterwards.

use serde_json::{Value, json};
use usher::client::{Buyer, Notice};
use usher::protocol::seats::Format;
use usher::show::{ShowId, Time};

use crate::program::Program;

const NUMBERS: u64 = 1_000;
/// How many pick at once.
const PICKING: u64 = 20;
/// How many of the first leave again, so that as many more are called.
const LEAVING: u64 = 5;
/// The one of those called who has a socket, and is let in.
const HERE: u64 = 23;
/// Longer than any test.
const HOUR_MS: u64 = 3_600_000;

/// What somebody in it keeps.
struct Person {
    session: Value,
    ticket: Value,
    /// When their pass ends, if they have one.
    until: Option<u64>,
}

/// The waiting room.
pub(super) struct FullRoom {
    show: ShowId,
    /// Number 1 first.
    people: Vec<Person>,
    /// What everybody may see of it.
    seen: Value,
}

impl FullRoom {
    /// A show of a program, with a thousand numbers.
    pub(super) async fn fill(program: &Program) -> Self {
        let admission = json!({"picking_max": PICKING, "pass_ms": HOUR_MS, "call_ms": HOUR_MS});
        let show = program.a_show(100, json!({ "admission": admission })).await;
        let mut room = Self { show, people: Vec::new(), seen: Value::Null };
        let mut here = None;
        for number in 1..=NUMBERS {
            let told = if number == HERE {
                let house = program.house();
                let socket = Buyer::connect(&house, &room.show, Format::Json, None).await;
                let socket = here.insert(socket.expect("a socket"));
                socket.call("identify", &json!({})).await.expect("identified")
            } else {
                room.asks(program, None, "identify", json!({})).await
            };
            let admission = &told["admission"];
            assert_eq!(admission["number"], number, "{told}");
            let state = if number <= PICKING { "admitted" } else { "waiting" };
            assert_eq!(admission["state"], state, "{told}");
            let until = admission["until"].as_u64();
            let (session, ticket) = (told["session"].clone(), admission["ticket"].clone());
            room.people.push(Person { session, ticket, until });
        }
        for number in 1..=LEAVING {
            room.leaves(program, number).await;
        }
        let mut here = here.expect("somebody with a socket");
        let (ticket, Time(until)) = loop {
            let notice = here.notice().await.expect("they are let in");
            if let Notice::AdmissionOpen { ticket, until, .. } = notice {
                break (ticket, until);
            }
        };
        let let_in = &mut room.people[HERE as usize - 1];
        (let_in.ticket, let_in.until) = (ticket.into(), Some(until));
        room.seen = room.to_be_seen(program).await;
        assert_eq!(room.seen["numbers"], NUMBERS);
        assert_eq!(room.seen["serving"], PICKING + LEAVING);
        room
    }

    /// The same numbers, the same passes until the same time, the same calls, and the next is the next.
    pub(super) async fn is_as_it_was(&self, program: &Program) {
        assert_eq!(self.to_be_seen(program).await, self.seen);
        let latest = self.people.iter().filter_map(|person| person.until).max();
        for (number, person) in (1..).zip(&self.people).skip(LEAVING as usize) {
            let params = json!({"session": person.session, "ticket": person.ticket});
            let told = self.asks(program, None, "identify", params).await;
            let admission = &told["admission"];
            assert_eq!(admission["number"], number, "{told}");
            let was_called = number <= PICKING + LEAVING;
            let state = if was_called { "admitted" } else { "waiting" };
            assert_eq!(admission["state"], state, "{told}");
            let until = admission["until"].as_u64();
            match person.until {
                Some(_) => assert_eq!(until, person.until, "{told}"),
                None if was_called => assert!(until > latest, "they come only now: {told}"),
                None => assert_eq!(admission["serving"], PICKING + LEAVING, "{told}"),
            }
        }
        self.leaves(program, PICKING).await;
        let serving = &self.to_be_seen(program).await["serving"];
        assert_eq!(*serving, PICKING + LEAVING + 1, "and it goes on");
    }

    async fn leaves(&self, program: &Program, number: u64) {
        let Person { session, ticket, .. } = &self.people[number as usize - 1];
        let token = session.as_str();
        let params = json!({ "ticket": ticket });
        self.asks(program, token, "admission.leave", params.clone()).await;
        // What follows from it is there for whoever is answered next.
        self.asks(program, token, "admission.leave", params).await;
    }

    /// Without a socket: whoever has none is not here when they are called.
    async fn asks(
        &self,
        program: &Program,
        token: Option<&str>,
        method: &str,
        params: Value,
    ) -> Value {
        let asked = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let url = format!("{}v1/shows/{}/rpc", program.address(), self.show);
        let mut request = reqwest::Client::new().post(url).body(asked.to_string());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("an answer");
        let mut answer: Value = answer.json().await.expect("JSON");
        assert!(answer["result"].is_object(), "{method}: {answer}");
        answer["result"].take()
    }

    /// What everybody may see, but for the clock and how fast it went lately.
    async fn to_be_seen(&self, program: &Program) -> Value {
        let url = format!("{}v1/shows/{}/admission", program.address(), self.show);
        let mut seen: Value =
            reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
        for of_the_moment in ["now", "per_minute"] {
            seen.as_object_mut().expect("an object").remove(of_the_moment);
        }
        seen
    }
}
