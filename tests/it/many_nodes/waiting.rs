//! People wait at all nodes, while a node and Redis are killed: they are served in the log's order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use usher::audit::{self, Replay};
use usher::client::{Buyer, ClientError, Identified};
use usher::log::Log;
use usher::log::redis::RedisLog;
use usher::protocol::rpc::HoldState;
use usher::protocol::seats::Format;
use usher::show::{Outcome, ShowId, Wish};

use super::crowd::verify;
use super::stage::{Houses, NODES, PATIENCE, Stage};
use crate::redis_server::RedisServer;

/// Seats of the show: one holds all of them, and lets them go little by little.
const SEATS: u32 = 40;
/// Who wants one of them: more than there are, even when some let theirs go again.
const WAITERS: usize = 60;

/// What somebody does. Each is such that it does no harm to do it twice: whether it was done is not
/// always known.
#[derive(Clone, Copy)]
enum Deed {
    /// Asks what is theirs.
    Looks,
    /// Holds the whole house.
    HoldsAll,
    /// Keeps only so many of the seats held.
    Keeps(u32),
    Joins,
    Accepts,
    Declines,
    Leaves,
}

/// Somebody, known by a session alone: for every request they come again, to whatever node is there.
#[derive(Clone)]
struct Somebody {
    houses: Houses,
    show: ShowId,
    session: Option<String>,
    node: usize,
}

impl Somebody {
    async fn new(houses: &Houses, show: &ShowId, node: usize) -> Self {
        let (houses, show) = (houses.clone(), show.clone());
        let mut somebody = Self { houses, show, session: None, node };
        somebody.session = Some(somebody.does(Deed::Looks).await.session);
        somebody
    }

    /// The same, who asks this node first.
    fn at(&self, node: usize) -> Self {
        Self { node, ..self.clone() }
    }

