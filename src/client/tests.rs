//! The client against a server that says what a test tells it to say.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::protocol::picture::{Applied, Lost};
use crate::protocol::rpc::{Notice, StorageState};
use crate::protocol::seats::{Format, Run, encode_diff, encode_snapshot};
use crate::protocol::{SeatState, ShowId};

use super::*;

type Socket = WebSocketStream<TcpStream>;

fn hamlet() -> ShowId {
    ShowId::parse("hamlet").unwrap()
}

/// A server of one socket; `play` is what it does. Gives the address, and what was asked for.
async fn server<F>(play: impl FnOnce(Socket) -> F + Send + 'static) -> (House, Asked)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = House::at(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (tell, asked) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // The error's size is the library's choice.
        #[allow(clippy::result_large_err)]
        let confirm = |request: &Request, mut response: Response| {
            let offered = request.headers()["sec-websocket-protocol"].clone();
            response.headers_mut().insert("sec-websocket-protocol", offered);
            // Not every test asks.
            tell.send(request.uri().to_string()).ok();
            Ok::<_, ErrorResponse>(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, confirm).await.unwrap();
        play(socket).await;
    });
    (house, asked)
}

type Asked = tokio::sync::oneshot::Receiver<String>;

fn snapshot(seq: u64) -> Message {
    Message::binary(encode_snapshot(Format::Binary, 1, seq, 8, &[0, 0]))
}

fn diff(from: u64, to: u64) -> Message {
    let held = [Run { gap: 2, length: 1, state: SeatState::Held }];
    Message::binary(encode_diff(Format::Binary, from, to, &held))
}

#[tokio::test]
async fn a_viewer_keeps_its_picture_by_the_frames_and_ends_on_a_gap() {
    let (house, _) = server(async |mut socket: Socket| {
        for frame in [snapshot(7), diff(6, 8), diff(7, 8), diff(9, 10)] {
            socket.send(frame).await.unwrap();
        }
    })
    .await;
    let mut viewer = Viewer::follow(&house, &hamlet(), Format::Binary).await.unwrap();
    assert!(matches!(viewer.next().await, Ok(Heard::Seats(Applied::Moved))));
    assert!(matches!(viewer.next().await, Ok(Heard::Seats(Applied::Known))));
    assert_eq!(viewer.picture().unwrap().state(2), SeatState::Held);
    let lost = viewer.next().await.unwrap_err();
    assert!(matches!(lost, ClientError::Lost(Lost::Gap { known: 8, from: 9 })), "{lost}");
    assert!(lost.is_breach());
    assert_eq!((viewer.counters().frames, viewer.counters().snapshots), (4, 1));
}

#[tokio::test]
async fn a_viewer_resumes_from_the_picture_it_has() {
    let (house, _) = server(async |mut socket: Socket| {
        socket.send(snapshot(7)).await.unwrap();
    })
    .await;
    let known = Viewer::follow(&house, &hamlet(), Format::Binary).await.unwrap().into_picture();
    let (house, asked) = server(async |mut socket: Socket| {
        socket.send(diff(7, 9)).await.unwrap();
    })
    .await;
    let mut viewer = Viewer::connect(&house, &hamlet(), Format::Binary, known).await.unwrap();
    assert!(matches!(viewer.next().await, Ok(Heard::Seats(Applied::Moved))));
    assert_eq!(viewer.picture().unwrap().seq(), 9);
    assert_eq!(asked.await.unwrap(), "/v1/shows/hamlet/live?since=1.7");
}

#[tokio::test]
async fn only_the_first_frame_of_a_socket_may_go_back() {
    let (first, _) = server(async |mut socket: Socket| {
        socket.send(snapshot(9)).await.unwrap();
    })
    .await;
    let known = Viewer::follow(&first, &hamlet(), Format::Binary).await.unwrap().into_picture();
    // Another node, which is behind the first and cannot catch up.
    let (second, _) = server(async |mut socket: Socket| {
        for seq in [7, 8, 7] {
            socket.send(snapshot(seq)).await.unwrap();
        }
    })
    .await;
    let mut viewer = Viewer::connect(&second, &hamlet(), Format::Binary, known).await.unwrap();
    for seq in [7, 8] {
        assert!(matches!(viewer.next().await.unwrap(), Heard::Seats(Applied::Replaced)));
        assert_eq!(viewer.picture().unwrap().seq(), seq);
    }
    let back = viewer.next().await.unwrap_err();
    let went_back = Lost::WentBack { known: 8, given: 7 };
    assert!(matches!(back, ClientError::Lost(lost) if lost == went_back), "{back}");
}

#[tokio::test]
async fn answers_find_their_questions_and_notices_are_kept() {
    let (house, _) = server(async |mut socket: Socket| {
        socket.send(snapshot(0)).await.unwrap();
        // Both questions are in before the first answer: the second one's comes first.
        for _ in 0..2 {
            socket.next().await.unwrap().unwrap();
        }
        for text in [
            r#"{"jsonrpc":"2.0","id":2,"result":{"seq":5}}"#,
            r#"{"jsonrpc":"2.0","method":"server.status","params":{"storage":"away"}}"#,
            r#"{"jsonrpc":"2.0","method":"from.the.future","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"No.",
                "data":{"reason":"no_such_hold"}}}"#,
            r#"{"jsonrpc":"2.0","id":9,"result":{}}"#,
        ] {
            socket.send(Message::text(text)).await.unwrap();
        }
    })
    .await;
    let mut buyer = Buyer::connect(&house, &hamlet(), Format::Binary, None).await.unwrap();
    let first = buyer.ask("release", &serde_json::json!({ "hold": "a" })).await.unwrap();
    let second = buyer.ask("release", &serde_json::json!({ "hold": "b" })).await.unwrap();
    let refused = buyer.answer::<Released>(first).await.unwrap_err();
    assert_eq!(refused.refusal(), Some("no_such_hold"));
    assert_eq!(buyer.answer::<Released>(second).await.unwrap().seq, 5);
    let away = Notice::ServerStatus { storage: StorageState::Away };
    assert_eq!(buyer.notice().await.unwrap(), away);
    let odd = buyer.next().await.unwrap_err();
    assert!(odd.is_breach(), "an answer to nobody's question: {odd}");
}

#[tokio::test]
async fn a_close_code_is_told() {
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;
    let (house, _) = server(async |mut socket: Socket| {
        let frame = CloseFrame { code: 4009.into(), reason: "too many".into() };
        socket.close(Some(frame)).await.unwrap();
    })
    .await;
    let closed = Viewer::follow(&house, &hamlet(), Format::Binary).await.unwrap_err();
    assert!(matches!(closed, ClientError::Closed { code: 4009, .. }), "{closed}");
    assert!(!closed.is_breach());
}

#[tokio::test]
async fn a_socket_that_is_not_opened_says_why_and_when_to_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = House::at(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 1024]).await.unwrap();
        assert!(read > 0, "a request");
        let body = r#"{"title":"Full","detail":"The house is full."}"#;
        let head = format!(
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
    });
    let refused = Viewer::follow(&house, &hamlet(), Format::Json).await.unwrap_err();
    match refused {
        ClientError::Refused { status: 503, retry_after_s: Some(3), said } => {
            // The library hands the body on only as far as it came with the head.
            assert!(said.is_empty() || said == "The house is full.", "{said}");
        }
        other => panic!("{other}"),
    }
}
