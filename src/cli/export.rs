//! `usher log export` and `usher log check`: a show's log for everybody, and what anyone can tell
//! from it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::audit::{self, Doubt, PublicTicket, Replay};
use crate::log::{Chain, StreamId};
use crate::show::{Head, ShowId};

use super::log::parse_show;
use super::place::PlaceArgs;

/// Write a show's log for everybody to read and check
///
/// A JSON object a line: what the show is, and then each entry with the chain after it. Sessions are
/// replaced by pseudonyms, customers and payments left out; what happens in the waiting room names
/// nobody, and is given byte for byte. Reads only; a server may be running.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The show's name, as in its address
    #[arg(value_parser = parse_show)]
    show: ShowId,

    /// For everybody: the only kind of export there is
    #[arg(long, env = "USHER_EXPORT_PUBLIC", required = true)]
    public: bool,

    #[command(flatten)]
    place: PlaceArgs,

    /// Where to write it to [default: standard output]
    #[arg(long, env = "USHER_EXPORT_OUT", value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Check a log that a house published, with nothing but the file
///
/// Works out the chain again where the bytes are there, the draw, and whether the waiting room served
/// in order. Ends with 0 and what was found, or with 1 and the first thing that is wrong.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// What `usher log export --public` wrote
    file: PathBuf,

    /// A head that was published, or given with an order: it must be in the log. May be said several
    /// times
    #[arg(long, env = "USHER_CHECK_HEAD", value_name = "EPOCH.SEQ.CHAIN", value_parser = parse_head,
          value_delimiter = ',')]
    head: Vec<Head>,

    /// A ticket of the waiting room: it must be borne out by the log
    #[arg(long, env = "USHER_CHECK_TICKET", hide_env_values = true, value_name = "TICKET",
          value_parser = parse_ticket)]
    ticket: Option<PublicTicket>,
}

/// Exports.
///
/// # Errors
/// There is no such log or show, it cannot be read to its end, or not be written.
pub async fn export(args: ExportArgs) -> anyhow::Result<ExitCode> {
    match &args.out {
        Some(path) => {
            let named = || format!("{} cannot be written", path.display());
            let mut to = BufWriter::new(File::create(path).with_context(named)?);
            write(&args, &mut to).await?;
            to.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()
                .with_context(named)?;
        }
        None => write(&args, &mut BufWriter::new(io::stdout().lock())).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn write(args: &ExportArgs, to: &mut impl Write) -> anyhow::Result<()> {
    let log = args.place.place()?.open_read_only().await?;
    let catalogue = audit::programme(log.clone()).await?;
    let mut replay = Replay::open(log.clone(), catalogue.as_ref(), &args.show).await?;
    let genesis = log.genesis(&StreamId::show(&args.show)).await?;
    writeln!(to, "{}", audit::first_line(replay.show().definition(), &genesis))?;
    while let Some(step) = replay.step().await.context("the log goes no further")? {
        writeln!(to, "{}", audit::entry_line(&step, &replay, &genesis))?;
    }
    Ok(to.flush()?)
}

/// Checks, and says what came of it.
///
/// # Errors
/// The file cannot be read.
pub fn check(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let named = || format!("{} cannot be read", args.file.display());
    let file = File::open(&args.file).with_context(named)?;
    let heads = args.head.len();
    let checked = match audit::check(BufReader::new(file), &args.head, args.ticket.clone()) {
        Ok(checked) => checked,
        Err(Doubt::Unreadable(error)) => return Err(error).with_context(named),
        Err(doubt) => {
            println!("BROKEN  {doubt}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let Head { epoch, seq, chain } = checked.head;
    let (title, links) = (checked.title, checked.links);
    let begins = if checked.begins { "its beginning" } else { "its beginning is only given" };
    println!("{title}: {seq} entries; the chain worked out again: {begins}, {links} links.");
    println!("The last head is {epoch}.{seq}.{}.", Chain(chain));
    let room = &checked.room;
    println!(
        "The waiting room served in order: {} numbers, {} of them drawn as committed; {} passes; {} \
         calls passed over; {} holds and tickets, each with a pass.",
        room.numbers, room.drawn, room.admitted, room.passed_over, room.picked
    );
    if heads > 0 {
        println!("Heads that were kept and are in it: {heads}.");
    }
    if let Some(story) = checked.ticket {
        println!("The ticket is borne out: {story}.");
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_head(text: &str) -> Result<Head, String> {
    let read = || {
        let (epoch, rest) = text.split_once('.')?;
        let (seq, chain) = rest.split_once('.')?;
        let chain = audit::array_of_hex(chain)?;
        Some(Head { epoch: epoch.parse().ok()?, seq: seq.parse().ok()?, chain })
    };
    read().ok_or_else(|| "a head is EPOCH.SEQ.CHAIN: two numbers and 64 digits of hex".to_owned())
}

fn parse_ticket(text: &str) -> Result<PublicTicket, String> {
    PublicTicket::read(text).ok_or_else(|| "this is no ticket of a waiting room".to_owned())
}
