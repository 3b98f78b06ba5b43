//! Every setting of the house, its default, and the reason for it.
//!
//! Owns the settings and what contradicts in them. It knows nothing of flags or the environment
//! (that is `cli::serve`) and nothing of what the settings are used for.

mod limits;
mod redis;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use limits::*;
pub use redis::{Durability, RedisAddress, RedisKind, RedisServer};

/// All a server is told. Made by `cli::serve` from flags and the environment, or by a test.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. This machine alone unless said: whoever opens the house to the world does
    /// it knowingly.
    pub listen: SocketAddr,
    /// The folder that keeps the log and the keys. With Redis it is not used.
    pub data: PathBuf,
    /// The Redis that keeps them instead, for many nodes.
    pub redis: Option<RedisAddress>,
    /// What an acknowledgement means. A log in the data folder is always on the disk.
    pub durability: Durability,
    /// The box office's key. None: the one kept beside the log, made at the first start.
    pub key: Option<Key>,
    /// The keys of session tokens, in base64: the first signs, all are believed. None: those kept
    /// beside the log, made at the first start, which `usher keys rotate` renews.
    pub signing_keys: Option<Vec<Key>>,
    /// The web origins whose pages may open sockets, as `https://example.org`. None: only pages
    /// of the request's own host.
    pub origins: Option<Vec<String>>,
    /// The proxies in front whose word on a client's address is taken (`X-Forwarded-For`). From
    /// anyone else that header is a claim.
    pub proxies: Vec<IpAddr>,
    /// What to play when nothing is on the programme.
    pub demo: Demo,
    /// How many simulated buyers liven the demo.
    pub demo_crowd: u32,
    /// How many threads write to sockets. None: one for each core.
    pub shards: Option<usize>,
    /// How the log of operations is written.
    pub log_format: LogFormat,
    /// What is written there: a level, or `tracing` directives such as `usher=debug`.
    pub log_level: String,
    /// The limits that may be moved.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            data: PathBuf::from("./usher-data"),
            redis: None,
            durability: Durability::default(),
            key: None,
            signing_keys: None,
            origins: None,
            proxies: Vec::new(),
            demo: Demo::House,
            demo_crowd: 0,
            shards: None,
            log_format: LogFormat::Text,
            log_level: "info".to_owned(),
            limits: Limits::default(),
        }
    }
}

/// What to play when nothing is on the programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    /// A theatre with a few shows, and a stadium with a match.
    House,
    /// The same, and an evening that is sold out but for a few seats, which are held and let go.
    SoldOut,
    /// Nothing.
    None,
}

/// How the log of operations is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line, for machines.
    Json,
}

/// A secret word. Never shown by accident: its `Debug` says only that it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub String);

impl Key {
    /// The 32 bytes of a signing key, written in base64 of either alphabet.
    pub fn signing_bytes(&self) -> Option<[u8; 32]> {
        let plain = self.0.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let mut bytes = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(plain, &mut bytes) {
            Ok(32) => Some(bytes),
            _ => None,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(given)")
    }
}

/// A box-office key shorter than this is warned of at start: from 16 letters on, guessing over the
/// network is hopeless. How short it may be is the house's own affair.
pub const KEY_LENGTH_SAFE: usize = 16;

impl Settings {
    /// What contradicts in the settings, in one sentence; to be asked before anything starts.
    pub fn check(&self) -> Result<(), String> {
        let limits = &self.limits;
        if let Some(Key(key)) = &self.key {
            // An empty one would let everybody in; another letter cannot stand in a header.
            if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(
                    "--key must be one or more visible ASCII characters without spaces".to_owned()
                );
            }
        }
        if let Some(keys) = &self.signing_keys
            && (keys.is_empty() || keys.iter().any(|key| key.signing_bytes().is_none()))
        {
            return Err("--signing-key must be 32 bytes in base64, as from `openssl rand -base64 \
                        32`; several are separated by commas"
                .to_owned());
        }
        if self.redis.is_none() && self.durability != Durability::Disk {
            return Err(format!(
                "--durability {} needs --redis: a log in a data folder is always on the disk, \
                 and nowhere else",
                self.durability
            ));
        }
        if let Some(wrong) = self.origins.iter().flatten().find(|origin| !is_origin(origin)) {
            return Err(format!(
                "--origins has {wrong:?}, but an origin is a scheme and a host, like \
                 https://example.org, without a path"
            ));
        }
        if self.demo_crowd > 0 && self.demo == Demo::None {
            return Err("--demo-crowd needs a demo to liven, but --demo is none".to_owned());
        }
        if self.shards == Some(0) {
            return Err("--shards must be at least 1".to_owned());
        }
        if limits.sockets_per_address_max > limits.sockets_max {
            return Err(format!(
                "--sockets-per-address is {}, but --sockets allows only {} in all",
                limits.sockets_per_address_max, limits.sockets_max
            ));
        }
        for (flag, limit) in limits.by_flag() {
            if limit == 0 {
                return Err(format!("--{flag} must be at least 1, or nobody could do anything"));
            }
        }
        if limits.messages_burst < limits.messages_per_second
            || limits.http_messages_burst < limits.http_messages_per_second
            || limits.attempts_burst < limits.attempts_per_second
            || limits.numbers_burst < limits.numbers_per_second
        {
            return Err("a burst must be at least as large as its rate a second".to_owned());
        }
        Ok(())
    }
}

