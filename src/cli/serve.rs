//! `usher serve`: the flags and variables of the server, and starting it with them.
//!
//! The one place that reads settings from flags and the environment. What they mean and which of
//! them contradict is `config`'s.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::{self, Durability, Key, Limits, Settings};
use crate::server;

use super::place::{read_address, unset_if_empty};

const EXAMPLES: &str = "\
Examples:
  usher serve                              the demo house on http://127.0.0.1:8080
  usher serve --demo-crowd 40              the same, with 40 simulated buyers
  usher serve --demo sold-out              the same, and a show to wait in line for
  usher serve --demo none --listen 0.0.0.0:8080 \\
      --origins https://tickets.example.org --data /var/lib/usher
                                           a house for the world, behind a TLS proxy
  usher serve --redis redis://10.0.0.5:6379 --listen 0.0.0.0:8080
                                           one of many nodes of a house

Every flag is also an environment variable, given in brackets; the flag wins. A variable that is
set to nothing is not set.";

/// Run the server.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, mut_args(unset_if_empty))]
pub struct ServeArgs {
    /// Where to listen. Only this machine can reach the default
    #[arg(long, env = "USHER_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The folder that keeps the log and the keys; made if it is not there [default: ./usher-data]
    #[arg(long, env = "USHER_DATA", value_name = "DIR", conflicts_with = "redis")]
    data: Option<PathBuf>,

    /// The Redis that keeps them instead, so that any number of nodes serve one house: the URL of a
    /// server (redis://, rediss://), comma-separated URLs of a cluster's nodes, or
    /// redis+sentinel://HOST:PORT,…/PRIMARY
    // Read later than by clap, which would say a wrong one with its password.
    #[arg(long, env = "USHER_REDIS", hide_env_values = true, value_name = "URL")]
    redis: Option<String>,

    /// What an acknowledgement survives, with Redis: memory, disk, or replicated (replicated:N for N
    /// replicas). A Redis that is set weaker is refused
    #[arg(long, env = "USHER_DURABILITY", value_name = "LEVEL", default_value_t)]
    durability: Durability,

    /// The box office's key. Without it, one is made at the first start, kept beside the log and
    /// printed once
    #[arg(long, env = "USHER_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,

    /// Keys for session tokens, 32 bytes in base64, comma-separated: the first signs, all are believed.
    /// Without it, they are made and kept beside the log, and `usher keys rotate` renews them
    #[arg(
        long,
        env = "USHER_SIGNING_KEY",
        hide_env_values = true,
        value_name = "LIST",
        value_delimiter = ','
    )]
    signing_key: Option<Vec<String>>,

    /// Origins whose pages may connect, comma-separated, scheme included. Without it, only pages
    /// served by this host may
    #[arg(long, env = "USHER_ORIGINS", value_name = "LIST", value_delimiter = ',')]
    origins: Option<Vec<String>>,

    /// Addresses of the proxies in front, comma-separated: from these, X-Forwarded-For is believed
    #[arg(long, env = "USHER_PROXIES", value_name = "LIST", value_delimiter = ',')]
    proxies: Vec<IpAddr>,

    /// What to play when nothing is on the programme yet
    #[arg(long, env = "USHER_DEMO", value_enum, default_value_t = Demo::House)]
    demo: Demo,

    /// Liven the demo with this many simulated buyers
    #[arg(long, env = "USHER_DEMO_CROWD", value_name = "N", default_value_t = 0)]
    demo_crowd: u32,

    /// Threads that write to sockets. Without it, one for each core
    #[arg(long, env = "USHER_SHARDS", value_name = "N")]
    shards: Option<usize>,

    /// How to write the log of operations
    #[arg(long, env = "USHER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// How much of it: error, warn, info, debug, trace, or directives such as usher::web=debug
    #[arg(long, env = "USHER_LOG", value_name = "LEVEL", default_value = "info")]
    log_level: String,

    #[command(flatten, next_help_heading = "Limits")]
    limits: LimitArgs,
}

