//! Viewers in other processes: this program, started again, told what to do by lines of JSON on its
//! standard input, and answering by lines on its standard output.
//!
//! A child ends by itself when its input ends, so that none is left behind when the parent dies.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, interval};

use crate::client::{Picture, SeatFrame, ShowId};

use super::buyers::Change;
use super::progress::Progress;
use super::tally::ViewersTally;
use super::viewers::Crowd;
use super::{LoadArgs, Phase, Stage, WireFormat};

/// How many changes go into one line at most.
const CHANGES_AT_ONCE: usize = 1024;
/// How often a child says how it is doing.
const LIVE_EVERY: Duration = Duration::from_millis(500);

/// What a child is told.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// When these changes were asked for.
    Changes(Vec<Change>),
    /// Nobody buys any more: compare with this, if there is one, and end.
    Over(Option<Last>),
}

/// The final picture.
#[derive(Serialize, Deserialize)]
struct Last {
    epoch: u64,
    seq: u64,
    seats: u32,
    /// In base64.
    two_bits: String,
}

/// What a child says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// Everybody has a seat, or has failed to get one.
    Ready { viewers: u64 },
    /// So far.
    Live { viewers: u64, frames: u64, bytes: u64 },
    /// The end.
    Done(ViewersTally),
}

/// The other processes.
pub(super) struct Children {
    all: Vec<One>,
    changes: Option<mpsc::UnboundedSender<Change>>,
    /// Gives the standard inputs back when the last sender of changes is gone.
    teller: Option<JoinHandle<std::io::Result<Vec<ChildStdin>>>>,
}

struct One {
    /// Killed when dropped: only on the way out of a load that failed.
    _process: Child,
    words: Lines<BufReader<ChildStdout>>,
    viewers: u64,
    frames: u64,
    bytes: u64,
    done: Option<ViewersTally>,
}

impl Children {
    /// No other processes.
    pub(super) fn none() -> Self {
        Self { all: Vec::new(), changes: None, teller: None }
    }

    /// Starts `args.processes` children and shares the viewers out.
    pub(super) fn start(args: &LoadArgs, show: &ShowId) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own file")?;
        let format = match args.format {
            WireFormat::Binary => "binary",
            WireFormat::Json => "json",
        };
        let mut all = Vec::new();
        let mut inputs = Vec::new();
        for i in 0..args.processes {
            let share =
                args.viewers / args.processes + u32::from(i < args.viewers % args.processes);
            let mut child = Command::new(&program)
                .args(["load", "--child", "--url", &args.url, "--show", show.as_str()])
                .args(["--format", format, "--viewers", &share.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                // Ctrl-C is for the parent: it ends the load in good order.
                .process_group(0)
                .kill_on_drop(true)
                .spawn()
                .context("starting another process")?;
            inputs.push(child.stdin.take().context("a child's input")?);
            let words = BufReader::new(child.stdout.take().context("a child's output")?).lines();
            all.push(One { _process: child, words, viewers: 0, frames: 0, bytes: 0, done: None });
        }
        let (changes, told) = mpsc::unbounded_channel();
        Ok(Self { all, changes: Some(changes), teller: Some(tokio::spawn(tell(inputs, told))) })
    }

    /// Where to say which changes were asked for when; none where there are no other processes.
    pub(super) fn changes(&mut self) -> Option<mpsc::UnboundedSender<Change>> {
        self.changes.take()
    }

    /// Waits until every viewer of every child has a seat.
    pub(super) async fn ready(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        let of = self.all.len();
        for (i, child) in self.all.iter_mut().enumerate() {
            loop {
                match child.word().await? {
                    Word::Ready { viewers } => {
                        child.viewers = viewers;
                        break;
                    }
                    Word::Live { .. } => {}
                    Word::Done(_) => bail!("a process ended before it began"),
                }
            }
            progress.say(&format!("{} of {of} processes are connected", i + 1));
        }
        Ok(())
    }

    /// Hears what the children have said, without waiting; gives viewers, frames and bytes.
    pub(super) async fn live(&mut self) -> (u64, u64, u64) {
        let mut sum = (0, 0, 0);
        for child in &mut self.all {
            while let Ok(Ok(word)) = tokio::time::timeout(Duration::ZERO, child.word()).await {
                child.hear(word);
            }
            sum = (sum.0 + child.viewers, sum.1 + child.frames, sum.2 + child.bytes);
        }
        sum
    }

    /// Has every child compare, and gives what they saw. All senders of changes must be gone.
    pub(super) async fn finish(
        mut self,
        last: Option<&Picture>,
    ) -> anyhow::Result<Vec<ViewersTally>> {
        let Some(teller) = self.teller.take() else { return Ok(Vec::new()) };
        drop(self.changes.take());
        let mut inputs = teller.await?.context("a process went away")?;
        let order = Order::Over(last.map(|last| Last {
            epoch: last.epoch(),
            seq: last.seq(),
            seats: last.seats(),
            two_bits: BASE64.encode(last.two_bits()),
        }));
        let line = line_of(&order)?;
        for input in &mut inputs {
            input.write_all(line.as_bytes()).await.context("a process went away")?;
            input.flush().await?;
        }
        let mut tallies = Vec::new();
        for mut child in self.all {
            while child.done.is_none() {
                let word = child.word().await.context("a process went away")?;
                child.hear(word);
            }
            tallies.extend(child.done);
        }
        Ok(tallies)
    }
}

impl One {
    /// The next word. Cancelling is safe: a line is either taken whole or still to come.
    async fn word(&mut self) -> anyhow::Result<Word> {
        let line = self.words.next_line().await?.context("a process ended early")?;
        serde_json::from_str(&line).context("a process said something odd")
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Ready { viewers } => self.viewers = viewers,
            Word::Live { viewers, frames, bytes } => {
                (self.viewers, self.frames, self.bytes) = (viewers, frames, bytes);
            }
            Word::Done(tally) => self.done = Some(tally),
        }
    }
}

