//! What is told unasked: JSON-RPC notifications from the server.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::show::{HoldId, Time};

use super::response::to_json;
use super::view::{HoldView, OrderView};

/// Something told unasked. The names and params are the wire's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
pub enum Notice {
    /// A hold of this session was granted or swapped by another of its sockets.
    #[serde(rename = "hold.changed")]
    HoldChanged {
        /// As it is now.
        hold: HoldView,
        /// The server's clock.
        now: Time,
    },
    /// This session bought, by another of its sockets.
    #[serde(rename = "order")]
    Order {
        /// What.
        order: OrderView,
        /// The server's clock.
        now: Time,
    },
    /// A hold of this session lapsed.
    #[serde(rename = "hold.expired")]
    HoldExpired {
        /// Which.
        hold: HoldId,
    },
    /// A hold of this session was given back.
    #[serde(rename = "hold.released")]
    HoldReleased {
        /// Which.
        hold: HoldId,
        /// Why.
        reason: ReleaseReason,
    },
    /// This session's place in line changed.
    #[serde(rename = "waitlist.position")]
    WaitlistPosition {
        /// 1 for the first.
        position: u32,
    },
    /// What this session waits for is offered to it.
    #[serde(rename = "waitlist.offer")]
    WaitlistOffer {
        /// The offer.
        hold: HoldView,
        /// The server's clock.
        now: Time,
    },
    /// This session's party can never again sit together: it goes on waiting for seats apart.
    #[serde(rename = "waitlist.apart")]
    WaitlistApart {},
    /// This session waits no longer.
    #[serde(rename = "waitlist.closed")]
    WaitlistClosed {
        /// Why: a stable word.
        reason: Cow<'static, str>,
    },
    /// The show takes no more requests.
    #[serde(rename = "show.closed")]
    ShowClosed {
        /// Why: a stable word.
        reason: String,
    },
    /// The server is about to stop: come back, here or at another node.
    #[serde(rename = "server.draining")]
    ServerDraining {
        /// After how long.
        reconnect_after_ms: u64,
    },
    /// Whether changes can be kept just now.
    #[serde(rename = "server.status")]
    ServerStatus {
        /// How storage is.
        storage: StorageState,
    },
}

/// Why a hold was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    /// By its holder.
    Released,
}

/// How storage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageState {
    /// It answers.
    Ok,
    /// It does not: changes are refused as `unavailable`, watching goes on.
    Away,
}

impl Notice {
    /// The message.
    pub fn encode(&self) -> String {
        #[derive(Serialize)]
        struct Notification<'a> {
            jsonrpc: &'static str,
            #[serde(flatten)]
            notice: &'a Notice,
        }
        to_json(&Notification { jsonrpc: "2.0", notice: self })
    }
}