#[derive(Args, Clone, Debug)]
struct LimitArgs {
    /// Sockets open at once, of all shows
    #[arg(long, env = "USHER_SOCKETS", value_name = "N",
          default_value_t = Limits::default().sockets_max)]
    sockets: u32,

    /// Sockets open at once from one address. A load test from one machine needs more
    #[arg(long, env = "USHER_SOCKETS_PER_ADDRESS", value_name = "N",
          default_value_t = Limits::default().sockets_per_address_max)]
    sockets_per_address: u32,

    /// New sockets in a second
    #[arg(long, env = "USHER_UPGRADES_PER_SECOND", value_name = "N",
          default_value_t = Limits::default().upgrades_per_second)]
    upgrades_per_second: u32,

    /// Messages a socket may send in a second
    #[arg(long, env = "USHER_MESSAGES_PER_SECOND", value_name = "N",
          default_value_t = Limits::default().messages_per_second)]
    messages_per_second: u32,

    /// Messages a socket may send at once
    #[arg(long, env = "USHER_MESSAGES_BURST", value_name = "N",
          default_value_t = Limits::default().messages_burst)]
    messages_burst: u32,

    /// Messages an address may send over HTTP in a second
    #[arg(long, env = "USHER_HTTP_MESSAGES_PER_SECOND", value_name = "N",
          default_value_t = Limits::default().http_messages_per_second)]
    http_messages_per_second: u32,

    /// Messages an address may send over HTTP at once
    #[arg(long, env = "USHER_HTTP_MESSAGES_BURST", value_name = "N",
          default_value_t = Limits::default().http_messages_burst)]
    http_messages_burst: u32,

    /// Attempts at seats a session may make in a second
    #[arg(long, env = "USHER_ATTEMPTS_PER_SECOND", value_name = "N",
          default_value_t = Limits::default().attempts_per_second)]
    attempts_per_second: u32,

    /// Attempts at seats a session may make at once
    #[arg(long, env = "USHER_ATTEMPTS_BURST", value_name = "N",
          default_value_t = Limits::default().attempts_burst)]
    attempts_burst: u32,

    /// Numbers of waiting rooms an address may take in a second
    #[arg(long, env = "USHER_NUMBERS_PER_SECOND", value_name = "N",
          default_value_t = Limits::default().numbers_per_second)]
    numbers_per_second: u32,

    /// Numbers of waiting rooms an address may take at once
    #[arg(long, env = "USHER_NUMBERS_BURST", value_name = "N",
          default_value_t = Limits::default().numbers_burst)]
    numbers_burst: u32,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Demo {
    /// A theatre with a few shows, and a stadium with a match
    House,
    /// The same, and an evening that is sold out: its last seats are held by simulated buyers who let
    /// them go now and then, to see the waitlist at work
    SoldOut,
    /// Nothing
    None,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum LogFormat {
    /// Lines for people
    Text,
    /// A JSON object a line
    Json,
}

impl ServeArgs {
    /// The settings these flags make.
    ///
    /// # Errors
    /// The address of Redis is none.
    pub fn into_settings(self) -> anyhow::Result<Settings> {
        let redis = self.redis.map(|url| read_address("--redis", &url)).transpose()?;
        let signing_keys = self.signing_key.map(|keys| keys.into_iter().map(Key).collect());
        Ok(Settings {
            listen: self.listen,
            data: self.data.unwrap_or(Settings::default().data),
            redis,
            durability: self.durability,
            key: self.key.map(Key),
            signing_keys,
            origins: self.origins,
            proxies: self.proxies,
            demo: match self.demo {
                Demo::House => config::Demo::House,
                Demo::SoldOut => config::Demo::SoldOut,
                Demo::None => config::Demo::None,
            },
            demo_crowd: self.demo_crowd,
            shards: self.shards,
            log_format: match self.log_format {
                LogFormat::Text => config::LogFormat::Text,
                LogFormat::Json => config::LogFormat::Json,
            },
            log_level: self.log_level,
            limits: Limits {
                sockets_max: self.limits.sockets,
                // A house told to be small is small for everybody.
                sockets_per_address_max: self.limits.sockets_per_address.min(self.limits.sockets),
                upgrades_per_second: self.limits.upgrades_per_second,
                messages_per_second: self.limits.messages_per_second,
                messages_burst: self.limits.messages_burst,
                http_messages_per_second: self.limits.http_messages_per_second,
                http_messages_burst: self.limits.http_messages_burst,
                attempts_per_second: self.limits.attempts_per_second,
                attempts_burst: self.limits.attempts_burst,
                numbers_per_second: self.limits.numbers_per_second,
                numbers_burst: self.limits.numbers_burst,
            },
        })
    }
}

/// Runs the server until it is told to stop. An error is a sentence and its causes.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let settings = args.into_settings()?;
    settings.check().map_err(anyhow::Error::msg)?;
    write_operations_log(&settings)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "usher starts with {settings}");

    let stop = server::stop_signal()?;
    let server = server::Server::new(settings).await?;
    let listener = server.bind().await?;
    if let Err(error) = announce(&server, listener.local_addr()?) {
        // Whoever started it has stopped reading; the house opens all the same.
        tracing::warn!(%error, "nobody reads what to open");
    }
    server.run(listener, stop).await;
    Ok(())
}

