//! A show's log from its first entry on, one step at a time, with nothing taken on trust.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::hall::{Area, Category, Decoration, Floor, Hall, Shape, Size};
use crate::log::{Chain, Lives, Log, Recorded, Snapshot, StreamId};
use crate::show::{Definition, Entry, Head, Outcome, SeatChange, Show, ShowId};

use super::{AuditError, Break, unreadable};

/// How many entries are read at a time. Fewer than were asked for are the log's end.
const READ_ENTRIES: usize = 10_000;

/// A show as its log makes it, so far.
pub struct Replay {
    log: Arc<dyn Log>,
    name: String,
    stream: StreamId,
    lives: Lives,
    show: Show,
    head: Head,
    hall: Option<Arc<Hall>>,
    floor: Arc<Floor>,
    read: VecDeque<Recorded>,
    at_end: bool,
}

/// One entry and what it did.
#[derive(Debug)]
pub struct Step {
    /// As the log has it.
    pub recorded: Recorded,
    /// What it says.
    pub entry: Entry,
    /// What came of it.
    pub outcome: Outcome,
    /// What became of seats.
    pub changes: Vec<SeatChange>,
}

impl Replay {
    /// A show before its first entry.
    ///
    /// # Errors
    /// Its beginning is no show's, or not of its hall, or cannot be read.
    pub async fn open(
        log: Arc<dyn Log>,
        catalogue: Option<&Catalogue>,
        show: &ShowId,
    ) -> Result<Self, AuditError> {
        let name = format!("show {show}");
        let broken = |what: String| Break { stream: name.clone(), what };
        let stream = StreamId::show(show);
        let genesis = log.genesis(&stream).await.map_err(|error| unreadable(&name, error))?;
        let definition: Definition = serde_json::from_slice(&genesis.bytes)
            .map_err(|error| broken(format!("its definition cannot be read: {error}")))?;
        if definition.id != *show {
            return Err(broken(format!("it is defined as show {}", definition.id)).into());
        }
        let hall = catalogue.and_then(|catalogue| catalogue.hall(&definition.hall));
        let floor = match &hall {
            Some(hall) => hall.floor.clone(),
            None => Arc::new(Floor::new(&stand_in(definition.seats))),
        };
        if floor.seats() != definition.seats {
            let (of_hall, of_show) = (floor.seats(), definition.seats);
            let what = format!("it has {of_show} seats, but its hall has {of_hall}");
            return Err(broken(what).into());
        }
        let (epoch, chain) = genesis.beginning();
        Ok(Self {
            lives: genesis.lives,
            show: Show::new(Arc::new(definition), floor.clone()),
            head: Head { epoch, seq: 0, chain: chain.0 },
            hall: hall.map(|hall| hall.hall),
            floor,
            log,
            name,
            stream,
            read: VecDeque::new(),
            at_end: false,
        })
    }

    /// The next entry, applied; none at the log's end as it was when that was read.
    ///
    /// # Errors
    /// The entry is damaged, missing or no entry, or the log cannot be read.
    pub async fn step(&mut self) -> Result<Option<Step>, AuditError> {
        if self.read.is_empty() && !self.at_end {
            let read = self.log.read(&self.stream, self.head.seq, READ_ENTRIES).await;
            self.read = read.map_err(|error| unreadable(&self.name, error))?.into();
            self.at_end = self.read.len() < READ_ENTRIES;
        }
        let Some(recorded) = self.read.pop_front() else { return Ok(None) };
        let next = self.head.seq + 1;
        let broken = |what: String| Break { stream: self.name.clone(), what };
        if recorded.seq != next {
            return Err(broken(format!("entry {next}: missing; {} follows", recorded.seq)).into());
        }
        let entry = Entry::from_bytes(&recorded.bytes)
            .map_err(|fault| broken(format!("entry {next}: cannot be read: {fault}")))?;
        if self.hall.is_none() && entry.fact.is_of_the_waitlist() {
            let what = "somebody waits, and who is served rests on the hall, which is missing";
            return Err(broken(format!("entry {next}: {what}")).into());
        }
        let (epoch, chain) =
            self.lives.onward(self.head.seq, self.head.epoch, Chain(self.head.chain));
        let chain = chain.after(&recorded.bytes);
        self.head = Head { epoch, seq: next, chain: chain.0 };
        let mut changes = Vec::new();
        let outcome = self.show.apply(self.head, &entry, &mut changes);
        Ok(Some(Step { recorded, entry, outcome, changes }))
    }

    /// The show after the last step.
    pub fn show(&self) -> &Show {
        &self.show
    }

    /// The log's head after the last step.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The hall, where the catalogue has it.
    pub fn hall(&self) -> Option<&Hall> {
        self.hall.as_deref()
    }

    /// The hall as the core knows it: without a catalogue, seats without rows or prices.
    pub(super) fn floor(&self) -> &Floor {
        &self.floor
    }

    /// Whether `snapshot`, of this place, is this state; no where another version of the program
    /// made it, which says nothing; or what is wrong with it.
    pub(super) fn is_at(&self, snapshot: &Snapshot) -> Result<bool, String> {
        if !self.lives.has(snapshot.known.position) {
            return Err("the snapshot is of another life of the log".to_owned());
        }
        // Where a new life begins here, the snapshot may have been made on either side of it.
        let chain = Chain(self.head.chain);
        let onward = self.lives.onward(self.head.seq, self.head.epoch, chain);
        if ![(self.head.epoch, chain), onward]
            .contains(&(snapshot.known.position.epoch, snapshot.chain))
        {
            return Err("the snapshot was made after other entries".to_owned());
        }
        let replayed = self.show.to_snapshot();
        if snapshot.bytes.first() != replayed.first() {
            return Ok(false);
        }
        if snapshot.bytes != replayed {
            return Err("the snapshot is not what a replay comes to".to_owned());
        }
        Ok(true)
    }
}

/// A hall of so many seats of which nothing else is known. While nobody waits applying asks for
/// nothing else: whether seats are neighbours is a question of choosing them, and that was answered
/// before the entry was written.
fn stand_in(seats: u32) -> Hall {
    let shape = Decoration {
        shape: Shape::Text { x: 0.0, y: 0.0 },
        rotation: 0.0,
        color: None,
        border_color: None,
        text: None,
    };
    let category = Category { name: String::new(), color: String::new() };
    let area = Area { name: String::new(), category: 0, first: 0, count: seats, shape };
    Hall {
        name: String::new(),
        categories: vec![category],
        sections: Vec::new(),
        areas: vec![area],
        decorations: Vec::new(),
        size: Size { width: 0.0, height: 0.0 },
    }
}
