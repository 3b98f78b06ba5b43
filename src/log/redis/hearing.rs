//! Hearing what other nodes append: one task a log, with a connection to each server that has streams
//! somebody listens to.
//!
//! Whenever a subscription was made or made again, its listeners are told that they may have missed
//! something: truth is in the stream, this only makes it quick. What this node appended itself is not
//! said; it knows.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::super::{Heard, Hearing, Known, Position, Speaker, StreamId, line};
use super::map::Map;
use super::names;
use super::pages::{KeptPage, PageId};
use super::place::Node;

/// How often the connections are tried, and things in doubt looked at again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How soon after a failure it is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How long a server may take to answer here.
const ANSWERED_WITHIN: Duration = Duration::from_millis(1_500);

/// Who listens, and what is said to them.
pub(super) struct Ears {
    /// This node: what it appended itself is not said.
    node: u32,
    lines: Mutex<Lines>,
    /// Something changed: there is a new listener, or a subscription is gone.
    changed: Notify,
}

#[derive(Default)]
struct Lines {
    /// By the stream's name.
    speakers: HashMap<String, Vec<Speaker>>,
    /// Streams whose subscription a server ended by itself: their slot moved.
    ended: HashSet<String>,
}

impl Ears {
    pub(super) fn new(node: u32) -> Self {
        Self { node, lines: Mutex::default(), changed: Notify::new() }
    }

    /// A new listener.
    pub(super) fn listen(&self, stream: &StreamId) -> Hearing {
        let (speaker, hearing) = line();
        let mut lines = self.lines();
        let speakers = lines.speakers.entry(stream.as_str().to_owned()).or_default();
        // Where the subscription is made already, nothing else would tell this one to ask.
        speaker.say(Heard::Missed);
        speakers.push(speaker);
        self.changed.notify_one();
        hearing
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Never held across an await; what it guards is whole at any time.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, stream: &str, heard: &Heard) {
        let mut lines = self.lines();
        if let Some(speakers) = lines.speakers.get_mut(stream) {
            speakers.retain(|speaker| speaker.say(heard.clone()));
            if speakers.is_empty() {
                self.changed.notify_one();
            }
        }
    }

    /// The streams somebody listens to.
    fn wanted(&self) -> HashSet<String> {
        let mut lines = self.lines();
        lines.speakers.retain(|_, speakers| {
            speakers.retain(|speaker| !speaker.is_alone());
            !speakers.is_empty()
        });
        lines.speakers.keys().cloned().collect()
    }

    /// What a server says unasked. Called where the connection is read: it must not wait.
    fn hear(&self, PushInfo { kind, data }: PushInfo, is_alive: &AtomicBool) {
        let mut parts = data.into_iter();
        match (kind, parts.next(), parts.next()) {
            (
                PushKind::SMessage,
                Some(Value::BulkString(channel)),
                Some(Value::BulkString(page)),
            ) => {
                let Some(stream) = stream_of(&channel) else { return };
                match self.read(page.into()) {
                    Some(None) => {}
                    Some(Some(heard)) => self.say(stream, &heard),
                    None => self.say(stream, &Heard::Missed),
                }
            }
            (PushKind::SUnsubscribe, Some(Value::BulkString(channel)), _) => {
                if let Some(stream) = stream_of(&channel) {
                    self.lines().ended.insert(stream.to_owned());
                    self.changed.notify_one();
                }
            }
            (PushKind::Disconnection, ..) => {
                is_alive.store(false, Ordering::Release);
                self.changed.notify_one();
            }
            _ => {}
        }
    }

    /// A page as it was said: `EPOCH ID ID-BEFORE COUNT`, a line's end, the bytes; or, with a count of 0
    /// and the same id twice, only that this place is there. Inner none: it is this node's own. None: it
    /// is not understood.
    fn read(&self, mut message: Bytes) -> Option<Option<Heard>> {
        let end = message.iter().position(|byte| *byte == b'\n')?;
        let head = message.split_to(end + 1);
        let mut words = std::str::from_utf8(&head[..end]).ok()?.split(' ');
        let epoch = words.next()?.parse().ok()?;
        let id = PageId::parse(words.next()?.as_bytes())?;
        if id.mark.0 >> 32 == u64::from(self.node) {
            return Some(None);
        }
        let before = PageId::parse(words.next()?.as_bytes())?;
        let count = words.next()?.parse().ok()?;
        let page = KeptPage { id, count, bytes: message };
        if page.after() != before.last {
            return None;
        }
        let position = Position { epoch, seq: before.last };
        let after = Known { position, mark: before.mark };
        let entries = if count == 0 { Vec::new() } else { page.entries()? };
        Some(Some(Heard::Entries { after, entries }))
    }
}

fn stream_of(channel: &[u8]) -> Option<&str> {
    names::stream_of(std::str::from_utf8(channel).ok()?)
}

/// A connection that only listens.
struct Line {
    node: Arc<Node>,
    connection: MultiplexedConnection,
    is_alive: Arc<AtomicBool>,
}

/// The task.
pub(super) struct Listener {
    map: Arc<Map>,
    ears: Arc<Ears>,
    lines: Vec<Line>,
    /// On which line each stream is heard.
    subscribed: HashMap<String, Arc<Node>>,
}

impl Listener {
    pub(super) fn new(map: Arc<Map>, ears: Arc<Ears>) -> Self {
        Self { map, ears, lines: Vec::new(), subscribed: HashMap::new() }
    }

