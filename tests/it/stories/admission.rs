//! The waiting room: numbers, calls, passes, and the draw at the doors.

use serde_json::{Value, json};

use super::{Line, NOW};
use crate::open_house::{OpenHouse, small_plan};

const MINUTE: u64 = 60_000;

async fn a_show(house: &OpenHouse, admission: Value) -> String {
    let policy = json!({ "admission": admission });
    house.a_show_in(&small_plan(), |show| show["policy"] = policy).await
}

/// A show at which one may pick at once.
async fn for_one(house: &OpenHouse) -> String {
    a_show(house, json!({"picking_max": 1, "pass_ms": 10 * MINUTE})).await
}

/// A socket that showed this session and ticket, and what it was told of the waiting room.
async fn come(house: &OpenHouse, show: &str, known: &Value) -> (Line, Value) {
    let mut line = Line::open(house, show, None).await;
    let told = line.granted("identify", known.clone()).await;
    (line, told)
}

/// Somebody new.
async fn new(house: &OpenHouse, show: &str) -> (Line, Value) {
    come(house, show, &json!({})).await
}

/// What to show again.
fn kept(told: &Value) -> Value {
    json!({"session": told["session"], "ticket": told["admission"]["ticket"]})
}

fn stands(told: &Value) -> (&str, Option<u64>) {
    let admission = &told["admission"];
    (admission["state"].as_str().expect("a state"), admission["number"].as_u64())
}

/// The next notice by this name.
async fn told(line: &mut Line, name: &str) -> Value {
    loop {
        let mut notice = line.notice().await;
        if notice["method"] == name {
            return notice["params"].take();
        }
    }
}

#[tokio::test]
async fn one_picks_the_others_watch_and_the_next_is_let_in_when_the_first_leaves() {
    let house = OpenHouse::start_at(NOW).await;
    let show = for_one(&house).await;
    let (mut first, admitted) = new(&house, &show).await;
    assert_eq!(stands(&admitted), ("admitted", Some(1)));
    assert_eq!(admitted["admission"]["until"], NOW.0 + 10 * MINUTE);
    assert!(admitted["seq"].is_u64(), "{admitted}");
    let (mut second, waiting) = new(&house, &show).await;
    assert_eq!(stands(&waiting), ("waiting", Some(2)));
    assert_eq!(waiting["admission"]["serving"], 1);
    let (_third, behind) = new(&house, &show).await;
    assert_eq!(stands(&behind), ("waiting", Some(3)));

    for (method, params) in [
        ("hold", json!({"seats": [1]})),
        ("hold_best", json!({"quantity": 1})),
        ("waitlist.join", json!({"quantity": 1})),
    ] {
        assert_eq!(second.refused(method, params).await["reason"], "not_admitted", "{method}");
    }
    first.granted("hold", json!({"seats": [0]})).await;
    assert!(second.until(1).await.counts()[1] <= 1, "and watching goes on");

    first.granted("admission.leave", json!({})).await;
    let open = told(&mut second, "admission.open").await;
    assert_eq!(open["until"], NOW.0 + 10 * MINUTE);
    second.granted("hold", json!({"seats": [1]})).await;
    assert_eq!(first.refused("hold", json!({"seats": [2]})).await["reason"], "not_admitted");
}

#[tokio::test]
async fn a_ticket_keeps_its_number_on_every_socket_and_is_worth_nothing_to_others() {
    let house = OpenHouse::start_at(NOW).await;
    let show = for_one(&house).await;
    let (_first, _) = new(&house, &show).await;
    let (mut line, waiting) = new(&house, &show).await;
    let again = line.granted("identify", json!({})).await;
    assert_eq!(stands(&again), ("waiting", Some(2)), "on one socket");
    for _ in 0..10 {
        let (_tab, told) = come(&house, &show, &kept(&waiting)).await;
        assert_eq!(stands(&told), ("waiting", Some(2)));
        assert!(told.get("seq").is_none(), "no number was taken: {told}");
    }
    let mut forged = waiting["admission"]["ticket"].as_str().expect("a ticket").to_owned();
    forged.replace_range(30..31, if &forged[30..31] == "A" { "B" } else { "A" });
    let mut number = 3;
    for ticket in [forged.as_str(), "nonsense"] {
        let shown = json!({"session": waiting["session"], "ticket": ticket});
        let (_line, told) = come(&house, &show, &shown).await;
        assert_eq!(stands(&told), ("waiting", Some(number)), "{ticket}");
        number += 1;
    }
    let stolen = json!({"ticket": waiting["admission"]["ticket"]});
    let (_thief, told) = come(&house, &show, &stolen).await;
    assert_eq!(stands(&told), ("waiting", Some(number)), "of another session");
    let other = for_one(&house).await;
    let (_line, told) = come(&house, &other, &kept(&waiting)).await;
    assert_eq!(stands(&told), ("admitted", Some(1)), "of another show");
}