fn line_of<T: Serialize>(message: &T) -> anyhow::Result<String> {
    Ok(serde_json::to_string(message)? + "\n")
}

/// Tells all children of changes, many in a line, until nobody makes any more.
async fn tell(
    mut inputs: Vec<ChildStdin>,
    mut changes: mpsc::UnboundedReceiver<Change>,
) -> std::io::Result<Vec<ChildStdin>> {
    let mut some = Vec::new();
    while changes.recv_many(&mut some, CHANGES_AT_ONCE).await > 0 {
        let order = Order::Changes(std::mem::take(&mut some));
        let line = serde_json::to_string(&order)? + "\n";
        for input in &mut inputs {
            input.write_all(line.as_bytes()).await?;
        }
    }
    Ok(inputs)
}

/// Is a child: seats its viewers, and does as it is told until it is told to compare.
pub(super) async fn be_one(stage: &Arc<Stage>, viewers: u32) -> anyhow::Result<()> {
    let (phase, _) = watch::channel(Phase::Running);
    let mut crowd = Crowd::empty(stage);
    crowd.seat(viewers, &phase, |_| {}).await;
    let resolver = crowd.resolve_arrivals();
    say(&Word::Ready { viewers: stage.live.snapshot().viewers }).await?;
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let mut live = interval(LIVE_EVERY);
    let last = loop {
        let line = tokio::select! {
            line = orders.next_line() => line?.context("the parent is gone")?,
            _ = live.tick() => {
                let now = stage.live.snapshot();
                say(&Word::Live { viewers: now.viewers, frames: now.frames, bytes: now.bytes })
                    .await?;
                continue;
            }
        };
        match serde_json::from_str(&line)? {
            Order::Changes(changes) => {
                changes.iter().for_each(|&(seq, sent_us)| stage.clock.asked(seq, sent_us));
            }
            Order::Over(None) => break None,
            Order::Over(Some(Last { epoch, seq, seats, two_bits })) => {
                let two_bits = BASE64.decode(two_bits)?;
                let mut last = None;
                Picture::apply(&mut last, SeatFrame::Snapshot { epoch, seq, seats, two_bits })?;
                break last.map(Arc::new);
            }
        }
    };
    phase.send_replace(Phase::Over(last));
    let mut tally = crowd.finish().await;
    tally.change_us = resolver.finish().await;
    say(&Word::Done(tally)).await
}

async fn say(word: &Word) -> anyhow::Result<()> {
    let mut out = tokio::io::stdout();
    out.write_all(line_of(word)?.as_bytes()).await?;
    Ok(out.flush().await?)
}
