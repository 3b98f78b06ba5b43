//! Where Redis is, and what an acknowledgement of it is worth.
//!
//! Owns the two settings' forms, to be read and to be shown. An address may hold a password; it is
//! never shown by accident. What is said to Redis is `log`'s.

use std::fmt;
use std::str::FromStr;

/// What it means that something was acknowledged: what it survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Redis has it in memory: it survives this program's death, not Redis's.
    Memory,
    /// It is on Redis's disk (`appendfsync always`): it survives a power cut, but not a replica
    /// that is promoted without having had it.
    #[default]
    Disk,
    /// It is on the disk, and so many replicas have it too: it survives the promotion of one of
    /// them.
    Replicated {
        /// How many, at least 1.
        replicas: u8,
    },
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let replicas = match text {
            "memory" => return Ok(Self::Memory),
            "disk" => return Ok(Self::Disk),
            "replicated" => Some(1),
            other => other.strip_prefix("replicated:").and_then(|count| count.parse().ok()),
        };
        match replicas {
            Some(replicas @ 1..) => Ok(Self::Replicated { replicas }),
            _ => Err("is memory, disk, replicated or replicated:N (N replicas, 1 to 255)".into()),
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Disk => f.write_str("disk"),
            Self::Replicated { replicas: 1 } => f.write_str("replicated"),
            Self::Replicated { replicas } => write!(f, "replicated:{replicas}"),
        }
    }
}

/// Where Redis is: one server, a cluster, or a primary that Sentinels know.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    kind: RedisKind,
    servers: Vec<RedisServer>,
}

/// What stands at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisKind {
    /// One server.
    Server,
    /// A cluster, some of whose nodes are named.
    Cluster,
    /// Sentinels, who are asked for the primary of this name. The credentials and the database are
    /// the primary's.
    Sentinel {
        /// The name it goes by among them.
        primary: String,
    },
}

/// One server, and how to be let in.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisServer {
    /// A name or an address; one of IPv6 without its brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS is spoken there.
    pub tls: bool,
    /// Who to be; none is Redis's `default`.
    pub user: Option<String>,
    /// The password, if there is one.
    pub password: Option<String>,
    /// The number of the database.
    pub database: u16,
}

const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const SENTINEL_SCHEME: &str = "redis+sentinel://";

impl RedisAddress {
    /// What stands there.
    pub fn kind(&self) -> &RedisKind {
        &self.kind
    }

    /// The servers named, at least one: the server itself, nodes of the cluster, or the Sentinels.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }
}

impl FromStr for RedisAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix(SENTINEL_SCHEME) {
            return sentinels(rest);
        }
        let servers = text.split(',').map(server).collect::<Result<Vec<_>, _>>()?;
        let kind = if servers.len() == 1 { RedisKind::Server } else { RedisKind::Cluster };
        if kind == RedisKind::Cluster && servers.iter().any(|server| server.database != 0) {
            return Err("has a database's number, but a cluster has only database 0".to_owned());
        }
        Ok(Self { kind, servers })
    }
}

/// `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://…`.
fn server(url: &str) -> Result<RedisServer, String> {
    let (tls, rest) = match (url.strip_prefix("redis://"), url.strip_prefix("rediss://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        // Not the text itself: a password may stand in it.
        _ => return Err("is a URL of redis://, rediss:// or redis+sentinel://".to_owned()),
    };
    let (credentials, rest) = credentials(rest)?;
    let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = place_of(place, SERVER_PORT)?;
    let (user, password) = credentials;
    Ok(RedisServer { host, port, tls, user, password, database: database_of(database)? })
}

/// `[[USER]:PASSWORD@]HOST[:PORT][,…]/PRIMARY[/DATABASE]`.
fn sentinels(rest: &str) -> Result<RedisAddress, String> {
    let ((user, password), rest) = credentials(rest)?;
    let (places, name) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, database) = name.split_once('/').unwrap_or((name, ""));
    if name.is_empty() {
        return Err("names no primary: redis+sentinel://HOST[:PORT],…/PRIMARY".to_owned());
    }
    let (primary, database) = (decoded(name)?, database_of(database)?);
    let servers = places.split(',').map(|place| {
        let (host, port) = place_of(place, SENTINEL_PORT)?;
        let (user, password) = (user.clone(), password.clone());
        Ok(RedisServer { host, port, tls: false, user, password, database })
    });
    let servers = servers.collect::<Result<Vec<_>, String>>()?;
    Ok(RedisAddress { kind: RedisKind::Sentinel { primary }, servers })
}

type Credentials = (Option<String>, Option<String>);

/// What stands before the `@`, and the rest.
fn credentials(text: &str) -> Result<(Credentials, &str), String> {
    if text.contains(['?', '#']) {
        return Err("has something after ? or #, which is not understood here".to_owned());
    }
    let Some((before, rest)) = text.rsplit_once('@') else { return Ok(((None, None), text)) };
    // Without a colon it is a user alone, whom Redis would not let in; most who write so mean a
    // password.
    let Some((user, password)) = before.split_once(':') else {
        return Err("has a user without a password: write :PASSWORD@ or USER:PASSWORD@".to_owned());
    };
    let some = |text: &str| -> Result<_, String> {
        Ok(if text.is_empty() { None } else { Some(decoded(text)?) })
    };
    Ok(((some(user)?, some(password)?), rest))
}

