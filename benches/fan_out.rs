//! Fan-out against the barest loop there is, in one run: `cargo bench --bench fan_out`.
//!
//! Ten thousand sockets, whose other ends another process reads, get one small frame after another
//! with one in flight, then bursts of sixteen. The yardstick is a loop of `write` on one thread;
//! the hub does the same with one shard: the same system call, the same bytes, the same options on
//! the sockets, the same readers. What is compared is CPU seconds of the whole serving process for
//! a million deliveries. Then a rush: 2,000 changes a second to 5,000 viewers. Every reader checks
//! that each frame goes on exactly where the last one ended.
//!
//! Two equal loops differ by several hundredths from one turn to the next, and by some from one
//! process to the next, for where its memory happens to lie. So the two take many short turns, each
//! of them first as often as second, in several pairs of fresh processes, and what counts is the
//! median of the turns' own ratios. `FAN_OUT_AGAINST=bare` puts a second bare loop in the hub's
//! place: how far its ratio is from 1 is what a ratio here may be wrong by. `FAN_OUT_SOCKETS` sets
//! another number of sockets.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use usher::hall::Seat;
use usher::hub::{Adopted, Board, Hub, Incoming, Settings, Socket};
use usher::protocol::seats::{Format, Run, SeatFrame, decode, encode_diff, encode_snapshot};
use usher::protocol::websocket::{Opcode, frame};
use usher::show::{SeatState, ShowId};

const SOCKETS: usize = 10_000;
/// Pairs of fresh processes, and the turns each pair takes.
const PAIRS: usize = 3;
const TURNS: usize = 10;
/// Frames of a turn, one in flight, after one that is not counted: it warms the caches.
const SINGLES: usize = 3;
const BURST: usize = 16;
/// The hub's own.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
const SEATS: u32 = 2_000;
const EPOCH: u64 = 1;
const RUSH_SOCKETS: usize = 5_000;
const RUSH_CHANGES_PER_SECOND: u64 = 2_000;
const RUSH_SECONDS: u64 = 4;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", kind, sockets] => serve(kind, sockets.parse()?),
        ["read", port, sockets] => readers::run(port.parse()?, sockets.parse()?),
        _ => compare(),
    }
}

// ---------------------------------------------------------------- the one who compares

/// A serving process: one line asks, one line answers.
struct Server {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start(kind: &str, sockets: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", kind, &sockets.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = child.stdin.take().context("a pipe")?;
        let answers = BufReader::new(child.stdout.take().context("a pipe")?);
        Ok(Self { child, ask, answers })
    }

