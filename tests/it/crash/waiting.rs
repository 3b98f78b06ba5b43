//! Killed while a thousand wait for seats and a thousand in the waiting room of another show: both lines are the same
//! afterwards, and so are the offers, the calls and the passes.

use serde_json::json;
use usher::client::{Buyer, Identified};
use usher::protocol::rpc::HoldState;
use usher::protocol::seats::Format;
use usher::show::{ShowId, Wish};

use super::waiting_room::FullRoom;
use crate::program::{Program, verify};

const SEATS: u32 = 60;
const WAITERS: u32 = 1_000;

/// A socket of its own for everybody, one after another.
async fn connect(program: &Program, show: &ShowId) -> Buyer {
    let connected = Buyer::connect(&program.house(), show, Format::Json, None).await;
    connected.expect("a socket")
}

/// What each of these sessions has.
async fn what_they_have(program: &Program, show: &ShowId, sessions: &[String]) -> Vec<Identified> {
    let mut known = Vec::new();
    for session in sessions {
        let mut buyer = connect(program, show).await;
        known.push(buyer.identify(Some(session)).await.expect("identified"));
    }
    known
}

/// How many of them have an offer; all that have one stand in line.
fn offers(known: &[Identified]) -> usize {
    let offered = known.iter().filter(|known| !known.holds.is_empty());
    let is_offer = |known: &&Identified| {
        known.waiting.is_some() && known.holds.iter().all(|hold| hold.state == HoldState::Offered)
    };
    assert!(offered.clone().all(|known| is_offer(&known)));
    offered.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_wait_stand_as_they_stood_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path());
    let policy = json!({"seats_max": SEATS, "hold_ms": 86_400_000, "offer_ms": 86_400_000});
    let show = program.a_show(SEATS, policy).await;
    let mut holder = connect(&program, &show).await;
    let token = holder.identify(None).await.expect("identified").session;
    let seats: Vec<u32> = (0..SEATS).collect();
    let hold = holder.hold(&seats).await.expect("the whole house").hold.id;
    let mut sessions = Vec::new();
    for number in 0..WAITERS {
        let mut buyer = connect(&program, &show).await;
        sessions.push(buyer.identify(None).await.expect("identified").session);
        let (categories, sections, areas) = (None, None, None);
        let quantity = number % 3 + 1;
        let wish = Wish { quantity, categories, sections, areas, together: number % 2 == 0 };
        let joined = buyer.join(&wish).await.expect("a place in line");
        assert_eq!(joined.waiting.position, number + 1);
    }
    holder.change(hold, &seats[..40]).await.expect("twenty places come free");
    holder.leave().await.expect("whoever is answered now finds what followed");
    let before = what_they_have(&program, &show, &sessions).await;
    let offered = offers(&before);
    assert!(offered > 5, "{offered} offers for twenty places");
    let room = FullRoom::fill(&program).await;

    program.kill();
    let (code, said) = verify(folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{WAITERS} tickets, {offered} offers")), "{said}");
    let program = Program::start(folder.path());
    let after = what_they_have(&program, &show, &sessions).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after.waiting, before.waiting);
        assert_eq!(after.holds, before.holds, "the same seats until the same time");
    }

    room.is_as_it_was(&program).await;

    // And the line goes on.
    let mut holder = connect(&program, &show).await;
    holder.identify(Some(&token)).await.expect("identified");
    holder.release(hold).await.expect("released");
    holder.leave().await.expect("as above");
    let later = what_they_have(&program, &show, &sessions).await;
    assert!(offers(&later) > offered);
    drop(program);
    let (code, said) = verify(folder.path());
    assert_eq!(code, Some(0), "{said}");
}
