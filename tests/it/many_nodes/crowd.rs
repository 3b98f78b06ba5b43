//! All the people of a story: buyers and viewers on every node. And the end of every story: everybody
//! shows the same seats, and everything acknowledged is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use usher::client::{Buyer, Identified, Picture};
use usher::protocol::rpc::StorageState;
use usher::protocol::seats::Format;
use usher::show::{SeatState, ShowId};

use super::buyers::{Counts, Trip};
use super::journal::Journal;
use super::stage::{Houses, NODES, PATIENCE, SEATS, Stage, until};
use super::viewers::Watcher;
use crate::program;
use crate::redis_server::{RedisServer, Reply};

/// Buyers, and viewers, of each node.
const OF_EACH_NODE: usize = 2;

/// What was found in the end.
pub(super) struct Found {
    /// How much of what was acknowledged is gone, in a story where something may be.
    pub(super) lost: usize,
    /// Every order there is.
    orders: Vec<String>,
    /// How many seats are available.
    available: u32,
}

/// The people.
pub(super) struct Crowd {
    pub(super) counts: Arc<Counts>,
    pub(super) viewers: Vec<Watcher>,
    show: ShowId,
    houses: Houses,
    buyers: Vec<JoinHandle<Journal>>,
    home: watch::Sender<bool>,
}

impl Crowd {
    /// They come, begin to buy, and every viewer sees the map.
    pub(super) async fn come(stage: &Stage, show: &ShowId, random: &mut StdRng) -> Self {
        Self::come_with(stage, show, random, &Journal::default()).await
    }

    /// As [`Crowd::come`], to a story in which acknowledged history may be lost.
    pub(super) async fn come_to_lose(stage: &Stage, show: &ShowId, random: &mut StdRng) -> Self {
        let journal = Journal { may_lose: true, ..Journal::default() };
        Self::come_with(stage, show, random, &journal).await
    }

    async fn come_with(
        stage: &Stage,
        show: &ShowId,
        random: &mut StdRng,
        journal: &Journal,
    ) -> Self {
        let (home, go_home) = watch::channel(false);
        let counts = Arc::new(Counts::default());
        let buyers = (0..NODES * OF_EACH_NODE).map(|number| {
            let trip = Trip {
                houses: stage.houses().clone(),
                show: show.clone(),
                counts: counts.clone(),
                home: go_home.clone(),
                seed: random.random(),
                node: number % NODES,
            };
            tokio::spawn(trip.shop(journal.clone()))
        });
        let buyers = buyers.collect();
        let viewers = (0..NODES * OF_EACH_NODE).map(|number| {
            let format = if number < NODES { Format::Binary } else { Format::Json };
            Watcher::begin(stage.houses().clone(), show.clone(), number % NODES, format)
        });
        let viewers: Vec<_> = viewers.collect();
        let (show, houses) = (show.clone(), stage.houses().clone());
        let crowd = Self { counts, viewers, show, houses, buyers, home };
        until("every viewer sees the map", || {
            crowd.viewers.iter().all(|viewer| viewer.seen().picture.is_some())
        })
        .await;
        crowd.buy_more(50).await;
        crowd
    }

    /// Waits until so many changes more were acknowledged.
    pub(super) async fn buy_more(&self, changes: u64) {
        let enough = Counts::of(&self.counts.acknowledged) + changes;
        until("enough was acknowledged", || {
            let failed = self.buyers.iter().any(JoinHandle::is_finished);
            assert!(!failed, "a buyer failed");
            Counts::of(&self.counts.acknowledged) >= enough
        })
        .await;
    }

    /// Waits until every viewer that began at one of these nodes was told that storage is so.
    pub(super) async fn are_told(&self, nodes: &[usize], state: StorageState) {
        until(&format!("they are told that storage is {state:?}"), || {
            let mut there = self.viewers.iter().filter(|viewer| nodes.contains(&viewer.node));
            there.all(|viewer| viewer.seen().storage_is() == Some(state))
        })
        .await;
    }

    /// The longest anybody waited for an answer so far, in milliseconds.
    pub(super) fn longest_ms(&self) -> u64 {
        Counts::of(&self.counts.longest_ms)
    }

    /// The buyers go home, and everything is held against everything: all nodes and all viewers show
    /// the same seats, which are those of the buyers; what was acknowledged is there; `usher verify`
    /// finds every promise kept, and other programs find the same in Redis. Answers how much of what
    /// was acknowledged is gone.
    pub(super) async fn agree(self, redis: &RedisServer) -> usize {
        self.agree_by(&redis.url(), redis).await
    }

    /// As [`Crowd::agree`], where the Redis that has the show is known by another address.
    pub(super) async fn agree_by(self, url: &str, redis: &RedisServer) -> usize {
        let show = self.show.clone();
        let found = self.agree_but_for_the_audit().await;
        shown_outside(redis, &show, &found).await;
        verify(url).await;
        found.lost
    }

