//! Places: one server of Redis, how it is reached, and the connections to it.
//!
//! A connection carries any number of requests at a time; a server answers them in order, and one
//! that makes it wait (`WAIT`) holds up what follows. So there are a few to each server, and a stream
//! always uses the same one. Questions about the server itself have one of their own.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisError, RedisResult, Value, io::tcp::TcpSettings,
};
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use crate::config::RedisServer;

/// How long making a connection may take, greetings included.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// After how long a connection is dead on which nothing that was sent is acknowledged by the other
/// machine: the kernel alone would try for a quarter of an hour.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(2);

/// How long a failure to connect is told to all who come: as long as one waits before trying again.
const FAILURE_SHARED: Duration = Duration::from_millis(20);

/// A server's name or address, and its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Place {
    pub(super) fn of(server: &RedisServer) -> Self {
        Self { host: server.host.clone(), port: server.port }
    }

    /// `HOST:PORT` as servers write it, where no host stands for `here`'s.
    pub(super) fn parse(text: &str, here: &Self) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() { here.host.clone() } else { host.to_owned() };
        Some(Self { host, port: port.parse().ok()? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How one is let in: the same at every server of an address.
#[derive(Clone, Default)]
pub(super) struct Login {
    user: Option<String>,
    password: Option<String>,
    pub(super) database: u16,
    tls: bool,
}

impl Login {
    pub(super) fn of(server: &RedisServer) -> Self {
        let RedisServer { user, password, database, tls, .. } = server.clone();
        Self { user, password, database, tls }
    }

    /// To Sentinels, which have no databases.
    pub(super) fn to_sentinels(&self) -> Self {
        Self { database: 0, ..self.clone() }
    }

    /// A connection of its own. What the server says unasked goes to `heard`.
    pub(super) async fn connect(
        &self,
        place: &Place,
        heard: Option<impl AsyncPushSender>,
    ) -> RedisResult<MultiplexedConnection> {
        let Place { host, port } = place.clone();
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let mut greeting = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("usher", env!("CARGO_PKG_VERSION"))
            .set_db(i64::from(self.database));
        if let Some(user) = &self.user {
            greeting = greeting.set_username(user);
        }
        if let Some(password) = &self.password {
            greeting = greeting.set_password(password);
        }
        // Without it a small request would wait for the acknowledgement of the one before.
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(UNACKNOWLEDGED_MAX);
        let info = address.into_connection_info()?;
        let client = Client::open(info.set_redis_settings(greeting).set_tcp_settings(tcp))?;
        // How long an answer may take is the asker's to say: not half a second, as it would be else.
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(None);
        if let Some(heard) = heard {
            config = config.set_push_sender(heard);
        }
        client.get_multiplexed_async_connection_with_config(&config).await
    }
}

/// Nobody hears what the server says unasked.
pub(super) const UNHEARD: Option<fn(redis::PushInfo) -> Result<(), ()>> = None;

/// A server and the connections to it, made when they are needed.
pub(super) struct Node {
    pub(super) place: Place,
    lanes: Vec<Mutex<Lane>>,
    /// Of no stream.
    aside: Mutex<Lane>,
    made: AtomicU64,
}

/// One connection, with a number by which a broken one is known from the one that took its place; or
/// why there is none.
#[derive(Default)]
enum Lane {
    #[default]
    Unused,
    Open(u64, MultiplexedConnection),
    Failed(Instant, RedisError),
}

impl Node {
    pub(super) fn new(place: Place, lanes: usize) -> Self {
        let lanes = (0..lanes).map(|_| Mutex::default()).collect();
        Self { place, lanes, aside: Mutex::default(), made: AtomicU64::new(0) }
    }

    /// The connection on which `slot` is asked for.
    pub(super) async fn connection(
        &self,
        slot: u16,
        login: &Login,
    ) -> RedisResult<(u64, MultiplexedConnection)> {
        self.open(self.lane(slot), login).await
    }

    /// What it answers to a question about itself. Where nothing comes, the connection is given up: who
    /// asks again makes another.
    pub(super) async fn ask(
        &self,
        login: &Login,
        question: &Cmd,
        within: Duration,
    ) -> anyhow::Result<Value> {
        let deadline = tokio::time::Instant::now() + within;
        let silent = || format!("{} does not answer", self.place);
        let open = timeout_at(deadline, self.open(&self.aside, login)).await;
        let (number, mut connection) = open.with_context(silent)??;
        let answer = timeout_at(deadline, connection.send_packed_command(question)).await;
        if !matches!(answer, Ok(Ok(_))) {
            self.close(&self.aside, number).await;
        }
        answer.with_context(silent)?.with_context(|| self.place.to_string())
    }

    async fn open(
        &self,
        lane: &Mutex<Lane>,
        login: &Login,
    ) -> RedisResult<(u64, MultiplexedConnection)> {
        // Held while connecting: who comes meanwhile shares the new one, or the failure, so that a
        // server that is gone is not called by everybody who waits for it.
        let mut lane = lane.lock().await;
        match &*lane {
            Lane::Open(number, connection) => return Ok((*number, connection.clone())),
            Lane::Failed(at, error) if at.elapsed() < FAILURE_SHARED => return Err(error.clone()),
            Lane::Failed(..) | Lane::Unused => {}
        }
        match login.connect(&self.place, UNHEARD).await {
            Ok(connection) => {
                let number = self.made.fetch_add(1, Ordering::Relaxed);
                *lane = Lane::Open(number, connection.clone());
                Ok((number, connection))
            }
            Err(error) => {
                *lane = Lane::Failed(Instant::now(), error.clone());
                Err(error)
            }
        }
    }

    /// Gives up a connection that is broken or does not answer. What is still under way on it may yet
    /// be answered.
    pub(super) async fn give_up(&self, slot: u16, number: u64) {
        self.close(self.lane(slot), number).await;
    }

    async fn close(&self, lane: &Mutex<Lane>, number: u64) {
        let mut lane = lane.lock().await;
        if matches!(&*lane, Lane::Open(current, _) if *current == number) {
            *lane = Lane::Unused;
        }
    }

    fn lane(&self, slot: u16) -> &Mutex<Lane> {
        &self.lanes[usize::from(slot) % self.lanes.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_without_a_host_is_where_it_was_told() {
        let here = Place { host: "::1".to_owned(), port: 7000 };
        let read = |text| Place::parse(text, &here).map(|place| place.to_string());
        assert_eq!(read("10.0.0.7:6379").as_deref(), Some("10.0.0.7:6379"));
        assert_eq!(read(":7001").as_deref(), Some("::1:7001"));
        assert_eq!(read("fe80::1:7001").as_deref(), Some("fe80::1:7001"));
        assert_eq!(read("nowhere"), None);
    }
}
