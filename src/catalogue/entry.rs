//! What the catalogue's log says, as JSON: one entry for each hall that came in and each show put
//! on the programme. Kept for ever: a released form is read for ever, a new one is a new kind.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::hall::{Hall, HallId};
use crate::show::ShowId;

/// The first words of the catalogue's stream.
pub(super) const GENESIS: &[u8] = br#"{"catalogue":1}"#;

/// A fact about the programme.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A hall came in, whole: a plan is imported once and never changes. Void where the name is
    /// taken by an earlier one.
    HallImported {
        /// The name it goes by.
        id: HallId,
        /// All of it.
        hall: Box<Hall>,
    },
    /// A show is on the programme. What it is stands at the beginning of its own stream, which is
    /// there before this is written.
    ShowAdded {
        /// Its stream.
        id: ShowId,
    },
}

impl Entry {
    /// As the log keeps it.
    pub(super) fn to_bytes(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// As it was written.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}
