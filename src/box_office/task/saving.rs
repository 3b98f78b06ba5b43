//! Snapshots: saved beside the task, so that nobody waits for them.

use super::Task;

/// How many entries may follow a snapshot before the next is saved: replaying so many takes some
/// 50 ms.
const SNAPSHOT_ENTRIES: u64 = 50_000;

impl Task {
    /// Saves the state now and then, beside the task: opening reads it instead of replaying all.
    pub(super) fn save_if_due(&mut self) {
        let seq = self.head().seq;
        if seq.saturating_sub(self.saved) < SNAPSHOT_ENTRIES {
            return;
        }
        let Ok(alone) = self.saving.clone().try_lock_owned() else { return };
        self.saved = seq;
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
