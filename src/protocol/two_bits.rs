//! Seat states packed two bits a seat, as a snapshot carries them.
//!
//! Seat i is in byte i/4 at bits 2*(i%4), least significant first; bits past the last seat are 0.

use crate::hall::SeatSet;
use crate::show::SeatState;

/// How many bytes `seats` seats take.
pub fn bytes_for(seats: u32) -> usize {
    (seats as usize).div_ceil(4)
}

/// Packs what the show's sets say; seats in none of them are available. All three are sets of the
/// same hall and share no seat.
pub fn of_sets(held: &SeatSet, sold: &SeatSet, blocked: &SeatSet) -> Vec<u8> {
    let length = bytes_for(held.hall_seats());
    let mut bytes = Vec::with_capacity(length + 16);
    for ((held, sold), blocked) in held.words().iter().zip(sold.words()).zip(blocked.words()) {
        // Held is 01, sold is 10, blocked is 11.
        let (low, high) = (held | blocked, sold | blocked);
        for half in [0, 32] {
            let pairs = spread(low >> half) | spread(high >> half) << 1;
            bytes.extend_from_slice(&pairs.to_le_bytes());
        }
    }
    bytes.truncate(length);
    bytes
}

/// Moves bit i of the low 32 bits to bit 2i, by halving the distance that is left each time.
#[inline]
fn spread(bits: u64) -> u64 {
    let mut bits = bits & 0xffff_ffff;
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// Packs states one by one: for tests and small things.
pub fn of_states(states: &[SeatState]) -> Vec<u8> {
    let pack =
        |four: &[SeatState]| four.iter().rev().fold(0_u8, |byte, &state| byte << 2 | state as u8);
    states.chunks(4).map(pack).collect()
}

/// The state of the two lowest bits.
#[inline]
pub fn state_of(bits: u8) -> SeatState {
    match bits & 0b11 {
        0 => SeatState::Available,
        1 => SeatState::Held,
        2 => SeatState::Sold,
        _ => SeatState::Blocked,
    }
}

/// The state of one seat. Available for a seat past the end.
#[inline]
pub fn state_at(two_bits: &[u8], seat: u32) -> SeatState {
    let byte = two_bits.get(seat as usize / 4).copied().unwrap_or(0);
    state_of(byte >> (2 * (seat % 4)))
}

/// The states of the first `seats` seats, in order.
pub fn states(two_bits: &[u8], seats: u32) -> impl Iterator<Item = SeatState> + '_ {
    (0..seats).map(|seat| state_at(two_bits, seat))
}

/// Sets `length` seats from `first` on. They must be inside `two_bits`: where they are not, those
/// past its end are left out.
pub fn set_run(two_bits: &mut [u8], first: u32, length: u32, state: SeatState) {
    // The same state four times over, and masks for the seats a byte has inside the run.
    let pattern = state as u8 * 0b0101_0101;
    let (start, end) = (u64::from(first), u64::from(first) + u64::from(length));
    let mut seat = start;
    while seat < end {
        let Some(byte) = two_bits.get_mut((seat / 4) as usize) else { return };
        let here = (4 - seat % 4).min(end - seat);
        let mask = (((1_u16 << (2 * here)) - 1) << (2 * (seat % 4))) as u8;
        *byte = *byte & !mask | pattern & mask;
        seat += here;
    }
}

/// How many seats are in each state: available, held, sold, blocked.
pub fn counts(two_bits: &[u8], seats: u32) -> [u32; 4] {
    let (mut low, mut high, mut both) = (0, 0, 0);
    for chunk in two_bits.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        let lows = word & 0x5555_5555_5555_5555;
        let highs = word >> 1 & 0x5555_5555_5555_5555;
        low += lows.count_ones();
        high += highs.count_ones();
        both += (lows & highs).count_ones();
    }
    let (held, sold) = (low - both, high - both);
    [seats.saturating_sub(held + sold + both), held, sold, both]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall::Seat;
    use proptest::prelude::*;

    fn states_strategy() -> impl Strategy<Value = Vec<SeatState>> {
        proptest::collection::vec((0_u8..4).prop_map(state_of), 0..300)
    }

    proptest! {
        #[test]
        fn sets_and_states_pack_alike_and_unpack(seen in states_strategy()) {
            let seats = seen.len() as u32;
            let mut sets = [(); 4].map(|()| SeatSet::empty(seats));
            for (i, &state) in seen.iter().enumerate() {
                sets[state as usize].insert(Seat(i as u32));
            }
            let packed = of_states(&seen);
            prop_assert_eq!(&of_sets(&sets[1], &sets[2], &sets[3]), &packed);
            prop_assert_eq!(packed.len(), bytes_for(seats));
            prop_assert_eq!(counts(&packed, seats), sets.map(|set| set.count()));
            prop_assert_eq!(states(&packed, seats).collect::<Vec<_>>(), seen);
        }

        #[test]
        fn a_run_sets_its_seats_and_no_other(
            mut seen in states_strategy(), from in 0_usize..300, length in 0_usize..300, state in 0_u8..4,
        ) {
            let state = state_of(state);
            let from = from.min(seen.len());
            let length = length.min(seen.len() - from);
            let mut packed = of_states(&seen);
            set_run(&mut packed, from as u32, length as u32, state);
            seen[from..from + length].fill(state);
            prop_assert_eq!(packed, of_states(&seen));
        }
    }
}
