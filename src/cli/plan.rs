//! `usher import plan`: a seating plan into a hall, in a data folder or at a running server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use reqwest::StatusCode;
use serde::Deserialize;

use crate::catalogue::Catalogue;
use crate::config::{Durability, HALL_SEATS_MAX};
use crate::hall::from_pretix;

use super::import::report;
use super::place::{Place, PlaceArgs};

const EXAMPLES: &str = "\
Examples:
  usher import plan opera.json --data ./usher-data
                        into the folder of a server that is not running
  usher import plan opera.json --redis redis://127.0.0.1:6379
                        into the Redis of a house, also while it is open
  usher import plan opera.json --server http://127.0.0.1:8080 --key KEY
                        into a server that is
  usher import plan opera.json --check
                        only say what would come in, and what is odd

Exit code 1 where the plan cannot be a hall: nothing is imported then, not even half of it.";

/// Bring something in.
#[derive(Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Plan(PlanArgs),
}

/// A hall, from a pretix-format seating plan.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
struct PlanArgs {
    /// The plan, a JSON file
    file: PathBuf,

    /// What people call the hall. Without it, the plan's own name
    #[arg(long, env = "USHER_HALL_NAME")]
    name: Option<String>,

    /// Into a folder only while no server uses it; into Redis also beside servers that do
    #[command(flatten)]
    place: PlaceArgs,

    /// What Redis must keep it as safely as, as for `usher serve`
    #[arg(long, env = "USHER_DURABILITY", value_name = "LEVEL", default_value_t)]
    durability: Durability,

    /// A running server to bring it to, instead of a folder or Redis
    #[arg(long, env = "USHER_SERVER", value_name = "URL", requires = "key")]
    server: Option<String>,

    /// The box office's key at that server
    #[arg(long, env = "USHER_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,

    /// Keep nothing, only report
    #[arg(long, env = "USHER_CHECK")]
    check: bool,
}

/// Runs the command: exit code 1 where the plan cannot be a hall.
pub async fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let What::Plan(args) = args.what;
    let plan =
        std::fs::read(&args.file).with_context(|| format!("reading {}", args.file.display()))?;
    // Judged here even where a server will judge it again: the report is the same either way.
    let outcome = from_pretix(&plan, args.name.as_deref(), HALL_SEATS_MAX);
    print!("{}", report(&args.file.display().to_string(), outcome.as_ref()));
    let Ok(imported) = outcome else { return Ok(ExitCode::FAILURE) };
    if args.check {
        return Ok(ExitCode::SUCCESS);
    }
    let hall = match (&args.server, &args.key) {
        (Some(server), Some(key)) => bring(server, key, args.name.as_deref(), plan).await?,
        _ => keep(&args.place.place()?, args.durability, imported.hall).await?,
    };
    println!("\nKept as {hall}; POST /v1/shows with \"hall\":\"{hall}\" puts a show on in it.");
    Ok(ExitCode::SUCCESS)
}

async fn keep(
    place: &Place,
    durability: Durability,
    hall: crate::hall::Hall,
) -> anyhow::Result<String> {
    let log = place.open(durability).await;
    let log = log.context("a server that runs is brought a plan with --server and --key")?;
    Ok(Catalogue::open(log).await?.add_hall(hall).await?.id.0)
}

async fn bring(
    server: &str,
    key: &str,
    name: Option<&str>,
    plan: Vec<u8>,
) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Kept {
        hall: String,
    }
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    let url = format!("{}/v1/halls", server.trim_end_matches('/'));
    let query: Vec<(&str, &str)> = name.map(|name| ("name", name)).into_iter().collect();
    let request = reqwest::Client::new().post(&url).query(&query).bearer_auth(key).body(plan);
    let response = request.send().await.with_context(|| format!("asking {url}"))?;
    let status = response.status();
    if status == StatusCode::CREATED {
        return Ok(response.json::<Kept>().await?.hall);
    }
    match response.json::<Problem>().await {
        Ok(problem) => bail!("{url} answered {status}: {}", problem.detail),
        Err(_) => bail!("{url} answered {status}"),
    }
}
