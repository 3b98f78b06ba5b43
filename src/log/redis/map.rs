//! The map: which server has which slot. Of one server, or of one that Sentinels know, it has all.
//!
//! It is found by asking, kept until something says that it is no longer so, and never sure: a server
//! that is asked and is the wrong one says so itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use redis::Value;
use tokio::time::timeout;

use super::names::SLOTS;
use super::place::{Login, Node, Place, UNHEARD};
use crate::config::{RedisAddress, RedisKind};

/// How long one who is asked where things are may take. Another is asked then.
const TOLD_WITHIN: Duration = Duration::from_millis(400);

/// Where everything is, and the connections there.
pub(super) struct Map {
    address: RedisAddress,
    login: Login,
    /// How many connections to each server.
    lanes: usize,
    known: Mutex<Known>,
    /// Held while finding out: one does it for all.
    finding: tokio::sync::Mutex<()>,
}

struct Known {
    /// Whose each slot is.
    slots: Vec<Option<Arc<Node>>>,
    nodes: HashMap<Place, Arc<Node>>,
    /// Whether a single server turned out to be one of a cluster.
    is_cluster: bool,
}

impl Map {
    pub(super) fn new(address: RedisAddress, lanes: usize) -> Self {
        let login = address.servers().first().map(Login::of).unwrap_or_default();
        let is_cluster = *address.kind() == RedisKind::Cluster;
        let slots = vec![None; usize::from(SLOTS)];
        let known = Mutex::new(Known { slots, nodes: HashMap::new(), is_cluster });
        Self { address, login, lanes, known, finding: tokio::sync::Mutex::default() }
    }