/// `HOST[:PORT]`, where a host of IPv6 stands in brackets.
fn place_of(text: &str, usual_port: u16) -> Result<(String, u16), String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
    if host.is_empty() || !host.chars().all(is_letter) {
        return Err("names no host".to_owned());
    }
    let port = port.map_or(Ok(usual_port), str::parse);
    match port {
        Ok(port @ 1..) => Ok((host.to_owned(), port)),
        _ => Err("has a port that is none".to_owned()),
    }
}

fn database_of(text: &str) -> Result<u16, String> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| "has a database that is not a number".to_owned())
}

/// Text of a URL, where `%40` stands for `@`.
fn decoded(text: &str) -> Result<String, String> {
    let broken = || "has a % that begins no letter's code".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            let code = digit().zip(digit()).map(|(high, low)| high * 16 + low);
            code.and_then(|code| u8::try_from(code).ok()).ok_or_else(broken)?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

/// As it was given, without passwords.
impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let RedisKind::Sentinel { primary } = &self.kind {
            let places: Vec<String> = self.servers.iter().map(RedisServer::place).collect();
            write!(f, "{SENTINEL_SCHEME}{}/{primary}", places.join(","))?;
            let database = self.servers.first().map_or(0, |server| server.database);
            return if database == 0 { Ok(()) } else { write!(f, "/{database}") };
        }
        for (nth, server) in self.servers.iter().enumerate() {
            f.write_str(if nth == 0 { "" } else { "," })?;
            write!(f, "{server}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl RedisServer {
    /// `HOST:PORT`.
    pub fn place(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// As a URL, without the password.
impl fmt::Display for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "rediss" } else { "redis" }, self.place())?;
        if self.database == 0 { Ok(()) } else { write!(f, "/{}", self.database) }
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> RedisAddress {
        text.parse().unwrap_or_else(|error| panic!("{text:?} {error}"))
    }

    #[test]
    fn every_level_is_read_as_it_is_shown() {
        let table = [
            ("memory", Durability::Memory),
            ("disk", Durability::Disk),
            ("replicated", Durability::Replicated { replicas: 1 }),
            ("replicated:2", Durability::Replicated { replicas: 2 }),
        ];
        for (text, level) in table {
            assert_eq!(text.parse(), Ok(level));
            assert_eq!(level.to_string(), text);
        }
        assert_eq!(Durability::default(), Durability::Disk);
        for wrong in ["", "Disk", "always", "replicated:", "replicated:0", "replicated:256"] {
            assert!(wrong.parse::<Durability>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_address_is_a_server_a_cluster_or_sentinels() {
        let sentinel = RedisKind::Sentinel { primary: "box".to_owned() };
        let table = [
            ("redis://127.0.0.1:7000", RedisKind::Server, "redis://127.0.0.1:7000"),
            ("redis://localhost", RedisKind::Server, "redis://localhost:6379"),
            ("rediss://[::1]:7000/3", RedisKind::Server, "rediss://[::1]:7000/3"),
            ("redis://[::1]/", RedisKind::Server, "redis://[::1]:6379"),
            ("redis://a:1,redis://:secret@b:2", RedisKind::Cluster, "redis://a:1,redis://b:2"),
            (
                "redis+sentinel://u:secret@a,b:5/box/2",
                sentinel.clone(),
                "redis+sentinel://a:26379,b:5/box/2",
            ),
            ("redis+sentinel://a/box", sentinel, "redis+sentinel://a:26379/box"),
        ];
        for (text, kind, shown) in table {
            let address = read(text);
            assert_eq!(address.kind(), &kind, "{text}");
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn who_to_be_stands_before_the_host_in_the_letters_of_a_url() {
        let table = [
            ("redis://h", None, None),
            ("redis://:p%40ss%2fw@h", None, Some("p@ss/w")),
            ("redis://usher:a:b@h", Some("usher"), Some("a:b")),
            ("redis+sentinel://usher:x@h,i/box", Some("usher"), Some("x")),
        ];
        for (text, user, password) in table {
            for server in read(text).servers() {
                assert_eq!(server.user.as_deref(), user, "{text}");
                assert_eq!(server.password.as_deref(), password, "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_address_is_told_without_its_password() {
        let wrong = [
            "",
            "localhost:6379",
            "http://:secret@h",
            "redis://",
            "redis://:secret@",
            "redis://secret@h",
            "redis://:secret@h:x",
            "redis://:secret@h:0",
            "redis://:secret@h:65536",
            "redis://:secret@h/first",
            "redis://:secret@h?db=1",
            "redis://:secret%4@h",
            "redis://:secret%ff@h",
            "redis://a,",
            "redis://a,b",
            "redis://a/1,redis://b",
            "redis+sentinel://:secret@h",
            "redis+sentinel:///box",
        ];
        for text in wrong {
            let error = text.parse::<RedisAddress>().expect_err(text);
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn no_form_of_an_address_shows_a_password() {
        let urls = ["redis://u:secret@h/1", "redis://:secret@h,redis://:secret@i"];
        for text in urls.into_iter().chain(["redis+sentinel://:secret@h/box"]) {
            let address = read(text);
            assert!(!format!("{address} {address:?} {:?}", address.servers()).contains("secret"));
        }
    }
}
