//! The doors: what the house answers over HTTP, to those who ask well and those who do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, ORIGIN, RETRY_AFTER,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use usher::log::memory::MemoryLog;
use usher::log::{
    Answer, AppendError, Appended, CreateError, Genesis, Hearing, Known, Lives, Log, ReadError,
    Recorded, Snapshot, StreamId,
};
use usher::web::Standing;

use crate::open_house::{KEY, OpenHouse, new_show, small_plan};

async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["status"], status);
    for member in ["type", "title", "detail"] {
        assert!(body[member].is_string(), "{body} has no {member}");
    }
    body
}

fn hold(seats: &[u32]) -> Value {
    json!({"jsonrpc": "2.0", "id": 2, "method": "hold", "params": {"seats": seats}})
}

#[tokio::test]
async fn a_plan_becomes_a_hall_a_show_and_a_layout() {
    let house = OpenHouse::start().await;
    let hall = house.post("/v1/halls?name=Small+Hall", &small_plan()).await;
    assert_eq!(hall.status(), 201);
    let hall: Value = hall.json().await.expect("JSON");
    assert_eq!(hall["hall"], "small-hall");
    assert_eq!(hall["name"], "Small Hall");
    assert_eq!(hall["seats"], 10);
    assert!(hall["warnings"].is_array());

    let show = house.post("/v1/shows", &new_show(&hall["hall"])).await;
    assert_eq!(show.status(), 201);
    let show: Value = show.json().await.expect("JSON");
    let id = show["id"].as_str().expect("a name");
    assert_eq!(show["available"], 10);
    assert_eq!(show["policy"]["hold_ms"], 300_000);

    let listed: Value = house.get("/v1/shows").await.json().await.expect("JSON");
    assert_eq!(listed, json!({"shows": [show]}));
    let one: Value = house.get(&format!("/v1/shows/{id}")).await.json().await.expect("JSON");
    assert_eq!(one, show);

    let layout: Value =
        house.get(&format!("/v1/shows/{id}/layout")).await.json().await.expect("JSON");
    assert_eq!(layout["show"], *id);
    assert_eq!(layout["seats"], 10);
    assert_eq!(layout["categories"][0]["price"], 4500);
    let rows = layout["sections"][0]["rows"].as_array().expect("rows");
    assert_eq!(rows[1]["first"], 5);
    assert_eq!(rows[1]["seats"][0][0], "1");
    let head: Value = house.get(&format!("/v1/shows/{id}/head")).await.json().await.expect("JSON");
    assert_eq!(layout["epoch"], head["epoch"]);
    assert_eq!(head["seq"], 0);
}

#[tokio::test]
async fn a_waiting_room_is_made_with_its_show_and_everybody_may_look_at_it() {
    let house = OpenHouse::start().await;
    let plain = house.a_show().await;
    problem(house.get(&format!("/v1/shows/{plain}/admission")).await, 404).await;
    problem(house.get("/v1/shows/nothing/admission").await, 404).await;
    let hall: Value = house.get(&format!("/v1/shows/{plain}")).await.json().await.expect("JSON");
    let mut wanted = new_show(&hall["hall"]);
    let starts_at = wanted["starts_at"].as_u64().expect("a time");

    wanted["policy"] = json!({"admission": {"picking_max": 3, "pass_ms": 600_000}});
    let open: Value = house.post("/v1/shows", &wanted).await.json().await.expect("JSON");
    let policy = json!({"picking_max": 3, "pass_ms": 600_000, "call_ms": 60_000});
    assert_eq!(open["policy"]["admission"], policy);
    let path = format!("/v1/shows/{}/admission", open["id"].as_str().expect("a name"));
    let answer = house.get(&path).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let mut standing: Value = answer.json().await.expect("JSON");
    assert!(standing["now"].take().is_u64());
    let expected =
        json!({"serving": 0, "numbers": 0, "arrivals": 0, "picking_max": 3, "now": null});
    assert_eq!(standing, expected);

    wanted["policy"]["admission"]["doors_at"] = json!(starts_at - 1);
    let doors: Value = house.post("/v1/shows", &wanted).await.json().await.expect("JSON");
    let commitment = doors["policy"]["admission"]["commitment"].as_str().expect("it is published");
    let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    assert!(commitment.len() == 64 && commitment.bytes().all(is_digit), "{commitment}");
    let id = doors["id"].as_str().expect("a name");
    let one: Value = house.get(&format!("/v1/shows/{id}")).await.json().await.expect("JSON");
    assert_eq!(one, doors);
    let listed = house.get("/v1/shows").await.text().await.expect("a list");
    assert!(listed.contains(commitment), "{listed}");
    let standing = house.get(&format!("/v1/shows/{id}/admission")).await;
    let standing: Value = standing.json().await.expect("JSON");
    assert_eq!(standing["doors_at"], starts_at - 1);
    assert_eq!(standing["commitment"], commitment);
    assert_eq!(standing.get("drawn"), None);
    for said in [one.to_string(), listed, standing.to_string()] {
        assert!(!said.contains("secret"), "before the doors open the secret is nobody's: {said}");
    }

    wanted["policy"]["admission"] = json!({"picking_max": 0, "pass_ms": 1, "doors_at": starts_at});
    let said = problem(house.post("/v1/shows", &wanted).await, 422).await;
    assert_eq!(said["faults"][0]["path"], "/policy/admission/picking_max");
    wanted["policy"]["admission"]["picking_max"] = json!(1);
    let said = problem(house.post("/v1/shows", &wanted).await, 422).await;
    assert_eq!(said["faults"][0]["path"], "/policy/admission/doors_at");
}