    fn ask(&mut self, question: &str) -> Result<Vec<f64>> {
        writeln!(self.ask, "{question}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer.split_whitespace().map(|word| word.parse().context("a number")).collect()
    }

    fn end(mut self) -> Result<()> {
        drop(self.ask);
        ensure!(self.child.wait()?.success(), "the serving process failed");
        Ok(())
    }
}

fn compare() -> Result<()> {
    let sockets = match std::env::var("FAN_OUT_SOCKETS") {
        Ok(number) => number.parse()?,
        Err(_) => SOCKETS,
    };
    let against = std::env::var("FAN_OUT_AGAINST").unwrap_or_else(|_| "hub".to_owned());
    println!("{sockets} sockets, one shard; CPU seconds per million deliveries, whole process");
    let mut single = Turns::default();
    let mut burst = Turns::default();
    let mut idle = Vec::new();
    for pair in 0..PAIRS {
        let mut bare = Server::start("bare", sockets)?;
        let mut hub = Server::start(&against, sockets)?;
        bare.ask("ready")?;
        idle.extend(hub.ask("ready")?);
        for turn in 0..TURNS {
            single.take(&mut bare, &mut hub, &format!("send {SINGLES} 1"), turn)?;
        }
        burst.take(&mut bare, &mut hub, &format!("send 1 {BURST}"), pair)?;
        bare.end()?;
        hub.end()?;
    }
    single.print("one in flight", 1.05);
    for (pair, ratios) in single.ratios().chunks(TURNS).enumerate() {
        println!("  pair {}         {:.3}", pair + 1, quantile(ratios.to_vec(), 0.5));
    }
    // The goal of 0.3 was set where the bare loop takes 3.0.
    burst.print(&format!("bursts of {BURST}"), 0.1);
    println!("resident bytes per idle socket: {:.0}   (at most 5120)", quantile(idle, 0.5));

    let mut hub = Server::start("hub-of-all-cores", RUSH_SOCKETS.min(sockets))?;
    hub.ask("ready")?;
    let rush = hub.ask("rush")?;
    hub.end()?;
    println!(
        "rush of {RUSH_CHANGES_PER_SECOND} changes/s to {} viewers: CPU seconds per million seat \
         changes delivered {:.3}   (at most 0.15)",
        RUSH_SOCKETS.min(sockets),
        rush[0]
    );
    println!("  change to viewer: p50 {} ms, p99 {} ms   (p99 at most 150)", rush[1], rush[2]);
    println!("nothing lost or doubled: every frame went on where the last one ended");
    Ok(())
}

/// What each turn cost either side, in CPU seconds per million deliveries.
#[derive(Default)]
struct Turns {
    bare: Vec<f64>,
    hub: Vec<f64>,
}

impl Turns {
    /// One more turn for both, each of them first in its turn.
    fn take(
        &mut self,
        bare: &mut Server,
        hub: &mut Server,
        task: &str,
        number: usize,
    ) -> Result<()> {
        if number.is_multiple_of(2) {
            self.bare.extend(bare.ask(task)?);
            self.hub.extend(hub.ask(task)?);
        } else {
            self.hub.extend(hub.ask(task)?);
            self.bare.extend(bare.ask(task)?);
        }
        Ok(())
    }

    /// Of each turn's own two, so that what else the machine does meanwhile weighs on both.
    fn ratios(&self) -> Vec<f64> {
        self.hub.iter().zip(&self.bare).map(|(hub, bare)| hub / bare).collect()
    }

    fn print(&self, what: &str, at_most: f64) {
        let (bare, hub) = (quantile(self.bare.clone(), 0.5), quantile(self.hub.clone(), 0.5));
        println!("{what}:   bare loop {bare:.3}   hub {hub:.3}");
        let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile(self.ratios(), share));
        println!(
            "  ratio          {median:.3}   (at most {at_most}; half of them {low:.3} to {high:.3})"
        );
    }
}

fn quantile(mut figures: Vec<f64>, share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[(figures.len() as f64 * share) as usize]
}

// ---------------------------------------------------------------- those who serve

/// How one kind of server says something to all its sockets.
trait House {
    /// The seq of the last change told.
    fn seq(&self) -> u64;

    /// Tells of `burst` changes, each in its turn.
    fn tell(&mut self, burst: usize) -> Result<()>;
}

fn serve(kind: &str, sockets: usize) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let mut reader = Command::new(std::env::current_exe()?)
        .args(["read", &port, &sockets.to_string()])
        .spawn()?;
    let mut control = listener.accept()?.0;
    let streams: Vec<TcpStream> =
        (0..sockets).map(|_| Ok(listener.accept()?.0)).collect::<Result<_>>()?;
    let before = resident_bytes()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut house: Box<dyn House> = match kind {
        "bare" => Box::new(Bare::open(streams)?),
        "hub" => Box::new(Watched::open(streams, &runtime, 1)?),
        _ => Box::new(Watched::open(streams, &runtime, Settings::default().shards)?),
    };
    await_seq(&mut control, 0)?;
    until_reached(&mut control)?;
    let idle = resident_bytes()?.saturating_sub(before) as f64 / sockets as f64;
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["ready"] => println!("{idle}"),
            ["send", times, burst] => {
                let (times, burst): (usize, usize) = (times.parse()?, burst.parse()?);
                tell_and_wait(house.as_mut(), &mut control, 1)?;
                let cpu = cpu_seconds()?;
                for _ in 0..times {
                    tell_and_wait(house.as_mut(), &mut control, burst)?;
                }
                let deliveries = (times * burst * sockets) as f64;
                println!("{}", (cpu_seconds()? - cpu) / deliveries * 1e6);
            }
            _ => println!("{}", rush(house.as_mut(), &mut control, sockets)?),
        }
        std::io::stdout().flush()?;
    }
    drop(control);
    drop(house);
    ensure!(reader.wait()?.success(), "the readers saw something lost or doubled");
    Ok(())
}