    /// Does it at a node that is there, again and again until it is done; what is theirs then.
    async fn does(&self, deed: Deed) -> Identified {
        let began = Instant::now();
        let mut node = self.node;
        loop {
            let error = match self.tries(deed, node).await {
                Ok(known) => return known,
                Err(error) => error,
            };
            // The other refusals say that it was done already, at a node this one has not heard of yet.
            let done = ["already_waiting", "already_holding", "no_offer", "no_such_hold"];
            let later = |reason| reason == "unavailable" || done.contains(&reason);
            assert!(error.refusal().is_none_or(later), "{error}");
            assert!(began.elapsed() < PATIENCE, "nobody answers: {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            node += 1;
        }
    }

    async fn tries(&self, deed: Deed, node: usize) -> Result<Identified, ClientError> {
        let house = self.houses.at(node);
        let mut buyer = Buyer::connect(&house, &self.show, Format::Json, None).await?;
        let known = buyer.identify(self.session.as_deref()).await?;
        let hold = known.holds.first().map(|hold| (hold.id, hold.state));
        match (deed, hold) {
            (Deed::HoldsAll, None) => {
                let all: Vec<u32> = (0..SEATS).collect();
                buyer.hold(&all).await?;
            }
            (Deed::Keeps(0), Some((hold, _))) => {
                buyer.release(hold).await?;
            }
            (Deed::Keeps(seats), Some((hold, _))) => {
                let kept: Vec<u32> = (0..seats).collect();
                buyer.change(hold, &kept).await?;
            }
            (Deed::Joins, None) if known.waiting.is_none() => {
                let (categories, sections, areas) = (None, None, None);
                let wish = Wish { quantity: 1, categories, sections, areas, together: false };
                buyer.join(&wish).await?;
            }
            (Deed::Accepts, Some((_, HoldState::Offered))) => {
                buyer.accept().await?;
            }
            (Deed::Declines, Some(_)) => {
                buyer.decline().await?;
            }
            (Deed::Leaves, _) => {
                buyer.leave().await?;
            }
            _ => {}
        }
        buyer.identify(None).await
    }

    /// Stands in line; the answer is the turn.
    async fn joins(&self) -> u64 {
        let known = self.does(Deed::Joins).await;
        known.waiting.expect("a place in line").head.seq
    }
}

/// So many join at once, at all nodes.
fn join_at_all_nodes(
    houses: &Houses,
    show: &ShowId,
    many: std::ops::Range<usize>,
) -> JoinSet<(u64, Somebody)> {
    let mut joining = JoinSet::new();
    for number in many {
        let (houses, show) = (houses.clone(), show.clone());
        joining.spawn(async move {
            let waiter = Somebody::new(&houses, &show, number % NODES).await;
            (waiter.joins().await, waiter)
        });
    }
    joining
}

/// What the log says: the turns of those who were offered seats, in the order of the offers; and of
/// all who took a ticket.
async fn as_the_log_has_it(redis: &RedisServer, show: &ShowId) -> (Vec<u64>, BTreeSet<u64>) {
    let address = redis.url().parse().expect("an address");
    let log: Arc<dyn Log> = Arc::new(RedisLog::open_read_only(&address).await.expect("a log"));
    let catalogue = audit::programme(log.clone()).await.expect("a programme");
    let mut replay = Replay::open(log, catalogue.as_ref(), show).await.expect("a show");
    let (mut turns, mut offered) = (BTreeMap::new(), Vec::new());
    while let Some(step) = replay.step().await.expect("a step") {
        match step.outcome {
            Outcome::Joined { ticket, .. } => drop(turns.insert(ticket, step.recorded.seq)),
            Outcome::Offered { ticket, .. } => offered.push(turns[&ticket]),
            _ => {}
        }
    }
    (offered, turns.into_values().collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_waits_at_whatever_node_is_served_in_the_logs_order_though_node_and_redis_die() {
    let mut redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let day = 86_400_000;
    let policy = json!({"seats_max": SEATS, "hold_ms": day, "offer_ms": day, "wait_ms": day});
    let show = stage.a_show_with(SEATS, policy).await;
    let houses = stage.houses().clone();
    let holder = Somebody::new(&houses, &show, 0).await;
    holder.does(Deed::HoldsAll).await;

    let mut waiters = BTreeMap::new();
    let mut first = join_at_all_nodes(&houses, &show, 0..WAITERS / 2);
    while let Some(joined) = first.join_next().await {
        waiters.extend([joined.expect("a place in line")]);
    }
    holder.at(1).does(Deed::Keeps(32)).await;

    // A node dies while others join there, and seats are let go elsewhere.
    let mut second = join_at_all_nodes(&houses, &show, WAITERS / 2..WAITERS);
    stage.kill(2);
    holder.at(0).does(Deed::Keeps(24)).await;
    stage.start_again(2);
    // Then Redis does, and somebody lets go meanwhile, or is told that it cannot be done now.
    redis.kill();
    let letting_go = tokio::spawn({
        let holder = holder.at(2);
        async move { holder.does(Deed::Keeps(16)).await }
    });
    redis.start_again();
    letting_go.await.expect("seats let go");
    while let Some(joined) = second.join_next().await {
        waiters.extend([joined.expect("a place in line")]);
    }
    assert_eq!(waiters.len(), WAITERS, "each has a turn of its own");

    // Of those who are offered seats some accept, some let them go, and one behind gives up.
    let served: Vec<u64> = waiters.keys().copied().take((SEATS - 16) as usize).collect();
    let mut gone = BTreeSet::new();
    for (turn, number) in served.iter().zip(0..) {
        let waiter = &waiters[turn];
        is_offered(waiter).await;
        match number % 4 {
            0 => drop(waiter.does(Deed::Accepts).await),
            1 => {
                waiter.does(Deed::Declines).await;
                gone.insert(*turn);
            }
            _ => {}
        }
    }
    let (last, waiter) = waiters.last_key_value().expect("the last in line");
    waiter.does(Deed::Leaves).await;
    gone.insert(*last);
    holder.at(1).does(Deed::Keeps(0)).await;

    // In the end every seat is somebody's who waited, the first in line first.
    let takers: Vec<u64> =
        waiters.keys().filter(|turn| !gone.contains(turn)).copied().take(SEATS as usize).collect();
    for turn in &takers {
        is_offered(&waiters[turn]).await;
    }
    let mut position = 0;
    for (turn, waiter) in waiters.iter().filter(|(turn, _)| !gone.contains(turn)) {
        let known = waiter.does(Deed::Looks).await;
        assert_eq!(known.holds.len(), usize::from(takers.contains(turn)), "turn {turn}");
        let Some(waiting) = known.waiting else { continue };
        assert_eq!(waiting.head.seq, *turn);
        assert!(waiting.position > position, "turn {turn} is before others");
        position = waiting.position;
    }
    let (offered, tickets) = as_the_log_has_it(&redis, &show).await;
    assert!(offered.is_sorted_by(|a, b| a < b), "offered in another order: {offered:?}");
    assert_eq!(tickets, waiters.keys().copied().collect(), "nobody waits twice, nobody is lost");
    verify(&redis.url()).await;
}

/// Waits until somebody has seats, offered or accepted.
async fn is_offered(waiter: &Somebody) {
    let began = Instant::now();
    while waiter.does(Deed::Looks).await.holds.is_empty() {
        assert!(began.elapsed() < PATIENCE, "no seat is offered");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
