//! Asking: the whole table of methods and refusals, over a socket and over HTTP.
//!
//! A script is acted twice in lockstep, on two shows of one house: once by sockets, once over HTTP.
//! Both answers to a line must be what the script says, and the same but for ids.

mod stage;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Line, NOW};
use crate::open_house::OpenHouse;
use stage::Answer::{Fault, Granted, Refused};
use stage::{Answer, Asked, act};

fn because(reason: &str) -> Answer {
    Refused(json!({ "reason": reason }))
}

fn for_seats(reason: &str, seats: &[u32]) -> Answer {
    Refused(json!({ "reason": reason, "seats": seats }))
}

fn seats(seats: &[u32]) -> Value {
    json!({ "seats": seats })
}

fn payment(card: &str) -> Value {
    json!({"hold": "$hold", "payment": {"method": "test", "card": card}})
}

/// The standard codes come before every refusal.
fn faults() -> Vec<Asked> {
    vec![
        ('a', "waitlist.join", json!({}), Fault(-32602)),
        ('a', "waitlist.join", json!({"quantity": 2, "sections": [1]}), Fault(-32602)),
        ('a', "waitlist.leave", json!([]), Fault(-32602)),
        ('a', "admission.leave", json!({"ticket": 1}), Fault(-32602)),
        ('a', "admission.enter", json!({}), Fault(-32601)),
        ('a', "Hold", seats(&[1]), Fault(-32601)),
        ('a', "hold", json!({}), Fault(-32602)),
        ('a', "hold", json!([[1]]), Fault(-32602)),
        ('a', "hold", json!({"seats": [-1]}), Fault(-32602)),
        ('a', "hold", json!({"seats": [1.5]}), Fault(-32602)),
        ('a', "hold", json!({"seats": "1"}), Fault(-32602)),
        ('a', "hold_best", json!({}), Fault(-32602)),
        ('a', "hold_best", json!({"quantity": "2"}), Fault(-32602)),
        ('a', "hold_best", json!({"quantity": 2, "categories": [1]}), Fault(-32602)),
        ('a', "hold_best", json!({"quantity": 2, "sections": [1]}), Fault(-32602)),
        ('a', "hold_best", json!({"quantity": 2, "areas": [0]}), Fault(-32602)),
        ('a', "hold_best", json!({"quantity": 2, "together": 1}), Fault(-32602)),
        ('a', "buy", json!({"hold": "x"}), Fault(-32602)),
        ('a', "buy", json!({"hold": "x", "payment": {"method": "gold"}}), Fault(-32602)),
        ('a', "buy", json!({"hold": 1, "payment": {"method": "test"}}), Fault(-32602)),
        ('a', "release", json!({}), Fault(-32602)),
        ('a', "identify", json!({"session": 1}), Fault(-32602)),
    ]
}

/// Who asks without having said who they are; then what is wrong with a choice.
fn strangers_and_choices() -> Vec<Asked> {
    vec![
        // Who asks without having said who they are.
        ('a', "hold", seats(&[]), because("not_identified")),
        ('a', "hold_best", json!({"quantity": 0}), because("not_identified")),
        ('a', "change", json!({"hold": "x", "seats": []}), because("not_identified")),
        ('a', "release", json!({"hold": "x"}), because("not_identified")),
        ('a', "waitlist.join", json!({"quantity": 0}), because("not_identified")),
        ('a', "waitlist.leave", json!({}), because("not_identified")),
        ('a', "admission.leave", json!({}), because("not_identified")),
        (
            'a',
            "buy",
            json!({"hold": "x", "payment": {"method": "test"}}),
            because("not_identified"),
        ),
        ('a', "identify", json!({"session": "forged"}), because("bad_session")),
        ('a', "identify", json!({}), Granted(json!({"holds": [], "orders": [], "now": NOW.0}))),
        ('b', "identify", json!({}), Granted(json!({"holds": [], "orders": []}))),
        ('c', "identify", json!({}), Granted(json!({"holds": [], "orders": []}))),
        ('a', "identify", json!({"session": "$a"}), Granted(json!({"session": "the session"}))),
        // What is wrong with a choice, in order.
        ('a', "hold", seats(&[]), because("no_seats_named")),
        ('a', "hold_best", json!({"quantity": 0}), because("no_seats_named")),
        ('a', "hold", seats(&[1, 1, 2, 3, 99]), for_seats("seat_named_twice", &[1])),
        (
            'a',
            "hold",
            seats(&[0, 1, 2, 9, 99]),
            Refused(json!({"reason": "too_many_seats", "max": 4})),
        ),
        (
            'a',
            "hold_best",
            json!({"quantity": 5}),
            Refused(json!({"reason": "too_many_seats", "max": 4})),
        ),
        ('a', "hold", seats(&[9, 10]), for_seats("unknown_seat", &[10])),
        ('a', "hold", seats(&[8, 9]), for_seats("seat_blocked", &[9])),
    ]
}