/// Sends changes at a steady rate; gives the cost and how long they took to be seen.
fn rush(house: &mut dyn House, control: &mut TcpStream, sockets: usize) -> Result<String> {
    let changes = RUSH_CHANGES_PER_SECOND * RUSH_SECONDS;
    let gap = Duration::from_micros(1_000_000 / RUSH_CHANGES_PER_SECOND);
    let begins = Instant::now() + Duration::from_millis(50);
    let first_at = now_us() + 50_000;
    control.write_all(&u64::MAX.to_le_bytes())?;
    control.write_all(&first_at.to_le_bytes())?;
    control.write_all(&(gap.as_micros() as u64).to_le_bytes())?;
    let cpu = cpu_seconds()?;
    for number in 0..changes {
        let at = begins + gap * number as u32;
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        house.tell(1)?;
    }
    await_seq(control, house.seq())?;
    until_reached(control)?;
    let cost = (cpu_seconds()? - cpu) / (changes as f64 * sockets as f64) * 1e6;
    let mut times = [0; 16];
    control.write_all(&0_u64.to_le_bytes())?;
    control.read_exact(&mut times)?;
    let (p50, p99) = (u64::from_le_bytes(times[..8].try_into()?), times[8..].try_into()?);
    Ok(format!("{cost} {p50} {}", u64::from_le_bytes(p99)))
}

/// Tells of some changes, and waits until every socket has read of the last.
fn tell_and_wait(house: &mut dyn House, control: &mut TcpStream, burst: usize) -> Result<()> {
    await_seq(control, house.seq() + burst as u64)?;
    house.tell(burst)?;
    until_reached(control)
}

/// Asks the readers to say when every socket is at `seq`, and to stay awake until then: were they
/// to sleep when there is nothing to read, to wake them would be at the cost of whoever writes, and
/// for a fifth of it or for nothing, as chance has it.
fn await_seq(control: &mut TcpStream, seq: u64) -> Result<()> {
    // 0 asks for the figures, so seqs are sent one higher.
    control.write_all(&(seq + 1).to_le_bytes())?;
    Ok(())
}

/// Waits for what was asked last.
fn until_reached(control: &mut TcpStream) -> Result<()> {
    let mut answer = [0; 8];
    control.read_exact(&mut answer).context("the readers have ended")?;
    Ok(())
}

/// The yardstick: one thread, one `write` for each socket and frame.
struct Bare {
    streams: Vec<TcpStream>,
    seq: u64,
}

