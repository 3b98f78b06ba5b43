//! What the writer is asked for, and how its askers are answered.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::{
    AppendError, Appended, CreateError, Genesis, Known, Lives, ReadError, Snapshot, StreamId,
};

/// Something to be written, and the way back to who asked.
pub(super) enum Job {
    /// A stream to begin.
    Create(Request<Create, Result<(), CreateError>>),
    /// Entries to put at a stream's end.
    Append(Request<Append, Result<Appended, AppendError>>),
    /// A life to begin.
    Renew(Request<Renew, Result<Lives, ReadError>>),
    /// A stream whose row is to be written as it is.
    Touch(Request<StreamId, Result<(), AppendError>>),
    /// A snapshot to keep.
    Save(Request<Save, Result<(), AppendError>>),
}

/// What is asked, what is to be answered once the commit is on the disk, and to whom.
pub(super) struct Request<Ask, Said> {
    pub(super) ask: Ask,
    /// None until the turn came to it.
    pub(super) said: Option<Said>,
    to: oneshot::Sender<Said>,
}

/// A stream to begin.
pub(super) struct Create {
    pub(super) stream: StreamId,
    pub(super) genesis: Genesis,
}

/// Entries to put at a stream's end, and what who asks knows of it.
pub(super) struct Append {
    pub(super) stream: StreamId,
    pub(super) known: Known,
    pub(super) entries: Vec<Bytes>,
}

/// A life to begin, and the one that it is to follow.
pub(super) struct Renew {
    pub(super) stream: StreamId,
    pub(super) lost: u64,
    pub(super) epoch: u64,
}

/// A snapshot to keep, and its seal.
pub(super) struct Save {
    pub(super) stream: StreamId,
    pub(super) snapshot: Snapshot,
    pub(super) seal: [u8; 32],
}

impl<Ask, Said> Request<Ask, Said> {
    /// Not yet decided.
    pub(super) fn new(ask: Ask, to: oneshot::Sender<Said>) -> Self {
        Self { ask, said: None, to }
    }

    /// Answers. Nobody listening is nobody's fault: the asker's connection ended meanwhile.
    fn answer(self, said: impl FnOnce(Option<Said>) -> Said) {
        drop(self.to.send(said(self.said)));
    }
}

impl Job {
    /// Answers as decided in the turn, or, where the turn failed, that nothing is known.
    pub(super) fn answer(self, failure: Option<&str>) {
        let unknown = || anyhow::anyhow!(failure.unwrap_or("not reached").to_owned());
        match self {
            Self::Create(request) => request.answer(|said| match (failure, said) {
                (None, Some(said)) => said,
                _ => Err(CreateError::Unavailable(unknown())),
            }),
            Self::Append(request) => request.answer(|said| match (failure, said) {
                (None, Some(said)) => said,
                _ => Err(AppendError::Unavailable(unknown())),
            }),
            Self::Renew(request) => request.answer(|said| match (failure, said) {
                (None, Some(said)) => said,
                _ => Err(ReadError::Unavailable(unknown())),
            }),
            Self::Touch(request) => request.answer(|said| match (failure, said) {
                (None, Some(said)) => said,
                _ => Err(AppendError::Unavailable(unknown())),
            }),
            Self::Save(request) => request.answer(|said| match (failure, said) {
                (None, Some(said)) => said,
                _ => Err(AppendError::Unavailable(unknown())),
            }),
        }
    }
}