/// A hold, and what is in its way afterwards.
fn holds() -> Vec<Asked> {
    vec![
        (
            'a',
            "hold",
            seats(&[0, 1]),
            Granted(json!({
                "seq": 2, "now": NOW.0, "hold.seats": [0, 1], "hold.state": "held",
                "hold.expires_at": NOW.0 + 300_000, "hold.total": total(9_000),
            })),
        ),
        ('a', "identify", json!({}), Granted(json!({"holds.0.seats": [0, 1]}))),
        ('a', "hold", seats(&[]), because("already_holding")),
        ('a', "hold_best", json!({"quantity": 2}), because("already_holding")),
        ('b', "hold", seats(&[1, 2]), for_seats("seats_taken", &[1])),
        ('b', "hold", seats(&[1, 9]), for_seats("seat_blocked", &[9])),
        ('b', "release", json!({"hold": "$a"}), because("no_such_hold")),
        ('b', "change", json!({"hold": "$a", "seats": []}), because("no_such_hold")),
        ('b', "buy", json!({"hold": "$a", "payment": {"method": "test"}}), because("no_such_hold")),
        ('b', "release", json!({"hold": "never an id"}), because("no_such_hold")),
        ('a', "change", json!({"hold": "$hold", "seats": []}), because("no_seats_named")),
        (
            'a',
            "change",
            json!({"hold": "$hold", "seats": [1, 10]}),
            for_seats("unknown_seat", &[10]),
        ),
        // Its own seats count as available to a change.
        (
            'a',
            "change",
            json!({"hold": "$hold", "seats": [1, 2]}),
            Granted(json!({
                "seq": 3, "hold.seats": [1, 2], "hold.expires_at": NOW.0 + 300_000,
            })),
        ),
        ('b', "hold", seats(&[0]), Granted(json!({"seq": 4, "hold.total": total(4_500)}))),
        ('b', "release", json!({"hold": "$hold"}), Granted(json!({"seq": 5}))),
        ('b', "release", json!({"hold": "$hold"}), because("no_such_hold")),
    ]
}

