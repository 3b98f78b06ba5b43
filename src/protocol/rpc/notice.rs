//! What is told unasked: JSON-RPC notifications from the server.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::show::{DrawSecret, HoldId, Time};

use super::response::to_json;
use super::view::{HeadView, HoldView, OrderView};

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
    /// It is this session's turn to pick seats.
    #[serde(rename = "admission.open")]
    AdmissionOpen {
        /// The pass: to be kept in place of the number.
        ticket: String,
        /// When it ends.
        until: Time,
        /// The server's clock.
        now: Time,
    },
    /// Numbers were called.
    #[serde(rename = "admission.serving")]
    AdmissionServing {
        /// Up to which number all have been called.
        serving: u64,
        /// How many were called a minute, lately, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per_minute: Option<u64>,
    },
    /// The doors opened: whoever came before can tell their number from this and their arrival.
    #[serde(rename = "admission.drawn")]
    AdmissionDrawn {
        /// What had been committed to.
        secret: DrawSecret,
        /// The show's head with the entry that opened the doors.
        head: HeadView,
        /// How many had come.
        count: u64,
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
