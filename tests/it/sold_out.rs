//! The demo's sold-out evening: whoever comes to see the waitlist gets to see it.

use std::time::{Duration, Instant};

use usher::client::{Buyer, House};
use usher::protocol::rpc::{Card, HoldState, Notice};
use usher::protocol::seats::Format;
use usher::show::Wish;

use crate::program::{Program, verify};

/// What the README promises, and as much again for a machine that is busy with all other tests.
const WITHIN: Duration = Duration::from_secs(120);

fn demo(data: &std::path::Path) -> Program {
    let data = data.to_str().expect("text");
    let words = [
        ["serve", "--listen", "127.0.0.1:0", "--demo", "sold-out", "--data", data],
        [
            "--shards",
            "1",
            "--log-level",
            "error",
            "--key",
            crate::open_house::KEY,
            "--demo-crowd=0",
        ],
    ];
    let words: Vec<String> = words.concat().into_iter().map(ToOwned::to_owned).collect();
    Program::start_as(&words, std::process::Stdio::inherit())
}

/// The evening with the fewest seats available.
async fn evening(house: &House) -> usher::client::ShowInfo {
    let shows = house.shows().await.expect("the programme");
    assert!(shows.len() > 1, "the others are played as ever");
    shows.into_iter().min_by_key(|show| show.available).expect("a show")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_to_the_sold_out_evening_waits_in_line_and_is_offered_seats_in_a_while() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = demo(folder.path());
    let show = evening(&program.house()).await;
    assert!(show.seats > 1_000 && show.available <= 24, "{show:?}");
    // After a restart it is still so, and its last seats still come and go.
    program.kill();
    let program = demo(folder.path());
    assert_eq!(evening(&program.house()).await.id, show.id);

    let began = Instant::now();
    let mut buyer = Buyer::connect(&program.house(), &show.id, Format::Json, None).await;
    let buyer = buyer.as_mut().expect("a socket");
    buyer.identify(None).await.expect("a session");
    let (categories, sections, areas) = (None, None, None);
    let wish = Wish { quantity: 2, categories, sections, areas, together: true };
    // Should some have been let go just now, they are taken again in a moment.
    while let Err(error) = buyer.join(&wish).await {
        let later = matches!(error.refusal(), Some("seats_available" | "too_fast"));
        assert!(later && began.elapsed() < WITHIN, "{error}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let offer = loop {
        let left = WITHIN.saturating_sub(began.elapsed());
        let heard = tokio::time::timeout(left, buyer.notice()).await.expect("an offer in a while");
        if let Notice::WaitlistOffer { hold, .. } = heard.expect("a socket that stays open") {
            break hold;
        }
    };
    assert_eq!((offer.state, offer.seats.len()), (HoldState::Offered, 2));
    let hold = buyer.accept().await.expect("accepted").hold;
    buyer.buy(hold.id, Card::Approved, None).await.expect("bought");
    drop(program);
    let (code, said) = verify(folder.path());
    assert_eq!(code, Some(0), "{said}");
}
