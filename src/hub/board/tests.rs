//! The board against a model too simple to be wrong: the list of everything that ever happened.

use proptest::prelude::*;

use super::*;
use crate::protocol::picture::Picture;
use crate::protocol::seats::{decode, decode_params};

const FORMATS: [Format; 2] = [Format::Binary, Format::Json];
const STATES: [SeatState; 4] =
    [SeatState::Available, SeatState::Held, SeatState::Sold, SeatState::Blocked];

/// The seats as they were at every seq.
struct Story {
    epoch: u64,
    first_seq: u64,
    states: Vec<Vec<SeatState>>,
}

impl Story {
    fn at(&self, seq: u64) -> &[SeatState] {
        &self.states[(seq - self.first_seq) as usize]
    }

    fn now(&self) -> u64 {
        self.first_seq + self.states.len() as u64 - 1
    }

    /// Moves on by `step`; nobody may be at the seqs passed over, so they repeat the last.
    fn change(&mut self, board: &Board, step: u64, changes: &[(Seat, SeatState)]) {
        let mut states = self.at(self.now()).to_vec();
        for _ in 1..step {
            self.states.push(states.clone());
        }
        for &(seat, state) in changes {
            states[seat.0 as usize] = state;
        }
        self.states.push(states);
        board.publish(self.now(), changes);
    }
}

/// What a client at `place` knows, after the frame.
fn picture_at(place: Option<Place>, states: &[SeatState]) -> Option<Picture> {
    let (epoch, seq) = place?;
    let mut picture = None;
    let snapshot = crate::protocol::seats::encode_snapshot(
        Format::Binary,
        epoch,
        seq,
        states.len() as u32,
        &crate::protocol::two_bits::of_states(states),
    );
    let frame = decode(Format::Binary, &snapshot).expect("a snapshot");
    Picture::apply(&mut picture, frame).expect("a snapshot always applies");
    picture
}

fn fresh(seats: usize) -> (Story, Board) {
    let states = vec![SeatState::Available; seats];
    let board = Board::new(7, 10, 10, &states);
    (Story { epoch: 7, first_seq: 10, states: vec![states] }, board)
}

#[test]
fn everyone_at_one_position_shares_the_same_bytes() {
    let (mut story, board) = fresh(2_000);
    story.change(&board, 1, &[(Seat(4), SeatState::Held)]);
    let one = board.frame_since(Some((7, 10)), Format::Binary).expect("something is new");
    let other = board.frame_since(Some((7, 10)), Format::Binary).expect("something is new");
    assert_eq!(one.framed().as_ptr(), other.framed().as_ptr());
    assert!(!one.is_snapshot());
    assert_eq!(one.payload().as_ref(), [0x02, 10, 1, 4, 1]);
    assert_eq!(one.place(), (7, 11));
}

#[test]
fn who_missed_nothing_has_nothing_to_be_told_but_a_newcomer_hears_so() {
    let (_, board) = fresh(8);
    assert!(board.frame_since(Some((7, 10)), Format::Binary).is_none());
    let first = board.first_frame(Some((7, 10)), Format::Binary);
    assert_eq!(first.payload().as_ref(), [0x02, 10, 0]);
}

#[test]
fn a_place_that_cannot_be_told_from_gets_a_snapshot() {
    let (mut story, board) = fresh(400);
    story.change(&board, 1, &[(Seat(4), SeatState::Held)]);
    for since in [None, Some((8, 10)), Some((7, 9)), Some((7, 12))] {
        let frame = board.frame_since(since, Format::Json).expect("something is new");
        assert!(frame.is_snapshot(), "{since:?}");
    }
}

#[test]
fn a_story_replaced_is_told_as_a_snapshot_of_the_new_epoch() {
    let (_, board) = fresh(4);
    let changed = board.changed();
    board.replace(9, 3, &[SeatState::Sold; 4]);
    let frame = board.frame_since(Some((7, 10)), Format::Binary).expect("another epoch");
    assert!(frame.is_snapshot());
    assert_eq!(frame.place(), (9, 3));
    assert_eq!(*changed.borrow(), (9, 3));
}