/// Who may wait, and what is in the way of those who come after them.
fn waiting() -> Vec<Asked> {
    let party = |quantity: u32| json!({ "quantity": quantity });
    let sold = json!({"hold": "$hold", "payment": {"method": "test"}});
    vec![
        ('a', "identify", json!({}), Granted(json!({"holds": []}))),
        ('b', "identify", json!({}), Granted(json!({}))),
        ('c', "identify", json!({}), Granted(json!({}))),
        ('a', "waitlist.leave", json!({}), Granted(json!({}))),
        ('a', "waitlist.accept", json!({}), because("no_offer")),
        ('a', "waitlist.decline", json!({}), because("no_offer")),
        ('a', "waitlist.join", party(0), because("no_seats_named")),
        ('a', "waitlist.join", party(9), Refused(json!({"reason": "too_many_seats", "max": 8}))),
        ('a', "waitlist.join", party(8), for_seats("not_together", &[])),
        ('a', "waitlist.join", party(2), because("seats_available")),
        ('a', "hold", seats(&[0, 1, 2, 3, 4]), Granted(json!({}))),
        ('a', "waitlist.join", party(2), because("already_holding")),
        ('b', "hold", seats(&[5, 6, 7]), Granted(json!({}))),
        (
            'c',
            "waitlist.join",
            party(2),
            Granted(json!({
                "waiting.quantity": 2, "waiting.position": 1, "waiting.since": NOW.0,
                "waiting.until": NOW.0 + 3_600_000, "now": NOW.0,
            })),
        ),
        ('c', "identify", json!({}), Granted(json!({"waiting.position": 1, "holds": []}))),
        ('c', "waitlist.join", party(1), because("already_waiting")),
        ('c', "hold", seats(&[0]), because("already_waiting")),
        ('c', "hold_best", party(1), because("already_waiting")),
        ('c', "waitlist.accept", json!({}), because("no_offer")),
        // 8 is kept for two: beside it 7 may yet come free.
        ('d', "identify", json!({}), Granted(json!({}))),
        ('d', "hold_best", party(1), for_seats("waitlist_first", &[])),
        ('d', "hold", seats(&[8]), for_seats("waitlist_first", &[8])),
        ('d', "hold", seats(&[0]), for_seats("others_are_holding", &[0])),
        ('d', "hold_best", party(2), for_seats("others_are_holding", &[])),
        ('b', "buy", sold, Granted(json!({"order.seats": [5, 6, 7]}))),
        ('b', "waitlist.join", party(7), for_seats("sold_out", &[])),
        ('d', "hold", seats(&[8]), Granted(json!({"hold.seats": [8]}))),
        ('a', "release", json!({"hold": "$a"}), Granted(json!({}))),
        // Its offer follows in the same turn: whoever is answered in the next finds it.
        ('b', "waitlist.join", party(7), for_seats("sold_out", &[])),
        (
            'c',
            "identify",
            json!({}),
            Granted(json!({
                "waiting.position": 1, "holds.0.state": "offered", "holds.0.seats": [0, 1],
                "holds.0.expires_at": NOW.0 + 120_000,
            })),
        ),
        ('c', "hold", seats(&[2]), because("already_holding")),
        ('c', "waitlist.join", party(2), because("already_holding")),
        (
            'c',
            "waitlist.accept",
            json!({}),
            Granted(json!({
                "hold.state": "held", "hold.seats": [0, 1], "hold.expires_at": NOW.0 + 300_000,
            })),
        ),
        ('c', "waitlist.accept", json!({}), because("no_offer")),
    ]
}

/// A purchase, declined and approved and asked for again; and another, until all is sold.
fn purchases() -> Vec<Asked> {
    vec![
        (
            'a',
            "buy",
            payment("declined"),
            Refused(json!({"reason": "payment_declined", "code": "card_declined"})),
        ),
        (
            'a',
            "identify",
            json!({}),
            Granted(json!({
                "holds.0.seats": [1, 2], "holds.0.state": "held", "orders": [],
            })),
        ),
        (
            'a',
            "buy",
            payment("approved"),
            Granted(json!({
                "order.seats": [1, 2], "order.total": total(9_000), "order.bought_at": NOW.0,
                "order.show": "the show", "now": NOW.0,
            })),
        ),
        ('a', "buy", payment("approved"), Granted(json!({"order.seats": [1, 2]}))),
        ('a', "buy", payment("declined"), Granted(json!({"order.seats": [1, 2]}))),
        ('b', "buy", json!({"hold": "$a", "payment": {"method": "test"}}), because("no_such_hold")),
        ('a', "identify", json!({}), Granted(json!({"holds": [], "orders.0.seats": [1, 2]}))),
        ('b', "hold", seats(&[2, 3]), for_seats("seats_taken", &[2])),
        // A second purchase may follow the first. Left are 0, 3, 4 and 5 to 8.
        (
            'a',
            "hold_best",
            json!({"quantity": 4, "categories": [0], "sections": [0]}),
            Granted(json!({"hold.seats": [5, 6, 7, 8]})),
        ),
        ('b', "hold_best", json!({"quantity": 3}), for_seats("not_together", &[])),
        ('b', "hold_best", json!({"quantity": 4}), for_seats("others_are_holding", &[])),
        ('b', "hold", seats(&[5, 6, 7, 8]), for_seats("others_are_holding", &[5, 6, 7, 8])),
        (
            'b',
            "hold_best",
            json!({"quantity": 3, "together": false}),
            Granted(json!({"hold.seats": [0, 3, 4]})),
        ),
        ('a', "buy", payment("approved"), Granted(json!({"order.seats": [5, 6, 7, 8]}))),
        (
            'c',
            "hold_best",
            json!({"quantity": 3, "together": false}),
            for_seats("others_are_holding", &[]),
        ),
        ('c', "hold", seats(&[5]), for_seats("others_are_holding", &[5])),
        ('b', "buy", payment("approved"), Granted(json!({"order.total": total(13_500)}))),
        ('c', "hold", seats(&[5]), for_seats("sold_out", &[5])),
        ('c', "hold_best", json!({"quantity": 1}), for_seats("sold_out", &[])),
    ]
}

