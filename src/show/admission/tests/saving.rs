//! The waiting room to bytes and back: the same state, or a refusal.

use super::super::super::codec::{Reader, Writer};
use super::*;

fn bytes_of(room: &WaitingRoom) -> Vec<u8> {
    let mut to = Writer::with_capacity(64);
    room.write(&mut to);
    to.finish()
}

fn read(bytes: &[u8]) -> Result<WaitingRoom, CodecError> {
    let mut from = Reader::new(bytes);
    let room = WaitingRoom::read(&mut from)?;
    from.finish().map(|()| room)
}

/// One of each place there is, one that left ahead of its turn, and a draw.
fn full() -> Rush {
    let mut rush = Rush::with_doors(3);
    rush.come(1..=6);
    rush.pass(60_000);
    let numbers = rush.room().draw().unwrap().numbers();
    let owner_of = |number: u64| 1 + numbers.iter().position(|own| *own == number).unwrap() as u128;
    rush.pass(CALL_MS);
    assert_eq!(rush.picture(), "pppccc");
    rush.come(7..=9);
    for number in [4, 5, 6] {
        rush.appear(owner_of(number), number);
    }
    rush.appear(owner_of(2), 2);
    rush.leave(9, Some(9));
    assert_eq!(rush.picture(), "pnpPPP...");
    rush
}

#[test]
fn what_was_written_is_read_again_and_goes_on_alike() {
    let mut rush = full();
    let definition = Arc::new(rush.show.definition().clone());
    let saved = rush.show.to_snapshot();
    let mut read = Rush::of(Show::from_snapshot(definition, floor(100), &saved).unwrap());
    assert_eq!(read.show.waiting_room(), rush.show.waiting_room());
    assert_eq!(read.show.to_snapshot(), saved);
    (read.head, read.now) = (rush.head, rush.now);
    for ms in [CALL_MS, PASS_MS, RETURN_MS] {
        rush.pass(ms);
        read.pass(ms);
        assert_eq!(read.show.waiting_room(), rush.show.waiting_room(), "after {ms} ms");
    }
}

#[test]
fn every_prefix_of_a_room_is_refused_and_so_is_anything_after_it() {
    let bytes = bytes_of(full().room());
    assert_eq!(read(&bytes).as_ref(), Ok(full().room()));
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
    assert!(read(&[&bytes[..], &[0]].concat()).is_err());
}

/// What a [`WaitingRoom`] is written as, a field at a time.
#[derive(Clone, Default)]
struct Written {
    arrivals: u64,
    drawn: Option<u64>,
    numbers: u64,
    serving: u64,
    given_back: Vec<u64>,
    places: Vec<(u64, u8)>,
}

impl Written {
    fn bytes(&self) -> Vec<u8> {
        let mut to = Writer::with_capacity(64);
        to.number(self.arrivals);
        to.byte(u8::from(self.drawn.is_some()));
        if let Some(count) = self.drawn {
            to.bytes(&[0; 32 + 8]);
            to.number(1);
            to.bytes(&[0; 32]);
            to.number(count);
        }
        to.number(self.numbers);
        to.number(self.serving);
        to.number(self.given_back.len() as u64);
        self.given_back.iter().for_each(|number| to.number(*number));
        to.number(self.places.len() as u64);
        for (number, kind) in &self.places {
            to.number(*number);
            to.byte(*kind);
            match kind {
                0 => to.bytes(&[5, 0]),
                3 => to.bytes(&[[9; 16].as_slice(), &[5]].concat()),
                _ => to.byte(5),
            }
        }
        to.finish()
    }
}

#[test]
fn a_room_that_cannot_be_is_refused() {
    let sound = Written {
        numbers: 9,
        serving: 4,
        given_back: vec![6, 8],
        places: vec![(1, 0), (2, 1), (3, 2), (4, 3)],
        ..Written::default()
    };
    read(&sound.bytes()).unwrap().check(&rules(2, None).unwrap());
    let drawn = Written { arrivals: 3, drawn: Some(3), numbers: 3, ..Written::default() };
    read(&drawn.bytes()).unwrap();
    let table: [(&str, Written); 14] = [
        ("a fifth kind of place", Written { places: vec![(1, 4)], ..sound.clone() }),
        ("a place of number 0", Written { places: vec![(0, 1)], ..sound.clone() }),
        ("a place twice", Written { places: vec![(1, 1), (1, 1)], ..sound.clone() }),
        ("places out of order", Written { places: vec![(2, 1), (1, 1)], ..sound.clone() }),
        ("a place ahead of its turn", Written { places: vec![(5, 1)], ..sound.clone() }),
        ("two passes of one", Written { places: vec![(1, 3), (2, 3)], ..sound.clone() }),
        ("more served than came", Written { serving: 10, ..sound.clone() }),
        ("given back, but called", Written { given_back: vec![4], ..sound.clone() }),
        ("given back, but never taken", Written { given_back: vec![10], ..sound.clone() }),
        ("given back twice", Written { given_back: vec![6, 6], ..sound.clone() }),
        ("given back out of order", Written { given_back: vec![8, 6], ..sound.clone() }),
        ("more drawn than came", Written { drawn: Some(4), numbers: 4, ..drawn.clone() }),
        ("fewer drawn than came", Written { drawn: Some(2), ..drawn.clone() }),
        ("fewer numbers than were drawn", Written { numbers: 2, ..drawn }),
    ];
    for (what, written) in table {
        assert!(read(&written.bytes()).is_err(), "{what}");
    }
}
