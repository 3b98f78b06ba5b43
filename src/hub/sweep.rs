//! Fan-out: rounds over a show's viewers, in slices, and no more often than they cost.
//!
//! A round brings every viewer of one show to the latest position: one write for each that is
//! behind and has nothing unfinished. Between slices the thread reads, answers and listens; shows
//! take turns slice by slice. The first change after quiet goes out at once; in a rush the changes
//! gather while a round lasts and a quarter as long again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Shard;
use super::audience::{Audience, Lap, Pace};
use super::board::{Place, SeatFrame};
use super::counters::add;
use super::settings::{
    GATHER_MS_ENOUGH, GATHER_MS_MAX, GATHER_MS_MIN, GATHER_ROUNDS, GLANCE_SOCKETS, SLICE_SOCKETS,
};
use super::viewer::Viewer;
use crate::protocol::seats::Format;
use crate::protocol::websocket::CloseCode;
use crate::show::ShowId;

const GATHER_MIN: Duration = Duration::from_millis(GATHER_MS_MIN);
const GATHER_ENOUGH: Duration = Duration::from_millis(GATHER_MS_ENOUGH);

/// Something to do with each of many sockets, in slices as well.
#[derive(Clone, Debug)]
pub(super) enum Walk {
    /// Say this: a whole frame.
    Say(Bytes),
    /// Ask it to leave.
    Ask(CloseCode),
    /// End its life where it stands.
    Cut,
}

/// What there is to sweep.
#[derive(Default)]
pub(super) struct Sweep {
    work: RefCell<Work>,
    stirred: Notify,
}

#[derive(Default)]
struct Work {
    due: Vec<Rc<Audience>>,
    rounds: VecDeque<Round>,
    /// Only the first is under way, so that what is said to all is heard in its order.
    walks: VecDeque<Walking>,
    walked_last: bool,
}

struct Round {
    audience: Rc<Audience>,
    began: Instant,
    lap: Lap,
}

struct Walking {
    walk: Walk,
    audiences: Vec<Rc<Audience>>,
    next: usize,
}

/// What the sweep does next.
enum Turn {
    Round(Round),
    Walk(Walking),
    RestUntil(Instant),
    Rest,
}

impl Sweep {
    /// The audience is behind: a round as soon as its pace allows.
    pub(super) fn want_round(&self, audience: &Rc<Audience>) {
        audience.pace.set(Pace::Due);
        self.work.borrow_mut().due.push(Rc::clone(audience));
        self.stirred.notify_one();
    }

    fn turn(&self) -> Turn {
        let now = Instant::now();
        let work = &mut *self.work.borrow_mut();
        for audience in work.due.extract_if(.., |audience| audience.not_before.get() <= now) {
            work.rounds.push_back(Round::begin(audience, now));
        }
        let walk_is_next = work.rounds.is_empty() || !work.walked_last;
        if walk_is_next && let Some(walking) = work.walks.pop_front() {
            work.walked_last = true;
            return Turn::Walk(walking);
        }
        work.walked_last = false;
        if let Some(round) = work.rounds.pop_front() {
            return Turn::Round(round);
        }
        match work.due.iter().map(|audience| audience.not_before.get()).min() {
            Some(first) => Turn::RestUntil(first),
            None => Turn::Rest,
        }
    }
}

/// The sweep's task; it never ends by itself.
pub(super) async fn sweep(shard: Rc<Shard>) {
    loop {
        match shard.sweep.turn() {
            Turn::Round(mut round) => {
                shard.slice(&mut round);
                if !round.lap.is_done() {
                    shard.sweep.work.borrow_mut().rounds.push_back(round);
                } else {
                    round.end();
                }
                tokio::task::yield_now().await;
            }
            Turn::Walk(mut walking) => {
                if walking.slice() {
                    shard.sweep.work.borrow_mut().walks.push_front(walking);
                }
                tokio::task::yield_now().await;
            }
            Turn::RestUntil(then) => tokio::select! {
                () = sleep_until(then) => {}
                () = shard.sweep.stirred.notified() => {}
            },
            Turn::Rest => shard.sweep.stirred.notified().await,
        }
    }
}

