//! A WebSocket client as bare as can be, for what it costs is counted against the server: texts in
//! frames masked with zeros, and what comes is looked at no further than it must be.
#![allow(dead_code, reason = "each bench uses its part")]

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room for a few messages: where it is not filled, the runtime does not read a second time in vain.
const READ_BYTES: usize = 1_024;

/// A WebSocket of the barest kind.
pub(crate) struct Line {
    stream: TcpStream,
    /// What was read and not yet looked at.
    read: Vec<u8>,
    /// How much of it was looked at.
    at: usize,
}

impl Line {
    /// Opens a socket on a show.
    pub(crate) async fn open(address: SocketAddr, show: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let head = format!(
            "GET /v1/shows/{show}/live HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: usher.v1.json\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("a request");
        let mut line = Self { stream, read: Vec::with_capacity(READ_BYTES), at: 0 };
        loop {
            line.more().await;
            if let Some(end) = line.read.windows(4).position(|four| four == b"\r\n\r\n") {
                assert!(line.read.starts_with(b"HTTP/1.1 101"), "no upgrade");
                line.at = end + 4;
                return line;
            }
        }
    }

    async fn more(&mut self) {
        self.read.drain(..self.at);
        self.at = 0;
        let count = self.stream.read_buf(&mut self.read).await.expect("bytes");
        assert!(count > 0, "the server closed the line");
    }

    /// Sends a request and gives its answer: the first message with an id.
    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        loop {
            while let Some(message) = self.next_message() {
                if message.starts_with(br#"{"jsonrpc":"2.0","id""#) {
                    return String::from_utf8(message.to_vec()).expect("text");
                }
            }
            self.more().await;
        }
    }

    /// Sends a message, masked with zeros.
    pub(crate) async fn say(&mut self, text: &str) {
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(long as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        self.stream.write_all(&frame).await.expect("a message goes out");
    }

    /// The next message, whatever it is.
    pub(crate) async fn hear(&mut self) -> String {
        loop {
            if let Some(message) = self.next_message() {
                return String::from_utf8(message.to_vec()).expect("text");
            }
            self.more().await;
        }
    }

    fn next_message(&mut self) -> Option<&[u8]> {
        let rest = &self.read[self.at..];
        let (head, length) = match *rest.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]))),
            127 => {
                let long: [u8; 8] = rest.get(2..10)?.try_into().ok()?;
                (10, usize::try_from(u64::from_be_bytes(long)).ok()?)
            }
            short => (2, usize::from(short)),
        };
        let message = rest.get(head..head + length)?;
        self.at += head + length;
        Some(message)
    }
}
