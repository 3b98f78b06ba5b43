//! The viewers: cheap, and strict. Each keeps its own picture of the seats by applying every frame,
//! and ends with an inconsistency where the protocol says to reopen.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::client::{ClientError, Heard, Picture, Viewer};

use super::tally::{ViewersTally, count, histogram};
use super::{Phase, SETTLE, Stage};

/// Sockets being opened at once: enough to be quick, few enough not to be a rush of its own.
const OPENING_AT_ONCE: usize = 32;
/// How often a viewer that was turned away with a time to come back does so.
const TRIES: u32 = 5;
/// How long after a frame the buyer's answer, which names the change's `seq`, is surely here.
const ANSWERED_AFTER_US: u64 = 1_500_000;

/// A frame's arrival at a viewer, kept until it is known when its change was asked for.
struct Arrival {
    /// One of the changes the frame brought, drawn at random.
    seq: u64,
    /// How many it brought: the weight of the one drawn.
    changes: u64,
    at_us: u64,
}

/// Where arrivals wait. One lock for all viewers: it is held for a push.
type Arrivals = Arc<Mutex<VecDeque<Arrival>>>;

/// All viewers of this process.
pub(super) struct Crowd {
    stage: Arc<Stage>,
    seats: JoinSet<Seen>,
    asked: u64,
    arrivals: Arrivals,
}

/// What one viewer has to say at the end.
#[derive(Default)]
struct Seen {
    frames: u64,
    bytes: u64,
    snapshots: u64,
    end: End,
}

#[derive(Default)]
enum End {
    /// There was nothing to compare with.
    #[default]
    Uncompared,
    Equal,
    MovedOn,
    Failed(String),
    Inconsistent(String),
}

impl Crowd {
    pub(super) fn empty(stage: &Arc<Stage>) -> Self {
        Self { stage: Arc::clone(stage), seats: JoinSet::new(), asked: 0, arrivals: Arc::default() }
    }

    /// Opens `viewers` sockets and waits until each has its first picture or has failed. `opened`
    /// is told now and then how many there are.
    pub(super) async fn seat(
        &mut self,
        viewers: u32,
        phase: &watch::Sender<Phase>,
        mut opened: impl FnMut(u32),
    ) {
        self.asked += u64::from(viewers);
        let gate = Arc::new(Semaphore::new(OPENING_AT_ONCE));
        let mut ready = Vec::with_capacity(viewers as usize);
        for _ in 0..viewers {
            let (tell, told) = oneshot::channel();
            ready.push(told);
            let arrivals = Arc::clone(&self.arrivals);
            let (stage, gate) = (Arc::clone(&self.stage), Arc::clone(&gate));
            let phase = phase.subscribe();
            self.seats.spawn(async move {
                let opened = {
                    let _turn = gate.acquire().await;
                    open(&stage).await
                };
                // Nobody listens any more once the load is being given up.
                tell.send(()).ok();
                match opened {
                    Ok(viewer) => watch_show(viewer, &stage, phase, &arrivals).await,
                    Err(error) => Seen { end: End::of(&error), ..Seen::default() },
                }
            });
        }
        for (i, told) in ready.into_iter().enumerate() {
            // An error: that viewer's task ended, which is told at the end.
            told.await.ok();
            opened(i as u32 + 1);
        }
    }

    /// Waits for every viewer to come to the final picture, or to fail to.
    pub(super) async fn finish(mut self) -> ViewersTally {
        let mut tally = ViewersTally { asked: self.asked, ..ViewersTally::default() };
        while let Some(seen) = self.seats.join_next().await {
            let seen = seen.unwrap_or_else(|_| Seen {
                end: End::Failed("a viewer's task failed".to_owned()),
                ..Seen::default()
            });
            tally.frames += seen.frames;
            tally.bytes += seen.bytes;
            tally.snapshots += seen.snapshots;
            tally.connected += u64::from(seen.frames > 0);
            match seen.end {
                End::Equal => tally.compared += 1,
                End::MovedOn => tally.moved_on += 1,
                End::Uncompared => {}
                End::Failed(why) => *tally.failures.entry(why).or_default() += 1,
                End::Inconsistent(why) => *tally.inconsistencies.entry(why).or_default() += 1,
            }
        }
        tally
    }

