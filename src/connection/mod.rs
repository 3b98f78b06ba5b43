//! The connection: what a buyer's messages mean, over a socket or over HTTP.
//!
//! A message is answered in one place, [`Doorkeeper::answer`], whichever way it came. This room owns
//! the rates, and what counts as abuse. It may use the protocol, the tokens, the box office, the
//! checkout and the hub; it has no HTTP and touches neither seats nor log itself.

mod admission;
mod answer;
mod live;
mod rate;

pub use answer::{Answered, Asker, Doorkeeper, Rates, read};
pub use live::live;
pub use rate::Rate;
