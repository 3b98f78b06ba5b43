//! Seat frames from bytes, strictly.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::two_bits;
use super::super::varint::{self, VarintFault};
use super::{DIFF, Format, Run, SNAPSHOT, SeatFrame};

/// Why a message is not a seat frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// Nothing in it, or a first byte that names no frame.
    #[error("not a snapshot and not a diff")]
    Unknown,
    /// A number that is none.
    #[error(transparent)]
    Number(#[from] VarintFault),
    /// The message ends too early.
    #[error("the frame is cut short")]
    CutShort,
    /// More or fewer bytes than the number of seats takes.
    #[error("{seats} seats take {expected} bytes, not {given}")]
    Length {
        /// How many seats it says there are.
        seats: u32,
        /// How many bytes they take.
        expected: usize,
        /// How many came.
        given: usize,
    },
    /// A bit past the last seat is 1.
    #[error("bits past the last seat are not 0")]
    UnusedBits,
    /// A number that is larger than what it counts can be: seats, or a position.
    #[error("a number is out of range")]
    OutOfRange,
    /// A run of no seats.
    #[error("a run sets no seat")]
    EmptyRun,
    /// Not the JSON that a frame is.
    #[error("not a seat frame in JSON: {0}")]
    Json(String),
    /// The packed states are not base64 (standard alphabet, padded).
    #[error("the seats are not base64")]
    Base64,
}

/// Reads a frame of `format`.
pub fn decode(format: Format, message: &[u8]) -> Result<SeatFrame, FrameFault> {
    match format {
        Format::Binary => decode_binary(message),
        Format::Json => decode_json(message),
    }
}

fn decode_binary(message: &[u8]) -> Result<SeatFrame, FrameFault> {
    match message.split_first() {
        Some((&SNAPSHOT, rest)) => {
            let (epoch, mut rest) = rest.split_first_chunk::<8>().ok_or(FrameFault::CutShort)?;
            let seq = varint::take(&mut rest)?;
            let seats = small(varint::take(&mut rest)?)?;
            snapshot(u64::from_le_bytes(*epoch), seq, seats, rest.to_vec())
        }
        Some((&DIFF, mut rest)) => {
            let from = varint::take(&mut rest)?;
            let to = from.checked_add(varint::take(&mut rest)?).ok_or(FrameFault::OutOfRange)?;
            let mut runs = Vec::new();
            while !rest.is_empty() {
                let gap = small(varint::take(&mut rest)?)?;
                let what = varint::take(&mut rest)?;
                let length = small(what / 4)?.checked_add(1).ok_or(FrameFault::OutOfRange)?;
                runs.push(Run { gap, length, state: two_bits::state_of(what as u8) });
            }
            diff(from, to, runs)
        }
        _ => Err(FrameFault::Unknown),
    }
}

/// The `params` of a JSON snapshot, unchecked.
#[derive(Deserialize)]
struct SnapshotParams {
    epoch: String,
    seq: u64,
    n: u32,
    seats: String,
}

/// The `params` of a JSON diff, unchecked.
#[derive(Deserialize)]
struct DiffParams {
    from: u64,
    to: u64,
    runs: Vec<(u32, u32, u8)>,
}

fn decode_json(message: &[u8]) -> Result<SeatFrame, FrameFault> {
    #[derive(Deserialize)]
    struct Notification<'a> {
        #[serde(borrow)]
        jsonrpc: Cow<'a, str>,
        #[serde(borrow)]
        method: Cow<'a, str>,
        #[serde(borrow)]
        params: &'a RawValue,
        id: Option<IgnoredAny>,
    }
    let message: Notification<'_> = from_json(message)?;
    if message.jsonrpc != "2.0" || message.id.is_some() {
        return Err(FrameFault::Json("not a JSON-RPC 2.0 notification".to_owned()));
    }
    let params = message.params.get().as_bytes();
    match &*message.method {
        "snapshot" => from_json::<SnapshotParams>(params)?.check(),
        "diff" => from_json::<DiffParams>(params)?.check(),
        _ => Err(FrameFault::Unknown),
    }
}

fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, FrameFault> {
    serde_json::from_slice(json).map_err(|fault| FrameFault::Json(fault.to_string()))
}

/// Reads the `params` of a JSON frame: what HTTP gives. A snapshot has an epoch, a
/// diff has none.
pub fn decode_params(params: &[u8]) -> Result<SeatFrame, FrameFault> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Params {
        Snapshot(SnapshotParams),
        Diff(DiffParams),
    }
    match from_json(params)? {
        Params::Snapshot(params) => params.check(),
        Params::Diff(params) => params.check(),
    }
}

impl SnapshotParams {
    fn check(self) -> Result<SeatFrame, FrameFault> {
        // `parse` alone would let a plus sign and leading zeros pass.
        let epoch: u64 = self.epoch.parse().map_err(|_| FrameFault::OutOfRange)?;
        if epoch.to_string() != self.epoch {
            return Err(FrameFault::Json("the epoch is not a plain decimal".to_owned()));
        }
        let packed = BASE64.decode(&self.seats).map_err(|_| FrameFault::Base64)?;
        snapshot(epoch, self.seq, self.n, packed)
    }
}

impl DiffParams {
    fn check(self) -> Result<SeatFrame, FrameFault> {
        let run = |(gap, length, state): (u32, u32, u8)| {
            if state > 3 {
                return Err(FrameFault::OutOfRange);
            }
            Ok(Run { gap, length, state: two_bits::state_of(state) })
        };
        let runs = self.runs.into_iter().map(run).collect::<Result<_, _>>()?;
        diff(self.from, self.to, runs)
    }
}

/// Seats are counted in 32 bits.
fn small(number: u64) -> Result<u32, FrameFault> {
    u32::try_from(number).map_err(|_| FrameFault::OutOfRange)
}

fn snapshot(epoch: u64, seq: u64, seats: u32, two_bits: Vec<u8>) -> Result<SeatFrame, FrameFault> {
    let expected = two_bits::bytes_for(seats);
    if two_bits.len() != expected {
        return Err(FrameFault::Length { seats, expected, given: two_bits.len() });
    }
    let used = 2 * (seats % 4);
    if used != 0 && two_bits.last().is_some_and(|last| last >> used != 0) {
        return Err(FrameFault::UnusedBits);
    }
    Ok(SeatFrame::Snapshot { epoch, seq, seats, two_bits })
}

fn diff(from: u64, to: u64, runs: Vec<Run>) -> Result<SeatFrame, FrameFault> {
    if to < from {
        return Err(FrameFault::OutOfRange);
    }
    let mut end = 0_u32;
    for run in &runs {
        if run.length == 0 {
            return Err(FrameFault::EmptyRun);
        }
        end = end
            .checked_add(run.gap)
            .and_then(|start| start.checked_add(run.length))
            .ok_or(FrameFault::OutOfRange)?;
    }
    Ok(SeatFrame::Diff { from, to, runs })
}