#[tokio::test]
async fn a_place_is_freed_by_buying_by_joining_the_waitlist_and_when_the_pass_ends() {
    let house = OpenHouse::start_at(NOW).await;
    let show = for_one(&house).await;
    let (mut buyer, _) = new(&house, &show).await;
    let (mut second, _) = new(&house, &show).await;
    let (mut third, _) = new(&house, &show).await;
    let (mut fourth, _) = new(&house, &show).await;
    let held = buyer.granted("hold", json!({"seats": [0, 1, 2, 3, 4, 5, 6, 7]})).await;
    let buy = json!({"hold": held["hold"]["id"], "payment": {"method": "test"}});
    buyer.granted("buy", buy).await;
    told(&mut second, "admission.open").await;
    // Who holds keeps their place; who waits for seats does not need one.
    let held = second.granted("hold", json!({"seats": [8, 9]})).await;
    let gone = json!({"hold": held["hold"]["id"], "seats": [8]});
    second.granted("change", gone).await;
    second.granted("admission.leave", json!({})).await;
    told(&mut third, "admission.open").await;
    third.granted("waitlist.join", json!({"quantity": 2})).await;
    told(&mut fourth, "admission.open").await;
    let (mut fifth, waiting) = new(&house, &show).await;
    assert_eq!(stands(&waiting), ("waiting", Some(5)));
    house.clock().pass(10 * MINUTE);
    // Asking makes the house look at its clock.
    assert_eq!(fourth.refused("hold", json!({"seats": [9]})).await["reason"], "not_admitted");
    told(&mut fifth, "admission.open").await;
}

#[tokio::test]
async fn who_is_called_and_does_not_come_is_passed_over_and_comes_next_when_they_do() {
    let house = OpenHouse::start_at(NOW).await;
    let show = for_one(&house).await;
    let (mut first, _) = new(&house, &show).await;
    let (mut absent, away) = new(&house, &show).await;
    let (mut third, _) = new(&house, &show).await;
    let (mut fourth, _) = new(&house, &show).await;
    absent.socket.close(None).await.expect("closed");
    absent.close_code().await;
    until_gone(&house, 2).await;
    first.granted("admission.leave", json!({})).await;
    assert_eq!(told(&mut third, "admission.serving").await["serving"], 2);
    house.clock().pass(MINUTE);
    fourth.granted("identify", json!({})).await;
    told(&mut third, "admission.open").await;

    let (mut back, told_back) = come(&house, &show, &kept(&away)).await;
    assert_eq!(stands(&told_back), ("waiting", Some(2)), "there is no place just now");
    third.granted("admission.leave", json!({})).await;
    told(&mut back, "admission.open").await;
    let asked = fourth.refused("hold", json!({"seats": [1]})).await;
    assert_eq!(asked["reason"], "not_admitted", "it came before those who were not called yet");
    // It is forgotten ten minutes after it was passed over.
    let shown = kept(&away);
    back.granted("admission.leave", json!({})).await;
    let (_line, told) = come(&house, &show, &shown).await;
    assert_eq!(stands(&told).1, Some(5), "what was given back is a new number");
}

