//! connection.

pub mod session;
