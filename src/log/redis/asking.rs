//! Asking: a request to whoever has the keys, sent again where that is of use, and given up in time.
//!
//! Whoever waits at a show is answered within two seconds, so a request has less. What was sent may
//! have been done although no answer came: every request may be sent twice (see `scripts`), and one
//! that is given up is *unknown*, never *failed*.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, ServerError, ServerErrorKind, Value};
use tokio::time::{Instant, sleep, timeout_at};

use super::map::Map;
use super::place::{Node, Place};
use super::scripts;

/// How long a request may take, with all it is sent again.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_millis(1_500);
/// How much later an attempt is dropped that did not notice by itself that its time is over: one that
/// does also gives up the connection on which nothing came.
const NOTICED_WITHIN: Duration = Duration::from_millis(100);
/// How long to wait before sending again.
const AGAIN_AFTER: Duration = Duration::from_millis(25);

/// Why one attempt had no answer.
enum Trouble {
    /// It is of no use to send it again.
    Final(anyhow::Error),
    /// Things may be better in a moment.
    Again(anyhow::Error),
    /// Things are better already.
    AtOnce,
    /// While a slot moves: this one request is to be sent there.
    Elsewhere(Place),
}

impl Map {
    /// What the server that has `slot` answers to `commands`. All their keys are in that slot.
    pub(super) async fn ask(&self, slot: u16, commands: &Pipeline) -> anyhow::Result<Vec<Value>> {
        self.ask_until(slot, commands, Instant::now() + ANSWERED_WITHIN).await
    }

    /// The same, where the request is the second for one who waits.
    pub(super) async fn ask_until(
        &self,
        slot: u16,
        commands: &Pipeline,
        deadline: Instant,
    ) -> anyhow::Result<Vec<Value>> {
        let mut elsewhere = None;
        let mut reason = anyhow::anyhow!("it does not answer");
        loop {
            let attempt = self.attempt(slot, elsewhere.take(), commands, deadline);
            match timeout_at(deadline + NOTICED_WITHIN, attempt).await {
                Ok(Ok(answers)) => return Ok(answers),
                Ok(Err(Trouble::Final(error))) => return Err(error),
                Ok(Err(Trouble::AtOnce)) => {}
                Ok(Err(Trouble::Elsewhere(place))) => elsewhere = Some(place),
                Ok(Err(Trouble::Again(error))) => {
                    reason = error;
                    if Instant::now() + AGAIN_AFTER >= deadline {
                        return Err(reason);
                    }
                    sleep(AGAIN_AFTER).await;
                }
                Err(_) => return Err(reason),
            }
        }
    }

    async fn attempt(
        &self,
        slot: u16,
        elsewhere: Option<Place>,
        commands: &Pipeline,
        deadline: Instant,
    ) -> Result<Vec<Value>, Trouble> {
        let node = match &elsewhere {
            Some(place) => self.node_at(place),
            None => self.node_of(slot).await.map_err(Trouble::Again)?,
        };
        let about = || format!("Redis at {}", node.place);
        let connected = timeout_at(deadline, node.connection(slot, self.login())).await;
        let connected = connected.context("it accepts no connection").and_then(|made| Ok(made?));
        let (number, mut connection) = connected.map_err(|error| {
            self.doubt(&node);
            Trouble::Again(error.context(about()))
        })?;
        let answers = send(&mut connection, commands, elsewhere.is_some());
        let answers = match timeout_at(deadline, answers).await {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => {
                node.give_up(slot, number).await;
                self.doubt(&node);
                return Err(Trouble::Again(anyhow::Error::new(error).context(about())));
            }
            Err(_) => {
                // The other machine may be gone without a word: the next request is not to wait for
                // it on the same connection.
                node.give_up(slot, number).await;
                self.doubt(&node);
                return Err(Trouble::Final(anyhow::anyhow!("it does not answer").context(about())));
            }
        };
        let fault = answers.iter().find_map(|answer| match answer {
            Value::ServerError(error) => Some(error.clone()),
            _ => None,
        });
        match fault {
            None => Ok(answers),
            Some(error) => {
                let trouble = self.trouble(&error, slot, &node, &mut connection).await;
                if matches!(error.kind(), Some(ServerErrorKind::ReadOnly)) {
                    node.give_up(slot, number).await;
                }
                Err(trouble)
            }
        }
    }

    /// What is to be done about a server's refusal.
    async fn trouble(
        &self,
        error: &ServerError,
        slot: u16,
        node: &Arc<Node>,
        connection: &mut MultiplexedConnection,
    ) -> Trouble {
        let said = anyhow::anyhow!("{} {}", error.code(), error.details().unwrap_or_default());
        let said = said.context(format!("Redis at {}", node.place));
        let place = || {
            let (_, place) = error.details()?.split_once(' ')?;
            Place::parse(place, &node.place)
        };
        match (error.kind(), error.code()) {
            (Some(ServerErrorKind::NoScript), _) => {
                let load = scripts::load_all();
                match connection.send_packed_commands(&load, 0, load.len()).await {
                    Ok(_) => Trouble::AtOnce,
                    Err(failed) => Trouble::Again(failed.into()),
                }
            }
            (Some(ServerErrorKind::Moved), _) => match place() {
                Some(place) => {
                    self.moved(slot, self.node_at(&place));
                    Trouble::AtOnce
                }
                None => Trouble::Final(said),
            },
            (Some(ServerErrorKind::Ask), _) => {
                place().map_or(Trouble::Final(said), Trouble::Elsewhere)
            }
            // It was the primary, or is no longer sure to be: one that is cut off from its replicas may
            // have been replaced without knowing.
            (
                Some(
                    ServerErrorKind::ReadOnly
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown,
                ),
                _,
            )
            | (_, "UNBLOCKED" | "NOREPLICAS") => {
                self.doubt(node);
                Trouble::Again(said)
            }
            (Some(ServerErrorKind::TryAgain | ServerErrorKind::BusyLoading), _) | (_, "BUSY") => {
                Trouble::Again(said)
            }
            _ => Trouble::Final(said),
        }
    }
}

/// Sends all commands as one; while a slot moves, each with the word that it was sent on.
async fn send(
    connection: &mut MultiplexedConnection,
    commands: &Pipeline,
    sent_on: bool,
) -> redis::RedisResult<Vec<Value>> {
    if !sent_on {
        return connection.send_packed_commands(commands, 0, commands.len()).await;
    }
    let mut both = redis::pipe();
    for command in commands.cmd_iter() {
        both.cmd("ASKING").add_command(command.clone());
    }
    let answers = connection.send_packed_commands(&both, 0, both.len()).await?;
    Ok(answers.into_iter().skip(1).step_by(2).collect())
}