fn total(amount: u64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

#[tokio::test]
async fn every_method_and_refusal_is_the_same_over_a_socket_and_over_http() {
    let house = OpenHouse::start_at(NOW).await;
    let script = [faults(), strangers_and_choices(), holds(), purchases()].into_iter().flatten();
    act(&house, json!({"seats_max": 4}), script.collect()).await;
}

#[tokio::test]
async fn who_waits_is_answered_the_same_over_a_socket_and_over_http() {
    let house = OpenHouse::start_at(NOW).await;
    act(&house, json!({"seats_max": 8}), waiting()).await;
}

#[tokio::test]
async fn a_single_seat_is_left_alone_only_where_the_show_allows_it() {
    let house = OpenHouse::start_at(NOW).await;
    let script: Vec<Asked> = vec![
        ('a', "identify", json!({}), Granted(json!({}))),
        ('a', "hold", seats(&[1, 2]), for_seats("orphan_seat", &[0])),
        ('a', "hold", seats(&[0, 1]), Granted(json!({}))),
        ('a', "change", json!({"hold": "$hold", "seats": [1, 2]}), for_seats("orphan_seat", &[0])),
    ];
    act(&house, json!({"orphans": "forbid"}), script).await;
}

#[tokio::test]
async fn a_purchase_repeated_with_its_key_is_the_same_order_over_any_road() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let (mut line, token) = Line::identified(&house, &show, None).await;
    let held = line.granted("hold", json!({"seats": [0]})).await;
    let params = json!({"hold": held["hold"]["id"], "key": "order 66",
                        "payment": {"method": "test"},
                        "customer": {"name": "Ada", "email": "ada@example.org"}});
    let bought = line.granted("buy", params.clone()).await;
    let again = line.granted("buy", params.clone()).await;
    assert_eq!((&again["order"], &again["seq"]), (&bought["order"], &bought["seq"]));
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "buy", "params": params});
    let by_http = house.rpc(&show, Some(&token), &request).await;
    assert_eq!(by_http["result"]["order"], bought["order"]);
    let (mut other, _) = Line::identified(&house, &show, Some(&token)).await;
    assert_eq!(other.granted("buy", params).await["order"], bought["order"]);
    let head: Value =
        house.get(&format!("/v1/shows/{show}/head")).await.json().await.expect("JSON");
    assert_eq!(bought["order"]["head"], head, "nothing was added to the log since");
}