    /// Starts to turn arrivals into times.
    pub(super) fn resolve_arrivals(&self) -> Resolver {
        let (stage, arrivals) = (Arc::clone(&self.stage), Arc::clone(&self.arrivals));
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut times = histogram();
            loop {
                let last = tokio::select! {
                    _ = &mut stopped => true,
                    () = sleep(Duration::from_millis(200)) => false,
                };
                let until = if last { u64::MAX } else { stage.clock.now_us() - ANSWERED_AFTER_US };
                while let Some(arrival) = take_before(&arrivals, until) {
                    if let Some(asked_us) = stage.clock.asked_at(arrival.seq) {
                        let took_us = arrival.at_us.saturating_sub(asked_us).max(1);
                        times.saturating_record_n(took_us, arrival.changes);
                    }
                }
                if last {
                    return times
                        .iter_recorded()
                        .map(|v| (v.value_iterated_to(), v.count_at_value()))
                        .collect();
                }
            }
        });
        Resolver { stop, task }
    }
}

/// Turns arrivals into times, in the background.
pub(super) struct Resolver {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Vec<(u64, u64)>>,
}

impl Resolver {
    /// Resolves what is left, and gives all times. By now every answer has come.
    pub(super) async fn finish(self) -> Vec<(u64, u64)> {
        self.stop.send(()).ok();
        self.task.await.unwrap_or_default()
    }
}

fn take_before(arrivals: &Arrivals, until_us: u64) -> Option<Arrival> {
    let mut waiting = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.pop_front_if(|arrival| arrival.at_us < until_us)
}

async fn open(stage: &Stage) -> Result<Viewer, ClientError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match Viewer::follow(&stage.house, &stage.show, stage.format).await {
            Err(ClientError::Refused { retry_after_s: Some(seconds), .. }) if tries < TRIES => {
                sleep(Duration::from_secs(seconds.min(5))).await;
            }
            other => return other,
        }
    }
}

async fn watch_show(
    mut viewer: Viewer,
    stage: &Stage,
    mut phase: watch::Receiver<Phase>,
    arrivals: &Arrivals,
) -> Seen {
    count(&stage.live.viewers, 1);
    let mut told = viewer.counters();
    let end = loop {
        let before = viewer.picture().map_or(0, Picture::seq);
        tokio::select! {
            biased;
            heard = viewer.next() => match heard {
                Ok(Heard::Seats(_)) => {
                    let now = viewer.counters();
                    count(&stage.live.frames, now.frames - told.frames);
                    count(&stage.live.bytes, now.bytes - told.bytes);
                    told = now;
                    let after = viewer.picture().map_or(0, Picture::seq);
                    arrived(before, after, stage, arrivals);
                }
                Ok(Heard::Said(_) | Heard::Ping) => {}
                Err(error) => break End::of(&error),
            },
            changed = phase.changed() => {
                let now = phase.borrow().clone();
                match (changed, now) {
                    (Ok(()), Phase::Running) => {}
                    (Ok(()), Phase::Over(Some(last))) => break settle(&mut viewer, &last).await,
                    (Ok(()), Phase::Over(None)) => break End::Uncompared,
                    (Err(_), _) => break End::Failed("the load was given up".to_owned()),
                }
            }
        }
    };
    stage.live.viewers.fetch_sub(1, Ordering::Relaxed);
    let counters = viewer.counters();
    // The server may have closed already; there is nothing left to say.
    viewer.close().await.ok();
    Seen { frames: counters.frames, bytes: counters.bytes, snapshots: counters.snapshots, end }
}

fn arrived(before: u64, after: u64, stage: &Stage, arrivals: &Arrivals) {
    if after <= before {
        return;
    }
    let seq = rand::rng().random_range(before + 1..=after);
    let arrival = Arrival { seq, changes: after - before, at_us: stage.clock.now_us() };
    arrivals.lock().unwrap_or_else(PoisonError::into_inner).push_back(arrival);
}

async fn settle(viewer: &mut Viewer, last: &Picture) -> End {
    let come = async {
        loop {
            match viewer.picture() {
                Some(seen) if seen.epoch() == last.epoch() && seen.seq() >= last.seq() => {
                    return Ok(());
                }
                _ => viewer.next().await?,
            };
        }
    };
    match timeout(SETTLE, come).await {
        Err(_) => return End::Inconsistent("never came to the final position".to_owned()),
        Ok(Err(error)) => return End::of(&error),
        Ok(Ok(())) => {}
    }
    match viewer.picture() {
        Some(seen) if seen.seq() > last.seq() => End::MovedOn,
        Some(seen) if seen == last => End::Equal,
        _ => End::Inconsistent("a picture differs from the final snapshot".to_owned()),
    }
}

impl End {
    fn of(error: &ClientError) -> Self {
        match error.is_breach() {
            true => Self::Inconsistent(error.to_string()),
            false => Self::Failed(error.to_string()),
        }
    }
}
