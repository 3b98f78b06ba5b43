//! The audit: what can be told of the house from its log alone, by anyone who may read it.
//!
//! It replays each show from its first entry ([`Replay`]) and keeps books of its own beside it
//! ([`Books`]), too simple to be clever: a list of seats and who has each. What the show did and
//! what the books say must agree, entry by entry, and both must keep the house's promises. It only
//! reads, and uses no snapshot but to judge it.

mod books;
mod public;
mod replay;
mod tally;

use std::path::Path;
use std::sync::Arc;

use crate::catalogue::{Catalogue, CatalogueError};
use crate::log::sqlite::{FILE_NAME, OpenError, SqliteLog};
use crate::log::{Log, ReadError, StreamId};
use crate::show::ShowId;

use books::Books;
pub use public::{Checked, Doubt, PublicTicket, array_of_hex, check, entry_line, first_line, told};
pub use replay::{Replay, Step};
pub use tally::Tally;

/// What an audit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every promise was kept, so many times.
    Kept(Tally),
    /// The first break.
    Broken(Break),
}

/// Where a promise was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stream}: {what}")]
pub struct Break {
    /// The show, as `show NAME`, or the catalogue.
    pub stream: String,
    /// The entry and what is wrong with it.
    pub what: String,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A promise is broken: the audit goes no further.
    #[error(transparent)]
    Broken(#[from] Break),
    /// The log did not let itself be read.
    #[error("the log cannot be read")]
    Read(#[source] ReadError),
    /// The programme could not be read.
    #[error("the catalogue cannot be read")]
    Catalogue(#[source] CatalogueError),
}

/// The log kept in the data folder `data`, opened to read only: a server may be using it.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn open_log(data: &Path) -> Result<Arc<dyn Log>, OpenError> {
    Ok(Arc::new(SqliteLog::open_read_only(data.join(FILE_NAME))?))
}

/// Checks every show of the log.
///
/// # Errors
/// The log could not be read, so that nothing can be said.
pub async fn verify(log: Arc<dyn Log>) -> Result<Verdict, AuditError> {
    let mut tally = Tally::default();
    match verify_all(log, &mut tally).await {
        Ok(()) => Ok(Verdict::Kept(tally)),
        Err(AuditError::Broken(broken)) => Ok(Verdict::Broken(broken)),
        Err(error) => Err(error),
    }
}

async fn verify_all(log: Arc<dyn Log>, tally: &mut Tally) -> Result<(), AuditError> {
    let catalogue = programme(log.clone()).await?;
    if let Some(show) = catalogue.as_ref().and_then(|catalogue| catalogue.missing().pop()) {
        let what = "it is on the programme, but the log has no such stream".to_owned();
        return Err(Break { stream: format!("show {show}"), what }.into());
    }
    let streams = log.streams().await.map_err(|error| unreadable("the log", error))?;
    for stream in streams {
        if let Some(show) = ShowId::parse(stream.as_str()) {
            verify_show(&log, catalogue.as_ref(), &show, tally).await?;
        }
    }
    Ok(())
}

/// What is on the programme, where there is one. (A log of shows alone is sound too: nothing but
/// the seats' names and prices is missing.)
///
/// # Errors
/// It is damaged or could not be read.
pub async fn programme(log: Arc<dyn Log>) -> Result<Option<Catalogue>, AuditError> {
    // Asked first, because opening a catalogue that is not there would begin one.
    match log.genesis(&StreamId::catalogue()).await {
        Ok(_) => {}
        Err(ReadError::NoSuchStream) => return Ok(None),
        Err(error) => return Err(unreadable("the catalogue", error)),
    }
    match Catalogue::open(log).await {
        Ok(catalogue) => Ok(Some(catalogue)),
        Err(CatalogueError::Read(error)) => Err(unreadable("the catalogue", error)),
        Err(error @ CatalogueError::NotUnderstood { .. }) => {
            Err(Break { stream: "the catalogue".to_owned(), what: error.to_string() }.into())
        }
        Err(error) => Err(AuditError::Catalogue(error)),
    }
}

async fn verify_show(
    log: &Arc<dyn Log>,
    catalogue: Option<&Catalogue>,
    show: &ShowId,
    tally: &mut Tally,
) -> Result<(), AuditError> {
    let name = format!("show {show}");
    let stream = StreamId::show(show);
    let broken = |seq: u64, what: String| Break {
        stream: name.clone(),
        what: if seq == 0 { what } else { format!("entry {seq}: {what}") },
    };
    // Before the entries, so that beside a running server it cannot be ahead of them.
    let snapshot = log.load_snapshot(&stream).await.map_err(|error| unreadable(&name, error))?;
    let mut replay = Replay::open(log.clone(), catalogue, show).await?;
    let mut books = Books::new(replay.show().definition().clone());
    let mut judged_snapshot = false;
    loop {
        if let Some(snapshot) = &snapshot
            && !judged_snapshot
            && snapshot.known.position.seq == replay.head().seq
        {
            let alike = replay.is_at(snapshot).map_err(|what| broken(replay.head().seq, what))?;
            tally.snapshots += u64::from(alike);
            judged_snapshot = true;
        }
        let Some(step) = replay.step().await? else { break };
        let seq = step.recorded.seq;
        books.enter(&step, &replay, tally).map_err(|what| broken(seq, what))?;
        tally.entries += 1;
    }
    if let (Some(snapshot), false) = (&snapshot, judged_snapshot) {
        let (of, end) = (snapshot.known.position.seq, replay.head().seq);
        return Err(
            broken(of, format!("there is a snapshot of it, but the log ends at {end}")).into()
        );
    }
    books.close(replay.show(), tally).map_err(|what| broken(replay.head().seq, what))?;
    tally.shows += 1;
    Ok(())
}

/// Damage is a break; anything else says nothing of the log.
fn unreadable(stream: &str, error: ReadError) -> AuditError {
    match error {
        ReadError::Damaged(what) => Break { stream: stream.to_owned(), what }.into(),
        ReadError::NoSuchStream => {
            Break { stream: stream.to_owned(), what: "the log has no such stream".to_owned() }
                .into()
        }
        error @ ReadError::Unavailable(_) => AuditError::Read(error),
    }
}
