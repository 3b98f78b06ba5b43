//! The tests that stand outside the house and use its doors. One module a story.

mod audit;
mod crash;
mod doors;
mod frozen;
mod log_contract;
mod log_memory;
mod log_sqlite;
mod open_house;
mod simulation;
mod simulation_nodes;
mod stories;
mod tidy;
