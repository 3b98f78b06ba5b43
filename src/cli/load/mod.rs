//! `usher load`: a crowd of viewers and buyers against a running server, and a report.
//!
//! Measuring and drawing are apart: tasks add to a [`tally`], a progress line reads it now and
//! then, and the [`report`] is made once, at the end. A process may have some 20,000 files open, so
//! more viewers than that are spread over several: this program starts itself again as
//! [`children`]. All buyers stay in the first process.
//!
//! Two times are told:
//! - **ack**: from a request's sending to its response's arrival, by the buyer's clock.
//! - **change to viewer**: from the sending of the request that changed the show to a viewer having
//!   applied the frame that reached or passed that change's `seq`. It holds everything: the way to
//!   the server, the log's write, the gathering, the way to the viewer. All processes are on one
//!   machine, so it is one clock.

mod buyers;
mod children;
mod clock;
mod progress;
mod report;
mod tally;
mod viewers;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use tokio::sync::watch;

use crate::client::{Format, House, Picture, ShowId};

use children::Children;
use clock::Clock;
use report::Report;
use tally::Live;

/// How long viewers get, after the last change, to come to the final picture. A diff that only
/// moves `seq` may wait a second for company; the rest is for a machine that is busy.
const SETTLE: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  usher load --viewers 100 --buyers 20 --seconds 10
  usher load --viewers 5000 --buyers 64 --rate 2000 --seconds 30 --json
  usher load --viewers 40000 --processes 4 --buyers 0

The server's limits are for people, not for one machine that plays a crowd. Start it with:
  usher serve --sockets-per-address 50000 --upgrades-per-second 20000 \\
      --messages-per-second 100000 --messages-burst 100000 \\
      --attempts-per-second 100000 --attempts-burst 100000 \\
      --numbers-per-second 100000 --numbers-burst 100000";

/// Send a crowd of viewers and buyers to a server, and report what they saw
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LoadArgs {
    /// The server's address. Only http and ws: TLS belongs to the proxy in front
    #[arg(
        long,
        visible_alias = "server",
        env = "USHER_LOAD_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,

    /// The show. Without it, the first one the server lists
    #[arg(long, env = "USHER_LOAD_SHOW", value_name = "SHOW", value_parser = show_id)]
    show: Option<ShowId>,

    /// Sockets that only watch
    #[arg(long, env = "USHER_LOAD_VIEWERS", value_name = "N", default_value_t = 100)]
    viewers: u32,

    /// Sockets that hold, buy and release
    #[arg(long, env = "USHER_LOAD_BUYERS", value_name = "N", default_value_t = 10)]
    buyers: u32,

    /// Commands a second, of all buyers together. 0: each sends its next as soon as the last is
    /// answered
    #[arg(long, env = "USHER_LOAD_RATE", value_name = "R", default_value_t = 20.0)]
    rate: f64,

    /// How long, counted from when everybody is connected
    #[arg(long, env = "USHER_LOAD_SECONDS", value_name = "S", default_value_t = 10)]
    seconds: u64,

    /// Processes to spread the viewers over, for more than one may have files open
    #[arg(long, env = "USHER_LOAD_PROCESSES", value_name = "P", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,

    /// How viewers and buyers want their seat frames
    #[arg(long, env = "USHER_LOAD_FORMAT", value_enum, default_value_t = WireFormat::Binary)]
    format: WireFormat,

    /// Give the report as JSON
    #[arg(long, env = "USHER_LOAD_JSON")]
    json: bool,

    /// One of several processes of a load: read orders from standard input
    #[arg(long, env = "USHER_LOAD_CHILD", hide = true)]
    child: bool,
}

/// How seat frames arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WireFormat {
    /// Binary messages: usher.v1
    Binary,
    /// JSON text: usher.v1.json
    Json,
}

impl From<WireFormat> for Format {
    fn from(format: WireFormat) -> Self {
        match format {
            WireFormat::Binary => Self::Binary,
            WireFormat::Json => Self::Json,
        }
    }
}

/// A show's name, for clap.
pub(super) fn show_id(text: &str) -> Result<ShowId, String> {
    ShowId::parse(text).ok_or_else(|| "a show's name is 1 to 64 of a-z, 0-9 and -".to_owned())
}

/// The show that was named, or the first on the programme.
pub(super) async fn chosen_show(house: &House, named: Option<ShowId>) -> anyhow::Result<ShowId> {
    if let Some(show) = named {
        return Ok(show);
    }
    let shows = house.shows().await?;
    let first = shows.into_iter().next();
    Ok(first.context("nothing is on the programme: name a show with --show")?.id)
}

/// Where everybody is in the play.
#[derive(Clone, Debug)]
enum Phase {
    /// Watch, and count.
    Running,
    /// Nobody buys any more: come to this picture, compare, and stop. Without one, only stop.
    Over(Option<Arc<Picture>>),
}

/// What every task of this process shares.
struct Stage {
    house: House,
    show: ShowId,
    format: Format,
    clock: Clock,
    live: Live,
}

/// Runs the load. Exit code 1: something inconsistent was seen. An error: it could not be run.
pub async fn run(args: LoadArgs) -> anyhow::Result<ExitCode> {
    let house = House::at(&args.url)?;
    let show = chosen_show(&house, args.show.clone()).await?;
    // Every viewer is an open file; the default of many systems is 1,024.
    let files = rlimit::increase_nofile_limit(rlimit::INFINITY).unwrap_or(1024);
    let here =
        if args.processes > 1 && !args.child { args.buyers } else { args.viewers + args.buyers };
    if u64::from(here) + 50 > files {
        bail!("{here} sockets, but this process may have only {files} files open: use --processes");
    }
    let stage = Arc::new(Stage {
        house,
        show,
        format: args.format.into(),
        clock: Clock::start(),
        live: Live::default(),
    });
    if args.child {
        children::be_one(&stage, args.viewers).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = play(&args, &stage).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.inconsistencies.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play(args: &LoadArgs, stage: &Arc<Stage>) -> anyhow::Result<Report> {
    let (phase, _) = watch::channel(Phase::Running);
    let mut progress = progress::Progress::begin();
    // Buyers first: should the server turn anybody away, it is to be viewers.
    let buyers = buyers::Crowd::connect(stage, args.buyers).await;
    let mut children = Children::none();
    let mut viewers = viewers::Crowd::empty(stage);
    if args.processes > 1 {
        children = Children::start(args, &stage.show)?;
        children.ready(&mut progress).await?;
    } else {
        viewers.seat(args.viewers, &phase, |n| progress.connecting(n, args.viewers)).await;
    }

    let started = stage.clock.now_us();
    buyers.begin(args.rate, children.changes());
    let resolver = viewers.resolve_arrivals();
    progress.watch(stage, &mut children, Duration::from_secs(args.seconds)).await;
    let tally = buyers.stop().await;
    let played = Duration::from_micros(stage.clock.now_us() - started);

    // Not over a socket: what the server tells anybody else is the truth to compare with.
    let last = stage.house.seats(&stage.show).await.map(Arc::new);
    phase.send_replace(Phase::Over(last.as_ref().ok().cloned()));
    let mut seen = viewers.finish().await;
    seen.change_us = resolver.finish().await;
    for child in children.finish(last.as_deref().ok()).await? {
        seen.add(child);
    }
    if let Err(error) = last {
        seen.failures.insert(format!("the final snapshot could not be had: {error}"), 1);
    }
    progress.end();
    Ok(Report::new(args, &stage.show, played, seen, tally))
}
