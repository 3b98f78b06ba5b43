//! `usher keys rotate`: a new key for session tokens, without a token refused on the way.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use clap::{Args, Subcommand};

use crate::config::Durability;
use crate::log::Log as _;
use crate::log::redis::RedisLog;
use crate::log::sqlite::FILE_NAME;
use crate::server::secrets::{self, Folder, SIGNS_AFTER_MS};
use crate::show::Time;

use super::place::{Place, PlaceArgs};

/// The house's keys
#[derive(Args, Clone, Debug)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum KeysCommand {
    /// Make a new key for session tokens
    ///
    /// Servers may be running: every node reads the new key within ten seconds and believes it from
    /// then on. It signs from a minute after it was made, so that no node ever meets a token it cannot
    /// verify. The old ones are believed until the last of their tokens has ended, 31 days later; the
    /// next rotation after that drops them.
    Rotate(PlaceArgs),
}

/// Rotates, and says what came of it.
///
/// # Errors
/// The keys cannot be read or kept.
pub async fn run(args: KeysArgs) -> anyhow::Result<ExitCode> {
    let KeysCommand::Rotate(place) = args.command;
    let keys = match place.place()? {
        Place::Folder(folder) => {
            let is_house = folder.join(FILE_NAME).exists();
            ensure!(is_house, "{} is not the data folder of a house", folder.display());
            secrets::rotate(&Folder(folder), wall()).await?
        }
        Place::Redis(address) => {
            // How durable it is, is what its nodes ask; the key is theirs to put back if it is lost.
            let log = RedisLog::open(&address, Durability::Memory).await?;
            let now = log.time().await?.map_or_else(wall, Time);
            secrets::rotate(&log, now).await?
        }
    };
    let signs_in = SIGNS_AFTER_MS / 1000;
    println!("A new signing key is kept. It signs from {signs_in} seconds from now on.");
    println!("With the old ones that are still believed there are {}.", keys.len());
    Ok(ExitCode::SUCCESS)
}

fn wall() -> Time {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX))
}
