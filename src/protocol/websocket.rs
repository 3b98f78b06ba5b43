//! WebSocket frames (RFC 6455), to and from bytes.
