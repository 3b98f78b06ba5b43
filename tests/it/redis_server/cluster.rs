//! A Redis Cluster of six processes: three primaries, each with a replica, and the 16,384 slots
//! spread over the three.

use std::process::Command;

use super::{RedisServer, Reply, wait_until};

/// How far above a node's port the port is on which it talks to the others.
pub(super) const BUS: u16 = 10_000;

/// How many keys are moved at once with their slot.
const MOVED_AT_ONCE: &str = "10";

/// Six Redis processes that are one.
pub(crate) struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one and waits until every node finds it whole.
    pub(crate) fn start() -> Self {
        let settings = [
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "3000",
        ];
        let cluster = Self { nodes: (0..6).map(|_| RedisServer::start_with(&settings)).collect() };
        let addresses = cluster.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let joined = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output();
        let joined = joined.expect("redis-cli is there: apt-get install redis-tools");
        assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stdout));
        wait_until("the cluster is whole", || cluster.is_whole());
        cluster
    }

    /// Its nodes' addresses, as `usher --redis` takes them.
    pub(crate) fn url(&self) -> String {
        let urls: Vec<_> = self.nodes.iter().map(RedisServer::url).collect();
        urls.join(",")
    }

    /// Its primaries.
    pub(crate) fn primaries(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.info("role").as_deref() == Some("master"))
    }

    /// The slot of a key.
    pub(crate) fn slot_of(&self, key: &str) -> u16 {
        let slot = self.somebody().ask(&["CLUSTER", "KEYSLOT", key]).number();
        u16::try_from(slot).expect("a slot")
    }

    /// The primary that has a slot.
    pub(crate) fn owner_of(&self, slot: u16) -> &RedisServer {
        self.owner_as_known_to(self.somebody(), slot)
    }

    /// Makes the primary that has a slot stand still, and waits until another node has taken its place.
    pub(crate) fn fail_owner_of(&self, slot: u16) {
        let (owner, witness) = (self.owner_of(slot), self.other_than_owner_of(slot));
        owner.freeze();
        wait_until("another has the slot", || {
            self.owner_as_known_to(witness, slot).port() != owner.port()
        });
    }

    fn owner_as_known_to(&self, witness: &RedisServer, slot: u16) -> &RedisServer {
        let slots = witness.ask(&["CLUSTER", "SLOTS"]).list();
        let port = slots.into_iter().find_map(|range| {
            let [Reply::Number(first), Reply::Number(last), Reply::List(primary), ..] =
                &range.list()[..]
            else {
                panic!("not a range of slots")
            };
            let Some(Reply::Number(port)) = primary.get(1) else { panic!("no port") };
            (*first..=*last).contains(&i64::from(slot)).then_some(*port)
        });
        let port = port.expect("every slot has an owner");
        let owner = self.nodes.iter().find(|node| i64::from(node.port()) == port);
        owner.expect("a node of this cluster")
    }

    /// Kills the primary that has a slot, and waits until the others have put its replica in its
    /// place. Answers which it was.
    pub(crate) fn kill_owner_of(&mut self, slot: u16) -> usize {
        let killed = self.owner_of(slot).port();
        let number = self.nodes.iter().position(|node| node.port() == killed).expect("a node");
        self.nodes[number].kill();
        wait_until("its replica takes its place", || self.owner_of(slot).port() != killed);
        number
    }

    /// Starts a node again that was killed, and waits until it follows who took its place.
    pub(crate) fn start_again(&mut self, number: usize) {
        self.nodes[number].start_again();
        wait_until("the cluster is whole again", || self.is_whole());
    }

    /// A primary that does not have a slot.
    pub(crate) fn other_than_owner_of(&self, slot: u16) -> &RedisServer {
        let owner = self.owner_of(slot).port();
        let other = self
            .nodes
            .iter()
            .find(|node| node.port() != owner && node.info("role").as_deref() == Some("master"));
        other.expect("there are three primaries")
    }

    /// Moves a slot with all its keys to another primary, as an operator does while the cluster is
    /// used.
    pub(crate) fn move_slot(&self, slot: u16, to: &RedisServer) {
        self.begin_to_move_slot(slot, to);
        self.move_begun_slot(slot, to);
    }

    /// The first half of [`RedisCluster::move_slot`]: both know that it moves, and no key has.
    pub(crate) fn begin_to_move_slot(&self, slot: u16, to: &RedisServer) {
        let (from, name) = (self.owner_of(slot), slot.to_string());
        done(to.ask(&["CLUSTER", "SETSLOT", &name, "IMPORTING", &id_of(from)]));
        done(from.ask(&["CLUSTER", "SETSLOT", &name, "MIGRATING", &id_of(to)]));
    }

    /// The second half of it.
    pub(crate) fn move_begun_slot(&self, slot: u16, to: &RedisServer) {
        let (from, name) = (self.owner_of(slot), slot.to_string());
        let port = to.port().to_string();
        loop {
            let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &name, MOVED_AT_ONCE]).list();
            if keys.is_empty() {
                break;
            }
            let keys: Vec<_> = keys.into_iter().map(Reply::text).collect();
            let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "10000", "KEYS"];
            words.extend(keys.iter().map(String::as_str));
            let moved = from.ask(&words);
            let well = matches!(&moved, Reply::Text(told) if told == "OK" || told == "NOKEY");
            assert!(well, "{moved:?}");
        }
        // First who gets it, then who gives it: in between it is nobody's, never two's.
        for node in [to, from] {
            done(node.ask(&["CLUSTER", "SETSLOT", &name, "NODE", &id_of(to)]));
        }
        wait_until("all know who has the slot", || self.is_whole());
    }

    /// A node that runs.
    fn somebody(&self) -> &RedisServer {
        self.nodes.iter().find(|node| node.runs()).expect("one runs")
    }

    /// Whether every node finds the cluster whole, and every replica is in step.
    fn is_whole(&self) -> bool {
        let all_slots = "cluster_slots_ok:16384";
        let mut primaries = 0;
        let whole = self.nodes.iter().all(|node| {
            let told = node.ask(&["CLUSTER", "INFO"]).text();
            let is_primary = node.info("role").as_deref() == Some("master");
            primaries += usize::from(is_primary);
            told.contains("cluster_state:ok")
                && told.contains("cluster_known_nodes:6")
                && told.contains(all_slots)
                && match is_primary {
                    // It learns of it up to a second later.
                    true => node.info("slave0").is_some_and(|told| told.contains("state=online")),
                    false => node.info("master_link_status").as_deref() == Some("up"),
                }
        });
        whole && primaries == 3
    }
}

fn id_of(node: &RedisServer) -> String {
    node.ask(&["CLUSTER", "MYID"]).text()
}

fn done(told: Reply) {
    assert_eq!(told, Reply::Text("OK".to_owned()));
}

#[test]
fn a_slot_is_moved_with_all_its_keys() {
    let cluster = RedisCluster::start();
    let slot = cluster.slot_of("usher:{hamlet}:log");
    let (before, after) = (cluster.owner_of(slot), cluster.other_than_owner_of(slot));
    for nth in 0..25 {
        before.ask(&["SET", &format!("usher:{{hamlet}}:{nth}"), "to be"]);
    }
    cluster.move_slot(slot, after);
    assert_eq!(cluster.owner_of(slot).port(), after.port());
    for nth in 0..25 {
        let kept = after.ask(&["GET", &format!("usher:{{hamlet}}:{nth}")]);
        assert_eq!(kept, Reply::Text("to be".to_owned()));
    }
    let moved = before.ask(&["GET", "usher:{hamlet}:0"]);
    assert!(matches!(&moved, Reply::Refusal(told) if told.starts_with("MOVED")), "{moved:?}");
}
