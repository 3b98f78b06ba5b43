//! Snapshots: saved beside the task, so that nobody waits for them.
//!
//! Every node could save them, and one does: whose append it was that made one due. A snapshot is
//! megabytes, and a server that takes them from every node at once answers nobody meanwhile. Where that
//! node is gone before it has saved, the next one is saved as many entries later.

use super::Task;

/// How many entries there are from one snapshot to the next: replaying so many takes some 50 ms.
const SNAPSHOT_ENTRIES: u64 = 50_000;

/// Whether so many entries after a snapshot make another due.
pub(super) fn is_due_after(entries: u64) -> bool {
    entries >= SNAPSHOT_ENTRIES
}

/// Whether going on from `before` to `seq` made a snapshot due that is this node's to save, where its own
/// entries are those from `own_first` on.
pub(super) fn is_due_here(before: u64, seq: u64, own_first: u64) -> bool {
    let due_at = seq - seq % SNAPSHOT_ENTRIES;
    due_at > before && due_at >= own_first
}

impl Task {
    /// Saves the state now and then, beside the task: opening reads it instead of replaying all.
    pub(super) fn save_if_due(&mut self) {
        if !self.save_due {
            return;
        }
        let Ok(alone) = self.saving.clone().try_lock_owned() else { return };
        (self.saved, self.save_due) = (self.head().seq, false);
        let (log, stream) = (self.log.clone(), self.stream.clone());
        let snapshot = self.desk.replica().read().to_snapshot();
        tokio::spawn(async move {
            if let Err(error) = log.save_snapshot(&stream, snapshot).await {
                tracing::warn!(show = stream.as_str(), %error, "a snapshot was not saved");
            }
            drop(alone);
        });
    }

    pub(super) async fn save_last(&self) {
        let _alone = self.saving.lock().await;
        if self.head().seq == self.saved {
            return;
        }
        let snapshot = self.desk.replica().read().to_snapshot();
        if let Err(error) = self.log.save_snapshot(&self.stream, snapshot).await {
            tracing::warn!(show = %self.show, %error, "the last snapshot was not saved");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_due_at_one_node_whoever_the_others_are() {
        // A page up to 99,999, one of 3 across the mark, one up to 100,004.
        let pages = [(99_990, 99_999), (99_999, 100_002), (100_002, 100_004)];
        let own = pages.map(|(before, seq)| is_due_here(before, seq, before + 1));
        assert_eq!(own, [false, true, false], "once, for the node whose page it was");
        let of_others = pages.map(|(before, seq)| is_due_here(before, seq, u64::MAX));
        assert_eq!(of_others, [false; 3]);
        assert!(
            !is_due_here(99_990, 100_004, 100_003),
            "others' entries crossed it before the own"
        );
        assert!(is_due_here(99_990, 100_004, 100_000), "an own entry is the one");
        assert!(!is_due_here(100_000, 100_000, 100_001), "nothing came");
        assert!(!is_due_here(0, 49_999, 1), "too few yet");
    }
}