#[tokio::test]
async fn a_layout_is_sent_once() {
    let house = OpenHouse::start().await;
    let path = format!("/v1/shows/{}/layout", house.a_show().await);
    let etag = house.get(&path).await.headers()[ETAG].clone();
    let again = house.request(Method::GET, &path).header(IF_NONE_MATCH, etag);
    let again = again.send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.bytes().await.expect("a body").len(), 0);
}

#[tokio::test]
async fn the_box_office_is_closed_to_who_has_no_key_and_to_who_has_a_wrong_one() {
    let house = OpenHouse::start().await;
    for path in ["/v1/halls", "/v1/shows", "/v1/shows/any/block", "/v1/shows/any/unblock"] {
        let nobody = house.request(Method::POST, path).body("{}").send().await.expect("an answer");
        assert!(nobody.headers().contains_key("www-authenticate"));
        problem(nobody, 401).await;
        let wrong = house.request(Method::POST, path).bearer_auth(format!("{KEY}x")).body("{}");
        problem(wrong.send().await.expect("an answer"), 403).await;
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_where_it_is_wrong() {
    let house = OpenHouse::start().await;
    for name in ["", "%FF", "a%0Ab", &"x".repeat(300)] {
        let said = house.post(&format!("/v1/halls?name={name}"), &small_plan()).await;
        let said = problem(said, 422).await;
        assert_eq!(said["faults"][0]["path"], "");
        assert!(said["faults"][0]["message"].as_str().is_some_and(|text| text.contains("name")));
    }
    let not_json =
        house.request(Method::POST, "/v1/halls").bearer_auth(KEY).body("{\n\"zones\": [");
    let said = problem(not_json.send().await.expect("an answer"), 422).await;
    assert_eq!(said["faults"][0]["path"], "");
    assert!(said["faults"][0]["message"].as_str().is_some_and(|text| text.contains("line 2")));

    let show = house.a_show().await;
    let hall: Value = house.get(&format!("/v1/shows/{show}")).await.json().await.expect("JSON");
    let mut wanted = new_show(&hall["hall"]);
    wanted["prices"] = json!({"Balcony": 1});
    wanted["policy"] = json!({"hold": 1});
    let said = problem(house.post("/v1/shows", &wanted).await, 422).await;
    assert_eq!(said["faults"][0]["path"], "/policy/hold");
    wanted["policy"] = json!({});
    let said = problem(house.post("/v1/shows", &wanted).await, 422).await;
    assert_eq!(said["faults"][0]["path"], "/prices");
    assert_eq!(said["faults"][1]["path"], "/prices/Balcony");
}

#[tokio::test]
async fn seats_are_taken_off_sale_and_put_back_unless_somebody_has_them() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let (block, unblock) = (format!("/v1/shows/{show}/block"), format!("/v1/shows/{show}/unblock"));

    let done = house.post(&block, &json!({"seats": [0, 1]})).await;
    assert_eq!(done.status(), 200);
    let done: Value = done.json().await.expect("JSON");
    assert_eq!(done["seq"], 1);
    let again: Value = house.post(&block, &json!({"seats": [1]})).await.json().await.expect("JSON");
    assert_eq!(again["seq"], 1, "already so: nothing happens");

    let said = problem(house.post(&block, &json!({"seats": [3, 10]})).await, 422).await;
    assert_eq!(said["faults"][0]["path"], "/seats/1");
    let token = house.identify(&show).await;
    let held = house.rpc(&show, Some(&token), &hold(&[4])).await;
    assert!(held["result"]["hold"].is_object(), "{held}");
    let said = problem(house.post(&block, &json!({"seats": [4, 5]})).await, 409).await;
    assert_eq!(said["seats"], json!([4]));

    let listed: Value = house.get(&format!("/v1/shows/{show}")).await.json().await.expect("JSON");
    assert_eq!(listed["available"], 7);
    assert_eq!(house.post(&unblock, &json!({"seats": [0, 1]})).await.status(), 200);
}

#[tokio::test]
async fn a_long_poll_hears_of_a_hold_at_once() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let token = house.identify(&show).await;
    let seats = format!("/v1/shows/{show}/seats");
    let first: Value = house.get(&seats).await.json().await.expect("JSON");
    let since = format!("{}.{}", first["epoch"].as_str().expect("text"), first["seq"]);
    assert_eq!(house.get(&format!("{seats}?since={since}")).await.status(), 204, "nothing yet");

    let began = Instant::now();
    let asking = hold(&[3]);
    let path = format!("{seats}?since={since}&wait=25");
    let (news, held) = tokio::join!(house.get(&path), house.rpc(&show, Some(&token), &asking));
    assert_eq!(news.status(), 200);
    let news: Value = news.json().await.expect("JSON");
    assert_eq!(news["to"], held["result"]["seq"]);
    assert_eq!(news["runs"], json!([[3, 1, 1]]));
    assert!(began.elapsed() < Duration::from_secs(20), "it waited to the end");

    let binary = house.request(Method::GET, &seats).header(ACCEPT, "application/octet-stream");
    let binary = binary.send().await.expect("an answer").bytes().await.expect("a body");
    assert_eq!(binary[0], 1, "a snapshot");
    let epoch = first["epoch"].as_str().expect("text");
    let future = format!("{epoch}.99");
    for unusable in ["1", "x.y", "1.0", &future] {
        let answer = house.get(&format!("{seats}?since={unusable}&wait=25")).await;
        assert_eq!(answer.status(), 200, "{unusable}");
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer["epoch"], epoch, "{unusable}: not a snapshot");
    }
    problem(house.get(&format!("{seats}?wait=soon")).await, 400).await;
    assert_eq!(house.get(&format!("{seats}?wait=26")).await.status(), 200);
}