impl Bare {
    fn open(streams: Vec<TcpStream>) -> Result<Self> {
        for stream in &streams {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            socket2::SockRef::from(stream).set_send_buffer_size(SEND_BUFFER_BYTES)?;
        }
        let bare = Self { streams, seq: 0 };
        let seats = vec![0; SEATS as usize / 4];
        bare.write(&frame(
            Opcode::Binary,
            &encode_snapshot(Format::Binary, EPOCH, 0, SEATS, &seats),
        ))?;
        Ok(bare)
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        for mut stream in &self.streams {
            loop {
                match stream.write(bytes) {
                    Ok(written) => break ensure!(written == bytes.len(), "cut short"),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

impl House for Bare {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn tell(&mut self, burst: usize) -> Result<()> {
        for _ in 0..burst {
            let (seat, state) = change(self.seq);
            let run = Run { gap: seat.0, length: 1, state };
            let diff = encode_diff(Format::Binary, self.seq, self.seq + 1, &[run]);
            self.seq += 1;
            self.write(&frame(Opcode::Binary, &diff))?;
        }
        Ok(())
    }
}

/// The hub.
struct Watched {
    hub: Hub,
    board: Arc<Board>,
    seq: u64,
}

impl Watched {
    fn open(
        streams: Vec<TcpStream>,
        runtime: &tokio::runtime::Runtime,
        shards: usize,
    ) -> Result<Self> {
        let hub = Hub::start(&Settings { shards, ..Settings::default() })?;
        let board = Arc::new(Board::new(EPOCH, 0, 0, &vec![SeatState::Available; SEATS as usize]));
        let show = ShowId::parse("bench").context("a name")?;
        let _inside = runtime.enter();
        for stream in streams {
            stream.set_nonblocking(true)?;
            let adopted = Adopted {
                stream: tokio::net::TcpStream::from_std(stream)?,
                read_ahead: Bytes::new(),
                show: show.clone(),
                board: Arc::clone(&board),
                format: Format::Binary,
                since: None,
            };
            hub.adopt(adopted, watch)?;
        }
        Ok(Self { hub, board, seq: 0 })
    }
}

impl House for Watched {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn tell(&mut self, burst: usize) -> Result<()> {
        for _ in 0..burst {
            let change = change(self.seq);
            self.seq += 1;
            self.board.publish(self.seq, &[change]);
        }
        Ok(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.hub.stop();
    }
}

/// The life of a viewer that asks for nothing.
async fn watch(mut socket: Socket) {
    while socket.next().await != Incoming::Gone {}
}

/// Another seat each time, held and free again in turn.
fn change(seq: u64) -> (Seat, SeatState) {
    let seat = Seat((seq * 7 % u64::from(SEATS)) as u32);
    let is_held = (seq / u64::from(SEATS)).is_multiple_of(2);
    (seat, if is_held { SeatState::Held } else { SeatState::Available })
}

/// CPU time of all of this process's threads, so far.
fn cpu_seconds() -> Result<f64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let schedstat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_cpu = schedstat.split_whitespace().next().context("schedstat's first figure")?;
        nanoseconds += on_cpu.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

fn resident_bytes() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    let kilobytes = line.split_whitespace().nth(1).context("VmRSS's figure")?;
    Ok(kilobytes.parse::<usize>()? * 1024)
}

fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

// ---------------------------------------------------------------- those who read

mod readers {
    //! The other ends of the sockets, in a process of their own.

    use std::cell::RefCell;
    use std::rc::Rc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// Times are counted in milliseconds up to here.
    const MS_MAX: usize = 10_000;

    /// An empty pong, masked with zeros.
    const PONG: &[u8] = &[0x8A, 0x80, 0, 0, 0, 0];

    struct Room {
        seqs: RefCell<Vec<Option<u64>>>,
        /// The seq asked for, and how many are there.
        goal: RefCell<(u64, usize)>,
        scratch: RefCell<Vec<u8>>,
        times: RefCell<Option<Times>>,
    }

    /// How long each change took to each viewer, while a rush lasts.
    struct Times {
        first_seq: u64,
        first_at_us: u64,
        gap_us: u64,
        counts: Vec<u64>,
    }

    pub(super) fn run(port: u16, sockets: usize) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, read_all(port, sockets))
    }

    async fn read_all(port: u16, sockets: usize) -> Result<()> {
        let mut control = TcpStream::connect(("127.0.0.1", port)).await?;
        let room = Rc::new(Room {
            seqs: RefCell::new(vec![None; sockets]),
            goal: RefCell::new((0, 0)),
            scratch: RefCell::new(vec![0; 64 * 1024]),
            times: RefCell::new(None),
        });
        for index in 0..sockets {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            let room = Rc::clone(&room);
            tokio::task::spawn_local(async move {
                // A fault ends the process: its parent sees the exit code.
                if let Err(fault) = room.read(index, &stream).await {
                    eprintln!("socket {index}: {fault:#}");
                    std::process::exit(1);
                }
            });
        }
        while let Ok(word) = control.read_u64_le().await {
            match word {
                0 => {
                    let (p50, p99) = room.percentiles();
                    control.write_u64_le(p50).await?;
                    control.write_u64_le(p99).await?;
                }
                u64::MAX => {
                    let first_at_us = control.read_u64_le().await?;
                    let gap_us = control.read_u64_le().await?;
                    let first_seq = room.seqs.borrow()[0].unwrap_or(0) + 1;
                    let counts = vec![0; MS_MAX];
                    room.times.replace(Some(Times { first_seq, first_at_us, gap_us, counts }));
                }
                seq => {
                    room.until_all_at(seq - 1).await;
                    control.write_u64_le(seq).await?;
                }
            }
        }
        std::process::exit(0);
    }

    impl Room {
        async fn until_all_at(&self, seq: u64) {
            let seqs = self.seqs.borrow().clone();
            let there = seqs.iter().filter(|at| at.is_some_and(|at| at >= seq)).count();
            self.goal.replace((seq, there));
            while self.goal.borrow().1 < seqs.len() {
                // Stays awake, see `await_seq`.
                tokio::task::yield_now().await;
            }
        }

        async fn read(&self, index: usize, stream: &TcpStream) -> Result<()> {
            let mut kept: Vec<u8> = Vec::new();
            loop {
                stream.readable().await?;
                let mut scratch = self.scratch.borrow_mut();
                match stream.try_read(&mut scratch) {
                    Ok(0) => return Ok(()),
                    Ok(length) if kept.is_empty() => {
                        let used = self.frames(index, stream, &scratch[..length])?;
                        kept.extend_from_slice(&scratch[used..length]);
                    }
                    Ok(length) => {
                        kept.extend_from_slice(&scratch[..length]);
                        let used = self.frames(index, stream, &kept)?;
                        kept.drain(..used);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    // The server has ended.
                    Err(_) => return Ok(()),
                }
            }
        }

        /// Takes whole frames; tells how many bytes they were.
        fn frames(&self, index: usize, stream: &TcpStream, bytes: &[u8]) -> Result<usize> {
            let mut used = 0;
            while let [first, second, rest @ ..] = &bytes[used..] {
                let (header, length) = match (second, rest) {
                    (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
                    (126, _) => break,
                    (short, _) => (2, usize::from(*short)),
                };
                let Some(payload) = bytes.get(used + header..used + header + length) else { break };
                used += header + length;
                match first {
                    0x82 => self.frame(index, payload)?,
                    0x89 => ensure!(stream.try_write(PONG)? == PONG.len(), "a pong cut short"),
                    other => bail!("frame {other:#x} is not for a reader"),
                }
            }
            Ok(used)
        }

        fn frame(&self, index: usize, payload: &[u8]) -> Result<()> {
            let at = self.seqs.borrow()[index];
            let to = match decode(Format::Binary, payload)? {
                SeatFrame::Snapshot { seq, .. } => {
                    ensure!(at.is_none_or(|at| at < seq), "a snapshot of {seq} after {at:?}");
                    seq
                }
                SeatFrame::Diff { from, to, runs } => {
                    ensure!(at == Some(from), "a diff from {from} after {at:?}");
                    ensure!(!runs.is_empty(), "nothing from {from} to {to}");
                    to
                }
            };
            if let (Some(times), Some(at)) = (&mut *self.times.borrow_mut(), at) {
                times.count(at + 1, to);
            }
            self.seqs.borrow_mut()[index] = Some(to);
            let (goal, there) = &mut *self.goal.borrow_mut();
            if at.is_none_or(|at| at < *goal) && to >= *goal {
                *there += 1;
            }
            Ok(())
        }

        fn percentiles(&self) -> (u64, u64) {
            let times = self.times.borrow();
            let counts = times.as_ref().map_or(&[][..], |times| &times.counts);
            let all: u64 = counts.iter().sum();
            let at = |share: f64| {
                let mut left = (all as f64 * share) as u64;
                let over = counts.iter().position(|&count| {
                    let is_here = count > left;
                    left = left.saturating_sub(count);
                    is_here
                });
                over.unwrap_or(MS_MAX) as u64
            };
            (at(0.5), at(0.99))
        }
    }

    impl Times {
        /// The changes from `first` to `last` have arrived at one viewer.
        fn count(&mut self, first: u64, last: u64) {
            let now = now_us();
            for seq in first.max(self.first_seq)..=last {
                let at = self.first_at_us + (seq - self.first_seq) * self.gap_us;
                let ms = now.saturating_sub(at) as usize / 1000;
                self.counts[ms.min(MS_MAX - 1)] += 1;
            }
        }
    }
}
