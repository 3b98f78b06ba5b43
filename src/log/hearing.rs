//! Hearing: what another node appended, told as soon as it is known.
//!
//! It is the fast way, not the sure one. Who speaks never waits; who cannot follow, or whose line
//! was broken, hears that something was missed, and reads the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::{Known, Recorded};

/// How many pages may wait for one who hears: more than a node applies in the time it takes to read
/// what was missed.
const PAGES_MAX: usize = 256;

/// Something that was heard of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Entries that were appended as one. They may be known already, or leave a gap after what is.
    Entries {
        /// The place before the first of them, in the life they were appended in: who knows another
        /// there knows another history.
        after: Known,
        /// None where only that place is told: whoever does not know it asks.
        entries: Vec<Recorded>,
    },
    /// There may be entries that were not heard: the log is to be asked. Said when a line is new, and
    /// whenever it was broken, once it stands again. What is said until then is not heard, so it may be
    /// that nothing follows for long.
    Missed,
}

/// The listener's end.
#[derive(Debug)]
pub struct Hearing {
    pages: mpsc::Receiver<Heard>,
    missed: Arc<AtomicBool>,
}

/// The speaker's end.
#[derive(Clone, Debug)]
pub struct Speaker {
    pages: mpsc::Sender<Heard>,
    missed: Arc<AtomicBool>,
}

/// A line from one who speaks to one who hears.
pub fn line() -> (Speaker, Hearing) {
    let (speaker, pages) = mpsc::channel(PAGES_MAX);
    let missed = Arc::new(AtomicBool::new(false));
    (Speaker { pages: speaker, missed: missed.clone() }, Hearing { pages, missed })
}

impl Speaker {
    /// Tells. Never waits: where the line is full, the listener hears [`Heard::Missed`] instead.
    /// Answers whether anybody listens still.
    pub fn say(&self, heard: Heard) -> bool {
        match self.pages.try_send(heard) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.missed.store(true, Ordering::Release);
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Whether nobody listens any more.
    pub fn is_alone(&self) -> bool {
        self.pages.is_closed()
    }
}

impl Hearing {
    /// The next that is heard; none when the speaker is gone, and with it all there was to hear.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Heard> {
        let heard = self.pages.recv().await?;
        // Full means that something waits, so a listener that is behind comes by here.
        if self.missed.swap(false, Ordering::Acquire) {
            while self.pages.try_recv().is_ok() {}
            return Some(Heard::Missed);
        }
        Some(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Heard {
        Heard::Entries { after: Known::nothing(1), entries: Vec::new() }
    }

    #[tokio::test]
    async fn who_cannot_follow_hears_that_something_was_missed_and_then_goes_on() {
        let (speaker, mut hearing) = line();
        for _ in 0..=PAGES_MAX {
            assert!(speaker.say(some()));
        }
        assert_eq!(hearing.next().await, Some(Heard::Missed));
        assert!(speaker.say(some()));
        assert_eq!(hearing.next().await, Some(some()));
        drop(hearing);
        assert!(!speaker.say(Heard::Missed), "nobody listens");
    }
}
