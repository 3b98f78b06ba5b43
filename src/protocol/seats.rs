//! Seat frames: snapshots and diffs, binary and JSON, to and from bytes.
//!
//! A frame is encoded once and shared by every socket of its format; the encoders therefore give
//! the whole message's payload. Decoding is strict: whatever the page for client authors does not
//! allow is a fault, so that the tests' clients catch a server that grows sloppy.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::show::SeatState;

use super::two_bits;
use super::varint::{self, VarintFault};

/// The first byte of a binary snapshot.
const SNAPSHOT: u8 = 0x01;
/// The first byte of a binary diff.
const DIFF: u8 = 0x02;

/// How a socket wants its seat frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `usher.v1`: binary messages.
    Binary,
    /// `usher.v1.json`: JSON-RPC notifications.
    Json,
}

/// Seats next to one another that have one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many seats are left alone after the end of the last run (the first: from seat 0).
    pub gap: u32,
    /// How many seats it sets, at least 1.
    pub length: u32,
    /// To what.
    pub state: SeatState,
}

/// A seat frame, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatFrame {
    /// Every seat's state: replaces whatever was known.
    Snapshot {
        /// The life of the log that `seq` counts in.
        epoch: u64,
        /// The position the states are of.
        seq: u64,
        /// How many seats the show has.
        seats: u32,
        /// Their states, packed as in [`two_bits`]; exactly as many bytes as they take.
        two_bits: Vec<u8>,
    },
    /// What changed between two positions of the epoch the client is in.
    Diff {
        /// The position it starts from.
        from: u64,
        /// The position it leads to, at least `from`.
        to: u64,
        /// Ascending by their nature: each begins after the last one's end.
        runs: Vec<Run>,
    },
}

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

