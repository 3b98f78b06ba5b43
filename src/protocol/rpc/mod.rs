//! JSON-RPC 2.0 messages, to and from text: one file for each direction and kind.
//!
//! - [`request`](mod@request): what a client asks, parsed once into a typed [`Method`].
//! - [`params`](mod@params), [`fault`](mod@fault): the details of that.
//! - [`response`](mod@response): results, refusals and faults.
//! - [`notice`](mod@notice): what is told unasked.
//! - [`view`](mod@view): the objects that all of these carry.
//! - [`reply`](mod@reply): the client's side, which reads what the server wrote.
//!
//! Nothing here knows the rules of a show: a request that parses may still be refused.

pub mod fault;
pub mod notice;
pub mod params;
pub mod reply;
pub mod request;
pub mod response;
pub mod view;

pub use fault::{Fault, Faulty};
pub use notice::{Notice, ReleaseReason, StorageState};
pub use reply::{FromServer, RpcError};
pub use request::{Buy, Card, Id, Incoming, Method, PaymentMethod, Request};
pub use view::{
    AdmissionState, AdmissionView, HeadView, HoldState, HoldView, OrderView, PaymentState,
    PaymentView, WaitingView,
};
