//! Where a log is, as a command is told: in a data folder or in Redis.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::builder::Resettable;
use clap::{Arg, Args};

use crate::audit;
use crate::config::{Durability, RedisAddress, Settings};
use crate::log::Log;
use crate::log::redis::RedisLog;
use crate::log::sqlite::{FILE_NAME, SqliteLog};

/// The flags of a command that uses the log of a house.
#[derive(Args, Clone, Debug)]
#[command(mut_args(unset_if_empty))]
pub struct PlaceArgs {
    /// The folder that keeps the log [default: ./usher-data]
    #[arg(long, env = "USHER_DATA", value_name = "DIR", conflicts_with = "redis")]
    data: Option<PathBuf>,

    /// The Redis that keeps the log instead, as for `usher serve`
    // Read later than by clap, which would say a wrong one with its password.
    #[arg(long, env = "USHER_REDIS", hide_env_values = true, value_name = "URL")]
    redis: Option<String>,
}

/// Where a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a data folder.
    Folder(PathBuf),
    /// In Redis.
    Redis(RedisAddress),
}

impl PlaceArgs {
    /// Where the log is.
    ///
    /// # Errors
    /// The address of Redis is none.
    pub fn place(&self) -> anyhow::Result<Place> {
        match &self.redis {
            Some(url) => Ok(Place::Redis(read_address("--redis", url)?)),
            None => Ok(Place::Folder(self.data.clone().unwrap_or(Settings::default().data))),
        }
    }
}

/// Reads an address; what is wrong is said without it, since it may hold a password.
pub(super) fn read_address(flag: &str, url: &str) -> anyhow::Result<RedisAddress> {
    url.parse().map_err(|why| anyhow::anyhow!("the address given to {flag} {why}"))
}

impl Place {
    /// Opens the log to read only: servers may be using it.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn open_read_only(&self) -> anyhow::Result<Arc<dyn Log>> {
        match self {
            Self::Folder(folder) => Ok(audit::open_log(folder)?),
            Self::Redis(address) => Ok(Arc::new(RedisLog::open_read_only(address).await?)),
        }
    }

    /// Opens the log to write: in a folder no server may be using it, in Redis any number may.
    ///
    /// # Errors
    /// It cannot be opened, or is not as durable as asked for.
    pub async fn open(&self, durability: Durability) -> anyhow::Result<Arc<dyn Log>> {
        match self {
            Self::Folder(folder) => Ok(Arc::new(SqliteLog::open(folder.join(FILE_NAME))?)),
            Self::Redis(address) => Ok(Arc::new(RedisLog::open(address, durability).await?)),
        }
    }
}

/// An address of Redis, or else the path of a folder.
impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if ["redis://", "rediss://", "redis+sentinel://"].iter().any(|it| text.starts_with(it)) {
            text.parse().map(Self::Redis)
        } else if text.is_empty() || text.contains("://") {
            Err("is neither a folder nor a URL of redis://, rediss:// or redis+sentinel://".into())
        } else {
            Ok(Self::Folder(text.into()))
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Redis(address) => write!(f, "{address}"),
        }
    }
}

/// Takes no notice of the flag's variable where that is empty: compose files and unit files pass on
/// what nobody set as an empty text.
pub(super) fn unset_if_empty(flag: Arg) -> Arg {
    let value = flag.get_env().and_then(std::env::var_os);
    if value.is_some_and(|value| value.is_empty()) { flag.env(Resettable::Reset) } else { flag }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_redis() {
        let redis = |url: &str| Place::Redis(url.parse().expect("an address"));
        assert_eq!("./usher-data".parse(), Ok(Place::Folder("./usher-data".into())));
        assert_eq!("redis://h/1".parse(), Ok(redis("redis://h/1")));
        let cluster = "rediss://a,rediss://b";
        assert_eq!(cluster.parse(), Ok(redis(cluster)));
        assert_eq!("redis+sentinel://h/box".parse(), Ok(redis("redis+sentinel://h/box")));
        for wrong in ["", "http://h", "redis://", "sqlite://x"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn no_place_and_no_fault_of_one_shows_a_password() {
        let place: Place = "redis://:secret@h".parse().expect("a place");
        assert!(!format!("{place} {place:?}").contains("secret"));
        let fault = read_address("--redis", "redis://:secret@h:x").expect_err("no port");
        assert!(!format!("{fault:#}").contains("secret"));
    }
}
