//! What a node missed of a stream that others append to: read beside the append, not by its script.
//!
//! All that a script reads becomes a string of Lua's first, which costs the server more than the rest
//! of an append. So the pages are asked for by themselves, as one with the append where it is likely
//! that there are some, and else when it has turned out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, ensure};
use redis::{Cmd, Value};
use tokio::time::Instant;

use super::super::StreamId;
use super::appending::PAGES_TOLD;
use super::names;
use super::pages::{KeptPage, PageId, told_as_stream};
use super::shared::Core;

/// How many pages are read beside an append, at most. In a rush of some nodes there are a few.
const PAGES_BESIDE: usize = 16;
/// For how many appends it is likely that something was missed, after something was. To ask in vain
/// costs a fraction of what one more request does.
const LIKELY_FOR: u8 = 8;

/// Of which streams something was missed of late, and for how many appends that counts.
#[derive(Default)]
pub(super) struct Missing(Mutex<HashMap<StreamId, u8>>);

impl Missing {
    /// Whether the next append is likely to have missed something.
    pub(super) fn is_likely(&self, stream: &StreamId) -> bool {
        self.streams().contains_key(stream)
    }

    /// Notes whether an append had.
    pub(super) fn note(&self, stream: &StreamId, missed: bool) {
        let mut streams = self.streams();
        if missed {
            streams.insert(stream.clone(), LIKELY_FOR);
        } else if let Some(left) = streams.get_mut(stream) {
            *left -= 1;
            if *left == 0 {
                streams.remove(stream);
            }
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<StreamId, u8>> {
        // Never held across an await; what it guards is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What reads the pages after the place `seq`; nothing where none can be.
pub(super) fn read_after(log: &str, seq: u64) -> Option<Cmd> {
    Some(range(log, seq.checked_add(1)?, "+", PAGES_BESIDE))
}

fn range(log: &str, first: u64, to: &str, most: usize) -> Cmd {
    let mut range = redis::cmd("XRANGE");
    range.arg(log).arg(format!("{first}-0")).arg(to).arg("COUNT").arg(most);
    range
}

impl Core {
    /// The pages after `known` up to `before`, all of which an append has found to be there; `read` are
    /// the first of them, as far as they were read beside it.
    ///
    /// At the level `replicated` they are on the replicas: the append that found them has waited.
    pub(super) async fn missed(
        &self,
        stream: &StreamId,
        (known, before): (PageId, PageId),
        read: Option<Value>,
        deadline: Instant,
    ) -> anyhow::Result<Vec<KeptPage>> {
        let (log, slot) = (names::log(stream), names::slot(&names::meta(stream)));
        let mut pages = read.and_then(told_as_stream).unwrap_or_default();
        // Where the append was sent again, also its own page and later ones were read.
        pages.retain(|page| page.id.last <= before.last);
        loop {
            let reached = pages.last().map_or(known, |page| page.id);
            if reached == before {
                return Ok(pages);
            }
            let first = reached.last.checked_add(1).context("there is no place after the last")?;
            let mut commands = redis::pipe();
            commands.add_command(range(&log, first, &before.to_string(), PAGES_TOLD));
            let told = self.map.ask_until(slot, &commands, deadline).await?;
            let more = told.into_iter().next().and_then(told_as_stream).unwrap_or_default();
            ensure!(!more.is_empty(), "stream {}: {before} is not there any more", stream.as_str());
            pages.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_likely_to_be_missed_for_a_while_after_something_was() {
        let (missing, catalogue) = (Missing::default(), StreamId::catalogue());
        assert!(!missing.is_likely(&catalogue));
        missing.note(&catalogue, false);
        assert!(!missing.is_likely(&catalogue));
        for _ in 0..2 {
            missing.note(&catalogue, true);
            for _ in 0..LIKELY_FOR {
                assert!(missing.is_likely(&catalogue));
                missing.note(&catalogue, false);
            }
            assert!(!missing.is_likely(&catalogue));
        }
    }
}
