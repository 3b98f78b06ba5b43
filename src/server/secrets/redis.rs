//! A safe in Redis, beside the log: every node of the house shares it.

use crate::log::Answer;
use crate::log::redis::RedisLog;

use super::{Safe, SafeError};

impl Safe for RedisLog {
    fn kept<'a>(&'a self, name: &'a str) -> Answer<'a, Result<Option<String>, SafeError>> {
        Box::pin(async move { Ok(Self::kept(self, name).await?) })
    }

    fn keep<'a>(&'a self, name: &'a str, made: &'a str) -> Answer<'a, Result<String, SafeError>> {
        Box::pin(async move { Ok(Self::keep(self, name, made).await?) })
    }

    fn keep_instead<'a>(
        &'a self,
        name: &'a str,
        old: &'a str,
        new: &'a str,
    ) -> Answer<'a, Result<bool, SafeError>> {
        Box::pin(async move { Ok(Self::keep_instead(self, name, old, new).await?) })
    }
}
