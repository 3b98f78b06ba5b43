//! `usher log`: its subcommands, and `usher log show`: a show's log, an entry a line, for people or
//! for programs. It only reads.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::audit::{self, Replay, Step};
use crate::hall::{Hall, Seat};
use crate::log::Chain;
use crate::show::{Fact, Joining, Outcome, RoomFact, Sale, ShowId, Time};

use super::copy::{self, CopyArgs};
use super::export::{self, CheckArgs, ExportArgs};
use super::place::PlaceArgs;

/// Look into the log
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum LogCommand {
    /// Print what happened to a show, an entry a line, the oldest first
    ///
    /// An entry whose guard was false (somebody else was quicker) is marked as void: it changed
    /// nothing. Reads only; a server may be running.
    Show(ShowArgs),
    Copy(CopyArgs),
    Export(ExportArgs),
    Check(CheckArgs),
}

#[derive(Args, Clone, Debug)]
struct ShowArgs {
    /// The show's name, as in its address
    #[arg(value_parser = parse_show)]
    show: ShowId,

    #[command(flatten)]
    place: PlaceArgs,

    /// The first entry to print
    #[arg(long, env = "USHER_LOG_FROM", value_name = "N", default_value_t = 1)]
    from: u64,

    /// Print each entry as a JSON object, with the chain after it
    #[arg(long, env = "USHER_LOG_JSON")]
    json: bool,
}

pub(super) fn parse_show(text: &str) -> Result<ShowId, String> {
    ShowId::parse(text).ok_or_else(|| "a show's name is 1 to 64 of a-z, 0-9 and hyphens".to_owned())
}

