//! Many nodes on one Redis, as real processes, while everything breaks that can: nodes and Redis are
//! killed, lines are cut and stall, a failover forgets what was acknowledged.
//!
//! Buyers on all nodes fight for the same seats, viewers on all nodes watch. At the end of every
//! story all nodes and all viewers show the same seats, nothing that was acknowledged is missing,
//! nothing was sold twice, and `usher verify` finds every promise kept.
//!
//! A story that fails prints its `USHER_SEED`. Processes and networks are not simulated, so a seed
//! repeats what was done to them, not what they made of it.

mod buyers;
mod crowd;
mod journal;
mod stage;
mod viewers;

mod admission;
mod cluster;
mod cut_off;
mod evening;
mod failover;
mod killed;
mod reached;
mod rolling;
mod together;
mod waiting;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// The chance of a story, from `USHER_SEED` or another each time.
fn chance() -> StdRng {
    StdRng::seed_from_u64(crate::crash::seed())
}

/// The longest anybody may wait for an answer: two seconds, and what a busy machine adds.
const ANSWER_MS_MAX: u64 = 2_500;
