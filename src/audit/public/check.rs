//! Checking a published log, with nothing but the file at hand.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::Value;

use crate::log::{Chain, Lives};
use crate::show::{Alias, Commitment, Definition, DrawSecret, Entry, Fact, Head, RoomFact, Time};

use super::super::Tally;
use super::super::books::{Room, commitment};
use super::PublicTicket;
use super::hex::{array_of_hex, from_hex};
use super::line::{FORMAT, of_the_room, published};

/// What a published log was found to be, where nothing is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The show's title.
    pub title: String,
    /// Its last head.
    pub head: Head,
    /// How many links of the chain could be worked out again; the others are only given.
    pub links: u64,
    /// Whether the chain's beginning could be, from what the show is.
    pub begins: bool,
    /// What happened in its waiting room.
    pub room: Tally,
    /// What became of the ticket that was asked for.
    pub ticket: Option<String>,
}

/// Why a published log is not believed, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// A line is wrong.
    #[error("line {line}: {what}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A head or a ticket that somebody kept is not in it.
    #[error("{0}")]
    NotBorneOut(String),
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[from] std::io::Error),
}

#[derive(Deserialize)]
struct First {
    usher: String,
    show: Definition,
    lives: String,
    chain: String,
    commitment: Option<Commitment>,
    genesis: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    seq: u64,
    time: Time,
    entry: String,
    void: bool,
    chain: String,
    bytes: Option<String>,
    by: Option<String>,
    genesis: Option<String>,
}

/// A published log, as far as it was read.
struct Reading {
    show: Definition,
    committed: Option<Commitment>,
    lives: Lives,
    beginning: Chain,
    head: Head,
    time: Time,
    room: Option<Room>,
    links: u64,
    begins: bool,
    tally: Tally,
    /// The head that is looked for, where there is one, and whether it was found.
    looks_for: Vec<(Head, bool)>,
    ticket: Option<(PublicTicket, Vec<String>)>,
}

/// Reads a published log to its end and judges it; `heads` are some that were kept, and are to be
/// in it, `ticket` one whose owner wants to know.
///
/// # Errors
/// The first thing that is wrong, or that it cannot be read.
pub fn check(
    from: impl BufRead,
    heads: &[Head],
    ticket: Option<PublicTicket>,
) -> Result<Checked, Doubt> {
    let mut lines = from.lines().zip(1..);
    let doubt = |line: u64, what: String| Doubt::Line { line, what };
    let Some((first, _)) = lines.next() else {
        return Err(doubt(1, "there is no first line".to_owned()));
    };
    let mut reading = Reading::begin(&first?).map_err(|what| doubt(1, what))?;
    reading.look_for(heads, ticket)?;
    for (line, number) in lines {
        reading.read(&line?).map_err(|what| doubt(number, what))?;
    }
    reading.end()
}

impl Reading {
    fn begin(line: &str) -> Result<Self, String> {
        let first: First =
            serde_json::from_str(line).map_err(|error| format!("it is no first line: {error}"))?;
        if first.usher != FORMAT {
            return Err(format!("it is {:?}, not {FORMAT:?}", first.usher));
        }
        let lives: Lives = first.lives.parse().map_err(|error| format!("{error}"))?;
        let beginning = chain(&first.chain)?;
        let committed = first.commitment.map(|commitment| commitment.0);
        if first.show.draw_secret.is_some() {
            return Err("it gives the secret of the draw away".to_owned());
        }
        let mut reading = Self {
            room: Room::of(&first.show, committed),
            show: first.show,
            committed: first.commitment,
            head: Head { epoch: lives.oldest(), seq: 0, chain: beginning.0 },
            lives,
            beginning,
            time: Time(0),
            links: 0,
            begins: false,
            tally: Tally::default(),
            looks_for: Vec::new(),
            ticket: None,
        };
        if let Some(genesis) = first.genesis {
            reading.genesis_is(&genesis)?;
        }
        Ok(reading)
    }

