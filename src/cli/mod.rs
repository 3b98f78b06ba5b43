//! The command line: subcommands, help and exit codes.
//!
//! Exit codes: 0 done; 1 it could not be done, or what was asked about is not so; 2 the command
//! line itself was wrong. What a command prints goes to standard output, everything else to
//! standard error.

pub mod copy;
pub mod export;
pub mod import;
pub mod keys;
pub mod load;
pub mod log;
pub mod place;
pub mod plan;
pub mod serve;
pub mod verify;
pub mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  usher                                    the demo house, on http://127.0.0.1:8080
  usher serve --demo-crowd 40              the same, with simulated buyers
  usher watch SHOW                         a live map of a show, in the terminal
  usher load --viewers 500 --buyers 20     how a running server bears a rush
  usher import plan hall.json --data DIR   a hall from a pretix-format seating plan
  usher serve --redis redis://HOST         one of many nodes of a house

`usher` alone is `usher serve`. `usher <COMMAND> --help` tells more.";

/// A live seat-map server: people buy seats, everybody watching sees it at once, and anyone can
/// check it from the log.
#[derive(Parser)]
#[command(name = "usher", version, after_help = EXAMPLES, arg_required_else_help = false)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::ServeArgs>),
    Import(plan::ImportArgs),
    Watch(watch::WatchArgs),
    Load(Box<load::LoadArgs>),
    Log(log::LogArgs),
    Verify(verify::VerifyArgs),
    Keys(keys::KeysArgs),
}

/// Runs the program and gives its exit code.
pub fn main() -> ExitCode {
    let line = CommandLine::parse_from(with_serve(std::env::args_os().collect()));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(async {
        match line.command {
            Command::Serve(args) => serve::run(*args).await.map(|()| ExitCode::SUCCESS),
            Command::Import(args) => plan::run(args).await,
            Command::Watch(args) => watch::run(args).await,
            Command::Load(args) => load::run(*args).await,
            Command::Log(args) => log::run(args).await,
            Command::Verify(args) => verify::run(args).await,
            Command::Keys(args) => keys::run(args).await,
        }
    });
    done.unwrap_or_else(|error| failed(&error))
}

/// `usher` and `usher --flag` mean `usher serve`; help and version are the program's own.
fn with_serve(mut words: Vec<OsString>) -> Vec<OsString> {
    const OWN: [&str; 4] = ["-h", "--help", "-V", "--version"];
    let first = words.get(1).map(|word| word.to_string_lossy().into_owned());
    let serves = first.is_none_or(|word| word.starts_with('-') && !OWN.contains(&word.as_str()));
    if serves {
        words.insert(words.len().min(1), "serve".into());
    }
    words
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("usher: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        let words = with_serve(line.iter().map(OsString::from).collect());
        words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn usher_alone_serves() {
        assert_eq!(words(&["usher"]), ["usher", "serve"]);
        assert_eq!(words(&["usher", "--demo", "none"]), ["usher", "serve", "--demo", "none"]);
        assert_eq!(words(&["usher", "--help"]), ["usher", "--help"]);
        assert_eq!(words(&["usher", "import", "plan"]), ["usher", "import", "plan"]);
    }

    #[test]
    fn every_flag_is_an_environment_variable_too() {
        fn check(command: &clap::Command) {
            let shown = command.get_arguments().filter(|flag| !flag.is_hide_set());
            for flag in shown.filter(|flag| flag.get_long().is_some()) {
                let long = flag.get_long().unwrap_or_default();
                let own = ["help", "version"].contains(&long);
                assert!(own || flag.get_env().is_some(), "--{long} has no variable");
            }
            command.get_subcommands().for_each(check);
        }
        check(&CommandLine::command());
    }
}