    pub(super) fn address(&self) -> &RedisAddress {
        &self.address
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    /// Whose the slot is.
    pub(super) async fn node_of(&self, slot: u16) -> anyhow::Result<Arc<Node>> {
        if let Some(node) = self.known_of(slot) {
            return Ok(node);
        }
        let _alone = self.finding.lock().await;
        if let Some(node) = self.known_of(slot) {
            return Ok(node);
        }
        self.find().await?;
        self.known_of(slot).with_context(|| format!("no server of the cluster has slot {slot}"))
    }

    /// Whose the slot is, as far as is known without asking.
    pub(super) fn known_of(&self, slot: u16) -> Option<Arc<Node>> {
        self.known().slots[usize::from(slot)].clone()
    }

    /// Every server that has slots.
    pub(super) async fn primaries(&self) -> anyhow::Result<Vec<Arc<Node>>> {
        let _alone = self.finding.lock().await;
        self.find().await?;
        let known = self.known();
        let has_slots =
            |node: &&Arc<Node>| known.slots.iter().flatten().any(|other| Arc::ptr_eq(node, other));
        Ok(known.nodes.values().filter(has_slots).cloned().collect())
    }

    /// The server at `place`.
    pub(super) fn node_at(&self, place: &Place) -> Arc<Node> {
        let new = || Arc::new(Node::new(place.clone(), self.lanes));
        self.known().nodes.entry(place.clone()).or_insert_with(new).clone()
    }

    /// Notes that the slot has moved to `node`.
    pub(super) fn moved(&self, slot: u16, node: Arc<Node>) {
        self.known().slots[usize::from(slot)] = Some(node);
    }

    /// Notes that `node` may no longer be whose its slots are: it does not answer, or says so.
    pub(super) fn doubt(&self, node: &Arc<Node>) {
        if *self.address.kind() == RedisKind::Server && !self.known().is_cluster {
            return;
        }
        for slot in &mut self.known().slots {
            slot.take_if(|other| Arc::ptr_eq(node, other));
        }
    }

    /// Notes the same of whose `slot` is.
    pub(super) fn doubt_owner(&self, slot: u16) {
        if let Some(node) = self.known_of(slot) {
            self.doubt(&node);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change of the map is whole in itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds out where everything is.
    async fn find(&self) -> anyhow::Result<()> {
        match self.address.kind() {
            RedisKind::Server if !self.known().is_cluster => {
                let server = self.address.servers().first().context("no server is named")?;
                self.all_at(&Place::of(server));
                Ok(())
            }
            RedisKind::Server | RedisKind::Cluster => self.find_cluster().await,
            RedisKind::Sentinel { primary } => {
                let primary = primary.clone();
                self.find_primary(&primary).await
            }
        }
    }

    fn all_at(&self, place: &Place) {
        let node = self.node_at(place);
        self.known().slots.fill(Some(node));
    }

    /// Whether the slots are spread over several servers, as far as is known.
    pub(super) fn is_cluster(&self) -> bool {
        self.known().is_cluster
    }

    /// Treats the one server of the address as one of a cluster from now on.
    pub(super) fn is_of_a_cluster(&self) {
        let mut known = self.known();
        known.is_cluster = true;
        known.slots.fill(None);
    }

    async fn find_cluster(&self) -> anyhow::Result<()> {
        let mut error = anyhow::anyhow!("nobody was asked");
        for node in self.who_may_know() {
            let told = node.ask(&self.login, redis::cmd("CLUSTER").arg("SLOTS"), TOLD_WITHIN).await;
            match told.and_then(|told| Ok(told.extract_error()?)) {
                Ok(told) => match ranges(&told, &node.place) {
                    Some(ranges) => {
                        self.settle(ranges);
                        return Ok(());
                    }
                    None => error = anyhow::anyhow!("{} tells no slots", node.place),
                },
                Err(failed) => error = failed,
            }
        }
        Err(error.context("nobody tells where the cluster's slots are"))
    }

    /// Servers that have slots first, since those that are in doubt have none; then all that were ever
    /// heard of.
    fn who_may_know(&self) -> Vec<Arc<Node>> {
        let named = self.address.servers().iter().map(Place::of);
        let named: Vec<_> = named.map(|place| self.node_at(&place)).collect();
        let known = self.known();
        let mut all: Vec<Arc<Node>> = Vec::new();
        let in_turn = known.slots.iter().flatten().chain(&named).chain(known.nodes.values());
        for node in in_turn {
            // Runs of slots are of one server.
            let is_told = |other: &Arc<Node>| Arc::ptr_eq(node, other);
            if !all.last().is_some_and(is_told) && !all.iter().any(is_told) {
                all.push(node.clone());
            }
        }
        all
    }

    fn settle(&self, ranges: Vec<(u16, u16, Place)>) {
        let ranges: Vec<_> = ranges
            .into_iter()
            .map(|(first, last, place)| (first, last, self.node_at(&place)))
            .collect();
        let mut known = self.known();
        known.slots.fill(None);
        for (first, last, node) in ranges {
            if let Some(slots) = known.slots.get_mut(usize::from(first)..=usize::from(last)) {
                slots.fill(Some(node));
            }
        }
    }

    /// Where Sentinels know the primary: asks them again, although nothing seems to be wrong. A primary
    /// that was cut off from them and from its replicas answers as before.
    pub(super) async fn ask_sentinels(&self) {
        if let RedisKind::Sentinel { primary } = self.address.kind() {
            let _alone = self.finding.lock().await;
            if let Err(error) = self.find_primary(primary).await {
                tracing::debug!(?error, "the Sentinels tell nothing new");
            }
        }
    }

    /// Asks all Sentinels for the primary, and that one whether it is one.
    async fn find_primary(&self, name: &str) -> anyhow::Result<()> {
        let asked = self.address.servers().iter().map(async |sentinel| {
            let sentinel = Place::of(sentinel);
            match timeout(TOLD_WITHIN, self.primary_of(&sentinel, name)).await {
                Ok(told) => told.with_context(|| sentinel.to_string()),
                Err(_) => Err(anyhow::anyhow!("{sentinel} does not answer")),
            }
        });
        let told = futures_util::future::join_all(asked).await;
        let (told, errors): (Vec<_>, Vec<_>) = told.into_iter().partition(Result::is_ok);
        // They differ after a failover, and one that was cut off goes on naming the old one.
        let Some((_, place)) = told.into_iter().flatten().max_by_key(|(epoch, _)| *epoch) else {
            let error = errors.into_iter().find_map(Result::err);
            let error = error.unwrap_or_else(|| anyhow::anyhow!("nobody was asked"));
            return Err(error.context(format!("no Sentinel tells where the primary {name} is")));
        };
        let node = self.node_at(&place);
        let role = node.ask(&self.login, &redis::cmd("ROLE"), TOLD_WITHIN).await?;
        anyhow::ensure!(is_primary(&role), "{place} is not the primary that Sentinels take it for");
        self.all_at(&place);
        Ok(())
    }

    /// Where the primary is by this Sentinel's word, and how new that is.
    async fn primary_of(&self, sentinel: &Place, name: &str) -> anyhow::Result<(u64, Place)> {
        let mut connection = self.login.to_sentinels().connect(sentinel, UNHEARD).await?;
        // While it makes another the primary it tells the new epoch with the old place, and the new
        // place only to this question.
        let mut ask = redis::pipe();
        ask.cmd("SENTINEL").arg("MASTER").arg(name);
        ask.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let (known, place): (HashMap<String, String>, Option<(String, u16)>) =
            ask.query_async(&mut connection).await?;
        let epoch = known.get("config-epoch").and_then(|epoch| epoch.parse().ok());
        let (host, port) = place.context("it knows no primary of this name")?;
        Ok((epoch.context("it tells no epoch")?, Place { host, port }))
    }
}

/// Whether it is a primary that tells this of its role.
fn is_primary(role: &Value) -> bool {
    let name = match role {
        Value::Array(parts) => parts.first(),
        _ => None,
    };
    matches!(name, Some(Value::BulkString(name)) if name == b"master")
}

/// What `CLUSTER SLOTS` tells: from, to, the primary's host and port and more, its replicas.
fn ranges(told: &Value, here: &Place) -> Option<Vec<(u16, u16, Place)>> {
    let Value::Array(ranges) = told else { return None };
    let range = |range: &Value| {
        let Value::Array(parts) = range else { return None };
        let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = &parts[..] else {
            return None;
        };
        let [host, Value::Int(port), ..] = &primary[..] else { return None };
        // No host: the one that was asked by this name.
        let host = match host {
            Value::BulkString(host) if !host.is_empty() => String::from_utf8(host.clone()).ok()?,
            _ => here.host.clone(),
        };
        let place = Place { host, port: u16::try_from(*port).ok()? };
        Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, place))
    };
    ranges.iter().map(range).collect()
}
