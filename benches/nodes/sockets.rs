//! How soon a change made on one node is in a viewer's socket on another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use usher::box_office::Clock;
use usher::catalogue::NewShow;
use usher::client::{Heard, House, Viewer};
use usher::config::{Demo, Settings};
use usher::log::Log;
use usher::protocol::seats::Format;
use usher::server::Server;
use usher::show::{Command, Currency, Policy, SessionId, ShowId, Time};
use uuid::Uuid;

use super::house::hall;

/// Asks the first of two nodes for `changes` holds, so many a second, and gives for each how long it
/// took from the request until a viewer of the other node had it.
pub(crate) async fn run(logs: Vec<Arc<dyn Log>>, a_second: u64, changes: u64) -> Vec<Duration> {
    let mut nodes = Vec::new();
    let mut show = None;
    for log in logs {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            data: folder.path().to_owned(),
            demo: Demo::None,
            shards: Some(1),
            ..Settings::default()
        };
        let server = Server::on_log(settings, log, Clock::of_the_wall()).await.expect("a server");
        let web = server.house().clone();
        if show.is_none() {
            let hall = web.catalogue.add_hall(hall()).await.expect("a hall");
            let new = NewShow {
                hall: hall.id.clone(),
                title: "Bench".to_owned(),
                starts_at: Time(4_000_000_000_000),
                on_sale_at: None,
                currency: Currency::parse("EUR").expect("a currency"),
                prices: vec![("All".to_owned(), 1_000)],
                policy: Policy::default(),
            };
            let put_on = web.put_on(new).await.expect("a show");
            show = put_on.map(|show| show.definition().id.clone());
        }
        let listener = server.bind().await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(server.run(listener, std::future::pending()));
        nodes.push((web, address, folder));
    }
    let show: ShowId = show.expect("a show");
    let there = House::at(&format!("http://{}", nodes[1].1)).expect("an address");
    let viewer = Viewer::follow(&there, &show, Format::Binary).await.expect("a viewer");
    let seen = tokio::spawn(see(viewer, changes));

    let here = nodes[0].0.offices.show(&show).expect("the show is open");
    let began = tokio::time::Instant::now();
    let mut asked = Vec::new();
    for nth in 0..changes {
        tokio::time::sleep_until(began + Duration::from_micros(nth * 1_000_000 / a_second)).await;
        asked.push(Instant::now());
        let here = here.clone();
        tokio::spawn(async move {
            let session = SessionId(Uuid::from_u128(u128::from(nth) + 1));
            let held = here.ask(Command::Hold { session, seats: vec![nth * 3] }, None).await;
            held.expect("the seat is free");
        });
    }
    let seen = seen.await.expect("all were seen");
    asked.into_iter().zip(seen).map(|(asked, seen)| seen - asked).collect()
}

/// When each change was there: the change of seat `3 * nth`.
async fn see(mut viewer: Viewer, changes: u64) -> Vec<Instant> {
    let mut seen: Vec<Option<Instant>> = vec![None; changes as usize];
    let mut missing = changes;
    while missing > 0 {
        let Heard::Seats { .. } = viewer.next().await.expect("a frame") else { continue };
        let now = Instant::now();
        let picture = viewer.picture().expect("a picture");
        let held = picture.states().step_by(3).take(changes as usize);
        for (at, state) in seen.iter_mut().zip(held) {
            if at.is_none() && state != usher::show::SeatState::Available {
                *at = Some(now);
                missing -= 1;
            }
        }
    }
    seen.into_iter().flatten().collect()
}
