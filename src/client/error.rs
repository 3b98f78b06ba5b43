//! What can go wrong for a client.

use tokio_tungstenite::tungstenite;

use crate::protocol::picture::Lost;
use crate::protocol::rpc::RpcError;
use crate::protocol::seats::FrameFault;

/// What went wrong. Every kind but [`ClientError::Rpc`] ends the connection it came from.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one of a server.
    #[error("{0}")]
    Address(String),
    /// Nobody answered there, or not in time.
    #[error("cannot reach {at}: {why}")]
    Unreachable {
        /// Where.
        at: String,
        /// What the network said.
        why: String,
    },
    /// The server answered, but not with what was asked for.
    #[error("the server answered {status}: {said}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The problem's title, or the start of the body.
        said: String,
        /// After how many seconds it may be tried again, where the server said so.
        retry_after_s: Option<u64>,
    },
    /// The server closed the socket.
    #[error("the server closed the socket ({code}{})", if reason.is_empty() { String::new() } else { format!(": {reason}") })]
    Closed {
        /// The close code; 1005 where none was given, 1006 where the socket just ended.
        code: u16,
        /// What the server added.
        reason: String,
    },
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(Box<tungstenite::Error>),
    /// A frame that the protocol does not allow.
    #[error("a faulty seat frame: {0}")]
    Frame(#[from] FrameFault),
    /// The picture of the seats cannot be right any more.
    #[error("the picture of the seats is lost: {0}")]
    Lost(#[from] Lost),
    /// A message that the protocol does not allow.
    #[error("a faulty message: {0}")]
    Message(String),
    /// The request was refused, or was faulty.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

impl ClientError {
    /// Whether the server broke its promises, rather than said no or went away.
    pub fn is_breach(&self) -> bool {
        matches!(self, Self::Frame(_) | Self::Lost(_) | Self::Message(_))
    }

    /// The stable reason, where this is a refusal by the show's rules.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Rpc(error) => error.reason(),
            _ => None,
        }
    }
}

impl From<tungstenite::Error> for ClientError {
    fn from(error: tungstenite::Error) -> Self {
        use tungstenite::error::ProtocolError;
        match error {
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed
            | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Closed { code: 1006, reason: String::new() }
            }
            tungstenite::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionReset => {
                Self::Closed { code: 1006, reason: String::new() }
            }
            tungstenite::Error::Http(response) => {
                let header = response.headers().get("retry-after");
                let body = response.body().as_deref().unwrap_or_default();
                Self::Refused {
                    status: response.status().as_u16(),
                    said: said(body),
                    retry_after_s: header.and_then(|value| value.to_str().ok()?.parse().ok()),
                }
            }
            other => Self::Socket(Box::new(other)),
        }
    }
}

/// A problem's own words (RFC 9457), or the start of a body that is none.
pub(super) fn said(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    const ENOUGH: usize = 200;
    match serde_json::from_slice(body) {
        Ok(Problem { detail: Some(detail), .. }) => detail,
        Ok(Problem { title: Some(title), .. }) => title,
        _ => String::from_utf8_lossy(&body[..body.len().min(ENOUGH)]).into_owned(),
    }
}
