//! The buyers: each holds one to four seats beside each other at a random place, buys seven times
//! in ten, and else gives them back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, sleep, timeout};

use crate::client::{Buyer, Card, ClientError, HoldId, Picture, RpcError, SeatState};

use super::Stage;
use super::tally::{BuyersTally, count};

/// The largest party.
const PARTY_MAX: u32 = 4;
/// How many of ten holds are bought.
const BOUGHT_OF_TEN: u32 = 7;
/// How long an answer may take before the buyer is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a buyer who finds no seats looks at the map before looking again.
const NOTHING_LEFT: Duration = Duration::from_millis(200);

/// A change that was granted, for viewers of other processes: its `seq`, and when it was asked for.
pub(super) type Change = (u64, u64);

/// What buyers are told when everybody is there.
#[derive(Clone, Debug)]
struct Begin {
    /// How long a buyer takes for a command; none: as long as the answer takes.
    pace: Option<Duration>,
    changes: Option<mpsc::UnboundedSender<Change>>,
}

/// All buyers.
pub(super) struct Crowd {
    at_work: JoinSet<BuyersTally>,
    begin: watch::Sender<Option<Begin>>,
    enough: Arc<AtomicBool>,
    tally: BuyersTally,
}

impl Crowd {
    /// Opens and identifies `buyers` sockets, one after another. They wait to begin.
    pub(super) async fn connect(stage: &Arc<Stage>, buyers: u32) -> Self {
        let (begin, _) = watch::channel(None);
        let enough = Arc::new(AtomicBool::new(false));
        let mut at_work = JoinSet::new();
        let mut tally = BuyersTally::new();
        for _ in 0..buyers {
            match enter(stage).await {
                Ok(buyer) => {
                    tally.connected += 1;
                    let work = Work {
                        buyer,
                        stage: Arc::clone(stage),
                        enough: Arc::clone(&enough),
                        changes: None,
                        tally: BuyersTally::new(),
                    };
                    at_work.spawn(work.run(begin.subscribe()));
                }
                Err(error) => note(&mut tally, &error),
            }
        }
        Self { at_work, begin, enough, tally }
    }

    /// Sets all to work, `rate` commands a second together; 0: as fast as they are answered. Every
    /// change is told to `changes`.
    pub(super) fn begin(&self, rate: f64, changes: Option<mpsc::UnboundedSender<Change>>) {
        let buyers = self.at_work.len() as f64;
        let pace = (rate > 0.0).then(|| Duration::from_secs_f64(buyers / rate));
        self.begin.send_replace(Some(Begin { pace, changes }));
    }

    /// Lets each finish what it is at, and tells what all did.
    pub(super) async fn stop(mut self) -> BuyersTally {
        self.enough.store(true, Ordering::Relaxed);
        while let Some(tally) = self.at_work.join_next().await {
            match tally {
                Ok(tally) => self.tally.add(&tally),
                Err(_) => {
                    let what = "a buyer's task failed".to_owned();
                    *self.tally.failures.entry(what).or_default() += 1;
                }
            }
        }
        self.tally
    }
}

async fn enter(stage: &Stage) -> Result<Buyer, ClientError> {
    let mut buyer = Buyer::connect(&stage.house, &stage.show, stage.format, None).await?;
    buyer.identify(None).await?;
    buyer.until(0).await?;
    Ok(buyer)
}

fn note(tally: &mut BuyersTally, error: &ClientError) {
    let counted = match error.refusal() {
        Some(reason) => tally.refusals.entry(reason.to_owned()),
        None if error.is_breach() => tally.inconsistencies.entry(error.to_string()),
        None => tally.failures.entry(error.to_string()),
    };
    *counted.or_default() += 1;
}

/// One buyer at work.
struct Work {
    buyer: Buyer,
    stage: Arc<Stage>,
    enough: Arc<AtomicBool>,
    changes: Option<mpsc::UnboundedSender<Change>>,
    tally: BuyersTally,
}

/// What a buyer asks for next.
enum Wish {
    Hold(Vec<u32>),
    Buy(HoldId),
    Release(HoldId),
}

impl Work {
    async fn run(mut self, begin: watch::Receiver<Option<Begin>>) -> BuyersTally {
        if let Err(error) = self.shop(begin).await {
            note(&mut self.tally, &error);
        }
        // The server may have closed already; what happened is in the tally.
        self.buyer.into_viewer().close().await.ok();
        self.tally
    }

