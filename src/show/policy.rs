//! A show's policy: the few rules a house sets per show. Fixed at the show's creation.

use serde::{Deserialize, Serialize};

use super::Time;

/// Whether a choice may leave a single seat alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Orphans {
    /// It may.
    #[default]
    Allow,
    /// It may not, unless there is no other way.
    Forbid,
}

/// The rules of one show. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How long a hold lasts on the buyer's screen.
    pub hold_ms: u64,
    /// How much longer the server waits than the screen.
    pub grace_ms: u64,
    /// The most seats of one hold.
    pub seats_max: u32,
    /// For how long, once, a beginning payment pins a hold.
    pub pay_ms: u64,
    /// How long an offer to a waiter stands.
    pub offer_ms: u64,
    /// The longest anybody waits.
    pub wait_ms: u64,
    /// Whether single seats may be left over.
    pub orphans: Orphans,
    /// The waiting room; none: everybody may pick at once.
    pub admission: Option<Admission>,
}

/// How long somebody whose number is called has to come, unless the house says otherwise.
pub const CALL_MS: u64 = 60_000;

/// The rules of a waiting room. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// How many may pick seats at once.
    pub picking_max: u32,
    /// How long a pass lasts.
    pub pass_ms: u64,
    /// How long somebody whose number is called has to come.
    #[serde(default = "call_ms")]
    pub call_ms: u64,
    /// When the doors open; who comes before is drawn. None: they are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doors_at: Option<Time>,
}

fn call_ms() -> u64 {
    CALL_MS
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            hold_ms: 300_000,
            grace_ms: 5_000,
            seats_max: 10,
            pay_ms: 60_000,
            offer_ms: 120_000,
            wait_ms: 3_600_000,
            orphans: Orphans::Allow,
            admission: None,
        }
    }
}