impl Limits {
    /// Each limit by the flag that moves it.
    pub fn by_flag(&self) -> [(&'static str, u32); 11] {
        [
            ("sockets", self.sockets_max),
            ("sockets-per-address", self.sockets_per_address_max),
            ("upgrades-per-second", self.upgrades_per_second),
            ("messages-per-second", self.messages_per_second),
            ("messages-burst", self.messages_burst),
            ("http-messages-per-second", self.http_messages_per_second),
            ("http-messages-burst", self.http_messages_burst),
            ("attempts-per-second", self.attempts_per_second),
            ("attempts-burst", self.attempts_burst),
            ("numbers-per-second", self.numbers_per_second),
            ("numbers-burst", self.numbers_burst),
        ]
    }
}

/// All settings on one line, without secrets: what the server says it runs with.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listen={}", self.listen)?;
        match &self.redis {
            Some(redis) => write!(f, " redis={redis} durability={}", self.durability)?,
            None => write!(f, " data={}", self.data.display())?,
        }
        let key = if self.key.is_some() { "given" } else { "kept" };
        let origins = self.origins.as_ref().map_or("own host".to_owned(), |list| list.join(","));
        write!(f, " key=({key}) origins={origins}")?;
        if let Some(keys) = &self.signing_keys {
            write!(f, " signing-keys=({} given)", keys.len())?;
        }
        if !self.proxies.is_empty() {
            let proxies: Vec<String> = self.proxies.iter().map(IpAddr::to_string).collect();
            write!(f, " proxies={}", proxies.join(","))?;
        }
        write!(f, " demo={:?} demo-crowd={}", self.demo, self.demo_crowd)?;
        if let Some(shards) = self.shards {
            write!(f, " shards={shards}")?;
        }
        for (flag, limit) in self.limits.by_flag() {
            write!(f, " {flag}={limit}")?;
        }
        Ok(())
    }
}

/// Whether `text` is a scheme and an authority and nothing more, as browsers send it.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_do_not_contradict_each_other() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn every_contradiction_is_one_sentence_that_names_its_flag() {
        let base = Settings::default;
        let limits = |limits: Limits| Settings { limits, ..base() };
        let table = [
            (Settings { key: Some(Key(String::new())), ..base() }, "--key"),
            (Settings { key: Some(Key("sixteen letters and spaces".into())), ..base() }, "--key"),
            (Settings { signing_keys: Some(vec![]), ..base() }, "--signing-key"),
            (Settings { signing_keys: Some(vec![Key("short".into())]), ..base() }, "--signing-key"),
            (Settings { durability: Durability::Memory, ..base() }, "--durability memory"),
            (Settings { origins: Some(vec!["example.org".into()]), ..base() }, "--origins"),
            (Settings { origins: Some(vec!["https://a/b".into()]), ..base() }, "--origins"),
            (Settings { demo: Demo::None, demo_crowd: 5, ..base() }, "--demo-crowd"),
            (Settings { shards: Some(0), ..base() }, "--shards"),
            (limits(Limits { sockets_max: 10, ..Limits::default() }), "--sockets-per-address"),
            (limits(Limits { upgrades_per_second: 0, ..Limits::default() }), "--upgrades"),
            (limits(Limits { messages_burst: 1, ..Limits::default() }), "burst"),
            (limits(Limits { numbers_burst: 1, ..Limits::default() }), "burst"),
            (limits(Limits { numbers_per_second: 0, ..Limits::default() }), "--numbers-per-second"),
        ];
        for (settings, flag) in table {
            let said = settings.check().expect_err(flag);
            assert!(said.contains(flag), "{said:?} does not name {flag}");
        }
    }

    #[test]
    fn a_short_key_is_the_houses_own_affair() {
        let settings = Settings { key: Some(Key("k".into())), ..Settings::default() };
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn a_signing_key_is_32_bytes_in_either_base64() {
        let key = |text: &str| Key(text.into()).signing_bytes();
        let plain = "_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(key(plain).map(|bytes| (bytes[0], bytes[1])), Some((0xff, 0xef)));
        assert_eq!(key("/+8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), key(plain));
        assert_eq!((key(""), key(&plain[1..]), key(&format!("{plain}AA"))), (None, None, None));
    }

    #[test]
    fn the_key_is_never_shown() {
        let key = Key("a-very-secret-box-office-key".into());
        let redis = "redis://:secret@localhost".parse().expect("an address");
        let signing_keys = Some(vec![Key("a-secret-too".into())]);
        let settings =
            Settings { key: Some(key), redis: Some(redis), signing_keys, ..Settings::default() };
        assert!(!settings.to_string().contains("secret"), "{settings}");
        assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
    }
}