#[tokio::test]
async fn rpc_has_the_statuses_of_its_faults() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let ask = async |body: String| {
        let path = format!("/v1/shows/{show}/rpc");
        house.request(Method::POST, &path).body(body).send().await.expect("an answer")
    };
    assert_eq!(ask("{".into()).await.status(), 400);
    assert_eq!(ask("[]".into()).await.status(), 400);
    assert_eq!(ask(r#"{"jsonrpc":"2.0","method":"identify"}"#.into()).await.status(), 204);
    problem(ask(" ".repeat(4097)).await, 413).await;
    let unknown = ask(r#"{"jsonrpc":"2.0","id":1,"method":"admission.enter"}"#.into()).await;
    assert_eq!(unknown.status(), 200);
    let unknown: Value = unknown.json().await.expect("JSON");
    assert_eq!(unknown["error"]["code"], -32601);
    let stranger = house.rpc(&show, None, &hold(&[1])).await;
    assert_eq!(stranger["error"]["data"]["reason"], "not_identified");
    let forged = house.rpc(&show, Some("forged"), &hold(&[1])).await;
    assert_eq!(forged["error"]["data"]["reason"], "bad_session");
}

#[tokio::test]
async fn an_address_asks_only_so_fast_over_http_whatever_it_says_it_is() {
    let slow = |limits: &mut usher::config::Limits| {
        (limits.http_messages_per_second, limits.http_messages_burst) = (1, 3);
    };
    let house = OpenHouse::start_with(|settings| slow(&mut settings.limits)).await;
    let show = house.a_show().await;
    let token = house.identify(&show).await;
    let ignored = house.request(Method::POST, &format!("/v1/shows/{show}/rpc"));
    let ignored = ignored.body(r#"{"jsonrpc":"2.0","method":"identify"}"#).send().await;
    assert_eq!(ignored.expect("an answer").status(), 204, "counted all the same");
    // Within the second that brings one message more, a few are refused whoever asks.
    let mut refusals = Vec::new();
    for bearer in [None, Some("forged"), Some("forged"), Some(token.as_str()), None] {
        let answer = house.rpc(&show, bearer, &hold(&[1])).await;
        let data = &answer["error"]["data"];
        if data["reason"] == "too_fast" {
            assert!(data["retry_after_ms"].as_u64().is_some_and(|ms| ms <= 1_000), "{data}");
            refusals.push(bearer);
        }
    }
    assert!(refusals.contains(&Some("forged")), "{refusals:?}");
}

#[tokio::test]
async fn a_strangers_page_may_not_speak_for_its_visitor() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    for (method, path) in [(Method::GET, "seats"), (Method::POST, "rpc")] {
        let path = format!("/v1/shows/{show}/{path}");
        let asking = house.request(method.clone(), &path).header(ORIGIN, "https://evil.test");
        problem(asking.send().await.expect("an answer"), 403).await;
        let own = format!("http://{}", house.address());
        let asking = house.request(method, &path).header(ORIGIN, own);
        assert_ne!(asking.send().await.expect("an answer").status(), 403);
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_and_tells_nothing() {
    let house = OpenHouse::start().await;
    problem(house.get("/nowhere").await, 404).await;
    for path in ["", "/head", "/layout", "/seats", "/live"] {
        problem(house.get(&format!("/v1/shows/no-such-show{path}")).await, 404).await;
    }
    for path in ["", "/head", "/layout", "/seats", "/live"] {
        problem(house.get(&format!("/v1/shows/%FF{path}")).await, 404).await;
    }
    for path in ["/rpc", "/block", "/unblock"] {
        problem(house.post(&format!("/v1/shows/%FF{path}"), &json!({})).await, 404).await;
    }
    let put = house.request(Method::PUT, "/v1/shows").send().await.expect("an answer");
    assert!(put.headers().contains_key("allow"));
    problem(put, 405).await;
    problem(house.get("/v1/shows?limit=0").await, 400).await;
    problem(house.get("/v1/shows?cursor=x").await, 400).await;
}

#[tokio::test]
async fn a_show_that_is_on_but_not_open_is_for_later_and_not_unknown() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    house.rooms().offices.stop().await;
    for standing in [Standing::Open, Standing::Draining] {
        house.rooms().door.set(standing);
        for path in ["", "/head", "/layout", "/seats", "/live"] {
            let later = house.get(&format!("/v1/shows/{show}{path}")).await;
            assert!(later.headers().contains_key(RETRY_AFTER), "{path}");
            problem(later, 503).await;
        }
        problem(house.get("/v1/shows/no-such-show").await, 404).await;
    }
    problem(house.get("/v1/shows").await, 503).await;
}

#[tokio::test]
async fn every_answer_makes_browsers_careful() {
    let house = OpenHouse::start().await;
    for path in ["/", "/v1/shows", "/nowhere", "/healthz"] {
        let answer = house.get(path).await;
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn operators_can_ask_how_it_is() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let token = house.identify(&show).await;
    house.rpc(&show, Some(&token), &hold(&[1])).await;
    house.rpc(&show, Some(&token), &hold(&[1])).await;
    assert_eq!(house.get("/healthz").await.status(), 200);
    assert_eq!(house.get("/readyz").await.status(), 200);
    let metrics = house.get("/metrics").await.text().await.expect("text");
    for line in [
        "usher_shows_open 1",
        "usher_holds_total 1",
        "usher_refusals_total{reason=\"already_holding\"} 1",
        "usher_append_seconds_bucket{le=\"+Inf\"} 1",
        "usher_sockets 0",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|has| has == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn what_was_done_is_there_after_a_restart() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let token = house.identify(&show).await;
    house.rpc(&show, Some(&token), &hold(&[2, 3])).await;
    let head: Value =
        house.get(&format!("/v1/shows/{show}/head")).await.json().await.expect("JSON");

    let house = house.restart().await;
    let again: Value =
        house.get(&format!("/v1/shows/{show}/head")).await.json().await.expect("JSON");
    assert_eq!(again, head);
    let identify = json!({"jsonrpc": "2.0", "id": 1, "method": "identify"});
    let known = house.rpc(&show, Some(&token), &identify).await;
    assert_eq!(known["result"]["session"], token);
    assert_eq!(known["result"]["holds"][0]["seats"], json!([2, 3]));
}

/// Asks for an upgrade by hand; gives the status, and the stream after the head.
async fn upgrade(house: &OpenHouse, path: &str, headers: &str) -> (u16, String, TcpStream) {
    let mut stream = TcpStream::connect(house.address()).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: usher.test\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8(head).expect("text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), head.to_ascii_lowercase(), stream)
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_socket_is_opened_only_to_who_asks_as_the_protocol_says() {
    let house = OpenHouse::start().await;
    let live = format!("/v1/shows/{}/live", house.a_show().await);
    let (status, head, _) = upgrade(&house, &live, "").await;
    assert_eq!(status, 426);
    assert!(head.contains("upgrade: websocket"), "{head}");
    let evil = format!("{UPGRADE}Origin: https://evil.test\r\n");
    assert_eq!(upgrade(&house, &live, &evil).await.0, 403);
    let (status, head, _) = upgrade(&house, &live, &UPGRADE.replace("13", "8")).await;
    assert_eq!(status, 426);
    assert!(head.contains("sec-websocket-version: 13"), "{head}");
    assert_eq!(upgrade(&house, &live, &UPGRADE.replace("dGhl", "")).await.0, 400);
    assert_eq!(upgrade(&house, "/v1/shows/none/live", UPGRADE).await.0, 404);

    let both = format!("{UPGRADE}Sec-WebSocket-Protocol: other, usher.v1\r\n");
    let (status, head, mut stream) = upgrade(&house, &format!("{live}?since=junk"), &both).await;
    assert_eq!(status, 101);
    // The proof that RFC 6455 gives for its own example key.
    assert!(head.contains(&"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_ascii_lowercase()), "{head}");
    assert!(head.contains("sec-websocket-protocol: usher.v1\r\n"), "{head}");
    assert!(!head.contains("extensions"), "{head}");
    let mut frame = [0; 3];
    stream.read_exact(&mut frame).await.expect("the first seat frame");
    assert_eq!((frame[0], frame[2]), (0x82, 1), "a binary message, a snapshot");
}

#[tokio::test]
async fn one_address_has_only_so_many_sockets() {
    let house = OpenHouse::start_with(|s| s.limits.sockets_per_address_max = 1).await;
    let live = format!("/v1/shows/{}/live", house.a_show().await);
    let first = upgrade(&house, &live, UPGRADE).await;
    assert_eq!(first.0, 101);
    let (status, _, mut second) = upgrade(&house, &live, UPGRADE).await;
    assert_eq!(status, 101, "only a close code can tell a page why");
    let mut close = [0; 4];
    second.read_exact(&mut close).await.expect("a close frame");
    assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (0x88, 4009));
}

#[tokio::test]
async fn in_a_rush_some_are_asked_to_come_back() {
    let house = OpenHouse::start_with(|s| s.limits.upgrades_per_second = 1).await;
    let live = format!("/v1/shows/{}/live", house.a_show().await);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let (status, head, _stream) = upgrade(&house, &live, UPGRADE).await;
        assert_eq!(head.contains("retry-after: "), status == 503, "{head}");
        statuses.push(status);
    }
    assert_eq!(statuses[0], 101);
    assert!(statuses.contains(&503), "{statuses:?}");
}

#[tokio::test]
async fn a_head_that_trickles_is_not_waited_for() {
    let house = OpenHouse::start().await;
    let mut slow = TcpStream::connect(house.address()).await.expect("a connection");
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.expect("written");
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.expect("closed by the server");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let house = OpenHouse::start().await;
    let large = house.request(Method::GET, "/healthz").header("x-large", "x".repeat(20_000));
    assert_eq!(large.send().await.expect("an answer").status(), 431);
    let mut many = house.request(Method::GET, "/healthz");
    for nth in 0..100 {
        many = many.header(format!("x-{nth}"), "x");
    }
    assert_eq!(many.send().await.expect("an answer").status(), 431);
}

#[tokio::test]
async fn a_house_that_closes_tells_its_sockets_and_sends_them_away() {
    let mut house = OpenHouse::start().await;
    let live = format!("/v1/shows/{}/live", house.a_show().await);
    let (status, _, mut stream) = upgrade(&house, &live, UPGRADE).await;
    assert_eq!(status, 101);
    let seats = format!("{}/seats", live.trim_end_matches("/live"));
    let first: Value = house.get(&seats).await.json().await.expect("JSON");
    let since = format!("{}.{}", first["epoch"].as_str().expect("text"), first["seq"]);
    let poll = house.request(Method::GET, &format!("{seats}?since={since}&wait=25"));
    let poll = tokio::spawn(async move { poll.send().await.expect("an answer").status() });
    let stopping = async {
        // The poll is under way once it has taken its place.
        while !house.get("/metrics").await.text().await.expect("text").contains("places_taken 2") {}
        house.stop().await;
    };
    let mut heard = Vec::new();
    let (_, read) = tokio::join!(stopping, stream.read_to_end(&mut heard));
    read.expect("closed, not broken off");
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains("server.draining") && text.contains("reconnect_after_ms"), "{text}");
    let going_away = [0x88, 2, 0x03, 0xE9];
    assert!(
        heard.windows(4).any(|four| four[0] == going_away[0] && four[2..] == going_away[2..]),
        "no close frame with 1001 in {heard:?}"
    );
    assert_eq!(poll.await.expect("answered"), 204, "who waited is sent home with an answer");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let house = OpenHouse::start().await;
    let folder = house.folder().to_owned();
    let settings = usher::config::Settings { data: folder, ..Default::default() };
    let refused = usher::server::Server::new(settings).await.err().expect("refused");
    assert!(refused.to_string().contains("another usher"), "{refused}");
}

#[tokio::test]
async fn a_bearer_is_judged_by_its_scheme() {
    let house = OpenHouse::start().await;
    let asking =
        house.request(Method::POST, "/v1/halls").header(AUTHORIZATION, format!("Basic {KEY}"));
    problem(asking.body("{}").send().await.expect("an answer"), 401).await;
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let mut usher = std::process::Command::new(env!("CARGO_BIN_EXE_usher"));
    for name in ["USHER_KEY", "USHER_ORIGINS", "USHER_LISTEN", "USHER_SHARDS"] {
        usher.env(name, "");
    }
    // A contradiction that is looked for after all of them ends the program before it starts.
    let ended = usher.args(["serve", "--shards", "0"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("--shards must be"), "{said}");
    let ended = usher.args(["--key", ""]).output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("--key must be"), "{said}");
}

/// A log that can be made unreadable.
#[derive(Default)]
struct Closed {
    kept: MemoryLog,
    closed: AtomicBool,
}

impl Log for Closed {
    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>> {
        self.kept.create(stream, genesis)
    }

    fn streams(&self) -> Answer<'_, Result<Vec<StreamId>, ReadError>> {
        self.kept.streams()
    }

    fn genesis(&self, stream: &StreamId) -> Answer<'_, Result<Genesis, ReadError>> {
        if self.closed.load(Ordering::SeqCst) {
            return Box::pin(async { Err(ReadError::Unavailable(anyhow::anyhow!("closed"))) });
        }
        self.kept.genesis(stream)
    }

    fn append(
        &self,
        stream: &StreamId,
        known: Known,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>> {
        self.kept.append(stream, known, entries)
    }

    fn renew(
        &self,
        stream: &StreamId,
        lost: u64,
        epoch: u64,
    ) -> Answer<'_, Result<Lives, ReadError>> {
        self.kept.renew(stream, lost, epoch)
    }

    fn watch(&self, stream: &StreamId) -> Option<Hearing> {
        self.kept.watch(stream)
    }

    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>> {
        self.kept.read(stream, after, most)
    }

    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>> {
        self.kept.save_snapshot(stream, snapshot)
    }

    fn try_writing(&self, stream: &StreamId) -> Answer<'_, Result<(), AppendError>> {
        self.kept.try_writing(stream)
    }

    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>> {
        self.kept.load_snapshot(stream)
    }
}

#[tokio::test]
async fn a_house_whose_log_cannot_be_read_is_alive_but_not_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = usher::config::Settings {
        listen: "127.0.0.1:0".parse().expect("an address"),
        data: folder.path().to_owned(),
        demo: usher::config::Demo::None,
        shards: Some(1),
        ..Default::default()
    };
    let log = Arc::new(Closed::default());
    let clock = usher::box_office::Clock::of_the_wall();
    let server = usher::server::Server::on_log(settings, log.clone(), clock).await;
    let server = server.expect("the house opens");
    let listener = server.bind().await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(listener, async { drop(stopped.await) }));
    let get = async |path: &str| {
        reqwest::get(format!("http://{address}{path}")).await.expect("an answer")
    };
    assert_eq!(get("/readyz").await.status(), 200);
    log.closed.store(true, Ordering::SeqCst);
    problem(get("/readyz").await, 503).await;
    assert_eq!(get("/healthz").await.status(), 200);
    log.closed.store(false, Ordering::SeqCst);
    assert_eq!(get("/readyz").await.status(), 200);
    drop(stop);
    running.await.expect("it ends by itself");
}