    /// Shops until it is enough. An error: the socket is of no more use.
    async fn shop(&mut self, mut begin: watch::Receiver<Option<Begin>>) -> Result<(), ClientError> {
        let told = self.listen_until(begin.wait_for(Option::is_some)).await?;
        // An error: the load was given up.
        let Some(Begin { pace, changes }) = told.ok().and_then(|begin| begin.clone()) else {
            return Ok(());
        };
        self.changes = changes;
        let mut ticks = pace.map(|pace| {
            // Everybody starts at another moment of the first round.
            let first = pace.mul_f64(rand::rng().random());
            let mut ticks = interval_at(tokio::time::Instant::now() + first, pace);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            ticks
        });
        let mut held = None;
        loop {
            if let Some(ticks) = &mut ticks {
                self.listen_until(ticks.tick()).await?;
            }
            // A hold is always bought or given back, also when it is enough.
            if held.is_none() && self.enough.load(Ordering::Relaxed) {
                return Ok(());
            }
            match self.turn(held).await {
                Ok(now_held) => held = now_held,
                Err(ClientError::Rpc(refused)) => {
                    // Too fast: the hold, if there is one, is still ours.
                    held = held.filter(|_| refused.reason() == Some("too_fast"));
                    self.bear(refused).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps the picture fresh while waiting for a turn: seats are chosen from it.
    async fn listen_until<T>(&mut self, turn: impl Future<Output = T>) -> Result<T, ClientError> {
        tokio::pin!(turn);
        loop {
            tokio::select! {
                biased;
                turn = &mut turn => return Ok(turn),
                heard = self.buyer.next() => heard?,
            }
        }
    }

    /// One command. Gives the hold there is afterwards.
    async fn turn(&mut self, held: Option<HoldId>) -> Result<Option<HoldId>, ClientError> {
        let wish = match held {
            Some(hold) if rand::rng().random_ratio(BOUGHT_OF_TEN, 10) => Wish::Buy(hold),
            Some(hold) => Wish::Release(hold),
            None => match self.buyer.viewer().picture().and_then(some_seats) {
                Some(seats) => Wish::Hold(seats),
                None => {
                    self.listen_until(sleep(NOTHING_LEFT)).await?;
                    return Ok(None);
                }
            },
        };
        let sent_us = self.stage.clock.now_us();
        let answer = timeout(PATIENCE, self.ask(wish)).await.unwrap_or_else(|_| {
            Err(ClientError::Message("an answer did not come in 30 seconds".to_owned()))
        });
        let took_us = (self.stage.clock.now_us() - sent_us).max(1);
        count(&self.stage.live.commands, 1);
        if matches!(answer, Ok(_) | Err(ClientError::Rpc(_))) {
            self.tally.ack_us.saturating_record(took_us);
        }
        match &answer {
            Ok((method, seq, _)) => {
                self.tally.granted_us.saturating_record(took_us);
                *self.tally.granted.entry(method).or_default() += 1;
                self.stage.clock.asked(*seq, sent_us);
                if let Some(changes) = &self.changes {
                    // Nobody listens when the other processes are gone, which they tell themselves.
                    changes.send((*seq, sent_us)).ok();
                }
            }
            Err(_) => count(&self.stage.live.refused, 1),
        }
        answer.map(|(_, _, held)| held)
    }

    async fn ask(
        &mut self,
        wish: Wish,
    ) -> Result<(&'static str, u64, Option<HoldId>), ClientError> {
        Ok(match wish {
            Wish::Hold(seats) => {
                let held = self.buyer.hold(&seats).await?;
                ("hold", held.seq, Some(held.hold.id))
            }
            Wish::Buy(hold) => ("buy", self.buyer.buy(hold, Card::Approved, None).await?.seq, None),
            Wish::Release(hold) => ("release", self.buyer.release(hold).await?.seq, None),
        })
    }

    /// Counts a refusal, and waits as long as it says.
    async fn bear(&mut self, refused: RpcError) -> Result<(), ClientError> {
        let wait = refused.data.as_ref().and_then(|data| data.get("retry_after_ms"));
        let wait = wait.and_then(serde_json::Value::as_u64).map(Duration::from_millis);
        note(&mut self.tally, &ClientError::Rpc(refused));
        self.listen_until(sleep(wait.unwrap_or_default())).await
    }
}

/// One to four available seats in a row of numbers, from a random place on; fewer where the house
/// is nearly full; none where it is.
fn some_seats(picture: &Picture) -> Option<Vec<u32>> {
    let seats = picture.seats();
    let start = rand::rng().random_range(0..seats.max(1));
    let party = rand::rng().random_range(1..=PARTY_MAX);
    (1..=party).rev().find_map(|party| {
        let mut run = 0;
        let found = (start..seats).chain(0..start).find(|&seat| {
            // The numbers jump from the last seat to the first, and no party sits across that.
            run = if seat == 0 { 0 } else { run };
            run = if picture.state(seat) == SeatState::Available { run + 1 } else { 0 };
            run == party
        })?;
        Some((found + 1 - party..=found).collect())
    })
}
