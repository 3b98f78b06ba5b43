//! How it is going: one line that is drawn over on a terminal, a plain line now and then in a pipe.
//! On standard error, so that the report alone is on standard output.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Stage;
use super::children::Children;
use super::report::{bytes, thousands};

/// How often a terminal is drawn on.
const DRAW_EVERY: Duration = Duration::from_millis(500);
/// How many of these make a line in a pipe.
const DRAWS_A_LINE: u32 = 10;

/// The line.
pub(super) struct Progress {
    terminal: bool,
    drawn: bool,
    said: Instant,
}

impl Progress {
    pub(super) fn begin() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), drawn: false, said: Instant::now() }
    }

    /// Says something that is worth a line in a pipe, too.
    pub(super) fn say(&mut self, what: &str) {
        let mut err = std::io::stderr().lock();
        let written = match self.terminal {
            // To the line's start, and clear to its end.
            true => write!(err, "\r{what}\x1b[K"),
            false => writeln!(err, "{what}"),
        };
        // Who closed standard error does not want to know.
        self.drawn = written.and_then(|()| err.flush()).is_ok() && self.terminal;
        self.said = Instant::now();
    }

    /// Tells how many viewers are connected: not each of them.
    pub(super) fn connecting(&mut self, connected: u32, of: u32) {
        if connected == of || self.said.elapsed() > DRAW_EVERY {
            let (connected, of) = (thousands(connected.into()), thousands(of.into()));
            self.say(&format!("connecting viewers: {connected} of {of}"));
        }
    }

    /// Tells how it goes for `time`, or until Ctrl-C.
    pub(super) async fn watch(&mut self, stage: &Stage, children: &mut Children, time: Duration) {
        let start = Instant::now();
        let mut before = (0, 0);
        let mut draws = 0_u32;
        loop {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = sleep(left.min(DRAW_EVERY)) => {}
                _ = tokio::signal::ctrl_c() => return,
            }
            let (viewers, frames, got) = children.live().await;
            let here = stage.live.snapshot();
            let (frames, got) = (frames + here.frames, got + here.bytes);
            draws += 1;
            if self.terminal || draws.is_multiple_of(DRAWS_A_LINE) {
                let draws = if self.terminal { 1 } else { DRAWS_A_LINE };
                let seconds = (DRAW_EVERY * draws).as_secs_f64();
                let rate =
                    |now: u64, before: u64| thousands(((now - before) as f64 / seconds) as u64);
                self.say(&format!(
                    "{:>3} s of {} s · viewers {} · commands {}/s, {} refused · frames {}/s · {}",
                    start.elapsed().as_secs(),
                    time.as_secs(),
                    thousands(viewers + here.viewers),
                    rate(here.commands, before.0),
                    thousands(here.refused),
                    rate(frames, before.1),
                    bytes(got),
                ));
                before = (here.commands, frames);
            }
        }
    }

    /// Leaves the terminal as it should be found.
    pub(super) fn end(&mut self) {
        if self.drawn {
            // As above.
            write!(std::io::stderr(), "\r\x1b[K").ok();
        }
    }
}
