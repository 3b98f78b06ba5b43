//! A waiting room whose history is lost: tickets of what is lost, and doors that opened meanwhile.

use usher::client::{Buyer, House as Entrance, Notice};
use usher::log::StreamId;
use usher::protocol::seats::Format;
use usher::show::{ShowId, Time};

use super::log::Trouble;
use super::*;

const NOW: Time = Time(1_800_000_000_000);
const MINUTE: u64 = 60_000;

async fn a_show_with(node: &Node, admission: Value) -> String {
    let hall = node.post("/v1/halls?name=Small", &small_plan()).await;
    let mut show = new_show(&hall["hall"]);
    show["policy"] = json!({ "admission": admission });
    let show = node.post("/v1/shows", &show).await;
    show["id"].as_str().expect("a name").to_owned()
}

/// Identifies with what somebody keeps, again for as long as nothing is known.
async fn identify_in_the_end(node: &Node, show: &str, kept: &Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "identify", "params": kept});
    loop {
        let asking = Client::new().post(format!("{}/v1/shows/{show}/rpc", node.url));
        let answer = asking.body(request.to_string()).send().await.expect("an answer");
        let mut answer: Value = answer.json().await.expect("JSON");
        if answer["error"]["data"]["reason"] != "unavailable" {
            return answer["result"].take();
        }
    }
}

fn kept(told: &Value) -> Value {
    json!({"session": told["session"], "ticket": told["admission"]["ticket"]})
}

fn lose(log: &MemoryLog, show: &str, entries: usize) {
    log.lose_tail(&StreamId::show(&ShowId::parse(show).expect("a name")), entries);
}

/// A socket, and what it is told when it has identified with what somebody keeps.
async fn come(node: &Node, show: &str, kept: &Value) -> (Buyer, Value) {
    let entrance = Entrance::at(&node.url).expect("an address");
    let show = ShowId::parse(show).expect("a name");
    let mut socket = Buyer::connect(&entrance, &show, Format::Json, None).await.expect("a socket");
    let told = socket.call("identify", kept).await.expect("identified");
    (socket, told)
}

#[tokio::test]
async fn a_number_that_was_lost_is_the_next_ones_and_its_old_ticket_nobodys() {
    let (log, folder) = (MemoryLog::new(), tempfile::tempdir().expect("a folder"));
    let node = Node::start(&log, Clock::of_the_wall(), folder.path()).await;
    let show = a_show_with(&node, json!({"picking_max": 1, "pass_ms": 60 * MINUTE})).await;
    let first = identify_in_the_end(&node, &show, &json!({})).await;
    assert_eq!(first["admission"]["state"], "admitted", "{first}");
    let (mut here, lost) = come(&node, &show, &json!({})).await;
    assert_eq!(lost["admission"]["number"], 2, "{lost}");
    lose(&log, &show, 1);
    // Who asks first finds out that history was lost, and asks again.
    let told = identify_in_the_end(&node, &show, &json!({})).await;
    let (mut second, told) = come(&node, &show, &kept(&told)).await;
    assert_eq!(told["admission"]["number"], 2, "it is given again: {told}");
    let again: Value = here.call("identify", &kept(&lost)).await.expect("identified");
    assert_eq!(again["admission"]["number"], 3, "the lost one is another's: {again}");
    let leave = json!({"ticket": first["admission"]["ticket"]});
    node.rpc(&show, first["session"].as_str(), "admission.leave", leave).await;
    loop {
        if let Notice::AdmissionOpen { .. } = second.notice().await.expect("told") {
            break;
        }
    }
    let again: Value = here.call("identify", &json!({})).await.expect("identified");
    assert_eq!(again["admission"]["state"], "waiting", "{again}");
}

#[tokio::test]
async fn doors_that_opened_while_a_node_was_away_in_another_life_are_told_there_too() {
    let (log, folder) = (MemoryLog::new(), tempfile::tempdir().expect("a folder"));
    let clock = Clock::by_hand(NOW);
    let here = Node::start(&log, clock.clone(), folder.path()).await;
    let deaf = Deaf::new(&log);
    let there = Node::start_on(Arc::new(deaf.clone()), clock.clone(), folder.path()).await;
    let doors_at = NOW.0 + MINUTE;
    let admission = json!({"picking_max": 9, "pass_ms": 60 * MINUTE, "doors_at": doors_at});
    let show = a_show_with(&here, admission).await;
    let (mut waits, told) = come(&there, &show, &json!({})).await;
    assert_eq!(told["admission"]["arrival"], 1, "{told}");
    // Both know of another one, who is then lost.
    let (_lost, told) = come(&there, &show, &json!({})).await;
    identify_in_the_end(&here, &show, &kept(&told)).await;
    deaf.trouble(&show, Some(Trouble::Away));
    lose(&log, &show, 1);
    // And a little: which of several nodes opens them is left to chance.
    clock.pass(MINUTE + 1_000);
    // What is asked here finds out that history was lost, and opens the doors.
    let drawn = loop {
        identify_in_the_end(&here, &show, &json!({})).await;
        let seen = here.get(&format!("/v1/shows/{show}/admission")).await.1;
        let mut seen: Value = serde_json::from_str(&seen).expect("JSON");
        if seen["drawn"].is_object() {
            break seen["drawn"].take();
        }
    };
    deaf.trouble(&show, None);
    // In either order: what all are told goes round, what one is told goes straight.
    let (mut was_told, mut is_in) = (false, false);
    while !(was_told && is_in) {
        match waits.notice().await.expect("told") {
            notice @ Notice::AdmissionDrawn { .. } => {
                let told = serde_json::to_value(&notice).expect("JSON");
                assert_eq!(told["params"], drawn);
                was_told = true;
            }
            Notice::AdmissionOpen { .. } => is_in = true,
            _ => {}
        }
    }
}
