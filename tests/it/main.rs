//! The tests that stand outside the house and use its doors. One module a story.

mod audit;
mod audit_room;
mod copying;
mod crash;
mod doors;
mod draw;
mod frozen;
mod keys;
mod log_contract;
mod log_memory;
mod log_redis;
mod log_sqlite;
mod many_nodes;
mod open_house;
mod program;
mod proxy;
mod publishing;
mod redis_server;
mod simulation;
mod simulation_nodes;
mod sold_out;
mod stories;
mod tidy;
mod two_nodes;
