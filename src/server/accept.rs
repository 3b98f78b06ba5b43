//! Accepting connections and speaking HTTP on them, with every wait bounded, until told to stop.
//!
//! hyper is driven by hand because `axum::serve` has no bound on how long a request's head may
//! take. A connection that becomes a WebSocket leaves here for the hub.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use crate::config::{REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_TIME, REQUEST_HEADERS_MAX, WRITE_TIME};
use crate::web::{Patient, Peer};

/// When the system has no file to give for a connection, asking again at once would only burn the
/// time in which one could come free.
const PAUSE_WITHOUT_FILES: Duration = Duration::from_millis(100);

/// Everything under way, and the way to end it.
pub(super) struct Connections {
    router: Router,
    ending: watch::Sender<bool>,
    /// Each connection holds a sender and never uses it: when all are gone, so are they.
    here: mpsc::Sender<Infallible>,
    gone: mpsc::Receiver<Infallible>,
}

impl Connections {
    pub(super) fn new(router: Router) -> Self {
        let (here, gone) = mpsc::channel(1);
        Self { router, ending: watch::Sender::new(false), here, gone }
    }

    /// Accepts, for ever: its caller stops by dropping the future.
    pub(super) async fn accept(&self, listener: &TcpListener) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.begin(stream, peer),
                // The client was gone before it was greeted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_WITHOUT_FILES).await;
                }
            }
        }
    }

    /// Answers what was asked already, closes what is idle, and waits until every connection is
    /// gone. WebSockets are not among them: they are the hub's.
    pub(super) async fn end(mut self) {
        self.ending.send_replace(true);
        drop(self.here);
        // None, always: nobody sends.
        let None = self.gone.recv().await;
    }

    fn begin(&self, stream: TcpStream, peer: SocketAddr) {
        // Frames are small and each is wanted now. Where the system refuses, they come later.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with delays");
        }
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(REQUEST_HEAD_TIME)
            .max_buf_size(REQUEST_HEAD_BYTES_MAX)
            .max_headers(REQUEST_HEADERS_MAX);
        let stream = TokioIo::new(Patient::new(stream, WRITE_TIME));
        let connection = http.serve_connection(stream, service).with_upgrades();
        let mut ending = self.ending.subscribe();
        let here = self.here.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = async { drop(ending.wait_for(|ending| *ending).await) } => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                // Clients break off and trickle all the time: no failure of the house.
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            drop(here);
        });
    }
}
