//! The server: makes every room, lets people in, and closes the house in order.
//!
//! Owns all tasks and their end. Starting is [`Server::new`]; a listener is made by
//! [`Server::bind`] or handed in (a test binds port 0); [`Server::run`] serves until its stop
//! future is ready and then drains: nobody new, everybody told, what is under way finished.

mod accept;
mod caretaker;
mod crowd;
mod demo;
mod files;
mod last_seats;
mod programme;
pub mod secrets;
mod timekeeper;

use std::convert::Infallible;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use rand::RngExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::box_office::{BoxOffices, Clock};
use crate::catalogue::{Catalogue, CatalogueError};
use crate::config::{
    CLOSE_TIME, DRAIN_TIME_MAX, Demo, FRAME_TIME, KEY_LENGTH_SAFE, Key, PING_EVERY,
    RECONNECT_WITHIN, Settings,
};
use crate::connection::{Doorkeeper, Rate, Rates};
use crate::hub::{self, Hub};
use crate::log::Log;
use crate::log::redis::{self, RedisLog};
use crate::log::sqlite::{self, SqliteLog};
use crate::protocol::rpc::Notice;
use crate::tokens::{SigningKey, Tokens};
use crate::web::{Condition, Door, House, KeyHash, Layouts, Openings, Origins, Standing, router};

use accept::Connections;
use caretaker::{Caretaker, DurabilityCheck};
use secrets::{Folder, Safe, SafeError};

