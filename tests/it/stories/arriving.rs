//! Arriving at a waiting room: how many may from one address, and the Rust client's way through it.

use serde_json::{Value, json};
use tokio::time::timeout;
use usher::client::{AdmissionState, Buyer, ClientError, Format};
use usher::config::Settings;
use usher::show::ShowId;

use super::{Line, NOW, PATIENCE};
use crate::open_house::{OpenHouse, small_plan};

/// A show at which one may pick at once.
async fn for_one(house: &OpenHouse) -> String {
    let policy = json!({"admission": {"picking_max": 1, "pass_ms": 600_000}});
    house.a_show_in(&small_plan(), |show| show["policy"] = policy).await
}

/// Asks `identify` over HTTP from this address, as a proxy tells it.
async fn identify_from(house: &OpenHouse, show: &str, address: &str, ticket: &Value) -> Value {
    let asking = house.request(reqwest::Method::POST, &format!("/v1/shows/{show}/rpc"));
    let asking = asking.header("X-Forwarded-For", address);
    let (token, params) = match ticket {
        Value::Null => (None, json!({})),
        known => (known["session"].as_str(), json!({"ticket": known["admission"]["ticket"]})),
    };
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "identify", "params": params});
    let asking = match token {
        Some(token) => asking.bearer_auth(token),
        None => asking,
    };
    let answer = asking.body(request.to_string()).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn an_address_takes_numbers_only_so_fast_and_what_it_has_it_keeps() {
    let slow = |settings: &mut Settings| {
        settings.limits.numbers_per_second = 1;
        settings.limits.numbers_burst = 2;
        settings.proxies = vec!["127.0.0.1".parse().expect("an address")];
    };
    let house = OpenHouse::start_at_with(NOW, slow).await;
    let show = for_one(&house).await;
    let nobody = Value::Null;
    let mut known = Vec::new();
    for number in [1, 2] {
        let told = identify_from(&house, &show, "192.0.2.1", &nobody).await["result"].take();
        assert_eq!(told["admission"]["number"], number, "{told}");
        known.push(told);
    }
    let refused = identify_from(&house, &show, "192.0.2.1", &nobody).await;
    let data = &refused["error"]["data"];
    assert_eq!((&data["reason"], &data["retry_after_ms"]), (&json!("too_fast"), &json!(1_000)));

    // Whoever has a number needs no other; and another address has numbers of its own.
    let told = identify_from(&house, &show, "192.0.2.1", &known[1]).await["result"].take();
    assert_eq!(told["admission"]["number"], 2, "{told}");
    let told = identify_from(&house, &show, "192.0.2.2", &nobody).await["result"].take();
    assert_eq!(told["admission"]["number"], 3, "{told}");
    // All the addresses of one IPv6 customer are one.
    for (address, is_let_in) in
        [("2001:db8::1", true), ("2001:db8::2", true), ("2001:db8::3", false), ("2001:db9::", true)]
    {
        let answer = identify_from(&house, &show, address, &nobody).await;
        assert_eq!(answer["result"].is_object(), is_let_in, "{address}: {answer}");
    }

    house.clock().pass(1_000);
    let told = identify_from(&house, &show, "192.0.2.1", &nobody).await["result"].take();
    assert_eq!(told["admission"]["number"], 7, "{told}");

    // A show without a waiting room has no numbers to take.
    let plain = house.a_show().await;
    for _ in 0..5 {
        let told = identify_from(&house, &plain, "192.0.2.1", &nobody).await["result"].take();
        assert!(told["session"].is_string() && told.get("admission").is_none(), "{told}");
    }
}

#[tokio::test]
async fn a_socket_that_was_too_fast_for_a_number_is_who_it_is_and_takes_one_later() {
    let slow = |settings: &mut Settings| {
        (settings.limits.numbers_per_second, settings.limits.numbers_burst) = (1, 1);
    };
    let house = OpenHouse::start_at_with(NOW, slow).await;
    let show = for_one(&house).await;
    let (_first, _) = Line::identified(&house, &show, None).await;
    let mut second = Line::open(&house, &show, None).await;
    let refused = second.refused("identify", json!({})).await;
    assert_eq!(refused["reason"], "too_fast");
    house.clock().pass(refused["retry_after_ms"].as_u64().expect("a time"));
    let told = second.granted("identify", json!({})).await;
    assert_eq!(told["admission"]["number"], 2);
}

#[tokio::test]
async fn a_client_waits_is_let_in_comes_back_with_its_pass_and_leaves() {
    let house = OpenHouse::start_at(NOW).await;
    let show = ShowId::parse(&for_one(&house).await).expect("a name");
    let at = house.for_clients();
    let mut first = Buyer::connect(&at, &show, Format::Binary, None).await.expect("a socket");
    let admitted = first.identify(None).await.expect("identified");
    assert!(admitted.is_admitted() && admitted.seq.is_some());

    let mut second = Buyer::connect(&at, &show, Format::Binary, None).await.expect("a socket");
    let waiting = second.identify(None).await.expect("identified");
    assert!(!waiting.is_admitted());
    let place = waiting.admission.expect("a place");
    assert_eq!((place.state, place.number), (AdmissionState::Waiting, Some(2)));
    let refused = second.hold(&[0]).await.expect_err("not yet");
    assert_eq!(refused.refusal(), Some("not_admitted"));

    first.leave_waiting_room(None).await.expect("left");
    let open = timeout(PATIENCE, second.until_open()).await.expect("told");
    let (pass, until) = open.expect("its turn");
    assert_eq!(until, NOW.plus_ms(600_000));
    drop(second);
    // From another machine, with what was kept.
    let mut again = Buyer::connect(&at, &show, Format::Json, None).await.expect("a socket");
    let known = again.identify_with(Some(&waiting.session), Some(&pass)).await.expect("known");
    assert!(known.is_admitted() && known.seq.is_none());
    again.hold(&[0]).await.expect("seats");

    let room = at.waiting_room(&show).await.expect("it has one");
    assert_eq!((room.serving, room.numbers, room.picking_max), (2, 2, 1));
    let plain = ShowId::parse(&house.a_show().await).expect("a name");
    let none = at.waiting_room(&plain).await.expect_err("it has none");
    assert!(matches!(none, ClientError::Refused { status: 404, .. }), "{none}");
}
