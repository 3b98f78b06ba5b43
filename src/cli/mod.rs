//! The command line: one file or folder for each subcommand.

pub mod import;
pub mod load;
pub mod watch;