    /// As [`Crowd::agree`], where the log no longer has all that an audit needs.
    pub(super) async fn agree_but_for_the_audit(mut self) -> Found {
        self.home.send_replace(true);
        let mut journals = Vec::new();
        for buyer in self.buyers.drain(..) {
            journals.push(buyer.await.expect("a buyer's end"));
        }
        journals.push(self.last_buyer().await);
        let began = Instant::now();
        let picture = loop {
            match self.look_round().await {
                Ok(picture) => break picture,
                Err(why) => assert!(began.elapsed() < PATIENCE, "in the end {why}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let (mut held, mut sold, mut orders, mut lost) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for journal in &mut journals {
            let known = self.known_everywhere(journal).await;
            if let Err(why) = journal.agree(&known) {
                panic!("in the end {why}\n{journal:#?}\n{known:#?}");
            }
            lost += journal.lost;
            orders.extend(known.orders.iter().map(|order| order.id.to_string()));
            held.extend(known.holds.iter().flat_map(|hold| hold.seats.clone()));
            sold.extend(known.orders.iter().flat_map(|order| order.seats.clone()));
        }
        // Nobody else buys here: what is not theirs is free, and what is theirs is theirs alone.
        for (state, mut seats) in [(SeatState::Held, held), (SeatState::Sold, sold)] {
            seats.sort_unstable();
            let seats: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
            let shown: Vec<u32> =
                (0..picture.seats()).filter(|seat| picture.state(*seat) == state).collect();
            assert_eq!(shown, seats, "{state:?}");
        }
        assert!(!orders.is_empty(), "nobody bought anything, so nothing was proven");
        Found { lost, orders, available: picture.counts()[0] }
    }

    /// One more, who holds a seat that nobody else wants: after it, nothing is under way.
    async fn last_buyer(&self) -> Journal {
        let mut journal = Journal::default();
        let began = Instant::now();
        while journal.hold.is_none() {
            let house = self.houses.at(0);
            let connected = Buyer::connect(&house, &self.show, Format::Binary, None).await;
            let mut buyer = connected.expect("a socket");
            let known = buyer.identify(journal.session.as_deref()).await.expect("a session");
            // One that was in doubt may be there.
            (journal.session, journal.hold) = (Some(known.session), known.holds.first().cloned());
            if let Err(error) = buyer.hold(&[SEATS - 1]).await {
                let later = matches!(error.refusal(), Some("unavailable" | "already_holding"));
                assert!(later, "{error}");
                assert!(began.elapsed() < PATIENCE, "unavailable for ever");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        journal
    }

    /// The map, if all nodes and all viewers show the same one; else who does not.
    async fn look_round(&self) -> Result<Picture, String> {
        let (mut heads, mut pictures) = (Vec::new(), Vec::new());
        for node in 0..NODES {
            let house = self.houses.at(node);
            heads.push(house.head(&self.show).await.expect("a head"));
            pictures.push((format!("node {node}"), house.seats(&self.show).await.expect("a map")));
        }
        for viewer in &self.viewers {
            let seen = viewer.seen().picture.clone().expect("a map");
            pictures.push((format!("a viewer of node {}", viewer.node), seen));
        }
        let (first, others) = heads.split_first().expect("nodes");
        for other in others {
            let same_place = (first.epoch, first.seq) == (other.epoch, other.seq);
            assert!(!same_place || first == other, "two histories: {first:?} and {other:?}");
        }
        let ((_, picture), others) = pictures.split_first().expect("nodes");
        for (who, other) in others {
            let same_place = (picture.epoch(), picture.seq()) == (other.epoch(), other.seq());
            assert!(!same_place || picture == other, "{who} shows other seats than node 0");
        }
        if heads.iter().any(|head| head != first) {
            return Err(format!("the nodes have other heads: {heads:?}"));
        }
        match others.iter().find(|(_, other)| other != picture) {
            Some((who, other)) => Err(format!(
                "{who} is at {}.{}, and node 0 at {}.{}",
                other.epoch(),
                other.seq(),
                picture.epoch(),
                picture.seq()
            )),
            None => Ok(picture.clone()),
        }
    }

    /// What the nodes know of a buyer: all the same.
    async fn known_everywhere(&self, journal: &Journal) -> Identified {
        let mut everywhere = Vec::new();
        for node in 0..NODES {
            let house = self.houses.at(node);
            let connected = Buyer::connect(&house, &self.show, Format::Binary, None).await;
            let known = connected.expect("a socket").identify(journal.session.as_deref()).await;
            everywhere.push(known.expect("its session is good on every node"));
        }
        let told = |known: &Identified| (known.holds.clone(), known.orders.clone());
        let first = everywhere.remove(0);
        for other in &everywhere {
            assert_eq!(told(other), told(&first), "what nodes know of one session");
        }
        first
    }
}

/// Other programs find what is available, and all orders and no other, within a second or so.
async fn shown_outside(redis: &RedisServer, show: &ShowId, found: &Found) {
    let [seats, orders] = ["seats", "orders"].map(|name| format!("usher:{{{show}}}:{name}"));
    let mut expected = found.orders.clone();
    expected.sort_unstable();
    until("the seats and orders are shown to others", || {
        let shown = redis.ask(&["HKEYS", &orders]).list().into_iter().map(Reply::text);
        let mut shown: Vec<_> = shown.collect();
        shown.sort_unstable();
        shown == expected && redis.ask(&["BITCOUNT", &seats]).number() == i64::from(found.available)
    })
    .await;
}

/// `usher verify` finds every promise kept, also beside the busy house.
pub(super) async fn verify(redis: &str) {
    let redis = redis.to_owned();
    let verified = move || program::verify_with(&["--redis", &redis]);
    let verified = tokio::task::spawn_blocking(verified).await;
    let (code, said) = verified.expect("it runs");
    assert_eq!(code, Some(0), "{said}");
}
