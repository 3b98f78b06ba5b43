//! Looking at a server before it is trusted: its version, and whether it is set to keep what this
//! log acknowledges.

use std::collections::HashMap;
use std::time::Duration;

use redis::{Value, from_redis_value};
use tokio::time::timeout;

use super::map::Map;
use super::place::Node;
use crate::config::{Durability, RedisKind};

/// The oldest version whose scripts can say something on a sharded channel, and tell their effects
/// rather than their text to replicas and the disk.
const OLDEST: u32 = 7;

/// How long all servers together may take to be looked at.
const CHECKED_WITHIN: Duration = Duration::from_secs(5);

/// Why the log in Redis could not be opened. Each is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be asked.
    #[error("Redis ({address}) cannot be asked")]
    Unavailable {
        /// Where it was looked for.
        address: String,
        /// What went wrong.
        source: anyhow::Error,
    },
    /// It would not keep what is acknowledged, or cannot be used at all.
    #[error("Redis at {server} {what}")]
    Unfit {
        /// The server.
        server: String,
        /// What is wrong, and what to change.
        what: String,
    },
}

/// Looks at every server that has slots. Without a level only at what none can do without.
pub(super) async fn check(map: &Map, level: Option<Durability>) -> Result<(), OpenError> {
    let checked = timeout(CHECKED_WITHIN, check_all(map, level)).await;
    let late = |_| unavailable(map, anyhow::anyhow!("it does not answer"));
    checked.map_err(late)?
}

fn unavailable(map: &Map, source: anyhow::Error) -> OpenError {
    OpenError::Unavailable { address: map.address().to_string(), source }
}

async fn check_all(map: &Map, level: Option<Durability>) -> Result<(), OpenError> {
    let unavailable = |source| unavailable(map, source);
    let mut primaries = map.primaries().await.map_err(unavailable)?;
    if *map.address().kind() == RedisKind::Server {
        let mut is_of_a_cluster = false;
        for node in &primaries {
            let info = info(map, node).await.map_err(unavailable)?;
            is_of_a_cluster |= info.get("cluster_enabled").is_some_and(|yes| yes == "1");
        }
        if is_of_a_cluster {
            map.is_of_a_cluster();
            primaries = map.primaries().await.map_err(unavailable)?;
        }
    }
    for node in primaries {
        let info = info(map, &node).await.map_err(unavailable)?;
        let settings = settings(map, &node).await.map_err(unavailable)?;
        if let Err(what) = judge(&info, settings.as_ref(), level) {
            return Err(OpenError::Unfit { server: node.place.to_string(), what });
        }
    }
    Ok(())
}

type Told = HashMap<String, String>;

/// What is wrong with a server, and what to change.
fn judge(info: &Told, settings: Option<&Told>, level: Option<Durability>) -> Result<(), String> {
    let told = |name: &str| info.get(name).map_or("", String::as_str);
    let version = told("redis_version");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        return Err(format!("has version {version}: {OLDEST}.0 is the oldest that can be used"));
    }
    let Some(level) = level else { return Ok(()) };
    let policy = told("maxmemory_policy");
    if policy.starts_with("allkeys") {
        return Err(format!(
            "throws keys away when its memory is full (maxmemory-policy {policy}): set \
             maxmemory-policy noeviction"
        ));
    }
    if level == Durability::Memory {
        return Ok(());
    }
    if told("aof_enabled") != "1" {
        return Err(format!(
            "does not write to its disk what level {level} acknowledges: set appendonly yes and \
             appendfsync always, or choose --durability memory"
        ));
    }
    let settings = settings.ok_or_else(|| {
        format!(
            "does not let its settings be read, so that nobody knows what level {level} is worth: \
             allow CONFIG GET, or choose --durability memory"
        )
    })?;
    let set = |name: &str| settings.get(name).map_or("", String::as_str);
    let fsync = set("appendfsync");
    if fsync != "always" {
        return Err(format!(
            "acknowledges before its disk has it (appendfsync {fsync}), which is less than level \
             {level}: set appendfsync always, or choose --durability memory"
        ));
    }
    if set("no-appendfsync-on-rewrite") != "no" {
        return Err(format!(
            "acknowledges before its disk has it while it rewrites its file, which is less than \
             level {level}: set no-appendfsync-on-rewrite no, or choose --durability memory"
        ));
    }
    if let Durability::Replicated { replicas } = level {
        let online = online_replicas(info);
        if online < usize::from(replicas) {
            return Err(format!(
                "has {online} replicas online, and level {level} needs {replicas}: start more, or \
                 choose --durability disk"
            ));
        }
    }
    Ok(())
}