    /// The bytes that the chain begins with are there: they are the show that the first line gives.
    fn genesis_is(&mut self, genesis: &str) -> Result<(), String> {
        if Chain::of_genesis(self.lives.oldest(), genesis.as_bytes()) != self.beginning {
            return Err("the chain does not begin with this genesis".to_owned());
        }
        let (show, secret) = published(genesis).ok_or("the genesis is no show's")?;
        let committed = secret.map(|DrawSecret(secret)| Commitment(commitment(secret)));
        if show != self.show || committed != self.committed {
            return Err("the show is not the one of the genesis".to_owned());
        }
        self.begins = true;
        Ok(())
    }

    fn look_for(&mut self, heads: &[Head], ticket: Option<PublicTicket>) -> Result<(), Doubt> {
        if let Some(ticket) = ticket {
            if ticket.show != self.show.id {
                let what = format!("the ticket is of {}, not of {}", ticket.show, self.show.id);
                return Err(Doubt::NotBorneOut(what));
            }
            self.looks_for.push((ticket.head, false));
            self.ticket = Some((ticket, Vec::new()));
        }
        self.looks_for.extend(heads.iter().map(|head| (*head, false)));
        self.note_head();
        Ok(())
    }

    /// Where a new life begins here, its beginning is a head, too.
    fn go_onward(&mut self) {
        let Head { epoch, seq, chain } = self.head;
        let (epoch, chain) = self.lives.onward(seq, epoch, Chain(chain));
        (self.head.epoch, self.head.chain) = (epoch, chain.0);
        self.note_head();
    }

    fn note_head(&mut self) {
        for (head, found) in &mut self.looks_for {
            *found |= *head == self.head;
        }
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let whole: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let line = Line::deserialize(&whole).map_err(|error| error.to_string())?;
        let next = self.head.seq + 1;
        if line.seq != next {
            return Err(format!("entry {next} is missing; {} follows", line.seq));
        }
        self.go_onward();
        let before = Chain(self.head.chain);
        let after = chain(&line.chain)?;
        let fact = match &line.bytes {
            Some(bytes) => Some(self.link(&whole, &line, bytes, before, after)?),
            None => None,
        };
        (self.head.seq, self.head.chain) = (next, after.0);
        self.note_head();
        self.time = self.time.max(line.time);
        if let Some(genesis) = &line.genesis {
            self.genesis_is(genesis)?;
        }
        self.judge(&line, fact.as_ref())?;
        match &mut self.room {
            Some(room) => room.is_prompt(self.time),
            None => Ok(()),
        }
    }

    /// The entry's bytes are there: they are what the line says, and the chain is what they make it.
    fn link(
        &mut self,
        whole: &Value,
        line: &Line,
        bytes: &str,
        before: Chain,
        after: Chain,
    ) -> Result<RoomFact, String> {
        let bytes = from_hex(bytes).ok_or("its bytes are not in hex")?;
        if before.after(&bytes) != after {
            return Err("the chain is not what its bytes make it".to_owned());
        }
        let entry = Entry::from_bytes(&bytes).map_err(|fault| fault.to_string())?;
        let Fact::OfRoom(fact) = entry.fact else {
            return Err("its bytes are of something else than the waiting room".to_owned());
        };
        let (kind, fields) = of_the_room(&fact);
        let told = fields.as_object().into_iter().flatten();
        let mut told = told.map(|(name, value)| whole.get(name) == Some(value));
        if kind != line.entry || entry.time != line.time || !told.all(|as_told| as_told) {
            return Err("its bytes say something else".to_owned());
        }
        self.links += 1;
        Ok(fact)
    }

    fn judge(&mut self, line: &Line, fact: Option<&RoomFact>) -> Result<(), String> {
        let Some(room) = &mut self.room else {
            return match fact {
                Some(_) if !line.void => Err("the show has no waiting room".to_owned()),
                Some(_) | None => Ok(()),
            };
        };
        let Some(fact) = fact else {
            return self.judge_seats(line);
        };
        match (room.may(fact, self.time), line.void) {
            (Ok(()), true) => return Err("it is void, but nothing stands against it".to_owned()),
            (Err(_), true) => return Ok(()),
            (Err(what), false) => return Err(what),
            (Ok(()), false) => {}
        }
        room.fits(fact, line.time)?;
        room.change(fact, self.time, self.head.chain, &mut self.tally);
        self.follow_ticket(fact);
        Ok(())
    }