/// Why a server did not start, in one sentence with its cause.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or a secret in it, or those kept in Redis.
    #[error(transparent)]
    Secrets(#[from] SafeError),
    /// The log's file.
    #[error(transparent)]
    Log(#[from] sqlite::OpenError),
    /// The log in Redis.
    #[error(transparent)]
    Redis(#[from] redis::OpenError),
    /// The catalogue in it.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The time by which all nodes go.
    #[error("the log does not tell its time, by which holds would lapse")]
    NoTime,
    /// The fan-out threads.
    #[error("the fan-out threads could not be started")]
    Hub(#[source] io::Error),
    /// The address to listen on.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A server: all rooms made and all shows open, not yet listening.
pub struct Server {
    settings: Settings,
    house: Arc<House>,
    new_key: Option<String>,
    /// What goes on beside the requests while the house is open. It ends when this is dropped.
    tasks: JoinSet<Infallible>,
}

/// What a house stands on: its log, the safe beside it, the clock, and who can tell how safely the
/// log keeps.
struct Ground {
    log: Arc<dyn Log>,
    safe: Arc<dyn Safe>,
    clock: Clock,
    check_durability: Option<DurabilityCheck>,
}

impl Server {
    /// Opens the house with these settings, on the log in the data folder or in Redis.
    ///
    /// # Errors
    /// Where the folder, Redis, the log or the catalogue cannot be used. A single show that cannot be
    /// opened is logged and left out; the others play.
    pub async fn new(settings: Settings) -> Result<Self, StartError> {
        if let Some(address) = &settings.redis {
            let log = RedisLog::open(address, settings.durability).await?;
            return Self::in_redis(settings, log, Clock::of_the_wall()).await;
        }
        let folder = settings.data.clone();
        // Made for its owner alone: it holds secrets, names and addresses.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| SafeError::Folder { folder, source })?;
        // The log first: it refuses a second process before anything else is touched.
        let log: Arc<dyn Log> = Arc::new(SqliteLog::open(settings.data.join(sqlite::FILE_NAME))?);
        Self::on_log(settings, log, Clock::of_the_wall()).await
    }

    /// As [`Server::new`], on a log and a clock that are handed in; the secrets are those of the data
    /// folder.
    ///
    /// # Errors
    /// As there.
    pub async fn on_log(
        settings: Settings,
        log: Arc<dyn Log>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let safe = Arc::new(Folder(settings.data.clone()));
        Self::on(Ground { log, safe, clock, check_durability: None }, settings).await
    }

    /// As [`Server::new`], on a log in Redis that was opened, and a clock; the secrets are kept there,
    /// too.
    ///
    /// # Errors
    /// As there.
    pub async fn in_redis(
        settings: Settings,
        log: RedisLog,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let checked = log.clone();
        let check: DurabilityCheck = Box::new(move || {
            let log = checked.clone();
            Box::pin(async move { log.check_durability().await })
        });
        let safe = Arc::new(log.clone());
        let log = Arc::new(log);
        Self::on(Ground { log, safe, clock, check_durability: Some(check) }, settings).await
    }

    async fn on(ground: Ground, mut settings: Settings) -> Result<Self, StartError> {
        let Ground { log, safe, clock, check_durability } = ground;
        settings.limits = files::fit(settings.limits);
        let (key, new_key) = box_office_key(&settings, &*safe).await?;
        let (signing, tokens) = signing(&settings, &*safe).await?;
        let box_office = settings.key.is_none().then(|| key.clone());
        let kept = secrets::Kept { signing, box_office };
        let catalogue = Catalogue::open(log.clone()).await?;
        let hub = Arc::new(Hub::start(&hub_settings(&settings)).map_err(StartError::Hub)?);
        let offices = BoxOffices::new(log.clone(), hub.clone(), clock.clone(), tokens.clone());
        let doorkeeper = Doorkeeper::new(tokens.clone(), rates(&settings), clock.clone());
        let house = Arc::new(House {
            catalogue,
            offices,
            hub,
            doorkeeper: Arc::new(doorkeeper),
            door: Arc::new(Door::new(settings.limits, Instant::now())),
            origins: Origins::new(settings.origins.clone()),
            proxies: settings.proxies.clone(),
            key: KeyHash::of(&key),
            layouts: Layouts::default(),
            openings: Openings::default(),
            condition: Condition::default(),
        });
        // Before the first show opens: holds lapse by the log's time, also those of a house that was
        // closed.
        let mut caretaker = Caretaker::new(log, clock.clone(), house.clone(), check_durability);
        caretaker.set_the_clock().await?;
        if kept.signing.is_some() {
            tokens.compared(clock.now());
        }
        let troubled = programme::open_all(&house, &*safe, settings.demo).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(caretaker.care());
        tasks.spawn(programme::follow(house.clone(), troubled));
        tasks.spawn(async move { kept.follow(&*safe, &tokens, || clock.now()).await });
        Ok(Self { settings, house, new_key, tasks })
    }

    /// The box office's key, where it was made by this start: to be shown this once.
    pub fn new_key(&self) -> Option<&str> {
        self.new_key.as_deref()
    }

    /// The house: for tests that ask it directly.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// Listens where the settings say.
    ///
    /// # Errors
    /// Where the address is taken or not this machine's.
    pub async fn bind(&self) -> Result<TcpListener, StartError> {
        let address = self.settings.listen;
        let listening = TcpListener::bind(address).await;
        listening.map_err(|source| StartError::Listen { address, source })
    }

    /// Serves until `stop` is ready, then drains. Returns within `DRAIN_TIME_MAX` of that.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Self { settings, house, tasks, .. } = self;
        let connections = Connections::new(router(house.clone()));
        let mut crowd = crowd::send_in(&house.offices, settings.demo_crowd);
        if settings.demo == Demo::SoldOut {
            last_seats::hold(&house.offices, &mut crowd);
        }
        house.door.set(Standing::Open);
        {
            let mut accepting = pin!(connections.accept(&listener));
            let nobody: Option<Infallible> = tokio::select! {
                never = accepting.as_mut() => Some(never),
                () = stop => None,
            };
            debug_assert!(nobody.is_none(), "accepting goes on for ever");
            tracing::info!("the house is closing");
            drop((crowd, tasks));
            // Still accepting: who comes now hears 503 instead of nothing.
            tokio::select! {
                never = accepting => match never {},
                () = close(&house) => {}
            }
        }
        drop(listener);
        let ended = tokio::time::timeout(CLOSE_TIME, connections.end()).await;
        if ended.is_err() {
            tracing::warn!("some requests were still under way");
        }
        house.hub.stop();
        tracing::info!("the house is closed");
    }
}

/// The box office's key, and the same again where this start made it.
async fn box_office_key(
    settings: &Settings,
    safe: &dyn Safe,
) -> Result<(String, Option<String>), SafeError> {
    let Some(Key(given)) = &settings.key else {
        let (key, made) = secrets::box_office_key(safe).await?;
        return Ok((key.clone(), made.then_some(key)));
    };
    if given.len() < KEY_LENGTH_SAFE {
        tracing::warn!("--key is short: under {KEY_LENGTH_SAFE} it can be guessed");
    }
    Ok((given.clone(), None))
}

/// Who signs tokens, and the keys that are kept, where they are.
async fn signing(
    settings: &Settings,
    safe: &dyn Safe,
) -> Result<(Option<Vec<SigningKey>>, Tokens), SafeError> {
    let given = settings.signing_keys.iter().flatten().filter_map(Key::signing_bytes);
    let given: Vec<_> = given.collect();
    if let Some((signs, others)) = given.split_first() {
        return Ok((None, Tokens::believing(*signs, others)));
    }
    let kept = secrets::signing_keys(safe).await?;
    let tokens = Tokens::of(&kept);
    Ok((Some(kept), tokens))
}

/// Closes the house: nobody new, everybody told and asked to leave, every show's state saved.
async fn close(house: &House) {
    house.door.set(Standing::Draining);
    // The same bytes go to all, so the chance is the server's; a client adds its own.
    let within = u64::try_from(RECONNECT_WITHIN.as_millis()).unwrap_or(u64::MAX);
    let reconnect_after_ms = rand::rng().random_range(within / 10..=within);
    let notice = Notice::ServerDraining { reconnect_after_ms };
    let in_all = DRAIN_TIME_MAX.saturating_sub(CLOSE_TIME);
    let closing = async {
        let cut = house.hub.drain(notice.encode(), CLOSE_TIME).await;
        if cut > 0 {
            tracing::info!(cut, "sockets did not leave when asked");
        }
        house.offices.stop().await;
    };
    if tokio::time::timeout(in_all, closing).await.is_err() {
        // Nothing acknowledged is lost: the log has it, and the next start replays it.
        tracing::warn!("shows were still busy when the house closed");
    }
}

/// Waits for SIGTERM or SIGINT; from the call on, neither ends the process by itself.
///
/// # Errors
/// Where the system lets signals not be listened to.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn hub_settings(settings: &Settings) -> hub::Settings {
    let usual = hub::Settings::default();
    hub::Settings {
        shards: settings.shards.unwrap_or(usual.shards),
        ping_every: PING_EVERY,
        message_within: FRAME_TIME,
        close_within: CLOSE_TIME,
        ..usual
    }
}

fn rates(settings: &Settings) -> Rates {
    let limits = &settings.limits;
    Rates {
        messages: Rate { per_second: limits.messages_per_second, burst: limits.messages_burst },
        attempts: Rate { per_second: limits.attempts_per_second, burst: limits.attempts_burst },
        numbers: Rate { per_second: limits.numbers_per_second, burst: limits.numbers_burst },
    }
}
