//! When the other nodes are told of what this one appended.
//!
//! Each page that is said costs the server a write for every node that listens, and in a rush those
//! nodes are told all they missed with their own appends anyway. So at most one page of a stream is
//! said in a few milliseconds; for those in between one word follows, that there is more, and whoever does
//! not know it by then asks. While there are fewer appends than that, every page is said at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::{Known, StreamId};

/// How often a stream's pages are said at most: well under the 5 ms within which a change made on one
/// node is to be seen on another.
const SAY_EVERY_MIN: Duration = Duration::from_millis(2);
/// How often at least.
const SAY_EVERY_MAX: Duration = Duration::from_millis(20);
/// In between, the pause is so many times as long as the last append took: the busier the server, the
/// less it is made to say.
const SAY_RESTS: u32 = 2;
/// With so many entries on a page it is a rush, in which the hub gathers changes for longer than that
/// anyway: then it is said no more often than it must be. Every 2 ms, a tenth of what Redis did for four
/// nodes was to say pages that were known by then.
const RUSH_ENTRIES: usize = 8;

/// What was said of each stream, and what not yet. As many as there are streams this node appends to.
#[derive(Default)]
pub(super) struct Saying(Mutex<HashMap<StreamId, Said>>);

struct Said {
    at: Instant,
    /// How long after that the next is said.
    pause: Duration,
    /// The last place that was not said, while a word that there is more is still to follow.
    owed: Option<Known>,
}

impl Saying {
    /// Whether the next page of a stream is to be said itself, now.
    pub(super) fn is_time(&self, stream: &StreamId, now: Instant) -> bool {
        let mut streams = self.streams();
        match streams.get_mut(stream) {
            None => {
                streams.insert(stream.clone(), Said { at: now, pause: SAY_EVERY_MIN, owed: None });
                true
            }
            Some(said) if now.duration_since(said.at) >= said.pause => {
                said.at = now;
                true
            }
            Some(_) => false,
        }
    }

    /// Takes note of how many entries were appended, and how long that took.
    pub(super) fn took(&self, stream: &StreamId, entries: usize, took: Duration) {
        if let Some(said) = self.streams().get_mut(stream) {
            let least = if entries >= RUSH_ENTRIES { SAY_EVERY_MAX } else { SAY_EVERY_MIN };
            said.pause = (took * SAY_RESTS).clamp(least, SAY_EVERY_MAX);
        }
    }

    /// A page that ends at `place` was not said. Answers when a word of it is due, if the asker is to
    /// see to that; somebody may be about to already.
    pub(super) fn owe(&self, stream: &StreamId, place: Known) -> Option<Instant> {
        let mut streams = self.streams();
        let said = streams.get_mut(stream)?;
        said.owed.replace(place).is_none().then_some(said.at + said.pause)
    }

    /// The place that is to be told of now.
    pub(super) fn pay(&self, stream: &StreamId, now: Instant) -> Option<Known> {
        let mut streams = self.streams();
        let said = streams.get_mut(stream)?;
        said.at = now;
        said.owed.take()
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<StreamId, Said>> {
        // Never held across an await; what it guards is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::ShowId;

    #[test]
    fn in_a_rush_one_page_is_said_and_one_word_follows_for_the_rest() {
        let (saying, catalogue, now) = (Saying::default(), StreamId::catalogue(), Instant::now());
        let place = |epoch| Known::nothing(epoch);
        assert!(saying.is_time(&catalogue, now), "after quiet: at once");
        assert!(!saying.is_time(&catalogue, now));
        let due = saying.owe(&catalogue, place(1)).expect("nobody else is about to");
        assert_eq!(due, now + SAY_EVERY_MIN);
        assert!(!saying.is_time(&catalogue, now));
        assert_eq!(saying.owe(&catalogue, place(2)), None, "one word is enough");
        let other = StreamId::show(&ShowId::parse("other").expect("a name"));
        assert!(saying.is_time(&other, now), "streams do not wait for each other");

        assert_eq!(saying.pay(&catalogue, due), Some(place(2)), "of the latest");
        assert_eq!(saying.pay(&catalogue, due), None);
        assert!(!saying.is_time(&catalogue, due), "a word counts as much as a page");
        assert!(saying.is_time(&catalogue, due + SAY_EVERY_MIN));

        let now = due + SAY_EVERY_MIN;
        let few = RUSH_ENTRIES - 1;
        for (entries, took_ms, pause_ms) in
            [(few, 0, 2), (few, 5, 10), (few, 500, 20), (few + 1, 0, 20)]
        {
            saying.took(&catalogue, entries, Duration::from_millis(took_ms));
            let due = saying.owe(&catalogue, place(3)).expect("nobody else is about to");
            assert_eq!(due, now + Duration::from_millis(pause_ms));
            saying.pay(&catalogue, now);
        }
    }
}
