//! Which server it is: every run of one has an id of its own, and a history with its replicas. By
//! these it is told whether a stream is where it was, and whether two logs are one.

use std::collections::HashSet;

use super::super::{ReadError, StreamId};
use super::shared::Core;
use super::{names, scripts};

/// What is the same of a server and its replicas, and what is the run's own, in `INFO`.
const IDS: [&str; 2] = ["run_id:", "master_replid:"];

impl Core {
    pub(super) async fn take_over(&self, stream: StreamId) -> Result<(), ReadError> {
        if self.reads_only {
            return Ok(());
        }
        let meta = names::meta(&stream);
        let mut take_over = scripts::call(&scripts::TAKE_OVER, &[&meta]);
        take_over.arg(rand::random_range(1..=u64::MAX));
        let mut commands = redis::pipe();
        // What is told next must be as durable as this: written, whether or not there was need.
        commands.add_command(take_over).add_command(scripts::call(&scripts::TOUCH, &[&meta]));
        let told = self.write(&meta, commands).await.map_err(ReadError::Unavailable)?;
        if told.first() == Some(&redis::Value::Int(1)) {
            tracing::warn!(
                stream = stream.as_str(),
                "another server keeps it than before: in case that lost some of it, it goes on in a \
                 new life"
            );
        }
        Ok(())
    }

    /// Whether `other` is kept by a server that keeps this log, or by one that follows it or is
    /// followed, and in the same database.
    pub(super) async fn is_same_house(&self, other: &Self) -> Result<bool, ReadError> {
        let ids = async |core: &Self| core.ids().await.map_err(ReadError::Unavailable);
        let (here, there) = (ids(self).await?, ids(other).await?);
        let is_same_database = self.map.login().database == other.map.login().database;
        Ok(is_same_database && !here.is_disjoint(&there))
    }

    async fn ids(&self) -> anyhow::Result<HashSet<String>> {
        let mut all = HashSet::new();
        for node in self.map.primaries().await? {
            let info = redis::cmd("INFO");
            let told = node.ask(self.map.login(), &info, super::asking::ANSWERED_WITHIN).await?;
            let told: String = redis::from_redis_value(told.extract_error()?)?;
            let ids = told.lines().filter(|line| IDS.iter().any(|id| line.starts_with(id)));
            all.extend(ids.map(str::to_owned));
        }
        Ok(all)
    }
}
