//! A client of the live protocol, for the command line, the load tool and the tests.
//!
//! It follows `docs/protocol.md` to the letter and trusts nothing: frames are read strictly, and a
//! gap ends the connection with an error where a browser would reopen. It speaks `http` and `ws`
//! only: TLS belongs to the proxy in front of a server, and these clients stand beside the server.
//!
//! - [`House`]: where a server is, and what can be asked of it over plain HTTP.
//! - [`Viewer`]: a socket that follows one show and keeps a picture of its seats.
//! - [`Buyer`]: a viewer that also asks for things.

mod buyer;
mod error;
mod house;
mod viewer;

pub use buyer::{Bought, Buyer, Held, Identified, Joined, Released};
pub use error::ClientError;
pub use house::{
    Drawn, House, Layout, LayoutArea, LayoutCategory, LayoutRow, LayoutSection, ShowInfo,
    WaitingRoomInfo,
};
// What a client's user meets in pictures and messages.
pub use crate::protocol::picture::{Applied, Picture};
pub use crate::protocol::rpc::{AdmissionState, AdmissionView, Card, FromServer, Notice, RpcError};
pub use crate::protocol::seats::{Format, Run, SeatFrame};
pub use crate::protocol::{HoldId, SeatState, ShowId, Wish};
pub use viewer::{Counters, Heard, Since, Viewer};

#[cfg(test)]
mod tests;
