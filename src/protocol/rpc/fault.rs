//! JSON-RPC's own errors: what is wrong with a message before any rule of a show is asked.

use super::request::Id;

/// A message that is not answered by the show's rules but by one of JSON-RPC's own codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// -32700.
    NotJson,
    /// -32600; with what is wrong.
    NotARequest(&'static str),
    /// -32601.
    NoSuchMethod,
    /// -32602; with what is wrong.
    WrongParams(String),
}

impl Fault {
    /// The fault of a wish that names an index which the hall does not have: only who has the hall
    /// can tell. `list` is the param's name.
    pub fn no_such_index(list: &str, index: u16) -> Self {
        Self::WrongParams(format!("{list} names {index}, which this hall does not have"))
    }

    /// JSON-RPC's number for it.
    pub fn code(&self) -> i32 {
        match self {
            Self::NotJson => -32700,
            Self::NotARequest(_) => -32600,
            Self::NoSuchMethod => -32601,
            Self::WrongParams(_) => -32602,
        }
    }

    /// A sentence for the client's author.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotJson => "This is not JSON.".to_owned(),
            Self::NotARequest(why) => format!("This is not a JSON-RPC 2.0 request: {why}."),
            Self::NoSuchMethod => "There is no such method.".to_owned(),
            Self::WrongParams(why) => format!("The params do not fit the method: {why}."),
        }
    }
}

/// A faulty message, and whom to answer.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// The id, where it can be told; else the answer's id is `null`.
    pub id: Option<Id>,
    /// What is wrong.
    pub fault: Fault,
}
