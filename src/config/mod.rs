//! Every setting of the house, its default, and the reason for it.
//!
//! Owns the settings and what contradicts in them. It knows nothing of flags or the environment
//! (that is `cli::serve`) and nothing of what the settings are used for.

mod limits;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub use limits::*;

/// All a server is told. Made by `cli::serve` from flags and the environment, or by a test.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. This machine alone unless said: whoever opens the house to the world does
    /// it knowingly.
    pub listen: SocketAddr,
    /// The folder that keeps the log and the keys.
    pub data: PathBuf,
    /// The box office's key. None: the one kept in the data folder, made at the first start.
    pub key: Option<Key>,
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
            key: None,
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
        {
            return Err("a burst must be at least as large as its rate a second".to_owned());
        }
        Ok(())
    }
}

impl Limits {
    /// Each limit by the flag that moves it.
    pub fn by_flag(&self) -> [(&'static str, u32); 9] {
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
        ]
    }
}

/// All settings on one line, without secrets: what the server says it runs with.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listen={} data={}", self.listen, self.data.display())?;
        let key = if self.key.is_some() { "given" } else { "kept" };
        let origins = self.origins.as_ref().map_or("own host".to_owned(), |list| list.join(","));
        write!(f, " key=({key}) origins={origins}")?;
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
            (Settings { origins: Some(vec!["example.org".into()]), ..base() }, "--origins"),
            (Settings { origins: Some(vec!["https://a/b".into()]), ..base() }, "--origins"),
            (Settings { demo: Demo::None, demo_crowd: 5, ..base() }, "--demo-crowd"),
            (Settings { shards: Some(0), ..base() }, "--shards"),
            (limits(Limits { sockets_max: 10, ..Limits::default() }), "--sockets-per-address"),
            (limits(Limits { upgrades_per_second: 0, ..Limits::default() }), "--upgrades"),
            (limits(Limits { messages_burst: 1, ..Limits::default() }), "burst"),
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
    fn the_key_is_never_shown() {
        let key = Key("a-very-secret-box-office-key".into());
        let settings = Settings { key: Some(key), ..Settings::default() };
        assert!(!settings.to_string().contains("secret"), "{settings}");
        assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
    }
}
