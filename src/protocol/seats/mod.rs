//! Seat frames: snapshots and diffs, binary and JSON, to and from bytes.
//!
//! A frame is encoded once and shared by every socket of its format; the encoders therefore give
//! the whole message's payload. Decoding is strict: whatever the page for client authors does not
//! allow is a fault, so that the tests' clients catch a server that grows sloppy.

mod decode;
mod encode;

pub use decode::{FrameFault, decode, decode_params};
pub use encode::{
    encode_diff, encode_diff_params, encode_snapshot, encode_snapshot_params,
    snapshot_length_at_most,
};

use crate::show::SeatState;

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
        /// Their states, packed as in [`two_bits`](crate::protocol::two_bits); exactly as many bytes as they take.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::two_bits;
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