impl Shard {
    /// Begins a walk over one show's sockets, or all, after those begun before.
    pub(super) fn begin_walk(&self, show: Option<&ShowId>, walk: Walk) {
        let walking = Walking { walk, audiences: self.audiences(show), next: 0 };
        self.sweep.work.borrow_mut().walks.push_back(walking);
        self.sweep.stirred.notify_one();
    }

    /// Brings the next few viewers of a round up to date.
    ///
    /// The frames are looked up for each slice anew: later slices of a long round get the latest,
    /// and within a slice nearly all viewers are at one position, so it is one look at the board.
    fn slice(&self, round: &mut Round) {
        let mut shown = Shown::default();
        for _ in 0..SLICE_SOCKETS / GLANCE_SOCKETS {
            round.audience.with(round.lap.slice(GLANCE_SOCKETS), |viewers| {
                // All of a glance before the first write: see `GLANCE_SOCKETS`.
                let behind: Vec<_> = viewers.filter(|viewer| shown.is_behind(viewer)).collect();
                behind.into_iter().for_each(|viewer| shown.to(viewer));
            });
        }
        add(&self.counters.frames, shown.frames);
        add(&self.counters.snapshots, shown.snapshots);
        add(&self.counters.bytes, shown.bytes);
        if round.lap.is_done() {
            add(&self.counters.rounds, 1);
        }
    }
}

/// The frames found for one slice, and what was sent of them.
#[derive(Default)]
struct Shown {
    found: Vec<(Place, Format, Option<SeatFrame>)>,
    frames: u64,
    snapshots: u64,
    bytes: u64,
}

impl Shown {
    /// Whether there is something to write to the viewer, and it can be written. One that has
    /// something unfinished catches up when it has written it.
    fn is_behind(&mut self, viewer: &Viewer) -> bool {
        viewer.is_ready() && self.frame_for(viewer).is_some()
    }

    fn to(&mut self, viewer: &Rc<Viewer>) {
        let Some(frame) = self.frame_for(viewer) else { return };
        let (is_snapshot, bytes) = (frame.is_snapshot(), frame.framed().len() as u64);
        viewer.show(frame);
        self.frames += 1;
        self.snapshots += u64::from(is_snapshot);
        self.bytes += bytes;
    }

    fn frame_for(&mut self, viewer: &Viewer) -> Option<&SeatFrame> {
        let (place, format) = (viewer.place(), viewer.format());
        let known = self.found.iter().position(|(p, f, _)| *p == place && *f == format);
        let at = known.unwrap_or_else(|| {
            let frame = viewer.audience.board.frame_since(Some(place), format);
            self.found.push((place, format, frame));
            self.found.len() - 1
        });
        self.found.get(at).and_then(|(_, _, frame)| frame.as_ref())
    }
}

impl Round {
    fn begin(audience: Rc<Audience>, now: Instant) -> Self {
        audience.pace.set(Pace::InRound { again: false });
        // Before the first look: what is published from here on rings again.
        audience.bell.hush();
        let lap = Lap::new(audience.places(), audience.next_start.get());
        audience.next_start.set(lap.next() + SLICE_SOCKETS);
        Self { audience, began: now, lap }
    }

    fn end(self) {
        let now = Instant::now();
        let took = now - self.began;
        let rest = (took / 4).min(Duration::from_millis(GATHER_MS_MAX));
        let gather = (took * GATHER_ROUNDS).clamp(GATHER_MIN, GATHER_ENOUGH);
        self.audience.not_before.set((self.began + gather).max(now + rest));
        let again = self.audience.pace.get() == Pace::InRound { again: true };
        self.audience.pace.set(Pace::Quiet);
        if again {
            self.audience.shard.sweep.want_round(&self.audience);
        }
    }
}

impl Walking {
    /// Does the next few; tells whether any are left.
    fn slice(&mut self) -> bool {
        let Some(audience) = self.audiences.last() else { return false };
        let count = audience.places().saturating_sub(self.next).min(SLICE_SOCKETS);
        audience.each(self.next, count, |viewer| match &self.walk {
            Walk::Say(framed) => viewer.send(framed),
            Walk::Ask(code) => viewer.ask_to_leave(*code),
            Walk::Cut => viewer.abort_life(),
        });
        self.next += count;
        if self.next >= audience.places() {
            self.audiences.pop();
            self.next = 0;
        }
        !self.audiences.is_empty()
    }
}