/// What is no request at all: its text, the code, and the id of the answer.
const NO_REQUESTS: [(&str, i64, &str); 19] = [
    ("", -32700, "null"),
    ("{", -32700, "null"),
    ("{]}", -32700, "null"),
    ("nothing", -32700, "null"),
    ("[]", -32600, "null"),
    (r#"[{"jsonrpc":"2.0","id":1,"method":"identify"}]"#, -32600, "null"),
    ("17", -32600, "null"),
    ("null", -32600, "null"),
    ("{}", -32600, "null"),
    (r#"{"jsonrpc":"2.0","id":null,"method":"identify"}"#, -32600, "null"),
    (r#"{"jsonrpc":"2.0","id":[1],"method":"identify"}"#, -32600, "null"),
    (r#"{"jsonrpc":"2.0","id":true,"method":"identify"}"#, -32600, "null"),
    (r#"{"jsonrpc":"1.0","id":7,"method":"identify"}"#, -32600, "7"),
    (r#"{"id":"x","method":"identify"}"#, -32600, "\"x\""),
    (r#"{"jsonrpc":"2.0","id":8}"#, -32600, "8"),
    (r#"{"jsonrpc":"2.0","id":9,"method":5}"#, -32600, "9"),
    (r#"{"jsonrpc":"2.0","id":1.50,"method":"no.such"}"#, -32601, "1.50"),
    (r#"{"jsonrpc":"2.0","id":"a\u0062","method":"hold","params":[1]}"#, -32602, r#""a\u0062""#),
    (r#"{"jsonrpc":"2.0","id":2,"method":"identify","params":null}"#, -32602, "2"),
];

#[tokio::test]
async fn what_is_no_request_is_answered_in_kind_and_the_id_comes_back_as_it_was_written() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    for (text, code, id) in NO_REQUESTS {
        let mut line = Line::open(&house, &show, None).await;
        line.say(text).await;
        let over_socket = line.response().await;
        assert_eq!(over_socket["error"]["code"], code, "{text}: {over_socket}");
        line.granted("identify", json!({})).await;

        let path = format!("/v1/shows/{show}/rpc");
        let over_http = house.request(Method::POST, &path).body(text);
        let over_http = over_http.send().await.expect("an answer");
        let status = if matches!(code, -32700 | -32600) { 400 } else { 200 };
        assert_eq!(over_http.status(), status, "{text}");
        let over_http = over_http.text().await.expect("text");
        assert!(over_http.contains(&format!("\"id\":{id},")), "{text}: {over_http}");
        let over_http: Value = serde_json::from_str(&over_http).expect("JSON");
        assert_eq!(over_http, over_socket, "{text}");
    }
}

#[tokio::test]
async fn a_message_without_an_id_is_neither_acted_on_nor_answered() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let (mut line, _) = Line::identified(&house, &show, None).await;
    line.say(r#"{"jsonrpc":"2.0","method":"hold","params":{"seats":[1]}}"#).await;
    line.say(r#"{"jsonrpc":"2.0","method":"no.such"}"#).await;
    // `ask` fails on an answer to anything but itself.
    let known = line.granted("identify", json!({})).await;
    assert_eq!(known["holds"], json!([]));
}

#[tokio::test]
async fn absent_params_are_empty_and_unknown_members_are_ignored() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let mut line = Line::open(&house, &show, None).await;
    line.say(r#"{"jsonrpc":"2.0","id":"first","method":"identify"}"#).await;
    let answer = line.response().await;
    assert_eq!(answer["id"], "first");
    assert!(answer["result"]["session"].is_string(), "{answer}");
    let params = json!({"seats": [1], "colour": "red", "deep": {"er": [null]}});
    line.granted("hold", params).await;
}

#[tokio::test]
async fn many_requests_under_way_are_answered_in_the_order_asked() {
    let house = OpenHouse::start_with(crate::open_house::for_quick_buyers).await;
    let show = house.a_show().await;
    let (mut line, _) = Line::identified(&house, &show, None).await;
    for id in 100..140 {
        let method = if id % 3 == 0 { "identify" } else { "hold_best" };
        let request =
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"quantity": 1}});
        line.say(request.to_string()).await;
    }
    for id in 100..140 {
        assert_eq!(line.response().await["id"], id);
    }
}

#[tokio::test]
async fn what_is_faulty_is_a_fault_before_it_is_refused_for_anything() {
    let house = OpenHouse::start_at(NOW).await.restart_with_usual_limits().await;
    let show = house.a_show().await;
    let beyond = json!({"quantity": 1, "categories": [7]});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "hold_best", "params": beyond});
    let by_a_stranger = house.rpc(&show, Some("forged"), &request).await;
    assert_eq!(by_a_stranger["error"]["code"], -32602, "{by_a_stranger}");
    // The clock stands: after the burst of thirty everything is too fast.
    let (mut line, _) = Line::identified(&house, &show, None).await;
    for _ in 1..30 {
        line.granted("identify", json!({})).await;
    }
    assert_eq!(line.refused("identify", json!({})).await["reason"], "too_fast");
    let in_a_hurry = line.ask("hold_best", beyond).await;
    assert_eq!(in_a_hurry["error"]["code"], -32602, "{in_a_hurry}");
}
