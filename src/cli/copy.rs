//! `usher log copy`: shows from one log into another, also as a backup and back from one.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::audit::{self, Verdict};
use crate::catalogue;
use crate::config::Durability;
use crate::log::Log;
use crate::log::redis::RedisLog;
use crate::server::secrets::{self, Folder, Safe};
use crate::show::ShowId;

use super::log::parse_show;
use super::place::{Place, unset_if_empty};

const EXAMPLES: &str = "\
Examples:
  usher log copy --from ./usher-data --to redis://127.0.0.1:6379
                        a house of one node, while it is closed, to where many can serve it
  usher log copy --from redis://127.0.0.1:6379 --to ./backup-2026-11-21
                        a backup, also while the house is open
  usher log copy --from ./backup-2026-11-21 --to redis://127.0.0.1:6379
                        the backup put back
  usher log copy --from ./usher-data --to redis://127.0.0.1:6379 --show the-tempest-k3x9ab
                        one show and its hall

Every show is copied with its whole history and then begins a new life, so that nobody can take the
copy for the original. A show that is there already is refused; one whose copy broke off is gone on
with. At the end all of the log that was copied to is verified.";

/// Copy shows from one log into another
///
/// What the house keeps of keys goes along, unless shows are named or there are others.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, mut_args(unset_if_empty))]
pub struct CopyArgs {
    // Both are read later than by clap, which would say a wrong one with its password.
    /// The data folder or the Redis to copy from; it is only read
    #[arg(long, env = "USHER_COPY_FROM", hide_env_values = true, value_name = "DIR|URL")]
    from: String,

    /// The data folder or the Redis to copy to. Of a folder, no server may be using it
    #[arg(long, env = "USHER_COPY_TO", hide_env_values = true, value_name = "DIR|URL")]
    to: String,

    /// Only this show, with its hall; may be said several times
    #[arg(long, env = "USHER_COPY_SHOW", value_name = "SHOW", value_parser = parse_show,
          value_delimiter = ',')]
    show: Vec<ShowId>,

    /// What Redis must keep the copy as safely as, as for `usher serve`
    #[arg(long, env = "USHER_DURABILITY", value_name = "LEVEL", default_value_t)]
    durability: Durability,
}

/// A log that was opened, and the secrets beside it.
struct Opened {
    log: Arc<dyn Log>,
    safe: Box<dyn Safe>,
    /// The log once more, where it is one in Redis.
    redis: Option<RedisLog>,
}

impl Opened {
    fn in_folder(folder: &Path, log: Arc<dyn Log>) -> Self {
        Self { log, safe: Box::new(Folder(folder.to_owned())), redis: None }
    }

    fn in_redis(log: RedisLog) -> Self {
        Self { log: Arc::new(log.clone()), safe: Box::new(log.clone()), redis: Some(log) }
    }
}

/// Copies, verifies, and says what came of it.
///
/// # Errors
/// Something could not be copied; the sentence says whether copying again goes on.
pub async fn run(args: CopyArgs) -> anyhow::Result<ExitCode> {
    let (from, to) = (place("--from", &args.from)?, place("--to", &args.to)?);
    ensure!(!is_same(&from, &to), "{from} cannot be copied to itself");
    let original = read_only(&from).await.with_context(|| format!("opening {from}"))?;
    let copy = writable(&to, args.durability).await.with_context(|| format!("opening {to}"))?;
    if let (Some(original), Some(copy)) = (&original.redis, &copy.redis) {
        let is_same = original.is_same_house(copy).await;
        ensure!(!is_same.context("asking which Redis it is")?, "{from} and {to} are the same log");
    }
    let mut shows = 0_u64;
    let done = |show: &ShowId, copied: crate::log::copy::Copied| {
        let how = if copied.was_there { "was copied before" } else { "copied" };
        println!("{show}  {} entries, {how}, chain {}", copied.entries, copied.chain);
        shows += 1;
    };
    catalogue::copy(original.log, copy.log.clone(), &args.show, done).await?;
    if args.show.is_empty() && !secrets::copy(&*original.safe, &*copy.safe).await? {
        println!("{to} keeps keys of its own: sessions of {from} are not known there.");
    }
    match audit::verify(copy.log).await.context("the copy cannot be verified")? {
        Verdict::Kept(_) => {
            println!("Shows copied: {shows}. The log at {to} is verified.");
            Ok(ExitCode::SUCCESS)
        }
        Verdict::Broken(broken) => {
            println!("BROKEN  {broken}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn place(flag: &str, text: &str) -> anyhow::Result<Place> {
    text.parse().map_err(|why| anyhow::anyhow!("what was given to {flag} {why}"))
}

/// Whether both are the same folder. Of Redis names tell nothing: it is asked.
fn is_same(from: &Place, to: &Place) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    match (from, to) {
        (Place::Folder(from), Place::Folder(to)) => {
            from == to || real(from).is_some_and(|from| real(to) == Some(from))
        }
        _ => false,
    }
}

async fn read_only(place: &Place) -> anyhow::Result<Opened> {
    Ok(match place {
        Place::Folder(folder) => Opened::in_folder(folder, place.open_read_only().await?),
        Place::Redis(address) => Opened::in_redis(RedisLog::open_read_only(address).await?),
    })
}

async fn writable(place: &Place, durability: Durability) -> anyhow::Result<Opened> {
    Ok(match place {
        Place::Folder(folder) => {
            // Made for its owner alone: it will hold secrets, names and addresses.
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.with_context(|| format!("making {}", folder.display()))?;
            Opened::in_folder(folder, place.open(durability).await?)
        }
        Place::Redis(address) => Opened::in_redis(RedisLog::open(address, durability).await?),
    })
}