/// Prints the log, or copies.
///
/// # Errors
/// There is no such log or show, or it cannot be read to its end.
pub async fn run(args: LogArgs) -> anyhow::Result<ExitCode> {
    let args = match args.command {
        LogCommand::Show(args) => args,
        LogCommand::Copy(args) => return copy::run(args).await,
        LogCommand::Check(args) => return export::check(args),
        LogCommand::Export(args) => {
            let exported = export::export(args).await;
            return exported.or_else(|error| match is_broken_pipe(&error) {
                true => Ok(ExitCode::SUCCESS),
                false => Err(error),
            });
        }
    };
    let mut to = BufWriter::new(io::stdout().lock());
    match print(&args, &mut to).await {
        // Whoever reads has read enough: `usher log show … | head`.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

async fn print(args: &ShowArgs, to: &mut impl Write) -> anyhow::Result<()> {
    let log = args.place.place()?.open_read_only().await?;
    let catalogue = audit::programme(log.clone()).await?;
    let mut replay = Replay::open(log, catalogue.as_ref(), &args.show).await?;
    if !args.json && args.from <= 1 {
        let definition = replay.show().definition();
        let begins = utc(definition.starts_at);
        writeln!(to, "{}: {} seats, begins {begins}", definition.title, definition.seats)?;
    }
    // From the first entry on, whichever is printed first: only so is it known which counted.
    while let Some(step) = replay.step().await.context("the log goes no further")? {
        if step.recorded.seq < args.from {
            continue;
        }
        if args.json {
            writeln!(to, "{}", as_json(&step, &replay))?;
        } else {
            writeln!(to, "{}", as_text(&step, replay.hall()))?;
        }
    }
    Ok(to.flush()?)
}

fn as_text(step: &Step, hall: Option<&Hall>) -> String {
    let seats = |seats: &[Seat]| named(seats, hall);
    let what = match &step.entry.fact {
        Fact::SeatsHeld { hold, session, seats: held, expires_at } => {
            let (until, held) = (utc(*expires_at), seats(held));
            format!("held      {held} until {until}, hold {hold}, session {session}")
        }
        Fact::SeatsChanged { hold, seats: held } => {
            format!("changed   to {}, hold {hold}", seats(held))
        }
        Fact::HoldReleased { hold } => format!("released  hold {hold}"),
        Fact::HoldLapsed { hold } => format!("lapsed    hold {hold}"),
        Fact::PaymentBegun { hold, attempt, pinned_until, .. } => {
            format!(
                "paying    hold {hold}, payment {attempt}, at most until {}",
                utc(*pinned_until)
            )
        }
        Fact::PaymentDeclined { hold, attempt, code } => {
            format!("declined  hold {hold}, payment {attempt}: {code}")
        }
        Fact::SeatsSold(sale) => sold(sale),
        Fact::SeatsBlocked { seats: blocked } => format!("blocked   {}", seats(blocked)),
        Fact::SeatsUnblocked { seats: blocked } => format!("unblocked {}", seats(blocked)),
        Fact::TicketTaken(joining) => joined(joining),
        Fact::SeatsOffered { ticket, hold, seats: offered, expires_at } => {
            let (until, offered) = (utc(*expires_at), seats(offered));
            format!("offered   {offered} until {until}, hold {hold}, ticket {ticket}")
        }
        Fact::OfferAccepted { hold, expires_at } => {
            format!("accepted  hold {hold}, until {}", utc(*expires_at))
        }
        Fact::TicketParted { ticket } => format!("parted    ticket {ticket}: seats apart will do"),
        Fact::TicketClosed { ticket, reason } => {
            format!("closed    ticket {ticket}: {}", reason.word())
        }
        Fact::OfRoom(fact) => in_the_room(fact),
    };
    let void = if step.outcome == Outcome::Void { "(void) " } else { "" };
    format!("{:>8}  {}  {void}{what}", step.recorded.seq, utc(step.entry.time))
}

fn in_the_room(fact: &RoomFact) -> String {
    match fact {
        RoomFact::NumbersTaken { aliases } => {
            let aliases = aliases.iter().map(|alias| format!(" {alias}")).collect::<String>();
            format!("numbers   by{aliases}")
        }
        RoomFact::DoorsOpened { secret } => {
            format!("doors     open, drawn with {}", secret.as_hex())
        }
        RoomFact::NumbersCalled { next, upto, until } => {
            let next = next.iter().map(|number| format!("{number}, again; ")).collect::<String>();
            format!("called    {next}up to {upto}, until {}", utc(*until))
        }
        RoomFact::NumberReturned { number } => format!("returned  number {number}"),
        RoomFact::Admitted { number, alias, until } => {
            format!("admitted  number {number}, {alias}, until {}", utc(*until))
        }
        RoomFact::PlaceGivenBack { number } => format!("left      number {number}"),
        RoomFact::PlacesLapsed => "ended     what was past its end in the waiting room".to_owned(),
    }
}

fn joined(joining: &Joining) -> String {
    let Joining { ticket, session, until, wish } = joining;
    let apart = if wish.together { "" } else { ", apart" };
    let within = [("categories", &wish.categories), ("sections", &wish.sections)];
    let within = within.into_iter().chain([("areas", &wish.areas)]);
    let within: String = within
        .filter_map(|(name, list)| Some(format!(", of {name} {:?}", list.as_ref()?)))
        .collect();
    let (party, until) = (wish.quantity, utc(*until));
    format!(
        "waits     for {party}{apart}{within} until {until}, ticket {ticket}, session {session}"
    )
}

fn sold(sale: &Sale) -> String {
    // A customer's name and address are in the log, but not for every terminal.
    let (hold, order, total) = (sale.hold, sale.order, sale.total);
    let paid = format!("{} {} in the minor unit", total.amount, total.currency);
    format!("sold      hold {hold} as order {order} for {paid}, payment {}", sale.payment.id)
}

fn as_json(step: &Step, replay: &Replay) -> Value {
    // What everybody may know, and what only the house may.
    let (kind, mut line) = audit::told(&step.entry.fact, &|session| session.to_string());
    match &step.entry.fact {
        Fact::SeatsHeld { .. } | Fact::TicketTaken(_) => line["session"] = line["by"].take(),
        Fact::PaymentBegun { seats, .. } => {
            let seats = seats.as_deref().map(|seats| seats.iter().map(|seat| seat.0));
            line["seats"] = json!(seats.map(Iterator::collect::<Vec<_>>));
        }
        Fact::PaymentDeclined { code, .. } => line["code"] = json!(code),
        Fact::SeatsSold(sale) => {
            line["key"] = json!(sale.key);
            line["payment"] = json!(sale.payment.id);
        }
        _ => {}
    }
    if let Some(line) = line.as_object_mut() {
        line.remove("by");
    }
    let head = replay.head();
    line["seq"] = json!(head.seq);
    line["time"] = json!(step.entry.time);
    line["entry"] = json!(kind);
    line["void"] = json!(step.outcome == Outcome::Void);
    line["chain"] = json!(Chain(head.chain).to_string());
    line
}

/// Seats as people call them, those of one row together; by number where the hall is not known.
fn named(seats: &[Seat], hall: Option<&Hall>) -> String {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for seat in seats {
        let (row, number) = hall
            .and_then(|hall| name(*seat, hall))
            .unwrap_or_else(|| ("seats".to_owned(), seat.0.to_string()));
        match rows.last_mut() {
            Some((last, numbers)) if *last == row => numbers.push(number),
            _ => rows.push((row, vec![number])),
        }
    }
    let rows = rows.into_iter().map(|(row, numbers)| format!("{row} {}", numbers.join(" ")));
    rows.collect::<Vec<_>>().join("; ")
}

/// A seat's row or area, and its number there.
fn name(Seat(seat): Seat, hall: &Hall) -> Option<(String, String)> {
    for section in &hall.sections {
        for row in &section.rows {
            let place = seat.checked_sub(row.first).and_then(|at| row.seats.get(at as usize));
            if let Some(place) = place {
                return Some((format!("{} {}:", section.name, row.label), place.number.clone()));
            }
        }
    }
    let area = hall
        .areas
        .iter()
        .find(|area| seat.checked_sub(area.first).is_some_and(|at| at < area.count))?;
    Some((format!("{}:", area.name), (seat - area.first + 1).to_string()))
}

/// A time as `2026-11-20 19:30:00.000`, in UTC.
fn utc(time: Time) -> String {
    let (days, ms) = (time.0 / 86_400_000, time.0 % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let ms = ms % 1000;
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03}")
}

/// The date so many days after 1 January 1970: whole cycles of 400 years first, in years that
/// begin in March, so that a leap day is a year's last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // From 1 March of the year 0.
    let (cycle, of_cycle) = (days / 146_097, days % 146_097);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (cycle * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use crate::log::{Mark, Recorded};
    use crate::show::{Entry, HoldId, SessionId};

    use super::*;

    #[test]
    fn times_are_told_as_dates() {
        let told = [
            (0, "1970-01-01 00:00:00.000"),
            (951_782_399_999, "2000-02-28 23:59:59.999"),
            (951_782_400_000, "2000-02-29 00:00:00.000"),
            (951_868_800_000, "2000-03-01 00:00:00.000"),
            (1_795_203_000_000, "2026-11-20 19:30:00.000"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000"),
        ];
        for (time, text) in told {
            assert_eq!(utc(Time(time)), text);
        }
    }

    #[test]
    fn seats_are_called_as_in_the_house() {
        let hall = crate::hall::theatre();
        let last_row = hall.sections.last().and_then(|section| section.rows.last());
        let (section, row) = (hall.sections.last().expect("a section"), last_row.expect("a row"));
        let seats = [Seat(row.first), Seat(row.first + 1)];
        let (first, second) = (&row.seats[0].number, &row.seats[1].number);
        let expected = format!("{} {}: {first} {second}", section.name, row.label);
        assert_eq!(named(&seats, Some(&hall)), expected);
        assert_eq!(named(&seats, None), format!("seats {} {}", row.first, row.first + 1));
    }

    #[test]
    fn an_entry_is_a_line_that_says_when_what_and_where() {
        let hold = HoldId(Uuid::from_u128(1));
        let fact = Fact::SeatsHeld {
            hold,
            session: SessionId(Uuid::from_u128(2)),
            seats: [Seat(4), Seat(5)].into(),
            expires_at: Time(1_795_203_300_000),
        };
        let entry = Entry { time: Time(1_795_203_000_000), fact };
        let recorded = Recorded { seq: 17, mark: Mark::NONE, bytes: Bytes::new() };
        let outcome = Outcome::Void;
        let mut step = Step { recorded, entry, outcome, changes: Vec::new() };
        assert_eq!(
            as_text(&step, None),
            "      17  2026-11-20 19:30:00.000  (void) held      seats 4 5 until \
             2026-11-20 19:35:00.000, hold 00000000-0000-0000-0000-000000000001, session \
             00000000-0000-0000-0000-000000000002"
        );
        step.entry.fact = Fact::HoldLapsed { hold };
        step.outcome = Outcome::Lapsed { hold, session: SessionId(Uuid::from_u128(2)) };
        assert_eq!(
            as_text(&step, None),
            "      17  2026-11-20 19:30:00.000  lapsed    hold \
             00000000-0000-0000-0000-000000000001"
        );
    }
}