/// Whether a replica could be promoted that never had what was acknowledged: any N of them do for that,
/// and here are more.
fn has_too_many_replicas(info: &Told, level: Durability) -> bool {
    let Durability::Replicated { replicas } = level else { return false };
    online_replicas(info) > usize::from(replicas)
}

/// Warns where that is so. For the start: it says nothing that the next look would not say again.
pub(super) async fn warn_of_more_replicas(map: &Map, level: Durability) {
    let Ok(primaries) = map.primaries().await else { return };
    for node in primaries {
        let Ok(Ok(info)) = timeout(CHECKED_WITHIN, info(map, &node)).await else { return };
        if has_too_many_replicas(&info, level) {
            tracing::warn!(
                server = %node.place, replicas = online_replicas(&info), %level,
                "more replicas are connected than acknowledge: one that has less may be promoted; ask \
                 for as many as there are (--durability replicated:N)"
            );
        }
    }
}

fn online_replicas(info: &Told) -> usize {
    let is_online = |(name, told): &(&String, &String)| {
        let number = name.strip_prefix("slave").unwrap_or_default();
        number.parse::<u32>().is_ok() && told.contains("state=online")
    };
    info.iter().filter(is_online).count()
}

/// What `INFO` tells, by name.
async fn info(map: &Map, node: &Node) -> anyhow::Result<Told> {
    let told = node.ask(map.login(), &redis::cmd("INFO"), CHECKED_WITHIN).await?;
    let told: String = from_redis_value(told.extract_error()?)?;
    let lines = told.lines().filter_map(|line| line.split_once(':'));
    Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The settings that matter; none where they may not be read.
async fn settings(map: &Map, node: &Node) -> anyhow::Result<Option<Told>> {
    let mut get = redis::cmd("CONFIG");
    get.arg("GET").arg("appendfsync").arg("no-appendfsync-on-rewrite");
    match node.ask(map.login(), &get, CHECKED_WITHIN).await? {
        Value::ServerError(_) => Ok(None),
        told => Ok(Some(from_redis_value(told)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Told {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn more_replicas_than_acknowledge_are_too_many() {
        let (info, _) = sound();
        for (level, too_many) in [
            (Durability::Memory, false),
            (Durability::Disk, false),
            (Durability::Replicated { replicas: 0 }, true),
            (Durability::Replicated { replicas: 1 }, false),
            (Durability::Replicated { replicas: 2 }, false),
        ] {
            assert_eq!(has_too_many_replicas(&info, level), too_many, "{level}");
        }
    }

    fn sound() -> (Told, Told) {
        let replica = "ip=10.0.0.2,port=6379,state=online,offset=9,lag=0";
        let info = [
            ("redis_version", "7.0.15"),
            ("maxmemory_policy", "noeviction"),
            ("aof_enabled", "1"),
            ("slave0", replica),
            ("slave_expires_tracked_keys", "state=online"),
        ];
        (told(&info), told(&[("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no")]))
    }

    #[test]
    fn a_server_is_refused_that_keeps_less_than_is_asked_for_and_told_what_to_change() {
        let (memory, disk) = (Durability::Memory, Durability::Disk);
        let replicated = |replicas| Durability::Replicated { replicas };
        let (info, settings) = sound();
        for level in [memory, disk, replicated(1)] {
            assert_eq!(judge(&info, Some(&settings), Some(level)), Ok(()));
        }
        let faults = [
            (memory, "redis_version", "6.2.7", "7.0 is the oldest"),
            (memory, "redis_version", "", "7.0 is the oldest"),
            (memory, "maxmemory_policy", "allkeys-lru", "noeviction"),
            (disk, "aof_enabled", "0", "appendonly yes"),
            (disk, "appendfsync", "everysec", "appendfsync always"),
            (disk, "no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite no"),
            (replicated(1), "slave0", "state=wait_bgsave", "0 replicas online"),
            (replicated(2), "slave0", "state=online", "1 replicas online"),
        ];
        for (level, name, value, advice) in faults {
            let (mut info, mut settings) = sound();
            for told in [&mut info, &mut settings] {
                told.entry(name.to_owned()).and_modify(|told| *told = value.to_owned());
            }
            let judged = judge(&info, Some(&settings), Some(level));
            assert!(judged.as_ref().is_err_and(|what| what.contains(advice)), "{name}: {judged:?}");
        }
        assert!(judge(&info, None, Some(disk)).is_err_and(|what| what.contains("CONFIG GET")));
        assert_eq!(judge(&info, None, Some(memory)), Ok(()));
        assert_eq!(judge(&info, None, None), Ok(()));
    }
}
