//! Those who go through the waiting room, at any node: which of their tickets are believed there, who is let
//! in, and what must be true of it all in the end.

use std::sync::Arc;

use rand::RngExt as _;
use usher::box_office::{Pending, Shown};
use usher::log::Log as _;
use usher::show::{Command, Entry, Head, SessionId, Show};

use super::{Node, Seen, World, let_in_all};
use crate::simulation::guests::Ticket;
use crate::simulation::room::NaiveRoom;

impl World {
    /// What some of them do at this node.
    pub(super) async fn guests_ask(&mut self, node: usize) -> Vec<Command> {
        let mut commands = Vec::new();
        for _ in 0..self.random.random_range(0..3) {
            let nth = self.random.random_range(0..self.guests.len());
            match self.is_believed(node, nth).await {
                Some(true) => {}
                Some(false) => self.guests[nth].0.forgets(),
                None => continue,
            }
            let Self { nodes, guests, random, .. } = self;
            let Node { desk, lobby, .. } = &nodes[node];
            let replica = desk.replica().read();
            let Some(room) = replica.show().waiting_room() else { break };
            let (guest, at) = &mut guests[nth];
            if *at != node {
                (guest.presence, *at) = (None, node);
            }
            commands.extend(guest.acts(room, lobby, random));
        }
        commands
    }

    /// As the program does with a ticket: whether it is of this history. None where the node would ask
    /// the log first.
    async fn is_believed(&self, node: usize, nth: usize) -> Option<bool> {
        let Some(ticket) = self.guests[nth].0.ticket else { return Some(true) };
        let (has, known) = {
            let replica = self.replica(node).read();
            (replica.has(ticket.head), replica.known().position)
        };
        let all = self.log.read(&self.stream, 0, usize::MAX).await.expect("the log").len() as u64;
        let knows_all = (known.epoch, known.seq) == (self.life().await, all);
        if has { Some(true) } else { knows_all.then_some(false) }
    }

    /// Somebody is told which number they have, and mostly has a socket there.
    pub(super) fn is_given(
        &mut self,
        node: usize,
        session: SessionId,
        shown: Shown,
        head: Head,
        seen: &mut Seen,
    ) {
        let guest = self.guests.iter_mut().find(|(guest, _)| guest.session == session);
        let (guest, at) = guest.expect("a guest");
        match self.lost_after {
            Some(left) if head.seq > left => seen.tickets_lost += 1,
            _ => {
                let before = self.given.insert(shown, (guest.alias, head.seq));
                assert_eq!(before, None, "{shown:?} is given twice");
            }
        }
        guest.forgets();
        (guest.ticket, *at) = (Some(Ticket { shown, head }), node);
        if self.random.random_bool(0.7) {
            let Node { desk, lobby, present, .. } = &mut self.nodes[node];
            let replica = desk.replica().read();
            let room = replica.show().waiting_room().expect("a waiting room");
            let pending = |command| Pending { command, socket: None, answer: None };
            present.extend(guest.comes(room, lobby).map(pending));
        }
    }

    /// As the task does when the log answers again.
    pub(super) fn all_who_are_here_come(&mut self, node: usize) {
        let Node { desk, lobby, present, .. } = &mut self.nodes[node];
        present.extend(let_in_all(desk.replica().read().show(), lobby));
    }

    /// As the task does in another life.
    pub(super) fn lobby_begins_anew(&mut self, node: usize) {
        let Node { desk, lobby, present, .. } = &mut self.nodes[node];
        let replica = desk.replica().read();
        present.clear();
        lobby.forget_what_was_lost(|given| replica.has(given));
        if let Some(draw) = replica.show().waiting_room().and_then(|room| room.draw()) {
            lobby.draw(draw);
        }
        drop(replica);
        self.all_who_are_here_come(node);
    }

    /// The whole log once more, before the eyes of a list of people: nobody overtaken, no number twice,
    /// what was acknowledged is so, and nobody is kept waiting who is here.
    pub(super) async fn judge_the_room(&self, seen: &mut Seen) {
        let log = self.log.read(&self.stream, 0, usize::MAX).await.expect("the log");
        let replica = self.replica(0).read();
        let Some(there) = replica.show().waiting_room() else { return };
        let mut room = NaiveRoom::of(replica.show(), false).expect("a waiting room");
        let definition = Arc::new(replica.show().definition().clone());
        let mut show = Show::new(definition, self.floor.clone());
        for recorded in log {
            let entry = Entry::from_bytes(&recorded.bytes).expect("an entry");
            let head = Head { epoch: 1, seq: recorded.seq, chain: [0; 32] };
            let outcome = show.apply(head, &entry, &mut Vec::new());
            room.hears(&entry, outcome, there.draw());
        }
        room.agrees(there);
        room.is_settled(self.clock.now());
        for (shown, (alias, seq)) in &self.given {
            assert_eq!(room.owner(*shown), Some(*alias), "{shown:?} of entry {seq}");
        }
        // Whoever a node took out of its lobby with a lost history has to identify again.
        for (guest, at) in &self.guests {
            let place = guest.number(there).and_then(|number| there.place(number));
            let lobby = &self.nodes[*at].lobby;
            let here = guest.number(there).and_then(|number| lobby.who_has(number));
            assert!(
                here.is_none() || !guest.is_kept_waiting(there),
                "{} with {:?} is at {at}, {place:?}, and in the lobby is {here:?} at {}",
                guest.alias,
                guest.ticket,
                self.clock.now().0,
            );
        }
        seen.room.add(room.counts);
    }
}
