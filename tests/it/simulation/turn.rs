//! One turn of the box office, and what the models make of it.

use rand::RngExt as _;
use tokio::sync::oneshot::{self, error::TryRecvError};
use usher::box_office::{Answer, Pending, Reply, Shown};
use usher::hall::Seat;
use usher::log::{AppendError, Appended, Log as _};
use usher::show::{Command, Entry, HoldId, Time};

use super::guests::{let_in, let_in_all};
use super::model::{ModelHold, in_line};
use super::{GRACE_MS, Seen, World};

impl World {
    pub(super) async fn turn(&mut self, seen: &mut Seen) {
        let count = self.random.random_range(0..12);
        let mut commands: Vec<Command> = (0..count).map(|_| self.command()).collect();
        commands.extend(self.guests_ask());
        self.turn_with(commands, seen).await;
    }

    /// One turn of the box office, its waiting included, and then the judgement of the model.
    pub(super) async fn turn_with(&mut self, commands: Vec<Command>, seen: &mut Seen) {
        let now = self.clock.now();
        let mut waiting = Vec::new();
        let mut inbox: Vec<Pending> = commands
            .into_iter()
            .map(|command| {
                let (answer, answered) = oneshot::channel();
                waiting.push((command.clone(), answered));
                Pending { command, socket: None, answer: Some(answer) }
            })
            .collect();
        if self.work(&mut inbox, now).await {
            self.judge_the_room(now);
        }
        self.lapse_in_model(now, seen);
        // Grants first in the order of the log, then refusals, which changed nothing.
        let mut answers = Vec::new();
        for (command, mut answered) in waiting {
            match answered.try_recv() {
                Ok(answer) => answers.push((command, answer)),
                Err(TryRecvError::Empty) => panic!("{command:?} was not answered"),
                Err(TryRecvError::Closed) => panic!("{command:?} was dropped"),
            }
        }
        answers.sort_by_key(|(_, answer)| answer.as_ref().map_or(u64::MAX, |reply| reply.seq));
        let mut in_line = std::mem::take(&mut self.in_line).into_iter().peekable();
        for (command, answer) in answers {
            let seq = answer.as_ref().map_or(u64::MAX, |reply| reply.seq);
            while let Some((_, what)) = in_line.next_if(|(at, _)| *at <= seq) {
                self.model.hears(what, self.desk.replica().read().show(), seen);
            }
            if let Ok(Reply { answer: Answer::Number { number, early, head }, .. }) = answer {
                let shown = if early { Shown::Arrival } else { Shown::Number };
                self.is_given(command.session(), shown(number), head);
            }
            self.model.judge(command, answer, seen);
        }
        for (_, what) in in_line {
            self.model.hears(what, self.desk.replica().read().show(), seen);
        }
        self.settle_unknown();
        self.compare();
    }

    /// Turns until nothing follows; false where the log did not answer.
    async fn work(&mut self, inbox: &mut Vec<Pending>, now: Time) -> bool {
        if std::mem::take(&mut self.has_missed) {
            self.present.extend(let_in_all(self.desk.replica().read().show(), &self.lobby));
        }
        loop {
            inbox.append(&mut self.present);
            let entries = self.desk.propose(inbox, now);
            if !entries.is_empty() && !self.append(entries, now).await {
                self.present.clear();
                self.has_missed = true;
                return false;
            }
            if !self.desk.has_more() && self.present.is_empty() {
                return true;
            }
        }
    }

    /// Appends and settles; false where the log did not answer.
    async fn append(&mut self, entries: Vec<bytes::Bytes>, now: Time) -> bool {
        let known = self.desk.replica().read().known();
        let appended = match self.log.append(&self.stream, known, entries).await {
            Ok(appended) => appended,
            Err(AppendError::Unavailable(_)) => {
                self.desk.unavailable(now);
                // As the task does: read what is there before anything else is proposed.
                let since_known = self
                    .log
                    .read(&self.stream, known.position.seq, usize::MAX)
                    .await
                    .expect("the log");
                let kept = Appended { since_known, own_first: u64::MAX };
                self.settle(&kept, now);
                return false;
            }
            Err(error @ (AppendError::Forked | AppendError::Trimmed)) => {
                panic!("nobody touched this log: {error}")
            }
        };
        self.settle(&appended, now);
        true
    }

