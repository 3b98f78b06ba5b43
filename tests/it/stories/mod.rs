//! Stories over real sockets: what PROTOCOL.md promises a client, asked of a whole house.
//!
//! [`Line`] is a socket without this crate's own client in between: it sees every message as it
//! comes, and says whatever it is told to. It applies seat frames as the protocol says and fails on
//! a gap.

pub(crate) mod admission;
mod arriving;
mod asking;
mod draining;
mod lapsing;
mod limits;
mod resuming;
mod slow;
mod telling;
mod waiting;
mod watching;

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use usher::protocol::picture::Picture;
use usher::protocol::seats::{self, Format, SeatFrame};
use usher::show::Time;

use crate::open_house::OpenHouse;

/// Longer than anything here takes on a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the clocks that are moved by hand begin with.
const NOW: Time = Time(1_800_000_000_000);

/// One message from the server.
#[derive(Debug)]
enum Heard {
    Seats(SeatFrame),
    Said(Value),
    Closed(u16),
}

/// A socket, as raw as it may be.
struct Line {
    socket: WebSocketStream<TcpStream>,
    /// The subprotocol that the server selected.
    selected: Option<String>,
    picture: Option<Picture>,
    /// What was told unasked and not looked at yet.
    notices: VecDeque<Value>,
    last_id: u64,
}

impl Line {
    /// Opens a socket on a show; JSON unless `offered` says otherwise.
    async fn open(house: &OpenHouse, show: &str, offered: Option<&'static str>) -> Self {
        Self::resume(house, show, offered, "").await
    }

    /// As [`Line::open`], with a query such as `?since=1.2`.
    async fn resume(
        house: &OpenHouse,
        show: &str,
        offered: Option<&'static str>,
        query: &str,
    ) -> Self {
        let stream = TcpStream::connect(house.address()).await.expect("a connection");
        Self::over(stream, house, show, offered, query).await.expect("an upgrade")
    }

    /// Over a connection that is there already.
    async fn over(
        stream: TcpStream,
        house: &OpenHouse,
        show: &str,
        offered: Option<&'static str>,
        query: &str,
    ) -> Result<Self, tungstenite::Error> {
        let address = format!("ws://{}/v1/shows/{show}/live{query}", house.address());
        let mut request = address.into_client_request().expect("an address");
        if let Some(offered) = offered {
            let offered = HeaderValue::from_static(offered);
            request.headers_mut().insert("Sec-WebSocket-Protocol", offered);
        }
        let (socket, response) = client_async(request, stream).await?;
        let selected = response.headers().get("Sec-WebSocket-Protocol");
        let selected = selected.map(|name| name.to_str().expect("text").to_owned());
        Ok(Self { socket, selected, picture: None, notices: VecDeque::new(), last_id: 0 })
    }

    /// A JSON socket that is identified; with its token.
    async fn identified(house: &OpenHouse, show: &str, token: Option<&str>) -> (Self, String) {
        let mut line = Self::open(house, show, None).await;
        let answer = line.ask("identify", json!({ "session": token })).await;
        let token = answer["result"]["session"].as_str().expect("a token").to_owned();
        (line, token)
    }

    async fn send(&mut self, message: Message) {
        self.socket.send(message).await.expect("sent");
    }

    async fn say(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    /// The next message, whatever it is. Seat frames are in the picture already.
    async fn next(&mut self) -> Heard {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("nothing came");
            let frame = match message {
                Some(Ok(Message::Binary(frame))) => {
                    assert_eq!(self.selected.as_deref(), Some("usher.v1"), "binary unasked for");
                    seats::decode(Format::Binary, &frame).expect("a seat frame")
                }
                Some(Ok(Message::Text(text))) => {
                    let said: Value = serde_json::from_str(&text).expect("JSON");
                    assert_eq!(said["jsonrpc"], "2.0", "{said}");
                    if said["method"] != "snapshot" && said["method"] != "diff" {
                        return Heard::Said(said);
                    }
                    assert_ne!(self.selected.as_deref(), Some("usher.v1"), "JSON unasked for");
                    seats::decode(Format::Json, text.as_bytes()).expect("a seat frame")
                }
                Some(Ok(Message::Close(frame))) => {
                    // As every client does: the answer goes out, then this side ends too. What is
                    // gone already need not be.
                    self.socket.flush().await.ok();
                    self.socket.get_mut().shutdown().await.ok();
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Heard::Closed(1006),
            };
            Picture::apply(&mut self.picture, frame.clone()).expect("the picture stays right");
            return Heard::Seats(frame);
        }
    }

    /// The first seat frame, which must be the first message of all.
    async fn first_frame(&mut self) -> SeatFrame {
        match self.next().await {
            Heard::Seats(frame) => frame,
            other => panic!("a seat frame comes first, not {other:?}"),
        }
    }

    /// The next response, with whatever id.
    async fn response(&mut self) -> Value {
        loop {
            match self.next().await {
                Heard::Said(said) if said.get("id").is_some() => return said,
                Heard::Said(notice) => self.notices.push_back(notice),
                Heard::Seats(_) => {}
                Heard::Closed(code) => panic!("closed with {code} instead of an answer"),
            }
        }
    }

    /// Asks, and gives the response, which must be to this request.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        self.say(request.to_string()).await;
        let answer = self.response().await;
        assert_eq!(answer["id"], self.last_id, "{answer}");
        answer
    }

    /// As [`Line::ask`], of what is to be granted.
    async fn granted(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.ask(method, params).await;
        assert!(answer["result"].is_object(), "{method}: {answer}");
        answer["result"].take()
    }

    /// As [`Line::ask`], of what is to be refused: the reason and its data.
    async fn refused(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.ask(method, params).await;
        assert_eq!(answer["error"]["code"], -32000, "{method}: {answer}");
        answer["error"]["data"].take()
    }

    /// The next thing told unasked.
    async fn notice(&mut self) -> Value {
        loop {
            if let Some(notice) = self.notices.pop_front() {
                return notice;
            }
            match self.next().await {
                Heard::Said(said) => {
                    assert!(said.get("id").is_none(), "an answer to nobody: {said}");
                    self.notices.push_back(said);
                }
                Heard::Seats(_) => {}
                Heard::Closed(code) => panic!("closed with {code} instead of a notice"),
            }
        }
    }

    /// Waits until the picture is of `seq` or later.
    async fn until(&mut self, seq: u64) -> &Picture {
        while self.picture.as_ref().is_none_or(|seen| seen.seq() < seq) {
            match self.next().await {
                Heard::Said(said) => self.notices.push_back(said),
                Heard::Seats(_) => {}
                Heard::Closed(code) => panic!("closed with {code} before {seq}"),
            }
        }
        self.picture.as_ref().expect("a picture")
    }

    /// Waits until the server closes; gives the code.
    async fn close_code(&mut self) -> u16 {
        loop {
            match self.next().await {
                Heard::Closed(code) => return code,
                Heard::Said(said) => self.notices.push_back(said),
                Heard::Seats(_) => {}
            }
        }
    }

    /// The position of the picture, as `since` wants it.
    fn since(&self) -> String {
        let picture = self.picture.as_ref().expect("a picture");
        format!("?since={}.{}", picture.epoch(), picture.seq())
    }
}

/// The picture over HTTP.
async fn snapshot(house: &OpenHouse, show: &str) -> Picture {
    let show = usher::show::ShowId::parse(show).expect("a name");
    house.for_clients().seats(&show).await.expect("a snapshot")
}

/// The position that an answer speaks of.
fn seq(result: &Value) -> u64 {
    result["seq"].as_u64().unwrap_or_else(|| panic!("no seq in {result}"))
}
