//! A socket that follows one show, and the picture of the seats it keeps.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::protocol::ShowId;
use crate::protocol::picture::{Applied, Picture};
use crate::protocol::rpc::{FromServer, reply};
use crate::protocol::seats::{self, Format, SeatFrame};

use super::error::ClientError;
use super::house::{House, PATIENCE};

/// Buffers of one socket, each way. The library's own 128 KiB would make five thousand viewers
/// cost more than a gigabyte; a diff is a few bytes, and a larger frame is read in several turns.
const BUFFER_BYTES: usize = 4096;

/// The longest message taken from a server: the JSON snapshot of 200,000 seats is 67 KB.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// A position to resume from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// The life of the log.
    pub epoch: u64,
    /// The position in it.
    pub seq: u64,
}

/// What was received, counted since the socket opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Seat frames, snapshots among them.
    pub frames: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Bytes of messages; WebSocket's own few bytes around them are not counted.
    pub bytes: u64,
}

/// One message from the server.
#[derive(Debug)]
pub enum Heard {
    /// A seat frame; the picture is up to date with it.
    Seats(Applied),
    /// Anything else.
    Said(FromServer),
    /// A ping, answered already: the server is there.
    Ping,
}

/// A socket that follows one show.
#[derive(Debug)]
pub struct Viewer {
    socket: WebSocketStream<TcpStream>,
    format: Format,
    /// None until the first frame.
    picture: Option<Picture>,
    counters: Counters,
}

impl Viewer {
    /// Opens a socket, and waits for nothing but the upgrade. To resume, give the picture that is
    /// known: it is asked for what came after.
    pub async fn connect(
        house: &House,
        show: &ShowId,
        format: Format,
        known: Option<Picture>,
    ) -> Result<Self, ClientError> {
        let since = known.as_ref().map(|seen| Since { epoch: seen.epoch(), seq: seen.seq() });
        let socket = timeout(PATIENCE, open(house, show, format, since));
        let socket = socket.await.map_err(|_| unreachable(house, "no answer in time"))??;
        Ok(Self { socket, format, picture: known, counters: Counters::default() })
    }

    /// Opens a socket and waits for its first seat frame.
    pub async fn follow(house: &House, show: &ShowId, format: Format) -> Result<Self, ClientError> {
        let mut viewer = Self::connect(house, show, format, None).await?;
        while viewer.picture.is_none() {
            viewer.next().await?;
        }
        Ok(viewer)
    }

    /// The next message. Pings are answered as long as this is called. After an error the socket is of no use.
    ///
    /// Cancelling is safe: a message is either given or still to come.
    pub async fn next(&mut self) -> Result<Heard, ClientError> {
        loop {
            let closed = |code, reason| ClientError::Closed { code, reason };
            match self.socket.next().await {
                None => return Err(closed(1006, String::new())),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Message::Binary(frame))) => {
                    if self.format == Format::Json {
                        let why = "a binary message where JSON was asked for".to_owned();
                        return Err(ClientError::Message(why));
                    }
                    return self.see(&frame).map(Heard::Seats);
                }
                Some(Ok(Message::Text(text))) => return self.hear(text.as_str()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(match frame {
                        Some(frame) => closed(frame.code.into(), frame.reason.to_string()),
                        None => closed(1005, String::new()),
                    });
                }
                // The answer is queued by the library, and goes out with the next turn of this loop
                // or the next call.
                Some(Ok(Message::Ping(_))) => return Ok(Heard::Ping),
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
            }
        }
    }

    fn hear(&mut self, text: &str) -> Result<Heard, ClientError> {
        let said = reply::read(text).map_err(|why| ClientError::Message(why.to_string()))?;
        if !matches!(said, FromServer::SeatFrame) {
            self.counters.bytes += text.len() as u64;
            return Ok(Heard::Said(said));
        }
        if self.format == Format::Binary {
            let why = "a seat frame in JSON where binary was asked for".to_owned();
            return Err(ClientError::Message(why));
        }
        self.see(text.as_bytes()).map(Heard::Seats)
    }

    fn see(&mut self, frame: &[u8]) -> Result<Applied, ClientError> {
        let is_first = self.counters.frames == 0;
        self.counters.frames += 1;
        self.counters.bytes += frame.len() as u64;
        let frame = seats::decode(self.format, frame)?;
        if is_first && matches!(frame, SeatFrame::Snapshot { .. }) {
            // A node that is behind the one before, and could not catch up, begins where it is: only
            // on a living socket nothing goes back.
            self.picture = None;
        }
        let applied = Picture::apply(&mut self.picture, frame)?;
        self.counters.snapshots += u64::from(applied == Applied::Replaced);
        Ok(applied)
    }

    /// The seats as they are known; none before the first frame.
    pub fn picture(&self) -> Option<&Picture> {
        self.picture.as_ref()
    }

    /// Gives the picture away, to resume from with another socket.
    pub fn into_picture(self) -> Option<Picture> {
        self.picture
    }

    /// What was received so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Sends a text message as it is.
    pub async fn say(&mut self, text: String) -> Result<(), ClientError> {
        self.socket.send(Message::text(text)).await.map_err(ClientError::from)
    }

    /// Says goodbye: starts the closing handshake, and does not wait for its end.
    pub async fn close(mut self) -> Result<(), ClientError> {
        self.socket.close(None).await.map_err(ClientError::from)
    }
}

async fn open(
    house: &House,
    show: &ShowId,
    format: Format,
    since: Option<Since>,
) -> Result<WebSocketStream<TcpStream>, ClientError> {
    let query = since.map_or(String::new(), |at| format!("?since={}.{}", at.epoch, at.seq));
    let mut request = house.live(show, &query).into_client_request()?;
    let offered = match format {
        Format::Binary => HeaderValue::from_static("usher.v1"),
        Format::Json => HeaderValue::from_static("usher.v1.json"),
    };
    request.headers_mut().insert("Sec-WebSocket-Protocol", offered);
    let stream = TcpStream::connect(house.authority())
        .await
        .map_err(|why| unreachable(house, &why.to_string()))?;
    // A request is one small segment: waiting for company would only delay it.
    stream.set_nodelay(true).map_err(tungstenite::Error::Io)?;
    let sizes = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let (socket, _) =
        tokio_tungstenite::client_async_with_config(request, stream, Some(sizes)).await?;
    Ok(socket)
}

fn unreachable(house: &House, why: &str) -> ClientError {
    ClientError::Unreachable { at: house.authority(), why: why.to_owned() }
}
