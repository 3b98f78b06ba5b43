//! What every part of the log shares: the way to the servers, what an acknowledgement is worth, and
//! who this node is among the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use redis::{Pipeline, Value};

use super::super::{Mark, StreamId};
use super::map::Map;
use super::missing::Missing;
use super::saying::Saying;
use super::{names, scripts};
use crate::config::Durability;

/// How long a server may wait for its replicas: less than a request has.
const REPLICATED_WITHIN_MS: u64 = 1_000;

/// The shared part of a log.
pub(super) struct Core {
    pub(super) map: Arc<Map>,
    pub(super) durability: Durability,
    /// Whether it may only be read.
    pub(super) reads_only: bool,
    /// Which node this is, by chance: the high half of its marks.
    pub(super) node: u32,
    /// When others are told of what this node appended.
    pub(super) saying: Saying,
    /// Which streams others append to meanwhile.
    pub(super) missing: Missing,
    /// The low half of its next mark.
    next: AtomicU32,
}

impl Core {
    pub(super) fn new(map: Arc<Map>, durability: Durability, reads_only: bool) -> Self {
        // Never 0, so that no mark is.
        let node = rand::random::<u32>().max(1);
        let (saying, missing) = (Saying::default(), Missing::default());
        Self { map, durability, reads_only, node, saying, missing, next: AtomicU32::new(0) }
    }

    /// A mark that no page has.
    pub(super) fn new_mark(&self) -> Mark {
        let low = self.next.fetch_add(1, Ordering::Relaxed);
        Mark(u64::from(self.node) << 32 | u64::from(low))
    }

    /// Whether what is told must first be on replicas.
    pub(super) fn replicas(&self) -> Option<u8> {
        match self.durability {
            Durability::Replicated { replicas } => Some(replicas),
            Durability::Memory | Durability::Disk => None,
        }
    }

    /// Answers to commands that write at least something, once that is as durable as is asked for.
    pub(super) async fn write(
        &self,
        key: &str,
        mut commands: Pipeline,
    ) -> anyhow::Result<Vec<Value>> {
        anyhow::ensure!(!self.reads_only, "the log was opened to read only");
        let Some(replicas) = self.replicas() else {
            return self.map.ask(names::slot(key), &commands).await;
        };
        // On the same connection and as one with what it is to wait for: on another, or on a server
        // that took the place of this one, it would wait for nothing.
        commands.cmd("WAIT").arg(replicas).arg(REPLICATED_WITHIN_MS);
        let mut answers = self.map.ask(names::slot(key), &commands).await?;
        match answers.pop() {
            Some(Value::Int(have)) if have >= i64::from(replicas) => Ok(answers),
            Some(Value::Int(have)) => {
                // It may be cut off from its replicas, and another have taken its place.
                self.map.doubt_owner(names::slot(key));
                anyhow::bail!("{have} of {replicas} replicas have acknowledged it")
            }
            other => anyhow::bail!("WAIT was answered with {other:?}"),
        }
    }

    /// Answers to commands that only read of a stream, once what they tell is as durable as is asked
    /// for: nothing that a failover could take back is told to anybody.
    pub(super) async fn read(
        &self,
        stream: &StreamId,
        mut commands: Pipeline,
    ) -> anyhow::Result<Vec<Value>> {
        let meta = names::meta(stream);
        if self.replicas().is_none() || self.reads_only {
            return self.map.ask(names::slot(&meta), &commands).await;
        }
        commands.add_command(scripts::call(&scripts::TOUCH, &[&meta]));
        let mut answers = self.write(&meta, commands).await?;
        answers.pop();
        Ok(answers)
    }
}