    /// Of entries about seats the waiting room has two things to say: who picked had a pass, and who
    /// bought or waits has none any more.
    fn judge_seats(&mut self, line: &Line) -> Result<(), String> {
        const OF_THE_ROOM: [&str; 7] = [
            "numbers_taken",
            "doors_opened",
            "numbers_called",
            "number_returned",
            "admitted",
            "place_given_back",
            "places_lapsed",
        ];
        if OF_THE_ROOM.contains(&line.entry.as_str()) {
            return Err("its bytes are missing".to_owned());
        }
        let picks = ["seats_held", "ticket_taken"].contains(&line.entry.as_str());
        let leaves = ["seats_sold", "ticket_taken"].contains(&line.entry.as_str());
        let Some(room) = self.room.as_mut().filter(|_| !line.void && (picks || leaves)) else {
            return Ok(());
        };
        let by = line.by.as_deref().and_then(array_of_hex).map(Alias);
        let by = by.ok_or("it does not say who it was")?;
        if picks {
            room.may_pick(by, line.time)?;
            self.tally.picked += 1;
        }
        if leaves {
            room.leaves(by, self.time);
        }
        Ok(())
    }

    /// Takes note of what becomes of the ticket's number.
    fn follow_ticket(&mut self, fact: &RoomFact) {
        let (Some(room), Some((ticket, story))) = (&self.room, &mut self.ticket) else { return };
        let number = match ticket.early {
            true => room.came_as(ticket.number).and_then(|(_, number)| number),
            false => Some(ticket.number),
        };
        let seq = self.head.seq;
        match fact {
            RoomFact::DoorsOpened { .. } if ticket.early => {
                story.extend(
                    number.map(|number| format!("drawn as number {number} by entry {seq}")),
                );
            }
            RoomFact::Admitted { number: own, .. } if Some(*own) == number => {
                story.push(format!("admitted by entry {seq}"));
            }
            RoomFact::PlaceGivenBack { number: own } if Some(*own) == number => {
                story.push(format!("given back by entry {seq}"));
            }
            RoomFact::NumbersCalled { next, .. }
                if number.is_some_and(|own| next.contains(&own)) =>
            {
                story.push(format!("called again by entry {seq}"));
            }
            RoomFact::NumbersCalled { upto, .. }
                if number.is_some_and(|own| own <= *upto)
                    && !story.iter().any(|said| said.starts_with("called")) =>
            {
                story.push(format!("called by entry {seq}"));
            }
            _ => {}
        }
    }

    fn end(mut self) -> Result<Checked, Doubt> {
        self.go_onward();
        for (head, found) in &self.looks_for {
            if !found {
                let Head { epoch, seq, chain } = head;
                let what = format!("the head {epoch}.{seq}.{} is not in it", Chain(*chain));
                return Err(Doubt::NotBorneOut(what));
            }
        }
        let ticket = self.ticket.as_ref().map(|(ticket, story)| self.bears_out(ticket, story));
        Ok(Checked {
            ticket: ticket.transpose().map_err(Doubt::NotBorneOut)?,
            title: self.show.title,
            head: self.head,
            links: self.links,
            begins: self.begins,
            room: self.tally,
        })
    }

    /// The ticket's number is its owner's in this log, too; and what became of it.
    fn bears_out(&self, ticket: &PublicTicket, story: &[String]) -> Result<String, String> {
        let room = self.room.as_ref().ok_or("the show has no waiting room")?;
        let owner = match ticket.early {
            true => room.came_as(ticket.number).map(|(alias, _)| alias),
            false => room.owner(ticket.number),
        };
        let alias = Alias::of(&self.show.id, ticket.session);
        let what = if ticket.early { "arrival" } else { "number" };
        if owner != Some(alias) {
            return Err(format!("{what} {} is not of {alias}, whose ticket it is", ticket.number));
        }
        let story = if story.is_empty() { "still waiting".to_owned() } else { story.join(", ") };
        Ok(format!("{what} {} of {alias}: {story}", ticket.number))
    }
}

fn chain(text: &str) -> Result<Chain, String> {
    array_of_hex(text).map(Chain).ok_or_else(|| "its chain is not 64 digits of hex".to_owned())
}
