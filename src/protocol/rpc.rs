//! JSON-RPC 2.0 messages, to and from text.
