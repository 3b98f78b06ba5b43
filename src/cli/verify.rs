//! `usher verify`: checks the house's promises against its log. It only reads.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::audit::{self, Verdict};

use super::place::PlaceArgs;

/// Check from the log alone that every promise was kept
///
/// Replays every show from its first entry, keeps books of its own beside it, and compares. Reads
/// only; a server may be running. Ends with 0 and a line for each promise, or with 1 and the first
/// break.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
}

/// Verifies, and says what came of it.
///
/// # Errors
/// There is no log, or it cannot be read, so that nothing can be said.
pub async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let log = args.place.place()?.open_read_only().await?;
    match audit::verify(log).await.context("the log cannot be verified")? {
        Verdict::Kept(tally) => {
            println!("{tally}");
            Ok(ExitCode::SUCCESS)
        }
        Verdict::Broken(broken) => {
            println!("BROKEN  {broken}");
            Ok(ExitCode::FAILURE)
        }
    }
}
