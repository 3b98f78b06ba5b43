//! How a board tells a shard that it has something new, at most once until the shard looks.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::BoardId;
use crate::hub::shard::Message;

/// One shard's bell at one board. However much is published, one message is under way at most:
/// that is the bound on what a shard's inbox holds for it.
#[derive(Debug)]
pub(in crate::hub) struct Bell {
    board: BoardId,
    /// A message is under way, or the shard knows and has not looked yet.
    is_rung: AtomicBool,
    /// The position moved, and no seat with it: worth a frame only when the shard's next tick
    /// finds that no other took it along.
    is_noted: AtomicBool,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Bell {
    pub(in crate::hub) fn new(board: BoardId, inbox: mpsc::UnboundedSender<Message>) -> Self {
        Self { board, is_rung: AtomicBool::new(false), is_noted: AtomicBool::new(false), inbox }
    }

    /// A seat changed.
    pub(super) fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            // A shard that has stopped has no viewers left to tell.
            self.inbox.send(Message::Behind(self.board)).ok();
        }
    }

    /// Only the position moved.
    pub(super) fn note(&self) {
        self.is_noted.store(true, Ordering::Release);
    }

    /// The shard is about to look: what is published from here on rings again.
    pub(in crate::hub) fn hush(&self) {
        self.is_noted.store(false, Ordering::Release);
        self.is_rung.store(false, Ordering::Release);
    }

    /// Whether the position moved since the shard last looked.
    pub(in crate::hub) fn is_noted(&self) -> bool {
        self.is_noted.load(Ordering::Acquire)
    }
}
