//! The heartbeat: one tick for all of a shard's sockets, and no timer for any of them.
//!
//! It pings, finds the dead, and ends what takes too long. It reads nothing and says nothing to
//! those who are well.

use std::rc::Rc;

use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Shard;
use super::settings::{
    CONTROL_FRAMES_BURST, CONTROL_FRAMES_PER_SECOND, PINGS_MISSED_MAX, SLICE_SOCKETS,
};
use super::viewer::{Ending, Viewer};
use crate::protocol::websocket::CloseCode;

/// A ping without a payload, in its frame.
const PING: &[u8] = &[0x89, 0x00];

/// What every look of one tick needs.
struct Beat {
    tick: u32,
    now: Instant,
    ping_ticks: u32,
    message_ticks: u32,
    close_ticks: u32,
    new_controls: u32,
}

/// The heartbeat's task; it never ends by itself.
pub(super) async fn beat(shard: Rc<Shard>) {
    let settings = &shard.settings;
    let mut ticks = interval(settings.tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shard.note_moved();
        let beat = Beat {
            tick: shard.count_tick(),
            now: Instant::now(),
            ping_ticks: settings.ticks(settings.ping_every),
            message_ticks: settings.ticks(settings.message_within),
            close_ticks: settings.ticks(settings.close_within),
            new_controls: (CONTROL_FRAMES_PER_SECOND as f64 * settings.tick.as_secs_f64()).ceil()
                as u32,
        };
        for audience in shard.audiences(None) {
            let mut next = 0;
            while next < audience.places() {
                audience.each(next, SLICE_SOCKETS.min(audience.places() - next), |viewer| {
                    beat.look_at(viewer);
                });
                next += SLICE_SOCKETS;
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Beat {
    fn look_at(&self, viewer: &Rc<Viewer>) {
        let pulse = &viewer.pulse;
        let controls = pulse.controls_left.get() + self.new_controls;
        pulse.controls_left.set(controls.min(CONTROL_FRAMES_BURST));
        match viewer.ending() {
            Ending::Not => {}
            Ending::Asked { code, since_tick } | Ending::Told { code, since_tick } => {
                if self.ticks_since(since_tick) > self.close_ticks {
                    viewer.begin_close(code, "");
                }
            }
            // Its life should have ended it by now; twice the time is enough.
            Ending::Closing { by } => {
                if self.now > by + viewer.shard().settings.close_within {
                    viewer.abort_life();
                }
                return;
            }
            Ending::Gone => return,
        }
        let waits = pulse.waiting_since.get().map(|since| self.ticks_since(since));
        if waits.is_some_and(|ticks| ticks > self.message_ticks) {
            return viewer.begin_close(CloseCode::Idle, "a message was not finished in time");
        }
        if self.tick >= pulse.ping_at.get() {
            self.ping(viewer);
        }
    }

    fn ping(&self, viewer: &Rc<Viewer>) {
        let pulse = &viewer.pulse;
        if pulse.pings_unanswered.get() >= PINGS_MISSED_MAX {
            return viewer.begin_close(CloseCode::Idle, "no pong");
        }
        pulse.ping_at.set(self.tick.saturating_add(self.ping_ticks));
        pulse.pings_unanswered.set(pulse.pings_unanswered.get() + 1);
        // Behind something unfinished a ping says nothing new: whether that goes on tells as much.
        if viewer.is_flushed() {
            viewer.send(&Bytes::from_static(PING));
        }
    }

    fn ticks_since(&self, then: u32) -> u32 {
        self.tick.saturating_sub(then)
    }
}
