//! Usher shows people to their seats: a live seat-map server.
//!
//! The rooms, in reading order. What each may use is in `docs/architecture.md`, and the `tidy`
//! test holds the code to it.

pub mod config;

pub mod hall;
pub mod show;

pub mod log;
pub mod protocol;
pub mod tokens;

pub mod box_office;
pub mod catalogue;
pub mod checkout;
pub mod connection;
pub mod hub;

pub mod audit;
pub mod client;
pub mod web;

pub mod cli;
pub mod server;
