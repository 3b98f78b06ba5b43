//! The wire: frames and JSON-RPC messages to and from bytes, and the close codes.

pub mod rpc;
pub mod seats;
pub mod websocket;