/// A snapshot, as it stands in the message. `two_bits` is ceil(n/4) bytes, two bits a seat.
pub fn encode_snapshot(
    format: Format,
    epoch: u64,
    seq: u64,
    seats: u32,
    two_bits: &[u8],
) -> Vec<u8> {
    debug_assert_eq!(two_bits.len(), two_bits::bytes_for(seats));
    match format {
        Format::Binary => {
            let mut frame = Vec::with_capacity(snapshot_length_at_most(format, seats));
            frame.push(SNAPSHOT);
            frame.extend_from_slice(&epoch.to_le_bytes());
            varint::put(&mut frame, seq);
            varint::put(&mut frame, u64::from(seats));
            frame.extend_from_slice(two_bits);
            frame
        }
        Format::Json => {
            let mut frame = String::with_capacity(snapshot_length_at_most(format, seats));
            frame.push_str(r#"{"jsonrpc":"2.0","method":"snapshot","params":"#);
            push_snapshot_params(&mut frame, epoch, seq, seats, two_bits);
            frame.push('}');
            frame.into_bytes()
        }
    }
}

/// The `params` of the JSON snapshot alone: what HTTP gives.
pub fn encode_snapshot_params(epoch: u64, seq: u64, seats: u32, two_bits: &[u8]) -> Vec<u8> {
    let mut params = String::with_capacity(snapshot_length_at_most(Format::Json, seats));
    push_snapshot_params(&mut params, epoch, seq, seats, two_bits);
    params.into_bytes()
}

fn push_snapshot_params(to: &mut String, epoch: u64, seq: u64, seats: u32, two_bits: &[u8]) {
    to.push_str(r#"{"epoch":""#);
    push_decimal(to, epoch);
    to.push_str(r#"","seq":"#);
    push_decimal(to, seq);
    to.push_str(r#","n":"#);
    push_decimal(to, u64::from(seats));
    to.push_str(r#","seats":""#);
    BASE64.encode_string(two_bits, to);
    to.push_str(r#""}"#);
}

/// An upper bound of a snapshot's length, close enough to judge a diff by before either is made.
pub fn snapshot_length_at_most(format: Format, seats: u32) -> usize {
    let packed = two_bits::bytes_for(seats);
    match format {
        Format::Binary => 1 + 8 + varint::VARINT_BYTES_MAX + 5 + packed,
        Format::Json => 160 + packed.div_ceil(3) * 4,
    }
}

/// A diff, as it stands in the message.
pub fn encode_diff(format: Format, from: u64, to: u64, runs: &[Run]) -> Vec<u8> {
    debug_assert!(from <= to);
    match format {
        Format::Binary => {
            let mut frame = Vec::with_capacity(1 + 2 * varint::VARINT_BYTES_MAX + 4 * runs.len());
            frame.push(DIFF);
            varint::put(&mut frame, from);
            varint::put(&mut frame, to.saturating_sub(from));
            for run in runs {
                debug_assert!(run.length > 0);
                varint::put(&mut frame, u64::from(run.gap));
                varint::put(&mut frame, u64::from(run.length - 1) * 4 + run.state as u64);
            }
            frame
        }
        Format::Json => {
            let mut frame = String::with_capacity(120 + 14 * runs.len());
            frame.push_str(r#"{"jsonrpc":"2.0","method":"diff","params":"#);
            push_diff_params(&mut frame, from, to, runs);
            frame.push('}');
            frame.into_bytes()
        }
    }
}

/// The `params` of the JSON diff alone: what HTTP gives.
pub fn encode_diff_params(from: u64, to: u64, runs: &[Run]) -> Vec<u8> {
    let mut params = String::with_capacity(80 + 14 * runs.len());
    push_diff_params(&mut params, from, to, runs);
    params.into_bytes()
}

fn push_diff_params(params: &mut String, from: u64, to: u64, runs: &[Run]) {
    params.push_str(r#"{"from":"#);
    push_decimal(params, from);
    params.push_str(r#","to":"#);
    push_decimal(params, to);
    params.push_str(r#","runs":["#);
    for (i, run) in runs.iter().enumerate() {
        params.push_str(if i == 0 { "[" } else { ",[" });
        push_decimal(params, u64::from(run.gap));
        params.push(',');
        push_decimal(params, u64::from(run.length));
        params.push(',');
        push_decimal(params, run.state as u64);
        params.push(']');
    }
    params.push_str("]}");
}

/// Writes a number without the formatting machinery, which costs more than the rest of a diff.
fn push_decimal(to: &mut String, mut number: u64) {
    // u64::MAX has 20 digits.
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    to.extend(digits[start..].iter().map(|&digit| digit as char));
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run_strategy() -> impl Strategy<Value = Run> {
        (0_u32..70_000, 1_u32..70_000, 0_u8..4).prop_map(|(gap, length, state)| Run {
            gap,
            length,
            state: two_bits::state_of(state),
        })
    }

    proptest! {
        #[test]
        fn a_snapshot_is_read_as_it_was_written(
            epoch: u64, seq: u64, states in proptest::collection::vec(0_u8..4, 0..300),
        ) {
            let states: Vec<_> = states.into_iter().map(two_bits::state_of).collect();
            let (seats, packed) = (states.len() as u32, two_bits::of_states(&states));
            for format in [Format::Binary, Format::Json] {
                let written = encode_snapshot(format, epoch, seq, seats, &packed);
                prop_assert!(written.len() <= snapshot_length_at_most(format, seats));
                let two_bits = packed.clone();
                let meant = SeatFrame::Snapshot { epoch, seq, seats, two_bits };
                prop_assert_eq!(decode(format, &written), Ok(meant));
            }
        }

        #[test]
        fn a_diff_is_read_as_it_was_written(
            from in 0..u64::MAX / 2, by in 0..u64::MAX / 2,
            runs in proptest::collection::vec(run_strategy(), 0..50),
        ) {
            let to = from + by;
            for format in [Format::Binary, Format::Json] {
                let written = encode_diff(format, from, to, &runs);
                let meant = SeatFrame::Diff { from, to, runs: runs.clone() };
                prop_assert_eq!(decode(format, &written), Ok(meant));
            }
        }

        #[test]
        fn whatever_binary_is_accepted_is_what_we_would_write(message: Vec<u8>, kind in 1_u8..3) {
            let message = [&[kind][..], &message].concat();
            match decode(Format::Binary, &message) {
                Ok(SeatFrame::Snapshot { epoch, seq, seats, two_bits }) => prop_assert_eq!(
                    encode_snapshot(Format::Binary, epoch, seq, seats, &two_bits), message),
                Ok(SeatFrame::Diff { from, to, runs }) => prop_assert_eq!(
                    encode_diff(Format::Binary, from, to, &runs), message),
                Err(_) => {}
            }
        }
    }

    #[test]
    fn the_params_alone_are_read_as_the_frame_is() {
        let runs = [Run { gap: 1, length: 2, state: SeatState::Sold }];
        let params = encode_diff_params(3, 4, &runs);
        assert_eq!(
            decode_params(&params),
            decode(Format::Binary, &encode_diff(Format::Binary, 3, 4, &runs))
        );
        let params = encode_snapshot_params(u64::MAX, 9, 3, &[0b0010_0111]);
        assert_eq!(
            decode_params(&params),
            decode(Format::Json, &encode_snapshot(Format::Json, u64::MAX, 9, 3, &[0b0010_0111]))
        );
    }
}