/// Says on standard output what to open; the log of operations goes to standard error.
fn announce(server: &server::Server, listening: SocketAddr) -> io::Result<()> {
    let mut said = io::stdout().lock();
    writeln!(said, "Usher is open: http://{listening}/")?;
    if let Some(key) = server.new_key() {
        writeln!(said, "The box office's key, made now and shown this once: {key}")?;
    }
    writeln!(said, "Stop it with Ctrl-C.")
}

fn write_operations_log(settings: &Settings) -> anyhow::Result<()> {
    let directives = tracing_subscriber::EnvFilter::try_new(&settings.log_level)
        .map_err(|error| anyhow::anyhow!("--log-level {:?}: {error}", settings.log_level))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(directives)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match settings.log_format {
        config::LogFormat::Text => log.init(),
        config::LogFormat::Json => log.json().init(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ServeArgs,
    }

    fn settings(words: &[&str]) -> Settings {
        let words = std::iter::once("serve").chain(words.iter().copied());
        let line = Line::try_parse_from(words).expect("a good line");
        line.args.into_settings().expect("good settings")
    }

    #[test]
    fn no_flag_means_the_defaults_of_the_settings() {
        assert_eq!(settings(&[]).to_string(), Settings::default().to_string());
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let given = settings(&["--origins", "https://a,http://b:1", "--proxies", "10.0.0.1,::1"]);
        assert_eq!(given.origins, Some(vec!["https://a".to_owned(), "http://b:1".to_owned()]));
        assert_eq!(given.proxies.len(), 2);
        assert_eq!(given.check(), Ok(()));
    }

    #[test]
    fn a_house_is_kept_in_a_folder_or_in_redis() {
        let given = settings(&["--redis", "redis://:secret@h", "--durability", "replicated:2"]);
        assert_eq!(given.check(), Ok(()));
        let shown = given.to_string();
        assert!(shown.contains("redis=redis://h:6379 durability=replicated:2"), "{shown}");
        let both = ["serve", "--redis", "redis://h", "--data", "here"];
        assert!(Line::try_parse_from(both).is_err());
        assert!(settings(&["--durability", "memory"]).check().is_err(), "needs --redis");
        let wrong = Line::try_parse_from(["serve", "--redis", "redis://:secret@h:x"]);
        let wrong = wrong.expect("read later").args.into_settings().expect_err("no port");
        assert!(!format!("{wrong:#}").contains("secret"));
    }

    #[test]
    fn signing_keys_are_a_list() {
        let key = "_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let given = settings(&["--signing-key", &format!("{key},{key}")]);
        assert_eq!((given.signing_keys.as_ref().map(Vec::len), given.check()), (Some(2), Ok(())));
    }

    #[test]
    fn a_small_house_is_no_contradiction() {
        assert_eq!(settings(&["--sockets", "5"]).check(), Ok(()));
    }
}
