//! The client's side: requests to text, and what the server wrote from text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::notice::Notice;
use super::response::to_json;

/// A request's text. `params` must become a JSON object.
pub fn request<P: Serialize>(id: u64, method: &str, params: &P) -> String {
    #[derive(Serialize)]
    struct Message<'a, P> {
        jsonrpc: &'static str,
        id: u64,
        method: &'a str,
        params: &'a P,
    }
    to_json(&Message { jsonrpc: "2.0", id, method, params })
}

/// What the server said, seat frames aside.
#[derive(Debug)]
pub enum FromServer {
    /// The response to the request of this id; none where it is not one of
    /// this client's.
    Response(Option<u64>, Result<Box<RawValue>, RpcError>),
    /// Told unasked.
    Notice(Box<Notice>),
    /// A seat frame in JSON: to be read by [`super::super::seats::decode`].
    SeatFrame,
    /// Something newer than this client.
    Unknown,
}

/// A request's refusal or fault.
#[derive(Clone, Debug, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// -32000 for refusals, else one of JSON-RPC's own.
    pub code: i32,
    /// A sentence.
    pub message: String,
    /// What a refusal is about.
    #[serde(default)]
    pub data: Option<serde_json::Value>,
}

impl RpcError {
    /// The stable reason of a refusal; none for a fault.
    pub fn reason(&self) -> Option<&str> {
        self.data.as_ref()?.get("reason")?.as_str()
    }
}

/// Reads a text message from the server.
pub fn read(text: &str) -> Result<FromServer, serde_json::Error> {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        method: Option<Cow<'a, str>>,
        #[serde(borrow)]
        result: Option<&'a RawValue>,
        error: Option<RpcError>,
    }
    let message: Message<'_> = serde_json::from_str(text)?;
    if let Some(method) = message.method {
        return Ok(match &*method {
            "snapshot" | "diff" => FromServer::SeatFrame,
            _ => serde_json::from_str(text)
                .map_or(FromServer::Unknown, |notice| FromServer::Notice(Box::new(notice))),
        });
    }
    // This client's ids are whole numbers; any other is not one of its own.
    let id = message.id.and_then(|id| id.get().parse().ok());
    Ok(match (message.result, message.error) {
        (Some(result), _) => FromServer::Response(id, Ok(result.to_owned())),
        (None, Some(error)) => FromServer::Response(id, Err(error)),
        (None, None) => FromServer::Unknown,
    })
}