    /// Listens for ever.
    pub(super) async fn run(mut self) {
        let mut ping_at = tokio::time::Instant::now() + LOOK_EVERY;
        loop {
            self.drop_what_ended();
            let is_settled = self.subscribe_all().await;
            let now = tokio::time::Instant::now();
            if now >= ping_at {
                ping_at = now + LOOK_EVERY;
                self.ping().await;
                self.map.ask_sentinels().await;
            }
            let look_at = if is_settled { ping_at } else { now + AGAIN_AFTER };
            // Woken or not, it looks.
            drop(tokio::time::timeout_at(look_at, self.ears.changed.notified()).await);
        }
    }

    fn drop_what_ended(&mut self) {
        self.lines.retain(|line| line.is_alive.load(Ordering::Acquire));
        let ended = std::mem::take(&mut self.ears.lines().ended);
        let lines = &self.lines;
        self.subscribed.retain(|stream, node| {
            let has_line = lines.iter().any(|line| Arc::ptr_eq(&line.node, node));
            has_line && !ended.contains(stream)
        });
    }

    /// Makes every subscription that is wanted and is not, and ends those that are no longer wanted.
    /// Answers whether all is as it should be.
    async fn subscribe_all(&mut self) -> bool {
        let wanted = self.ears.wanted();
        let unwanted: Vec<_> =
            self.subscribed.keys().filter(|stream| !wanted.contains(*stream)).cloned().collect();
        for stream in unwanted {
            self.unsubscribe(&stream).await;
        }
        // Servers that are not tried again in this look.
        let mut failed: Vec<Arc<Node>> = Vec::new();
        for stream in wanted {
            let channel = names::channel(&stream, self.map.login().database);
            let found = timeout(ANSWERED_WITHIN, self.map.node_of(names::slot(&channel))).await;
            let Ok(Ok(node)) = found else { return false };
            if failed.iter().any(|other| Arc::ptr_eq(other, &node)) {
                continue;
            }
            if let Err(error) = self.subscribe(&stream, channel, &node).await {
                tracing::debug!(stream, ?error, "a stream is not heard");
                self.map.doubt(&node);
                failed.push(node);
            }
        }
        failed.is_empty()
    }

    async fn subscribe(
        &mut self,
        stream: &str,
        channel: String,
        node: &Arc<Node>,
    ) -> anyhow::Result<()> {
        match self.subscribed.get(stream) {
            Some(on) if Arc::ptr_eq(on, node) => return Ok(()),
            // Its slot is another server's now.
            Some(_) => self.unsubscribe(stream).await,
            None => {}
        }
        let mut connection = self.line_to(node).await?;
        let mut subscribe = redis::cmd("SSUBSCRIBE");
        subscribe.arg(&channel);
        let answer = timeout(ANSWERED_WITHIN, connection.send_packed_command(&subscribe)).await;
        let is_made = matches!(
            &answer,
            Ok(Ok(Value::Push { kind: PushKind::SSubscribe, data }))
                if data.first() == Some(&Value::BulkString(channel.into_bytes()))
        );
        if !is_made {
            // A refusal (the slot has moved) is an answer. After anything else, answers on this line
            // may no longer belong to what is asked.
            if !matches!(&answer, Ok(Ok(Value::ServerError(_)))) {
                self.lines.retain(|line| !Arc::ptr_eq(&line.node, node));
            }
            anyhow::bail!("SSUBSCRIBE was answered with {answer:?}");
        }
        self.subscribed.insert(stream.to_owned(), node.clone());
        self.ears.say(stream, &Heard::Missed);
        Ok(())
    }

    async fn unsubscribe(&mut self, stream: &str) {
        let Some(node) = self.subscribed.remove(stream) else { return };
        let Some(line) = self.lines.iter_mut().find(|line| Arc::ptr_eq(&line.node, &node)) else {
            return;
        };
        let mut unsubscribe = redis::cmd("SUNSUBSCRIBE");
        unsubscribe.arg(names::channel(stream, self.map.login().database));
        let answer = line.connection.send_packed_command(&unsubscribe);
        if !matches!(timeout(ANSWERED_WITHIN, answer).await, Ok(Ok(Value::Push { .. }))) {
            line.is_alive.store(false, Ordering::Release);
        }
        // The server's word on it is the one that was asked for.
        self.ears.lines().ended.remove(stream);
    }

    async fn line_to(&mut self, node: &Arc<Node>) -> redis::RedisResult<MultiplexedConnection> {
        if let Some(line) = self.lines.iter().find(|line| Arc::ptr_eq(&line.node, node)) {
            return Ok(line.connection.clone());
        }
        let is_alive = Arc::new(AtomicBool::new(true));
        let (ears, alive) = (self.ears.clone(), is_alive.clone());
        let heard = move |push| {
            ears.hear(push, &alive);
            Ok::<_, ()>(())
        };
        let connection = self.map.login().connect(&node.place, Some(heard)).await?;
        let line = Line { node: node.clone(), connection: connection.clone(), is_alive };
        self.lines.push(line);
        Ok(connection)
    }

    /// Tries every line: where the other machine is gone without a word, nothing else would tell.
    async fn ping(&mut self) {
        let pings = self.lines.iter_mut().map(|line| async {
            let ping = redis::cmd("PING");
            let answer = timeout(ANSWERED_WITHIN, line.connection.send_packed_command(&ping)).await;
            if !matches!(answer, Ok(Ok(_))) {
                line.is_alive.store(false, Ordering::Release);
                self.map.doubt(&line.node);
                self.ears.changed.notify_one();
            }
        });
        futures_util::future::join_all(pings).await;
    }
}
