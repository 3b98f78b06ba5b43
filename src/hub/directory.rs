//! Which sockets belong to which session at which show, over all shards.
//!
//! Most sessions have one socket, and most notices are for the others of a session: with this list
//! the hub finds that there are none, and wakes no shard.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SocketId;
use crate::show::{SessionId, ShowId};

#[derive(Debug, Default)]
pub(super) struct Directory {
    shows: Mutex<HashMap<ShowId, HashMap<SessionId, Vec<Member>>>>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    socket: SocketId,
    shard: usize,
}

impl Directory {
    /// From now on `socket`, which lives on `shard`, hears what is said to `session`.
    pub(super) fn enter(&self, show: &ShowId, session: SessionId, socket: SocketId, shard: usize) {
        let mut shows = self.shows();
        if !shows.contains_key(show) {
            shows.insert(show.clone(), HashMap::new());
        }
        if let Some(sessions) = shows.get_mut(show) {
            sessions.entry(session).or_default().push(Member { socket, shard });
        }
    }

    /// `socket` hears no more of `session`.
    pub(super) fn leave(&self, show: &ShowId, session: SessionId, socket: SocketId) {
        let mut shows = self.shows();
        let Some(sessions) = shows.get_mut(show) else { return };
        if let Some(members) = sessions.get_mut(&session) {
            members.retain(|member| member.socket != socket);
            if members.is_empty() {
                sessions.remove(&session);
            }
        }
        if sessions.is_empty() {
            shows.remove(show);
        }
    }

    /// Whether the session has a socket at the show other than `except`.
    pub(super) fn hears(
        &self,
        show: &ShowId,
        session: SessionId,
        except: Option<SocketId>,
    ) -> bool {
        let shows = self.shows();
        let members = shows.get(show).and_then(|sessions| sessions.get(&session));
        members.into_iter().flatten().any(|member| Some(member.socket) != except)
    }

    /// The session's sockets at the show, but one: each with its shard.
    pub(super) fn sockets(
        &self,
        show: &ShowId,
        session: SessionId,
        except: Option<SocketId>,
    ) -> Vec<(usize, SocketId)> {
        let shows = self.shows();
        let members = shows.get(show).and_then(|sessions| sessions.get(&session));
        members
            .into_iter()
            .flatten()
            .filter(|member| Some(member.socket) != except)
            .map(|member| (member.shard, member.socket))
            .collect()
    }

    fn shows(&self) -> MutexGuard<'_, HashMap<ShowId, HashMap<SessionId, Vec<Member>>>> {
        // Every change in here is whole once made; a panic elsewhere leaves nothing half done.
        self.shows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