#[test]
fn a_position_that_moved_without_a_seat_is_no_news_to_a_long_poll() {
    let (mut story, board) = fresh(4);
    let mut changed = board.changed();
    story.change(&board, 1, &[]);
    story.change(&board, 1, &[(Seat(0), SeatState::Available)]);
    assert!(!changed.has_changed().expect("the board is there"));
    story.change(&board, 1, &[(Seat(0), SeatState::Held)]);
    assert_eq!(*changed.borrow_and_update(), (7, 13));
    assert_eq!(board.position(), (7, 13));
}

#[test]
fn a_board_opened_after_its_oldest_place_says_everything_may_have_changed() {
    let states = [SeatState::Held; 5];
    let board = Board::new(1, 20, 15, &states);
    for seq in 15..20 {
        let frame = board.frame_since(Some((1, seq)), Format::Json).expect("something is new");
        let mut known = picture_at(Some((1, seq)), &[SeatState::Sold; 5]);
        let frame = decode(Format::Json, &frame.payload()).expect("a frame");
        Picture::apply(&mut known, frame).expect("it applies");
        assert_eq!(known.expect("known").states().collect::<Vec<_>>(), states);
    }
}

/// How far the seq moves, and what changes.
type Step = (u64, Vec<(Seat, SeatState)>);

fn history() -> impl Strategy<Value = (usize, Vec<Step>)> {
    (1_usize..300).prop_flat_map(|seats| {
        let change = (0..seats as u32, 0_usize..4).prop_map(|(s, state)| (Seat(s), STATES[state]));
        let entry = (1_u64..4, proptest::collection::vec(change, 0..12));
        (Just(seats), proptest::collection::vec(entry, 0..40))
    })
}

proptest! {
    #[test]
    fn from_any_place_one_frame_leads_to_the_seats_as_they_are((seats, entries) in history()) {
        let (mut story, board) = fresh(seats);
        for (step, changes) in &entries {
            story.change(&board, *step, changes);
        }
        let now = story.now();
        for format in FORMATS {
            let snapshot = board.first_frame(None, format);
            for seq in story.first_seq..=now {
                let place = Some((story.epoch, seq));
                let frame = board.first_frame(place, format);
                prop_assert_eq!(board.frame_since(place, format).is_none(), seq == now);
                prop_assert!(frame.payload().len() <= snapshot.payload().len());
                let decoded = decode(format, &frame.payload()).expect("a frame");
                if format == Format::Json {
                    prop_assert_eq!(decode_params(&frame.params()).expect("params"), decoded.clone());
                }
                let mut known = picture_at(place, story.at(seq));
                Picture::apply(&mut known, decoded).expect("it applies");
                let known = known.expect("known");
                prop_assert_eq!((known.epoch(), known.seq()), (story.epoch, now));
                prop_assert_eq!(known.states().collect::<Vec<_>>(), story.at(now));
            }
        }
    }

    #[test]
    fn a_viewer_that_looks_now_and_then_is_never_shown_a_seq_that_goes_back(
        (seats, entries) in history(),
        looks in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let (mut story, board) = fresh(seats);
        let mut place = None;
        let mut known = None;
        for ((step, changes), looks) in entries.iter().zip(looks) {
            story.change(&board, *step, changes);
            if !looks {
                continue;
            }
            let frame = board.frame_since(place, Format::Binary).expect("something is new");
            prop_assert!(Some(frame.place()) > place);
            place = Some(frame.place());
            let decoded = decode(Format::Binary, &frame.payload()).expect("a frame");
            Picture::apply(&mut known, decoded).expect("no gap");
            let shown: Vec<_> = known.as_ref().expect("known").states().collect();
            prop_assert_eq!(shown, story.at(story.now()));
        }
    }
}
