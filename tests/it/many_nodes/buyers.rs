//! Buyers who fight for the same seats on all nodes, and go to the next node when theirs is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::watch;
use usher::client::{Buyer, ClientError, Picture};
use usher::protocol::rpc::Card;
use usher::protocol::seats::Format;
use usher::show::ShowId;

use super::journal::Journal;
use super::stage::{Houses, PATIENCE, SEATS};
use crate::crash::journal::Asked;

/// How many seats are fought for at a time.
const HOT_SEATS: u32 = 60;

/// What all buyers did, counted while they do it.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Changes that were acknowledged.
    pub(super) acknowledged: AtomicU64,
    /// Purchases among them.
    pub(super) bought: AtomicU64,
    /// Requests that were answered `unavailable`.
    pub(super) unavailable: AtomicU64,
    /// Sockets that ended, and connections that were refused.
    pub(super) reconnects: AtomicU64,
    /// The longest that anybody waited for an answer on an open socket.
    pub(super) longest_ms: AtomicU64,
}

impl Counts {
    pub(super) fn of(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::SeqCst)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::SeqCst);
}

/// A buyer's way into the house.
pub(super) struct Trip {
    pub(super) houses: Houses,
    pub(super) show: ShowId,
    pub(super) counts: Arc<Counts>,
    /// True when it is time to go home.
    pub(super) home: watch::Receiver<bool>,
    pub(super) seed: u64,
    /// The node to begin at.
    pub(super) node: usize,
}

/// How a visit at one node ended.
enum End {
    Home,
    /// The socket is gone.
    Gone(ClientError),
}

impl Trip {
    /// Asks for this and that, at whatever node is there, until it is time to go home.
    pub(super) async fn shop(mut self, mut journal: Journal) -> Journal {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut picture: Option<Picture> = None;
        while !*self.home.borrow() {
            let house = self.houses.at(self.node);
            let known = picture.clone();
            match Buyer::connect(&house, &self.show, Format::Binary, known).await {
                Ok(mut buyer) => {
                    let end = self.visit(&mut buyer, &mut journal, &mut random).await;
                    picture = buyer.into_viewer().into_picture();
                    let End::Gone(error) = end else { break };
                    assert!(!error.is_breach(), "node {}: {error}", self.node);
                }
                Err(error) => {
                    assert!(!error.is_breach(), "node {}: {error}", self.node);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            count(&self.counts.reconnects);
            self.node += 1;
        }
        journal
    }

    async fn visit(
        &mut self,
        buyer: &mut Buyer,
        journal: &mut Journal,
        random: &mut StdRng,
    ) -> End {
        if let Err(error) = self.introduce(buyer, journal).await {
            return End::Gone(error);
        }
        while !*self.home.borrow() {
            let sold = Counts::of(&self.counts.bought) as u32 * 2;
            let hot = sold % (SEATS - 2 * HOT_SEATS);
            let asked = journal.next(random, hot..hot + HOT_SEATS);
            let began = Instant::now();
            let answer = tokio::time::timeout(PATIENCE, self.ask(buyer, journal, &asked)).await;
            let answer = answer.expect("an answer, or the end of the socket");
            let waited = began.elapsed().as_millis() as u64;
            self.counts.longest_ms.fetch_max(waited, Ordering::SeqCst);
            let error = match answer {
                Ok(()) => continue,
                Err(error) => error,
            };
            match error.refusal() {
                Some("seats_taken") => continue,
                Some("unavailable") => {
                    count(&self.counts.unavailable);
                    journal.doubts.push(asked);
                }
                Some(_) if !journal.doubts.is_empty() || journal.may_lose => {}
                Some(reason) => panic!("{asked:?} was refused as {reason}, nothing in doubt"),
                None => {
                    journal.doubts.push(asked);
                    return End::Gone(error);
                }
            }
            // Something is in doubt: what became of it?
            tokio::time::sleep(Duration::from_millis(random.random_range(1..20))).await;
            if let Err(error) = self.introduce(buyer, journal).await {
                return End::Gone(error);
            }
        }
        End::Home
    }

    async fn ask(
        &self,
        buyer: &mut Buyer,
        journal: &mut Journal,
        asked: &Asked,
    ) -> Result<(), ClientError> {
        let seq = match asked {
            Asked::Hold { seats } => {
                let held = buyer.hold(seats).await?;
                journal.hold = Some(held.hold);
                held.seq
            }
            Asked::Change { hold, seats } => {
                let held = buyer.change(*hold, seats).await?;
                journal.hold = Some(held.hold);
                held.seq
            }
            Asked::Release { hold } => {
                let released = buyer.release(*hold).await?;
                journal.hold = None;
                released.seq
            }
            Asked::Buy { hold } => {
                let bought = buyer.buy(*hold, Card::Approved, None).await?;
                journal.hold = None;
                journal.orders.push(bought.order);
                count(&self.counts.bought);
                bought.seq
            }
        };
        let epoch = buyer.viewer().picture().map_or(0, Picture::epoch);
        journal.last = (epoch, seq);
        count(&self.counts.acknowledged);
        Ok(())
    }

    /// Says who is asking, once this node knows what was acknowledged elsewhere, and holds what it
    /// knows against the journal.
    async fn introduce(&self, buyer: &mut Buyer, journal: &mut Journal) -> Result<(), ClientError> {
        let (epoch, seq) = journal.last;
        while buyer.viewer().picture().is_none_or(|seen| seen.epoch() == epoch && seen.seq() < seq)
        {
            // A node that is cut off never gets there: then another is asked.
            let next = tokio::time::timeout(Duration::from_secs(3), buyer.next()).await;
            next.unwrap_or(Err(ClientError::Unreachable {
                at: format!("node {}", self.node),
                why: format!("it is behind {seq}"),
            }))?;
        }
        let known = buyer.identify(journal.session.as_deref()).await?;
        if let Err(why) = journal.agree(&known) {
            panic!("node {}: {why}\n{journal:#?}\n{known:#?}", self.node);
        }
        journal.session = Some(known.session);
        Ok(())
    }
}