/// Waits until nobody's socket is in the lobby with this number.
async fn until_gone(house: &OpenHouse, number: u64) {
    let rooms = house.rooms();
    let here = || rooms.offices.all().iter().any(|show| show.is_in_the_lobby(number));
    while here() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn at_the_doors_those_who_came_early_are_drawn_and_everybody_can_check_it() {
    let house = OpenHouse::start_at(NOW).await;
    let doors_at = NOW.0 + MINUTE;
    let admission = json!({"picking_max": 2, "pass_ms": MINUTE, "doors_at": doors_at});
    let show = a_show(&house, admission).await;
    let before: Value = house.get(&format!("/v1/shows/{show}")).await.json().await.expect("JSON");
    let commitment = &before["policy"]["admission"]["commitment"];
    let mut early = Vec::new();
    for arrival in 1..=5 {
        let (line, told) = new(&house, &show).await;
        assert_eq!(told["admission"]["state"], "early", "{told}");
        assert_eq!(told["admission"]["arrival"], arrival);
        early.push((line, told));
    }
    let refused = early[0].0.refused("hold", json!({"seats": [0]})).await;
    assert_eq!(refused["reason"], "not_admitted");
    house.clock().pass(MINUTE);
    let (_late, told_late) = new(&house, &show).await;
    let drawn = told(&mut early[0].0, "admission.drawn").await;
    assert_eq!(drawn["count"], if told_late["admission"]["arrival"] == 6 { 6 } else { 5 });
    let numbers: Vec<u64> = (1..=5).map(|arrival| number(&drawn, arrival)).collect();
    let secret = bytes(&drawn["secret"]);
    assert_eq!(hash(&[&secret]), bytes(commitment), "it is what was committed to");
    for (arrival, (line, came)) in early.iter_mut().enumerate() {
        let told = line.granted("identify", json!({})).await;
        assert_eq!(stands(&told).1, Some(numbers[arrival]), "{told}");
        let is_first = numbers[arrival] <= 2;
        assert_eq!(stands(&told).0, if is_first { "admitted" } else { "waiting" });
        let (_tab, elsewhere) = come(&house, &show, &kept(came)).await;
        assert_eq!(stands(&elsewhere), stands(&told), "by the arrival's ticket");
    }
    let public = house.get(&format!("/v1/shows/{show}/admission")).await;
    let public: Value = public.json().await.expect("JSON");
    assert_eq!(public["drawn"], drawn);
}

#[tokio::test]
async fn numbers_and_passes_are_there_after_a_restart() {
    let house = OpenHouse::start_at(NOW).await;
    let show = for_one(&house).await;
    let (_first, admitted) = new(&house, &show).await;
    let (_second, waiting) = new(&house, &show).await;
    let house = house.restart_after(MINUTE).await;
    let (mut second, told_second) = come(&house, &show, &kept(&waiting)).await;
    assert_eq!(stands(&told_second), ("waiting", Some(2)));
    let (mut first, told_first) = come(&house, &show, &kept(&admitted)).await;
    assert_eq!(told_first["admission"]["until"], admitted["admission"]["until"]);
    first.granted("admission.leave", json!({})).await;
    told(&mut second, "admission.open").await;
}

#[tokio::test]
async fn without_a_socket_identify_with_the_ticket_is_appearing() {
    let house = OpenHouse::start_at(NOW).await;
    let show = for_one(&house).await;
    let (mut first, _) = new(&house, &show).await;
    let identify = json!({"jsonrpc": "2.0", "id": 1, "method": "identify", "params": {}});
    let told = house.rpc(&show, None, &identify).await["result"].take();
    assert_eq!(stands(&told), ("waiting", Some(2)));
    let token = told["session"].as_str();
    first.granted("admission.leave", json!({})).await;
    let ticket = &told["admission"]["ticket"];
    let hold = json!({"jsonrpc": "2.0", "id": 2, "method": "hold",
        "params": {"seats": [3], "ticket": ticket}});
    let held = house.rpc(&show, token, &hold).await;
    assert!(held["result"]["hold"].is_object(), "{held}");
    let leave = json!({"jsonrpc": "2.0", "id": 3, "method": "admission.leave",
        "params": {"ticket": ticket}});
    let left = house.rpc(&show, token, &leave).await;
    assert!(left["result"]["seq"].is_u64(), "{left}");
    let (_next, told) = new(&house, &show).await;
    assert_eq!(stands(&told).0, "admitted");
}

/// The number of an arrival, worked out as a client would.
pub(crate) fn number(drawn: &Value, arrival: u64) -> u64 {
    let chain = bytes(&drawn["head"]["chain"]);
    let seed = hash(&[&bytes(&drawn["secret"]), &chain]);
    let count = drawn["count"].as_u64().expect("a number");
    let mut index = arrival - 1;
    for round in 0..90_u8 {
        if count < 2 {
            break;
        }
        let pivot = hash(&[&seed, &[round]]);
        let pivot = u64::from_le_bytes(pivot[..8].try_into().expect("8")) % count;
        let flip = (pivot + count - index) % count;
        let position = index.max(flip);
        let source = hash(&[&seed, &[round], &(position / 256).to_le_bytes()]);
        let byte = source[(position % 256 / 8) as usize];
        if (byte >> (position % 8)) & 1 == 1 {
            index = flip;
        }
    }
    index + 1
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("hex");
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}