    fn settle(&mut self, appended: &Appended, now: Time) {
        let before = self.desk.replica().read().head().seq;
        let settled = self.desk.settle(appended, now, &|_, _| false).expect("a sound log");
        let seq = self.desk.replica().read().head().seq;
        let new = appended.since_known.iter().filter(|recorded| recorded.seq > before);
        let known = appended.since_known.len() - new.clone().count();
        let replica = self.desk.replica().read();
        let draw = replica.show().waiting_room().and_then(|room| room.draw());
        for (recorded, outcome) in new.zip(&settled.outcomes[known..]) {
            let entry = Entry::from_bytes(&recorded.bytes).expect("an entry");
            self.room.iter_mut().for_each(|room| room.hears(&entry, *outcome, draw));
            let what = in_line(entry, *outcome);
            self.in_line.extend(what.map(|what| (recorded.seq, what)));
        }
        self.present.extend(let_in(replica.show(), &self.lobby, &settled.outcomes));
        drop(replica);
        if seq > self.board.position().1 {
            self.board.publish(seq, &settled.changes);
        }
    }

    /// Whatever is past its end must have lapsed by the end of the turn, unless the log was away.
    fn lapse_in_model(&mut self, now: Time, seen: &mut Seen) {
        let replica = self.desk.replica().read();
        let show = replica.show();
        let gone = |id: &HoldId, hold: &ModelHold| {
            show.hold(*id).is_none() && hold.expires_at.plus_ms(GRACE_MS) <= now
        };
        let lapsed: Vec<HoldId> = self
            .model
            .holds
            .iter()
            .filter(|(id, hold)| gone(id, hold))
            .map(|(id, _)| *id)
            .collect();
        drop(replica);
        for id in lapsed {
            seen.lapsed += 1;
            self.model.free(id);
        }
    }

    /// A command that was answered `unavailable` was done wholly or not at all: the model learns
    /// which from the show, and checks that it is one of the two.
    fn settle_unknown(&mut self) {
        let replica = self.desk.replica().read();
        let show = replica.show();
        let unknown = std::mem::take(&mut self.model.unknown);
        for command in unknown.clone() {
            let Some(session) = command.session() else { continue };
            let model = self.model.holds.iter().find(|(_, hold)| hold.session == session);
            let model = model.map(|(id, hold)| (*id, hold.clone()));
            match (&command, model, show.hold_of(session)) {
                (Command::Hold { .. } | Command::HoldBest { .. }, None, Some(hold)) => {
                    if !could_give(&command, &hold.seats) {
                        // They asked twice in one turn: then it was the other.
                        let mut others = unknown.iter().filter(|other| **other != command);
                        let theirs = |other: &Command| other.session() == Some(session);
                        let by_another =
                            others.any(|other| theirs(other) && could_give(other, &hold.seats));
                        assert!(by_another, "{command:?} gave {:?}: all or none", hold.seats);
                        continue;
                    }
                    self.model.hold(hold.id, session, hold.seats.to_vec(), hold.expires_at);
                }
                (Command::Change { hold, .. }, Some((id, _)), Some(now)) if *hold == id => {
                    let expires_at = self.model.free(id).expires_at;
                    assert_eq!(expires_at, now.expires_at, "the deadline does not move");
                    self.model.hold(id, session, now.seats.to_vec(), expires_at);
                }
                (Command::Release { hold, .. }, Some((id, _)), None) if *hold == id => {
                    self.model.free(id);
                }
                (Command::Buy { hold, .. }, Some((id, _)), None) if *hold == id => {
                    self.model.sell(id);
                }
                _ => {}
            }
        }
    }
}

/// Whether these seats may be what this command got.
fn could_give(command: &Command, got: &[Seat]) -> bool {
    match command {
        Command::Hold { seats, .. } => {
            let mut named = seats.clone();
            named.sort_unstable();
            named.into_iter().eq(got.iter().map(|seat| u64::from(seat.0)))
        }
        Command::HoldBest { .. } => true,
        _ => false,
    }
}
