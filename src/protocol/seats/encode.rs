//! Seat frames to bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::{two_bits, varint};
use super::{DIFF, Format, Run, SNAPSHOT};

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
